//! A Llama-style decoder by operations that all have a backward pass.
//!
//! candle's fused operations (`softmax_last_dim`, `RmsNorm`, `rope`, `sdpa`) have none: they silently stop gradients. Everything
//! is computed in f32.

mod adapted;
mod attention;
mod cache;
mod config;
mod constant;
mod feed_forward;
mod frozen;
mod linear;
mod llama;
mod norm;
mod rotary;
mod softmax;
mod weights;

pub(crate) use cache::Cache;
pub(crate) use config::Config;
pub(crate) use linear::Projection;
pub(crate) use llama::Llama;
pub(crate) use softmax::log_softmax;
pub(crate) use weights::{Weights, linear_shapes, shapes};
