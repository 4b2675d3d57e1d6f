//! Warnings about `network`.

use super::Lints;
use crate::net::{self, Cidr, Host, Ports, Target};
use crate::schema::{Network, Outbound, PortEntry};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
}

fn is_loopback(cidr: Cidr) -> bool {
    let four = Cidr {
        address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
        length: 8,
    };
    four.contains(cidr) || Cidr::host(IpAddr::V6(Ipv6Addr::LOCALHOST)).contains(cidr)
}
