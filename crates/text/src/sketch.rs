//! An estimate of the similarity of two texts from 128 bytes of each.
//!
//! The measure is the Jaccard similarity of the sets of character 5-grams of the texts' normal forms. A sketch is a
//! MinHash of such a set by one permutation (Li, Owen, Zhang 2012). Each 5-gram is hashed once and falls into one of
//! 128 bins. Each bin keeps its smallest hash, and an empty bin borrows from another (Shrivastava 2017). One byte of
//! each hash is kept (b-bit MinHash, Li and König 2010). The share of equal bytes estimates the similarity, with a
//! standard deviation of 0.035 at 0.8.

/// The number of bins, and of bytes.
pub const BINS: usize = 128;

/// The number of bands by which similar sketches find each other: 16 of 8 bytes. Two texts that are 0.8 similar share a
/// band in 95 of 100 cases; at 0.9 in all; at 0.5 in six.
pub(crate) const BANDS: usize = 16;
const BYTES_A_BAND: usize = BINS / BANDS;

const GRAM: usize = 5;

/// A sketch of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch(Box<[u8; BINS]>);

impl Sketch {
    /// Returns the sketch of a text in normal form; `None` if it has no 5-gram.
    pub fn of(normal: &str) -> Option<Self> {
        let mut smallest = [u64::MAX; BINS];
        let mut window = [0_u64; GRAM];
        let mut length = 0_usize;
        for letter in normal.chars() {
            window.rotate_left(1);
            window[GRAM - 1] = u64::from(u32::from(letter));
            length += 1;
            if length >= GRAM {
                let hash = mix(window
                    .iter()
                    .fold(0, |hash, letter| (hash ^ letter).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)));
                let bin = &mut smallest[(hash >> 57) as usize];
                *bin = (*bin).min(hash << 7);
            }
        }
        (length >= GRAM).then(|| Self(Box::new(std::array::from_fn(|bin| byte_of(&smallest, bin)))))
    }

    /// Returns the sketch with these bytes, or `None` if there are not exactly [`BINS`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes: [u8; BINS]| Self(Box::new(bytes)))
    }

    /// Returns its bytes, one a bin.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Returns the estimated similarity of the texts, from 0 to 1.
    pub fn similarity(&self, other: &Self) -> f64 {
        let equal = self.0.iter().zip(other.0.iter()).filter(|(left, right)| left == right).count();
        // One in 256 bytes is equal by chance.
        ((equal as f64 / BINS as f64 - 1.0 / 256.0) / (255.0 / 256.0)).max(0.0)
    }

    /// Returns the hash of each band, with the band's number in it.
    pub fn bands(&self) -> impl Iterator<Item = (u8, u64)> {
        self.0.chunks_exact(BYTES_A_BAND).zip(0..).map(|(bytes, band)| (band, super::normal::first_eight(bytes)))
    }
}

/// Returns a bin's byte. An empty bin borrows from others, in an order that depends only on its number, so that two
/// texts borrow alike.
fn byte_of(smallest: &[u64; BINS], bin: usize) -> u8 {
    let mut asked = bin;
    let mut turn = 0_u64;
    while smallest[asked] == u64::MAX {
        turn += 1;
        asked = (mix((bin as u64) << 32 | turn) >> 57) as usize;
    }
    (mix(smallest[asked] ^ turn) >> 56) as u8
}

/// Applies the finaliser of SplitMix64: every bit of the number affects every bit of the result.
pub fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ number >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn jaccard(left: &str, right: &str) -> f64 {
        let grams = |text: &str| {
            let letters: Vec<char> = text.chars().collect();
            letters.windows(GRAM).map(<[char]>::to_vec).collect::<HashSet<_>>()
        };
        let (left, right) = (grams(left), grams(right));
        left.intersection(&right).count() as f64 / left.union(&right).count() as f64
    }

    /// Returns `count` distinct words.
    fn words(from: u64, count: u64) -> String {
        (from..from + count).map(|word| format!("w{:x}", mix(word) >> 40)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_estimate_is_near_the_similarity() {
        let mut errors = Vec::new();
        for kept in 0..=100 {
            let left = words(kept * 1_000, 100);
            let right = format!("{} {}", words(kept * 1_000, kept), words(kept * 1_000 + 500, 100 - kept));
            let estimate = Sketch::of(&left).unwrap().similarity(&Sketch::of(&right).unwrap());
            errors.push((estimate - jaccard(&left, &right)).abs());
        }
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let worst = errors.iter().copied().fold(0.0, f64::max);
        assert!(mean < 0.04 && worst < 0.16, "{mean} {worst}");
    }

    #[test]
    fn near_duplicates_share_a_band_and_strangers_do_not() {
        let (mut found, mut strangers) = (0, 0);
        for text in 0..200 {
            let left = Sketch::of(&words(text * 1_000, 100)).unwrap();
            let near = format!("{} {}", words(text * 1_000, 92), words(text * 1_000 + 500, 8));
            let near = Sketch::of(&near).unwrap();
            let stranger = Sketch::of(&words(text * 1_000 + 700, 100)).unwrap();
            found += usize::from(left.bands().zip(near.bands()).any(|(left, right)| left == right));
            strangers += usize::from(left.bands().zip(stranger.bands()).any(|(left, right)| left == right));
        }
        assert!(found >= 190 && strangers == 0, "{found} {strangers}");
    }

    #[test]
    fn a_text_of_one_gram_has_a_sketch_and_a_shorter_one_has_none() {
        assert!(Sketch::of("12345").is_some() && Sketch::of("1234").is_none());
        let sketch = Sketch::of("a text").unwrap();
        assert_eq!(Sketch::from_bytes(sketch.bytes()), Some(sketch));
    }

    #[test]
    fn sketches_are_pinned() {
        // Pinned: rows in tables have them. Another sketch of the same text would find none of its neighbours.
        let sketch = Sketch::of("the invoice was sent on monday").unwrap();
        assert_eq!(flywheel_base::digest::hex(&sketch.bytes()[..8]), PINNED);
    }

    const PINNED: &str = "6a64fbc6849d4e02";
}
