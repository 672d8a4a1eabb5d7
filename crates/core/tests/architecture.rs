//! The architecture of the core: its rooms use one another in one direction, and no two modules use each other.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The rooms, in the order in which an edit passes through them. A room uses only those before it.
const ROOMS: [&str; 9] = ["base", "text", "event", "curation", "log", "dataset", "training", "gate", "policy"];

/// A module: its room, and its name within that. A file of a folder belongs to the folder's module.
type Module = (String, String);

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Returns the path of a file's module, below the crate root. `None`: it has no product code, or only re-exports.
fn path_of(file: &Path) -> Option<Vec<String>> {
    let inside = file.strip_prefix(source()).unwrap().with_extension("");
    let mut path: Vec<_> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    path.pop_if(|name| name == "mod");
    let is_test = path.last().is_some_and(|name| name == "tests" || name == "measured");
    let is_code = file.extension().is_some_and(|extension| extension == "rs") && !is_test && path != ["lib"];
    let is_room = path.len() == 1 && path[0] != "policy";
    (is_code && !is_room).then_some(path)
}

/// Returns the code of a file, without comments and tests: a test may use any module.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Returns the paths below the crate root that a module's code names.
fn named(code: &str, path: &[String]) -> Vec<Vec<String>> {
    let is_of_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let words = code.split(|letter| !is_of_path(letter)).filter(|word| word.contains("::"));
    let named = words.filter_map(|word| {
        let parts: Vec<_> = word.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let up = parts.iter().take_while(|part| *part == "super").count();
        match parts.first()?.as_str() {
            "crate" => Some(parts[1..].to_vec()),
            "super" => Some([&path[..path.len().checked_sub(up)?], &parts[up..]].concat()),
            _ => None,
        }
    });
    named.collect()
}

/// Returns the module that a re-exported name comes from.
fn told_on(room: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(source().join(room).join("mod.rs")).ok()?;
    let uses = text.split("use ").skip(1).map(|told| told.split(';').next().unwrap());
    let is_name =
        |part: &str| part.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|part| part == name);
    uses.filter_map(|told| told.split_once("::")).find(|(_, names)| is_name(names)).map(|(module, _)| module.to_owned())
}

/// Returns the modules that each module uses.
fn uses() -> BTreeMap<Module, BTreeSet<Module>> {
    let paths: Vec<_> = files(&source()).into_iter().filter_map(|file| Some((path_of(&file)?, file))).collect();
    let module = |path: &[String]| (path[0].clone(), path.get(1).cloned().unwrap_or_default());
    let known: BTreeSet<Module> = paths.iter().map(|(path, _)| module(path)).collect();
    let mut uses: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (path, file) in &paths {
        for used in named(&code(file), path).into_iter().filter(|used| used.len() > 1 || used == &["policy"]) {
            let used = match module(&used) {
                used if known.contains(&used) => used,
                (room, name) => match told_on(&room, &name) {
                    Some(module) => (room, module),
                    None if room == "policy" => (room, String::new()),
                    None => panic!("{}: crate::{room}::{name} is of no module", file.display()),
                },
            };
            if used != module(path) {
                uses.entry(module(path)).or_default().insert(used);
            }
        }
    }
    uses
}

#[test]
fn every_room_uses_only_rooms_before_it() {
    let place = |room: &str| ROOMS.iter().position(|known| *known == room).unwrap();
    for (module, used) in uses() {
        for used in used.iter().filter(|used| used.0 != module.0) {
            assert!(place(&used.0) < place(&module.0), "{module:?} uses {used:?}");
        }
    }
}

#[test]
fn no_module_uses_one_that_uses_it() {
    let mut uses = uses();
    let all: BTreeSet<Module> = uses.values().flatten().chain(uses.keys()).cloned().collect();
    assert!(all.len() > 90, "only {} modules were found", all.len());
    // A module that uses none of the remaining ones cannot be part of a cycle.
    loop {
        let left: BTreeSet<Module> = uses.keys().cloned().collect();
        uses.values_mut().for_each(|used| used.retain(|used| left.contains(used)));
        uses.retain(|_, used| !used.is_empty());
        if uses.len() == left.len() {
            break;
        }
    }
    assert!(uses.is_empty(), "these use each other: {uses:#?}");
}

#[test]
fn every_file_is_in_a_room() {
    let found: BTreeSet<_> = std::fs::read_dir(source()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let names = found.iter().map(|path| path.file_stem().unwrap().to_str().unwrap());
    assert_eq!(names.filter(|name| *name != "lib").collect::<BTreeSet<_>>(), BTreeSet::from(ROOMS));
}
