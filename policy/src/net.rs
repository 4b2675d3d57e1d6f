//! Entries of `network`: addresses, networks and ports.

use crate::domain::{self, Pattern};
use crate::format;
use alloc::string::String;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ports `low..=high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) low: u16,
    pub(crate) high: u16,
}

impl Ports {
    pub(crate) const ALL: Self = Self {
        low: 0,
        high: u16::MAX,
    };

    pub(crate) fn contain(self, other: Self) -> bool {
        self.low <= other.low && other.high <= self.high
    }
}

/// A network: the address with its host bits zero, and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    pub(crate) address: IpAddr,
    pub(crate) length: u8,
}

impl Cidr {
    pub(crate) fn host(address: IpAddr) -> Self {
        let address = normal(address);
        Self {
            address,
            length: bits(address),
        }
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        self.address.is_ipv4() == other.address.is_ipv4()
            && self.length <= other.length
            && masked(other.address, self.length) == self.address
    }
}

/// One entry of `network.outbound`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: Host,
    pub(crate) ports: Ports,
}

/// What an entry of `network.outbound` says about the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// Every address of both families, however it was got.
    Any,
    /// Addresses.
    Net(Cidr),
    /// What names were resolved to.
    Name(Pattern),
}

impl Target {
    pub(crate) const EVERYTHING: Self = Self {
        host: Host::Any,
        ports: Ports::ALL,
    };

    pub(crate) fn contains(&self, other: &Self) -> bool {
        let wide = match (&self.host, &other.host) {
            (Host::Any, _) => true,
            (Host::Net(a), Host::Net(b)) => a.contains(*b),
            (Host::Name(a), Host::Name(b)) => a.contains(b),
            _ => false,
        };
        wide && self.ports.contain(other.ports)
    }
}

/// What is wrong with an entry, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadEntry {
    pub(crate) message: String,
    pub(crate) expected: String,
}

fn bad<T>(message: impl Into<String>, expected: impl Into<String>) -> Result<T, BadEntry> {
    Err(BadEntry {
        message: message.into(),
        expected: expected.into(),
    })
}

const FORMS: &str = "an address, a network, a name or `*`, with an optional port or range: `10.0.0.0/8:443`, `*.example.com:443`, `*:5432`, \
                     `[2001:db8::/32]:80-90`";

/// An IPv4 address mapped into IPv6 (RFC 4291 §2.5.5.2) is that IPv4 address.
#[inline]
pub(crate) fn normal(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// What Linux takes "any address" for, loopback: whoever forbids the one means the other.
#[inline]
pub(crate) fn instead_of(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(four) if four.is_unspecified() => Some(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(six) if six.is_unspecified() => Some(Ipv6Addr::LOCALHOST.into()),
        _ => None,
    }
}

pub(crate) fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with all but the first `length` bits zero.
pub(crate) fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(four) => {
            let mask = u32::MAX
                .checked_shl(32 - u32::from(length.min(32)))
                .unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(four) & mask))
        }
        IpAddr::V6(six) => {
            let mask = u128::MAX
                .checked_shl(128 - u32::from(length.min(128)))
                .unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(six) & mask))
        }
    }
}

/// Reads an entry of `network.outbound`.
pub(crate) fn target(text: &str) -> Result<Target, BadEntry> {
    if text.is_empty() {
        return bad("the entry is empty", FORMS);
    }
    if text.contains("://") {
        return bad("this is a URL", "only the host in it, and the port");
    }
    let (host, ports) = split(text)?;
    let ports = match ports {
        None => Ports::ALL,
        Some("*") => return bad("`:*` is not a port", "no port at all, for all of them"),
        Some(text) => self::ports(text)?,
    };
    let bracketed = text.starts_with('[');
    let host = match host {
        "*" if !bracketed => Host::Any,
        name if !bracketed && is_name(name) => Host::Name(self::name(name)?),
        address => Host::Net(cidr(address)?),
    };
    Ok(Target { host, ports })
}

/// Whether the host of an entry is meant as a name. No address holds a letter without a colon, and no name a colon or a slash, so that
/// nothing is both.
fn is_name(host: &str) -> bool {
    if host.contains([':', '/', '%']) || !host.bytes().any(is_letter) {
        return false;
    }
    // A slip of the hand in `10.0.0.0` must not make a name of it that nobody ever asks for.
    let labels = host.split('.');
    let digits = |label: &&str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit());
    let slip = labels.clone().count() == 4 && labels.filter(digits).count() == 3;
    !slip && !domain::is_numeric(host.as_bytes())
}

/// A letter, or a byte of a character that is none of ASCII's and that no address has.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || !byte.is_ascii()
}

fn name(host: &str) -> Result<Pattern, BadEntry> {
    if domain::is_localhost(host.trim_end_matches('.').as_bytes()) {
        return bad(
            "`localhost` is loopback, whatever name led to it",
            "the addresses: `127.0.0.0/8` and `::1`, with the port if there is one",
        );
    }
    domain::pattern(host)
}

fn split(text: &str) -> Result<(&str, Option<&str>), BadEntry> {
    if let Some(inner) = text.strip_prefix('[') {
        let Some((host, rest)) = inner.split_once(']') else {
            return bad("`[` is not closed", FORMS);
        };
        // `[2001:db8::]/32` is how some tools write it.
        if let Some(length) = rest.strip_prefix('/') {
            return bad(
                "the prefix length stands outside the brackets",
                format!("`[{host}/{length}]`"),
            );
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => bad(
                format!("`{rest}` follows the address"),
                "`:` and a port, or nothing",
            ),
        };
    }
    match text.split_once(':') {
        None => Ok((text, None)),
        Some((_, rest)) if rest.contains(':') => Ok((text, None)),
        Some((host, port)) => Ok((host, Some(port))),
    }
}

fn cidr(text: &str) -> Result<Cidr, BadEntry> {
    let (address, length) = match text.split_once('/') {
        None => (text, None),
        Some((address, length)) => (address, Some(length)),
    };
    let Ok(parsed) = address.parse::<IpAddr>() else {
        return bad_address(address);
    };
    let most = bits(parsed);
    let length = match length {
        None => most,
        Some(text) => match text.parse::<u8>() {
            Ok(length) if length <= most && (text == "0" || !text.starts_with(['0', '+'])) => {
                length
            }
            _ => {
                return bad(
                    format!("`/{text}` is not a prefix length"),
                    format!("`/0` to `/{most}`"),
                );
            }
        },
    };
    let network = masked(parsed, length);
    if network != parsed {
        return bad(
            format!("the address has bits set behind its first {length}"),
            format!("`{network}/{length}` for the network, or `{address}` for the one address"),
        );
    }
    // A network inside ::ffff:0:0/96 is one of IPv4 addresses.
    match normal(parsed) {
        four @ IpAddr::V4(_) if parsed.is_ipv6() && length >= 96 => Ok(Cidr {
            address: four,
            length: length - 96,
        }),
        _ => Ok(Cidr {
            address: parsed,
            length,
        }),
    }
}

fn bad_address(text: &str) -> Result<Cidr, BadEntry> {
    if text.contains('%') {
        return bad(
            "an address with an interface is not supported",
            "the address without `%…`",
        );
    }
    if text.contains('*') {
        return bad(
            "`*` stands alone or in front of a name",
            "`10.0.0.0/8` for a network, `*.example.com` for names, `*` for every address",
        );
    }
    let numbers = text
        .split('.')
        .filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if domain::is_numeric(text.as_bytes()) || (!text.is_empty() && numbers.count() >= 3) {
        return bad(
            format!("`{text}` is not an IPv4 address"),
            "four numbers from 0 to 255 without leading zeros, such as `10.0.0.1`",
        );
    }
    if text.contains(':') {
        return bad(
            format!("`{text}` is not an IPv6 address"),
            "an address such as `2001:db8::1`, in brackets if a port follows",
        );
    }
    if text.bytes().any(is_letter) {
        return bad(
            "a name stands alone, without a path, a prefix length or brackets",
            "the name and an optional port, such as `api.example.com:443`",
        );
    }
    bad(format!("`{text}` is not an address"), FORMS)
}

/// Reads a port or a range of ports.
pub(crate) fn ports(text: &str) -> Result<Ports, BadEntry> {
    match text.split_once('-') {
        None => {
            let port = port(text)?;
            Ok(Ports {
                low: port,
                high: port,
            })
        }
        Some((low, high)) => {
            let (low, high) = (port(low)?, port(high)?);
            if low > high {
                return bad(
                    "the range is the wrong way round",
                    format!("`{high}-{low}`"),
                );
            }
            Ok(Ports { low, high })
        }
    }
}

fn port(text: &str) -> Result<u16, BadEntry> {
    const RIGHT: &str = "a port from 1 to 65535, or a range such as `9000-9100`";
    if text.is_empty() {
        return bad("the port is missing", RIGHT);
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return bad(format!("`{text}` is not a port"), RIGHT);
    }
    match text.parse::<u16>() {
        Ok(0) => bad("port 0 is no port that anything could be reached on", RIGHT),
        Ok(_) if text.starts_with('0') => bad(format!("`{text}` has a leading zero"), RIGHT),
        Ok(port) => Ok(port),
        Err(_) => bad(format!("`{text}` is larger than any port"), RIGHT),
    }
}
