//! Texts as rules read them: words, and the few properties of their surroundings that rules ask for.

/// The hash of a word's letters. Two words that collide are one word to the rules, which costs at worst a false alarm.
pub(super) type WordHash = u64;

/// A word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    /// The word's number in the vocabulary.
    pub(super) id: u16,
    /// `true` if only white space and markup stand before it on its line.
    pub(super) begins_line: bool,
    /// `true` if a quotation mark or a bracket stands right before it.
    pub(super) quoted: bool,
    /// `true` if a colon follows it at once, or after the end of an emphasis, a bracket or a quotation.
    pub(super) before_colon: bool,
    /// `true` if a sign, a quotation or the beginning of a line or text stands before it, so that it has no subject.
    pub(super) begins_clause: bool,
    /// `true` if a sign or the end of the text follows it, so that it has no complement.
    pub(super) ends_clause: bool,
    /// The number of its text.
    pub(crate) text: u32,
    /// Its place in that text, in bytes.
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Word {
    /// The id of a word that is in no rule.
    pub(super) const UNKNOWN: u16 = 0;
}

/// Appends the words of `text`. `id_of` maps a hash to the id.
pub(super) fn words(
    text: &str,
    number: u32,
    begins_line: bool,
    id_of: impl Fn(WordHash) -> u16,
    words: &mut Vec<Word>,
) {
    let mut reader = Reader { begins_line, begins_clause: true, quoted: false, hash: 0, start: None };
    let before = words.len();
    words.reserve(text.len() / 4);
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let from = at;
        let kind = if byte.is_ascii() {
            at += 1;
            ASCII[usize::from(byte)]
        } else {
            let letter = text[at..].chars().next().unwrap_or(' ');
            at += letter.len_utf8();
            kind(letter)
        };
        match kind {
            Kind::Letter => {
                reader.start.get_or_insert(from);
                reader.hash = bytes[from..at].iter().copied().fold(reader.hash, mixed);
            }
            Kind::Ideograph => {
                reader.end_word(from, number, &id_of, words);
                reader.start = Some(from);
                reader.hash = bytes[from..at].iter().copied().fold(0, mixed);
                reader.end_word(at, number, &id_of, words);
            }
            // "don't" is one word, and the same as "dont".
            Kind::Apostrophe if reader.start.is_some() => {}
            Kind::Apostrophe => reader.quoted = true,
            other => {
                reader.end_word(from, number, &id_of, words);
                reader.pass(other, words);
            }
        }
    }
    reader.end_word(text.len(), number, &id_of, words);
    if let Some(last) = words[before..].last_mut() {
        last.ends_clause = true;
    }
}

/// The state of the reader between two words.
struct Reader {
    begins_line: bool,
    begins_clause: bool,
    quoted: bool,
    hash: WordHash,
    start: Option<usize>,
}

impl Reader {
    fn end_word(&mut self, end: usize, text: u32, id_of: &impl Fn(WordHash) -> u16, words: &mut Vec<Word>) {
        let Some(start) = self.start.take() else { return };
        words.push(Word {
            id: id_of(self.hash),
            begins_line: self.begins_line,
            quoted: self.quoted,
            before_colon: false,
            begins_clause: self.begins_clause || self.begins_line || self.quoted,
            ends_clause: false,
            text,
            start: start as u32,
            end: end as u32,
        });
        *self = Self { begins_line: false, begins_clause: false, quoted: false, hash: 0, start: None };
    }

