//! The hands behind a burst: a campaign comes from few, and a correction that many agree on from many.
//!
//! A hand is a contributor; pairs that name none are one hand together. In a batch with two tenants or more, a hand is a tenant
//! instead. One tenant can invent contributors, and its phrases are its own while the model is everyone's.
//!
//! Hands are counted by their effective number, `n² / Σ nᵢ²` for `nᵢ` pairs of each (the inverse Simpson index). k hands with
//! equal parts count as k. One hand that brings almost all counts as little more than one, however many others join.
//!
//! Accounts that exist for a phrase alone are one hand together. These are contributors whose every pair carries it, where most
//! others of the batch have more than one pair. They count one by one where single pairs are usual, and where they are most of
//! the contributors.

use std::collections::HashMap;

use super::gold_line::GoldLine;
use super::rules::DatasetRules;

/// The hands that suffice in a small batch: there, eight pairs are a notable part of all that was written.
const ENOUGH_IN_A_SMALL_BATCH: u64 = 2;

/// The hands behind the lines of a batch.
pub(crate) struct Hands {
    owners: Vec<Owner>,
    /// The number of pairs of each contributor; at index 0 those that name none.
    pairs_of: Vec<u64>,
    /// Contributors with a single pair.
    single: usize,
    tenants: Names,
    contributors: Names,
}

/// The numbers of a line's contributor and tenant; 0: it names none.
#[derive(Clone, Copy)]
struct Owner {
    contributor: usize,
    tenant: usize,
}

/// Names, numbered from 1.
#[derive(Default)]
struct Names {
    numbers: HashMap<String, usize>,
    /// Pairs that name none.
    nameless: u64,
}

impl Names {
    fn number(&mut self, name: Option<&str>) -> usize {
        let Some(name) = name else {
            self.nameless += 1;
            return 0;
        };
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.numbers.len() + 1;
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// Returns the number of hands; the pairs without a name are one more.
    fn hands(&self) -> usize {
        self.numbers.len() + usize::from(self.nameless > 0)
    }
}

impl Hands {
    /// Returns the hands behind these lines.
    pub(crate) fn of<'l>(lines: impl Iterator<Item = &'l GoldLine<'l>>) -> Self {
        let (mut tenants, mut contributors) = (Names::default(), Names::default());
        let owner = |line: &GoldLine<'l>| Owner {
            contributor: contributors.number(line.contributor()),
            tenant: tenants.number(line.tenant()),
        };
        let owners: Vec<_> = lines.map(owner).collect();
        let mut pairs_of = vec![0; contributors.numbers.len() + 1];
        owners.iter().for_each(|owner| pairs_of[owner.contributor] += 1);
        let single = pairs_of.iter().skip(1).filter(|pairs| **pairs == 1).count();
        Self { owners, pairs_of, single, tenants, contributors }
    }

    /// Returns `true` if enough hands carry a phrase to make it a correction. `carriers` are the places of its lines in the
    /// batch.
    ///
    /// Half of all hands, plus half a hand, are always enough: a team of three will never be four. In a batch of one hand, or
    /// mostly without names, hands cannot be told apart. There a phrase is a habit if the batch is small and it has a notable
    /// share.
    pub(crate) fn agree(&self, carriers: &[usize], rules: &DatasetRules) -> bool {
        let pairs = self.owners.len() as u64;
        let is_small = pairs <= rules.burst_small_batch;
        let (hands, nameless, carried) = if self.tenants.numbers.len() > 1 {
            let carried = self.count(carriers, |owner| owner.tenant).into_values().collect();
            (self.tenants.hands(), self.tenants.nameless, carried)
        } else {
            (self.contributors.hands(), self.contributors.nameless, self.pairs_by_contributor(carriers))
        };
        if hands < 2 || is_small && 2 * nameless > pairs {
            return is_small && carriers.len() as f64 >= rules.burst_habit_share * pairs as f64;
        }
        let enough =
            if is_small { rules.burst_contributors.min(ENOUGH_IN_A_SMALL_BATCH) } else { rules.burst_contributors };
        effective_number(&carried) >= (enough as f64).min((hands as f64 + 1.0) / 2.0)
    }

    fn count(&self, carriers: &[usize], hand: impl Fn(&Owner) -> usize) -> HashMap<usize, u64> {
        let mut pairs: HashMap<usize, u64> = HashMap::new();
        carriers.iter().for_each(|at| *pairs.entry(hand(&self.owners[*at])).or_default() += 1);
        pairs
    }

    /// Returns the number of carriers of each contributor. Accounts that exist for the phrase alone count together.
    fn pairs_by_contributor(&self, carriers: &[usize]) -> Vec<u64> {
        let carried = self.count(carriers, |owner| owner.contributor);
        let exists_for_it = |contributor: usize, pairs: u64| contributor > 0 && self.pairs_of[contributor] == pairs;
        let is_single = |contributor: &usize| *contributor > 0 && self.pairs_of[*contributor] == 1;
        let strangers = carried.iter().filter(|(hand, pairs)| exists_for_it(**hand, **pairs)).count();
        let named = self.contributors.numbers.len();
        let others = named - carried.keys().filter(|hand| **hand > 0).count();
        let single_others = self.single - carried.keys().filter(|hand| is_single(hand)).count();
        if 2 * single_others >= others || 2 * strangers > named {
            return carried.into_values().collect();
        }
        let mut apart = vec![0];
        for (hand, pairs) in carried {
            if exists_for_it(hand, pairs) {
                apart[0] += pairs;
            } else {
                apart.push(pairs);
            }
        }
        apart
    }
}

fn effective_number(pairs: &[u64]) -> f64 {
    let all = pairs.iter().sum::<u64>() as f64;
    let squares = pairs.iter().map(|pairs| (*pairs as f64).powi(2)).sum::<f64>();
    all * all / squares
}
