//! Writing a line takes no memory, not even for a moment.

use allocation_counter::measure;
use palisade_audit::{Effect, Kind, LINE_MAX, Level, Message, Record, Subject, Text, Timestamp};

#[test]
fn no_line_of_any_kind_takes_memory() {
    let long = vec![b'\x01'; 1 << 20];
    let word = |index: usize| (index < 100).then_some(&long[..20]);
    let ip = "2001:db8::1:2:3".parse().expect("an address");
    let mut out = [0; LINE_MAX];

    let taken = measure(|| {
        for subject in [
            Subject::None,
            Subject::Process {
                path: &long,
                command: Text::Words(&word),
            },
            Subject::Connect {
                ip,
                port: 1,
                name: Some(&long),
            },
            Subject::Listen {
                ip: Some(ip),
                port: 1,
            },
            Subject::Resolve { domain: &long },
        ] {
            for msg in [Message::Breach, Message::Text(Text::Bytes(&long))] {
                let length = Record {
                    timestamp: Timestamp {
                        seconds: 1,
                        nanoseconds: 1,
                    },
                    level: Level::Error,
                    kind: Kind::Process,
                    attack: "unexpected-process",
                    effect: Some(Effect::Prevent),
                    rule: Some(&long),
                    enforce_after: None,
                    msg,
                    function: &long,
                    region: &long,
                    pid: 1,
                    ppid: 1,
                    process: &long,
                    subject,
                    count: u64::MAX,
                    techniques: &["T1059"],
                }
                .write(&mut out);
                assert!(length > 0);
            }
        }
    });
    assert_eq!(taken.count_total, 0);

    // The counter is the one that counts.
    assert_eq!(
        measure(|| drop(std::hint::black_box(Box::new(1)))).count_total,
        1
    );
}
