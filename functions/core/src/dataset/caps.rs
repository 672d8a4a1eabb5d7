//! How much of a version one contributor, or one tenant, may be.

use std::collections::HashMap;

use super::rules::DatasetRules;
use crate::share::Decimal;

/// Whose a pair is, as far as it says.
pub(crate) struct Owner<'l> {
    pub(crate) contributor: Option<&'l str>,
    pub(crate) tenant: Option<&'l str>,
}

/// Why a pair is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    Contributor,
    Unattributed,
    Tenant,
}

/// For each pair, in order, whether it is too much; of each owner the first pairs are let in.
///
/// Pairs that name no contributor are one bucket with a cap of its own. Where that is the whole version (the default: single-tenant mode)
/// no cap tells anybody apart, and the version's record says how many pairs that concerns.
///
/// A tenant's share is of what enters, so that capping one lowers what the others may have; the largest version that keeps the rule
/// is taken. Pairs without a tenant count towards the whole and are not capped. With fewer tenants than the share has room for (fewer than
/// 5 at 20 %) no version keeps the rule, and it is not applied.
pub(crate) fn excesses(owners: &[Owner<'_>], rules: &DatasetRules) -> Vec<Option<Excess>> {
    let mut excesses = contributor_excesses(owners, rules);
    cap_unattributed(owners, rules, &mut excesses);
    cap_tenants(owners, rules, &mut excesses);
    excesses
}

fn contributor_excesses<'l>(owners: &[Owner<'l>], rules: &DatasetRules) -> Vec<Option<Excess>> {
    let mut taken: HashMap<&'l str, u64> = HashMap::new();
    let excess = |owner: &Owner<'l>| {
        let taken = taken.entry(owner.contributor?).or_default();
        *taken += 1;
        (*taken > rules.max_pairs_per_contributor).then_some(Excess::Contributor)
    };
    owners.iter().map(excess).collect()
}

