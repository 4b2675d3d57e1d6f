//! From acts to entries: exactly what was seen, or a little more, as far as that was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use palisade_policy::Section;
use serde_json::{Value, json};

use super::gather::Seen;
use super::volatile;
use crate::act::{Act, Mode, destination};
use crate::change::exactly;

/// An act and what is known of it.
pub type Witnessed<'a> = (&'a Act, &'a Seen);

/// An entry of an allow list, and why it is there.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    pub section: Section,
    pub value: Value,
    pub acts: Vec<Witnessed<'a>>,
}

impl<'a> Entry<'a> {
    /// As `explain` puts it: the name under which it is decided on.
    pub fn event(&self) -> String {
        event(self.section, &self.value)
    }

    /// Seen during one invocation only; of acts that each sandbox records but once, in one sandbox only.
    pub fn once(&self) -> bool {
        let folded = self.folded();
        let times: BTreeSet<&String> = self
            .acts
            .iter()
            .flat_map(|(_, seen)| {
                if folded {
                    &seen.streams
                } else {
                    &seen.requests
                }
            })
            .collect();
        times.len() == 1
    }

    /// The acts that an entry which comes in its place is for: those that it spells out, or else all.
    pub fn acts_of(&self, value: &Value) -> Vec<Witnessed<'a>> {
        let own: Vec<_> = self
            .acts
            .iter()
            .copied()
            .filter(|(act, seen)| exact(act, seen).contains(value))
            .collect();
        if own.is_empty() {
            self.acts.clone()
        } else {
            own
        }
    }

    /// Recorded but once in each sandbox.
    pub fn folded(&self) -> bool {
        self.acts.iter().any(|(_, seen)| seen.folded)
    }
}

pub fn event(section: Section, value: &Value) -> String {
    let text = |value: &Value| match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    };
    match section {
        Section::Processes => format!("exec {}", text(value)),
        Section::Outbound => format!("connect {}", text(value)),
        Section::Listen => format!("listen {}", text(value)),
        Section::Dns => format!("resolve {}", text(value)),
        Section::Filesystem => match (
            value.get("path"),
            value.get("access").and_then(Value::as_str),
        ) {
            (Some(path), Some("write")) => format!("open {} --write", text(path)),
            (Some(path), Some("read")) => format!("open {}", text(path)),
            (Some(path), _) => format!("open {} --read-write", text(path)),
            _ => format!("open {} --read-write", text(value)),
        },
    }
}

/// What is merged from which number on, at each level.
struct Level {
    volatile: bool,
    /// Children of a directory, names below a domain, addresses of a network.
    children: usize,
    /// Networks until only the port is left.
    networks: usize,
}

const LEVELS: [Level; 4] = [
    Level {
        volatile: false,
        children: usize::MAX,
        networks: usize::MAX,
    },
    Level {
        volatile: true,
        children: usize::MAX,
        networks: usize::MAX,
    },
    Level {
        volatile: true,
        children: 8,
        networks: usize::MAX,
    },
    Level {
        volatile: true,
        children: 3,
        networks: 8,
    },
];

/// The level that opens what changes with every run, and nothing else.
const VOLATILE: u8 = 1;

/// The entries for these acts.
pub fn entries<'a>(acts: &[Witnessed<'a>], level: u8) -> Vec<Entry<'a>> {
    let level = LEVELS.get(usize::from(level)).unwrap_or(&LEVELS[0]);
    let mut out = Vec::new();
    let of = |section: Section| -> Vec<Witnessed<'a>> {
        acts.iter()
            .copied()
            .filter(|(act, _)| act.section() == section)
            .collect()
    };
    // A program is never generalised: who can write a file that the pattern matches could run it.
    for (path, acts) in grouped(of(Section::Processes), |act, _| act.target()) {
        out.push(Entry {
            section: Section::Processes,
            value: exactly(&path).into(),
            acts,
        });
    }
    out.extend(destinations(of(Section::Outbound), level));
    out.extend(ports(of(Section::Listen), level));
    out.extend(names(of(Section::Dns), level));
    out.extend(files(of(Section::Filesystem), level));
    out
}

