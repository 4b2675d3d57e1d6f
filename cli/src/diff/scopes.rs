//! Which rule decides for which functions, before and after.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use palisade_policy::{Identity, Policy, Rule, select};

/// So many functions are tried at most: names, regions and accounts, each with each.
const TRIED: usize = 1 << 14;

/// Functions for which another rule decides than before.
pub struct Moved {
    /// Places in the old policy and in the new one; `None`: no rule.
    pub old: Option<usize>,
    pub new: Option<usize>,
    /// One of these functions, for a person.
    pub example: String,
}

/// One of each pair of rules of which the second decides where the first did. `partner`: what a rule of the new policy was in the old one.
/// `false`: the scopes are too many to try them all.
pub fn moved(
    (old, new): (&Policy, &Policy),
    partner: &dyn Fn(usize) -> Option<usize>,
) -> (Vec<Moved>, bool) {
    let rules = || old.rules.iter().chain(&new.rules);
    let functions = names(rules().flat_map(|rule| &rule.scope.functions));
    let regions = names(rules().flat_map(|rule| &rule.scope.regions));
    let mut accounts = names(rules().flat_map(|rule| &rule.scope.accounts));
    // Lambda does not tell a function its account.
    accounts.push(String::new());
    let all = functions.len() * regions.len() * accounts.len() <= TRIED;
    let tried = functions.iter().flat_map(|function| {
        let accounts = &accounts;
        regions.iter().flat_map(move |region| {
            accounts.iter().map(move |account| Identity {
                function,
                region,
                account,
            })
        })
    });
    let place = |rules: &[Rule], identity: &Identity<'_>| select(rules, identity).map(|(at, _)| at);
    let mut found: Vec<Moved> = Vec::new();
    for identity in tried.take(TRIED) {
        let before = place(&old.rules, &identity);
        let after = place(&new.rules, &identity);
        let same = match after {
            Some(after) => before.is_some() && partner(after) == before,
            None => before.is_none(),
        };
        let known = |moved: &Moved| (moved.old, moved.new) == (before, after);
        if !same && !found.iter().any(known) {
            found.push(Moved {
                old: before,
                new: after,
                example: example(&identity, rules),
            });
        }
    }
    (found, all)
}

/// What of a function matters to some scope.
fn example<'r, R: Iterator<Item = &'r Rule>>(
    identity: &Identity<'_>,
    rules: impl Fn() -> R,
) -> String {
    let mut text = format!("function {}", identity.function);
    if rules().any(|rule| !rule.scope.regions.is_empty()) {
        let _ = write!(text, " in region {}", identity.region);
    }
    if rules().any(|rule| !rule.scope.accounts.is_empty()) {
        let account = match identity.account {
            "" => "that is not known",
            account => account,
        };
        let _ = write!(text, " of account {account}");
    }
    text
}

/// Names on either side of every border that these patterns draw: each pattern with the words of all in the place of its stars, and one that none means.
fn names<'p>(patterns: impl Iterator<Item = &'p String>) -> Vec<String> {
    let patterns: BTreeSet<String> = patterns
        .map(|pattern| pattern.trim_start_matches('-').to_ascii_lowercase())
        .collect();
    let mut words = vec!["x".to_owned(), String::new()];
    for pattern in &patterns {
        words.extend(pattern.split(['*', '?']).map(str::to_owned));
        words.push(pattern.replace('*', "").replace('?', "x"));
    }
    words.dedup();
    // What a person would take for an example comes first.
    let mut names = vec!["any-other".to_owned()];
    let mut known: BTreeSet<String> = names.iter().cloned().collect();
    for word in &words {
        for pattern in &patterns {
            let name = pattern.replace('?', "x").replace('*', word);
            if !name.is_empty() && known.insert(name.clone()) {
                names.push(name);
            }
        }
    }
    names
}
