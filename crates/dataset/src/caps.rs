//! The caps: the largest share of a version that one contributor, or one tenant, may have.
//!
//! Shares are of the pairs that enter, so capping one owner lowers the room of the others. The largest version that keeps all
//! rules is taken, by water-filling: an owner with less than a share enters whole, and the others are levelled at the same
//! height.
//!
//! A contributor's share is `max_contributor_share`, or `2 / k` for k contributors if that is more. k people who edit about
//! equally each bring `1 / k`. With a share of exactly that, the one who brings least would limit all others. So one of three
//! people may have two thirds of a version, and one of 20 a tenth. From 100 on the default of 2 % holds.
//!
//! The number k falls slowly when contributors stay away ([`Attribution::contributors`]). Otherwise an attacker who floods a
//! quiet hour alone would be the whole batch, and no share would hold.
//!
//! Pairs that name no contributor share one cap, or leaving the name out would be the way around a cap. It holds for the pairs
//! of every ingest key that names contributors, or named one before, however few. A key that never names one is not touched by
//! the names that another key sends. Pairs without a key count as one key's, and so while the version before had contributors.
//!
//! A key's holder can invent contributors. `max_key_share` bounds all pairs of one key together.

use std::collections::{BTreeSet, HashMap};

use flywheel_base::Decimal;
use serde::{Deserialize, Serialize};

use super::rules::DatasetRules;

/// The factor over an equal share that each of few contributors may have.
const EQUAL_SHARES: u64 = 2;

/// The caps of a version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// Contributors that share the version: those of the offered pairs, or half of the version before's if that is more.
    pub contributors: u64,
    /// `true` if contributors are in use. Then pairs that name none share a cap of their own.
    pub is_attributed: bool,
    /// The most pairs of each contributor; none: no limit.
    pub per_contributor: Option<u64>,
    /// The same number for any version, if the policy gives it instead of a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absolute: Option<u64>,
}

/// The attribution of the version before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attribution {
    /// The least number of contributors that share the next version: half of this one's. So a shrinking deployment reaches its
    /// size within a few versions.
    pub contributors: u64,
    /// `true` if the version had contributors. Then they are in use, even if the next batch names none.
    pub is_used: bool,
    /// The ingest keys that named contributors, in that version or before. Their pairs that name none share a cap.
    pub naming: BTreeSet<String>,
}

/// The shortfall of a training run that the caps keep away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shortfall {
    /// The threshold.
    pub threshold: u64,
    /// Pairs that entered with the last crossing.
    pub entered: u64,
    /// Pairs that are over a cap since then, and wait.
    pub over: u64,
    /// The caps of that version.
    pub caps: Caps,
    /// Edits needed until a run, if new ones are like the last ones; none: no number of edits is enough.
    pub edits: Option<u64>,
    /// Contributors needed to reach the threshold with one crossing, if the policy gives a number of pairs.
    pub contributors_needed: Option<u64>,
}

impl Caps {
    /// Returns the shortfall, if these caps keep the threshold out of reach or far: more pairs are over a cap than entered, and
    /// those that entered are too few.
    #[must_use]
    pub fn shortfall(&self, threshold: u64, entered: u64, over: u64) -> Option<Shortfall> {
        if entered >= threshold || over <= entered {
            return None;
        }
        let edits = match self.absolute {
            // Each crossing needs the pairs missing after the one before, and brings as many again.
            Some(_) if entered > 0 => {
                let crossings = threshold.div_ceil(entered);
                Some(crossings * threshold - entered * crossings * (crossings - 1) / 2)
            }
            None if entered > 0 => Some((threshold as f64 * (entered + over) as f64 / entered as f64).round() as u64),
            _ => None,
        };
        let contributors_needed = self.absolute.map(|each| threshold.div_ceil(each.max(1)));
        Some(Shortfall { threshold, entered, over, caps: *self, edits, contributors_needed })
    }
}

/// The owner that a pair names.
pub(crate) struct Owner<'l> {
    pub(crate) contributor: Option<&'l str>,
    pub(crate) tenant: Option<&'l str>,
    /// The label of the ingest key.
    pub(crate) key: Option<&'l str>,
}

/// The cap that a pair is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    Contributor,
    Unattributed,
    Tenant,
    Key,
}

