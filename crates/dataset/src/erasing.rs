//! The erasure of one contributor's lines from objects that hold lines of many.
//!
//! A line that cannot be read names no contributor, so it may be theirs. It is erased, too, and counted: any worker may write a line
//! into its run's output, and one such line must not stop an erasure.

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
    /// The number of those that could not be read.
    pub unreadable: u64,
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

impl<'l> Owned<'l> {
    /// Reads a line; none unless it is a JSON object.
    fn parse(line: &'l str) -> Option<Self> {
        let is_object = line.trim_start().starts_with('{');
        is_object.then(|| serde_json::from_str(line).ok()).flatten()
    }
}

impl ErasedIds {
    /// Removes a contributor's lines from an object, and remembers their ids. `None` if it has none, and no unreadable line.
    pub fn take_lines(&mut self, body: &[u8], contributor: &str) -> Option<LinesLeft> {
        keep(body, |line| {
            let is_theirs = line.contributor.as_deref() == Some(contributor);
            if is_theirs {
                self.pairs.extend(line.pair_id.as_deref().map(str::to_owned));
                self.events.extend(line.event_id.as_deref().map(str::to_owned));
            }
            !is_theirs
        })
    }

    /// Removes copies of erased lines from an object, by their ids. `None` if it has none, and no unreadable line. Without ids
    /// there are no copies, so nothing is removed.
    #[must_use]
    pub fn take_copies(&self, body: &[u8]) -> Option<LinesLeft> {
        if self.pairs.is_empty() && self.events.is_empty() {
            return None;
        }
        let has = |ids: &HashSet<String>, id: &Option<Cow<'_, str>>| id.as_deref().is_some_and(|id| ids.contains(id));
        keep(body, |line| !has(&self.pairs, &line.pair_id) && !has(&self.events, &line.event_id))
    }
}

fn keep(body: &[u8], mut stays: impl FnMut(&Owned<'_>) -> bool) -> Option<LinesLeft> {
    let mut left = LinesLeft { body: String::new(), rows: 0, erased: 0, unreadable: 0 };
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    let lines = (!body.is_empty()).then(|| body.split(|byte| *byte == b'\n'));
    for line in lines.into_iter().flatten() {
        let read = std::str::from_utf8(line).ok().and_then(|text| Some((text, Owned::parse(text)?)));
        match read {
            Some((text, line)) if stays(&line) => {
                left.body.push_str(text);
                left.body.push('\n');
                left.rows += 1;
            }
            read => {
                left.erased += 1;
                left.unreadable += u64::from(read.is_none());
            }
        }
    }
    (left.erased > 0).then_some(left)
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
        assert_eq!(ids.take_lines(BODY.as_bytes(), "stranger"), None);
        let left = ids.take_lines(BODY.as_bytes(), "b").unwrap();
        assert_eq!((left.rows, left.erased, left.body.contains("e2")), (2, 1, false));
        assert_eq!((ids.pairs.len(), ids.events.contains("e2")), (0, true));
        let left = ids.take_lines(BODY.as_bytes(), "a").unwrap();
        let name = PartName { written_at: 7, digest: "0".repeat(32), rows: 3 };
        assert_eq!(part_left(&name, &left), Some(PartName { rows: 2, ..name.clone() }));
        assert_eq!(part_left(&name, &LinesLeft { rows: 0, ..left }), None);
        let copies = "{\"pair_id\":\"p1\",\"chosen\":\"c\"}\n{\"pair_id\":\"p3\"}\n{\"event_id\":\"e2\"}\n";
        assert_eq!(ids.take_copies(copies.as_bytes()).unwrap().body, "{\"pair_id\":\"p3\"}\n");
        assert_eq!(ids.take_copies(b"{\"pair_id\":\"p3\"}\n"), None);
        assert_eq!(ErasedIds::default().take_copies(b"{"), None, "there are no copies of nothing");
    }

    #[test]
    fn a_line_that_cannot_be_read_is_erased_and_counted() {
        let readable = "{\"pair_id\":\"p3\",\"contributor\":\"c\"}";
        for line in
            [&b"{"[..], b"", b"null", b"7", b"[]", b"[\"a\"]", b"\xff", b"{\"pair_id\":7}", b"{}{}", b"{\"pair_id\""]
        {
            let body = [readable.as_bytes(), line, readable.as_bytes(), b""].join(&b'\n');
            let left = ErasedIds::default().take_lines(&body, "a").unwrap();
            let seen = (left.body.lines().count(), left.rows, left.erased, left.unreadable);
            assert_eq!(seen, (2, 2, 1, 1), "{}", line.escape_ascii());
            let ids = ErasedIds { pairs: HashSet::from(["p1".to_owned()]), ..ErasedIds::default() };
            assert_eq!(ids.take_copies(&body), Some(left), "{}", line.escape_ascii());
        }
        assert_eq!(ErasedIds::default().take_lines(b"", "a"), None);
    }
}
