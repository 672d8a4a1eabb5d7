use std::path::PathBuf;

use clap::Parser;

/// Takes training jobs of the fine-tuning workflow from their queue, trains LoRA adapters on this machine's processor, and answers.
///
/// It can be killed at any time: a job whose worker is gone is delivered again, and the next worker goes on from the checkpoint if it finds
/// one in the same folder. Credentials, region and endpoint come from the environment, as AWS's own tools take them.
#[derive(Debug, Parser)]
#[command(name = "flywheel-worker", version, max_term_width = 100)]
pub struct Arguments {
    /// The queue of training jobs
    #[arg(long, env = "FLYWHEEL_TRAINING_QUEUE_URL", value_name = "URL")]
    pub queue: String,
    /// The lake's bucket. Jobs on other buckets are refused
    #[arg(long, env = "FLYWHEEL_LAKE_BUCKET", value_name = "BUCKET")]
    pub bucket: String,
    /// The folder for base models and for runs that are under way
    #[arg(long, env = "FLYWHEEL_WORK", value_name = "FOLDER", default_value = "flywheel-work")]
    pub work: PathBuf,
    /// End after one job, or at once if there is none
    #[arg(long)]
    pub once: bool,
}
