//! `dns` and `network`: names, addresses and ports.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::says_something;
use super::section::{effect, lists, rest, stay_closed, strings};
use crate::import::{Notes, entry};

pub(super) fn dns(rule: &mut Value, section: Option<&Value>, place: &str, notes: &mut Notes) {
    let Some(section) = section else { return };
    let known = [
        "effect",
        "defaultEffect",
        "disabled",
        "whitelist",
        "blacklist",
        "domainList",
    ];
    rest(section, &known, place, notes);
    let effect = effect(section, place, notes);
    rule["dns"] = json!({"effect": effect});
    lists(rule, section, ("dns", place), notes, &|text| {
        Ok(vec![text.to_ascii_lowercase().into()])
    });
}

pub(super) fn network(rule: &mut Value, section: Option<&Value>, place: &str, notes: &mut Notes) {
    let Some(section) = section else { return };
    let known = [
        "effect",
        "defaultEffect",
        "denyEffect",
        "disabled",
        "whitelistIPs",
        "allowedIPs",
        "blacklistIPs",
        "deniedIPs",
        "whitelistListeningPorts",
        "blacklistListeningPorts",
        "whitelistOutboundPorts",
        "blacklistOutboundPorts",
        "listeningPorts",
        "outboundPorts",
    ];
    rest(section, &known, place, notes);
    let effect = effect(section, place, notes);
    rule["network"] = json!({"effect": effect});
    for (keys, list) in [
        (["whitelistIPs", "allowedIPs"], "network.outbound.allow"),
        (["blacklistIPs", "deniedIPs"], "network.outbound.deny"),
    ] {
        for (text, place) in strings(section, &keys, place) {
            let (text, list) = match text.strip_prefix('-') {
                Some(rest) if list.ends_with("allow") => (rest.to_owned(), "network.outbound.deny"),
                _ => (text, list),
            };
            match network_of(&text) {
                Some(network) => entry(rule, list, network.into(), &place, notes),
                None => notes.add(place, format!("\"{text}\" is no address and no network")),
            }
        }
    }
    for (keys, list, denied, before) in [
        (
            ["whitelistOutboundPorts", "outboundPorts.allowed"],
            "network.outbound.allow",
            "network.outbound.deny",
            "*:",
        ),
        (
            ["blacklistOutboundPorts", "outboundPorts.denied"],
            "network.outbound.deny",
            "network.outbound.deny",
            "*:",
        ),
        (
            ["whitelistListeningPorts", "listeningPorts.allowed"],
            "network.listen.allow",
            "network.listen.deny",
            "",
        ),
        (
            ["blacklistListeningPorts", "listeningPorts.denied"],
            "network.listen.deny",
            "network.listen.deny",
            "",
        ),
    ] {
        for (range, place) in ranges(section, &keys, place) {
            let number = |key: &str| range.get(key).and_then(Value::as_u64).unwrap_or(0);
            let (start, end) = (number("start"), number("end"));
            let ports = match (start, end) {
                (start, 0) => start.to_string(),
                (start, end) if start == end => start.to_string(),
                (start, end) => format!("{start}-{end}"),
            };
            let list = match range.get("deny") {
                Some(Value::Bool(true)) => denied,
                _ => list,
            };
            entry(rule, list, format!("{before}{ports}").into(), &place, notes);
        }
    }
    for (keys, ports, list) in [
        (
            ["whitelistIPs", "allowedIPs"],
            ["whitelistOutboundPorts", "outboundPorts.allowed"],
            "network.outbound",
        ),
        (
            ["", ""],
            ["whitelistListeningPorts", "listeningPorts.allowed"],
            "network.listen",
        ),
    ] {
        let closes = strings(section, &keys, place)
            .iter()
            .any(|(text, _)| !text.starts_with('-'))
            || ranges(section, &ports, place)
                .iter()
                .any(|(range, _)| range.get("deny") != Some(&Value::Bool(true)));
        if closes {
            stay_closed(rule, list, place, notes);
        }
    }
    let has = |keys: [&str; 2]| {
        keys.iter()
            .any(|key| section.get(*key).is_some_and(says_something))
    };
    if has(["whitelistIPs", "allowedIPs"]) && has(["whitelistOutboundPorts", ""]) {
        notes.add(place, "addresses and outbound ports are one list here: a listed address may be reached on every port, a listed port on every address");
    }
}

fn ranges<'v>(section: &'v Value, keys: &[&str], place: &str) -> Vec<(&'v Value, String)> {
    for key in keys {
        let found = key
            .split('.')
            .try_fold(section, |value, part| value.get(part))
            .and_then(Value::as_array);
        if let Some(items) = found {
            return items
                .iter()
                .enumerate()
                .map(|(index, item)| (item, format!("{place}.{key}[{index}]")))
                .collect();
        }
    }
    Vec::new()
}

/// A network without the bits behind its prefix, which Prisma lets stand; `None`: it is neither that nor an address.
fn network_of(text: &str) -> Option<String> {
    let Some((address, length)) = text.split_once('/') else {
        return text.parse::<IpAddr>().ok().map(|ip| ip.to_string());
    };
    let length: u32 = length.parse().ok()?;
    let network = match address.parse().ok()? {
        IpAddr::V4(ip) => {
            let rest = 32_u32.checked_sub(length)?;
            let mask = u32::MAX.checked_shl(rest).unwrap_or(0);
            IpAddr::from((u32::from(ip) & mask).to_be_bytes())
        }
        IpAddr::V6(ip) => {
            let rest = 128_u32.checked_sub(length)?;
            let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
            IpAddr::from((u128::from(ip) & mask).to_be_bytes())
        }
    };
    Some(format!("{network}/{length}"))
}
