//! The shape of a policy, version 1: one function for each type of [`schema`](crate::schema).

use super::globs;
use super::walker::{Fields, Place, Walker, list};
use crate::blob::Space;
use crate::format;
use crate::json::{Node, Value};
use crate::net::BadEntry;
use crate::schema::{
    Dns, Effect, FileAccess, Filesystem, Listen, Mode, Network, Outbound, PathAccess, PathEntry,
    Policy, PortEntry, Processes, Rule, Scope, Unfollowable,
};
use crate::{diagnostics::nearest, domain, moment, net};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

const MAX_RULES: usize = 1000;
const MAX_ENTRIES: usize = 10_000;
const MAX_NAME: usize = 128;
/// States of all path patterns together, after braces are multiplied out.
const MAX_STATES: usize = 4 << 20;

pub(super) fn policy(w: &mut Walker, document: &Node) -> Option<Policy> {
    let fields = w.object(
        document,
        Place::DOCUMENT,
        &["version", "mode", "rules", "$schema"],
    )?;
    if let Some(node) = fields.get("$schema") {
        w.string(node, fields.at("$schema"), "the address of a JSON Schema");
    }
    if let Some(node) = w.required(&fields, "version", "1") {
        match &node.value {
            Value::Number(number) if number == "1" => {}
            Value::Number(_) => w.problem(
                fields.at("version"),
                node,
                "this version of the format is not known",
                "1",
            ),
            other => w.problem(
                fields.at("version"),
                node,
                format!("this is {}", other.kind()),
                "the number 1",
            ),
        }
    }
    let mode = word(
        w,
        &fields,
        "mode",
        &[("enforce", Mode::Enforce), ("learn", Mode::Learn)],
    );
    w.required(&fields, "rules", "an array of rules")?;
    let rules = w.items(
        &fields,
        "rules",
        "an array of rules",
        MAX_RULES,
        |w, node, place| Some(rule(w, node, place)),
    );
    if let Some(node) = fields.get("rules")
        && matches!(&node.value, Value::Array(items) if items.is_empty())
    {
        w.problem(
            fields.at("rules"),
            node,
            "there is no rule, so nothing would be defended",
            "at least one rule",
        );
    }
    if let Some(Node {
        value: Value::Array(nodes),
        ..
    }) = fields.get("rules")
    {
        unique_names(w, fields.at("rules"), nodes);
    }
    Some(Policy {
        version: 1,
        mode: mode.unwrap_or_default(),
        rules: rules.into_iter().flatten().collect(),
    })
}

fn unique_names(w: &mut Walker, place: Place<'_>, rules: &[Node]) {
    let mut seen: alloc::collections::BTreeMap<&str, usize> = alloc::collections::BTreeMap::new();
    for (i, rule) in rules.iter().enumerate() {
        let Value::Object(members) = &rule.value else {
            continue;
        };
        let Some(name) = members.iter().find(|m| m.key == "name") else {
            continue;
        };
        let Value::String(text) = &name.value.value else {
            continue;
        };
        if let Some(first) = seen.get(text.as_str()) {
            let message =
                format!("rules[{first}] has the same name, and audits could not tell them apart");
            w.problem(
                place.item(i).field("name"),
                &name.value,
                message,
                "another name",
            );
        } else {
            seen.insert(text, i);
        }
    }
}

