//! What the decision alone costs, and to compile what it needs.

use std::hint::black_box;
use std::net::IpAddr;
use std::time::Instant;

use palisade_policy::{
    Access, Connect, Context, Decider, File, Identity, Platform, Process, Start, Surroundings,
    compile, read,
};

use crate::place::Place;
use crate::policies;
use crate::table::{Spread, Table};

/// Sixty bytes, or nearly, that no entry means, one that each kind of pattern has to look at.
const NAMES: [(&str, &str); 5] = [
    (
        "file: no entry",
        "/var/task/node_modules/@aws-sdk/client-s3/dist-cjs/index.js",
    ),
    (
        "file: a beginning",
        "/srv/private4/@aws-sdk/client-s3/dist-cjs/commands/index.js",
    ),
    (
        "file: an end",
        "/var/task/node_modules/@aws-sdk/client-s3/dist-cjs/id_rsa9",
    ),
    (
        "file: a wildcard",
        "/proc/12345678901234567890123456789012345678901234567890/x5",
    ),
    ("file: a whole name", "/srv/secret0/key.pem"),
];

/// Each policy lies at several addresses: which of its lines the processor cannot keep at the same time depends on them, and makes up to a fifth of
/// such a time.
const COPIES: usize = 9;

/// How many bytes farther into a page each copy begins.
const LEAD: usize = 272;

const LONG_NAME: &[u8] = b"dynamodb.some-long-account-name.eu-central-1.amazonaws.com";

/// Each kind of event, with few and with many entries; and what it takes to get there.
pub fn measure(place: &Place, table: &mut Table) {
    let bytes = |text: String| {
        let policy = read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems:?}"));
        compile(&policy, &context(&platform())).into_bytes()
    };
    let [few, same, many] = [
        policies::on(10),
        policies::on_as_many_lengths(),
        policies::on(10_000),
    ]
    .map(bytes);
    let copies: Vec<[Vec<u8>; 3]> = (0..COPIES)
        .map(|number| {
            [&few, &same, &many].map(|bytes| [&vec![0; number * LEAD], &**bytes].concat())
        })
        .collect();
    let deciders: Vec<[Decider<'_>; 3]> = copies
        .iter()
        .enumerate()
        .map(|(number, copies)| {
            copies
                .each_ref()
                .map(|bytes| decider(bytes.get(number * LEAD..).unwrap_or_default()))
        })
        .collect();
    for (what, path) in NAMES {
        let ask = |decider: &Decider<'_>| {
            black_box(decider.file(&File {
                path: black_box(path.as_bytes()),
                access: Access::Read,
                alias: None,
            }));
        };
        both(place, table, what, ask, &deciders);
    }
    let path = b"/var/lang/lib/python3.13/site-packages/some-tool/bin/convert".as_slice();
    let process = |decider: &Decider<'_>| {
        let event = Process {
            path: black_box(path),
            given: path,
            start: Start::Spawn,
            main: true,
            same_program: false,
        };
        black_box(decider.process(&event));
    };
    both(place, table, "process", process, &deciders);
    for (what, ip) in [
        ("connect IPv4", "203.0.113.9"),
        ("connect IPv6", "2001:db8::9"),
    ] {
        let ip = ip.parse().unwrap_or_else(|_| panic!("{ip}"));
        let connect = |decider: &Decider<'_>| {
            black_box(decider.connect(&Connect {
                ip: black_box(ip),
                port: 443,
            }));
        };
        both(place, table, what, connect, &deciders);
    }
    let by_name = |decider: &Decider<'_>| {
        let event = Connect {
            ip: black_box(IpAddr::from([203, 0, 113, 9])),
            port: 443,
        };
        black_box(decider.connect_resolved(&event, black_box(LONG_NAME)));
    };
    both(place, table, "connect by name", by_name, &deciders);
    let listen = |decider: &Decider<'_>| {
        black_box(decider.listen(black_box(8080)));
    };
    both(place, table, "listen", listen, &deciders);
    let resolve = |decider: &Decider<'_>| {
        black_box(decider.resolve(black_box(LONG_NAME)));
    };
    both(place, table, "resolve: no entry", resolve, &deciders);
    for (what, name) in [
        ("resolve: a whole name", b"evil9.example".as_slice()),
        (
            "resolve: an end",
            b"a.very.long.name.with.many.labels.to.be.looked.at.evi33.example",
        ),
    ] {
        let resolve = |decider: &Decider<'_>| {
            black_box(decider.resolve(black_box(name)));
        };
        both(place, table, what, resolve, &deciders);
    }
    compiling(place, table);
}

