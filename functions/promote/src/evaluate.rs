use std::time::Instant;

use flywheel_gate::{Evaluation, EvidenceFile, GateVerdict, Ruling};
use flywheel_lake::{LoadLive, MoveLive, ReadPart, ReplaceObject, VisitObject, WritePart};
use flywheel_runtime::millis_since;
use flywheel_training::{OutputFile, RunName, Unusable};
use serde::Serialize;

use crate::promoter::{PromoteError, Promoter};

/// The gate's decision, as far as the workflow needs it. The run's `verdict.json` has all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evaluated {
    /// The run.
    pub run: RunName,
    /// The ruling.
    pub ruling: Ruling,
    /// The reasons, unless all criteria are met: numbers and bounds, and no text of a row.
    pub reasons: Vec<String>,
}

impl<L> Promoter<L>
where
    L: ReadPart + WritePart + VisitObject + ReplaceObject + LoadLive + MoveLive,
{
    /// Evaluates the run's files by the gate. The first verdict stands: a repetition returns it.
    ///
    /// Without a trainer's report the training is unfinished, and the adapter is not judged: the attempt has failed and is
    /// retried. An inconsistent report, or an inconsistent file that it names, is the adapter's fault, and the adapter is
    /// refused.
    pub(crate) async fn evaluate(&self, run: &RunName, output: &str) -> Result<Evaluated, PromoteError> {
        let started = Instant::now();
        if let Some(verdict) = self.verdict(run).await? {
            return Ok(Evaluated::of(verdict));
        }
        let folder = output_folder(run, output).ok_or_else(|| PromoteError::ForeignOutput(run.clone()))?;
        let description = self.stored(&run.description_key()).await?;
        let description = description.ok_or_else(|| PromoteError::NotPrepared(run.clone()))?;
        let report = self.stored(&format!("{folder}{}", OutputFile::Report.as_str())).await?;
        let report = report.ok_or_else(|| PromoteError::NoOutput(run.clone()))?;
        let mut evaluation =
            Evaluation::new((&self.policy.curation, &self.policy.gate), &description, &report, &folder)?;
        for file in EvidenceFile::ALL {
            let key = match file {
                EvidenceFile::Input(file) => run.input_key(file),
                EvidenceFile::Output(file) => format!("{folder}{}", file.as_str()),
            };
            let mut reading = evaluation.read(file);
            match self.lake.visit_object(&key, &mut |piece: &[u8]| reading.add(piece)).await {
                Ok(()) => reading.finish(),
                // The gate treats it as missing evidence.
                Err(error) if error.is_missing() => (),
                Err(error) => return Err(error.into()),
            }
        }
        let verdict = evaluation.judge();
        let json = serde_json::to_string_pretty(&verdict).map_err(|error| unusable(&error))? + "\n";
        self.lake.write_part(&run.verdict_key(), json).await?;
        // Another attempt may have stored its verdict first.
        let verdict = self.verdict(run).await?.unwrap_or(verdict);
        tracing::info!(
            run = run.as_str(),
            ruling = verdict.ruling.as_str(),
            reasons = verdict.reasons.len(),
            duration_ms = millis_since(started),
            "adapter judged"
        );
        Ok(Evaluated::of(verdict))
    }

    /// Returns the stored verdict, if there is one.
    pub(crate) async fn verdict(&self, run: &RunName) -> Result<Option<GateVerdict>, PromoteError> {
        let Some(stored) = self.stored(&run.verdict_key()).await? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&stored).map_err(|error| unusable(&error))?))
    }
}

impl Evaluated {
    fn of(verdict: GateVerdict) -> Self {
        let GateVerdict { run, ruling, reasons, .. } = verdict;
        Self { run, ruling, reasons }
    }
}

fn unusable(error: &serde_json::Error) -> Unusable {
    Unusable { file: "verdict.json".to_owned(), problem: error.to_string() }
}

/// Returns the trainer's output folder within the run's folder, from its key or its URL; `None` if it is anywhere else.
/// (SageMaker returns a URL and gives each job a folder of its own.)
fn output_folder(run: &RunName, output: &str) -> Option<String> {
    let key = match output.strip_prefix("s3://") {
        Some(url) => url.split_once('/')?.1,
        None => output,
    };
    let is_within = key.strip_prefix(&run.folder()).is_some_and(|rest| {
        let rest = rest.trim_end_matches('/');
        !rest.is_empty() && rest.split('/').all(|name| !matches!(name, "" | "." | ".."))
    });
    is_within.then(|| format!("{}/", key.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_a_folder_of_its_run() {
        let run: RunName = "run-1".parse().unwrap();
        let folder = |output| output_folder(&run, output);
        assert_eq!(folder("runs/run-1/output/").as_deref(), Some("runs/run-1/output/"));
        let job = "s3://lake/runs/run-1/sagemaker/flywheel-run-1-0/output/model";
        assert_eq!(folder(job).as_deref(), Some("runs/run-1/sagemaker/flywheel-run-1-0/output/model/"));
        for output in [
            "",
            "runs/run-1/",
            "runs/run-2/output/",
            "runs/run-1/../run-2/output/",
            "runs/run-1//x",
            "s3://lake",
            "/runs/run-1/output/",
        ] {
            assert_eq!(folder(output), None, "{output}");
        }
    }
}
