//! The erasure of one contributor's lines from objects that hold lines of many.

use std::borrow::Cow;
use std::collections::HashSet;

use flywheel_log::PartName;
use serde::Deserialize;

/// The ids of erased pairs and events. Copies of them are found by these ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErasedIds {
    /// The ids of pairs.
    pub pairs: HashSet<String>,
    /// The ids of events.
    pub events: HashSet<String>,
}

/// The rest of an object's lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinesLeft {
    /// The other contributors' lines, unchanged.
    pub body: String,
    /// The number of lines left.
    pub rows: u64,
    /// The number of lines erased.
    pub erased: u64,
}

#[derive(Deserialize)]
struct Owned<'l> {
    #[serde(borrow, default)]
    contributor: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    pair_id: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    event_id: Option<Cow<'l, str>>,
}

impl ErasedIds {
    /// Removes a contributor's lines from an object, and remembers their ids. `None` if it has none.
    ///
    /// # Errors
    /// The index of a line that cannot be read: its contributor is unknown.
    pub fn take_lines(&mut self, body: &str, contributor: &str) -> Result<Option<LinesLeft>, usize> {
        let mut found = Self::default();
        let left = keep(body, |line| {
            let is_theirs = line.contributor.as_deref() == Some(contributor);
            if is_theirs {
                found.pairs.extend(line.pair_id.as_deref().map(str::to_owned));
                found.events.extend(line.event_id.as_deref().map(str::to_owned));
            }
            !is_theirs
        })?;
        self.pairs.extend(found.pairs);
        self.events.extend(found.events);
        Ok(left)
    }

    /// Removes copies of erased lines from an object, by their ids. `None` if it has none.
    ///
    /// # Errors
    /// The index of a line that cannot be read.
    pub fn take_copies(&self, body: &str) -> Result<Option<LinesLeft>, usize> {
        let has = |ids: &HashSet<String>, id: &Option<Cow<'_, str>>| id.as_deref().is_some_and(|id| ids.contains(id));
        keep(body, |line| !has(&self.pairs, &line.pair_id) && !has(&self.events, &line.event_id))
    }
}

fn keep(body: &str, mut stays: impl FnMut(&Owned<'_>) -> bool) -> Result<Option<LinesLeft>, usize> {
    let mut left = LinesLeft { body: String::new(), rows: 0, erased: 0 };
    for (index, line) in body.split_terminator('\n').enumerate() {
        let owned = serde_json::from_str(line).map_err(|_| index)?;
        if stays(&owned) {
            left.body.push_str(line);
            left.body.push('\n');
            left.rows += 1;
        } else {
            left.erased += 1;
        }
    }
    Ok((left.erased > 0).then_some(left))
}

/// Returns the name of the part that replaces an erased part: of the same time and digest, with as many rows as are left. So a
/// counter takes it for a second delivery of the counted batch.
#[must_use]
pub fn part_left(name: &PartName, left: &LinesLeft) -> Option<PartName> {
    (left.rows > 0).then(|| PartName { rows: left.rows, ..name.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "{\"pair_id\":\"p1\",\"event_id\":\"e1\",\"contributor\":\"a\"}\n\
                        {\"pair_id\":null,\"event_id\":\"e2\",\"contributor\":\"b\"}\n\
                        {\"pair_id\":\"p3\",\"event_id\":\"e3\",\"contributor\":null}\n";

    #[test]
    fn a_contributors_lines_are_taken_and_copies_are_found_by_their_ids() {
        let mut ids = ErasedIds::default();
        assert_eq!(ids.take_lines(BODY, "nobody"), Ok(None));
        let left = ids.take_lines(BODY, "b").unwrap().unwrap();
        assert_eq!((left.rows, left.erased, left.body.contains("e2")), (2, 1, false));
        assert_eq!((ids.pairs.len(), ids.events.contains("e2")), (0, true));
        let left = ids.take_lines(BODY, "a").unwrap().unwrap();
        let name = PartName { written_at: 7, digest: "0".repeat(32), rows: 3 };
        assert_eq!(part_left(&name, &left), Some(PartName { rows: 2, ..name.clone() }));
        assert_eq!(part_left(&name, &LinesLeft { rows: 0, ..left }), None);
        let copies = "{\"pair_id\":\"p1\",\"chosen\":\"c\"}\n{\"pair_id\":\"p3\"}\n{\"event_id\":\"e2\"}\n";
        assert_eq!(ids.take_copies(copies).unwrap().unwrap().body, "{\"pair_id\":\"p3\"}\n");
        assert_eq!(ids.take_copies("{\"pair_id\":\"p3\"}\n"), Ok(None));
        assert_eq!(ids.take_lines("{}\n{", "a"), Err(1), "whose it is nobody knows");
    }
}
