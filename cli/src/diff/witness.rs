//! An example of what an entry matches, so that a policy can be asked about the entry.

use std::collections::BTreeSet;
use std::net::IpAddr;

use palisade_policy::{Connect, Decider, Section, Verdict};
use serde_json::Value;

use crate::act::{Act, Mode};

/// An act, with what a name in `network.outbound` is about besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub act: Act,
    /// The name that was resolved to get the address.
    pub name: Option<String>,
}

impl From<Act> for Probe {
    fn from(act: Act) -> Self {
        Self { act, name: None }
    }
}

impl Probe {
    pub fn judge<'p>(&self, decider: &Decider<'p>) -> Verdict<'p> {
        match (&self.act, &self.name) {
            (Act::Connect { ip, port }, Some(name)) => {
                let (ip, port) = (*ip, *port);
                decider.connect_resolved(&Connect { ip, port }, name.as_bytes())
            }
            (act, _) => act.judge(decider),
        }
    }

    /// As a person puts it.
    pub fn asked(&self) -> String {
        match (&self.act, &self.name) {
            (Act::Connect { port, .. }, Some(name)) => {
                format!("connection to an address of {name} on port {port}")
            }
            (act, _) => act.asked().to_string(),
        }
    }
}

/// What stands for a wildcard: something that comes to mind, something that no other entry is likely to name, and some of it deeper.
const FILLS: [&str; 3] = ["example", "q7z", "q7z/q7z"];

/// Acts that the entry is about; none if no example comes to mind.
pub fn acts(section: Section, entry: &Value) -> Vec<Probe> {
    let text = text(entry);
    let named = (section == Section::Outbound).then(|| named(&text));
    if let Some(named) = named.flatten() {
        let (names, (low, high)) = named;
        return to_names(&names, &[low, high]);
    }
    plain(section, entry, &text)
        .into_iter()
        .map(Probe::from)
        .collect()
}

fn plain(section: Section, entry: &Value, text: &str) -> Vec<Act> {
    let mut acts = match section {
        Section::Processes => paths(text)
            .into_iter()
            .map(|path| {
                let path = if path.contains('/') {
                    path
                } else {
                    format!("/usr/bin/{path}")
                };
                Act::Process {
                    command: path.clone(),
                    path,
                }
            })
            .collect(),
        Section::Outbound => destination(text)
            .map(|(ips, (low, high))| connections(&ips, &[low, high]))
            .unwrap_or_default(),
        Section::Listen => ports(text)
            .map(|(low, high)| vec![Act::Listen { port: low }, Act::Listen { port: high }])
            .unwrap_or_default(),
        Section::Dns => {
            let resolve = |domain| Act::Resolve { domain };
            domains(text).into_iter().map(resolve).collect()
        }
        Section::Filesystem => {
            let modes: &[Mode] = match entry.get("access").and_then(Value::as_str) {
                Some("read") => &[Mode::Read],
                Some("write") => &[Mode::Write],
                _ => &[Mode::Read, Mode::Write],
            };
            paths(text)
                .iter()
                .flat_map(|path| {
                    modes.iter().map(|access| Act::File {
                        path: path.clone(),
                        access: *access,
                    })
                })
                .collect()
        }
    };
    acts.dedup();
    acts
}

/// Names that a pattern matches.
fn domains(text: &str) -> Vec<String> {
    match text.strip_prefix('*') {
        Some("") => vec!["example.invalid".to_owned(), "q7z.q7z".to_owned()],
        Some(rest) => ["example", "q7z", "q7z.q7z"]
            .map(|fill| format!("{fill}{rest}"))
            .into(),
        None => vec![text.to_owned()],
    }
}

/// Names and ports that an entry of `network.outbound` matches: the first and the last. `None`: it is no name.
fn named(text: &str) -> Option<(Vec<String>, (u16, u16))> {
    if destination(text).is_some() {
        return None;
    }
    let (host, behind) = match text.split_once(':') {
        Some((host, ports)) => (host, Some(ports)),
        None => (text, None),
    };
    Some((domains(host), behind.map_or(Some((443, 443)), ports)?))
}

