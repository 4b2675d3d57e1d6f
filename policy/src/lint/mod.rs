//! Warnings: what is legal and probably not meant.
//!
//! No start of a function looks for them ([`read`](crate::read())). A policy of many thousand entries is checked soon all the same: each is linear, or
//! given up on lists too long for it.

mod network;
mod paths;

use crate::diagnostics::Lint;
use crate::domain::{self, Pattern};
use crate::format;
use crate::json::quoted;
use crate::schema::{Dns, Effect, Policy, Rule, Unfollowable};
use crate::scope;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// More comparisons than this are not made.
const MAX_PAIRS: usize = 100_000;

pub(crate) fn lints(policy: &Policy) -> Vec<Lint> {
    let mut out = Lints(Vec::new());
    out.rules(&policy.rules);
    for (i, rule) in policy.rules.iter().enumerate() {
        out.rule(rule, &format!("rules[{i}]"));
    }
    out.0
}

struct Lints(Vec<Lint>);

fn prevents(rule: &Rule) -> bool {
    let processes = rule.processes.as_ref();
    let effects = [
        processes.map(|section| section.effect),
        rule.network.as_ref().map(|section| section.effect),
        rule.dns.as_ref().map(|section| section.effect),
        rule.filesystem.as_ref().map(|section| section.effect),
    ];
    effects.contains(&Some(Effect::Prevent))
        || processes.is_some_and(|section| {
            section.effect != Effect::Disable && section.unfollowable == Some(Unfollowable::Prevent)
        })
}

impl Lints {
    fn add(&mut self, code: &'static str, place: String, value: &str, message: impl Into<String>) {
        let value = if value.is_empty() {
            String::new()
        } else {
            quoted(value)
        };
        self.0.push(Lint {
            code,
            place,
            value,
            message: message.into(),
        });
    }

    fn rules(&mut self, rules: &[Rule]) {
        if rules.iter().all(|rule| !rule.enabled) {
            self.add(
                "nothing-enabled",
                "rules".to_owned(),
                "",
                "every rule is disabled, so nothing is defended",
            );
        }
        let mut pairs = 0;
        let mut earlier: Vec<(usize, &Rule)> = Vec::new();
        for (i, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
            pairs += earlier.len();
            if pairs > MAX_PAIRS {
                return;
            }
            if let Some((first, _)) = earlier
                .iter()
                .find(|(_, before)| scope::covers(&before.scope, &rule.scope))
            {
                let message = format!(
                    "rules[{first}] comes first and holds for every function that this rule is for, so this one is never reached"
                );
                self.add(
                    "unreachable-rule",
                    format!("rules[{i}]"),
                    rule.name.as_deref().unwrap_or_default(),
                    message,
                );
            } else {
                earlier.push((i, rule));
            }
        }
    }

    fn rule(&mut self, rule: &Rule, place: &str) {
        if let Some(after) = &rule.enforce_after
            && !prevents(rule)
        {
            let message = "nothing in the rule prevents, so there is nothing to hold off";
            self.add(
                "moot-enforce-after",
                format!("{place}.enforce_after"),
                after,
                message,
            );
        }
        if let Some(section) = &rule.processes {
            self.processes(section, &format!("{place}.processes"));
        }
        if let Some(section) = &rule.network {
            self.network(section, &format!("{place}.network"));
            if let Some(dns) = &rule.dns {
                self.destinations(section, dns, place);
            }
        }
        if let Some(section) = &rule.dns {
            self.dns(section, &format!("{place}.dns"));
        }
        if let Some(section) = &rule.filesystem {
            self.filesystem(section, &format!("{place}.filesystem"));
        }
    }

    fn inactive(&mut self, place: &str, effect: Effect, something: bool, what: &str) {
        if effect != Effect::Disable && !something {
            let message = format!(
                "the section has an effect and nothing to judge by, so it is off; add {what}"
            );
            self.add("inactive-section", place.to_owned(), "", message);
        }
    }

    /// Entries that say the same as an earlier one of their list.
    fn duplicates<K: Ord>(&mut self, place: &str, entries: impl Iterator<Item = (K, String)>) {
        let mut seen: BTreeMap<K, usize> = BTreeMap::new();
        for (i, (key, text)) in entries.enumerate() {
            if let Some(first) = seen.get(&key) {
                let message = format!("{place}[{first}] says the same");
                self.add("duplicate-entry", format!("{place}[{i}]"), &text, message);
            } else {
                seen.insert(key, i);
            }
        }
    }

    /// Entries of `allow` that an entry of `deny` leaves nothing of.
    fn shadowed<T>(
        &mut self,
        place: &str,
        allow: &[(String, T)],
        deny: &[(String, T)],
        covers: impl Fn(&T, &T) -> bool,
    ) {
        if allow.len().saturating_mul(deny.len()) > MAX_PAIRS {
            return;
        }
        for (i, (text, entry)) in allow.iter().enumerate() {
            if let Some(j) = deny.iter().position(|(_, other)| covers(other, entry)) {
                let message = format!("{place}.deny[{j}] denies all of it, and `deny` goes first");
                self.add(
                    "shadowed-allow",
                    format!("{place}.allow[{i}]"),
                    text,
                    message,
                );
            }
        }
    }

    fn moot(&mut self, place: String, text: &str) {
        let message = "this allows everything, so the other entries of the list mean nothing";
        self.add("allow-everything", place, text, message);
    }

    fn dns(&mut self, section: &Dns, place: &str) {
        let something = !section.allow.is_empty() || !section.deny.is_empty();
        self.inactive(place, section.effect, something, "`allow` or `deny`");
        let read = |entries: &[String]| -> Vec<(String, Pattern)> {
            entries
                .iter()
                .filter_map(|text| Some((text.clone(), domain::pattern(text).ok()?)))
                .collect()
        };
        let (allow, deny) = (read(&section.allow), read(&section.deny));
        for (name, entries) in [("allow", &allow), ("deny", &deny)] {
            let place = format!("{place}.{name}");
            for (i, (text, pattern)) in entries.iter().enumerate() {
                self.domain(format!("{place}[{i}]"), text, pattern);
                if name == "allow" && *pattern == Pattern::Everything {
                    self.moot(format!("{place}[{i}]"), text);
                }
            }
            self.duplicates(
                &place,
                entries
                    .iter()
                    .map(|(text, pattern)| (format!("{pattern:?}"), text.clone())),
            );
        }
        self.shadowed(place, &allow, &deny, Pattern::contains);
    }

    fn domain(&mut self, place: String, text: &str, pattern: &Pattern) {
        match pattern {
            Pattern::Suffix(end) if !end.starts_with('.') => {
                let message = format!(
                    "this also matches `evil{end}`; write `{end}` and `*.{end}` for the domain and what is below it"
                );
                self.add("suffix-without-dot", place, text, message);
            }
            Pattern::Exact(name) if domain::is_numeric(name.as_bytes()) => {
                let message = "a numeric host is no name and is never judged here; `network.outbound` judges addresses";
                self.add("not-a-name", place, text, message);
            }
            Pattern::Exact(name) if domain::is_localhost(name.as_bytes()) => {
                self.add(
                    "not-a-name",
                    place,
                    text,
                    "`localhost` is the sandbox itself and is never judged",
                );
            }
            _ => {}
        }
    }
}
