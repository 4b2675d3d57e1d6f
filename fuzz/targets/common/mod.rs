//! Every question that a hook can put to a compiled policy.

use palisade_policy::{Access, Connect, Decider, File, Process, Reason, Section, Start, Verdict};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub const SECTIONS: [Section; 5] = [
    Section::Processes,
    Section::Outbound,
    Section::Listen,
    Section::Dns,
    Section::Filesystem,
];

/// Puts all of them about `name`, and `number` where a number is wanted; each answer with the section that it is about, or none
/// where it is about all of them.
pub fn ask<'a>(d: Decider<'a>, name: &[u8], number: u32) -> Vec<(Option<Section>, Verdict<'a>)> {
    let mut answers = Vec::new();
    let mut add = |section, verdict| answers.push((section, verdict));
    let half = name.get(..name.len() / 2).unwrap_or_default();
    for (main, same_program) in [(false, false), (true, false), (true, true)] {
        for start in [Start::Exec, Start::Spawn] {
            for given in [name, half] {
                let event = Process {
                    path: name,
                    given,
                    start,
                    main,
                    same_program,
                };
                add(Some(Section::Processes), d.process(&event));
            }
        }
    }
    add(Some(Section::Processes), d.argument(name));
    add(None, d.unfollowable());
    add(Some(Section::Processes), d.fileless());
    let port = (number & 0xffff) as u16;
    let addresses: [IpAddr; 3] = [
        Ipv4Addr::from(number).into(),
        Ipv6Addr::from(u128::from(number) << 96 | 1).into(),
        Ipv4Addr::from(number).to_ipv6_mapped().into(),
    ];
    for ip in addresses {
        add(Some(Section::Outbound), d.connect(&Connect { ip, port }));
        add(
            Some(Section::Outbound),
            d.connect_resolved(&Connect { ip, port }, name),
        );
    }
    add(Some(Section::Listen), d.listen(port));
    add(None, d.resolve(name));
    add(None, d.malformed_question());
    add(None, d.guard(Reason::MemoryWrite));
    for access in [Access::Read, Access::Write, Access::ReadWrite] {
        for alias in [None, Some(half)] {
            let event = File {
                path: name,
                alias,
                access,
            };
            add(Some(Section::Filesystem), d.file(&event));
        }
    }
    let _ = (d.rule(), d.enforce_after(), d.judges_arguments());
    let _ = (d.names_outbound(), d.wants_name(name));
    answers
}
