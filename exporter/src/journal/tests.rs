use bytes::Bytes;
use modelwatch_exporter_core::batch::Format;
use modelwatch_exporter_core::idempotency::Key;
use modelwatch_exporter_core::time::Time;

use super::*;

const FORMAT: u8 = 7;

fn record(text: &'static str) -> Record {
    let body = Bytes::from_static(text.as_bytes());
    Record { received_at: Time(7), format: Format::Ndjson, key: None, body }
}

fn decode(format: u8, bytes: &[u8]) -> Result<Vec<u8>, String> {
    assert_eq!(format, FORMAT);
    if bytes == b"nonsense" { Err("it is nonsense".to_owned()) } else { Ok(bytes.to_owned()) }
}

fn open(folder: &Path) -> (Journal, Recovery<Vec<u8>>) {
    Journal::open(folder, Durability::Fsync, decode).unwrap()
}

fn bodies(recovery: &Recovery<Vec<u8>>) -> Vec<&str> {
    recovery.records.iter().map(|record| std::str::from_utf8(&record.body).unwrap()).collect()
}

#[test]
fn what_was_appended_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, recovery) = open(folder.path());
    assert!(recovery.state.is_none() && recovery.records.is_empty());
    journal.append(&[&record("a"), &record("b")]).unwrap();
    journal.append(&[&Record { format: Format::Json, ..record("c") }]).unwrap();
    drop(journal);
    let (_, recovery) = open(folder.path());
    assert_eq!(bodies(&recovery), ["a", "b", "c"]);
    assert_eq!((recovery.records[2].format, recovery.records[0].received_at), (Format::Json, Time(7)));
}

#[test]
fn keys_stand_beside_their_batches_and_batches_without_one_are_written_as_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    let keyed = Record { key: Some(Key::new("serving", "batch-1")), ..record("a") };
    let empty = Record { key: Some(Key::new("", "k")), format: Format::Json, ..record("") };
    let all = [keyed, empty, record("c")];
    journal.append(&all.iter().collect::<Vec<_>>()).unwrap();
    drop(journal);
    assert_eq!(open(folder.path()).1.records, all);
    let written = std::fs::read(folder.path().join(journal_name(0))).unwrap();
    // length, checksum, time, format, body: the layout of journals from before keys
    assert_eq!(written[written.len() - 18..written.len() - 14], [10, 0, 0, 0]);
    assert_eq!(written[written.len() - 10..], *b"\x07\0\0\0\0\0\0\0\0c");
}

#[test]
fn a_key_that_is_longer_than_its_batch_is_damage() {
    let mut bytes = Vec::new();
    Record { key: Some(Key::new("", "key")), ..record("body") }.encode(&mut bytes);
    bytes[17] = 200;
    let checksum = crc32fast::hash(&bytes[8..]);
    bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
    assert!(!Record::decode(&Bytes::from(bytes)).is_sound());
}

#[test]
fn a_torn_end_is_cut_and_appending_goes_on_behind_the_sound_part() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    journal.append(&[&record("whole"), &record("torn")]).unwrap();
    drop(journal);
    let path = folder.path().join(journal_name(0));
    for cut in 1..16 {
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let (mut journal, recovery) = open(folder.path());
        assert_eq!(bodies(&recovery), ["whole"], "cut by {cut}");
        journal.append(&[&record("torn")]).unwrap();
        drop(journal);
        assert_eq!(bodies(&open(folder.path()).1), ["whole", "torn"]);
    }
}

#[test]
fn a_flipped_bit_ends_the_sound_part() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    journal.append(&[&record("sound"), &record("flipped")]).unwrap();
    drop(journal);
    let path = folder.path().join(journal_name(0));
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(bodies(&open(folder.path()).1), ["sound"]);
}

#[test]
fn a_damaged_batch_costs_itself_and_not_those_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    journal.append(&[&record("first"), &record("damaged"), &record("last")]).unwrap();
    drop(journal);
    let path = folder.path().join(journal_name(0));
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(7).position(|part| part == b"damaged").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(bodies(&open(folder.path()).1), ["first", "last"]);
}

