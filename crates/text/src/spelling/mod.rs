//! Distinguishes another spelling or form of a word from another word.
//!
//! `recieve` and `receive`, `colour` and `color`, `went` and `go` are one word each. `spam` and `ham`, `low` and
//! `high`, `hire` and `fire` are two. The audit has no dictionary, so length decides: one slip in a long word is a
//! slip, and in a short word it mostly makes another word.

mod families;

use families::{COMMON, FAMILIES};

/// The maximum length of a word. A longer run of letters is no word, and comparing two of them would take time.
const LONGEST: usize = 40;

/// Returns `true` if replacing `from` by `to` corrects the spelling or the grammar. Capitals do not count.
pub fn is_same_word(from: &str, to: &str) -> bool {
    let (from, to) = (letters(from), letters(to));
    is_slip(&from, &to) || !are_opposites(&from, &to) && (is_ending(&from, &to) || are_of_one_family(&from, &to))
}

/// Returns `true` if replacing `from` by `to` corrects the spelling. Other forms of a word count as other words: a
/// program takes `order` and `orders` for two values.
pub fn is_misspelling(from: &str, to: &str) -> bool {
    let (from, to) = (letters(from), letters(to));
    let is_plural = |one: &[char], many: &[char]| many.strip_suffix(&['s']) == Some(one);
    is_slip(&from, &to) && !is_plural(&from, &to) && !is_plural(&to, &from)
}

/// Returns the letters of a word, without capitals, apostrophes and hyphens.
fn letters(word: &str) -> Vec<char> {
    let letters = word.chars().filter(|letter| !matches!(letter, '\'' | '’' | '-'));
    letters.flat_map(char::to_lowercase).take(LONGEST + 1).collect()
}

fn is_slip(from: &[char], to: &[char]) -> bool {
    let (shorter, longer) = (from.len().min(to.len()), from.len().max(to.len()));
    if shorter == 0 || longer > LONGEST || are_opposites(from, to) {
        return false;
    }
    // A digit is never a slip: `15000` and `15001` are two numbers.
    let has_digit = |word: &[char]| word.iter().any(|letter| letter.is_numeric());
    if has_digit(from) || has_digit(to) {
        return from == to;
    }
    let begins_alike = from[0] == to[0];
    match distance(from, to) {
        0 => true,
        // `it` for `is`; but not `she` for `he`.
        1 if from.len() > 1 && is_listed(COMMON, to) && (from.len() == to.len() || !is_listed(COMMON, from)) => true,
        1 if from.len() == to.len() => is_swap_of_neighbours(from, to) || longer >= if begins_alike { 5 } else { 7 },
        1 => shorter >= if begins_alike { 4 } else { 6 },
        2 => begins_alike && shorter >= 6,
        _ => false,
    }
}

/// Counts insertions, deletions, substitutions and swaps of neighbours, one each.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut rows: [Vec<usize>; 3] = [Vec::new(), Vec::new(), (0..=to.len()).collect()];
    for (at, letter) in from.iter().enumerate() {
        rows.rotate_left(1);
        let [before, above, row] = &mut rows;
        row.clear();
        row.push(at + 1);
        for (column, other) in to.iter().enumerate() {
            let replaced = above[column] + usize::from(letter != other);
            let mut least = replaced.min(above[column + 1] + 1).min(row[column] + 1);
            let is_swapped = at > 0 && column > 0 && *letter == to[column - 1] && from[at - 1] == *other;
            if is_swapped {
                least = least.min(before[column - 1] + 1);
            }
            row.push(least);
        }
    }
    rows[2][to.len()]
}

fn is_swap_of_neighbours(from: &[char], to: &[char]) -> bool {
    from.iter().zip(to).filter(|(left, right)| left != right).count() == 2
}

/// Prefixes that reverse a word's meaning and look like a slip. Other prefixes make another word anyway.
const OPPOSITE_PREFIXES: [[&str; 2]; 8] = [
    ["", "a"],
    ["de", "re"],
    ["dis", "mis"],
    ["hypo", "hyper"],
    ["inter", "intra"],
    ["mini", "maxi"],
    ["pre", "pro"],
    ["ante", "anti"],
];

const OPPOSITE_SUFFIXES: [[&str; 2]; 3] = [["er", "ee"], ["or", "ee"], ["ful", "less"]];

