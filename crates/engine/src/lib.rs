//! Names the engine that judges: the version of a crate, and a digest of all sources, weights and versions of other crates that its
//! judgement depends on.
//!
//! A build script calls it, and the crate writes the name beside the hash of its policy. The policy's hash tells two sets of rules
//! apart; the engine's name tells two builds apart that judge by the same rules.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The prefix of our own crates' names.
const OURS: &str = "flywheel-";

/// The endings of what editors and merges leave beside a file.
const LEFT_OVER: [&str; 5] = ["~", ".bak", ".orig", ".rej", ".swp"];

/// Files by their path below the folder of crates, which is the same on every machine.
type Files = BTreeMap<String, PathBuf>;

/// The hexadecimal digits of the digest, of 64. They tell builds apart; they protect against nothing.
const DIGITS: usize = 16;

/// Makes the name of the engine of the crate whose build script calls it known to that crate as the variable `FLYWHEEL_ENGINE`, for `env!`. Cargo runs the build
/// script again when one of the files changes.
///
/// # Errors
/// A file that cannot be read, or no cargo around the script.
#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by variables; it has no settings")]
pub fn name_for_build_script() -> io::Result<()> {
    // Asked for when the script runs, and not when it is compiled: checkouts may share what cargo has built.
    let given = |name| std::env::var(name).map_err(|_| io::Error::other(format!("{name} is not set: cargo runs this")));
    let (folder, version) = (given("CARGO_MANIFEST_DIR")?, given("CARGO_PKG_VERSION")?);
    let files = files(Path::new(&folder))?;
    let mut to_cargo = io::stdout().lock();
    writeln!(to_cargo, "cargo::rerun-if-env-changed=CARGO_MANIFEST_DIR")?;
    for name in files.keys() {
        // Relative to the crate: another checkout may share what cargo has built.
        writeln!(to_cargo, "cargo::rerun-if-changed=../{name}")?;
    }
    writeln!(to_cargo, "cargo::rustc-env=FLYWHEEL_ENGINE={}", name(&version, &files)?)
}

/// Returns the name of an engine, such as `0.1.0+8c1f4be05a77d213`.
fn name(version: &str, files: &Files) -> io::Result<String> {
    let mut digest = Sha256::new();
    for (name, path) in files {
        let content = read(path)?;
        for part in [name.as_bytes(), &content] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    }
    let hex: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{version}+{}", &hex[..DIGITS]))
}

/// Returns the sources, weights and manifest of a crate and of all crates of ours that it depends on, and the versions of all
/// others in `Cargo.lock`.
fn files(crate_folder: &Path) -> io::Result<Files> {
    let siblings = crate_folder.parent().unwrap_or(crate_folder);
    let mut found = Files::from([("../Cargo.lock".to_owned(), siblings.join("../Cargo.lock"))]);
    let first = crate_folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (mut known, mut open) = (BTreeSet::new(), vec![first]);
    while let Some(name) = open.pop() {
        if !known.insert(name.clone()) {
            continue;
        }
        let folder = siblings.join(&name);
        let path = folder.join("Cargo.toml");
        let manifest = String::from_utf8_lossy(&read(&path)?).replace('\r', "");
        open.extend(dependencies(&manifest).map(str::to_owned));
        found.insert(format!("{name}/Cargo.toml"), path);
        add_files(&folder.join("src"), &format!("{name}/src"), &mut found)?;
        for (file, path) in entries(&folder)? {
            if path.extension().is_some_and(|extension| extension == "bin") {
                found.insert(format!("{name}/{file}"), path);
            }
        }
    }
    Ok(found)
}

/// Returns the crates of ours below `[dependencies]`, without their prefix.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let below = manifest.split_once("\n[dependencies]\n").map_or("", |(_, below)| below);
    let section = below.split("\n[").next().unwrap_or_default();
    section.lines().filter_map(|line| line.strip_prefix(OURS)?.split(['.', ' ']).next())
}

fn add_files(folder: &Path, name: &str, found: &mut Files) -> io::Result<()> {
    for (file, path) in entries(folder)? {
        let name = format!("{name}/{file}");
        if path.is_dir() {
            add_files(&path, &name, found)?;
        } else {
            found.insert(name, path);
        }
    }
    Ok(())
}

/// Returns the names and paths in a folder, without what editors and merges leave there.
fn entries(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| named(folder, &error))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_left_over = name.starts_with('.') || LEFT_OVER.iter().any(|ending| name.ends_with(ending));
        if !is_left_over {
            entries.push((name, entry.path()));
        }
    }
    Ok(entries)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| named(path, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes two crates, of which the second uses the first, and returns the second's folder.
    fn crates(root: &Path) -> PathBuf {
        std::fs::create_dir(root).unwrap();
        for (name, manifest, source) in [
            ("words", "[package]\nname = \"flywheel-words\"\n\n[dependencies]\nserde.workspace = true\n", "pub mod a;"),
            (
                "judge",
                "[package]\n\n[dependencies]\nflywheel-words.workspace = true\n\n[dev-dependencies]\nflywheel-none = \"1\"\n",
                "//! Judges.",
            ),
        ] {
            std::fs::create_dir_all(root.join(name).join("src/deep")).unwrap();
            std::fs::write(root.join(name).join("Cargo.toml"), manifest).unwrap();
            std::fs::write(root.join(name).join("src/lib.rs"), source).unwrap();
            std::fs::write(root.join(name).join("src/deep/a.rs"), "").unwrap();
        }
        std::fs::write(root.join("words/weights.bin"), [1]).unwrap();
        std::fs::write(root.join("../Cargo.lock"), "[[package]]").unwrap();
        std::fs::write(root.join("words/README.md"), "words").unwrap();
        root.join("judge")
    }

    fn name_in(folder: &Path) -> String {
        name("0.1.0", &files(folder).unwrap()).unwrap()
    }

    #[test]
    fn an_engine_has_one_name_wherever_it_is_built() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name = name_in(&crates(&here.path().join("crates")));
        let other = crates(&there.path().join("crates"));
        // What editors and merges leave is no source, and may be a link to nothing.
        std::fs::write(other.join("src/lib.rs.orig"), "<<<<<<<").unwrap();
        std::fs::write(other.join("src/.#lib.rs"), "").unwrap();
        assert_eq!(name, name_in(&other));
        let (version, digest) = name.split_once('+').unwrap();
        assert_eq!((version, digest.len()), ("0.1.0", DIGITS));
    }

    #[test]
    fn a_source_and_weights_change_the_name_also_of_a_crate_below_and_a_readme_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("crates");
        let judge = crates(&root);
        let before = name_in(&judge);
        std::fs::write(root.join("words/README.md"), "other words").unwrap();
        assert_eq!(name_in(&judge), before);
        let mut names = BTreeSet::from([before]);
        for file in ["words/src/deep/a.rs", "words/weights.bin", "judge/src/lib.rs", "../Cargo.lock"] {
            std::fs::write(root.join(file), "changed").unwrap();
            assert!(names.insert(name_in(&judge)), "{file}");
        }
    }
}
