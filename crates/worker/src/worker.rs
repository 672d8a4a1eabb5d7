use std::ops::ControlFlow;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flywheel_lake::{ReadPart, VisitObject, WriteFile};
use flywheel_trainer::{Job, Observer, Progress, TrainerError};
use flywheel_training::{RunName, RunReport};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::heartbeat::{Pulse, beat_until_task_is_gone};
use crate::message::{JobMessage, Request};
use crate::ports::{Callbacks, Jobs, PortError, Received};
use crate::run_files::{FilesError, RunFiles};

/// The wait after the queue could not be reached.
const WAIT_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The error names by which the state machine distinguishes failures.
const TRAINING_FAILED: &str = "TrainingFailed";
const UNUSABLE_RUN: &str = "UnusableRun";

/// Takes training jobs, trains, and answers.
#[derive(Debug)]
pub struct Worker<J, C, L, T> {
    jobs: J,
    callbacks: C,
    files: RunFiles<L>,
    pulse: Pulse,
    train: T,
}

/// The result of looking for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The queue had no job.
    NoJob,
    /// The workflow knows that a worker is there, and sends the run's job next.
    Ready(RunName),
    /// The run is trained and answered.
    Trained(RunName),
    /// The run cannot be trained, and the workflow has the reason.
    Refused(RunName),
    /// The workflow no longer waited for the run.
    Cancelled(RunName),
    /// The job is back in the queue: this worker was stopped or could not reach the lake.
    HandedBack(RunName),
    /// The message is not a valid job for this worker. It stays, and ends in the dead-letter queue.
    NoSuchJob,
}

