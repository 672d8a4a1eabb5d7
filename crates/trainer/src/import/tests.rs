use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use candle_core::quantized::gguf_file::{self, Value as Key};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor};
use tempfile::TempDir;
use tokenizers::Tokenizer;

use super::*;
use crate::generate::{Limits, generate};
use crate::workers::Workers;

/// The contents of a GGUF file.
struct Gguf {
    keys: BTreeMap<String, Key>,
    tensors: BTreeMap<String, QTensor>,
}

fn tiny_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("base")
}

fn text(text: &str) -> Key {
    Key::String(text.to_owned())
}

fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Key {
    Key::Array(texts.into_iter().map(text).collect())
}

fn name_in_gguf(name: &str) -> String {
    let renamed = [
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("model.layers.", "blk."),
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ];
    renamed.iter().fold(name.to_owned(), |name, (ours, theirs)| name.replace(ours, theirs))
}

/// Orders the rows of these heads as llama.cpp's converter does: rows that are rotated against each other are neighbours.
fn side_by_side(weight: &Tensor, heads: usize) -> Tensor {
    let width = weight.dim(0).unwrap() / heads;
    let source = |row: usize| (row / width * width + row % 2 * (width / 2) + row % width / 2) as u32;
    let rows: Vec<u32> = (0..heads * width).map(source).collect();
    weight.index_select(&Tensor::new(rows, &Device::Cpu).unwrap(), 0).unwrap()
}

