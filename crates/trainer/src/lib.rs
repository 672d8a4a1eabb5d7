//! The embedded trainer: LoRA on Llama-style models by preference pairs, on the CPU and without Python.
//!
//! | from | to | in |
//! |---|---|---|
//! | a run's input files | its output files | `job` |
//! | a model's folder | its weights, tokenizer and chat template | `model_folder`, `model`, `data` |
//! | pairs, replay rows and a recipe | an adapter | `training`, `objective`, `adapter` |
//! | held-out rows | what incumbent and candidate make of them | `evaluate`, `log_probability`, `generate` |
//! | a GGUF file | a model's folder | `import` |
//! | nothing | a small world, and a base that learnt it when it was young | `world`, `base` |
//!
//! It is for small models: everything is f32, and nothing large is recomputed to save memory. For 7–8 billion parameters there is `infra/trainer`.

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
