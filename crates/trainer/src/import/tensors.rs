use std::io::{Read, Seek};

use candle_core::quantized::gguf_file::Content;
use candle_core::{Device, Tensor};

use crate::model::{Config, shapes};
use crate::tensor_file;

/// The output layer, if it is not tied to the embedding.
pub(super) const HEAD: &str = "output.weight";

/// The tensors with other names in a GGUF file.
const OUTSIDE_LAYERS: [(&str, &str); 3] =
    [("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output")];
const IN_LAYERS: [(&str, &str); 9] = [
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    (QUERY, "attn_q"),
    (KEY, "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];
const QUERY: &str = "self_attn.q_proj";
const KEY: &str = "self_attn.k_proj";

/// Returns `model.safetensors`, with all tensors in f32: dequantisation and the trainer compute in f32. In f16 most tensors would
/// be rounded once more: a scale of 11 bits times a number of 4 or 8 bits has more bits than an f16.
///
/// `Err` names a tensor that is missing, has another shape, or is unknown.
pub(super) fn safetensors<R: Read + Seek>(
    content: &Content,
    reader: &mut R,
    config: &Config,
) -> Result<Vec<u8>, String> {
    let (mut tensors, mut known) = (Vec::new(), Vec::new());
    for (name, shape) in shapes(config) {
        let in_gguf = name_in_gguf(&name).ok_or_else(|| format!("{name}: has no name in GGUF"))?;
        let found = content.tensor_infos.get(&in_gguf).ok_or_else(|| format!("lacks the tensor {in_gguf}"))?;
        if found.shape.dims() != shape {
            let found = found.shape.dims();
            return Err(format!("{in_gguf}: its shape is {found:?}, and by the keys of llama.* {shape:?}"));
        }
        let tensor = content.tensor(reader, &in_gguf, &Device::Cpu).and_then(|tensor| tensor.dequantize(&Device::Cpu));
        let tensor = tensor.and_then(|tensor| match heads_of(&name, config) {
            Some(heads) => in_halves(&tensor, heads),
            None => Ok(tensor),
        });
        tensors.push((name, tensor.map_err(|error| format!("{in_gguf}: {error}"))?));
        known.push(in_gguf);
    }
    // Biases, experts, or factors of a scaled rope.
    let mut unknown: Vec<&String> = content.tensor_infos.keys().filter(|name| !known.contains(name)).collect();
    unknown.sort_unstable();
    match unknown.first() {
        Some(name) => Err(format!("{name}: a tensor that is not supported")),
        None => tensor_file::write(&tensors, tensor_file::OF_TORCH).map_err(|error| error.to_string()),
    }
}

fn name_in_gguf(name: &str) -> Option<String> {
    let module = name.strip_suffix(".weight")?;
    let renamed = |names: &[(&str, &'static str)], module: &str| {
        names.iter().find(|(ours, _)| *ours == module).map(|(_, theirs)| *theirs)
    };
    match module.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.')) {
        Some((layer, module)) => Some(format!("blk.{layer}.{}.weight", renamed(&IN_LAYERS, module)?)),
        None => Some(format!("{}.weight", renamed(&OUTSIDE_LAYERS, module)?)),
    }
}

/// Returns the number of heads of a layer with rotated output.
fn heads_of(name: &str, config: &Config) -> Option<usize> {
    if name.contains(QUERY) {
        return Some(config.heads);
    }
    name.contains(KEY).then_some(config.key_value_heads)
}

/// Undoes llama.cpp's order of a head's rows. It rotates neighbours against each other; Hugging Face's Llama rotates the first
/// half against the second. Row `2 i + half` of a head there is row `half · width / 2 + i` here.
fn in_halves(weight: &Tensor, heads: usize) -> candle_core::Result<Tensor> {
    let (rows, width) = weight.dims2()?;
    weight.reshape((heads, rows / heads / 2, 2, width))?.transpose(1, 2)?.contiguous()?.reshape((rows, width))
}
