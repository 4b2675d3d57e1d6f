//! Which rule applies to a function.

use crate::schema::{Rule, Scope};
use alloc::string::String;
use alloc::vec::Vec;

/// Who the function is. Empty: not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    /// `AWS_LAMBDA_FUNCTION_NAME`
    pub function: &'a str,
    /// `AWS_REGION`
    pub region: &'a str,
    /// The account number.
    pub account: &'a str,
}

/// The rule that decides for a function, and its place: the first enabled one whose scope matches.
#[must_use]
pub fn select<'r>(rules: &'r [Rule], identity: &Identity<'_>) -> Option<(usize, &'r Rule)> {
    rules
        .iter()
        .enumerate()
        .find(|(_, rule)| rule.enabled && matches(&rule.scope, identity))
}

fn matches(scope: &Scope, identity: &Identity<'_>) -> bool {
    field(&scope.functions, identity.function)
        && field(&scope.regions, identity.region)
        && field(&scope.accounts, identity.account)
}

fn field(patterns: &[String], value: &str) -> bool {
    let mut positive = false;
    for pattern in patterns {
        match pattern.strip_prefix('-') {
            Some(excluded) if wildcard(excluded, value) => return false,
            Some(_) => {}
            None => positive = true,
        }
    }
    !positive
        || patterns
            .iter()
            .any(|pattern| !pattern.starts_with('-') && wildcard(pattern, value))
}

/// `*` is any characters, `?` is one; ASCII case does not matter. Only the last `*` is ever tried again, so time is at worst the
/// product of the lengths.
fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(c) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(want) if *want == '?' || want.eq_ignore_ascii_case(c) => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                None => return false,
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
            },
        }
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|c| *c == '*')
}

/// Whether each function that `later` is for is surely one that `earlier` is for.
pub(crate) fn covers(earlier: &Scope, later: &Scope) -> bool {
    covers_field(&earlier.functions, &later.functions)
        && covers_field(&earlier.regions, &later.regions)
        && covers_field(&earlier.accounts, &later.accounts)
}

fn covers_field(earlier: &[String], later: &[String]) -> bool {
    let excluded = |list: &[String]| -> Vec<String> {
        list.iter()
            .filter(|p| p.starts_with('-'))
            .map(|p| p.to_lowercase())
            .collect()
    };
    let included = |list: &[String]| -> Vec<String> {
        list.iter()
            .filter(|p| !p.starts_with('-'))
            .map(|p| p.to_lowercase())
            .collect()
    };
    // What the earlier one leaves out, the later one has to leave out as well.
    let out = excluded(later);
    if !excluded(earlier).iter().all(|p| out.contains(p)) {
        return false;
    }
    let (wide, narrow) = (included(earlier), included(later));
    if wide.is_empty() || wide.iter().any(|p| p.chars().all(|c| c == '*')) {
        return true;
    }
    if narrow.is_empty() {
        return false;
    }
    // A pattern read as a text: `pay-*` matches the text `pay-eu-*`, and then it matches all that `pay-eu-*` does. `?` in the wide one
    // must not swallow a `*` of the narrow one.
    narrow.iter().all(|n| {
        wide.iter()
            .any(|w| w == n || (wildcard(w, n) && !(w.contains('?') && n.contains('*'))))
    })
}
