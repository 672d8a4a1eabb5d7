//! Adapters of every wrong kind, and the two kinds that trainers write.

use serde_json::{Value, json};

use super::*;
use crate::problem::Problem;

const GOLDEN_CONFIG: &[u8] = include_bytes!("../../../trainer/tests/golden/adapter/adapter_config.json");
const GOLDEN_WEIGHTS: &[u8] = include_bytes!("../../../trainer/tests/golden/adapter/adapter_model.safetensors");

const RECIPE: Lora = Lora { rank: 8, alpha: 16.0 };

/// Returns a safetensors file of these tensors: name, type, shape, and the bytes of every value.
pub(crate) fn safetensors(tensors: &[(String, &str, [u64; 2], &[u8])]) -> Vec<u8> {
    let (mut header, mut values) = (serde_json::Map::new(), Vec::new());
    header.insert("__metadata__".to_owned(), json!({"format": "pt"}));
    for (name, dtype, shape, value) in tensors {
        let begin = values.len();
        (0..shape[0] * shape[1]).for_each(|_| values.extend_from_slice(value));
        header.insert(name.clone(), json!({"dtype": dtype, "shape": shape, "data_offsets": [begin, values.len()]}));
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &values].concat()
}

fn name(module: &str, letter: &str) -> String {
    format!("base_model.model.model.layers.{module}.lora_{letter}.weight")
}

fn tensors() -> Vec<(String, &'static str, [u64; 2], &'static [u8])> {
    const ONE: &[u8] = &[0, 0, 128, 63];
    let of = |module: &str| [(name(module, "A"), "F32", [8, 6], ONE), (name(module, "B"), "F32", [4, 8], ONE)];
    [of("0.self_attn.q_proj"), of("1.self_attn.q_proj")].concat()
}

/// Returns the weights of an adapter that the default recipe leads to.
pub(crate) fn weights() -> Vec<u8> {
    safetensors(&tensors())
}

/// Returns its configuration.
pub(crate) fn config() -> Value {
    json!({
        "base_model_name_or_path": "tiny", "bias": "none", "inference_mode": true, "lora_alpha": 16.0, "lora_dropout": 0.0,
        "modules_to_save": null, "peft_type": "LORA", "r": 8, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM",
    })
}

fn read(bytes: &[u8], piece: usize) -> Result<AdapterWeights, (Problem, String)> {
    let mut reader = WeightsReader::default();
    bytes.chunks(piece).for_each(|piece| reader.add(piece));
    reader.finish()
}

fn changed(change: impl FnOnce(&mut Vec<(String, &'static str, [u64; 2], &'static [u8])>)) -> Vec<u8> {
    let mut tensors = tensors();
    change(&mut tensors);
    safetensors(&tensors)
}

fn with(key: &str, value: Value) -> Vec<u8> {
    let mut config = config();
    config[key] = value;
    config.to_string().into_bytes()
}

#[test]
fn both_trainers_adapters_are_read_in_pieces_of_any_size() {
    for piece in [1, 3, 7, 8, 9, 1_000, usize::MAX] {
        assert_eq!(read(&weights(), piece).unwrap(), read(&weights(), 13).unwrap());
        let of_peft = read(GOLDEN_WEIGHTS, piece).unwrap();
        let config = AdapterConfig::parse(GOLDEN_CONFIG).unwrap();
        assert_eq!(contradictions(&config, &of_peft, Lora { rank: 4, alpha: 8.0 }), Vec::<String>::new());
    }
    let config = AdapterConfig::parse(config().to_string().as_bytes()).unwrap();
    assert_eq!(contradictions(&config, &read(&weights(), 5).unwrap(), RECIPE), Vec::<String>::new());
}

#[test]
fn bytes_that_are_no_adapter_are_refused() {
    let whole = weights();
    let long_header = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    let pickle = b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.";
    for (bytes, detail) in [
        (&b""[..], "ends before its header"),
        (b"{}", "ends before its header"),
        (pickle, "no safetensors file"),
        (b"weights of a run", "no safetensors file"),
        (&long_header, "no safetensors file"),
        (b"\x02\0\0\0\0\0\0\0{}", "no tensor"),
        (b"\x02\0\0\0\0\0\0\0[]", "no two-dimensional one"),
        (b"\x02\0\0\0\0\0\0\0{{", "no JSON"),
        (&whole[..whole.len() - 1], "before its last tensor"),
        (&[&whole[..], b"\0"].concat(), "behind its last tensor"),
    ] {
        let (problem, said) = read(bytes, 5).unwrap_err();
        assert!(problem == Problem::Adapter && said.contains(detail), "{said}");
    }
}

