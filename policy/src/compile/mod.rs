//! From what a person wrote to what the machine runs: selects the rule, and sorts its entries into the tables of a
//! [`blob`](crate::blob).

mod links;
mod platform;

use crate::blob::{Space, access, flag, list, state};
use crate::builder::Builder;
use crate::decide::Decider;
use crate::domain;
use crate::format;
use crate::glob::{self, Op, ops};
use crate::moment;
use crate::net::{self, Cidr, Host, Ports, Target};
use crate::platform::Platform;
use crate::schema::{
    Dns, Effect, FileAccess, Filesystem, Mode, Network, Policy, Processes, Rule, Unfollowable,
};
use crate::scope::{self, Identity};
use crate::{Section, parse};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use links::Resolved;

/// Everything besides the policy that a compiled policy depends on.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The function that is to be defended; selects the rule.
    pub identity: Identity<'a>,
    /// What the platform itself needs.
    pub platform: &'a Platform,
    /// `realpath(3)` of a directory or file, `None` if it does not exist. Used so that a pattern such as `/bin/sh` also names
    /// `/usr/bin/dash`.
    pub resolve: &'a dyn Fn(&[u8]) -> Option<Vec<u8>>,
    /// Seconds since 1970-01-01 UTC. Only `enforce_after` looks at it, and only now: a compiled policy has no clock.
    pub now: i64,
}

/// A policy that was compiled for one function: a flat run of bytes, the same wherever it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    bytes: Vec<u8>,
}

impl Compiled {
    /// The bytes, for [`Decider::from_bytes`] in this process or another of the same version.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// A view that judges.
    #[must_use]
    pub fn decider(&self) -> Decider<'_> {
        Decider::trusted(&self.bytes)
    }
}

/// Compiles the rule that applies to `context.identity`. If none does, the result judges nothing and has no
/// [`rule`](Decider::rule).
///
/// The policy should come from [`parse`](crate::parse()). In one that was put together by hand, an entry that `parse` would have refused
/// allows nothing and, in a deny list, denies everything.
#[must_use]
// Compiled for size, and so it stays where its only caller is compiled for speed.
#[inline(never)]
pub fn compile(policy: &Policy, context: &Context<'_>) -> Compiled {
    let mut compiler = Compiler {
        out: Builder::default(),
        context,
        resolved: Resolved::default(),
        delayed: false,
    };
    let selected = scope::select(&policy.rules, &context.identity);
    let place = selected.map_or(String::new(), |(index, _)| format!("rules[{index}]"));
    compiler.settings(&place);
    if policy.mode == Mode::Learn {
        compiler.out.flags |= flag::LEARN;
    }
    if let Some((_, rule)) = selected {
        compiler.out.reserve(entries(rule));
        // What is no timestamp delays nothing.
        if let Some(after) = &rule.enforce_after
            && moment::seconds(after).is_ok_and(|after| context.now < after)
        {
            compiler.delayed = true;
            compiler.out.delay(after);
        }
        compiler
            .out
            .name_rule(rule.name.as_deref().unwrap_or(&place));
        if let Some(section) = &rule.processes {
            compiler.processes(section, &format!("{place}.processes"));
        }
        if let Some(section) = &rule.network {
            compiler.network(section, &format!("{place}.network"));
        }
        compiler.dns(rule, &place);
        if let Some(section) = &rule.filesystem {
            compiler.filesystem(section, &format!("{place}.filesystem"));
        }
    }
    if policy.mode == Mode::Learn {
        compiler.platform();
    }
    Compiled {
        bytes: compiler.out.finish(),
    }
}

/// How many entries a rule has, whether its sections are on or not.
fn entries(rule: &Rule) -> usize {
    let processes = rule.processes.as_ref();
    let network = rule.network.as_ref();
    let (dns, filesystem) = (rule.dns.as_ref(), rule.filesystem.as_ref());
    processes.map_or(0, |section| section.allow.len() + section.deny.len())
        + network.map_or(
            0,
            |Network {
                 outbound, listen, ..
             }| {
                outbound.allow.len() + outbound.deny.len() + listen.allow.len() + listen.deny.len()
            },
        )
        + dns.map_or(0, |section| section.allow.len() + section.deny.len())
        + filesystem.map_or(0, |section| section.allow.len() + section.deny.len())
}

struct Compiler<'c> {
    out: Builder,
    context: &'c Context<'c>,
    /// What `resolve` said: patterns share directories.
    resolved: Resolved,
    /// The rule does not prevent yet.
    delayed: bool,
}

/// Which names a glob is for, and what it means for them.
#[derive(Clone, Copy)]
struct Purpose {
    space: Space,
    list: u32,
    access: u32,
    entry: u32,
}

