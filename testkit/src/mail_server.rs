//! A real SMTP server (aiosmtpd) that tells every letter it takes.

use crate::{Certificates, Program, Running};
use std::path::Path;
use std::time::Duration;

/// For a start, and for one letter.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct MailServer {
    pub running: Running,
    pub port: u16,
}

impl MailServer {
    /// `mode` is `plain`, `starttls`, `implicit` or `silent`; users `later` and `nobody` are refused.
    pub fn start(mode: &str, certificates: Option<&Certificates>) -> Self {
        let script = include_str!("smtp_server.py");
        let mut program =
            Program::at(Path::new("/usr/bin/python3")).args(["-u", "-c", script, mode]);
        if let Some(files) = certificates {
            program = program.args([&files.certificate, &files.key]);
        }
        let running = program.start();
        let line = running.wait_for_line(|line| line.starts_with("{\"port\""), PATIENCE);
        let digits: String = line.chars().filter(char::is_ascii_digit).collect();
        let port = digits.parse().expect("the server says its port");
        Self { running, port }
    }

    /// The letter whose text holds this word, as the server's line of JSON.
    pub fn letter(&self, word: &str) -> String {
        let has = |line: &str| line.starts_with("{\"sender\"") && line.contains(word);
        self.running.wait_for_line(has, PATIENCE)
    }

    pub fn letters(&self) -> usize {
        let lines = self.running.stdout();
        let letters = lines.iter().filter(|l| l.starts_with("{\"sender\""));
        letters.count()
    }
}
