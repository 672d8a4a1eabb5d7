use std::collections::BTreeMap;

use flywheel_dataset::{Operation, Place, ReplacedObject, Replacement};

use crate::dataset::DatasetError;
use crate::delta_dataset::{DeltaDataset, TableVersion};
use crate::{Dataset as _, Records};

/// The objects that erasures have deleted, or are about to, and their replacements.
#[derive(Debug, Default)]
pub struct Erased {
    objects: BTreeMap<(Place, String), ReplacedObject>,
}

impl Erased {
    /// Adds the objects that an erasure's record lists.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the list cannot be read.
    pub async fn learn(
        &mut self,
        dataset: &DeltaDataset,
        snapshot: &TableVersion,
        records: Option<&Records>,
    ) -> Result<(), DatasetError> {
        let amendment = records.and_then(|records| records.version.as_ref()?.amendment.as_ref());
        if let Some(Operation::Erasure { replaced }) = amendment.map(|amendment| &amendment.operation) {
            self.add_list(&dataset.get_object(snapshot, replaced).await?)?;
        }
        Ok(())
    }

    /// Adds a list of replaced objects, a line of JSON for each.
    pub(crate) fn add_list(&mut self, list: &[u8]) -> Result<(), DatasetError> {
        for object in serde_json::Deserializer::from_slice(list).into_iter() {
            let damaged = |error: serde_json::Error| DatasetError::Storage {
                action: "read a list of what was erased from",
                cause: error.to_string(),
            };
            self.add(object.map_err(damaged)?);
        }
        Ok(())
    }

    pub(crate) fn add(&mut self, object: ReplacedObject) {
        self.objects.insert((object.place, object.name.clone()), object);
    }

    /// Returns `true` if nothing was erased.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Returns `true` if an object was erased, or is about to be.
    #[must_use]
    pub fn has(&self, place: Place, name: &str) -> bool {
        self.objects.contains_key(&(place, name.to_owned()))
    }

    /// Returns all objects, in order.
    pub fn objects(&self) -> impl Iterator<Item = &ReplacedObject> {
        self.objects.values()
    }

    /// Returns the final replacement of an object; none if it was not erased. A replacement may itself have been replaced since.
    #[must_use]
    pub fn instead_of(&self, place: Place, name: &str) -> Option<Instead> {
        let mut found = self.objects.get(&(place, name.to_owned()))?;
        let (sha256, mut erased) = (found.sha256.clone(), found.erased);
        // Each step leaves fewer lines, so it ends. The loop is bounded, in case a forged list has a cycle.
        for _ in 0..self.objects.len() {
            let next = found.by.as_ref().and_then(|by| self.objects.get(&(place, by.name.clone())));
            let Some(next) = next else { break };
            erased += next.erased;
            found = next;
        }
        Some(Instead { sha256, by: found.by.clone(), erased })
    }
}

/// The final state of an erased object.
#[derive(Debug, Clone)]
pub struct Instead {
    /// The SHA-256 of the erased object.
    pub sha256: String,
    /// Its replacement; none if nothing was left of it.
    pub by: Option<Replacement>,
    /// The number of its lines or rows that were erased.
    pub erased: u64,
}