fn grouped<'a>(
    acts: Vec<Witnessed<'a>>,
    key: impl Fn(&Act, &Seen) -> String,
) -> BTreeMap<String, Vec<Witnessed<'a>>> {
    let mut groups: BTreeMap<String, Vec<Witnessed<'a>>> = BTreeMap::new();
    for (act, seen) in acts {
        groups.entry(key(act, seen)).or_default().push((act, seen));
    }
    groups
}

/// Addresses that were resolved are names; the others are themselves, their network, or a port.
fn destinations<'a>(acts: Vec<Witnessed<'a>>, level: &Level) -> Vec<Entry<'a>> {
    let port = |act: &Act| match act {
        Act::Connect { port, .. } => *port,
        _ => 0,
    };
    let mut out = Vec::new();
    let mut by_name: BTreeMap<(String, u16), Vec<Witnessed<'a>>> = BTreeMap::new();
    let mut bare = Vec::new();
    for (act, seen) in acts {
        let names = seen.names.iter().filter(|name| is_name(name));
        let mut is_named = false;
        for name in names {
            is_named = true;
            let key = (name.clone(), port(act));
            by_name.entry(key).or_default().push((act, seen));
        }
        if !is_named || seen.bare {
            bare.push((act, seen));
        }
    }
    let busy = busy_domains(by_name.keys().map(|(name, _)| name), level);
    let mut wide: BTreeMap<(String, u16), Vec<Witnessed<'a>>> = BTreeMap::new();
    for ((name, port), acts) in by_name {
        let name = widened(name, &busy);
        wide.entry((name, port)).or_default().extend(acts);
    }
    for ((name, port), acts) in wide {
        out.push(Entry {
            section: Section::Outbound,
            value: format!("{name}:{port}").into(),
            acts,
        });
    }
    let networks = grouped(bare, |act, _| match act {
        Act::Connect { ip, port } => format!("{} {port}", network(*ip)),
        _ => String::new(),
    });
    let mut by_port: BTreeMap<u16, usize> = BTreeMap::new();
    for acts in networks.values() {
        if let Some((act, _)) = acts.first() {
            *by_port.entry(port(act)).or_default() += 1;
        }
    }
    let mut any: BTreeMap<u16, Vec<Witnessed<'a>>> = BTreeMap::new();
    for (key, acts) in networks {
        let number = acts.first().map_or(0, |(act, _)| port(act));
        if by_port
            .get(&number)
            .is_some_and(|count| *count > level.networks)
        {
            any.entry(number).or_default().extend(acts);
        } else if acts.len() > level.children {
            let net = key.split(' ').next().unwrap_or_default();
            let value = if net.contains(':') {
                format!("[{net}]:{number}")
            } else {
                format!("{net}:{number}")
            };
            out.push(Entry {
                section: Section::Outbound,
                value: value.into(),
                acts,
            });
        } else {
            for (act, seen) in acts {
                out.push(Entry {
                    section: Section::Outbound,
                    value: act.target().into(),
                    acts: vec![(act, seen)],
                });
            }
        }
    }
    for (port, acts) in any {
        out.push(Entry {
            section: Section::Outbound,
            value: format!("*:{port}").into(),
            acts,
        });
    }
    out
}

/// The network around an address that one customer usually has.
fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let bits = u128::from(ip) >> 64 << 64;
            format!("{}/64", std::net::Ipv6Addr::from(bits))
        }
    }
}