#[test]
fn a_snapshot_that_makes_no_sense_falls_back_too() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    journal.rotate().unwrap().save(FORMAT, b"sense").unwrap();
    journal.append(&[&record("between")]).unwrap();
    journal.rotate().unwrap().save(FORMAT, b"nonsense").unwrap();
    drop(journal);
    let (_, recovery) = open(folder.path());
    assert_eq!((recovery.state.as_deref(), bodies(&recovery)), (Some(&b"sense"[..]), vec!["between"]));
}

#[test]
fn a_snapshot_says_the_format_of_its_state() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    journal.rotate().unwrap().save(FORMAT, b"state").unwrap();
    let path = folder.path().join(snapshot::name(1));
    let mut bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes[..4], *b"mwx7");
    bytes[3] = b'x';
    std::fs::write(path, bytes).unwrap();
    assert_eq!(snapshot::read(folder.path(), 1).unwrap_err(), "it is no snapshot");
}

#[test]
fn a_snapshot_takes_the_place_of_the_batches_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    journal.append(&[&record("before")]).unwrap();
    journal.rotate().unwrap().save(FORMAT, b"state").unwrap();
    journal.append(&[&record("after")]).unwrap();
    drop(journal);
    let (_, recovery) = open(folder.path());
    assert_eq!(recovery.state.as_deref(), Some(&b"state"[..]));
    assert_eq!(bodies(&recovery), ["after"]);
}

#[test]
fn batches_after_a_rotation_whose_snapshot_was_never_finished_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    journal.append(&[&record("before")]).unwrap();
    let _unsaved = journal.rotate().unwrap();
    journal.append(&[&record("after")]).unwrap();
    drop(journal);
    assert_eq!(bodies(&open(folder.path()).1), ["before", "after"]);
}

#[test]
fn a_damaged_snapshot_falls_back_to_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    for step in ["1", "2", "3"] {
        journal.append(&[&record(step.to_owned().leak())]).unwrap();
        journal.rotate().unwrap().save(FORMAT, step.as_bytes()).unwrap();
    }
    drop(journal);
    let newest = folder.path().join(snapshot::name(3));
    let mut bytes = std::fs::read(&newest).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&newest, bytes).unwrap();
    let (_, recovery) = open(folder.path());
    assert_eq!(recovery.state.as_deref(), Some(&b"2"[..]));
    assert_eq!(bodies(&recovery), ["3"]);
}

#[test]
fn only_the_two_newest_generations_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    for _ in 0..5 {
        journal.rotate().unwrap().save(FORMAT, b"state").unwrap();
    }
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "journal-000000000004",
            "journal-000000000005",
            "lock",
            "snapshot-000000000004",
            "snapshot-000000000005"
        ]
    );
}

#[test]
fn without_any_sound_snapshot_it_says_so_instead_of_beginning_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    for _ in 0..3 {
        journal.rotate().unwrap().save(FORMAT, b"state").unwrap();
    }
    drop(journal);
    for generation in [2, 3] {
        std::fs::write(folder.path().join(snapshot::name(generation)), b"mwx2").unwrap();
    }
    let error = Journal::open(folder.path(), Durability::Os, decode).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
}

#[test]
fn a_journal_that_is_missing_is_no_empty_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    for _ in 0..3 {
        journal.append(&[&record("batch")]).unwrap();
        let _unsaved = journal.rotate().unwrap();
    }
    drop(journal);
    std::fs::remove_file(folder.path().join(journal_name(0))).unwrap();
    let error = Journal::open(folder.path(), Durability::Os, decode).unwrap_err().to_string();
    assert!(error.contains("journal-000000000000 is missing"), "{error}");
}

#[test]
fn a_second_process_is_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());
    let error = Journal::open(folder.path(), Durability::Os, decode).unwrap_err();
    assert!(matches!(error, JournalError::Locked(_)), "{error}");
}

#[test]
fn a_full_disk_refuses_a_batch_and_keeps_those_before() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    journal.append(&[&record("kept")]).unwrap();
    let sound =
        std::mem::replace(&mut journal.file, OpenOptions::new().write(true).open("/dev/full").unwrap());
    assert_eq!(journal.append(&[&record("refused")]).unwrap_err().kind(), io::ErrorKind::StorageFull);
    journal.file = sound;
    journal.append(&[&record("next")]).unwrap();
    drop(journal);
    assert_eq!(bodies(&open(folder.path()).1), ["kept", "next"]);
}
