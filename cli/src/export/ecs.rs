//! Elastic Common Schema 8.17: <https://www.elastic.co/guide/en/ecs/8.17/>

use palisade_audit::Owned;
use serde_json::{Value, json};

use super::{base, set};
use crate::act::{Act, Mode};

/// One document.
pub fn event(audit: &Owned, account: Option<&str>) -> Value {
    let act = Act::of(audit);
    let effect = audit.effect.as_deref();
    let mut document = json!({
        "@timestamp": audit.timestamp,
        "ecs": {"version": "8.17.0"},
        "message": audit.msg,
        "log": {"level": audit.level.to_lowercase()},
        "observer": {"vendor": "Palisade", "product": "Palisade", "version": env!("CARGO_PKG_VERSION")},
        "cloud": {"provider": "aws", "service": {"name": "lambda"}},
        "event": {
            "kind": if matches!(effect, Some("alert" | "prevent")) { "alert" } else { "event" },
            "module": "palisade",
            "dataset": "palisade.audit",
            "action": audit.attack,
            "category": [category(act.as_ref())],
            "type": types(act.as_ref(), effect),
            "outcome": match effect { Some("prevent") => "failure", Some(_) => "success", None => "unknown" },
        },
    });
    if let Some(cloud) = document.get_mut("cloud") {
        set(cloud, "region", audit.region.as_str());
        if let Some(account) = account {
            set(cloud, "account", json!({"id": account}));
        }
    }
    if !audit.function.is_empty() {
        set(&mut document, "faas", json!({"name": audit.function}));
    }
    if let Some(rule) = &audit.rule {
        set(&mut document, "rule", json!({"name": rule}));
    }
    threat(&mut document, audit);
    let actor =
        json!({"pid": audit.pid, "executable": audit.process, "name": base(&audit.process)});
    match &act {
        Some(Act::Process { path, command }) => {
            let mut process = json!({"executable": path, "name": base(path), "parent": actor});
            set(&mut process, "command_line", command.as_str());
            set(&mut document, "process", process);
        }
        other => {
            let mut process = actor;
            set(&mut process, "parent", json!({"pid": audit.ppid}));
            set(&mut document, "process", process);
            if let Some(act) = other {
                subject(&mut document, audit, act);
            }
        }
    }
    document
}

fn subject(document: &mut Value, audit: &Owned, act: &Act) {
    match act {
        Act::Process { .. } => {}
        Act::Connect { ip, port } => {
            set(
                document,
                "destination",
                json!({"ip": ip, "address": ip, "port": port}),
            );
            set(document, "network", json!({"direction": "egress"}));
        }
        Act::Listen { port } => {
            let mut server = json!({"port": port});
            if let Some(ip) = &audit.ip {
                set(&mut server, "ip", ip.as_str());
            }
            set(document, "server", server);
            set(document, "network", json!({"direction": "ingress"}));
        }
        Act::Resolve { domain } => {
            set(
                document,
                "dns",
                json!({"type": "query", "question": {"name": domain}}),
            );
            set(
                document,
                "network",
                json!({"protocol": "dns", "direction": "egress"}),
            );
        }
        Act::File { path, .. } => {
            let mut file = json!({"path": path, "name": base(path)});
            if let Some((directory, _)) = path.rsplit_once('/') {
                set(
                    &mut file,
                    "directory",
                    if directory.is_empty() { "/" } else { directory },
                );
            }
            set(document, "file", file);
        }
    }
}

fn threat(document: &mut Value, audit: &Owned) {
    if audit.techniques.is_empty() {
        return;
    }
    let ids: Vec<&str> = audit
        .techniques
        .iter()
        .map(|id| id.split('.').next().unwrap_or(id))
        .collect();
    let below: Vec<&String> = audit
        .techniques
        .iter()
        .filter(|id| id.contains('.'))
        .collect();
    let mut technique = json!({"id": ids});
    if !below.is_empty() {
        set(&mut technique, "subtechnique", json!({"id": below}));
    }
    set(
        document,
        "threat",
        json!({"framework": "MITRE ATT&CK", "technique": technique}),
    );
}

const fn category(act: Option<&Act>) -> &'static str {
    match act {
        Some(Act::Process { .. }) => "process",
        Some(Act::File { .. }) => "file",
        Some(_) => "network",
        None => "configuration",
    }
}

/// Only what ECS expects for the category.
fn types(act: Option<&Act>, effect: Option<&str>) -> Vec<&'static str> {
    match act {
        Some(Act::Process { .. }) => vec!["start"],
        Some(Act::File {
            access: Mode::Read, ..
        }) => vec!["access"],
        Some(Act::File { .. }) => vec!["change"],
        Some(act) => {
            let what = match act {
                Act::Resolve { .. } => "protocol",
                _ => "connection",
            };
            vec![
                what,
                if effect == Some("prevent") {
                    "denied"
                } else {
                    "allowed"
                },
            ]
        }
        None => vec!["info"],
    }
}