fn ports<'a>(acts: Vec<Witnessed<'a>>, level: &Level) -> Vec<Entry<'a>> {
    /// net.ipv4.ip_local_port_range, as Linux has it.
    const EPHEMERAL: std::ops::RangeInclusive<u16> = 32_768..=60_999;
    let number = |act: &Act| match act {
        Act::Listen { port } => *port,
        _ => 0,
    };
    let (chosen, fixed): (Vec<_>, Vec<_>) = acts
        .into_iter()
        .partition(|(act, _)| EPHEMERAL.contains(&number(act)));
    let entry = |value: Value, acts| Entry {
        section: Section::Listen,
        value,
        acts,
    };
    // A port that a function is configured with is the same each time; the kernel chooses another one each time.
    let is_fixed = match chosen.as_slice() {
        [(_, seen)] => seen.count > 1,
        _ => false,
    };
    let (one_by_one, as_range) = if is_fixed || !level.volatile {
        ([fixed, chosen].concat(), Vec::new())
    } else {
        (fixed, chosen)
    };
    let mut out: Vec<Entry<'a>> = one_by_one
        .into_iter()
        .map(|(act, seen)| entry(number(act).into(), vec![(act, seen)]))
        .collect();
    if !as_range.is_empty() {
        out.push(entry("32768-60999".into(), as_range));
    }
    out
}

/// Whether the text can be an entry of `dns`.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && name.trim_end_matches('.').split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}

fn names<'a>(acts: Vec<Witnessed<'a>>, level: &Level) -> Vec<Entry<'a>> {
    let exact = grouped(acts, |act, _| {
        act.target().trim_end_matches('.').to_ascii_lowercase()
    });
    let busy = busy_domains(exact.keys(), level);
    let mut out: BTreeMap<String, Vec<Witnessed<'a>>> = BTreeMap::new();
    for (name, acts) in exact.into_iter().filter(|(name, _)| is_name(name)) {
        let value = widened(name, &busy);
        out.entry(value).or_default().extend(acts);
    }
    out.into_iter()
        .map(|(value, acts)| Entry {
            section: Section::Dns,
            value: value.into(),
            acts,
        })
        .collect()
}

/// The domains below which more names than the level allows were seen.
fn busy_domains<'n>(names: impl Iterator<Item = &'n String>, level: &Level) -> BTreeSet<String> {
    let mut domains: BTreeMap<String, BTreeSet<&String>> = BTreeMap::new();
    for name in names {
        if let Some(domain) = wider_name(name) {
            domains.entry(domain).or_default().insert(name);
        }
    }
    domains.retain(|_, names| names.len() > level.children);
    domains.into_keys().collect()
}

/// What a name becomes: itself, or the pattern for its domain, if that is one of these.
fn widened(name: String, busy: &BTreeSet<String>) -> String {
    wider_name(&name)
        .filter(|domain| busy.contains(domain))
        .unwrap_or(name)
}

/// `*.example.com` for `a.example.com`, if everything below is in one hand: nobody else can register a name there, and it is none of the
/// domains in which a cloud gives every customer a name.
pub fn wider_name(name: &str) -> Option<String> {
    /// The Public Suffix List knows most of what customers get below these, and cannot know all of it.
    const SHARED: [&str; 9] = [
        "amazonaws.com",
        "amazonaws.com.cn",
        "on.aws",
        "api.aws",
        "cloudfront.net",
        "azure.com",
        "windows.net",
        "googleapis.com",
        "cloudflare.com",
    ];
    let (_, parent) = name.trim_start_matches("*.").split_once('.')?;
    let shared = SHARED
        .iter()
        .any(|shared| parent == *shared || parent.ends_with(&format!(".{shared}")));
    (psl::domain_str(parent).is_some() && !shared).then(|| format!("*.{parent}"))
}

