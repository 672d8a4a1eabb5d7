//! Characters that hide text from its readers. A person then approves of a text other than the one that a model learns.
//!
//! Almost all invisible characters have honest uses. Joiners make one emoji of several, and Persian and Hindi need
//! them. A few soft hyphens and a byte-order mark come with copied text. Arabic and Hebrew need marks of direction, and some
//! programs put isolates around every name. So the check does not find characters, but uses that no writing has. For
//! directions these are the uses of "Trojan Source" (Boucher and Anderson, 2021). For tags, variation selectors and
//! zero-width characters they are the published ways to carry text in them.
//!
//! Markup that hides (comments, `display:none`) is text to this check. All other checks read it.

use std::ops::Range;

use flywheel_base::Reason;

use super::Findings;
use super::subject::Texts;

/// The number of invisible characters in a row that is a finding. Writing has up to three: a joiner, a mark of
/// direction, and a break.
const INVISIBLE_IN_A_ROW: usize = 4;

/// The number of invisible characters inside English words of one text that is a finding. One may mark where a long
/// name may be broken.
const INVISIBLE_IN_WORDS: usize = 5;

/// The number of variation selectors in a row that is a finding. A picture or a letter takes one.
const SELECTORS_IN_A_ROW: usize = 2;

/// The maximum number of tags behind a black flag. They make it the flag of a region: at most six letters and an end.
const TAGS_OF_A_FLAG: usize = 7;

/// Finds hidden text that the model's text does not have. A finding's score is the number of characters that hide it.
pub(super) fn inspect(texts: Texts<'_>, findings: &mut Findings) {
    let chosen = hidden(texts.chosen);
    if chosen.iter().all(|found| found.characters == 0) {
        return;
    }
    let rejected = hidden(texts.rejected);
    for (found, original) in chosen.into_iter().zip(rejected) {
        if found.characters > original.characters {
            findings.in_chosen(Reason::HiddenText, found.characters as f32, found.bytes);
        }
    }
}

/// The means by which characters hide text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    /// Characters shown in another order.
    Direction,
    /// Tags, which nothing shows.
    Tag,
    /// Characters without width.
    Invisible,
    /// Selectors of a form, behind a character that has no forms.
    Selector,
    /// Controls that move the cursor of a terminal, and so overwrite text.
    Control,
}

const MEANS: usize = 5;

/// The number of characters that hide text by one means, and their place: from the first to the last.
#[derive(Clone, Default)]
struct Hidden {
    characters: usize,
    bytes: Range<usize>,
}

/// Returns the hidden text, by its [`Means`].
fn hidden(text: &str) -> [Hidden; MEANS] {
    let mut search = Search::default();
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    // Folded, not found: without an early exit the loop is a few instructions for 16 bytes.
    if text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        return search.found;
    }
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        if matches!(character, ' '..='~') {
            search.leave(character);
        } else {
            search.look(text, at, before, character);
        }
        before = character;
    }
    search.end_line(text.len());
    search.settle_words();
    search.found
}

/// The state of the search.
#[derive(Default)]
struct Search {
    found: [Hidden; MEANS],
    /// The number of preceding characters of one kind, and their place.
    row: usize,
    row_bytes: Range<usize>,
    row_means: Option<Means>,
    /// The number of tags that the preceding flag may still take.
    flag: usize,
    /// `true` if the row stands behind an English letter.
    in_word: bool,
    words: Hidden,
    /// The starts of the directions still open on this line, with `true` if they hide text even when closed.
    open: Vec<(usize, bool)>,
    is_right_to_left: Option<bool>,
}