fn rule(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<Rule> {
    let fields = w.object(
        node,
        place,
        &[
            "name",
            "enabled",
            "scope",
            "enforce_after",
            "processes",
            "network",
            "dns",
            "filesystem",
        ],
    )?;
    let name = fields
        .get("name")
        .and_then(|node| rule_name(w, node, fields.at("name")));
    Some(Rule {
        name,
        enabled: w.boolean(&fields, "enabled", true),
        scope: fields
            .get("scope")
            .and_then(|node| scope(w, node, fields.at("scope")))
            .unwrap_or_default(),
        enforce_after: fields.get("enforce_after").and_then(|node| {
            let place = fields.at("enforce_after");
            let text = w.string(node, place, moment::FORM)?;
            checked(
                w,
                node,
                place,
                moment::seconds(text).map(|_| text.to_owned()),
            )
        }),
        processes: fields
            .get("processes")
            .and_then(|node| processes(w, node, fields.at("processes"))),
        network: fields
            .get("network")
            .and_then(|node| network(w, node, fields.at("network"))),
        dns: fields
            .get("dns")
            .and_then(|node| dns(w, node, fields.at("dns"))),
        filesystem: fields
            .get("filesystem")
            .and_then(|node| filesystem(w, node, fields.at("filesystem"))),
    })
}

fn rule_name(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<String> {
    let text = w.string(node, place, "a name for the rule")?;
    if text.len() > MAX_NAME {
        w.problem(
            place,
            node,
            "the name is too long for an audit",
            "at most 128 bytes",
        );
        return None;
    }
    if text.chars().any(char::is_control) {
        w.problem(
            place,
            node,
            "the name holds a control character",
            "printable characters",
        );
        return None;
    }
    Some(text.to_owned())
}

fn scope(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<Scope> {
    let fields = w.object(node, place, &["functions", "regions", "accounts"])?;
    let mut values = |name: &str| {
        w.items(
            &fields,
            name,
            "an array of strings",
            MAX_ENTRIES,
            |w, node, place| {
                const EXPECTED: &str =
                    "a name, with `*` and `?` as wildcards, and `-` in front to exclude it";
                let text = w.string(node, place, EXPECTED)?;
                if text == "-" {
                    w.problem(place, node, "`-` excludes nothing", EXPECTED);
                    return None;
                }
                if text.len() > 256 {
                    w.problem(
                        place,
                        node,
                        "the pattern is longer than any name",
                        "at most 256 bytes",
                    );
                    return None;
                }
                if text.chars().any(|c| is_white(c) || c.is_control()) {
                    w.problem(
                        place,
                        node,
                        "no name holds white space or a control character",
                        EXPECTED,
                    );
                    return None;
                }
                Some(text.to_owned())
            },
        )
    };
    Some(Scope {
        functions: values("functions"),
        regions: values("regions"),
        accounts: values("accounts"),
    })
}

fn effect(w: &mut Walker, fields: &Fields<'_, '_>) -> Effect {
    const NAMES: [&str; 3] = ["disable", "alert", "prevent"];
    const EXPECTED: &str = "\"disable\", \"alert\" or \"prevent\"";
    let place = fields.at("effect");
    let Some(node) = w.required(fields, "effect", EXPECTED) else {
        return Effect::Disable;
    };
    let Value::String(text) = &node.value else {
        w.problem(
            place,
            node,
            format!("this is {}", node.value.kind()),
            EXPECTED,
        );
        return Effect::Disable;
    };
    match text.as_str() {
        "disable" => Effect::Disable,
        "alert" => Effect::Alert,
        "prevent" => Effect::Prevent,
        other => {
            // Words that other products use for the same.
            let near = match other.to_ascii_lowercase().as_str() {
                "block" | "deny" | "enforce" | "reject" => Some("prevent"),
                "audit" | "log" | "warn" | "detect" | "monitor" => Some("alert"),
                "off" | "none" | "allow" | "ignore" => Some("disable"),
                _ => nearest(other, &NAMES),
            };
            let message = match near {
                Some(near) => format!("there is no such effect (did you mean `{near}`?)"),
                None => "there is no such effect".to_owned(),
            };
            w.problem(place, node, message, EXPECTED);
            Effect::Disable
        }
    }
}

/// A field that holds one of a few words.
fn word<T: Copy>(
    w: &mut Walker,
    fields: &Fields<'_, '_>,
    name: &str,
    words: &[(&'static str, T)],
) -> Option<T> {
    let node = fields.get(name)?;
    let place = fields.at(name);
    let names: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
    let expected = list(&names).replace(" and ", " or ");
    let text = w.string(node, place, &expected)?;
    let found = words.iter().find(|(word, _)| *word == text);
    if found.is_none() {
        let message = match nearest(text, &names) {
            Some(near) => format!("there is no such value (did you mean `{near}`?)"),
            None => "there is no such value".to_owned(),
        };
        w.problem(place, node, message, expected);
    }
    found.map(|(_, value)| *value)
}

fn processes(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<Processes> {
    let fields = w.object(
        node,
        place,
        &[
            "effect",
            "main_only",
            "crypto_miners",
            "unfollowable",
            "allow",
            "deny",
        ],
    )?;
    let section = Processes {
        effect: effect(w, &fields),
        main_only: w.boolean(&fields, "main_only", false),
        crypto_miners: w.boolean(&fields, "crypto_miners", false),
        unfollowable: word(
            w,
            &fields,
            "unfollowable",
            &[
                ("prevent", Unfollowable::Prevent),
                ("alert", Unfollowable::Alert),
                ("allow", Unfollowable::Allow),
            ],
        ),
        allow: w.items(
            &fields,
            "allow",
            "an array of programs",
            MAX_ENTRIES,
            program,
        ),
        deny: w.items(
            &fields,
            "deny",
            "an array of programs",
            MAX_ENTRIES,
            program,
        ),
    };
    if section.main_only
        && let (Some(node), Some(allow)) = (fields.get("main_only"), fields.get("allow"))
        && !matches!(&allow.value, Value::Array(items) if items.is_empty())
    {
        w.problem(
            fields.at("main_only"),
            node,
            "no program but the main one may run, and yet `allow` names others",
            "either `main_only` or `allow`",
        );
    }
    Some(section)
}

fn program(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<String> {
    let text = w.string(
        node,
        place,
        "a program: a glob for its path, or for its name alone",
    )?;
    let space = if text.contains('/') {
        Space::Program
    } else {
        Space::Base
    };
    glob(w, node, place, text, space)
}

fn glob(w: &mut Walker, node: &Node, place: Place<'_>, text: &str, space: Space) -> Option<String> {
    if w.states > MAX_STATES {
        // Said already; the rest would only take memory.
        return None;
    }
    match globs(text, space) {
        Ok(alternatives) => {
            w.states = w
                .states
                .saturating_add(alternatives.iter().map(Vec::len).sum());
            if w.states > MAX_STATES {
                w.problem(
                    place,
                    node,
                    "with this pattern, those of the policy are too long together once braces are multiplied out",
                    "fewer or shorter patterns (at most 4 MiB)",
                );
            }
            Some(text.to_owned())
        }
        Err(bad) => {
            w.problem(place, node, bad.message, bad.expected);
            None
        }
    }
}

fn network(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<Network> {
    let fields = w.object(node, place, &["effect", "outbound", "listen"])?;
    Some(Network {
        effect: effect(w, &fields),
        outbound: fields
            .get("outbound")
            .and_then(|node| outbound(w, node, fields.at("outbound")))
            .unwrap_or_default(),
        listen: fields
            .get("listen")
            .and_then(|node| listen(w, node, fields.at("listen")))
            .unwrap_or_default(),
    })
}

fn outbound(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<Outbound> {
    let fields = w.object(node, place, &["allow", "deny", "loopback"])?;
    let target = |w: &mut Walker, node: &Node, place: Place<'_>| {
        let text = w.string(
            node,
            place,
            "an address, a network or `*`, with an optional port",
        )?;
        checked(w, node, place, net::target(text).map(|_| text.to_owned()))
    };
    Some(Outbound {
        allow: w.items(
            &fields,
            "allow",
            "an array of destinations",
            MAX_ENTRIES,
            target,
        ),
        deny: w.items(
            &fields,
            "deny",
            "an array of destinations",
            MAX_ENTRIES,
            target,
        ),
        loopback: w.boolean(&fields, "loopback", true),
    })
}

fn checked<T>(
    w: &mut Walker,
    node: &Node,
    place: Place<'_>,
    result: Result<T, BadEntry>,
) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(bad) => {
            w.problem(place, node, bad.message, bad.expected);
            None
        }
    }
}

fn listen(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<Listen> {
    let fields = w.object(node, place, &["allow", "deny"])?;
    Some(Listen {
        allow: w.items(&fields, "allow", "an array of ports", MAX_ENTRIES, port),
        deny: w.items(&fields, "deny", "an array of ports", MAX_ENTRIES, port),
    })
}

fn port(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<PortEntry> {
    const EXPECTED: &str = "a port from 1 to 65535, or a range such as \"9000-9100\"";
    match &node.value {
        Value::Number(number) => match number.parse::<u16>() {
            Ok(port) if port > 0 => Some(PortEntry::Number(port)),
            _ => {
                w.problem(place, node, "there is no such port", EXPECTED);
                None
            }
        },
        _ => {
            let text = w.string(node, place, EXPECTED)?;
            if text.contains(':') {
                w.problem(
                    place,
                    node,
                    "ports are judged whatever the address",
                    EXPECTED,
                );
                return None;
            }
            checked(
                w,
                node,
                place,
                net::ports(text).map(|_| PortEntry::Text(text.to_owned())),
            )
        }
    }
}

fn dns(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<Dns> {
    let fields = w.object(node, place, &["effect", "allow", "deny"])?;
    let name = |w: &mut Walker, node: &Node, place: Place<'_>| {
        let text = w.string(node, place, "a host name")?;
        checked(
            w,
            node,
            place,
            domain::pattern(text).map(|_| text.to_owned()),
        )
    };
    Some(Dns {
        effect: effect(w, &fields),
        allow: w.items(&fields, "allow", "an array of names", MAX_ENTRIES, name),
        deny: w.items(&fields, "deny", "an array of names", MAX_ENTRIES, name),
    })
}

fn filesystem(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<Filesystem> {
    let fields = w.object(node, place, &["effect", "allow", "deny"])?;
    Some(Filesystem {
        effect: effect(w, &fields),
        allow: w.items(
            &fields,
            "allow",
            "an array of paths",
            MAX_ENTRIES,
            path_entry,
        ),
        deny: w.items(
            &fields,
            "deny",
            "an array of paths",
            MAX_ENTRIES,
            path_entry,
        ),
    })
}

fn path_entry(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<PathEntry> {
    const EXPECTED: &str = "a glob, or an object with `path` and `access`";
    if !matches!(node.value, Value::Object(_)) {
        let text = w.string(node, place, EXPECTED)?;
        return glob(w, node, place, text, Space::File).map(PathEntry::Any);
    }
    let fields = w.object(node, place, &["path", "access"])?;
    let path = w.required(&fields, "path", "a glob").and_then(|node| {
        let at = fields.at("path");
        let text = w.string(node, at, "a glob")?;
        glob(w, node, at, text, Space::File)
    });
    let access = fields.get("access").map_or(Some(FileAccess::Any), |node| {
        access(w, node, fields.at("access"))
    });
    Some(PathEntry::For(PathAccess {
        path: path?,
        access: access?,
    }))
}

fn access(w: &mut Walker, node: &Node, place: Place<'_>) -> Option<FileAccess> {
    const NAMES: [&str; 3] = ["read", "write", "any"];
    const EXPECTED: &str = "\"read\", \"write\" or \"any\"";
    let text = w.string(node, place, EXPECTED)?;
    match text {
        "read" => Some(FileAccess::Read),
        "write" => Some(FileAccess::Write),
        "any" => Some(FileAccess::Any),
        other => {
            let message = match nearest(other, &NAMES) {
                Some(near) => format!("there is no such access (did you mean `{near}`?)"),
                None => "there is no such access".to_owned(),
            };
            w.problem(place, node, message, EXPECTED);
            None
        }
    }
}

/// White_Space of Unicode, without the table that the standard library has for it.
const fn is_white(c: char) -> bool {
    matches!(
        c,
        '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}