fn files<'a>(acts: Vec<Witnessed<'a>>, level: &Level) -> Vec<Entry<'a>> {
    let mut globs = grouped(acts, |act, seen| {
        let path = act.target();
        if level.volatile {
            let written = !matches!(
                act,
                Act::File {
                    access: Mode::Read,
                    ..
                }
            );
            volatile::open(&path, &seen.pids, written)
        } else {
            exactly(&path)
        }
    });
    if level.volatile {
        volatile::merge(&mut globs, |acts| {
            // Another name each time: none of them came back.
            acts.iter()
                .map(|(_, seen)| seen.streams.len().max(seen.requests.len()))
                .max()
                <= Some(1)
        });
    }
    // From the deepest directory up, so that what was merged counts as one child above.
    loop {
        let mut children: BTreeMap<String, usize> = BTreeMap::new();
        for glob in globs.keys() {
            if let Some(parent) = wider_path(glob) {
                *children.entry(parent).or_default() += 1;
            }
        }
        let full = children
            .into_iter()
            .filter(|(_, count)| *count > level.children)
            .max_by_key(|(parent, _)| parent.matches('/').count());
        let Some((parent, _)) = full else { break };
        let below: Vec<String> = globs
            .keys()
            .filter(|glob| wider_path(glob).as_ref() == Some(&parent))
            .cloned()
            .collect();
        let mut merged = Vec::new();
        for glob in below {
            merged.extend(globs.remove(&glob).unwrap_or_default());
        }
        globs.entry(parent).or_default().extend(merged);
    }
    globs
        .into_iter()
        .map(|(glob, acts)| {
            let has = |mode: Mode| {
                acts.iter().any(|(act, _)| matches!(act, Act::File { access, .. } if *access == mode || *access == Mode::ReadWrite))
            };
            let value = match (has(Mode::Read), has(Mode::Write)) {
                (true, true) => Value::from(glob),
                (_, true) => json!({"path": glob, "access": "write"}),
                _ => json!({"path": glob, "access": "read"}),
            };
            Entry { section: Section::Filesystem, value, acts }
        })
        .collect()
}

/// `/a/b/**` for `/a/b/c`, but never a directory that holds everybody's files.
pub fn wider_path(glob: &str) -> Option<String> {
    const TOO_WIDE: [&str; 15] = [
        "",
        "/etc",
        "/proc",
        "/proc/self",
        "/proc/*",
        "/sys",
        "/dev",
        "/root",
        "/home",
        "/usr",
        "/usr/bin",
        "/bin",
        "/var",
        "/run",
        "/opt",
    ];
    let below = glob.strip_suffix("/**").unwrap_or(glob);
    let (parent, _) = below.rsplit_once('/')?;
    (!TOO_WIDE.contains(&parent)).then(|| format!("{parent}/**"))
}

/// One step wider, where there is one.
pub fn wider(section: Section, value: &Value) -> Option<Value> {
    match section {
        Section::Filesystem => {
            let path = value.get("path").unwrap_or(value).as_str()?;
            let wide = wider_path(path)?;
            Some(match value.get("access") {
                Some(access) => json!({"path": wide, "access": access}),
                None => wide.into(),
            })
        }
        Section::Dns => wider_name(value.as_str()?).map(Value::from),
        Section::Outbound => {
            let text = value.as_str()?;
            let address: std::net::SocketAddr = text.parse().ok()?;
            let net = network(address.ip());
            Some(match address.ip() {
                IpAddr::V4(_) => format!("{net}:{}", address.port()).into(),
                IpAddr::V6(_) => format!("[{net}]:{}", address.port()).into(),
            })
        }
        Section::Listen | Section::Processes => None,
    }
}

/// What was seen, each by itself.
pub fn narrower(entry: &Entry<'_>) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    for (act, seen) in &entry.acts {
        for value in exact(act, seen) {
            if !out.contains(&value) {
                out.push(value);
            }
        }
    }
    out
}

/// One act, by the names that its address was resolved from.
fn exact(act: &Act, seen: &Seen) -> Vec<Value> {
    match act {
        Act::Connect { ip, port } if seen.names.is_empty() => {
            vec![destination(*ip, *port).into()]
        }
        Act::Connect { port, .. } => seen
            .names
            .iter()
            .map(|name| format!("{name}:{port}").into())
            .collect(),
        act => vec![crate::remedy::entry(act)],
    }
}

/// Those of [`narrower`] that what changes with every run is spelt out in: another run has another name, which they do not match.
pub fn fleeting(entry: &Entry<'_>) -> BTreeSet<String> {
    let lasting = entries(&entry.acts, VOLATILE);
    let narrow = narrower(entry);
    narrow
        .iter()
        .filter(|value| {
            lasting
                .iter()
                .all(|other| what(&other.value) != what(value))
        })
        .map(|value| event(entry.section, value))
        .collect()
}

/// An entry without the access to it.
fn what(value: &Value) -> &Value {
    value.get("path").unwrap_or(value)
}
