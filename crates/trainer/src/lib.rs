//! The embedded trainer: LoRA on Llama-style models with preference pairs, on the CPU and without Python.
//!
//! | from | to | in |
//! |---|---|---|
//! | a run's input files | its output files | `job` |
//! | a model's folder | its weights, tokenizer and chat template | `model_folder`, `model`, `data` |
//! | pairs, replay rows and a recipe | an adapter | `training`, `objective`, `adapter` |
//! | held-out rows | scores of incumbent and candidate | `evaluate`, `log_probability`, `generate` |
//! | a GGUF file | a model's folder | `import` |
//! | a seed | a small world's events, and a base that has learnt its stale answers | `world`, `base` |
//!
//! It is for small models: everything is in f32, and nothing large is recomputed to save memory. For 7–8 billion parameters there
//! is `infra/trainer`.

mod adapter;
mod arguments;
mod base;
mod command;
mod data;
mod evaluate;
mod failure;
mod files;
mod generate;
mod import;
mod inspect;
mod job;
mod log_probability;
mod model;
mod model_folder;
mod objective;
mod progress;
mod random;
mod tensor_file;
#[cfg(test)]
mod testing;
mod training;
mod workers;
mod world;

pub use command::run as run_command;
pub use failure::{Result, TrainerError};
pub use job::{Job, run};
pub use objective::Losses;
pub use progress::{Observer, Progress, StepReport};
