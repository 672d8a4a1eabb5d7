use std::fs::read_to_string;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use flywheel_base::PolicyError;

/// The policy's file in the function's package, beside its executable.
const FILE_NAME: &str = "policy.toml";

/// The policy file exists and cannot be used. The function does not start: judging by rules that were not deployed would be worse
/// than waiting.
#[derive(Debug, thiserror::Error)]
pub enum UnusablePolicy {
    /// The file cannot be read.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: Error,
    },
    /// The file is not a valid policy.
    #[error("{path}: {cause}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The location in the file, and the error there.
        cause: PolicyError,
    },
}

/// Returns the policy in the file beside the running executable, or the default if there is none.
///
/// # Errors
/// If the file exists and cannot be used.
pub fn packaged_policy<P: Default + FromStr<Err = PolicyError>>() -> Result<P, UnusablePolicy> {
    let executable = std::env::current_exe();
    let folder = executable.as_deref().ok().and_then(Path::parent).unwrap_or(Path::new("."));
    policy_in(folder)
}

fn policy_in<P: Default + FromStr<Err = PolicyError>>(folder: &Path) -> Result<P, UnusablePolicy> {
    let path = folder.join(FILE_NAME);
    match read_to_string(&path) {
        Ok(text) => text.parse().map_err(|cause| UnusablePolicy::Invalid { path, cause }),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(P::default()),
        Err(cause) => Err(UnusablePolicy::Unreadable { path, cause }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_policy::Policy;

    #[test]
    fn without_a_file_the_default_holds() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(policy_in::<Policy>(folder.path()).unwrap(), Policy::default());
    }

    #[test]
    fn the_file_is_taken_or_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text| std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
        write("[similarity]\ntrivial_above = 0.9\n");
        assert_eq!(policy_in::<Policy>(folder.path()).unwrap().curation.audit.trivial_above, 0.9);
        write("[similarity]\ntrivial_above = 9\n");
        assert!(policy_in::<Policy>(folder.path()).unwrap_err().to_string().contains("policy.toml: policy line 2"));
        write("\u{0}");
        assert!(policy_in::<Policy>(folder.path()).is_err());
    }
}