fn to_names(names: &[String], ports: &[u16]) -> Vec<Probe> {
    // Documentation (RFC 5737), so that no other entry is likely to mean the address.
    let ip = IpAddr::from([198, 51, 100, 201]);
    let to = |name: &String| {
        let name = Some(name.clone());
        ports.iter().map(move |port| Probe {
            act: Act::Connect { ip, port: *port },
            name: name.clone(),
        })
    };
    let mut probes: Vec<Probe> = names.iter().flat_map(to).collect();
    probes.dedup();
    probes
}

/// Each address is put together with each port, each glob with the parts of all others, as long as these are not too many.
const PAIRS: usize = 1 << 16;

/// Acts on either side of every border that these entries draw.
pub fn all(section: Section, entries: &[&Value]) -> Vec<Probe> {
    let mut probes: Vec<Probe> = borders(section, entries)
        .into_iter()
        .map(Probe::from)
        .collect();
    if section == Section::Outbound {
        let texts: Vec<String> = entries.iter().map(|entry| text(entry)).collect();
        let (names, ranges): (Vec<_>, Vec<_>) = texts.iter().filter_map(|text| named(text)).unzip();
        let addresses = texts.iter().filter_map(|text| destination(text));
        let (ips, others): (Vec<_>, Vec<_>) = addresses.unzip();
        let names: BTreeSet<String> = names.into_iter().flatten().collect();
        let ports: BTreeSet<u16> = ranges.into_iter().chain(others).flat_map(beside).collect();
        let ips: BTreeSet<IpAddr> = ips.into_iter().flatten().collect();
        if names.len() * ports.len() * (ips.len() + 1) <= PAIRS {
            let (names, ports): (Vec<_>, Vec<_>) =
                (names.into_iter().collect(), ports.into_iter().collect());
            let named = to_names(&names, &ports);
            // The address of a name may be one that an entry denies.
            for ip in ips {
                probes.extend(named.iter().cloned().map(|mut probe| {
                    if let Act::Connect { ip: address, .. } = &mut probe.act {
                        *address = ip;
                    }
                    probe
                }));
            }
            probes.extend(named);
        }
    }
    probes
}

/// Just outside and just inside.
fn beside((low, high): (u16, u16)) -> [u16; 4] {
    [low.max(2) - 1, low, high, high.saturating_add(1)]
}

fn borders(section: Section, entries: &[&Value]) -> Vec<Act> {
    let mut acts: Vec<Act> = entries
        .iter()
        .flat_map(|entry| plain(section, entry, &text(entry)))
        .collect();
    let texts = entries.iter().map(|entry| text(entry));
    match section {
        Section::Listen => acts.extend(
            texts
                .filter_map(|text| ports(&text))
                .flat_map(beside)
                .map(|port| Act::Listen { port }),
        ),
        Section::Outbound => {
            let (ips, borders): (Vec<_>, Vec<_>) =
                texts.filter_map(|text| destination(&text)).unzip();
            let ips: BTreeSet<IpAddr> = ips.into_iter().flatten().collect();
            let borders: BTreeSet<u16> = borders.into_iter().flat_map(beside).collect();
            if ips.len() * borders.len() <= PAIRS {
                let (ips, borders): (Vec<_>, Vec<_>) =
                    (ips.into_iter().collect(), borders.into_iter().collect());
                acts.extend(connections(&ips, &borders));
            }
        }
        Section::Filesystem => {
            let globs: Vec<String> = texts.collect();
            let paths: BTreeSet<String> = acts.iter().map(Act::target).collect();
            acts.extend(paths.into_iter().chain(crossed(&globs)).flat_map(|path| {
                [Mode::Read, Mode::Write].map(|access| Act::File {
                    path: path.clone(),
                    access,
                })
            }));
        }
        Section::Processes => {
            let globs: Vec<String> = texts.collect();
            acts.extend(crossed(&globs).into_iter().map(|path| Act::Process {
                command: path.clone(),
                path,
            }));
        }
        Section::Dns => {}
    }
    acts
}

