//! `flywheel exclude`: removes rows from the dataset.

use flywheel_dataset::Selection;
use flywheel_operator::{Adapters, OperatorLake, Wish};

use super::amendment::amend;
use super::contributor::pseudonym;
use crate::arguments::ExcludeArguments;
use crate::{Failure, Outcome};

pub(crate) fn run(arguments: &ExcludeArguments) -> Result<Outcome, Failure> {
    let ExcludeArguments { by, window, reason, change } = arguments;
    let selection = Selection {
        contributor: pseudonym(by)?,
        from: window.and_then(|window| window.from),
        until: window.and_then(|window| window.until),
        reason: reason.clone(),
    };
    if selection.is_empty() {
        let hint = "say which rows: --contributor, --contributor-id, --window or --reason";
        return Err(Failure::Unusable(hint.to_owned()));
    }
    super::run(async {
        let lake = OperatorLake::open(&change.on.lake).await?;
        amend(&lake, Wish::Exclude(selection), change, Adapters::AreNamed).await
    })
}