impl Search {
    fn look(&mut self, text: &str, at: usize, before: char, character: char) {
        let bytes = at..at + character.len_utf8();
        match character {
            '\n' => {
                self.end_line(at);
                self.leave(character);
            }
            '\u{1b}' | '\u{8}' | '\u{7f}' | '\u{9b}' => self.add(Means::Control, 1, bytes),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => self.turn(text, character, bytes),
            '\u{e0000}'..='\u{e007f}' if self.flag > 0 => self.flag -= 1,
            '\u{e0000}'..='\u{e007f}' => self.add(Means::Tag, 1, bytes),
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
                self.stay(Means::Selector, SELECTORS_IN_A_ROW, before, bytes);
            }
            '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}'
            | '\u{feff}'
            | '\u{180e}'
            | '\u{61c}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{3164}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' => self.stay(Means::Invisible, INVISIBLE_IN_A_ROW, before, bytes),
            '\u{1f3f4}' => {
                self.leave(character);
                self.flag = TAGS_OF_A_FLAG;
            }
            _ => self.leave(character),
        }
    }

    /// Continues or begins a row of characters of one kind. They hide text once there are `many`.
    fn stay(&mut self, means: Means, many: usize, before: char, bytes: Range<usize>) {
        if self.row_means != Some(means) {
            (self.row, self.row_bytes, self.row_means) = (0, bytes.clone(), Some(means));
            self.in_word = means == Means::Invisible && before.is_ascii_alphabetic();
        }
        self.row += 1;
        self.row_bytes.end = bytes.end;
        match self.row {
            row if row < many => {}
            row if row == many => self.add(means, many, self.row_bytes.clone()),
            _ => self.add(means, 1, bytes),
        }
    }

    /// Ends the row, if there is one, at a visible character.
    fn leave(&mut self, character: char) {
        self.flag = 0;
        if self.row_means.take().is_some() && self.in_word && character.is_ascii_alphabetic() {
            let characters = self.words.characters + self.row;
            let start = if self.words.characters == 0 { self.row_bytes.start } else { self.words.bytes.start };
            self.words = Hidden { characters, bytes: start..self.row_bytes.end };
        }
        self.in_word = false;
    }

    /// Records a character of direction. An override or a turn to the left hides text anywhere, unless the text has
    /// right-to-left writing. In any text, a direction that is not closed on its line hides text.
    fn turn(&mut self, text: &str, character: char, bytes: Range<usize>) {
        if matches!(character, '\u{202c}' | '\u{2069}') {
            self.open.pop();
            return;
        }
        let forces = matches!(character, '\u{202b}' | '\u{202d}' | '\u{202e}' | '\u{2067}');
        let hides = forces && !self.is_right_to_left(text);
        self.open.push((bytes.start, hides));
        if hides {
            self.add(Means::Direction, 1, bytes);
        }
    }

    fn is_right_to_left(&mut self, text: &str) -> bool {
        let is_letter = |letter| {
            matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
                && letter != '\u{61c}'
        };
        *self.is_right_to_left.get_or_insert_with(|| text.contains(is_letter))
    }

    /// Closes the directions of a line. Those that were still open affect the text up to its end.
    fn end_line(&mut self, end: usize) {
        for (start, hides) in std::mem::take(&mut self.open) {
            self.add(Means::Direction, usize::from(!hides), start..end);
        }
    }

    /// Adds the characters inside words, if they are many.
    fn settle_words(&mut self) {
        if self.words.characters >= INVISIBLE_IN_WORDS {
            let Hidden { characters, bytes } = std::mem::take(&mut self.words);
            self.add(Means::Invisible, characters, bytes);
        }
    }

    fn add(&mut self, means: Means, characters: usize, bytes: Range<usize>) {
        let found = &mut self.found[means as usize];
        let both = found.bytes.start.min(bytes.start)..found.bytes.end.max(bytes.end);
        found.bytes = if found.characters == 0 { bytes } else { both };
        found.characters += characters;
    }
}

#[cfg(test)]
mod tests {
    use super::super::subject::Texts;
    use super::*;
    use proptest::prelude::*;

    fn found_beside(rejected: &str, chosen: &str) -> Vec<(f32, Range<usize>)> {
        let mut findings = Findings::default();
        inspect(Texts { prompt: "", chosen, rejected }, &mut findings);
        findings.list.into_iter().map(|finding| (finding.score, finding.span.unwrap().bytes)).collect()
    }

