//! What a person writes.
//!
//! The comments on these types are also the descriptions in the JSON Schema (`schema/palisade-policy-v1.schema.json`), so they speak to the
//! author of a policy. Values come from [`parse`](crate::parse); a `Policy` put together by hand is not validated, and
//! [`compile`](crate::compile()) takes an entry that `parse` would have refused as one that allows nothing and denies everything.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use serde::Serialize;

/// A Palisade policy: what a function may do. Rules are tried in order; the first enabled rule whose scope matches the
/// function applies, and no other is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields, transform = crate::json_schema::finish))]
pub struct Policy {
    /// Version of the policy's format: 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1)))]
    pub version: u32,
    /// What the policy is for: `enforce` does what the sections say; `learn` allows everything and records each distinct act once.
    #[serde(skip_serializing_if = "Mode::is_enforce")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub mode: Mode,
    /// The rules, in the order in which they are tried.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1000)))]
    pub rules: Vec<Rule>,
}

/// What a policy is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Each section has its effect.
    #[default]
    Enforce,
    /// Everything is allowed and recorded, whatever the sections say.
    Learn,
}

impl Mode {
    fn is_enforce(&self) -> bool {
        *self == Self::Enforce
    }
}

/// One rule: for which functions it holds, and what they may do. A section that is left out is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields)
)]
pub struct Rule {
    /// Name of the rule, as it appears in audits. Unique within the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(default, with = "String", length(min = 1, max = 128))
    )]
    pub name: Option<String>,
    /// `false` skips the rule as if it were not there.
    #[serde(skip_serializing_if = "is_true")]
    #[cfg_attr(feature = "schema", schemars(default = "yes"))]
    pub enabled: bool,
    /// The functions for which the rule holds. Left out: all.
    #[serde(skip_serializing_if = "Scope::is_everything")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub scope: Scope,
    /// Until this time each `prevent` of the rule is an `alert`: RFC 3339 in UTC, such as `2026-12-01T00:00:00Z`. It is compared when a
    /// process starts, so that a sandbox that is running already goes on as it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(
            default,
            with = "String",
            regex(
                pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?[Zz]$"
            )
        )
    )]
    pub enforce_after: Option<String>,
    /// Which programs may be started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(default, with = "Processes"))]
    pub processes: Option<Processes>,
    /// Which addresses may be reached, and which ports opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(default, with = "Network"))]
    pub network: Option<Network>,
    /// Which host names may be resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(default, with = "Dns"))]
    pub dns: Option<Dns>,
    /// Which files may be read and written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(default, with = "Filesystem"))]
    pub filesystem: Option<Filesystem>,
}

/// The functions for which a rule holds: all of the fields must match, each by one of its values. Values match without regard to
/// case; `*` stands for any characters and `?` for one. A leading `-` excludes, and exclusions are looked at first. A field that is left
/// out, or empty, matches everything, as does a field with nothing but exclusions that do not match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields)
)]
pub struct Scope {
    /// Names of functions, such as `pay-*` or `-pay-canary`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default, inner(length(min = 1))))]
    pub functions: Vec<String>,
    /// AWS regions, such as `eu-*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default, inner(length(min = 1))))]
    pub regions: Vec<String>,
    /// AWS account numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default, inner(length(min = 1))))]
    pub accounts: Vec<String>,
}

impl Scope {
    pub(crate) fn is_everything(&self) -> bool {
        self.functions.is_empty() && self.regions.is_empty() && self.accounts.is_empty()
    }
}

/// What happens when something breaks the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The section is off.
    Disable,
    /// It goes on and is reported.
    Alert,
    /// It is refused and reported.
    Prevent,
}

/// Which programs may be started. An entry with a `/` is a glob for the whole path of the program's file after links are resolved
/// (`/usr/bin/*`); one without is a glob for the last part of it (`git`, `python3*`). `deny` also looks at the name that the caller gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields)
)]
pub struct Processes {
    /// What happens when something breaks the rule.
    pub effect: Effect,
    /// Only the main process may run a program, and only itself again; its children may not run any. Cannot be combined with `allow`.
    #[serde(skip_serializing_if = "is_false")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub main_only: bool,
    /// Known crypto miners, by program name and by arguments that only miners take, may not run, and the names of mining pools may not be
    /// resolved, even if the `dns` section is off.
    #[serde(skip_serializing_if = "is_false")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub crypto_miners: bool,
    /// What happens to a program that Palisade cannot be loaded into, so that nothing it does could be judged: a static one, one with
    /// more privileges than its caller, one for another architecture or another libc. Left out: the section's own effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(default, with = "Unfollowable"))]
    pub unfollowable: Option<Unfollowable>,
    /// Programs that may run. Empty: all; one entry: no others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default, inner(length(min = 1))))]
    pub allow: Vec<String>,
    /// Programs that may not run, whatever `allow` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default, inner(length(min = 1))))]
    pub deny: Vec<String>,
}

impl Processes {
    /// Whether there is anything to judge by. `unfollowable` counts if it asks for something.
    pub(crate) fn judges(&self) -> bool {
        self.main_only
            || self.crypto_miners
            || !self.allow.is_empty()
            || !self.deny.is_empty()
            || self.unfollowable.is_some_and(|u| u != Unfollowable::Allow)
    }
}

