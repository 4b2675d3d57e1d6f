//! What a start pays for its policy: `cargo run --release -p palisade-policy --example compile_cost`.
//!
//! Every cold start compiles, and so does every child that was not handed its parent's bytes. Each row is the median of many runs, on this
//! machine; the last column is that of the first row, so that two machines can be compared.

use palisade_policy::{Context, Identity, Platform, Policy, Surroundings, compile, parse};
use std::hint::black_box;
use std::time::{Duration, Instant};

const RUNS: usize = 2000;

/// Ten patterns, two of them true wildcards.
const FILES: &str = r#""filesystem":{"effect":"prevent","allow":["/tmp/**","/var/task/cache/*"],
    "deny":["/proc/*/environ","**/*.pem","/opt/secret/**","/etc/shadow","/srv/*/key?","**/id_rsa","/home/**","/root/**"]}"#;
const DENY: &str = r#""filesystem":{"effect":"prevent","deny":["/proc/*/environ","**/*.pem"]}"#;
const NAMES: &str = r#""network":{"effect":"prevent","outbound":{"allow":["*.amazonaws.com:443","10.0.0.0/8:5432"]}},
    "dns":{"effect":"prevent","allow":["*.amazonaws.com"]}"#;
const MINERS: &str = r#""processes":{"effect":"prevent","main_only":true,"crypto_miners":true}"#;
const MAIN: &str = r#""processes":{"effect":"prevent","main_only":true}"#;

fn main() {
    let lambda = Platform::derive(&Surroundings {
        variable: &|name| match name {
            "AWS_LAMBDA_RUNTIME_API" => Some("169.254.100.1:9001".to_owned()),
            "LAMBDA_TASK_ROOT" => Some("/var/task".to_owned()),
            "LAMBDA_RUNTIME_DIR" => Some("/var/runtime".to_owned()),
            "PYTHONPATH" => Some("/opt/python:/var/runtime".to_owned()),
            _ => None,
        },
        resolv_conf: "nameserver 169.254.78.1\n",
        hostname: "169-254-10-1",
        program: "/var/lang/bin/python3.13",
    });
    let everything = [FILES, NAMES, MINERS].join(",");
    let none: &dyn Fn(&[u8]) -> Option<Vec<u8>> = &|_| None;
    println!("{:<52} {:>8} {:>8} {:>8}", "", "µs", "bytes", "ratio");
    let mut first = None;
    for (what, sections, resolve) in [
        ("main_only", MAIN, none),
        ("main_only and crypto_miners", MINERS, none),
        ("names of hosts", NAMES, none),
        ("two paths denied", DENY, none),
        ("ten paths, with an allow list", FILES, none),
        (
            "ten paths, with an allow list, links followed",
            FILES,
            &real,
        ),
        ("all of these", &everything, none),
        ("all of these, links followed", &everything, &real),
    ] {
        let policy = rule(sections);
        let context = Context {
            identity: Identity::default(),
            platform: &lambda,
            resolve,
            now: 0,
        };
        let bytes = compile(&policy, &context).as_bytes().len();
        let took = median(|| {
            black_box(compile(black_box(&policy), &context));
        });
        let micros = took.as_secs_f64() * 1e6;
        let ratio = micros / *first.get_or_insert(micros);
        println!("{what:<52} {micros:>8.1} {bytes:>8} {ratio:>8.1}");
    }
    let text = format!("{{\"version\":1,\"rules\":[{{{everything}}}]}}");
    let took = median(|| {
        black_box(parse(black_box(text.as_bytes())).is_ok());
    });
    println!(
        "{:<52} {:>8.1}",
        "parse all of these, with lints",
        took.as_secs_f64() * 1e6
    );
}

fn rule(sections: &str) -> Policy {
    let text = format!("{{\"version\":1,\"rules\":[{{{sections}}}]}}");
    parse(text.as_bytes()).map_or_else(|problems| panic!("{problems:?}"), |parsed| parsed.policy)
}

/// realpath(3)
fn real(path: &[u8]) -> Option<Vec<u8>> {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let path = std::fs::canonicalize(std::ffi::OsStr::from_bytes(path)).ok()?;
    Some(path.into_os_string().into_vec())
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(RUNS / 2).copied().unwrap_or_default()
}
