//! Where a breach stands in MITRE ATT&CK for Enterprise, so that records can be laid beside what other tools found.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use palisade_policy::event::{Access, Reason};

use crate::Subject;

/// T1059 Command and Scripting Interpreter.
const INTERPRETER: &str = "T1059";
/// T1496 Resource Hijacking.
const RESOURCE_HIJACKING: &str = "T1496";
/// T1055 Process Injection.
const INJECTION: &str = "T1055";
/// T1620 Reflective Code Loading: code that runs from memory and has no file.
const REFLECTIVE_LOADING: &str = "T1620";
/// T1574.006 Hijack Execution Flow: Dynamic Linker Hijacking.
const LINKER_HIJACKING: &str = "T1574.006";
/// T1562 Impair Defenses. A program that cannot be followed has them off, whatever it was started for.
const IMPAIR_DEFENSES: &str = "T1562";
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

/// The techniques that a breach of `reason` may be part of, as ATT&CK ids. A reason that says by itself what was tried goes before what
/// was asked for; without either ([`Subject::None`]) there are none.
#[must_use]
pub fn techniques(subject: &Subject<'_>, reason: Reason) -> &'static [&'static str] {
    let known: &'static [&'static str] = match reason {
        Reason::CryptoMiner => &[RESOURCE_HIJACKING],
        Reason::MemoryWrite => &[INJECTION],
        Reason::FilelessProgram => &[REFLECTIVE_LOADING],
        Reason::UnfollowableLibrary => &[LINKER_HIJACKING],
        Reason::UnfollowableProgram => &[IMPAIR_DEFENSES],
        Reason::MalformedQuestion => &[DNS],
        _ => &[],
    };
    match *subject {
        _ if !known.is_empty() => known,
        Subject::None => &[],
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
