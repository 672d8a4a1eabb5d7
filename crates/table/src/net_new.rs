//! The number of pairs that count towards the next training after some rows leave.

use std::collections::HashSet;

use flywheel_dataset::{GoldLine, NetNew, Operation};
use flywheel_log::{Breadth, Pointer};

use crate::amendable::Amendable;
use crate::dataset::DatasetError;

/// Returns the net-new pairs without these, and their breadth: the rows of the newest version that the last trained one lacks.
///
/// # Errors
/// If the dataset cannot be read.
pub async fn net_new_without<D: Amendable>(
    dataset: &D,
    removed: &HashSet<String>,
    on: &D::Snapshot,
    newest: u64,
    pointer: &Pointer,
) -> Result<(u64, Breadth), DatasetError> {
    if pointer.carried_over == 0 {
        return Ok((0, Breadth::default()));
    }
    let mut net_new = NetNew::new(&pointer.breadth);
    if let Some(trained) = last_trained(dataset, on, newest).await? {
        let missing = DatasetError::LostVersion { pointer: trained, newest };
        let snapshot = dataset.at(trained).await?.ok_or(missing)?;
        let see = |row: &str| {
            if let Some(line) = GoldLine::parse(row) {
                net_new.trained(&line.pair_id);
            }
        };
        dataset.each_row(&snapshot, see).await?;
    }
    let count = |row: &str| {
        if let Some(line) = GoldLine::parse(row).filter(|line| !removed.contains(line.pair_id.as_ref())) {
            net_new.count(&line);
        }
    };
    dataset.each_row(on, count).await?;
    Ok(net_new.finish())
}

/// Returns the last version whose freeze made a training due, among the versions that the newest one's rows come from. Versions
/// that were rolled back are not among them.
async fn last_trained<D: Amendable>(dataset: &D, on: &D::Snapshot, newest: u64) -> Result<Option<u64>, DatasetError> {
    let mut number = newest;
    while number > 0 {
        let records = dataset.records_of(on, number).await?;
        let operation = records.as_ref().and_then(|records| records.version.as_ref()?.amendment.as_ref());
        match operation.map(|amendment| &amendment.operation) {
            Some(Operation::Rollback { to }) => number = *to,
            Some(_) => number -= 1,
            None => {
                let freeze = records.and_then(|records| records.pointer.last_freeze);
                if freeze.is_some_and(|freeze| freeze.trainable && freeze.version == number) {
                    return Ok(Some(number));
                }
                number -= 1;
            }
        }
    }
    Ok(None)
}
