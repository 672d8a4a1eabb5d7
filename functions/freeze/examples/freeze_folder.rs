//! Makes a lake in a folder as the functions do in a bucket. Each file of events, one a line, becomes a part in each route of its
//! events; gold pairs are frozen as one version. `infra/local/tests/test_reading.py` reads the lake with other programs.
//!
//!     freeze_folder [--policy <policy.toml>] <folder> <events.jsonl>...

use std::error::Error;
use std::fs::{create_dir_all, read_to_string};
use std::path::PathBuf;

use flywheel_base::Route;
use flywheel_curation::{Batch, Curator};
use flywheel_dataset::DatasetRules;
use flywheel_freeze::{FreezeRequest, Freezer};
use flywheel_lake::{FolderLake, WritePart as _};
use flywheel_log::{BreakerBounds, Goal};
use flywheel_policy::Policy;
use flywheel_runtime::now;
use flywheel_table::DeltaDataset;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let mut policy = Policy::default();
    if arguments.len() > 2 && arguments[0].as_os_str() == "--policy" {
        policy = Policy::parse(&read_to_string(&arguments[1])?)?;
        arguments.drain(..2);
    }
    let Some((folder, files)) = arguments.split_first() else {
        return Err("usage: freeze_folder [--policy <policy.toml>] <folder> <events.jsonl>...".into());
    };
    create_dir_all(folder.join("datasets/dpo_gold_v1"))?;
    let (lake, curator, start) = (FolderLake::new(folder), Curator::new(policy, None), now());
    let mut has_gold = false;
    for (written_at, file) in (start..).zip(files) {
        let mut batch = Batch::default();
        for event in read_to_string(file)?.lines() {
            batch.add(curator.curate(event, written_at)?, ());
        }
        for part in batch.into_parts(written_at) {
            has_gold |= part.route == Route::Gold;
            lake.write_part(&part.name.key(part.route), part.body).await?;
        }
    }
    if !has_gold {
        return Ok(());
    }
    let dataset = DeltaDataset::in_folder(folder)?;
    let freezer = Freezer::new(lake, dataset, DatasetRules::default(), BreakerBounds::default(), now);
    freezer.freeze(FreezeRequest { crossing: 1, goal: Goal::default() }).await?;
    Ok(())
}
