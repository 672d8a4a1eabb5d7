//! Formats numbers for people, and small charts of them.

use flywheel_dataset::Statistics;

use crate::marked::one_line;

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Returns counts side by side, each as high as its share of the highest; a point stands for 0.
pub(crate) fn sparkline(counts: &[u64]) -> String {
    let highest = counts.iter().max().copied().unwrap_or(0).max(1);
    let level = |count: u64| match count {
        0 => '·',
        count => LEVELS[(count * LEVELS.len() as u64).div_ceil(highest) as usize - 1],
    };
    counts.iter().map(|count| level(*count)).collect()
}

/// Returns a bar of `cells` cells that shows the share of `part` in `whole`.
pub(crate) fn bar(part: u64, whole: u64, cells: usize) -> String {
    let share = part as f64 / whole.max(1) as f64;
    let full = ((share * cells as f64) as usize).min(cells);
    format!("{}{}", "█".repeat(full), "░".repeat(cells - full))
}

/// Returns a number with thousands separators.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut apart = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64)
}

/// Returns the composition of rows, by name.
pub(crate) fn rows_of(statistics: &Statistics) -> Vec<(String, String)> {
    let Statistics { rows, train, held_out, near_identical, easy, chosen_is_longer, .. } = *statistics;
    let mean = |chars: u64| format!("{:.0}", chars as f64 / rows.max(1) as f64);
    let mut named = vec![
        ("pairs", thousands(rows)),
        ("to train on", thousands(train)),
        ("held out", format!("{} ({})", thousands(held_out), percent(held_out, rows))),
        ("similarity 0 … 1", sparkline(&statistics.similarity)),
        ("near-identical", percent(near_identical, rows)),
        ("easy", percent(easy, rows)),
        ("chosen is longer", percent(chosen_is_longer, rows)),
        ("mean chars chosen", mean(statistics.chosen_chars)),
        ("mean chars rejected", mean(statistics.rejected_chars)),
        ("mean ln(length ratio)", format!("{:+.3}", statistics.mean_log_length_ratio())),
        ("prompts", thousands(statistics.prompts)),
        ("contributors", thousands(statistics.contributors)),
        ("largest contributor", percent(statistics.largest_contributor, rows)),
        ("without contributor", percent(statistics.unattributed, rows)),
    ];
    if statistics.tenants > 0 {
        named.push(("tenants", thousands(statistics.tenants)));
        named.push(("largest tenant", percent(statistics.largest_tenant, rows)));
    }
    let mut named: Vec<_> = named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (kind, counts) in [("script", &statistics.scripts), ("tag", &statistics.tags), ("policy", &statistics.policies)]
    {
        named.extend(counts.iter().map(|(name, count)| (format!("{kind} {}", one_line(name)), percent(*count, rows))));
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_show_what_is_there() {
        assert_eq!(sparkline(&[0, 1, 4, 8, 8]), "·▁▄██");
        assert_eq!(sparkline(&[0, 0]), "··");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(
            (bar(0, 10, 4), bar(5, 10, 4), bar(99, 10, 4), bar(0, 0, 2)),
            ("░░░░".into(), "██░░".into(), "████".into(), "░░".into())
        );
    }

    #[test]
    fn thousands_are_apart() {
        let apart = [0, 999, 1_000, 12_345, 1_234_567].map(thousands);
        assert_eq!(apart, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }
}