fn are_opposites(from: &[char], to: &[char]) -> bool {
    const SHORTEST_REST: usize = 3;
    let rest = |word: &[char], prefix: &str| {
        let (start, rest) = word.split_at_checked(prefix.len())?;
        (rest.len() >= SHORTEST_REST && prefix.chars().eq(start.iter().copied())).then(|| rest.to_vec())
    };
    let start = |word: &[char], suffix: &str| {
        let (start, end) = word.split_at_checked(word.len().checked_sub(suffix.len())?)?;
        (start.len() >= SHORTEST_REST && suffix.chars().eq(end.iter().copied())).then(|| start.to_vec())
    };
    let is_pair = |left: Option<Vec<char>>, right: Option<Vec<char>>| left.is_some() && left == right;
    OPPOSITE_PREFIXES
        .iter()
        .any(|[one, other]| is_pair(rest(from, one), rest(to, other)) || is_pair(rest(from, other), rest(to, one)))
        || OPPOSITE_SUFFIXES.iter().any(|[one, other]| {
            is_pair(start(from, one), start(to, other)) || is_pair(start(from, other), start(to, one))
        })
}

/// Endings of English and German words. Behind a short stem most of them make another word: `car` and `cart`.
const ENDINGS: [&str; 22] = [
    "", "d", "e", "ed", "em", "en", "er", "ers", "es", "est", "ied", "ier", "ies", "ing", "ings", "ly", "n", "r", "s",
    "st", "t", "y",
];

const ENDINGS_OF_SHORT_STEMS: [&str; 5] = ["", "ed", "es", "ing", "s"];

/// Returns `true` if two words differ in their endings only.
fn is_ending(from: &[char], to: &[char]) -> bool {
    const SHORT_STEM: usize = 3;
    let common = from.iter().zip(to).take_while(|(left, right)| left == right).count();
    let (old, new) = (&from[common..], &to[common..]);
    if from.iter().chain(to).any(|letter| !letter.is_ascii()) {
        // There is no list of endings beyond ASCII: two thirds of a word are its stem.
        return common >= SHORT_STEM && old.len().max(new.len()) * 2 <= common;
    }
    let (old, new) = (String::from_iter(old), String::from_iter(new));
    let (old, new) = match from.get(common.wrapping_sub(1)) {
        // `stop` and `stopped`.
        Some(last) if old.is_empty() => ("", new.strip_prefix(*last).filter(|rest| !rest.is_empty()).unwrap_or(&new)),
        Some(last) if new.is_empty() => (old.strip_prefix(*last).filter(|rest| !rest.is_empty()).unwrap_or(&old), ""),
        _ => (old.as_str(), new.as_str()),
    };
    let are_of = |endings: &[&str]| endings.contains(&old) && endings.contains(&new);
    let loses_e = [(old, new), (new, old)].contains(&("e", "ing"));
    let gets_d = from.get(common.wrapping_sub(1)) == Some(&'e') && [(old, new), (new, old)].contains(&("", "d"));
    match common {
        0 | 1 => false,
        2 => loses_e,
        SHORT_STEM => loses_e || gets_d || are_of(&ENDINGS_OF_SHORT_STEMS),
        _ => are_of(&ENDINGS),
    }
}

/// Returns `true` for two forms of one irregular word, or words that an edit of grammar interchanges.
fn are_of_one_family(from: &[char], to: &[char]) -> bool {
    let is_of = |family: &str, word: &[char]| {
        let begins_alike = |member: &&str| member.chars().next() == word.first().copied();
        family.split(' ').filter(begins_alike).any(|member| {
            let member: Vec<char> = member.chars().filter(|letter| *letter != '\'').collect();
            member == word || member.len() > 3 && is_ending(&member, word)
        })
    };
    FAMILIES.iter().any(|family| is_of(family, from) && is_of(family, to))
}

/// Returns `true` for a word without meaning of its own: adding or removing it corrects the grammar.
pub fn is_of_grammar(word: &str) -> bool {
    is_listed(COMMON, &letters(word))
}

fn is_listed(list: &str, word: &[char]) -> bool {
    list.split(' ').any(|listed| listed.chars().eq(word.iter().copied()))
}

#[cfg(test)]
mod tests;