/// Paths that two globs match, as far as one is found by putting the parts of one where the other has its stars.
fn crossed(globs: &[String]) -> BTreeSet<String> {
    let mut fills = BTreeSet::new();
    for glob in globs {
        for path in paths(glob) {
            let ends = path.match_indices('/').map(|(at, _)| &path[at + 1..]);
            fills.extend(ends.chain(path.split('/')).map(str::to_owned));
        }
    }
    let literals: BTreeSet<String> = globs
        .iter()
        .flat_map(|glob| glob.split(['*', '?', '/']))
        .map(|text| path(text, ""))
        .collect();
    // What is left of a name where the other glob has its beginning or its end.
    let stems: Vec<String> = fills
        .iter()
        .take(PAIRS / literals.len().max(1))
        .flat_map(|fill: &String| {
            let cut = |text: &String| {
                [
                    fill.strip_prefix(text.as_str()),
                    fill.strip_suffix(text.as_str()),
                ]
            };
            literals.iter().flat_map(cut).flatten().map(str::to_owned)
        })
        .collect();
    fills.extend(stems);
    fills.extend(literals);
    fills.remove("");
    let open: Vec<&String> = globs.iter().filter(|glob| glob.contains('*')).collect();
    if open.len() * fills.len() > PAIRS {
        return BTreeSet::new();
    }
    open.into_iter()
        .flat_map(|glob| fills.iter().map(|fill| path(glob, fill)))
        .map(|path| match path.contains('/') {
            true => path,
            false => format!("/usr/bin/{path}"),
        })
        .collect()
}

fn text(entry: &Value) -> String {
    match entry.get("path").unwrap_or(entry) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn connections(ips: &[IpAddr], ports: &[u16]) -> Vec<Act> {
    let to = |ip: &IpAddr| {
        let ip = *ip;
        ports
            .iter()
            .map(move |port| Act::Connect { ip, port: *port })
    };
    ips.iter().flat_map(to).collect()
}

fn paths(glob: &str) -> Vec<String> {
    let mut paths: Vec<String> = FILLS.iter().map(|fill| path(glob, fill)).collect();
    // Only two stars go over a slash.
    if !glob.contains("**") {
        paths.truncate(2);
    }
    paths.dedup();
    paths
}

/// A path that a glob matches. `fill` stands for its stars.
fn path(glob: &str, fill: &str) -> String {
    let mut path = String::new();
    let mut rest = glob.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => path.extend(rest.next()),
            '*' => {
                let mut stars = 1;
                while rest.next_if_eq(&'*').is_some() {
                    stars += 1;
                }
                path.push_str(match stars {
                    1 => fill.rsplit('/').next().unwrap_or_default(),
                    _ => fill,
                });
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
                path.push_str(&self::path(
                    inside.split(',').next().unwrap_or_default(),
                    fill,
                ));
            }
            other => path.push(other),
        }
    }
    path
}

/// Addresses and ports that an entry of `network.outbound` matches: the first and the last of each. `None`: it is a name.
fn destination(text: &str) -> Option<(Vec<IpAddr>, (u16, u16))> {
    let (host, behind) = match text.strip_prefix('[') {
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
    let (address, bits) = match host.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse().ok()?)),
        None => (host, None),
    };
    let ips = match address {
        // Documentation (RFC 5737, RFC 3849), so that no other entry is likely to mean it.
        "*" => vec![
            IpAddr::from([198, 51, 100, 200]),
            IpAddr::from([0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 200]),
        ],
        other => network(other.parse().ok()?, bits),
    };
    Some((ips, behind.map_or(Some((443, 443)), ports)?))
}

fn network(ip: IpAddr, bits: Option<u32>) -> Vec<IpAddr> {
    let last = match ip {
        IpAddr::V4(ip) => {
            let open = u32::MAX.checked_shr(bits.unwrap_or(32)).unwrap_or(0);
            IpAddr::from((u32::from(ip) | open).to_be_bytes())
        }
        IpAddr::V6(ip) => {
            let open = u128::MAX.checked_shr(bits.unwrap_or(128)).unwrap_or(0);
            IpAddr::from((u128::from(ip) | open).to_be_bytes())
        }
    };
    if last == ip { vec![ip] } else { vec![ip, last] }
}

/// The first and the last.
fn ports(text: &str) -> Option<(u16, u16)> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    Some((low.parse().ok()?, high.parse().ok()?))
}
