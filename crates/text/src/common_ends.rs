//! The common prefix and suffix of two texts. An edit mostly leaves both ends as they were, and finding them costs next
//! to nothing.

/// The number of bytes compared at once.
const STRIDE: usize = 32;

/// Returns the lengths, in bytes, of the longest common prefix and of the longest common suffix of the rest. Both end
/// on character boundaries of both texts.
pub fn common_ends(left: &str, right: &str) -> (usize, usize) {
    let mut prefix = common_prefix(left.as_bytes(), right.as_bytes());
    while !left.is_char_boundary(prefix) {
        prefix -= 1;
    }
    let (left, right) = (&left[prefix..], &right[prefix..]);
    let mut suffix = common_suffix(left.as_bytes(), right.as_bytes());
    while !left.is_char_boundary(left.len() - suffix) {
        suffix -= 1;
    }
    (prefix, suffix)
}

fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    let strides = left.chunks_exact(STRIDE).zip(right.chunks_exact(STRIDE));
    let start = strides.take_while(|(l, r)| l == r).count() * STRIDE;
    let bytes = left[start..].iter().zip(&right[start..]);
    start + bytes.take_while(|(l, r)| l == r).count()
}

fn common_suffix(left: &[u8], right: &[u8]) -> usize {
    let strides = left.rchunks_exact(STRIDE).zip(right.rchunks_exact(STRIDE));
    let end = strides.take_while(|(l, r)| l == r).count() * STRIDE;
    let bytes = left[..left.len() - end].iter().rev().zip(right[..right.len() - end].iter().rev());
    end + bytes.take_while(|(l, r)| l == r).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_never_overlap_and_never_cut_a_character() {
        assert_eq!(common_ends("abc", "abXbc"), (2, 1));
        assert_eq!(common_ends("aa", "aaa"), (2, 0));
        // Both letters begin with the same byte, and both end with the same byte.
        assert_eq!(common_ends("xéy", "xèy"), (1, 1));
        assert_eq!(common_ends("é", "ũ"), (0, 0));
        assert_eq!(common_ends("same", "same"), (4, 0));
    }

    proptest! {
        #[test]
        fn what_is_cut_off_is_common(left in "[a-cé-í]{0,80}", right in "[a-cé-í]{0,80}") {
            let (prefix, suffix) = common_ends(&left, &right);
            prop_assert_eq!(&left[..prefix], &right[..prefix]);
            prop_assert_eq!(&left[left.len() - suffix..], &right[right.len() - suffix..]);
            prop_assert!(prefix + suffix <= left.len().min(right.len()));
            let (left, right) = (&left[prefix..left.len() - suffix], &right[prefix..right.len() - suffix]);
            prop_assert!(left.chars().next() != right.chars().next() || left.is_empty() || right.is_empty());
        }
    }
}