fn cap_unattributed(owners: &[Owner<'_>], rules: &DatasetRules, excesses: &mut [Option<Excess>]) {
    let share = rules.max_unattributed_share;
    if share >= 1.0 {
        return;
    }
    let attributed =
        owners.iter().zip(excesses.iter()).filter(|(owner, excess)| owner.contributor.is_some() && excess.is_none());
    let mut room = Decimal::of(share).beside(attributed.count() as u64);
    for (owner, excess) in owners.iter().zip(excesses) {
        if owner.contributor.is_none() && excess.is_none() {
            *excess = (room == 0).then_some(Excess::Unattributed);
            room = room.saturating_sub(1);
        }
    }
}

fn cap_tenants(owners: &[Owner<'_>], rules: &DatasetRules, excesses: &mut [Option<Excess>]) {
    if rules.max_tenant_share >= 1.0 {
        return;
    }
    let mut pairs: HashMap<Option<&str>, u64> = HashMap::new();
    for (owner, _) in owners.iter().zip(excesses.iter()).filter(|(_, excess)| excess.is_none()) {
        *pairs.entry(owner.tenant).or_default() += 1;
    }
    let share = Decimal::of(rules.max_tenant_share);
    if share.of_whole(pairs.len() as u64) < 1 {
        return;
    }
    let may_have = |whole: u64| share.of_whole(whole);
    let kept = |whole: u64| -> u64 {
        let of = |(tenant, pairs): (&Option<&str>, &u64)| tenant.map_or(*pairs, |_| (*pairs).min(may_have(whole)));
        pairs.iter().map(of).sum()
    };
    let mut whole = pairs.values().sum();
    while kept(whole) < whole {
        whole = kept(whole);
    }
    let mut taken: HashMap<&str, u64> = HashMap::new();
    for (owner, excess) in owners.iter().zip(excesses) {
        let Some(tenant) = owner.tenant.filter(|_| excess.is_none()) else { continue };
        let taken = taken.entry(tenant).or_default();
        *taken += 1;
        *excess = (*taken > may_have(whole)).then_some(Excess::Tenant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn owners<'l>(of: &[(&'l str, &'l str, usize)]) -> Vec<Owner<'l>> {
        let named = |name: &'l str| Some(name).filter(|name| !name.is_empty());
        let owner = |&(contributor, tenant, pairs): &(&'l str, &'l str, usize)| {
            (0..pairs).map(move |_| Owner { contributor: named(contributor), tenant: named(tenant) })
        };
        of.iter().flat_map(owner).collect()
    }

    fn held(of: &[(&str, &str, usize)], rules: &DatasetRules) -> (usize, usize, usize) {
        let excesses = excesses(&owners(of), rules);
        let count = |kind| excesses.iter().filter(|excess| **excess == Some(kind)).count();
        (count(Excess::Contributor), count(Excess::Unattributed), count(Excess::Tenant))
    }

    #[test]
    fn a_contributor_has_five_and_nobody_in_particular_has_all() {
        let rules = DatasetRules::default();
        assert_eq!(held(&[("a", "", 5), ("b", "", 7), ("", "", 900)], &rules), (2, 0, 0));
    }

    #[test]
    fn what_names_nobody_can_have_a_share() {
        let rules = DatasetRules { max_unattributed_share: 0.5, ..DatasetRules::default() };
        assert_eq!(held(&[("a", "", 5), ("b", "", 9), ("", "", 30)], &rules), (4, 20, 0));
        // In floating point 0.6 / (1 - 0.6) * 10 is a hair below 15.
        let rules = DatasetRules { max_unattributed_share: 0.6, ..rules };
        assert_eq!(held(&[("a", "", 5), ("b", "", 5), ("", "", 20)], &rules), (0, 5, 0));
        let rules = DatasetRules { max_unattributed_share: 0.0, ..rules };
        assert_eq!(held(&[("a", "", 5), ("", "", 30)], &rules), (0, 30, 0));
    }

    #[test]
    fn a_tenant_has_a_fifth_of_what_enters() {
        let rules = DatasetRules::default();
        let even = [("", "a", 20), ("", "b", 20), ("", "c", 20), ("", "d", 20), ("", "e", 20)];
        assert_eq!(held(&even, &rules), (0, 0, 0));
        // 25 of 125, and the rest is the others'.
        let one_large = [("", "a", 300), ("", "b", 25), ("", "c", 25), ("", "d", 25), ("", "e", 25)];
        assert_eq!(held(&one_large, &rules), (0, 0, 275));
        assert_eq!(held(&[("", "", 80), ("", "a", 90), ("", "b", 1), ("", "c", 1), ("", "d", 1)], &rules), (0, 0, 70));
    }

    #[test]
    fn with_few_tenants_there_is_no_such_share() {
        assert_eq!(held(&[("", "a", 90), ("", "b", 10)], &DatasetRules::default()), (0, 0, 0));
    }

    proptest! {
        #[test]
        fn no_version_breaks_the_rules(of in prop::collection::vec((0..9_u8, 0..9_u8), 0..300), share in 0.05..0.9_f64) {
            let name = |n: u8| (n > 0).then(|| n.to_string());
            let names: Vec<_> = of.iter().map(|(contributor, tenant)| (name(*contributor), name(*tenant))).collect();
            let owners: Vec<_> = names.iter().map(|(contributor, tenant)| {
                Owner { contributor: contributor.as_deref(), tenant: tenant.as_deref() }
            }).collect();
            let rules = DatasetRules { max_tenant_share: share, ..DatasetRules::default() };
            let excesses = excesses(&owners, &rules);
            let entering: Vec<_> = owners.iter().zip(&excesses).filter(|(_, excess)| excess.is_none()).collect();
            let tenants = |count: fn(&Owner<'_>) -> Option<String>| entering.iter().fold(HashMap::new(), |mut counts: HashMap<_, u64>, (owner, _)| {
                *counts.entry(count(owner)).or_default() += 1;
                counts
            });
            let of_contributors = tenants(|owner| owner.contributor.map(str::to_owned));
            prop_assert!(of_contributors.iter().all(|(name, pairs)| name.is_none() || *pairs <= 5));
            let was_capped = excesses.contains(&Some(Excess::Tenant));
            let of_tenants = tenants(|owner| owner.tenant.map(str::to_owned));
            let most = (share * entering.len() as f64 + 1e-6) as u64;
            prop_assert!(!was_capped || of_tenants.iter().all(|(name, pairs)| name.is_none() || *pairs <= most));
        }
    }
}