/// What happens to a program that Palisade cannot be loaded into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Unfollowable {
    /// It is refused and reported.
    Prevent,
    /// It runs and is reported.
    Alert,
    /// It runs if the other settings let it.
    Allow,
}

/// Which addresses may be reached, and which ports opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields)
)]
pub struct Network {
    /// What happens when something breaks the rule.
    pub effect: Effect,
    /// Connections and datagrams that go out.
    #[serde(skip_serializing_if = "Outbound::is_default")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub outbound: Outbound,
    /// Ports on which the function waits for others.
    #[serde(skip_serializing_if = "Listen::is_default")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub listen: Listen,
}

/// Connections and datagrams that go out. Entries are addresses, networks or host names with an optional port or range of ports:
/// `10.0.0.0/8:443`, `1.2.3.4`, `*:5432`, `[2001:db8::/32]:8000-8100`, `2001:db8::1`, `*.amazonaws.com:443`. A name stands for the addresses that the
/// function got by resolving it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields)
)]
pub struct Outbound {
    /// Destinations that may be reached. Empty: all; one entry: no others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default, inner(length(min = 1))))]
    pub allow: Vec<String>,
    /// Destinations that may not be reached, whatever `allow` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default, inner(length(min = 1))))]
    pub deny: Vec<String>,
    /// Loopback (127.0.0.0/8, ::1) is open without an entry. `false`: only what `allow` names of it.
    #[serde(skip_serializing_if = "is_true")]
    #[cfg_attr(feature = "schema", schemars(default = "yes"))]
    pub loopback: bool,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            deny: Vec::new(),
            loopback: true,
        }
    }
}

impl Outbound {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Ports on which the function waits for others. Entries are a port or a range: `8080`, `"9000-9100"`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields)
)]
pub struct Listen {
    /// Ports that may be opened. Empty: all; one entry: no others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub allow: Vec<PortEntry>,
    /// Ports that may not be opened, whatever `allow` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub deny: Vec<PortEntry>,
}

impl Listen {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A port, or a range of ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PortEntry {
    /// A port as a number.
    Number(#[cfg_attr(feature = "schema", schemars(range(min = 1, max = 65535)))] u16),
    /// A port or a range as text: `"8080"`, `"9000-9100"`.
    Text(
        #[cfg_attr(
            feature = "schema",
            schemars(regex(pattern = r"^[0-9]{1,5}(-[0-9]{1,5})?$"))
        )]
        String,
    ),
}

impl PortEntry {
    /// The entry as text: `8080`, `9000-9100`.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Number(port) => port.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Which host names may be resolved. `example.com` is that name, `*.example.com` every name below it, `*` every name. Numeric hosts and
/// `localhost` are not judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields)
)]
pub struct Dns {
    /// What happens when something breaks the rule.
    pub effect: Effect,
    /// Names that may be resolved. Empty: all; one entry: no others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default, inner(length(min = 1))))]
    pub allow: Vec<String>,
    /// Names that may not be resolved, whatever `allow` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default, inner(length(min = 1))))]
    pub deny: Vec<String>,
}

/// Which files may be read and written. Entries are globs for the whole path after `..` and links are resolved: `*` and `?` stay within one
/// directory, `**` crosses them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields)
)]
pub struct Filesystem {
    /// What happens when something breaks the rule.
    pub effect: Effect,
    /// Files that may be used. Empty: all; one entry: no others, neither for reading nor for writing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub allow: Vec<PathEntry>,
    /// Files that may not be used, whatever `allow` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub deny: Vec<PathEntry>,
}

/// A glob for files: by itself for any access, or with the access that is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PathEntry {
    /// For reading and writing.
    Any(#[cfg_attr(feature = "schema", schemars(length(min = 1)))] String),
    /// For the access that is named.
    For(PathAccess),
}

impl PathEntry {
    /// The glob.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Any(path) => path,
            Self::For(entry) => &entry.path,
        }
    }

    /// The access that is meant.
    #[must_use]
    pub fn access(&self) -> FileAccess {
        match self {
            Self::Any(_) => FileAccess::Any,
            Self::For(entry) => entry.access,
        }
    }
}

/// A glob for files and the access that is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields)
)]
pub struct PathAccess {
    /// The glob.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub path: String,
    /// The access that is meant.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub access: FileAccess,
}

/// What is done to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum FileAccess {
    /// Its content is read.
    Read,
    /// It is created, changed, renamed or removed.
    Write,
    /// Either of the two.
    #[default]
    Any,
}

/// The policy that holds where none is configured: only the main process may run programs (`prevent`), everything else is off.
#[must_use]
pub fn default_policy() -> Policy {
    Policy {
        version: 1,
        mode: Mode::Enforce,
        rules: vec![Rule {
            name: Some("default".to_owned()),
            enabled: true,
            scope: Scope::default(),
            enforce_after: None,
            processes: Some(Processes {
                effect: Effect::Prevent,
                main_only: true,
                crypto_miners: false,
                unfollowable: None,
                allow: Vec::new(),
                deny: Vec::new(),
            }),
            network: None,
            dns: None,
            filesystem: None,
        }],
    }
}

#[cfg(feature = "schema")]
fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_false(value: &bool) -> bool {
    !*value
}
