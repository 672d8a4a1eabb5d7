//! What anybody may write into a policy file: an error with its line, or a policy with a hash.
#![no_main]

use flywheel_core::Policy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match Policy::parse(text) {
    Ok(policy) => assert_eq!(policy.hash().len(), 16),
    Err(error) => assert!(!error.to_string().is_empty()),
});
