//! The words whose change makes an edit critical.

/// Negations: English in full, and the plainest ones of German, French, Spanish, Portuguese and Italian.
const NEGATIONS: [&str; 36] = [
    "cannot", "except", "hardly", "jamais", "kein", "keine", "keinem", "keinen", "keiner", "keines", "nada", "neither",
    "never", "nicht", "nichts", "nie", "niemals", "no", "nobody", "non", "none", "nor", "not", "nothing", "nowhere",
    "nunca", "não", "ohne", "pas", "sans", "senza", "sin", "sem", "unless", "weder", "without",
];

/// `不`, `没`, `沒`, `未`, `无`, `無`: Chinese negates with a character, which is a word of its own here.
const HAN_NEGATIONS: [&str; 6] = ["不", "没", "沒", "未", "无", "無"];

pub(super) fn is_negation(lower: &str) -> bool {
    lower.ends_with("n't") || lower.ends_with("n’t") || NEGATIONS.contains(&lower) || HAN_NEGATIONS.contains(&lower)
}

/// Words whose swap reverses a statement. On its own, adding or removing one says little.
const SWAPS: [&str; 28] = [
    "above",
    "after",
    "all",
    "always",
    "and",
    "any",
    "before",
    "below",
    "decrease",
    "decreased",
    "decreases",
    "every",
    "false",
    "fewer",
    "greater",
    "increase",
    "increased",
    "increases",
    "least",
    "less",
    "max",
    "maximum",
    "min",
    "minimum",
    "more",
    "most",
    "or",
    "true",
];

pub(super) fn is_swap(lower: &str) -> bool {
    SWAPS.binary_search(&lower).is_ok()
}

const DATES: [&str; 23] = [
    "april",
    "august",
    "december",
    "february",
    "friday",
    "january",
    "july",
    "june",
    "monday",
    "november",
    "october",
    "saturday",
    "september",
    "sunday",
    "thursday",
    "today",
    "tomorrow",
    "tonight",
    "tuesday",
    "wednesday",
    "weekday",
    "weekend",
    "yesterday",
];

/// Returns `true` for a date word. `may` and `march` are words, and not listed; their capital makes them names.
pub(super) fn is_date(lower: &str) -> bool {
    DATES.binary_search(&lower).is_ok()
}

/// Units by their stems. The long ones are units anywhere.
const LONG_UNITS: [&str; 42] = [
    "billion",
    "byte",
    "celsius",
    "cent",
    "centimeter",
    "centimetre",
    "century",
    "day",
    "decade",
    "dollar",
    "euro",
    "fahrenheit",
    "gallon",
    "gigabyte",
    "gram",
    "hour",
    "inch",
    "kilobyte",
    "kilogram",
    "kilometer",
    "kilometre",
    "kilowatt",
    "litre",
    "liter",
    "megabyte",
    "meter",
    "metre",
    "mile",
    "milligram",
    "milliliter",
    "millimeter",
    "million",
    "millisecond",
    "minute",
    "month",
    "ounce",
    "percent",
    "pound",
    "second",
    "trillion",
    "week",
    "year",
];

/// Short units. They are units next to a number only.
const SHORT_UNITS: [&str; 30] = [
    "am", "bn", "c", "cm", "f", "ft", "g", "gb", "h", "hr", "hz", "kb", "kg", "km", "kw", "l", "lb", "m", "mb", "mg",
    "mi", "min", "ml", "mm", "ms", "oz", "pm", "s", "sec", "tb",
];

pub(super) fn is_unit(lower_stem: &str, follows_number: bool) -> bool {
    LONG_UNITS.contains(&lower_stem) || follows_number && SHORT_UNITS.contains(&lower_stem)
}

/// Frequent German words. German gives every noun a capital, so a capital makes no name there.
const GERMAN: [&str; 16] =
    ["auf", "das", "dem", "den", "der", "die", "ein", "eine", "für", "im", "ist", "mit", "und", "von", "zu", "zum"];

pub(super) fn is_german(lower: &str) -> bool {
    GERMAN.contains(&lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_by_halves_is_sorted() {
        assert!(SWAPS.is_sorted() && DATES.is_sorted());
    }
}
