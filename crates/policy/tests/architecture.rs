//! The architecture: the crates of the domain use one another in one direction and do no I/O, and no two modules use each other.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::Table;

/// The crates that decide, in the order in which an edit passes through them. A crate uses only those before it.
const DOMAIN: [&str; 12] = [
    "base", "text", "event", "import", "toxicity", "audit", "log", "curation", "dataset", "training", "gate", "policy",
];

/// The crates that do I/O with what the domain decides.
const EDGES: [&str; 7] = ["cli", "lake", "operator", "runtime", "table", "trainer", "worker"];

/// The crate of build scripts.
const BUILD: [&str; 1] = ["engine"];

/// A module: its crate, and its name there. A file of a folder belongs to the folder's module.
type Module = (String, String);

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the crates of ours that a crate names in `[dependencies]`, without their prefix, and all others.
fn dependencies(name: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let manifest = std::fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap();
    let manifest: Table = manifest.parse().unwrap();
    let names = manifest["dependencies"].as_table().unwrap().keys().cloned();
    let (ours, others): (BTreeSet<_>, _) = names.partition(|name| name.starts_with("flywheel-"));
    (ours.iter().map(|name| name.trim_start_matches("flywheel-").to_owned()).collect(), others)
}

/// Returns all crates of ours that a crate compiles.
fn compiled_by(name: &str) -> BTreeSet<String> {
    let direct = dependencies(name).0;
    direct.iter().flat_map(|used| compiled_by(used)).chain(direct.clone()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Returns the path of a file's module, below its crate. `None`: it has no product code.
fn path_of(source: &Path, file: &Path) -> Option<Vec<String>> {
    let inside = file.strip_prefix(source).unwrap().with_extension("");
    let mut path: Vec<_> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    path.pop_if(|name| name == "mod");
    let is_test = path.last().is_some_and(|name| name == "tests" || name == "measured");
    (file.extension().is_some_and(|extension| extension == "rs") && !is_test).then_some(path)
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
    named.filter(|named| !named.is_empty()).collect()
}

/// Returns the module that a name re-exported by the crate's root comes from.
fn origin(root: &str, name: &str) -> Option<String> {
    let uses = root.split("use ").skip(1).map(|used| used.split(';').next().unwrap());
    let is_name =
        |part: &str| part.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|part| part == name);
    uses.filter_map(|used| used.split_once("::")).find(|(_, names)| is_name(names)).map(|(module, _)| module.to_owned())
}

/// Returns the modules that each module of a crate uses. A crate's root is a module only if it is more than re-exports.
fn uses(name: &str) -> BTreeMap<Module, BTreeSet<Module>> {
    let source = crates().join(name).join("src");
    let root = code(&source.join("lib.rs"));
    let paths: Vec<_> = files(&source).into_iter().filter_map(|file| Some((path_of(&source, &file)?, file))).collect();
    let modules: BTreeSet<&str> = paths.iter().map(|(path, _)| path[0].as_str()).collect();
    let mut uses: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (path, file) in paths.iter().filter(|(path, _)| path != &["lib"]) {
        for used in named(&code(file), path) {
            let used = match used[0].as_str() {
                module if modules.contains(module) => module.to_owned(),
                item => origin(&root, item).unwrap_or_else(|| "lib".to_owned()),
            };
            if used != path[0] {
                uses.entry((name.to_owned(), path[0].clone())).or_default().insert((name.to_owned(), used));
            }
        }
    }
    uses
}

#[test]
fn every_crate_uses_only_crates_before_it() {
    for (place, name) in DOMAIN.iter().enumerate() {
        let before: BTreeSet<_> = DOMAIN[..place].iter().map(|name| (*name).to_owned()).collect();
        let used = dependencies(name).0;
        assert!(used.is_subset(&before), "{name} uses {:?}", used.difference(&before));
    }
}

#[test]
fn what_decides_does_no_input_or_output() {
    const IO: [&str; 5] = ["aws-", "deltalake", "lambda_runtime", "object_store", "tokio"];
    for name in DOMAIN {
        let others = dependencies(name).1;
        assert!(!others.iter().any(|other| IO.iter().any(|io| other.starts_with(io))), "{name}: {others:?}");
    }
}

#[test]
fn a_trainer_compiles_no_audit() {
    for name in ["trainer", "worker"] {
        let compiled = compiled_by(name);
        assert!(compiled.contains("training"), "{compiled:?}");
        assert!(["audit", "curation", "gate", "toxicity"].iter().all(|one| !compiled.contains(*one)), "{compiled:?}");
    }
}

#[test]
fn no_module_uses_one_that_uses_it() {
    let mut uses: BTreeMap<_, _> = DOMAIN.iter().flat_map(|name| uses(name)).collect();
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
fn every_crate_is_known() {
    let found = std::fs::read_dir(crates()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let known: BTreeSet<_> = DOMAIN.into_iter().chain(EDGES).chain(BUILD).map(str::to_owned).collect();
    assert_eq!(found.collect::<BTreeSet<_>>(), known);
}