    fn found(chosen: &str) -> Vec<(f32, Range<usize>)> {
        found_beside("", chosen)
    }

    /// Returns `text` as tags.
    fn tags(text: &str) -> String {
        text.bytes().filter_map(|byte| char::from_u32(0xe0000 + u32::from(byte))).collect()
    }

    #[test]
    fn each_way_to_hide_is_found() {
        assert_eq!(found("access = \"user\u{202e} \u{2066}// admin\u{2069} \u{2066}\""), [(2.0, 14..37)]);
        assert_eq!(found("a\u{2067}b\u{2069}"), [(1.0, 1..4)]);
        assert_eq!(found(&format!("Nice.{}", tags("hi"))), [(2.0, 5..13)]);
        assert_eq!(found("ok\u{200b}\u{200c}\u{200b}\u{200c}\u{200d} then"), [(5.0, 2..17)]);
        assert_eq!(found("\u{1f600}\u{fe01}\u{fe02}\u{e0101}"), [(3.0, 4..14)]);
        assert_eq!(found("ok \u{1b}[8mhidden\u{1b}[0m"), [(2.0, 3..14)]);
        assert_eq!(found("abc\u{8}\u{8}\u{8}xyz"), [(3.0, 3..6)]);
        assert_eq!(found("p\u{200b}l\u{200b}a\u{200b}i\u{200b}n\u{200b}ly"), [(5.0, 1..20)]);
        assert_eq!(found("p\u{ad}l\u{ad}a\u{ad}i\u{ad}n\u{ad}ly"), [(5.0, 1..15)]);
        assert_eq!(found("t\u{200d}\u{200d}s\u{200d}\u{200d}\u{200d}c"), [(5.0, 1..17)]);
    }

    #[test]
    fn honest_uses_are_not() {
        for text in [
            "family 👨\u{200d}👩\u{200d}👧\u{200d}👦, heart ❤\u{fe0f}, flag 🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}!",
            "می\u{200c}خواهم و نمی\u{200c}خواهم و می\u{200c}روم و می\u{200c}آیم و می\u{200c}بینم",
            "\u{feff}hy\u{ad}phen\u{ad}ated",
            "Hello \u{2068}Alice\u{2069}, you have \u{2068}5\u{2069} messages.",
            "שלום \u{202b}abc עולם\u{202c} ו\u{202e}xyz\u{202c}",
            "Long\u{200b}Identifier\u{200b}Name",
            "tabs\tand\r\nlines, “quotes” – and 漢字、かな",
        ] {
            assert_eq!(found(text), [], "{text:?}");
        }
    }

    #[test]
    fn what_the_model_wrote_is_not_the_users() {
        let model = "Print \u{1b}[1mbold\u{1b}[0m.";
        assert_eq!(found_beside(model, "Print \u{1b}[1mbold\u{1b}[0m text."), []);
        assert_eq!(found_beside(model, "Print \u{1b}[1mbold\u{1b}[0m.\u{1b}[8mx"), [(3.0, 6..20)]);
        assert_eq!(found_beside(model, &format!("Print{}", tags("x"))).len(), 1);
    }

    #[test]
    fn a_flag_takes_no_more_than_a_region() {
        let flag = format!("🏴{}", tags("instructions"));
        assert_eq!(found(&flag), [(5.0, 32..52)]);
    }

    proptest! {
        #[test]
        fn any_text_can_be_looked_at(
            chosen in "[a-c\n\u{8}\u{1b}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{fe00}\u{e0041}\u{1f3f4}א]{0,60}",
        ) {
            for (characters, bytes) in found(&chosen) {
                prop_assert!(chosen[bytes].chars().count() >= 1 && characters >= 1.0);
            }
        }

        #[test]
        fn plain_text_hides_nothing(chosen in "[ -~\t\r\nà-üА-я漢字]{0,200}") {
            prop_assert_eq!(found(&chosen), []);
        }
    }
}