fn decider(bytes: &[u8]) -> Decider<'_> {
    Decider::from_bytes(bytes).unwrap_or_else(|| panic!("not a policy"))
}

/// With ten entries, with forty whose names have as many lengths as those of ten thousand, and with ten thousand, in turns; each copy after the other.
fn both(
    place: &Place,
    table: &mut Table,
    what: &str,
    ask: impl Fn(&Decider<'_>),
    deciders: &[[Decider<'_>; 3]],
) {
    let time = |decider: &Decider<'_>| {
        const TIMES: u32 = 2000;
        let start = Instant::now();
        for _ in 0..TIMES {
            ask(decider);
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES)
    };
    let (mut small, mut middle, mut large) = (vec![], vec![], vec![]);
    for [few, same, many] in deciders.iter().cycle().take(place.rounds(200)) {
        small.push(time(few));
        middle.push(time(same));
        large.push(time(many));
    }
    table.value(
        what,
        "10 entries",
        "ns",
        Spread::of(small.clone()),
        Some(150.0),
    );
    const LENGTHS: &str = "40 entries of the same lengths to 10";
    const LARGE: &str = "10,000 to 10 entries";
    table.ratio(what, LENGTHS, "ns", (&middle, &small), None);
    table.ratio(what, LARGE, "ns", (&large, &small), Some(1.2));
    // More lengths are what more entries bring along.
    table.floor(what, &[LARGE], (what, LENGTHS));
    table.ratio(
        what,
        "10,000 to 40 entries of the same lengths",
        "ns",
        (&large, &middle),
        Some(1.2),
    );
}

fn platform() -> Platform {
    Platform::derive(&Surroundings {
        variable: &|name| {
            (name == "AWS_LAMBDA_RUNTIME_API").then(|| "169.254.100.1:9001".to_owned())
        },
        resolv_conf: "nameserver 169.254.78.1\n",
        hostname: "169-254-10-1",
        program: "/var/lang/bin/python3.13",
    })
}

fn context(platform: &Platform) -> Context<'_> {
    Context {
        identity: Identity::default(),
        platform,
        resolve: &|_| None,
        now: 0,
    }
}

fn compiling(place: &Place, table: &mut Table) {
    let platform = platform();
    for (entries, rounds, budget) in [
        (10, 500, Some(300.0)),
        (1000, 60, None),
        (10_000, 15, Some(20_000.0)),
    ] {
        let text = policies::on(entries);
        let policy = read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems:?}"));
        let time = |act: &dyn Fn()| {
            let sample = (0..place.rounds(rounds)).map(|_| {
                let start = Instant::now();
                act();
                start.elapsed().as_secs_f64() * 1e6
            });
            Spread::of(sample.collect())
        };
        let setting = format!("{entries} entries");
        let parsed = time(&|| drop(black_box(read(black_box(text.as_bytes())))));
        table.value("read the text", &setting, "µs", parsed, None);
        let compiled = time(&|| drop(black_box(compile(black_box(&policy), &context(&platform)))));
        table.value("compile", &setting, "µs", compiled, budget);
        let length = compile(&policy, &context(&platform)).as_bytes().len();
        #[expect(clippy::cast_precision_loss, reason = "no policy is so long")]
        table.value(
            "compiled policy",
            &setting,
            "B",
            Spread::of(vec![length as f64]),
            None,
        );
    }
}
