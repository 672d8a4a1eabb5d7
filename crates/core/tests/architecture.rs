//! The tree of the core: its rooms use one another in one direction only.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The rooms, in the order in which an edit passes through them. A room uses those before it.
const ROOMS: [&str; 9] = ["base", "text", "event", "curation", "log", "dataset", "training", "gate", "policy"];

/// What each room uses, with a file that does.
type Uses = BTreeMap<(String, String), PathBuf>;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The code of a file, without comments and without its tests: tests may use whatever shows the case best.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn uses() -> Uses {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_code = |path: &PathBuf| {
        let is_test = path.ends_with("tests.rs") || path.ends_with("measured.rs");
        path.extension().is_some_and(|extension| extension == "rs") && !is_test && !path.ends_with("src/lib.rs")
    };
    let mut uses = Uses::new();
    for path in files(&source).into_iter().filter(is_code) {
        let inside = path.strip_prefix(&source).unwrap().with_extension("");
        let room = inside.iter().next().unwrap().to_str().unwrap().to_owned();
        let code = code(&path);
        for used in code.split("crate::").skip(1) {
            let name: String = used.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            if name != room {
                uses.insert((room.clone(), name), inside.clone());
            }
        }
    }
    uses
}

#[test]
fn every_room_uses_only_rooms_before_it() {
    let place = |room: &str| ROOMS.iter().position(|known| *known == room);
    for ((room, used), file) in uses() {
        let (room, used) =
            (place(&room), place(&used).unwrap_or_else(|| panic!("{} uses crate::{used}", file.display())));
        assert!(room.is_some_and(|room| used < room), "{} uses {}", file.display(), ROOMS[used]);
    }
}

#[test]
fn every_file_is_in_a_room() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let found: BTreeSet<_> = std::fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path()).collect();
    let names = found.iter().map(|path| path.file_stem().unwrap().to_str().unwrap());
    assert_eq!(names.filter(|name| *name != "lib").collect::<BTreeSet<_>>(), BTreeSet::from(ROOMS));
}
