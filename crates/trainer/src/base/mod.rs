//! Makes a base to train on: a tiny Llama that has learnt the small world's stale answers.
//!
//! One is committed in `crates/trainer/base`, so that a demonstration starts at once; `flywheel-trainer base` makes it again.

mod tokenizer;

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};
use serde_json::{Value, json};

use crate::data::{ChatTokenizer, Fit, Sequence, Today, TokenizerFiles};
use crate::failure::{Result, TrainerError};
use crate::files;
use crate::log_probability::log_probabilities;
use crate::model::{Config, Llama, Weights, shapes};
use crate::model_folder::{CONFIG, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS};
use crate::objective::Losses;
use crate::progress::{Observer, Progress, StepReport};
use crate::random::Random;
use crate::tensor_file;
use crate::training::{AdamW, Gradients, clip, finite, scalar, share_of_rate};
use crate::workers::Workers;
use crate::world::lesson;

/// The base's id.
pub(crate) const ID: &str = "pier-tiny";

/// The number of lessons of one step.
const LESSONS: usize = 24;
/// The number of lessons that one thread takes at a time.
const LESSONS_AT_ONCE: usize = 6;
const LEARNING_RATE: f64 = 3e-3;
const WARMUP_SHARE: f64 = 0.1;
const WEIGHT_DECAY: f64 = 0.01;
const MAX_NORM: f64 = 1.0;
const MAX_LENGTH: usize = 256;
/// The standard deviation of the initial weights, as in Llama.
const INITIAL_DEVIATION: f64 = 0.02;

/// Makes a base from a seed and writes its folder, in the layout of Hugging Face.
///
/// # Errors
/// If the folder cannot be written, or the training diverges.
pub(crate) fn make(folder: &Path, seed: u64, steps: u64, observer: &mut Observer<'_>) -> Result<()> {
    let tokenizer_json = tokenizer::train(seed)?;
    let tokenizer_config = tokenizer::configuration().to_string();
    let files = TokenizerFiles { tokenizer: &tokenizer_json, config: &tokenizer_config, ..TokenizerFiles::default() };
    let tokenizer = ChatTokenizer::new(&files, Today::default(), folder)?;
    let config_json = configuration(&tokenizer);
    let config = Config::parse(&config_json.to_string(), &folder.join(CONFIG))?;
    let weights = pretrain(&config, &tokenizer, seed, steps, Workers::new(None), observer)?;

    files::create_folder(folder)?;
    let pretty =
        |value: &Value| serde_json::to_vec_pretty(value).map_err(|error| TrainerError::Other(error.to_string()));
    files::write(&folder.join(CONFIG), &pretty(&config_json)?)?;
    files::write(&folder.join(TOKENIZER), tokenizer_json.as_bytes())?;
    files::write(&folder.join(TOKENIZER_CONFIG), &pretty(&tokenizer::configuration())?)?;
    files::write(&folder.join(WEIGHTS), &half_precision(&weights)?)
}

fn configuration(tokenizer: &ChatTokenizer) -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": false,
        "eos_token_id": tokenizer.end_token(),
        "hidden_act": "silu",
        "hidden_size": 96,
        "intermediate_size": 256,
        "max_position_embeddings": MAX_LENGTH,
        "mlp_bias": false,
        "model_type": "llama",
        "num_attention_heads": 4,
        "num_hidden_layers": 3,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10_000.0,
        "tie_word_embeddings": true,
        "torch_dtype": "float16",
        "vocab_size": tokenizer.largest_token() + 1,
    })
}

fn pretrain(
    config: &Config,
    tokenizer: &ChatTokenizer,
    seed: u64,
    steps: u64,
    workers: Workers,
    observer: &mut Observer<'_>,
) -> Result<Vec<(String, Var)>> {
    let variables = initial(config, seed)?;
    let tensors = variables.iter().map(|(name, variable)| (name.clone(), variable.as_tensor().clone())).collect();
    let weights = Weights::new(tensors, config).map_err(TrainerError::Other)?;
    let model = Llama::new(config, &weights, &BTreeMap::new())?;
    let mut optimiser = AdamW::new(variables.clone(), WEIGHT_DECAY)?;
    for step in 1..=steps {
        let mut random = Random::new(seed, "lessons", step);
        let lessons = (0..LESSONS).map(|_| sequence(tokenizer, &mut random)).collect::<Result<Vec<_>>>()?;
        let tokens: usize = lessons.iter().map(Sequence::completion_tokens).sum();
        let parts: Vec<&[Sequence]> = lessons.chunks(LESSONS_AT_ONCE).collect();
        let done = workers.map(&parts, |part| {
            let sequences: Vec<&Sequence> = part.iter().collect();
            let loss = (log_probabilities(&model, &sequences)?.sum_all()?.neg()? / tokens as f64)?;
            Ok((Gradients::of(&loss, &optimiser)?, scalar(&loss)?))
        })?;
        let (mut gradients, mut total) = (Gradients::default(), 0.0);
        for (of_part, loss) in done {
            gradients = gradients.plus(of_part)?;
            total += loss;
        }
        finite("loss", total, step)?;
        let gradient_norm = finite("gradient", gradients.norm()?, step)?;
        let learning_rate = LEARNING_RATE * share_of_rate(step, steps, WARMUP_SHARE);
        optimiser.step(step, &gradients, learning_rate, clip(gradient_norm, MAX_NORM))?;
        let losses = Losses { sft: total, total, ..Losses::default() };
        observer
            .tell(&Progress::Step(StepReport { step, steps, first: 1, losses, learning_rate, gradient_norm }), step)?;
    }
    Ok(variables)
}

fn sequence(tokenizer: &ChatTokenizer, random: &mut Random) -> Result<Sequence> {
    let lesson = lesson(random);
    let prompt = tokenizer.user_prompt(&lesson.prompt)?;
    match Sequence::fit(&prompt, &tokenizer.completion(&lesson.answer)?, MAX_LENGTH) {
        Fit::Whole(sequence) => Ok(sequence),
        _ => Err(TrainerError::Other("a lesson is longer than the model's longest sequence".to_owned())),
    }
}

/// Returns initial weights: ones for norms, random values elsewhere.
fn initial(config: &Config, seed: u64) -> Result<Vec<(String, Var)>> {
    let variable = |(name, shape): (String, Vec<usize>)| {
        if shape.len() == 1 {
            return Ok((name, Var::ones(shape, DType::F32, &Device::Cpu)?));
        }
        let mut random = Random::new(seed, &name, 0);
        let values: Vec<f32> =
            (0..shape.iter().product()).map(|_| (INITIAL_DEVIATION * random.normal()) as f32).collect();
        Ok((name, Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?)?))
    };
    shapes(config).into_iter().map(variable).collect()
}

/// Returns the weights as `model.safetensors`, in f16: half the size, and more precise than such a model has learnt.
fn half_precision(weights: &[(String, Var)]) -> Result<Vec<u8>> {
    let half =
        |(name, variable): &(String, Var)| Ok((name.clone(), variable.as_detached_tensor().to_dtype(DType::F16)?));
    tensor_file::write(&weights.iter().map(half).collect::<Result<Vec<_>>>()?, tensor_file::OF_TORCH)
}
