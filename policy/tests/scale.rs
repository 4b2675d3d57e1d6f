//! A policy of any size neither stalls a cold start nor makes decisions slower.

mod common;

use common::{connect, policy, read};
use palisade_policy::{
    Compiled, Connect, Context, Identity, Outcome, Platform, Surroundings, compile,
};
use std::cell::Cell;

fn compiled(text: &str, resolve: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Compiled {
    let policy = policy(text);
    compile(
        &policy,
        &Context {
            identity: Identity::default(),
            platform: &Platform::default(),
            resolve,
            now: 0,
        },
    )
}

/// As many patterns of each kind as there are.
fn mixed(count: usize) -> String {
    let patterns: Vec<String> = (0..count)
        .map(|i| match i % 8 {
            0 => format!("\"/srv/app{i}/config.json\""),
            1 => format!("\"/opt/x{i}/**\""),
            2 => format!("\"**/name{i}\""),
            3 => format!("\"**/*.ext{i}\""),
            4 => format!("\"/proc/*/x{i}\""),
            5 => format!("\"/a/**/b{i}/*.c\""),
            6 => format!("{{\"path\":\"/data/{i}-*/[a-f]?\",\"access\":\"write\"}}"),
            _ => format!("\"/{{p,q}}/r{i}\""),
        })
        .collect();
    format!(
        r#"{{"version":1,"rules":[{{"filesystem":{{"effect":"prevent","deny":[{}]}}}}]}}"#,
        patterns.join(",")
    )
}

#[test]
fn five_thousand_mixed_patterns_compile_into_a_bounded_blob() {
    let calls = Cell::new(0);
    let resolve = |path: &[u8]| {
        calls.set(calls.get() + 1);
        Some(path.to_vec())
    };
    let big = compiled(&mixed(5000), &resolve);
    assert!(
        big.as_bytes().len() < 5000 * 200,
        "{} bytes",
        big.as_bytes().len()
    );
    assert!(
        calls.get() < 6 * 5000,
        "each directory is resolved once: {}",
        calls.get()
    );
    let d = big.decider();
    for (path, expected) in [
        ("/srv/app4992/config.json", Outcome::Prevent),
        ("/opt/x4993/a/b", Outcome::Prevent),
        ("/z/name4994", Outcome::Prevent),
        ("/z/a.ext4995", Outcome::Prevent),
        ("/proc/7/x4996", Outcome::Prevent),
        ("/a/x/b4997/y.c", Outcome::Prevent),
        ("/data/4998-x/ab", Outcome::Allow),
        ("/q/r4999", Outcome::Prevent),
        ("/srv/app4991/config.json", Outcome::Allow),
    ] {
        assert_eq!(read(d, path).outcome, expected, "{path}");
    }
    let small = compiled(&mixed(500), &|_| None);
    let ratio = big.as_bytes().len() / small.as_bytes().len();
    assert!(
        ratio <= 12,
        "linear: ten times the patterns, {ratio} times the bytes"
    );
}

#[test]
fn ten_thousand_destinations_and_names_compile_and_are_found() {
    let nets: Vec<String> = (0..10_000)
        .map(|i| format!("\"10.{}.{}.0/24:{}\"", i / 256, i % 256, i + 1))
        .collect();
    let ports: Vec<String> = (0..10_000)
        .map(|i| format!("\"*:{}-{}\"", 20_000 + i, 20_000 + i + i % 3))
        .collect();
    let names: Vec<String> = (0..10_000)
        .map(|i| format!("\"*.h{i}.example.com\""))
        .collect();
    let text = format!(
        r#"{{"version":1,"rules":[{{"network":{{"effect":"prevent","outbound":{{"allow":[{}],"deny":[{}]}}}},"dns":{{"effect":"prevent","allow":[{}]}}}}]}}"#,
        nets.join(","),
        ports.join(","),
        names.join(",")
    );
    let big = compiled(&text, &|_| None);
    assert!(
        big.as_bytes().len() < 30_000 * 200,
        "{} bytes",
        big.as_bytes().len()
    );
    let d = big.decider();
    assert_eq!(
        connect(d, "10.39.15.7 10000").place(),
        Some("rules[0].network.outbound.allow[9999]")
    );
    assert_eq!(connect(d, "10.39.15.7 9999").outcome, Outcome::Prevent);
    assert_eq!(
        connect(d, "9.9.9.9 29999").place(),
        Some("rules[0].network.outbound.deny[9998]")
    );
    assert_eq!(
        d.resolve(b"x.h9999.example.com").place(),
        Some("rules[0].dns.allow[9999]")
    );
    assert_eq!(d.resolve(b"h9999.example.com").outcome, Outcome::Prevent);
}

#[test]
fn ten_thousand_names_as_destinations_compile_and_are_found() {
    let names: Vec<String> = (0..10_000)
        .map(|i| format!("\"*.h{}.example.com:{}\"", i % 5000, i + 1))
        .collect();
    // The worst for whoever would walk over the ports of a name.
    let ports: Vec<String> = (0..10_000)
        .map(|i| format!("\"one.example.com:{}\"", i + 1))
        .collect();
    let text = format!(
        r#"{{"version":1,"rules":[{{"network":{{"effect":"prevent","outbound":{{"allow":[{}],"deny":[{}]}}}}}}]}}"#,
        names.join(","),
        ports.join(","),
    );
    let big = compiled(&text, &|_| None);
    assert!(
        big.as_bytes().len() < 20_000 * 200,
        "{} bytes",
        big.as_bytes().len()
    );
    let d = big.decider();
    for (name, port, place) in [
        ("x.h4999.example.com", 10_000, "allow[9999]"),
        ("x.h4999.example.com", 5000, "allow[4999]"),
        ("x.h4999.example.com", 4999, "allow"),
        ("one.example.com", 10_000, "deny[9999]"),
        ("one.example.com", 10_001, "allow"),
    ] {
        let event = Connect {
            ip: "9.9.9.9".parse().unwrap(),
            port,
        };
        assert_eq!(
            d.connect_resolved(&event, name.as_bytes()).place(),
            Some(format!("rules[0].network.outbound.{place}").as_str()),
            "{name}:{port}"
        );
    }
}

#[test]
fn the_platforms_own_files_cost_a_start_few_looks_at_the_disk_and_few_bytes() {
    let platform = Platform::derive(&Surroundings {
        variable: &|_| None,
        resolv_conf: "nameserver 169.254.78.1\n",
        hostname: "169-254-10-1",
        program: "/var/lang/bin/python3.13",
    });
    let calls = Cell::new(0);
    let resolve = |path: &[u8]| {
        calls.set(calls.get() + 1);
        Some(path.to_vec())
    };
    for (list, looks, bytes) in [("allow", 20, 4000), ("deny", 1, 1200)] {
        calls.set(0);
        let text = format!(
            r#"{{"version":1,"rules":[{{"filesystem":{{"effect":"prevent","{list}":["/tmp/**"]}}}}]}}"#
        );
        let context = Context {
            identity: Identity::default(),
            platform: &platform,
            resolve: &resolve,
            now: 0,
        };
        let compiled = compile(&policy(&text), &context);
        let length = compiled.as_bytes().len();
        assert!(calls.get() <= looks, "{list}: {} looks", calls.get());
        assert!(length <= bytes, "{list}: {length} bytes");
    }
}

#[test]
fn a_pattern_made_to_be_slow_is_not() {
    let stars = "a*".repeat(200);
    let dirs = "**/a*/".repeat(100);
    let text = format!(
        r#"{{"version":1,"rules":[{{"filesystem":{{"effect":"prevent","deny":["/{stars}b","/{dirs}b","**/{dirs}[b]"]}}}}]}}"#
    );
    let slow = compiled(&text, &|_| None);
    // Backtracking would take longer than the universe has.
    let path = format!("/{}", "a".repeat(2000));
    assert_eq!(read(slow.decider(), &path).outcome, Outcome::Allow);
    let path = format!("/{}", "a/".repeat(1000));
    assert_eq!(read(slow.decider(), &path).outcome, Outcome::Allow);
    assert_eq!(
        read(slow.decider(), &format!("{path}b")).outcome,
        Outcome::Prevent
    );
}
