//! What a policy does, rule by rule, in the words of one who has to say yes to it.

use palisade_policy::schema::{
    Dns, Effect, FileAccess, Filesystem, Network, PathEntry, Policy, PortEntry, Processes, Rule,
    Scope,
};

use crate::output::{self, DIM, ERROR, STRONG, Safe, WARNING};

/// So many entries of a list are shown; a person who wants the hundredth reads the policy.
const SHOWN: usize = 6;

/// Appends a paragraph for each rule.
pub fn policy(text: &mut String, policy: &Policy) {
    for (index, rule) in policy.rules.iter().enumerate() {
        let name = rule
            .name
            .as_ref()
            .map(|name| format!(" {}", Safe::of(name)))
            .unwrap_or_default();
        output::line(
            text,
            format_args!("\n{STRONG}rules[{index}]{name}{STRONG:#}"),
        );
        if !rule.enabled {
            row(text, "disabled", &format_args!("the rule is skipped"));
            continue;
        }
        row(text, "for", &scope(&rule.scope));
        for (section, does) in sections(rule) {
            match does {
                Some((effect, clauses)) if effect != Effect::Disable && !clauses.is_empty() => {
                    row(
                        text,
                        section,
                        &format_args!("{} {}", word(effect), clauses.join("; ")),
                    );
                }
                Some((effect, _)) if effect != Effect::Disable => {
                    row(text, section, &"nothing is forbidden");
                }
                _ => row(text, section, &format_args!("{DIM}off{DIM:#}")),
            }
        }
    }
}

fn row(text: &mut String, head: &str, what: &dyn std::fmt::Display) {
    output::line(text, format_args!("  {head:<11} {what}"));
}

fn word(effect: Effect) -> String {
    match effect {
        Effect::Disable => format!("{DIM}off{DIM:#}"),
        Effect::Alert => format!("{WARNING}alert{WARNING:#}  "),
        Effect::Prevent => format!("{ERROR}prevent{ERROR:#}"),
    }
}

fn scope(scope: &Scope) -> String {
    let fields = [
        ("functions", &scope.functions),
        ("regions", &scope.regions),
        ("accounts", &scope.accounts),
    ];
    let limits: Vec<String> = fields
        .iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| format!("{name} {}", list(values.iter().cloned())))
        .collect();
    if limits.is_empty() {
        "every function".to_owned()
    } else {
        limits.join("; ")
    }
}

type Section = Option<(Effect, Vec<String>)>;

/// Each section with its effect and what it forbids.
fn sections(rule: &Rule) -> [(&'static str, Section); 4] {
    [
        ("processes", rule.processes.as_ref().map(processes)),
        ("network", rule.network.as_ref().map(network)),
        ("dns", rule.dns.as_ref().map(dns)),
        ("filesystem", rule.filesystem.as_ref().map(filesystem)),
    ]
}

fn processes(section: &Processes) -> (Effect, Vec<String>) {
    let mut clauses = Vec::new();
    if section.main_only {
        clauses.push("any program but the main process's own".to_owned());
    }
    if section.crypto_miners {
        clauses.push("crypto miners".to_owned());
    }
    lists(
        &mut clauses,
        "programs",
        section.allow.iter().cloned(),
        section.deny.iter().cloned(),
    );
    (section.effect, clauses)
}

fn network(section: &Network) -> (Effect, Vec<String>) {
    let mut clauses = Vec::new();
    lists(
        &mut clauses,
        "destinations",
        section.outbound.allow.iter().cloned(),
        section.outbound.deny.iter().cloned(),
    );
    if !section.outbound.loopback {
        clauses.push("loopback unless it is allowed".to_owned());
    }
    lists(
        &mut clauses,
        "listening ports",
        section.listen.allow.iter().map(PortEntry::text),
        section.listen.deny.iter().map(PortEntry::text),
    );
    (section.effect, clauses)
}

fn dns(section: &Dns) -> (Effect, Vec<String>) {
    let mut clauses = Vec::new();
    lists(
        &mut clauses,
        "names",
        section.allow.iter().cloned(),
        section.deny.iter().cloned(),
    );
    (section.effect, clauses)
}

fn filesystem(section: &Filesystem) -> (Effect, Vec<String>) {
    let mut clauses = Vec::new();
    lists(
        &mut clauses,
        "files",
        section.allow.iter().map(file),
        section.deny.iter().map(file),
    );
    (section.effect, clauses)
}

fn file(entry: &PathEntry) -> String {
    match entry.access() {
        FileAccess::Read => format!("{} (read)", entry.path()),
        FileAccess::Write => format!("{} (write)", entry.path()),
        FileAccess::Any => entry.path().to_owned(),
    }
}

fn lists(
    clauses: &mut Vec<String>,
    what: &str,
    allow: impl ExactSizeIterator<Item = String>,
    deny: impl ExactSizeIterator<Item = String>,
) {
    if allow.len() > 0 {
        clauses.push(format!("{what} other than {}", list(allow)));
    }
    if deny.len() > 0 {
        clauses.push(format!("{what} {}", list(deny)));
    }
}

fn list(entries: impl ExactSizeIterator<Item = String>) -> String {
    let more = entries.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = entries
        .take(SHOWN)
        .map(|entry| Safe::of(&entry).to_string())
        .collect();
    if more > 0 {
        shown.push(format!("… and {more} more"));
    }
    shown.join(", ")
}