    fn pass(&mut self, kind: Kind, words: &mut [Word]) {
        match kind {
            Kind::Line => (self.begins_line, self.quoted) = (true, false),
            Kind::Quote => self.quoted = true,
            Kind::Colon => {
                if let Some(word) = words.last_mut().filter(|_| !self.begins_line) {
                    (word.before_colon, word.ends_clause) = (true, true);
                }
                (self.quoted, self.begins_clause) = (false, true);
            }
            Kind::Other => {
                if let Some(word) = words.last_mut().filter(|_| !self.begins_line) {
                    word.ends_clause = true;
                }
                (self.begins_line, self.quoted, self.begins_clause) = (false, false, true);
            }
            Kind::Space | Kind::Markup | Kind::Letter | Kind::Ideograph | Kind::Apostrophe => {}
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Letter,
    /// A letter that is a word by itself, because its script does not separate words.
    Ideograph,
    Apostrophe,
    Space,
    Line,
    Colon,
    Quote,
    /// A character that may stand before the first word of a line.
    Markup,
    Other,
}

/// The kinds of the characters of ASCII.
const ASCII: [Kind; 128] = {
    let mut kinds = [Kind::Other; 128];
    let mut byte = 0;
    while byte < 128 {
        kinds[byte as usize] = kind_of_ascii(byte);
        byte += 1;
    }
    kinds
};

const fn kind_of_ascii(byte: u8) -> Kind {
    match byte {
        b'a'..=b'z' | b'0'..=b'9' | b'A'..=b'Z' => Kind::Letter,
        b' ' | b'\t' => Kind::Space,
        b'\n' | b'\r' => Kind::Line,
        b'\'' => Kind::Apostrophe,
        b':' => Kind::Colon,
        b'"' | b'`' | b'[' | b'(' | b'<' | b'{' => Kind::Quote,
        b'#' | b'*' | b'>' | b'-' | b'=' | b'~' | b'|' | b']' | b')' | b'_' => Kind::Markup,
        _ => Kind::Other,
    }
}

/// `true` for each of them that is a letter.
const LETTERS: [bool; 128] = {
    let mut letters = [false; 128];
    let mut byte = 0;
    while byte < 128 {
        letters[byte as usize] = matches!(kind_of_ascii(byte), Kind::Letter);
        byte += 1;
    }
    letters
};

fn kind(letter: char) -> Kind {
    match letter {
        letter if letter.is_ascii() => kind_of_ascii(letter as u8),
        '\u{2019}' => Kind::Apostrophe,
        '\u{FF1A}' => Kind::Colon,
        '\u{2018}' | '\u{201C}' | '\u{201E}' | '\u{AB}' => Kind::Quote,
        '\u{201D}' => Kind::Markup,
        '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' => Kind::Ideograph,
        letter if letter.is_alphanumeric() => Kind::Letter,
        letter if letter.is_whitespace() => Kind::Space,
        _ => Kind::Other,
    }
}

/// Returns the hash of a word as a rule writes it.
pub(super) fn hash_of(word: &str) -> WordHash {
    let is_letter = |letter: &char| matches!(kind(*letter), Kind::Letter | Kind::Ideograph);
    let mut buffer = [0; 4];
    word.chars().filter(is_letter).fold(0, |hash, letter| letter.encode_utf8(&mut buffer).bytes().fold(hash, mixed))
}

/// Words to search for in text that mostly has none of them.
///
/// Each letter is mixed into the hash of its word. At the word's end a table of bits says if it may be one of them. One
/// in fifty of all other words passes the table, and is searched for. An automaton over the same words took twice as
/// long, because it stops at every word that contains one, and 6 ms to build. This takes half a millisecond with all
/// the rules.
#[derive(Debug)]
pub(super) struct Wakers {
    bits: Box<[u64; TABLE_BITS / 64]>,
    /// Their hashes, sorted.
    hashes: Vec<WordHash>,
}

const TABLE_BITS: usize = 1 << 14;

impl Default for Wakers {
    fn default() -> Self {
        Self { bits: Box::new([0; TABLE_BITS / 64]), hashes: Vec::new() }
    }
}

impl Wakers {
    pub(super) fn add(&mut self, hash: WordHash) {
        let bit = slot(hash, TABLE_BITS);
        self.bits[bit / 64] |= 1 << (bit % 64);
        if let Err(at) = self.hashes.binary_search(&hash) {
            self.hashes.insert(at, hash);
        }
    }

    /// Returns `true` if this may be the hash of one.
    fn may_be(&self, hash: WordHash) -> bool {
        let bit = slot(hash, TABLE_BITS);
        self.bits[bit / 64] >> (bit % 64) & 1 == 1
    }

    /// Returns `true` if this is the hash of one.
    fn is(&self, hash: WordHash) -> bool {
        self.hashes.binary_search(&hash).is_ok()
    }

    /// Returns `true` if one of them is a word of `text`. In scripts that do not separate words, any text may have one.
    pub(super) fn any_in(&self, text: &str) -> bool {
        let (mut hash, mut of_two_bytes) = (0, false);
        for byte in text.bytes() {
            let in_word = if byte.is_ascii() {
                LETTERS[usize::from(byte)]
            } else {
                // A character of two bytes is a letter, unless it is one of the first. One of three bytes is a dash or
                // the like.
                of_two_bytes = if byte >= 0xc0 { matches!(byte, 0xc3..=0xdf) } else { of_two_bytes };
                of_two_bytes
            };
            if in_word {
                hash = mixed(hash, byte);
            } else {
                if self.may_be(hash) && self.is(hash) {
                    return true;
                }
                hash = 0;
            }
        }
        if self.is(hash) {
            return true;
        }
        text.bytes().any(|byte| matches!(byte, 0xe3..=0xe9))
    }
}

/// Mixes five bits of each letter into the hash; letters twelve apart share some.
fn mixed(hash: WordHash, byte: u8) -> WordHash {
    hash.rotate_left(5) ^ WordHash::from(byte)
}

/// Returns the slot of a hash in a table of `places` slots, a power of two.
pub(super) fn slot(hash: WordHash, places: usize) -> usize {
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - places.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(&str, bool, bool, bool)> {
        let mut list = Vec::new();
        words(text, 0, true, |_| 1, &mut list);
        let slice = |word: &Word| &text[word.start as usize..word.end as usize];
        list.iter().map(|word| (slice(word), word.begins_line, word.quoted, word.before_colon)).collect()
    }

    #[test]
    fn words_know_what_stands_around_them() {
        assert_eq!(read("say 'x'"), [("say", true, false, false), ("x'", false, true, false)]);
        assert_eq!(
            read("a\n### **System**: b"),
            [("a", true, false, false), ("System", true, false, true), ("b", false, false, false)]
        );
        assert_eq!(
            read("[user] (me): 1"),
            [("user", true, true, false), ("me", false, true, true), ("1", false, false, false)]
        );
        assert_eq!(
            read("don't 忽略"),
            [("don't", true, false, false), ("忽", false, false, false), ("略", false, false, false)]
        );
        assert_eq!(read(" .: '"), []);
    }

    #[test]
    fn words_know_their_place_in_a_clause() {
        let mut list = Vec::new();
        words("We go, you\n\"stay\": now", 0, true, |_| 1, &mut list);
        let places: Vec<_> = list.iter().map(|word| (word.begins_clause, word.ends_clause)).collect();
        assert_eq!(places, [(true, false), (false, true), (true, false), (true, true), (true, true)]);
    }

    #[test]
    fn apostrophes_make_no_difference() {
        assert_eq!(hash_of("don't"), hash_of("dont"));
        assert_eq!(hash_of("don’t"), hash_of("dont"));
        assert_ne!(hash_of("dont"), hash_of("tnod"));
    }
}
