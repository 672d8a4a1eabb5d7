use std::collections::{BTreeMap, HashMap, HashSet};

use flywheel_dataset::{Fingerprint, GoldLine, Misfit, Split, pair_key};

use super::misfit;
use crate::delta_dataset::DataFileName;

/// The rows of the current version, and the rules that hold across versions.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The pairs of every data file of any version.
    pairs_of: HashMap<String, Vec<u128>>,
    /// The files of the version.
    files: BTreeMap<String, DataFileName>,
    /// The pairs of the version.
    pairs: HashSet<u128>,
    sides: HashMap<Vec<u8>, (Split, u64)>,
    /// The files of versions that a rollback goes back to.
    kept: HashMap<u64, Vec<String>>,
}

/// The changes of a commit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) removed: u64,
    pub(super) added: u64,
}

impl Rows {
    /// Adds a data file's rows, of whatever version. No prompt may be on both sides of the split over all versions.
    pub(super) fn read(
        &mut self,
        version: u64,
        file: &DataFileName,
        lines: &[(GoldLine<'_>, Split)],
    ) -> Result<(), Misfit> {
        for (line, split) in lines {
            let prompt = Fingerprint::prompt_key(&line.prompt);
            let (side, since) = *self.sides.entry(prompt).or_insert((*split, version));
            if side != *split {
                let what = format!("one of its prompts is on the other side of the split than in version {since}");
                return Err(misfit(version, what));
            }
        }
        let pairs = lines.iter().map(|(line, _)| pair_key(&line.pair_id)).collect();
        self.pairs_of.insert(file.name.clone(), pairs);
        Ok(())
    }

    pub(super) fn has_read(&self, file: &str) -> bool {
        self.pairs_of.contains_key(file)
    }

    /// Applies a version's changes of files. No pair may be in two rows of one version.
    pub(super) fn change(
        &mut self,
        version: u64,
        removed: &[String],
        added: &[DataFileName],
    ) -> Result<Difference, Misfit> {
        let (mut gone, mut come) = (HashSet::new(), HashSet::new());
        for file in removed {
            if self.files.remove(file).is_some() {
                gone.extend(self.pairs_of.get(file).into_iter().flatten().copied());
            }
        }
        self.pairs.retain(|pair| !gone.contains(pair));
        for file in added {
            if self.files.insert(file.name.clone(), file.clone()).is_some() {
                continue;
            }
            for pair in self.pairs_of.get(&file.name).into_iter().flatten() {
                if !self.pairs.insert(*pair) {
                    return Err(misfit(version, "it has one pair in two rows".to_owned()));
                }
                come.insert(*pair);
            }
        }
        let removed = gone.difference(&come).count() as u64;
        Ok(Difference { removed, added: come.difference(&gone).count() as u64 })
    }

    /// Returns `true` if the version has a row of this pair.
    pub(super) fn has_pair(&self, pair: u128) -> bool {
        self.pairs.contains(&pair)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &DataFileName> {
        self.files.values()
    }

    /// Remembers the version's files.
    pub(super) fn keep(&mut self, version: u64) {
        self.kept.insert(version, self.files.keys().cloned().collect());
    }

    /// Returns `true` if the version has the pairs of that older one.
    pub(super) fn are_those_of(&self, older: u64) -> bool {
        let Some(files) = self.kept.get(&older) else { return false };
        let then: HashSet<_> = files.iter().filter_map(|file| self.pairs_of.get(file)).flatten().copied().collect();
        then.len() == self.pairs.len() && self.pairs.is_subset(&then)
    }
}
