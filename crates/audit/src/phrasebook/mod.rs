//! Compiled rules about wordings: the words that start a search, and the phrases to search for.
//!
//! A phrase is written as its words: `*ignore/disregard ~3 {prior} {orders}`.
//!
//! | written | means |
//! |---|---|
//! | `word` | that word |
//! | `a/b/{class}` | any of these words, or of the words of a class |
//! | `_` | any word, known to a rule or not |
//! | `~3` | up to three other words may come between |
//! | `^word` | the word begins a line |
//! | `"word` | a quotation mark or a bracket stands before the word |
//! | `word:` | a colon follows the word |
//! | `>word` | the word begins a clause: a sign, a quotation mark or nothing on its line stands before it |
//! | `word.` | the word ends a clause: a sign or nothing follows it |
//! | `*word` | the phrase's rarest element: texts without it are not searched |
//! | `!a/b` | first in a phrase: the phrase does not begin right after one of these words, nor with `to`, `can` or the like between |
//! | `+word` | the phrase's rarest element, which is too common for that: the phrase is searched for if another one is |
//!
//! Texts are first searched for the words of the `*` elements alone, in one pass that separates words and hashes them.
//! Only if one is found are all words looked up, and phrases tried around their rarest element. Both steps are linear
//! in the text: a phrase spans at most [`WINDOW`] words, and all its readings are followed at once, as the bits of one
//! number.

mod words;

use flywheel_text::plain::plain;

pub(crate) use words::Word;
use words::{Wakers, WordHash, hash_of, slot, words};

/// The maximum number of words that a phrase spans, including those between.
const WINDOW: usize = 64;

/// A rule: its name, its weight, and its phrases. One phrase is enough.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Its name in documentation and tests.
    pub(crate) name: &'static str,
    /// Its weight. Weights that sum to 1.0 are a finding.
    pub(crate) weight: f32,
    pub(crate) phrases: &'static [&'static str],
}

/// A class: its name, and the words that rules treat as the same.
pub(crate) type Class = (&'static str, &'static str);

/// The place of a rule's phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match {
    /// The rule's index.
    pub(crate) rule: usize,
    /// The first word's index, and the last one's.
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// Compiled rules.
#[derive(Debug)]
pub(crate) struct Phrasebook {
    wakers: Wakers,
    vocabulary: Vocabulary,
    phrases: Vec<Phrase>,
    /// The words of [`BETWEEN`].
    between: Vec<u16>,
    /// By word: the phrases whose rarest word it may be.
    by_rarest: Vec<Vec<u16>>,
}

#[derive(Debug)]
struct Phrase {
    rule: usize,
    elements: Vec<Element>,
    /// Words that the phrase must not follow, sorted.
    not_after: Vec<u16>,
    /// The number of words before the rarest element, at least and at most.
    before_rarest: (usize, usize),
}

/// One word of a phrase.
#[derive(Debug)]
struct Element {
    /// The accepted words, sorted. Empty: any word.
    accepted: Vec<u16>,
    /// A bit for the lowest six bits of each of them. It rules out most other words at once.
    hint: u64,
    /// The maximum number of other words before it.
    gap: usize,
    begins_line: bool,
    quoted: bool,
    before_colon: bool,
    begins_clause: bool,
    ends_clause: bool,
}

impl Element {
    fn accepts(&self, word: &Word) -> bool {
        self.hint >> (word.id % 64) & 1 == 1
            && (self.accepted.is_empty() || self.accepted.binary_search(&word.id).is_ok())
            && (word.begins_line || !self.begins_line)
            && (word.quoted || !self.quoted)
            && (word.before_colon || !self.before_colon)
            && (word.begins_clause || !self.begins_clause)
            && (word.ends_clause || !self.ends_clause)
    }
}

