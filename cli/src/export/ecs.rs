//! Elastic Common Schema 8.17: <https://www.elastic.co/guide/en/ecs/8.17/>

use palisade_audit::Borrowed;
use serde_json::{Value, json};

use super::{address, base, micros, object, set, techniques};
use crate::act::{Act, Mode};
use crate::moment;

/// One document.
pub fn event(audit: &Borrowed<'_>, account: Option<&str>) -> Value {
    let act = Act::of(audit);
    let effect = audit.effect.as_deref();
    let mut document = json!({
        "@timestamp": moment::format(micros(audit), "%Y-%m-%dT%H:%M:%S%.6fZ"),
        "ecs": {"version": "8.17.0"},
        "message": audit.msg,
        "observer": {"vendor": "Palisade", "product": "Palisade", "version": env!("CARGO_PKG_VERSION")},
        "cloud": {"provider": "aws", "service": {"name": "lambda"}},
        "event": {
            "kind": if matches!(effect, Some("alert" | "prevent")) { "alert" } else { "event" },
            "module": "palisade",
            "dataset": "palisade.audit",
            "category": [category(act.as_ref())],
            "type": types(act.as_ref(), effect),
            "outcome": match effect { Some("prevent") => "failure", Some(_) => "success", None => "unknown" },
        },
    });
    set(
        &mut document,
        "log",
        object([("level", audit.level.to_lowercase().into())]),
    );
    if let Some(event) = document.get_mut("event") {
        set(event, "action", audit.attack.as_str());
    }
    if let Some(cloud) = document.get_mut("cloud") {
        set(cloud, "region", audit.region.as_str());
        if let Some(account) = account {
            set(cloud, "account", json!({"id": account}));
        }
    }
    set(
        &mut document,
        "faas",
        object([("name", audit.function.as_str().into())]),
    );
    set(
        &mut document,
        "rule",
        object([("name", audit.rule.as_deref().into())]),
    );
    threat(&mut document, audit);
    let actor = object([
        ("pid", audit.pid.into()),
        ("executable", audit.process.as_str().into()),
        ("name", base(&audit.process).into()),
    ]);
    match &act {
        Some(Act::Process { path, command }) => {
            let process = object([
                ("executable", path.as_str().into()),
                ("name", base(path).into()),
                ("command_line", command.as_str().into()),
                ("parent", actor),
            ]);
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

fn subject(document: &mut Value, audit: &Borrowed<'_>, act: &Act) {
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
            if let Some(ip) = address(audit) {
                set(&mut server, "ip", ip.to_string());
            }
            set(document, "server", server);
            set(document, "network", json!({"direction": "ingress"}));
        }
        Act::Resolve { domain } => {
            let question = object([("name", domain.as_str().into())]);
            set(
                document,
                "dns",
                object([("type", "query".into()), ("question", question)]),
            );
            set(
                document,
                "network",
                json!({"protocol": "dns", "direction": "egress"}),
            );
        }
        Act::File { path, .. } => {
            let directory = path.rsplit_once('/').map(|(directory, _)| match directory {
                "" => "/",
                directory => directory,
            });
            let file = object([
                ("path", path.as_str().into()),
                ("name", base(path).into()),
                ("directory", directory.into()),
            ]);
            set(document, "file", file);
        }
    }
}

fn threat(document: &mut Value, audit: &Borrowed<'_>) {
    let ids: Vec<&str> = techniques(audit).map(|(id, _)| id).collect();
    let below: Vec<&str> = techniques(audit).filter_map(|(_, below)| below).collect();
    if ids.is_empty() {
        return;
    }
    let technique = object([
        ("id", ids.into()),
        ("subtechnique", object([("id", below.into())])),
    ]);
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
