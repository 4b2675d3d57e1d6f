//! Warnings about `network`.

use super::{Lints, MAX_PAIRS};
use crate::domain::{self, Pattern};
use crate::format;
use crate::net::{self, Cidr, Host, Ports, Target};
use crate::schema::{Dns, Effect, Network, Outbound, PortEntry};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

impl Lints {
    pub(super) fn network(&mut self, section: &Network, place: &str) {
        let (outbound, listen) = (&section.outbound, &section.listen);
        let something = !outbound.allow.is_empty()
            || !outbound.deny.is_empty()
            || !outbound.loopback
            || !listen.allow.is_empty()
            || !listen.deny.is_empty();
        self.inactive(
            place,
            section.effect,
            something,
            "entries to `outbound` or `listen`",
        );
        self.outbound(outbound, &format!("{place}.outbound"));

        let place = format!("{place}.listen");
        let read = |entries: &[PortEntry]| -> Vec<(String, Ports)> {
            entries
                .iter()
                .filter_map(|port| Some((port.text(), net::ports(&port.text()).ok()?)))
                .collect()
        };
        let (allow, deny) = (read(&listen.allow), read(&listen.deny));
        for (name, entries) in [("allow", &allow), ("deny", &deny)] {
            let keys = entries
                .iter()
                .map(|(text, ports)| ((ports.low, ports.high), text.clone()));
            self.duplicates(&format!("{place}.{name}"), keys);
        }
        self.shadowed(&place, &allow, &deny, |deny, allow| deny.contain(*allow));
        for (i, (text, ports)) in allow.iter().enumerate() {
            if ports.low <= 1 && ports.high == u16::MAX {
                self.moot(format!("{place}.allow[{i}]"), text);
            }
        }
    }

    fn outbound(&mut self, section: &Outbound, place: &str) {
        let read = |entries: &[String]| -> Vec<(String, Target)> {
            entries
                .iter()
                .filter_map(|text| Some((text.clone(), net::target(text).ok()?)))
                .collect()
        };
        let (allow, deny) = (read(&section.allow), read(&section.deny));
        for (name, entries) in [("allow", &allow), ("deny", &deny)] {
            let keys = entries
                .iter()
                .map(|(text, target)| (format!("{target:?}"), text.clone()));
            self.duplicates(&format!("{place}.{name}"), keys);
        }
        self.shadowed(place, &allow, &deny, |deny, allow| deny.contains(allow));
        for (name, entries) in [("allow", &allow), ("deny", &deny)] {
            for (i, (text, target)) in entries.iter().enumerate() {
                let Host::Name(pattern) = &target.host else {
                    continue;
                };
                let place = format!("{place}.{name}[{i}]");
                self.domain(place.clone(), text, pattern);
                if name == "deny" && allow.is_empty() {
                    let message = "this stops only an address that the function got by resolving the name, and one that an attacker brings along \
                                   passes; deny the name in `dns`, or write down in `allow` what is reached";
                    self.add("deny-by-name", place, text, message);
                }
            }
        }
        for (i, (text, target)) in allow.iter().enumerate() {
            let place = format!("{place}.allow[{i}]");
            match &target.host {
                Host::Any if target.ports == Ports::ALL => self.moot(place, text),
                Host::Net(cidr) if section.loopback && is_loopback(*cidr) => {
                    let message = "loopback is open anyway while `loopback` is not false, and as an entry this one closes everything else";
                    self.add("loopback-is-open", place, text, message);
                }
                _ => {}
            }
        }
    }

    /// Destinations that are allowed by a name which the `dns` section does not let anybody resolve.
    pub(super) fn destinations(&mut self, network: &Network, dns: &Dns, place: &str) {
        let off = network.effect == Effect::Disable || dns.effect != Effect::Prevent;
        let size = dns.allow.len().saturating_add(dns.deny.len());
        if off || size.saturating_mul(network.outbound.allow.len()) > MAX_PAIRS {
            return;
        }
        let read = |entries: &[String]| -> Vec<Pattern> {
            entries
                .iter()
                .filter_map(|text| domain::pattern(text).ok())
                .collect()
        };
        let (allow, deny) = (read(&dns.allow), read(&dns.deny));
        for (i, text) in network.outbound.allow.iter().enumerate() {
            let Ok(Target {
                host: Host::Name(name),
                ..
            }) = net::target(text)
            else {
                continue;
            };
            let listed = allow.is_empty()
                || allow
                    .iter()
                    .any(|other| other.contains(&name) || name.contains(other));
            if !listed || deny.iter().any(|other| other.contains(&name)) {
                let message = format!(
                    "{place}.dns lets nobody resolve this name, so no address is ever reached by it"
                );
                self.add(
                    "unresolvable-destination",
                    format!("{place}.network.outbound.allow[{i}]"),
                    text,
                    message,
                );
            }
        }
    }
}

fn is_loopback(cidr: Cidr) -> bool {
    let four = Cidr {
        address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
        length: 8,
    };
    four.contains(cidr) || Cidr::host(IpAddr::V6(Ipv6Addr::LOCALHOST)).contains(cidr)
}