/// Returns the tiny base as llama.cpp's converter would write it.
fn tiny() -> Gguf {
    let read = |name: &str| fs::read_to_string(tiny_folder().join(name)).unwrap();
    let tokenizer: Value = serde_json::from_str(&read(TOKENIZER)).unwrap();
    let tokenizer_config: Value = serde_json::from_str(&read(TOKENIZER_CONFIG)).unwrap();
    let vocabulary = tokenizer["model"]["vocab"].as_object().unwrap();
    let mut tokens: Vec<(u64, &str)> = vocabulary.iter().map(|(token, id)| (id.as_u64().unwrap(), &**token)).collect();
    tokens.sort_unstable();
    let id = |wanted: &str| Key::U32(vocabulary[wanted].as_u64().unwrap() as u32);
    let kind = |token: &str| Key::I32(if token.starts_with("<|") { 3 } else { 1 });
    let merges = tokenizer["model"]["merges"].as_array().unwrap().iter();
    let merges: Vec<String> =
        merges.map(|pair| format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect();
    let keys = [
        ("general.architecture", text("llama")),
        ("llama.attention.head_count", Key::U32(4)),
        ("llama.attention.head_count_kv", Key::U32(2)),
        ("llama.attention.layer_norm_rms_epsilon", Key::F32(1e-6)),
        ("llama.block_count", Key::U32(3)),
        ("llama.context_length", Key::U32(256)),
        ("llama.embedding_length", Key::U32(96)),
        ("llama.feed_forward_length", Key::U32(256)),
        ("llama.rope.dimension_count", Key::U32(24)),
        ("llama.rope.freq_base", Key::F32(10_000.0)),
        ("llama.vocab_size", Key::U32(tokens.len() as u32)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text("gpt-2")),
        ("tokenizer.ggml.tokens", texts(tokens.iter().map(|(_, token)| *token))),
        ("tokenizer.ggml.token_type", Key::Array(tokens.iter().map(|(_, token)| kind(token)).collect())),
        ("tokenizer.ggml.merges", texts(merges.iter().map(String::as_str))),
        ("tokenizer.ggml.eos_token_id", id("<|im_end|>")),
        ("tokenizer.ggml.padding_token_id", id("<|pad|>")),
        ("tokenizer.chat_template", text(tokenizer_config["chat_template"].as_str().unwrap())),
    ];
    let weights = candle_core::safetensors::load(tiny_folder().join(WEIGHTS), &Device::Cpu).unwrap();
    let tensor = |(name, weight): (String, Tensor)| {
        let weight = match name.rsplit('.').nth(1).unwrap() {
            "q_proj" => side_by_side(&weight, 4),
            "k_proj" => side_by_side(&weight, 2),
            _ => weight,
        };
        (name_in_gguf(&name), QTensor::quantize(&weight, GgmlDType::F16).unwrap())
    };
    Gguf {
        keys: keys.map(|(key, value)| (key.to_owned(), value)).into(),
        tensors: weights.into_iter().map(tensor).collect(),
    }
}

impl Gguf {
    fn with(mut self, key: &str, value: Key) -> Self {
        self.keys.insert(key.to_owned(), value);
        self
    }

    fn without(mut self, name: &str) -> Self {
        assert!(self.keys.remove(name).is_some() || self.tensors.remove(name).is_some());
        self
    }

    fn with_tensor(mut self, name: &str, values: &[f32]) -> Self {
        let tensor = Tensor::new(values, &Device::Cpu).unwrap();
        self.tensors.insert(name.to_owned(), QTensor::quantize(&tensor, GgmlDType::F32).unwrap());
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let keys: Vec<(&str, &Key)> = self.keys.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let tensors: Vec<(&str, &QTensor)> =
            self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let mut file = std::io::Cursor::new(Vec::new());
        gguf_file::write(&mut file, &keys, &tensors).unwrap();
        file.into_inner()
    }
}

/// Imports these bytes. The folder exists only if the import succeeded.
fn imported(bytes: &[u8]) -> (TempDir, Result<BTreeMap<String, Sha256Hex>>) {
    let folder = tempfile::tempdir().unwrap();
    let gguf = folder.path().join("model.gguf");
    fs::write(&gguf, bytes).unwrap();
    let result = import(&gguf, &folder.path().join("base"));
    assert_eq!(folder.path().join("base").exists(), result.is_ok());
    (folder, result)
}

fn refusal(bytes: &[u8]) -> String {
    let (folder, result) = imported(bytes);
    let message = result.unwrap_err().to_string();
    let place = format!("{}: ", folder.path().join("model.gguf").display());
    message.strip_prefix(&place).unwrap_or_else(|| panic!("{message}")).to_owned()
}

fn tensors(folder: &Path) -> BTreeMap<String, Vec<f32>> {
    let tensors = candle_core::safetensors::load(folder.join(WEIGHTS), &Device::Cpu).unwrap();
    let values = |tensor: Tensor| tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    tensors.into_iter().map(|(name, tensor)| (name, values(tensor))).collect()
}

#[test]
fn a_model_comes_back_with_the_same_weights_tokens_and_answers() {
    let (folder, hashes) = imported(&tiny().bytes());
    let folder = folder.path().join("base");
    assert_eq!(tensors(&folder), tensors(&tiny_folder()));
    let [theirs, ours] = [tiny_folder(), folder].map(|folder| ModelFolder::load(&folder, Today::default()).unwrap());
    assert_eq!(ours.config, theirs.config);
    assert_eq!(ours.files, hashes.unwrap());
    let prompts = ["Fetch the order amber_lot.", "  naïve 1234\n\n\t→ <|im_end|> don't"];
    let tokens = |base: &ModelFolder| prompts.map(|prompt| base.tokenizer.user_prompt(prompt).unwrap());
    assert_eq!(tokens(&ours), tokens(&theirs));
    let answers = |base: &ModelFolder| {
        let (tokens, end_tokens) = (tokens(base), base.end_tokens());
        let prompts: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
        let limits = Limits { max_new_tokens: 40, end_tokens: &end_tokens, max_positions: 256 };
        let model = base.model(None).unwrap();
        generate(&model, &prompts, &limits, Workers::new(None), |_| Ok(())).unwrap()
    };
    assert_eq!(answers(&ours), answers(&theirs));
    assert_eq!(ours.tokenizer.decode(&answers(&ours)[0]).unwrap(), "pier.get_order(\"amber_lot\")");
}

#[test]
fn quantised_weights_are_what_dequantisation_makes_of_them_and_not_rounded_again() {
    let mut gguf = tiny();
    let name = "blk.1.ffn_up.weight";
    let weight = gguf.tensors[name].dequantize(&Device::Cpu).unwrap();
    let quantised = QTensor::quantize(&weight, GgmlDType::Q4_1).unwrap();
    let expected = quantised.dequantize(&Device::Cpu).unwrap();
    gguf.tensors.insert(name.to_owned(), quantised);
    let (folder, result) = imported(&gguf.bytes());
    result.unwrap();
    let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let rounded = expected.to_dtype(DType::F16).unwrap().to_dtype(DType::F32).unwrap();
    assert_ne!(values(&rounded), values(&expected));
    assert_eq!(tensors(&folder.path().join("base"))["model.layers.1.mlp.up_proj.weight"], values(&expected));
}

#[test]
fn smollm_cuts_digits_off_one_by_one() {
    let pieces = |pre: &str| {
        let gguf = tiny().with("tokenizer.ggml.pre", text(pre));
        let with_numbers = |key: &str, more: Key| {
            let Key::Array(mut list) = gguf.keys[key].clone() else { panic!("{key}") };
            list.push(more);
            (key.to_owned(), Key::Array(list))
        };
        let more = [
            with_numbers("tokenizer.ggml.tokens", text("12")),
            with_numbers("tokenizer.ggml.token_type", Key::I32(1)),
            with_numbers("tokenizer.ggml.merges", text("1 2")),
        ];
        let keys = gguf.keys.into_iter().chain(more).collect();
        let tokenizer = Vocabulary::of(&Metadata(&keys)).unwrap().tokenizer().unwrap();
        let tokenizer = Tokenizer::from_bytes(tokenizer).unwrap();
        tokenizer.encode("a 12", false).unwrap().get_tokens().to_vec()
    };
    assert_eq!(pieces("gpt-2").last().unwrap(), "12");
    assert_eq!(pieces("smollm")[1..], ["Ġ", "1", "2"]);
}

#[test]
fn what_it_cannot_do_is_refused_by_name() {
    let with = |key: &str, value: Key| tiny().with(key, value);
    let cases = [
        (with("general.architecture", text("qwen2")), "general.architecture: `qwen2` is not supported, `llama` is"),
        (with("llama.rope.scaling.type", text("linear")), "llama.rope.scaling.type: is not supported"),
        (with("llama.expert_count", Key::U32(8)), "llama.expert_count: is not supported"),
        (with("llama.rope.dimension_count", Key::U32(12)), "llama.rope.dimension_count: expected 24"),
        (with("llama.attention.value_length", Key::U32(12)), "llama.attention.value_length: expected 24"),
        (with("llama.vocab_size", Key::U32(9)), "llama.vocab_size: expected 694"),
        (with("llama.block_count", text("three")), "llama.block_count: expected a whole number"),
        (with("llama.block_count", Key::U32(4)), "lacks the tensor blk.3.attn_norm.weight"),
        (with("llama.feed_forward_length", Key::U32(255)), "blk.0.ffn_gate.weight: its shape is [256, 96]"),
        (
            tiny().with("llama.attention.head_count", Key::U32(0)).without("llama.rope.dimension_count"),
            "num_attention_heads: has to be positive",
        ),
        (tiny().without("llama.context_length"), "llama.context_length: is needed"),
        (with("tokenizer.ggml.model", text("llama")), "tokenizer.ggml.model: `llama` is not supported"),
        (with("tokenizer.ggml.pre", text("llama-bpe")), "tokenizer.ggml.pre: `llama-bpe` is not supported"),
        (with("tokenizer.ggml.add_space_prefix", Key::Bool(true)), "tokenizer.ggml.add_space_prefix: is not supported"),
        (with("tokenizer.ggml.eos_token_id", Key::U32(768)), "tokenizer.ggml.eos_token_id: there is no token 768"),
        (with("tokenizer.ggml.eot_token_id", Key::U32(0)), "tokenizer.ggml.eot_token_id: has to be"),
        (with("tokenizer.ggml.merges", texts(["a bb"])), "tokenizer.ggml.merges: entry 0 is not of tokens"),
        (with("tokenizer.ggml.token_type", Key::Array(vec![Key::I32(1)])), "tokenizer.ggml.token_type: has 1 entries"),
        (tiny().without("tokenizer.chat_template"), "tokenizer.chat_template: is needed"),
        (tiny().with_tensor("rope_freqs.weight", &[1.0; 12]), "rope_freqs.weight: a tensor that is not supported"),
        (tiny().without("output_norm.weight"), "lacks the tensor output_norm.weight"),
    ];
    for (gguf, expected) in cases {
        let message = refusal(&gguf.bytes());
        assert!(message.starts_with(expected), "{message} instead of {expected}");
    }
}

#[test]
fn what_is_no_gguf_or_not_whole_is_refused() {
    assert!(refusal(b"PK\x03\x04, a zip").starts_with("cannot be read as GGUF"));
    let bytes = tiny().bytes();
    assert!(refusal(&bytes[..1_000]).starts_with("cannot be read as GGUF"));
    assert!(refusal(&bytes[..bytes.len() - 100]).contains(".weight: "));
}
