//! Writes the table's checkpoints. A checkpoint only makes loading faster: no version depends on it.

use std::time::Duration;

use deltalake::checkpoints::create_checkpoint;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::{DeltaResult, DeltaTable};
use flywheel_runtime::causes;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The table's property that says after how many versions a checkpoint follows, and Delta's default.
const INTERVAL_KEY: &str = "delta.checkpointInterval";
const INTERVAL: u64 = 10;

/// The time limit of a checkpoint. It has one entry for each data file, so it takes seconds.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Returns the properties of every commit: it becomes the version right after the table's or fails, and `deltalake` writes no
/// checkpoint in it. See [`write_if_due`].
pub(super) fn commit_properties() -> CommitProperties {
    CommitProperties::default().with_max_retries(0).with_create_checkpoint(false)
}

/// Writes the checkpoint of a version that was just committed, if one is due. If it fails, or takes too long, it is logged and the
/// next one replaces it: a version that exists must not be reported as failed.
///
/// # Why not in the commit
/// `deltalake` writes a checkpoint after the commit in code that waits without yielding. On a runtime with one thread it waits for
/// answers on pooled connections which only that thread reads, so it waits for ever. Here it waits on a thread of its own, and the
/// runtime goes on reading.
pub(super) async fn write_if_due(table: &DeltaTable, version: u64) {
    if !(version + 1).is_multiple_of(interval(table)) {
        return;
    }
    let (table, runtime) = (table.clone(), Handle::current());
    let written = timeout(TIME_LIMIT, spawn_blocking(move || runtime.block_on(write(table, version)))).await;
    let error = match written {
        Ok(Ok(Ok(()))) => return,
        Ok(Ok(Err(error))) => causes(&error),
        Ok(Err(stopped)) => causes(&stopped),
        Err(_) => format!("it took longer than {} s", TIME_LIMIT.as_secs()),
    };
    tracing::warn!(version, error, "no checkpoint written");
}

fn interval(table: &DeltaTable) -> u64 {
    let set =
        table.snapshot().ok().and_then(|snapshot| snapshot.metadata().configuration().get(INTERVAL_KEY)?.parse().ok());
    set.filter(|interval| *interval > 0).unwrap_or(INTERVAL)
}

async fn write(mut table: DeltaTable, version: u64) -> DeltaResult<()> {
    table.load_version(version).await?;
    create_checkpoint(&table, None).await
}
