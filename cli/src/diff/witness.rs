//! An example of what an entry matches, so that a policy can be asked about the entry.

use std::net::IpAddr;

use palisade_policy::Section;
use serde_json::Value;

use crate::act::{Act, Mode};

/// Acts that the entry is about; none if no example comes to mind.
pub fn acts(section: Section, entry: &Value) -> Vec<Act> {
    let text = match entry {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Object(members) => members
            .get("path")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        _ => return Vec::new(),
    };
    match section {
        Section::Processes => {
            let path = path(&text);
            let path = if path.contains('/') {
                path
            } else {
                format!("/usr/bin/{path}")
            };
            vec![Act::Process {
                command: path.clone(),
                path,
            }]
        }
        Section::Outbound => destination(&text)
            .map(|(ip, port)| Act::Connect { ip, port })
            .into_iter()
            .collect(),
        Section::Listen => port(&text)
            .map(|port| Act::Listen { port })
            .into_iter()
            .collect(),
        Section::Dns => vec![Act::Resolve {
            domain: match text.strip_prefix('*') {
                Some("") => "example.invalid".to_owned(),
                Some(rest) => format!("example{rest}"),
                None => text,
            },
        }],
        Section::Filesystem => {
            let modes: &[Mode] = match entry.get("access").and_then(Value::as_str) {
                Some("read") => &[Mode::Read],
                Some("write") => &[Mode::Write],
                _ => &[Mode::Read, Mode::Write],
            };
            modes
                .iter()
                .map(|access| Act::File {
                    path: path(&text),
                    access: *access,
                })
                .collect()
        }
    }
}

/// A path that a glob matches.
fn path(glob: &str) -> String {
    let mut path = String::new();
    let mut rest = glob.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => path.extend(rest.next()),
            '*' => {
                while rest.next_if_eq(&'*').is_some() {}
                path.push_str("example");
            }
            '?' => path.push('x'),
            '[' => {
                let inside: String = rest.by_ref().take_while(|c| *c != ']').collect();
                path.push(match inside.strip_prefix(['!', '^']) {
                    Some(excluded) => ('a'..='z').find(|c| !excluded.contains(*c)).unwrap_or('~'),
                    None => inside.chars().next().unwrap_or('x'),
                });
            }
            '{' => {
                let inside: String = rest.by_ref().take_while(|c| *c != '}').collect();
                path.push_str(&self::path(inside.split(',').next().unwrap_or_default()));
            }
            other => path.push(other),
        }
    }
    path
}

/// An address and a port that an entry of `network.outbound` matches; `None` for a name.
fn destination(text: &str) -> Option<(IpAddr, u16)> {
    let (host, ports) = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None if text.matches(':').count() > 1 => (text, None),
        None => match text.split_once(':') {
            Some((host, ports)) => (host, Some(ports)),
            None => (text, None),
        },
    };
    let address = host.split('/').next().unwrap_or(host);
    let ip = match address {
        // Documentation (RFC 5737), so that no other entry is likely to mean it.
        "*" => IpAddr::from([198, 51, 100, 200]),
        other => other.parse().ok()?,
    };
    Some((ip, ports.map_or(Some(443), port)?))
}

fn port(text: &str) -> Option<u16> {
    text.split('-').next()?.parse().ok()
}
