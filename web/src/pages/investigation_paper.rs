//! The exported evidence: report, readable page, proofs and key, as files of one folder or archive.

use crate::pages::investigation_lines::{self as lines, Lines};
use askama::Template;
use desk::investigate::{Answer, Investigation};
use plan::Lang;

/// A file name in a tar archive's old form.
const MOST_NAME_BYTES: usize = 100;
const BLOCK: usize = 512;

/// One file of an export, its name with `/` between folders.
pub struct ExportFile {
    pub name: String,
    pub bytes: Vec<u8>,
}

#[derive(Template)]
#[template(path = "investigation_paper.html")]
struct Paper<'a> {
    l: Lines,
    r: &'a Investigation,
    lang: &'static str,
    style: &'static str,
    key: &'a str,
    unproven: u64,
}

/// A rule in words, or as it is where it is one of the operator's own.
pub fn rule_name(rule: &str, lang: Lang) -> String {
    lines::rule_name(rule, document::words(lang))
}

/// The files of an answer, the page in this language.
pub fn export_files(answer: &Answer, lang: Lang) -> Result<Vec<ExportFile>, serde_json::Error> {
    let page = Paper {
        l: Lines::of(&answer.report, document::words(lang)),
        r: &answer.report,
        lang: lang.tag(),
        style: document::report::STYLE,
        key: answer.verifier_key.trim(),
        unproven: answer.unproven,
    };
    let file = |name: &str, bytes: Vec<u8>| ExportFile {
        name: name.to_owned(),
        bytes,
    };
    let mut files = vec![
        file("report.json", serde_json::to_vec_pretty(&answer.report)?),
        // Rendering into a String fails only where a value's Display does, and texts do not.
        file(
            "report.html",
            page.render().unwrap_or_default().into_bytes(),
        ),
        file(
            "key.vkey",
            format!("{}\n", answer.verifier_key.trim()).into_bytes(),
        ),
    ];
    files.extend(answer.proofs.iter().map(|proof| ExportFile {
        name: format!("proofs/{}", proof.file_name()),
        bytes: proof.bundle.clone().into_bytes(),
    }));
    Ok(files)
}

/// The files as one tar archive (POSIX.1-1988 ustar), below the folder `top`.
pub(crate) fn archive(top: &str, files: &[ExportFile], made_s: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for file in files {
        let name = format!("{top}/{}", file.name);
        out.extend_from_slice(&header(&name, file.bytes.len(), made_s));
        out.extend_from_slice(&file.bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    // Two empty blocks end an archive.
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

fn header(name: &str, size: usize, made_s: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    // Our names are short: a log, a number, an ending.
    put(0, &name.as_bytes()[..name.len().min(MOST_NAME_BYTES)]);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, format!("{made_s:011o}\0").as_bytes());
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_whole_blocks_and_true_sums() {
        let files = [
            ExportFile {
                name: "a.txt".to_owned(),
                bytes: b"hello".to_vec(),
            },
            ExportFile {
                name: "proofs/b".to_owned(),
                bytes: vec![7; 600],
            },
        ];
        let bytes = archive("top", &files, 1_700_000_000);
        assert_eq!(bytes.len(), 512 + 512 + 512 + 1024 + 1024);
        assert_eq!(&bytes[..9], b"top/a.txt");
        assert_eq!(&bytes[512..517], b"hello");
        let second = &bytes[1024..1536];
        let mut blank = second.to_vec();
        blank[148..156].fill(b' ');
        let sum: u32 = blank.iter().map(|b| u32::from(*b)).sum();
        let told = std::str::from_utf8(&second[148..154]).unwrap();
        assert_eq!(u32::from_str_radix(told, 8).unwrap(), sum);
        assert_eq!(&second[124..135], b"00000001130");
    }
}
