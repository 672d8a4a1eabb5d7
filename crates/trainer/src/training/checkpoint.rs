//! The checkpoint of a training: its parameters, the optimiser's state and the number of done steps, in one file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use flywheel_training::Sha256Hex;
use safetensors::SafeTensors;

use super::optimiser::AdamW;
use crate::failure::{Result, TrainerError};
use crate::files;
use crate::tensor_file;

/// The number of steps from one checkpoint to the next.
pub(crate) const STEPS_BETWEEN: u64 = 10;

/// The entry of metadata: the number of done steps, and the training's name.
const DONE: &str = "done";

/// The checkpoint file of a training.
pub(crate) struct CheckpointFile {
    path: PathBuf,
    /// The training's name. A checkpoint with another name is not used.
    training: String,
}

/// The result of looking for a checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    /// The number of done steps.
    Steps(u64),
    /// The checkpoint is of another training or another version of the trainer, or is incomplete. Training from the start gives
    /// the same result.
    Useless,
}

impl CheckpointFile {
    /// Uses a folder for the checkpoint of the training with this description.
    pub(crate) fn new(folder: &Path, description: &Sha256Hex) -> Result<Self> {
        files::create_folder(folder)?;
        let training = format!("{} {description}", env!("CARGO_PKG_VERSION"));
        Ok(Self { path: folder.join("checkpoint.safetensors"), training })
    }

    /// Saves the progress atomically: a crash in between leaves the previous checkpoint.
    pub(crate) fn save(&self, step: u64, optimiser: &AdamW) -> Result<()> {
        let done = format!("{step} {}", self.training);
        files::write(&self.path, &tensor_file::write(&named(optimiser), (DONE, &done))?)
    }

    /// Resumes from the checkpoint, if there is one of this training.
    pub(crate) fn resume(&self, optimiser: &mut AdamW) -> Result<Found> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(TrainerError::io(&self.path)(error)),
        };
        let Some((step, tensors)) = self.read(&bytes, optimiser) else { return Ok(Found::Useless) };
        for parameter in &mut optimiser.parameters {
            let saved = |what: &str| tensors.get(&format!("{what}.{}", parameter.name)).cloned();
            if let (Some(value), Some(first), Some(second)) = (saved("value"), saved("first"), saved("second")) {
                parameter.value.set(&value)?;
                (parameter.first, parameter.second) = (first, second);
            }
        }
        Ok(Found::Steps(step))
    }

    /// Returns the number of done steps and the tensors, if all are there.
    fn read(&self, bytes: &[u8], optimiser: &AdamW) -> Option<(u64, BTreeMap<String, Tensor>)> {
        let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
        let (step, training) = header.metadata().as_ref()?.get(DONE)?.split_once(' ')?;
        let (step, is_ours) = (step.parse().ok()?, training == self.training);
        let tensors: BTreeMap<_, _> =
            candle_core::safetensors::load_buffer(bytes, &Device::Cpu).ok()?.into_iter().collect();
        let has =
            |(name, tensor): (String, Tensor)| tensors.get(&name).is_some_and(|saved| saved.dims() == tensor.dims());
        (is_ours && named(optimiser).into_iter().all(has)).then_some((step, tensors))
    }
}

fn named(optimiser: &AdamW) -> Vec<(String, Tensor)> {
    let of = |parameter: &super::optimiser::Parameter| {
        let name = |what: &str| format!("{what}.{}", parameter.name);
        [
            (name("value"), parameter.value.as_detached_tensor()),
            (name("first"), parameter.first.clone()),
            (name("second"), parameter.second.clone()),
        ]
    };
    optimiser.parameters.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    fn optimiser() -> AdamW {
        let value = Var::new(&[[1.0_f32, f32::MIN_POSITIVE / 4.0]], &Device::Cpu).unwrap();
        AdamW::new(vec![("w".to_owned(), value)], 0.0).unwrap()
    }

    fn file(folder: &Path, description: &[u8]) -> CheckpointFile {
        CheckpointFile::new(folder, &Sha256Hex::of(description)).unwrap()
    }

    #[test]
    fn what_is_taken_up_is_what_was_saved_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let (saved, mut taken_up) = (optimiser(), optimiser());
        taken_up.parameters[0].value.set(&taken_up.parameters[0].first).unwrap();
        let file = file(folder.path(), b"a");
        assert_eq!(file.resume(&mut taken_up).unwrap(), Found::Nothing);
        file.save(30, &saved).unwrap();
        assert_eq!(file.resume(&mut taken_up).unwrap(), Found::Steps(30));
        let bits = |optimiser: &AdamW| {
            let values = optimiser.parameters[0].value.to_vec2::<f32>().unwrap().concat();
            values.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(bits(&taken_up), bits(&saved));
    }

    #[test]
    fn what_is_another_trainings_or_damaged_is_useless() {
        let folder = tempfile::tempdir().unwrap();
        file(folder.path(), b"a").save(30, &optimiser()).unwrap();
        assert_eq!(file(folder.path(), b"b").resume(&mut optimiser()).unwrap(), Found::Useless);
        let path = folder.path().join("checkpoint.safetensors");
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(file(folder.path(), b"a").resume(&mut optimiser()).unwrap(), Found::Useless);
    }
}
