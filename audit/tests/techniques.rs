//! ATT&CK ids by what was asked for.

use palisade_audit::{Access, Subject, Text, techniques};
use palisade_policy::event::Reason;

#[test]
fn each_subject_has_its_techniques() {
    let process = Subject::Process {
        path: b"/bin/sh",
        command: Text::Bytes(b"sh"),
    };
    let connect = |ip: &str| Subject::Connect {
        ip: ip.parse().expect("an address"),
        port: 80,
        name: None,
    };
    let file = |access| Subject::File {
        path: b"/x",
        access,
    };
    for (subject, reason, expected) in [
        (Subject::None, Reason::Denied, &[][..]),
        (process, Reason::UnexpectedProcess, &["T1059"]),
        (process, Reason::CryptoMiner, &["T1496"]),
        (
            Subject::Resolve { domain: b"x" },
            Reason::CryptoMiner,
            &["T1496"],
        ),
        (process, Reason::UnfollowableProgram, &["T1562"]),
        (process, Reason::FilelessProgram, &["T1620"]),
        (
            file(Access::Read),
            Reason::UnfollowableLibrary,
            &["T1574.006"],
        ),
        (Subject::None, Reason::UnfollowableLibrary, &["T1574.006"]),
        (file(Access::Write), Reason::MemoryWrite, &["T1055"]),
        (Subject::None, Reason::MemoryWrite, &["T1055"]),
        (
            connect("10.0.0.2"),
            Reason::MalformedQuestion,
            &["T1071.004"],
        ),
        (connect("1.2.3.4"), Reason::Unlisted, &["T1071", "T1041"]),
        (connect("169.254.169.254"), Reason::Denied, &["T1552.005"]),
        (
            connect("::ffff:169.254.169.254"),
            Reason::Denied,
            &["T1552.005"],
        ),
        (connect("fd00:ec2::254"), Reason::Denied, &["T1552.005"]),
        (
            Subject::Listen { ip: None, port: 1 },
            Reason::Unlisted,
            &["T1571"],
        ),
        (
            Subject::Resolve { domain: b"x" },
            Reason::Denied,
            &["T1071.004"],
        ),
        (file(Access::Read), Reason::Denied, &["T1552", "T1005"]),
        (file(Access::Write), Reason::Denied, &["T1565"]),
        (
            file(Access::ReadWrite),
            Reason::Denied,
            &["T1552", "T1005", "T1565"],
        ),
    ] {
        assert_eq!(techniques(&subject, reason), expected);
    }
}