/// Returns for each pair, in order, the cap that it is over, if any. Of each owner the first pairs are let in.
///
/// Pairs that name no contributor are one bucket with a share of its own, where contributors are in use. Elsewhere no cap tells
/// contributors apart, and a version without contributors says so (single-tenant mode).
///
/// With fewer tenants than a tenant's share has room for (fewer than 5 at 20 %) no version keeps the rule, so it is not applied.
/// Pairs without a tenant count towards the whole, and that cap does not apply to them.
pub(crate) fn excesses(
    owners: &[Owner<'_>],
    before: &Attribution,
    rules: &DatasetRules,
) -> (Vec<Option<Excess>>, Caps) {
    let places = Places::of(owners, before);
    let contributors = before.contributors.max(places.contributors as u64 - 1);
    let is_attributed = before.is_used || places.contributors > 1;
    let is_tenanted = (places.tenants_in_use as f64) >= (1.0 / rules.max_tenant_share).ceil();
    let rooms = |whole: u64| Rooms::in_version_of(whole, (contributors, is_attributed, is_tenanted), rules);
    let mut whole = owners.len() as u64;
    // The version shrinks until it keeps the rules by its own size.
    let excesses = loop {
        let excesses = places.fill(&rooms(whole));
        let kept = excesses.iter().filter(|excess| excess.is_none()).count() as u64;
        if kept >= whole {
            break excesses;
        }
        whole = kept;
    };
    let bounded = |room: u64| (room < u64::MAX).then_some(room);
    let per_contributor = bounded(rooms(whole).contributor);
    let absolute = bounded(rules.max_pairs_per_contributor);
    (excesses, Caps { contributors, is_attributed, per_contributor, absolute })
}

/// Returns the ingest keys that name contributors in these pairs, or did before; none where contributors are in use no more.
pub(crate) fn naming_keys(owners: &[Owner<'_>], before: &Attribution, caps: Caps) -> BTreeSet<String> {
    if caps.contributors == 0 {
        return BTreeSet::new();
    }
    let naming = owners.iter().filter(|owner| owner.contributor.is_some()).filter_map(|owner| owner.key);
    naming.map(str::to_owned).chain(before.naming.iter().cloned()).collect()
}

/// The room of each owner in a version.
struct Rooms {
    contributor: u64,
    unattributed: u64,
    tenant: u64,
    key: u64,
}

impl Rooms {
    fn in_version_of(
        whole: u64,
        (contributors, is_attributed, is_tenanted): (u64, bool, bool),
        rules: &DatasetRules,
    ) -> Self {
        let of_whole = |share: f64| if share >= 1.0 { u64::MAX } else { Decimal::of(share).of_whole(whole) };
        let equal_shares = if contributors <= EQUAL_SHARES { u64::MAX } else { EQUAL_SHARES * whole / contributors };
        let has_bucket = is_attributed || rules.max_unattributed_share == 0.0;
        Self {
            contributor: if rules.max_pairs_per_contributor < u64::MAX {
                rules.max_pairs_per_contributor
            } else {
                of_whole(rules.max_contributor_share).max(equal_shares).max(rules.min_pairs_per_contributor)
            },
            unattributed: match rules.max_unattributed_share {
                _ if !has_bucket => u64::MAX,
                0.0 => 0,
                share => of_whole(share).max(rules.min_pairs_per_contributor),
            },
            tenant: if is_tenanted { of_whole(rules.max_tenant_share) } else { u64::MAX },
            key: of_whole(rules.max_key_share).max(rules.min_pairs_per_contributor),
        }
    }
}

/// Owners as numbers, so that a version can be filled repeatedly.
struct Places {
    owners: Vec<Place>,
    contributors: usize,
    tenants: usize,
    /// Includes the pairs that name none.
    tenants_in_use: usize,
    keys: usize,
}

/// The numbers of a pair's contributor, tenant and key; 0: it names none.
struct Place {
    contributor: usize,
    tenant: usize,
    key: usize,
    /// `true` if it names no contributor where contributors are in use.
    is_unattributed: bool,
}

impl Places {
    fn of<'l>(owners: &[Owner<'l>], before: &Attribution) -> Self {
        let naming: BTreeSet<_> =
            owners.iter().filter(|owner| owner.contributor.is_some()).map(|owner| owner.key).collect();
        let named_before = |key: Option<&str>| key.map_or(before.is_used, |key| before.naming.contains(key));
        let is_naming = |key: Option<&'l str>| naming.contains(&key) || named_before(key);
        let (mut contributors, mut tenants, mut keys) = (HashMap::new(), HashMap::new(), HashMap::new());
        // A contributor's name counts within its key: under another key it may be a stranger's word.
        let number = |names: &mut HashMap<(Option<&'l str>, &'l str), usize>,
                      name: Option<(Option<&'l str>, &'l str)>| {
            let next = names.len() + 1;
            name.map_or(0, |name| *names.entry(name).or_insert(next))
        };
        let place = |owner: &Owner<'l>| Place {
            contributor: number(&mut contributors, owner.contributor.map(|name| (owner.key, name))),
            tenant: number(&mut tenants, owner.tenant.map(|name| (None, name))),
            key: number(&mut keys, owner.key.map(|name| (None, name))),
            is_unattributed: owner.contributor.is_none() && is_naming(owner.key),
        };
        let owners: Vec<_> = owners.iter().map(place).collect();
        let has_tenantless = owners.iter().any(|place| place.tenant == 0);
        let tenants_in_use = tenants.len() + usize::from(has_tenantless);
        let [contributors, tenants, keys] = [contributors.len(), tenants.len(), keys.len()].map(|names| names + 1);
        Self { owners, contributors, tenants, tenants_in_use, keys }
    }

    /// Lets pairs in, in order, while their owners have room.
    fn fill(&self, rooms: &Rooms) -> Vec<Option<Excess>> {
        let mut of_contributor = vec![0_u64; self.contributors];
        let mut of_tenant = vec![0_u64; self.tenants];
        let mut of_key = vec![0_u64; self.keys];
        let mut unattributed = 0_u64;
        let excess = |&Place { contributor, tenant, key, is_unattributed }: &Place| {
            let is_full = match contributor {
                0 => (is_unattributed || rooms.unattributed == 0) && unattributed >= rooms.unattributed,
                _ => of_contributor[contributor] >= rooms.contributor,
            };
            if is_full {
                return Some(if contributor == 0 { Excess::Unattributed } else { Excess::Contributor });
            }
            if tenant > 0 && of_tenant[tenant] >= rooms.tenant {
                return Some(Excess::Tenant);
            }
            if key > 0 && of_key[key] >= rooms.key {
                return Some(Excess::Key);
            }
            of_contributor[contributor] += 1;
            unattributed += u64::from(is_unattributed);
            of_tenant[tenant] += 1;
            of_key[key] += 1;
            None
        };
        self.owners.iter().map(excess).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn owners<'l>(of: &[(&'l str, &'l str, usize)]) -> Vec<Owner<'l>> {
        let named = |name: &'l str| Some(name).filter(|name| !name.is_empty());
        let owner = |&(contributor, tenant, pairs): &(&'l str, &'l str, usize)| {
            (0..pairs).map(move |_| Owner { contributor: named(contributor), tenant: named(tenant), key: None })
        };
        of.iter().flat_map(owner).collect()
    }

    fn attribution(contributors: u64, is_used: bool) -> Attribution {
        Attribution { contributors, is_used, naming: BTreeSet::new() }
    }

    fn held(of: &[(&str, &str, usize)], rules: &DatasetRules) -> (usize, usize, usize) {
        let (excesses, _) = excesses(&owners(of), &Attribution::default(), rules);
        let count = |kind| excesses.iter().filter(|excess| **excess == Some(kind)).count();
        (count(Excess::Contributor), count(Excess::Unattributed), count(Excess::Tenant))
    }

    /// Returns the number of pairs that enter, for so many pairs of each contributor, in a version shared among at least `known`
    /// contributors.
    fn entering(pairs: &[usize], known: u64) -> usize {
        let names: Vec<_> = (0..pairs.len()).map(|number| number.to_string()).collect();
        let of: Vec<_> = names.iter().zip(pairs).map(|(name, pairs)| (name.as_str(), "", *pairs)).collect();
        let before = attribution(known, known > 0);
        let (excesses, _) = excesses(&owners(&of), &before, &DatasetRules::default());
        excesses.iter().filter(|excess| excess.is_none()).count()
    }

    /// Returns the pairs of contributors who edit about equally: one of them three times as much as another.
    fn about_equally(contributors: usize, pairs: usize) -> Vec<usize> {
        (0..contributors).map(|n| (pairs / contributors * (4 + n % 9) / 8).max(1)).collect()
    }

    #[test]
    fn people_who_edit_about_equally_reach_a_threshold_whatever_their_number() {
        for contributors in [1, 2, 3, 20, 200, 5_000] {
            assert_eq!(
                entering(&vec![5_000_usize.div_ceil(contributors); contributors], 0),
                5_000_usize.max(5_001 * usize::from(contributors == 3))
            );
            let pairs = about_equally(contributors, 10_000);
            assert!(
                entering(&pairs, 0) >= 5_000,
                "{contributors}: {} of {}",
                entering(&pairs, 0),
                pairs.iter().sum::<usize>()
            );
        }
    }

    #[test]
    fn who_edits_most_by_far_is_one_voice_of_many() {
        let others = |count: usize, pairs: usize| vec![pairs; count];
        let with = |one: usize, others: Vec<usize>| {
            entering(&[vec![one], others.clone()].concat(), 0) - others.iter().sum::<usize>()
        };
        // 2 % of 5,076, and of 1,015; a tenth of 422; two thirds of 300; and of two people each may have all pairs.
        assert_eq!((with(5_000, others(199, 25)), with(5_000, others(199, 5))), (101, 20));
        assert_eq!(
            (with(5_000, others(19, 20)), with(5_000, others(2, 50)), with(5_000, others(1, 5))),
            (42, 200, 5_000)
        );
        // Of many contributors who edit little, five pairs of each enter whatever the share.
        assert_eq!(entering(&[7; 30], 0), 30 * 7);
        assert_eq!(with(5_000, others(40, 1)), 5);
    }

    #[test]
    fn who_writes_alone_for_an_hour_is_not_the_only_contributor() {
        assert_eq!((entering(&[5_000], 0), entering(&[5_000], 1), entering(&[5_000], 3)), (5_000, 5_000, 5));
        assert_eq!((entering(&[5_000, 3], 100), entering(&[5_000, 3], 3)), (5 + 3, 6 + 3));
    }

    #[test]
    fn a_number_in_the_policy_takes_the_place_of_shares() {
        let rules = DatasetRules { max_pairs_per_contributor: 5, ..DatasetRules::default() };
        assert_eq!(held(&[("a", "", 5), ("b", "", 7), ("", "", 900)], &rules), (2, 895, 0));
        let caps_of = |of: &[(&str, &str, usize)], contributors, rules: &DatasetRules| {
            excesses(&owners(of), &attribution(contributors, contributors > 0), rules).1
        };
        let five = Caps { contributors: 4, is_attributed: true, per_contributor: Some(5), absolute: Some(5) };
        assert_eq!(caps_of(&[("a", "", 9)], 4, &rules), five);
        let rules = DatasetRules::default();
        let shared = Caps { contributors: 3, is_attributed: true, per_contributor: Some(1_000), absolute: None };
        assert_eq!(caps_of(&[("a", "", 900), ("b", "", 300), ("c", "", 300)], 0, &rules), shared);
        assert_eq!(caps_of(&[("", "", 9)], 0, &rules), Caps::default());
    }

    #[test]
    fn a_threshold_that_caps_keep_out_of_reach_is_named_with_its_cost() {
        let twenty = Caps { contributors: 20, is_attributed: true, per_contributor: Some(5), absolute: Some(5) };
        let shortfall = twenty.shortfall(5_000, 100, 4_900).unwrap();
        assert_eq!((shortfall.edits, shortfall.contributors_needed), (Some(127_500), Some(1_000)));
        let two_hundred = Caps { contributors: 200, ..twenty };
        assert_eq!(two_hundred.shortfall(5_000, 1_000, 4_000).unwrap().edits, Some(15_000));
        let one_of_many = Caps { per_contributor: Some(10), absolute: None, ..two_hundred };
        let shortfall = one_of_many.shortfall(5_000, 1_000, 4_000).unwrap();
        assert_eq!((shortfall.edits, shortfall.contributors_needed), (Some(25_000), None));
        assert_eq!(one_of_many.shortfall(5_000, 0, 9).unwrap().edits, None);
        // Where most pairs enter, or enough, the caps keep no run away.
        assert_eq!(twenty.shortfall(5_000, 2_500, 2_500), None);
        assert_eq!(twenty.shortfall(50, 100, 4_900), None);
    }

    #[test]
    fn what_names_nobody_has_a_share_where_contributors_are_in_use() {
        let rules = DatasetRules::default();
        assert_eq!(held(&[("a", "", 30), ("b", "", 30), ("", "", 30)], &rules), (0, 10, 0));
        let with = |share: f64| DatasetRules { max_unattributed_share: share, ..DatasetRules::default() };
        assert_eq!(held(&[("a", "", 30), ("b", "", 30), ("", "", 60)], &with(1.0)), (0, 0, 0));
        // With no contributor at all, no other rule applies.
        assert_eq!(held(&[("a", "", 5), ("", "", 30)], &with(0.0)), (0, 30, 0));
        assert_eq!(held(&[("", "", 9)], &with(0.0)), (0, 9, 0));
    }

    #[test]
    fn leaving_the_contributor_out_is_no_way_around_the_cap() {
        let rules = DatasetRules::default();
        assert_eq!(held(&[("", "", 900)], &rules), (0, 0, 0), "nothing tells contributors apart");
        // Under an id five of these thirty enter, and without one five as well.
        let others = [("a", "", 1), ("b", "", 1), ("c", "", 1), ("d", "", 1), ("e", "", 1)];
        assert_eq!(held(&[&others[..], &[("eve", "", 30)]].concat(), &rules), (25, 0, 0));
        assert_eq!(held(&[&others[..], &[("", "", 30)]].concat(), &rules), (0, 25, 0));
        let over = |of: &[(&str, &str, usize)], is_used| {
            let (excesses, _) = excesses(&owners(of), &attribution(2, is_used), &rules);
            excesses.iter().filter(|excess| **excess == Some(Excess::Unattributed)).count()
        };
        assert_eq!(over(&[("a", "", 30), ("b", "", 30), ("", "", 9_000)], true), 8_980);
        // The floor is everybody's: a small deployment in which one of two names itself must not lose the other.
        assert_eq!(over(&[("", "", 900)], true), 895);
        assert_eq!(over(&[("a", "", 1), ("", "", 1)], true), 0);
        assert_eq!(over(&[("a", "", 30), ("b", "", 30), ("", "", 9)], false), 0);
    }

    #[test]
    fn a_key_that_names_no_contributor_is_not_silenced_by_one_that_does() {
        let by = |key, contributor: Option<&'static str>, pairs| {
            (0..pairs).map(move |_| Owner { contributor, tenant: None, key: Some(key) })
        };
        let of: Vec<_> = by("app", None, 900).chain(by("desk", Some("eve"), 1)).chain(by("desk", None, 30)).collect();
        let (excesses, caps) = excesses(
            &of,
            &Attribution::default(),
            &DatasetRules { max_unattributed_share: 0.01, ..DatasetRules::default() },
        );
        assert!(caps.is_attributed && excesses[..901].iter().all(Option::is_none));
        assert_eq!(excesses[901..].iter().filter(|excess| excess.is_some()).count(), 21, "1 % of 910");
    }

    #[test]
    fn names_of_an_earlier_version_cap_the_key_that_sent_them_and_no_other() {
        let owner = |key, contributor| Owner { contributor, tenant: None, key: Some(key) };
        let rules = DatasetRules { max_unattributed_share: 0.01, ..DatasetRules::default() };
        let before = Attribution { naming: BTreeSet::from(["desk".to_owned()]), ..attribution(1, true) };
        let unattributed = |key| Places::of(&[owner(key, None)], &before).owners[0].is_unattributed;
        assert!(unattributed("desk") && !unattributed("app"));
        let of: Vec<_> = (0..900).map(|_| owner("app", None)).collect();
        let (excesses, caps) = excesses(&of, &before, &rules);
        assert!(caps.is_attributed && excesses.iter().all(Option::is_none));
        // A key that named contributors is remembered while contributors are in use.
        assert_eq!(naming_keys(&[owner("shop", Some("kim"))], &before, caps).len(), 2);
        assert_eq!(naming_keys(&of, &before, Caps::default()).len(), 0);
    }

    #[test]
    fn invented_contributors_are_bounded_by_their_key() {
        let names: Vec<_> = (0..300).map(|number| number.to_string()).collect();
        let of = names.iter().map(|name| Owner { contributor: Some(name), tenant: None, key: Some("desk") });
        let honest = names[..75].iter().map(|name| Owner { contributor: Some(name), tenant: None, key: Some("app") });
        let of: Vec<_> = of.chain(honest).collect();
        let over = |share| {
            let rules = DatasetRules { max_key_share: share, ..DatasetRules::default() };
            let (excesses, _) = excesses(&of, &Attribution::default(), &rules);
            excesses.iter().map(|excess| usize::from(*excess == Some(Excess::Key))).collect::<Vec<_>>()
        };
        assert_eq!(over(1.0).iter().sum::<usize>(), 0);
        let over = over(0.5);
        assert_eq!((over[..300].iter().sum::<usize>(), over[300..].iter().sum::<usize>()), (225, 0));
    }

    #[test]
    fn a_tenant_has_a_fifth_of_what_enters() {
        let rules = DatasetRules::default();
        let even = [("", "a", 20), ("", "b", 20), ("", "c", 20), ("", "d", 20), ("", "e", 20)];
        assert_eq!(held(&even, &rules), (0, 0, 0));
        // 25 of 125; the rest is the others'.
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
        fn no_version_breaks_the_rules_and_none_that_keeps_them_is_larger(
            of in prop::collection::vec((0..9_u8, 0..9_u8), 0..300), share in 0.05..0.9_f64, known in 0..30_u64,
        ) {
            let name = |n: u8| (n > 0).then(|| n.to_string());
            let names: Vec<_> = of.iter().map(|(contributor, tenant)| (name(*contributor), name(*tenant))).collect();
            let owners: Vec<_> = names.iter().map(|(contributor, tenant)| {
                Owner { contributor: contributor.as_deref(), tenant: tenant.as_deref(), key: None }
            }).collect();
            let rules = DatasetRules { max_tenant_share: share, ..DatasetRules::default() };
            let before = attribution(known, known > 0);
            let (excesses, caps) = excesses(&owners, &before, &rules);
            let entering: Vec<_> = owners.iter().zip(&excesses).filter(|(_, excess)| excess.is_none()).collect();
            let pairs_by = |name: fn(&Owner<'_>) -> Option<String>| {
                entering.iter().fold(HashMap::new(), |mut counts: HashMap<_, u64>, (owner, _)| {
                    *counts.entry(name(owner)).or_default() += 1;
                    counts
                })
            };
            let whole = entering.len() as f64 + 1e-6;
            let of_contributors = pairs_by(|owner| owner.contributor.map(str::to_owned));
            let most = ((0.02_f64.max(2.0 / caps.contributors as f64) * whole) as u64).max(5);
            prop_assert!(of_contributors.iter().all(|(name, pairs)| name.is_none() || *pairs <= most));
            let unattributed = of_contributors.get(&None).copied().unwrap_or(0);
            prop_assert!(!caps.is_attributed || unattributed <= ((0.25 * whole) as u64).max(5));
            let of_tenants = pairs_by(|owner| owner.tenant.map(str::to_owned));
            let most = (share * whole) as u64;
            prop_assert!(!excesses.contains(&Some(Excess::Tenant)) || of_tenants.iter().all(|(name, pairs)| name.is_none() || *pairs <= most));
            // A version of one more pair, or of any size above, would not hold as many.
            let places = Places::of(&owners, &before);
            let is_tenanted = places.tenants_in_use as f64 >= (1.0 / share).ceil();
            for whole in entering.len() as u64 + 1..=owners.len() as u64 {
                let rooms = Rooms::in_version_of(whole, (caps.contributors, caps.is_attributed, is_tenanted), &rules);
                prop_assert!((places.fill(&rooms).iter().filter(|excess| excess.is_none()).count() as u64) < whole);
            }
        }
    }
}
