//! Payment cards: the issuers' ranges, their lengths, and Luhn's check digit.

/// The certainty that the form alone gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A range and length that hardly anything else has.
    Certain,
    /// A length that other numbers have, too: article numbers, orders, times in milliseconds. A word must name the
    /// card.
    Possible,
}

pub(super) const WORDS: [&str; 11] =
    ["card", "cc", "credit", "debit", "visa", "amex", "mastercard", "maestro", "diners", "kreditkart", "tarjeta"];

/// Returns the form of a card with these digits, if any.
pub(super) fn form(digits: &[u8]) -> Option<Form> {
    let head = |count: usize| digits.iter().take(count).fold(0_u32, |head, digit| head * 10 + u32::from(digit - b'0'));
    let length = digits.len();
    let form = match (head(4), length) {
        (4000..=4999, 16) => Form::Certain,                                     // Visa
        (4000..=4999, 13 | 19) => Form::Possible,                               // Visa, the old and the long
        (5100..=5599 | 2221..=2720, 16) => Form::Certain,                       // Mastercard
        (3400..=3499 | 3700..=3799, 15) => Form::Certain,                       // American Express
        (3000..=3059 | 3095 | 3600..=3699 | 3800..=3999, 14) => Form::Possible, // Diners Club
        (6011 | 6440..=6599, 16..=19) => Form::Certain,                         // Discover
        (3528..=3589, 16) => Form::Certain,                                     // JCB
        (2131 | 1800, 15) | (3500..=3599, 16) => Form::Possible, // JCB, the old, and what is numbered like it
        (6200..=6299, 16..=19) => Form::Possible,                // UnionPay
        (5000..=5099 | 5600..=5899 | 6000..=6999, 12..=19) => Form::Possible, // Maestro
        _ => return None,
    };
    passes_luhn(digits).then_some(form)
}

/// Checks Luhn's rule: every second digit from the right is doubled, and the sum of all digits ends in 0.
fn passes_luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u32| if digit < 5 { 2 * digit } else { 2 * digit - 9 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0');
            if at % 2 == 1 { doubled(digit) } else { digit }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != digits[0])
}