impl Phrase {
    /// Returns the index of the phrase's last word, if the phrase begins with word `first`. `between` are the words that
    /// may stand between it and a word that it must not follow.
    fn end(&self, words: &[Word], first: usize, between: &[u16]) -> Option<usize> {
        if self.follows_another(words, first, between) {
            return None;
        }
        let words = &words[first..words.len().min(first + WINDOW)];
        let (head, rest) = self.elements.split_first()?;
        // Bit n is set if the elements so far can end at word n.
        let mut ends = u64::from(head.accepts(words.first()?));
        for element in rest {
            if ends == 0 {
                return None;
            }
            let from = ends.trailing_zeros() as usize + 1;
            let to = (WINDOW - ends.leading_zeros() as usize + element.gap + 1).min(words.len());
            let may_end = |at: usize, word: &Word| {
                let is_near = (1..=element.gap + 1).any(|step| at >= step && ends >> (at - step) & 1 == 1);
                is_near && element.accepts(word)
            };
            let candidates = words.iter().enumerate().take(to).skip(from);
            let next = candidates.filter(|(at, word)| may_end(*at, word)).fold(0, |next, (at, _)| next | 1 << at);
            ends = next;
        }
        (ends != 0).then(|| first + ends.trailing_zeros() as usize)
    }

    /// Returns `true` if one of the words that the phrase must not follow stands before it in the same clause.
    fn follows_another(&self, words: &[Word], first: usize, between: &[u16]) -> bool {
        let before = |at: usize| at.checked_sub(1).filter(|_| !words[at].begins_clause);
        let is_one = |at: usize| self.not_after.binary_search(&words[at].id).is_ok();
        if self.not_after.is_empty() {
            return false;
        }
        let Some(last) = before(first) else { return false };
        is_one(last) || between.contains(&words[last].id) && before(last).is_some_and(is_one)
    }
}

/// The words that may stand between a phrase and a word that it must not follow.
const BETWEEN: &str = "to can could may might not";

impl Phrasebook {
    /// Compiles rules.
    pub(crate) fn new<'r>(rules: impl IntoIterator<Item = &'r Rule>, classes: &[Class]) -> Self {
        let mut compiler = Compiler::new(classes);
        let mut phrases = Vec::new();
        let mut by_rarest = Vec::new();
        for (rule, phrase) in rules.into_iter().enumerate().flat_map(|(rule, Rule { phrases, .. })| {
            let numbered = move |phrase: &&'static str| (rule, *phrase);
            phrases.iter().map(numbered)
        }) {
            let (phrase, rarest) = compiler.phrase(rule, phrase);
            let words = phrase.elements.get(rarest).map_or(&[][..], |element| &element.accepted);
            by_rarest.resize_with(by_rarest.len().max(compiler.vocabulary.hashes.len() + 1), Vec::new);
            for word in words {
                by_rarest[usize::from(*word)].push(phrases.len() as u16);
            }
            phrases.push(phrase);
        }
        let between = BETWEEN.split(' ').map(|word| compiler.vocabulary.learn(word)).collect();
        let Compiler { vocabulary, wakers, .. } = compiler;
        by_rarest.resize_with(vocabulary.hashes.len() + 1, Vec::new);
        Self { wakers, vocabulary, phrases, between, by_rarest }
    }

    /// Returns `true` if `text`, in plain form, has a word that starts a search.
    pub(crate) fn wakes(&self, text: &str) -> bool {
        self.wakers.any_in(text)
    }

    /// Appends the words of `text`, the `number`th of the texts that are read as one.
    pub(crate) fn read(&self, text: &str, number: u32, begins_line: bool, list: &mut Vec<Word>) {
        words(text, number, begins_line, |hash| self.vocabulary.id(hash), list);
    }

    /// Calls `settled` with each place of a phrase, until it returns that the place's rule is settled.
    pub(crate) fn search(&self, words: &[Word], mut settled: impl FnMut(Match) -> bool) {
        let mut done = 0_u128;
        for (rarest, word) in words.iter().enumerate().filter(|(_, word)| word.id != Word::UNKNOWN) {
            for phrase in &self.by_rarest[usize::from(word.id)] {
                let phrase = &self.phrases[usize::from(*phrase)];
                if done >> phrase.rule & 1 == 1 {
                    continue;
                }
                let (least, most) = phrase.before_rarest;
                for first in rarest.saturating_sub(most)..(rarest + 1).saturating_sub(least) {
                    let Some(last) = phrase.end(words, first, &self.between) else { continue };
                    if settled(Match { rule: phrase.rule, first, last }) {
                        done |= 1 << phrase.rule;
                        break;
                    }
                }
            }
        }
    }
}

/// The words of the rules, numbered from 1, in a hash table.
#[derive(Debug)]
struct Vocabulary {
    /// The hashes, at the number less 1.
    hashes: Vec<WordHash>,
    places: Box<[u16; PLACES]>,
}

