//! What the tables have in common.
#![allow(dead_code, reason = "each test binary uses its part")]

use palisade_policy::{
    Access, Compiled, Connect, Context, Decider, File, Identity, Outcome, Platform, Policy,
    Process, Reason, Start, Verdict, compile, parse,
};

pub const NOBODY: Identity<'static> = Identity {
    function: "",
    region: "",
    account: "",
};

/// Parses, or says all that is wrong.
pub fn policy(text: &str) -> Policy {
    match parse(text.as_bytes()) {
        Ok(parsed) => parsed.policy,
        Err(problems) => panic!(
            "{}",
            problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        ),
    }
}

/// One rule, for every function, on a platform that needs nothing and without links.
pub fn rule(sections: &str) -> Compiled {
    rule_on(sections, &Platform::default(), &|_| None)
}

pub fn rule_on(
    sections: &str,
    platform: &Platform,
    resolve: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
) -> Compiled {
    let policy = policy(&format!("{{\"version\":1,\"rules\":[{{{sections}}}]}}"));
    let compiled = compile(
        &policy,
        &Context {
            identity: NOBODY,
            platform,
            resolve,
            now: 0,
        },
    );
    assert!(Decider::from_bytes(compiled.as_bytes()).is_some());
    compiled
}

/// The verdict in short: `allow`, `alert reason`, `prevent reason`.
pub fn short(verdict: Verdict<'_>) -> (Outcome, Reason) {
    (verdict.outcome, verdict.reason)
}

pub fn run(decider: Decider<'_>, path: &str) -> Outcome {
    decider.process(&start(path, path)).outcome
}

pub fn start<'a>(path: &'a str, given: &'a str) -> Process<'a> {
    Process {
        path: path.as_bytes(),
        given: given.as_bytes(),
        start: Start::Exec,
        main: true,
        same_program: false,
    }
}

pub fn connect<'a>(decider: Decider<'a>, to: &str) -> Verdict<'a> {
    let (ip, port) = to.rsplit_once(' ').unwrap();
    let event = Connect {
        ip: ip.parse().unwrap(),
        port: port.parse().unwrap(),
    };
    let verdict = decider.connect(&event);
    let is_allowed = verdict.outcome == Outcome::Allow;
    assert_eq!(decider.allows_connect(&event), is_allowed, "{to}");
    verdict
}

pub fn read<'a>(decider: Decider<'a>, path: &str) -> Verdict<'a> {
    file(decider, path, Access::Read)
}

pub fn write<'a>(decider: Decider<'a>, path: &str) -> Verdict<'a> {
    file(decider, path, Access::Write)
}

fn file<'a>(decider: Decider<'a>, path: &str, access: Access) -> Verdict<'a> {
    let event = File {
        path: path.as_bytes(),
        alias: None,
        access,
    };
    let verdict = decider.file(&event);
    let is_allowed = verdict.outcome == Outcome::Allow;
    assert_eq!(decider.allows_file(&event), is_allowed, "{path}");
    verdict
}
