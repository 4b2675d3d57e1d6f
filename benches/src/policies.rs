//! Policies of any size, with every section on and every kind of pattern in it.

use serde_json::{Value, json};

/// Places of a policy that has so many entries; 0: one rule without a section.
///
/// Nothing that is measured is denied by any of them. Programs that cannot be followed are allowed, because strace and valgrind are such.
pub fn on(entries: usize) -> String {
    if entries == 0 {
        return json!({ "version": 1, "rules": [{ "name": "off" }] }).to_string();
    }
    policy(0..entries).to_string()
}

/// What a policy is called with ten entries, of which none is of programs: they are started unjudged.
pub const PROCESSES_OFF: &str = "processes-off";

/// That policy.
pub fn processes_off() -> String {
    let mut policy = policy(0..10);
    if let Some(rule) = policy
        .pointer_mut("/rules/0")
        .and_then(Value::as_object_mut)
    {
        rule.remove("processes");
    }
    policy.to_string()
}

/// Forty entries with names as long as those of ten thousand: of each kind one for each number of digits.
pub fn on_as_many_lengths() -> String {
    let numbers = [0, 10, 100, 1000]
        .into_iter()
        .flat_map(|first| first..first + 10);
    policy(numbers).to_string()
}

/// A policy of the entries with these numbers.
fn policy(entries: impl Iterator<Item = usize>) -> Value {
    let (mut files, mut programs, mut hosts, mut names) = (vec![], vec![], vec![], vec![]);
    for i in entries {
        match i % 10 {
            0 => files.push(format!("/srv/secret{i}/key.pem")),
            1 => programs.push(format!("/opt/tools{i}/**")),
            2 => hosts.push(format!("10.{}.{}.0/24", i / 256, i % 256)),
            3 => {
                names.push(format!("*.evil{i}.example"));
                hosts.push(format!("*.bad{i}.example:443"));
            }
            4 => files.push(format!("/srv/private{i}/**")),
            5 => files.push(format!("/proc/*/x{i}")),
            6 => programs.push(format!("miner{i}")),
            7 => hosts.push(format!("192.0.2.{}:{}", i % 256, 1024 + i)),
            8 => names.push(format!("evil{i}.example")),
            _ => files.push(format!("**/id_rsa{i}")),
        }
    }
    ruled(json!({
        "filesystem": { "effect": "prevent", "deny": files },
        "processes": { "effect": "prevent", "deny": programs, "unfollowable": "allow" },
        "network": { "effect": "prevent", "outbound": { "deny": hosts }, "listen": { "deny": ["9", "1-7"] } },
        "dns": { "effect": "prevent", "deny": names },
    }))
}

/// One rule with these sections.
pub fn rule(sections: Value) -> String {
    ruled(sections).to_string()
}

fn ruled(mut sections: Value) -> Value {
    if let Some(rule) = sections.as_object_mut() {
        rule.insert("name".into(), "bench".into());
    }
    json!({ "version": 1, "rules": [sections] })
}