/// The size of the table: several times the number of words. Most places are empty, so most unknown words are ruled out
/// at once.
const PLACES: usize = 1 << 13;

impl Default for Vocabulary {
    fn default() -> Self {
        Self { hashes: Vec::new(), places: Box::new([Word::UNKNOWN; PLACES]) }
    }
}

impl Vocabulary {
    /// Returns the word's place, or the empty place for it.
    fn place(&self, hash: WordHash) -> usize {
        let mut place = slot(hash, PLACES);
        while self.places[place] != Word::UNKNOWN && self.hash(self.places[place]) != hash {
            place = (place + 1) % PLACES;
        }
        place
    }

    fn id(&self, hash: WordHash) -> u16 {
        self.places[self.place(hash)]
    }

    fn hash(&self, id: u16) -> WordHash {
        self.hashes[usize::from(id) - 1]
    }

    /// Returns a word's number, and adds the word if it is new. It is read as texts are: in plain form.
    fn learn(&mut self, word: &str) -> u16 {
        let hash = hash_of(&plain(word));
        let place = self.place(hash);
        if self.places[place] == Word::UNKNOWN {
            self.hashes.push(hash);
            self.places[place] = self.hashes.len() as u16;
        }
        self.places[place]
    }
}

/// The state of the compilation.
struct Compiler {
    /// The words of each class.
    classes: Vec<(&'static str, Vec<u16>)>,
    vocabulary: Vocabulary,
    wakers: Wakers,
}

impl Compiler {
    fn new(classes: &[Class]) -> Self {
        let mut vocabulary = Vocabulary::default();
        let mut learn = |words: &str| words.split_ascii_whitespace().map(|word| vocabulary.learn(word)).collect();
        let classes = classes.iter().map(|(name, words)| (*name, learn(words))).collect();
        Self { classes, vocabulary, wakers: Wakers::default() }
    }

    /// Parses a phrase. Returns it with the index of its rarest element.
    fn phrase(&mut self, rule: usize, written: &'static str) -> (Phrase, usize) {
        let mut phrase = Phrase { rule, elements: Vec::new(), not_after: Vec::new(), before_rarest: (0, 0) };
        let (mut gap, mut gaps, mut rarest) = (0, 0, 0);
        for written in written.split(' ') {
            if let Some(words) = written.strip_prefix('~') {
                gap = words.parse().unwrap_or(0);
                continue;
            }
            if let Some(others) = written.strip_prefix('!') {
                phrase.not_after = others.split('/').flat_map(|part| self.members(part)).collect();
                phrase.not_after.sort_unstable();
                continue;
            }
            gaps += gap;
            if written.contains(['*', '+']) {
                rarest = phrase.elements.len();
                phrase.before_rarest = (rarest, rarest + gaps);
            }
            phrase.elements.push(self.element(written, gap));
            gap = 0;
        }
        (phrase, rarest)
    }

    fn element(&mut self, written: &'static str, gap: usize) -> Element {
        let (marks, words) = written.split_at(written.find(|mark| !"*+^>\"".contains(mark)).unwrap_or(0));
        let mut accepted: Vec<_> =
            words.trim_end_matches([':', '.']).split('/').flat_map(|part| self.members(part)).collect();
        if marks.contains('*') {
            accepted.iter().for_each(|word| self.wakers.add(self.vocabulary.hash(*word)));
        }
        accepted.sort_unstable();
        accepted.dedup();
        let hint = accepted.iter().fold(0, |hint, word| hint | 1 << (word % 64));
        Element {
            hint: if accepted.is_empty() { u64::MAX } else { hint },
            accepted,
            gap,
            begins_line: marks.contains('^'),
            quoted: marks.contains('"'),
            before_colon: words.ends_with(':'),
            begins_clause: marks.contains('>'),
            ends_clause: words.ends_with('.'),
        }
    }

    /// Returns the words of a class, or the word itself; for any word, none.
    fn members(&mut self, part: &str) -> Vec<u16> {
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        match name.and_then(|name| self.classes.iter().find(|(class, _)| *class == name)) {
            Some((_, words)) => words.clone(),
            None if part == "_" => Vec::new(),
            None => vec![self.vocabulary.learn(part)],
        }
    }
}
