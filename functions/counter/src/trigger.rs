use std::fmt::Display;
use std::str::FromStr;

use flywheel_base::instant::Millis;
use flywheel_log::{Goal, TrainingRules, Trigger};
use flywheel_runtime::{SettingError, Settings};

/// Reads the training trigger from the deployment's parameters and the policy's `[training]`. A missing parameter is off.
///
/// # Errors
/// If the threshold is missing, or a parameter is not a number.
pub fn trigger_of(settings: &Settings, rules: &TrainingRules) -> Result<Trigger, SettingError> {
    let hours: u64 = or_off(settings, "FLYWHEEL_COOLDOWN_HOURS")?;
    let goal = Goal {
        threshold: settings.parsed("FLYWHEEL_THRESHOLD")?,
        min_contributors: or_off(settings, "FLYWHEEL_MIN_CONTRIBUTORS")?,
        min_prompts: or_off(settings, "FLYWHEEL_MIN_PROMPTS")?,
    };
    let cooldown: Millis = hours.saturating_mul(60 * 60 * 1000);
    let runs_per_month = or_off(settings, "FLYWHEEL_RUNS_PER_MONTH")?;
    Ok(Trigger { goal, cooldown, runs_per_month, max_attempts: rules.max_attempts })
}

fn or_off<T: FromStr<Err: Display> + Default>(settings: &Settings, name: &'static str) -> Result<T, SettingError> {
    if settings.optional(name).is_none() { Ok(T::default()) } else { settings.parsed(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_off() {
        let rules = TrainingRules { max_attempts: 3 };
        let trigger = trigger_of(&Settings::of([("FLYWHEEL_THRESHOLD", "5000")]), &rules).unwrap();
        let goal = Goal { threshold: 5_000, ..Goal::default() };
        assert_eq!(trigger, Trigger { goal, max_attempts: 3, ..Trigger::default() });
    }

    #[test]
    fn what_is_set_is_taken_or_refused_by_name() {
        let set = [
            ("FLYWHEEL_THRESHOLD", "9"),
            ("FLYWHEEL_COOLDOWN_HOURS", "2"),
            ("FLYWHEEL_RUNS_PER_MONTH", "3"),
            ("FLYWHEEL_MIN_CONTRIBUTORS", "4"),
            ("FLYWHEEL_MIN_PROMPTS", "5"),
        ];
        let goal = Goal { threshold: 9, min_contributors: 4, min_prompts: 5 };
        let rules = TrainingRules::default();
        assert_eq!(
            trigger_of(&Settings::of(set), &rules),
            Ok(Trigger { goal, cooldown: 2 * 60 * 60 * 1000, runs_per_month: 3, max_attempts: 8 })
        );
        let wrong = Settings::of([("FLYWHEEL_THRESHOLD", "9"), ("FLYWHEEL_COOLDOWN_HOURS", "a day")]);
        assert!(trigger_of(&wrong, &rules).unwrap_err().to_string().contains("FLYWHEEL_COOLDOWN_HOURS"));
    }
}
