//! Untrusted input: files of a journal changed at random places, in any way.

use crate::support::{Folder, verify};
use journal::{JournalError, proof};
use proptest::prelude::*;
use std::fs;

#[derive(Clone, Debug)]
enum Edit {
    Put(usize, Vec<u8>),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    /// Copies a piece of the file over another place.
    Copy(usize, usize, usize),
    Truncate(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let bytes = || proptest::collection::vec(any::<u8>(), 1..40);
    let at = || 0..4_000_usize;
    prop_oneof![
        (at(), bytes()).prop_map(|(at, bytes)| Edit::Put(at, bytes)),
        (at(), bytes()).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (at(), 1..300_usize).prop_map(|(at, count)| Edit::Remove(at, count)),
        (at(), at(), 1..300_usize).prop_map(|(from, to, count)| Edit::Copy(from, to, count)),
        at().prop_map(Edit::Truncate),
    ]
}

fn apply(edit: Edit, file: &mut Vec<u8>) {
    let within = |at: usize| at % (file.len() + 1);
    match edit {
        Edit::Put(at, bytes) => {
            let at = within(at);
            let end = (at + bytes.len()).min(file.len());
            file.splice(at..end, bytes);
        }
        Edit::Insert(at, bytes) => {
            let at = within(at);
            file.splice(at..at, bytes);
        }
        Edit::Remove(at, count) => {
            let at = within(at);
            file.drain(at..(at + count).min(file.len()));
        }
        Edit::Copy(from, to, count) => {
            let (from, to) = (within(from), within(to));
            let piece = file[from..(from + count).min(file.len())].to_vec();
            let end = (to + piece.len()).min(file.len());
            file.splice(to..end, piece);
        }
        Edit::Truncate(at) => file.truncate(within(at)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]
    #[test]
    fn any_change_is_found_and_none_is_opened_silently(
        picked in prop_oneof![3 => Just(0_usize), 1 => 1..3_usize],
        edits in proptest::collection::vec(edit(), 1..5),
    ) {
        let folder = Folder::new();
        folder.write_groups(&[9, 1, 20, 3, 30]);
        let name = ["00000000000000000000.seg", "tile.0", "offsets"][picked];
        let path = folder.ledger().join(name);
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        edits.into_iter().for_each(|edit| apply(edit, &mut changed));
        fs::write(&path, &changed).unwrap();
        let faults = verify(folder.path(), &folder, None);
        prop_assert_eq!(faults.is_empty(), changed == whole);
        match folder.open_ledger() {
            // Derived files are made again; of a segment only bytes behind its end were dropped.
            Ok((log, recovery)) => {
                prop_assert_eq!(recovery.size, 63);
                drop(log);
                prop_assert_eq!(fs::read(&path).unwrap(), whole);
                prop_assert_eq!(folder.verify_ledger(), []);
            }
            Err(error) => {
                let named = matches!(
                    error,
                    JournalError::Damaged { .. } | JournalError::AcknowledgedMissing { .. }
                );
                prop_assert!(named, "{}", error);
                prop_assert_eq!(fs::read(&path).unwrap(), changed);
            }
        }
    }

    #[test]
    fn any_text_is_refused_as_a_proof(
        lines in proptest::collection::vec("(c2sp.org/tlog-proof@v1|extra [A-Z=]{0,9}|index [0-9]{0,20}|[A-Za-z0-9+/]{43}=|shop.example/journal|[0-9]{0,21}|— shop.example/journal [A-Za-z0-9+/=]{0,100}|)", 0..12),
    ) {
        let vkey = Folder::new().key().vkey();
        prop_assert!(proof::open(&lines.join("\n"), &vkey).is_err());
        prop_assert!(proof::verify(&lines.join("\n"), b"", &vkey).is_err());
    }
}
