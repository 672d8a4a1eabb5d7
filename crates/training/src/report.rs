use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::left_out::LeftOut;
use super::run::RunName;
use super::sha256::Sha256Hex;
use super::unusable::{Unusable, parse};

const FILE: &str = "output/run.json";

/// A trainer's report: `output/run.json`, the last file that it writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunReport {
    /// The run.
    pub run: RunName,
    /// The hash of the description that it followed.
    pub input_sha256: Sha256Hex,
    /// The hashes of the base's files, as the trainer loaded them.
    pub base_files: BTreeMap<String, Sha256Hex>,
    /// The hash of the adapter's weights.
    pub adapter_sha256: Sha256Hex,
    /// The hash of the adapter's configuration.
    pub config_sha256: Sha256Hex,
    /// The hash of the scored rows.
    pub rows_sha256: Sha256Hex,
    /// The number of scored rows.
    pub rows: u64,
    /// Training rows that were truncated to the maximum length.
    pub truncated: u64,
    /// Training rows that were left out, for any reason.
    pub dropped: u64,
    /// The same by reason. A report from before reasons were counted has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<LeftOut, u64>,
    /// The trainer.
    pub trainer: Trainer,
    /// The duration, in seconds.
    pub seconds: f64,
    /// The trainer's account of its own success. No decision uses it.
    pub summary: serde_json::Value,
}

/// A program that trains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trainer {
    /// Its name.
    pub name: String,
    /// Its version, and those of its libraries.
    pub version: String,
}

impl RunReport {
    /// Reads a report strictly.
    ///
    /// # Errors
    /// If it is invalid.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        parse(FILE, text)
    }

    /// Returns the report as its file has it.
    ///
    /// # Errors
    /// If its summary cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, Unusable> {
        serde_json::to_string_pretty(self)
            .map(|json| json + "\n")
            .map_err(|error| Unusable::new(FILE, error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_to_the_letter() {
        let hash = Sha256Hex::of(b"");
        let report = RunReport {
            run: "r".parse().unwrap(),
            input_sha256: hash.clone(),
            base_files: [("config.json".to_owned(), hash.clone())].into(),
            adapter_sha256: hash.clone(),
            config_sha256: hash.clone(),
            rows_sha256: hash,
            rows: 6,
            truncated: 1,
            dropped: 3,
            left_out: [(LeftOut::NoRoom, 1), (LeftOut::Equal, 2)].into(),
            trainer: Trainer { name: "t".to_owned(), version: "1".to_owned() },
            seconds: 1.5,
            summary: serde_json::json!({"loss": 0.1, "anything": ["goes"]}),
        };
        let json = report.to_json().unwrap();
        assert_eq!(RunReport::parse(&json), Ok(report));
        for (from, to) in [
            ("\"rows\": 6", "\"rows\": -6"),
            ("\"rows\": 6", "\"rows\": 6, \"more\": 1"),
            ("\"rows\": 6,", ""),
            ("\"seconds\": 1.5", "\"seconds\": null"),
            ("\"equal\": 2", "\"boring\": 2"),
            ("\"run\": \"r\"", "\"run\": \"R\""),
        ] {
            assert!(json.contains(from), "{from}");
            assert!(RunReport::parse(&json.replacen(from, to, 1)).is_err(), "{to}");
        }
    }

    #[test]
    fn a_report_from_before_reasons_were_counted_is_read() {
        let hash = Sha256Hex::of(b"");
        let old = format!(
            r#"{{"run":"r","input_sha256":"{hash}","base_files":{{}},"adapter_sha256":"{hash}","config_sha256":"{hash}",
            "rows_sha256":"{hash}","rows":6,"truncated":1,"dropped":2,"trainer":{{"name":"t","version":"1"}},"seconds":1.5,"summary":{{}}}}"#
        );
        let report = RunReport::parse(&old).unwrap();
        assert_eq!((report.dropped, report.left_out.len()), (2, 0));
        assert!(!report.to_json().unwrap().contains("left_out"), "a gate from before reads it, too");
    }
}
