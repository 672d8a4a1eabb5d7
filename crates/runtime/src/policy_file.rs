use std::fs::read_to_string;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use flywheel_base::PolicyError;

use crate::settings::Settings;

/// The policy's file in the function's package, beside its executable.
const FILE_NAME: &str = "policy.toml";

/// Lambda sets this variable for every function: the folder of its package. `cargo lambda watch` runs a function without a package.
const LAMBDA_PACKAGE: &str = "LAMBDA_TASK_ROOT";

/// The policy file cannot be used, or a deployed function has none. The function does not start: judging by rules that were not
/// deployed would be worse than waiting.
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
    /// The function was deployed without the file.
    #[error(
        "{path} is missing from the function's package; build the package with `make package`, or copy infra/policy.toml into it"
    )]
    NotPackaged {
        /// The file.
        path: PathBuf,
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

/// Returns the policy in the file beside the running executable. Without the file it returns the default, except in Lambda: there a
/// missing file is a mistake of the package, and the default may differ from the operator's policy in every rule.
///
/// # Errors
/// If the file exists and cannot be used, or is missing in Lambda.
pub fn packaged_policy<P: Default + FromStr<Err = PolicyError>>(settings: &Settings) -> Result<P, UnusablePolicy> {
    let executable = std::env::current_exe();
    let folder = executable.as_deref().ok().and_then(Path::parent).unwrap_or(Path::new("."));
    policy_in(folder, settings.optional(LAMBDA_PACKAGE).is_some())
}

fn policy_in<P: Default + FromStr<Err = PolicyError>>(folder: &Path, is_deployed: bool) -> Result<P, UnusablePolicy> {
    let path = folder.join(FILE_NAME);
    match read_to_string(&path) {
        Ok(text) => text.parse().map_err(|cause| UnusablePolicy::Invalid { path, cause }),
        Err(cause) if cause.kind() == ErrorKind::NotFound && is_deployed => Err(UnusablePolicy::NotPackaged { path }),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(P::default()),
        Err(cause) => Err(UnusablePolicy::Unreadable { path, cause }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_policy::Policy;

    #[test]
    fn without_a_file_the_default_holds_on_a_machine_of_ones_own() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(policy_in::<Policy>(folder.path(), false).unwrap(), Policy::default());
    }

    #[test]
    fn a_function_that_was_deployed_without_the_file_does_not_start() {
        let folder = tempfile::tempdir().unwrap();
        let error = policy_in::<Policy>(folder.path(), true).unwrap_err().to_string();
        assert!(error.contains("policy.toml is missing from the function's package"), "{error}");
        // The tests' own executable has no policy beside it either.
        let deployed = Settings::of([("LAMBDA_TASK_ROOT", "/var/task")]);
        assert!(matches!(packaged_policy::<Policy>(&deployed), Err(UnusablePolicy::NotPackaged { .. })));
        assert_eq!(packaged_policy::<Policy>(&Settings::default()).unwrap(), Policy::default());
    }

    #[test]
    fn the_file_is_taken_or_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text| std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
        write("[similarity]\ntrivial_above = 0.9\n");
        assert_eq!(policy_in::<Policy>(folder.path(), true).unwrap().curation.audit.trivial_above, 0.9);
        write("[similarity]\ntrivial_above = 9\n");
        assert!(
            policy_in::<Policy>(folder.path(), true).unwrap_err().to_string().contains("policy.toml: policy line 2")
        );
        write("\u{0}");
        assert!(policy_in::<Policy>(folder.path(), true).is_err());
    }
}
