//! Items that wait for an output in another row.

use std::collections::BTreeMap;

use crate::skipped::Skipped;

/// Items by the output that they wait for.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    by_output: BTreeMap<String, Vec<T>>,
    /// Outputs that were there and could not be read, with the reason. A later row may have them whole.
    unread: BTreeMap<String, Skipped>,
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self { by_output: BTreeMap::new(), unread: BTreeMap::new() }
    }
}

impl<T> Waiting<T> {
    pub(crate) fn add(&mut self, output: String, item: T) {
        self.by_output.entry(output).or_default().push(item);
    }

    /// Removes the items of an output for which `goes` is `true`.
    pub(crate) fn remove(&mut self, output: &str, goes: impl Fn(&T) -> bool) {
        if let Some(items) = self.by_output.get_mut(output) {
            items.retain(|item| !goes(item));
        }
    }

    /// Takes the items of an output, with the output. `read` reads it, which is done only if items wait for it. They wait on if it
    /// cannot be read.
    pub(crate) fn meet<O>(&mut self, output: &str, read: impl FnOnce() -> Result<O, Skipped>) -> Option<(O, Vec<T>)> {
        if !self.by_output.contains_key(output) {
            return None;
        }
        match read() {
            Ok(read) => Some((read, self.by_output.remove(output)?)),
            Err(skipped) => {
                self.unread.insert(output.to_owned(), skipped);
                None
            }
        }
    }

    /// Takes the items that are left, each with its output, and the reason why that could not be read.
    pub(crate) fn rest(&mut self) -> Vec<(String, T, Option<Skipped>)> {
        let left = std::mem::take(&mut self.by_output).into_iter();
        let named = |(output, items): (String, Vec<T>)| {
            let unread = self.unread.get(&output).cloned();
            items.into_iter().map(move |item| (output.clone(), item, unread.clone()))
        };
        left.flat_map(named).collect()
    }
}
