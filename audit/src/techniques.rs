//! Where a breach stands in MITRE ATT&CK for Enterprise, so that records can be laid beside what other tools found.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use palisade_policy::event::{Access, Reason};

use crate::Subject;

/// T1059 Command and Scripting Interpreter.
const INTERPRETER: &str = "T1059";
/// T1496 Resource Hijacking.
const RESOURCE_HIJACKING: &str = "T1496";
/// T1071 Application Layer Protocol.
const APPLICATION_LAYER: &str = "T1071";
/// T1071.004 Application Layer Protocol: DNS.
const DNS: &str = "T1071.004";
/// T1041 Exfiltration Over C2 Channel.
const EXFILTRATION: &str = "T1041";
/// T1571 Non-Standard Port.
const PORT: &str = "T1571";
/// T1552 Unsecured Credentials.
const CREDENTIALS: &str = "T1552";
/// T1552.005 Unsecured Credentials: Cloud Instance Metadata API.
const METADATA: &str = "T1552.005";
/// T1005 Data from Local System.
const LOCAL_DATA: &str = "T1005";
/// T1565 Data Manipulation.
const MANIPULATION: &str = "T1565";

/// Addresses of the EC2 instance metadata service.
const METADATA_V4: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// The techniques that a breach of `reason` may be part of, as ATT&CK ids. Empty for [`Subject::None`].
#[must_use]
pub fn techniques(subject: &Subject<'_>, reason: Reason) -> &'static [&'static str] {
    match *subject {
        Subject::None => &[],
        _ if reason == Reason::CryptoMiner => &[RESOURCE_HIJACKING],
        Subject::Process { .. } => &[INTERPRETER],
        Subject::Connect { ip, .. } => match ip.to_canonical() {
            IpAddr::V4(METADATA_V4) | IpAddr::V6(METADATA_V6) => &[METADATA],
            _ => &[APPLICATION_LAYER, EXFILTRATION],
        },
        Subject::Listen { .. } => &[PORT],
        Subject::Resolve { .. } => &[DNS],
        Subject::File { access, .. } => match access {
            Access::Read => &[CREDENTIALS, LOCAL_DATA],
            Access::Write => &[MANIPULATION],
            Access::ReadWrite => &[CREDENTIALS, LOCAL_DATA, MANIPULATION],
        },
    }
}