#[test]
fn tensors_that_no_recipe_asks_for_are_refused() {
    const ONE: &[u8] = &[0, 0, 128, 63];
    const TWO_BYTES: &[u8] = &[128, 63];
    for (bytes, detail) in [
        (changed(|tensors| tensors[0].0 = "base_model.model.lm_head.lora_A.weight".to_owned()), "no part of a LoRA"),
        (changed(|tensors| tensors[0].0 = "model.layers.0.self_attn.q_proj.weight".to_owned()), "no part of a LoRA"),
        (changed(|tensors| tensors[0].0 = name("0.self_attn q_proj", "A")), "no part of a LoRA"),
        (changed(|tensors| drop(tensors.remove(0))), "one of lora_A and lora_B"),
        (changed(|tensors| drop(tensors.pop())), "one of lora_A and lora_B"),
        (changed(|tensors| tensors[0].2 = [7, 6]), "has rank 7 and 8"),
        (changed(|tensors| tensors[3].2 = [4, 9]), "and another module has 8"),
        (changed(|tensors| tensors[1].2 = [0, 8]), "has no values"),
        (changed(|tensors| drop(tensors.drain(..2))), "leaves out a layer"),
        (changed(|tensors| tensors[2].1 = "I32"), "no two-dimensional one"),
        (changed(|tensors| tensors[2].1 = "F64"), "no two-dimensional one"),
        // The bytes of a value are not those of the type.
        (changed(|tensors| tensors[2].1 = "BF16"), "is not where its shape"),
        (changed(|tensors| tensors[2].3 = TWO_BYTES), "is not where its shape"),
    ] {
        let (problem, said) = read(&bytes, 11).unwrap_err();
        assert!(problem == Problem::Adapter && said.contains(detail), "{said}");
    }
    // Two tensors at one place, and one name twice.
    let shared = String::from_utf8_lossy(&safetensors(&tensors()[..2])).replace("[192,320]", "[0,128]");
    assert!(read(shared.as_bytes(), 11).is_err());
    let header = r#"{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}"#;
    let twice = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), ONE].concat();
    assert!(read(&twice, 11).unwrap_err().1.contains("a name twice"));
}

#[test]
fn a_value_that_is_not_finite_is_an_error_in_every_type() {
    let infinite: [(&str, &[u8], &[u8]); 3] = [
        ("F32", &[0, 0, 128, 127], &[1, 0, 192, 255]),
        ("F16", &[0, 124], &[1, 254]),
        ("BF16", &[128, 127], &[192, 255]),
    ];
    for (dtype, infinity, nan) in infinite {
        for value in [infinity, nan] {
            for piece in [1, 5, 10_000] {
                let bytes = changed(|tensors| (tensors[2].1, tensors[2].3) = (dtype, value));
                let (problem, said) = read(&bytes, piece).unwrap_err();
                assert_eq!(problem, Problem::NotFinite);
                assert_eq!(said, format!("48 values, the first in {}", name("1.self_attn.q_proj", "A")));
            }
        }
    }
}

#[test]
fn an_adapter_without_effect_is_an_error() {
    const MINUS_ZERO: &[u8] = &[0, 0, 0, 128];
    let still = changed(|tensors| tensors.iter_mut().skip(1).step_by(2).for_each(|b| b.3 = MINUS_ZERO));
    assert_eq!(read(&still, 6).unwrap_err().0, Problem::NoEffect);
}

#[test]
fn a_configuration_is_refused_by_the_name_of_its_key() {
    for (key, value) in [
        ("peft_type", json!("IA3")),
        ("task_type", json!("SEQ_CLS")),
        ("bias", json!("all")),
        ("r", json!(0)),
        ("r", json!(8.5)),
        ("lora_alpha", json!("16")),
        ("lora_alpha", json!(-1)),
        ("target_modules", json!([])),
        ("target_modules", json!("all-linear")),
        ("target_modules", json!([7])),
        ("use_dora", json!(true)),
        ("use_rslora", json!(true)),
        ("modules_to_save", json!(["lm_head"])),
        ("rank_pattern", json!({"q_proj": 64})),
        ("auto_mapping", json!({"base_model_class": "Evil", "parent_library": "os"})),
        ("init_lora_weights", json!("pissa")),
        ("trust_remote_code", json!(true)),
    ] {
        let error = AdapterConfig::parse(&with(key, value.clone())).unwrap_err();
        assert!(error.starts_with(key), "{key}: {error}");
    }
    for bytes in [&b""[..], b"{}", b"[]", b"configuration", b"\x80\x04}"] {
        assert!(AdapterConfig::parse(bytes).is_err());
    }
    let twice = config().to_string().replacen('{', r#"{"r":64,"#, 1);
    assert!(AdapterConfig::parse(twice.as_bytes()).unwrap_err().contains("a key comes twice"));
    let foreign = AdapterConfig::parse(&with("a user's secret text", json!(1))).unwrap_err();
    assert!(!foreign.contains("secret"), "{foreign}");
}

#[test]
fn two_files_that_disagree_with_each_other_or_the_recipe_are_named() {
    let of = |config: &[u8], weights: &[u8], recipe| {
        contradictions(&AdapterConfig::parse(config).unwrap(), &read(weights, 999).unwrap(), recipe)
    };
    let (right, weights) = (config().to_string().into_bytes(), weights());
    assert_eq!(of(&right, &weights, Lora { rank: 4, alpha: 16.0 }).len(), 2);
    for (found, detail) in [
        (of(&with("r", json!(16)), &weights, RECIPE), "r is 16, and lora.rank of the recipe is 8"),
        (of(&with("lora_alpha", json!(32)), &weights, RECIPE), "lora_alpha is 32, and lora.alpha of the recipe is 16"),
        (
            of(&with("target_modules", json!(["q_proj", "v_proj"])), &weights, RECIPE),
            "1 target_modules have no tensors",
        ),
        (of(&with("target_modules", json!(["proj"])), &weights, RECIPE), "2 modules are no target_modules"),
    ] {
        assert!(found.iter().any(|said| said.contains(detail)), "{found:?}");
    }
}