impl Compiler<'_> {
    /// The entries that [`setting`](crate::blob::setting) numbers, in its order.
    fn settings(&mut self, rule: &str) {
        for setting in [
            "processes.allow",
            "network.outbound.allow",
            "network.listen.allow",
            "dns.allow",
            "filesystem.allow",
            "processes.main_only",
            "network.outbound.loopback",
            "processes.unfollowable",
            "processes.effect",
            "dns.effect",
            "processes.crypto_miners",
        ] {
            self.out.entry(&[rule, ".", setting], None, "");
        }
    }

    fn state(&self, effect: Effect) -> u32 {
        match effect {
            Effect::Disable => state::OFF,
            Effect::Alert => state::ALERT,
            Effect::Prevent if self.delayed => state::DELAYED,
            Effect::Prevent => state::PREVENT,
        }
    }

    fn section(
        &mut self,
        section: Section,
        effect: Effect,
        something: bool,
        has_allow_list: bool,
    ) -> bool {
        let state = if something {
            self.state(effect)
        } else {
            state::OFF
        };
        if let Some(word) = self.out.sections.get_mut(section as usize) {
            *word = state;
        }
        // Pools can make a section active that is off by itself, and its list stays off then.
        if has_allow_list && state != state::OFF {
            self.out.flags |= flag::ALLOW_LIST << section as u32;
        }
        state != state::OFF
    }

    fn processes(&mut self, section: &Processes, place: &str) {
        if !self.section(
            Section::Processes,
            section.effect,
            section.judges(),
            !section.allow.is_empty(),
        ) {
            return;
        }
        self.out.unfollowable = self.state(match section.unfollowable {
            None => section.effect,
            Some(Unfollowable::Prevent) => Effect::Prevent,
            Some(Unfollowable::Alert) => Effect::Alert,
            Some(Unfollowable::Allow) => Effect::Disable,
        });
        if section.main_only {
            self.out.flags |= flag::MAIN_ONLY;
        }
        if section.crypto_miners {
            self.out.flags |= flag::MINERS;
        }
        for (name, list, entries) in [
            ("deny", list::DENY, &section.deny),
            ("allow", list::ALLOW, &section.allow),
        ] {
            for (i, text) in entries.iter().enumerate() {
                let entry = self.out.entry(&[place, ".", name], Some(i), text);
                let space = if text.contains('/') {
                    Space::Program
                } else {
                    Space::Base
                };
                self.glob(
                    text,
                    Purpose {
                        space,
                        list,
                        access: access::BOTH,
                        entry,
                    },
                );
            }
        }
    }

    fn network(&mut self, section: &Network, place: &str) {
        let (outbound, listen) = (&section.outbound, &section.listen);
        let something =
            !outbound.allow.is_empty() || !outbound.deny.is_empty() || !outbound.loopback;
        if self.section(
            Section::Outbound,
            section.effect,
            something,
            !outbound.allow.is_empty(),
        ) {
            if !outbound.loopback {
                self.out.flags |= flag::LOOPBACK_CLOSED;
            }
            self.platform_endpoints();
            for (name, list, entries) in [
                ("deny", list::DENY, &outbound.deny),
                ("allow", list::ALLOW, &outbound.allow),
            ] {
                for (i, text) in entries.iter().enumerate() {
                    let entry = self.out.entry(&[place, ".outbound.", name], Some(i), text);
                    match net::target(text) {
                        Ok(target) => self.target(&target, list, entry),
                        Err(_) if list == list::DENY => {
                            self.target(&Target::EVERYTHING, list, entry)
                        }
                        Err(_) => {}
                    }
                }
            }
        }
        let something = !listen.allow.is_empty() || !listen.deny.is_empty();
        if self.section(
            Section::Listen,
            section.effect,
            something,
            !listen.allow.is_empty(),
        ) {
            self.platform_ports();
            for (name, list, entries) in [
                ("deny", list::DENY, &listen.deny),
                ("allow", list::ALLOW, &listen.allow),
            ] {
                for (i, port) in entries.iter().enumerate() {
                    let text = port.text();
                    let entry = self.out.entry(&[place, ".listen.", name], Some(i), &text);
                    match net::ports(&text) {
                        Ok(ports) => self.out.listen(ports, list, entry),
                        Err(_) if list == list::DENY => self.out.listen(Ports::ALL, list, entry),
                        Err(_) => {}
                    }
                }
            }
        }
    }

    fn target(&mut self, target: &Target, list: u32, entry: u32) {
        let ports = target.ports;
        match &target.host {
            Host::Net(cidr) => self.out.net(*cidr, ports, list, entry),
            Host::Name(pattern) => self.out.host(&shape(pattern), ports, list, entry),
            Host::Any => {
                for address in [
                    IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                ] {
                    self.out
                        .net(Cidr { address, length: 0 }, ports, list, entry);
                }
            }
        }
    }

    /// The names of mining pools belong to `processes.crypto_miners`, which can make the section active by itself. Where both are on, the stricter
    /// effect holds for them: neither setting is to weaken the other.
    fn dns(&mut self, rule: &Rule, place: &str) {
        let miners = rule
            .processes
            .as_ref()
            .filter(|section| section.crypto_miners)
            .map_or(state::OFF, |section| self.state(section.effect));
        let mut own = state::OFF;
        if let Some(section) = &rule.dns {
            self.names(section, &format!("{place}.dns"));
            own = self
                .out
                .sections
                .get(Section::Dns as usize)
                .copied()
                .unwrap_or(own);
        }
        if miners == state::OFF {
            return;
        }
        self.out.pools = miners.max(own);
        if own == state::OFF
            && let Some(word) = self.out.sections.get_mut(Section::Dns as usize)
        {
            *word = miners;
            self.out.flags |= flag::POOLS_ONLY;
        }
    }

    fn names(&mut self, section: &Dns, place: &str) {
        let something = !section.allow.is_empty() || !section.deny.is_empty();
        if !self.section(
            Section::Dns,
            section.effect,
            something,
            !section.allow.is_empty(),
        ) {
            return;
        }
        self.platform_names();
        for (name, list, entries) in [
            ("deny", list::DENY, &section.deny),
            ("allow", list::ALLOW, &section.allow),
        ] {
            for (i, text) in entries.iter().enumerate() {
                let entry = self.out.entry(&[place, ".", name], Some(i), text);
                match domain::pattern(text) {
                    Ok(pattern) => self.domain(&pattern, list, entry),
                    Err(_) if list == list::DENY => {
                        self.domain(&domain::Pattern::Everything, list, entry)
                    }
                    Err(_) => {}
                }
            }
        }
    }

    fn domain(&mut self, pattern: &domain::Pattern, list: u32, entry: u32) {
        self.out
            .shape(Space::Dns, &shape(pattern), list, access::BOTH, entry);
    }

    fn filesystem(&mut self, section: &Filesystem, place: &str) {
        let something = !section.allow.is_empty() || !section.deny.is_empty();
        if !self.section(
            Section::Filesystem,
            section.effect,
            something,
            !section.allow.is_empty(),
        ) {
            return;
        }
        // Without an allow list nothing needs an exception.
        if !section.allow.is_empty() {
            self.platform_files();
        }
        for (name, list, entries) in [
            ("deny", list::DENY, &section.deny),
            ("allow", list::ALLOW, &section.allow),
        ] {
            for (i, item) in entries.iter().enumerate() {
                let entry = self.out.entry(&[place, ".", name], Some(i), item.path());
                let access = match item.access() {
                    FileAccess::Read => access::READ,
                    FileAccess::Write => access::WRITE,
                    FileAccess::Any => access::BOTH,
                };
                self.glob(
                    item.path(),
                    Purpose {
                        space: Space::File,
                        list,
                        access,
                        entry,
                    },
                );
            }
        }
    }

    /// Adds every alternative of a glob, and the names under which links lead to the same files.
    fn glob(&mut self, text: &str, purpose: Purpose) {
        let alternatives = match parse::globs(text, purpose.space) {
            Ok(alternatives) => alternatives,
            Err(_) if purpose.list == list::DENY => vec![vec![Op::Rest]],
            Err(_) => return,
        };
        for alternative in &alternatives {
            self.alternative(alternative, purpose);
            if matches!(purpose.space, Space::File | Space::Program) {
                for alias in self.aliases(alternative) {
                    self.alternative(&alias, purpose);
                }
            }
        }
    }

    fn alternative(&mut self, ops: &[Op], purpose: Purpose) {
        let flat = matches!(purpose.space, Space::Base | Space::Miner);
        for shape in ops::shapes(ops, flat) {
            self.out.shape(
                purpose.space,
                &shape,
                purpose.list,
                purpose.access,
                purpose.entry,
            );
        }
    }
}

fn shape(pattern: &domain::Pattern) -> glob::Shape {
    match pattern {
        domain::Pattern::Exact(name) => glob::Shape::Exact(name.as_bytes().to_vec()),
        domain::Pattern::Suffix(end) => glob::Shape::Suffix(end.as_bytes().to_vec()),
        domain::Pattern::Everything => glob::Shape::Prefix(Vec::new()),
    }
}