impl<J, C, L, T> Worker<J, C, L, T>
where
    J: Jobs,
    C: Callbacks,
    L: ReadPart + VisitObject + WriteFile + Sync,
    T: Fn(&Job, &mut Observer<'_>) -> Result<RunReport, TrainerError> + Clone + Send + 'static,
{
    /// Creates a worker that trains by calling `train`.
    pub fn new(jobs: J, callbacks: C, files: RunFiles<L>, pulse: Pulse, train: T) -> Self {
        Self { jobs, callbacks, files, pulse, train }
    }

    /// Takes jobs one by one until the process is stopped (SIGTERM or SIGINT); with `once`, takes one. Stopped in the middle of a
    /// job, it returns the job to the queue, with its progress saved as a checkpoint.
    pub async fn work_until_stopped(&self, once: bool) -> ExitCode {
        let stop = Arc::new(AtomicBool::new(false));
        tokio::spawn(raise_on_signal(stop.clone()));
        while !stop.load(Ordering::Relaxed) {
            match self.work(&stop).await {
                Ok(Done::Ready(run)) => {
                    tracing::info!(%run, "a job is announced");
                    continue;
                }
                Ok(done) => tracing::info!(?done, "worked"),
                Err(error) if once => {
                    tracing::error!(%error, "no job could be taken");
                    return ExitCode::FAILURE;
                }
                Err(error) => {
                    tracing::error!(%error, "no job could be taken, tried again");
                    tokio::time::sleep(WAIT_AFTER_FAILURE).await;
                }
            }
            if once {
                break;
            }
        }
        ExitCode::SUCCESS
    }

    /// Takes one job, if there is one.
    ///
    /// # Why no job is lost, and none counts twice
    /// The message is deleted last, once the workflow has an answer or no longer waits. If a worker crashes before that, the
    /// message is delivered again, and the next worker finds the output in the lake or makes it again, bit for bit. The workflow
    /// takes one answer and ignores a second.
    ///
    /// # Errors
    /// If the queue or the workflow cannot be reached. The queue then delivers the job again.
    pub async fn work(&self, stop: &Arc<AtomicBool>) -> Result<Done, PortError> {
        let Some(received) = self.jobs.receive().await? else { return Ok(Done::NoJob) };
        let Ok(JobMessage { request, task_token: token, run, bucket }) = serde_json::from_str(&received.body) else {
            tracing::error!("a message on the queue of training jobs is no job");
            return Ok(Done::NoSuchJob);
        };
        if !self.files.is_in(&bucket) {
            tracing::error!(%run, "a job is of another bucket than this worker's");
            return Ok(Done::NoSuchJob);
        }
        if request == Request::Ready {
            // The job would follow to a worker that takes none any more.
            if stop.load(Ordering::Relaxed) {
                self.jobs.hide(&received.receipt, 0).await?;
                return Ok(Done::HandedBack(run));
            }
            self.callbacks.succeed(&token, &json!({"run": run}).to_string()).await?;
            self.jobs.delete(&received.receipt).await?;
            return Ok(Done::Ready(run));
        }
        let made = self.make_with_heartbeats(&run, (&received, &token), stop).await;
        let done = match made {
            Ok(()) => {
                let output = json!({"run": run, "output": run.output_folder()}).to_string();
                self.callbacks.succeed(&token, &output).await?;
                Done::Trained(run)
            }
            Err(Unmade::Impossible(error, cause)) => {
                tracing::error!(%run, cause, "a run cannot be trained");
                self.callbacks.fail(&token, error, &cause).await?;
                Done::Refused(run)
            }
            Err(Unmade::Cancelled) => Done::Cancelled(run),
            Err(Unmade::NotNow(cause)) => {
                tracing::warn!(%run, cause, "a job is handed back");
                self.jobs.hide(&received.receipt, 0).await?;
                return Ok(Done::HandedBack(run));
            }
        };
        self.jobs.delete(&received.receipt).await?;
        if let Done::Trained(run) | Done::Refused(run) | Done::Cancelled(run) = &done {
            self.files.forget(run);
        }
        Ok(done)
    }

    /// Makes a run's output and sends heartbeats meanwhile, until the workflow no longer waits.
    async fn make_with_heartbeats(
        &self,
        run: &RunName,
        job: (&Received, &str),
        stop: &Arc<AtomicBool>,
    ) -> Result<(), Unmade> {
        let ends = Ends { stopped: stop.clone(), cancelled: Arc::default() };
        let mut making = pin!(self.make(run, &ends));
        tokio::select! {
            made = &mut making => made,
            () = beat_until_task_is_gone(self.pulse, &self.jobs, &self.callbacks, job) => {
                ends.cancelled.store(true, Ordering::Relaxed);
                making.await
            }
        }
    }
}

/// The reason why a run's output was not made.
#[derive(Debug)]
enum Unmade {
    /// No worker can make it: an error's name, and its cause.
    Impossible(&'static str, String),
    /// The workflow no longer waits for it.
    Cancelled,
    /// It may succeed later, or on another worker.
    NotNow(String),
}

/// The reasons to end a training early.
#[derive(Debug, Clone)]
struct Ends {
    stopped: Arc<AtomicBool>,
    cancelled: Arc<AtomicBool>,
}

impl Ends {
    fn are_reached(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.cancelled.load(Ordering::Relaxed)
    }
}

impl<J, C, L, T> Worker<J, C, L, T>
where
    L: ReadPart + VisitObject + WriteFile + Sync,
    T: Fn(&Job, &mut Observer<'_>) -> Result<RunReport, TrainerError> + Clone + Send + 'static,
{
    /// Makes a run's output, unless the lake has it.
    async fn make(&self, run: &RunName, ends: &Ends) -> Result<(), Unmade> {
        if self.files.is_done(run).await? {
            return Ok(());
        }
        let job = self.files.fetch(run).await?;
        let (train, output, watched) = (self.train.clone(), job.output.clone(), ends.clone());
        let trained = tokio::task::spawn_blocking(move || {
            let mut observe = |progress: &Progress| {
                log(progress);
                if watched.are_reached() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            train(&job, &mut Observer::new(&mut observe))
        });
        match trained.await {
            Ok(Ok(_)) => self.files.deliver(run, &output).await.map_err(Unmade::from),
            Ok(Err(TrainerError::Cancelled { .. })) if ends.cancelled.load(Ordering::Relaxed) => Err(Unmade::Cancelled),
            Ok(Err(TrainerError::Cancelled { step })) => Err(Unmade::NotNow(format!("stopped at step {step}"))),
            Ok(Err(error @ TrainerError::Io { .. })) => Err(Unmade::NotNow(error.to_string())),
            Ok(Err(error)) => Err(Unmade::Impossible(TRAINING_FAILED, error.to_string())),
            Err(_) => Err(Unmade::Impossible(TRAINING_FAILED, "the trainer panicked".to_owned())),
        }
    }
}

impl From<FilesError> for Unmade {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::Unusable(cause) => Self::Impossible(UNUSABLE_RUN, cause),
            FilesError::Lake(_) | FilesError::Disk { .. } => Self::NotNow(error.to_string()),
        }
    }
}

fn log(progress: &Progress) {
    match progress {
        Progress::Note(note) => tracing::info!("{note}"),
        Progress::Measured { done, all } => tracing::info!(done, all, "measured"),
        Progress::Step(step) => tracing::info!(step = step.step, steps = step.steps, "trained"),
        Progress::Scored { done, all } => tracing::info!(done, all, "scored"),
    }
}

async fn raise_on_signal(stop: Arc<AtomicBool>) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
    }
    stop.store(true, Ordering::Relaxed);
}
