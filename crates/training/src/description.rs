use std::collections::BTreeMap;

use flywheel_base::instant::is_rfc3339;
use serde::{Deserialize, Serialize};

use super::base::{ModelFiles, is_folder};
use super::recipe::{Generation, Lora, Objective, Recipe, Training};
use super::run::{InputFile, RunName};
use super::sha256::Sha256Hex;
use super::unusable::{Unusable, parse};

const FILE: &str = "input/run.json";

/// The description of a run for its trainer: `input/run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDescription {
    /// The run.
    pub run: RunName,
    /// The dataset version to train on.
    pub dataset: DatasetVersion,
    /// The base to train from.
    pub base: ModelFiles,
    /// The live adapter, which the candidate is compared with; none: the bare base.
    pub incumbent: Option<Incumbent>,
    /// The data, by file.
    pub files: BTreeMap<InputFile, InputDigest>,
    /// The weights of the loss.
    pub objective: Objective,
    /// The adapter's rank and scale.
    pub lora: Lora,
    /// The optimiser's settings.
    pub training: Training,
    /// The generation of answers to held-out prompts.
    pub generation: Generation,
    /// The seed of everything random.
    pub seed: u64,
    /// The time of the description, in RFC 3339. Chat templates that ask for the date get this one, so that a job that is
    /// redelivered on another day trains on the same tokens. An older description has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared_at: Option<String>,
}

/// The adapter that a candidate is compared with, as a run's description names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incumbent {
    /// Its name.
    pub adapter: RunName,
    /// Its folder, with `/` at its end.
    pub prefix: String,
    /// The hash of its weights.
    pub sha256: Sha256Hex,
    /// The hash of its configuration, which says how much of the weights is added.
    pub config_sha256: Sha256Hex,
}

/// A version of the dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetVersion {
    /// Its number.
    pub version: u64,
    /// The digest of its record, which covers all its content and all versions before; none: it is from before there were
    /// records.
    pub digest: Option<String>,
}

/// A data file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDigest {
    /// The hash of its bytes.
    pub sha256: Sha256Hex,
    /// The number of its lines.
    pub rows: u64,
}

impl RunDescription {
    /// Reads a description.
    ///
    /// # Errors
    /// If it is invalid, or names an impossible value.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let description: Self = parse(FILE, text)?;
        description.base.check(FILE)?;
        description.recipe().check(FILE)?;
        if description.incumbent.as_ref().is_some_and(|incumbent| !is_folder(&incumbent.prefix)) {
            return Err(Unusable::new(FILE, "incumbent.prefix: expected a folder of the bucket"));
        }
        if description.prepared_at.as_deref().is_some_and(|instant| !is_rfc3339(instant)) {
            return Err(Unusable::new(FILE, "prepared_at: expected an instant in RFC 3339"));
        }
        let missing = InputFile::ALL.into_iter().find(|file| !description.files.contains_key(file));
        match missing {
            Some(file) => Err(Unusable::new(FILE, format!("files: {} is missing", file.as_str()))),
            None => Ok(description),
        }
    }

    /// Returns the description as its file has it.
    ///
    /// # Errors
    /// If it has a number that is not finite.
    pub fn to_json(&self) -> Result<String, Unusable> {
        serde_json::to_string_pretty(self)
            .map(|json| json + "\n")
            .map_err(|error| Unusable::new(FILE, error.to_string()))
    }

    /// Returns the recipe.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        let Self { objective, lora, training, generation, seed, .. } = *self;
        Recipe { objective, lora, training, generation, seed }
    }

    /// Returns a data file's hash and rows. A description that was parsed has all of them.
    #[must_use]
    pub fn file(&self, file: InputFile) -> Option<&InputDigest> {
        self.files.get(&file)
    }

    /// Returns the number of rows to score: those of both held-out files.
    #[must_use]
    pub fn scored_rows(&self) -> u64 {
        let rows = |file| self.file(file).map_or(0, |digest| digest.rows);
        rows(InputFile::HeldOut) + rows(InputFile::ReplayHeldOut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description() -> RunDescription {
        let hash = Sha256Hex::of(b"");
        let file = |file| (file, InputDigest { sha256: hash.clone(), rows: 3 });
        let Recipe { objective, lora, training, generation, seed } = Recipe::default();
        RunDescription {
            run: "crossing-000007-attempt-1".parse().unwrap(),
            dataset: DatasetVersion { version: 4, digest: Some("d".to_owned()) },
            base: ModelFiles {
                id: "tiny".to_owned(),
                prefix: "models/tiny/".to_owned(),
                files: [("config.json".to_owned(), hash.clone())].into(),
            },
            incumbent: None,
            files: InputFile::ALL.map(file).into(),
            objective,
            lora,
            training,
            generation,
            seed,
            prepared_at: Some("2026-11-22T10:20:30.007Z".to_owned()),
        }
    }

    #[test]
    fn a_description_from_before_the_date_was_noted_is_read() {
        let undated = RunDescription { prepared_at: None, ..description() };
        let json = undated.to_json().unwrap();
        assert!(!json.contains("prepared_at"), "{json}");
        assert_eq!(RunDescription::parse(&json), Ok(undated));
    }

    #[test]
    fn it_is_read_as_it_was_written_and_what_was_added_later_is_passed_over() {
        let json = description().to_json().unwrap();
        assert_eq!(RunDescription::parse(&json), Ok(description()));
        let later = json.replacen('{', r#"{"added_later": true,"#, 1);
        assert_eq!(RunDescription::parse(&later), Ok(description()));
        assert_eq!(description().scored_rows(), 6);
    }

    #[test]
    fn an_incumbent_is_named_with_the_hashes_of_both_its_files() {
        let incumbent = Incumbent {
            adapter: "crossing-000006-attempt-1".parse().unwrap(),
            prefix: "runs/crossing-000006-attempt-1/output/".to_owned(),
            sha256: Sha256Hex::of(b"weights"),
            config_sha256: Sha256Hex::of(b"configuration"),
        };
        let described = RunDescription { incumbent: Some(incumbent), ..description() };
        let json = described.to_json().unwrap();
        assert_eq!(RunDescription::parse(&json), Ok(described));
        for field in ["sha256", "config_sha256"] {
            let mut without: serde_json::Value = serde_json::from_str(&json).unwrap();
            without["incumbent"].as_object_mut().unwrap().remove(field);
            let error = RunDescription::parse(&without.to_string()).unwrap_err().to_string();
            assert!(error.contains(&format!("missing field `{field}`")), "{error}");
        }
    }

    #[test]
    fn it_names_what_is_wrong() {
        let json = description().to_json().unwrap();
        for (from, to, part) in [
            ("\"replay_heldout.jsonl\"", "\"other.jsonl\"", "unknown"),
            ("\"rank\": 8", "\"rank\": 0", "lora.rank"),
            ("models/tiny/", "/etc/", "prefix"),
            ("crossing-000007-attempt-1", "../../etc", "not of its type"),
            ("2026-11-22T", "2026-13-22T", "prepared_at: expected an instant"),
        ] {
            assert!(json.contains(from), "{from}");
            let error = RunDescription::parse(&json.replace(from, to)).unwrap_err().to_string();
            assert!(error.starts_with("input/run.json: ") && error.contains(part), "{error}");
        }
        let mut without = description();
        without.files.remove(&InputFile::Train);
        let error = RunDescription::parse(&without.to_json().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "input/run.json: files: train.jsonl is missing");
    }
}
