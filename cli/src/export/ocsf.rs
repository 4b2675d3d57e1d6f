//! OCSF 1.6.0: an activity of the class that fits, with the profiles `security_control` (what became of it),
//! `host` (who acted) and `cloud`.
//!
//! <https://schema.ocsf.io/1.6.0>: process_activity 1007, file_activity 1001, network_activity 4001, dns_activity 4003, and base_event 0 for
//! notices of Palisade itself, which has no place for any profile. Numbers stay within the 32 bits that Security Lake has for `integer_t`.

use palisade_audit::Borrowed;
use serde_json::{Value, json};

use super::{address, base, micros, object, set, techniques};
use crate::act::{Act, Mode};

struct Class {
    category: u32,
    category_name: &'static str,
    class: u32,
    class_name: &'static str,
    activity: u32,
    activity_name: &'static str,
}

const SYSTEM: (u32, &str) = (1, "System Activity");
const NETWORK: (u32, &str) = (4, "Network Activity");

fn class(act: Option<&Act>) -> Class {
    let ((category, category_name), class, class_name, activity, activity_name) = match act {
        Some(Act::Process { .. }) => (SYSTEM, 1007, "Process Activity", 1, "Launch"),
        Some(Act::File {
            access: Mode::Read, ..
        }) => (SYSTEM, 1001, "File System Activity", 2, "Read"),
        Some(Act::File { .. }) => (SYSTEM, 1001, "File System Activity", 3, "Update"),
        Some(Act::Connect { .. }) => (NETWORK, 4001, "Network Activity", 1, "Open"),
        Some(Act::Listen { .. }) => (NETWORK, 4001, "Network Activity", 7, "Listen"),
        Some(Act::Resolve { .. }) => (NETWORK, 4003, "DNS Activity", 1, "Query"),
        None => ((0, "Uncategorized"), 0, "Base Event", 99, "Other"),
    };
    Class {
        category,
        category_name,
        class,
        class_name,
        activity,
        activity_name,
    }
}

/// One event.
pub fn event(audit: &Borrowed<'_>, account: Option<&str>) -> Value {
    let act = Act::of(audit);
    let class = class(act.as_ref());
    let (severity, severity_name) = severity(audit);
    let mut event = json!({
        "activity_id": class.activity,
        "activity_name": class.activity_name,
        "category_uid": class.category,
        "category_name": class.category_name,
        "class_uid": class.class,
        "class_name": class.class_name,
        "type_uid": class.class * 100 + class.activity,
        "type_name": format!("{}: {}", class.class_name, class.activity_name),
        "severity_id": severity,
        "severity": severity_name,
        "time": micros(audit).div_euclid(1000),
    });
    set(&mut event, "message", audit.msg.as_str());
    let product = json!({"name": "Palisade", "vendor_name": "Palisade", "version": env!("CARGO_PKG_VERSION")});
    let profiles: &[&str] = match act {
        Some(_) => &["cloud", "host", "security_control"],
        None => &[],
    };
    let metadata = object([
        ("version", "1.6.0".into()),
        ("product", product),
        ("profiles", profiles.into()),
        ("original_time", audit.timestamp.as_str().into()),
        ("log_level", audit.level.as_str().into()),
        ("event_code", audit.attack.as_str().into()),
    ]);
    set(&mut event, "metadata", metadata);
    if let Some(count) = audit.count {
        set(
            &mut event,
            "count",
            i32::try_from(count).unwrap_or(i32::MAX),
        );
    }
    match &act {
        Some(act) => {
            cloud(&mut event, audit, account);
            control(&mut event, audit);
            subject(&mut event, audit, act);
        }
        None => {
            let rest = object([
                ("function", audit.function.as_str().into()),
                ("region", audit.region.as_str().into()),
                ("account", account.into()),
            ]);
            set(&mut event, "unmapped", rest);
        }
    }
    event
}

/// The profile `cloud`.
fn cloud(event: &mut Value, audit: &Borrowed<'_>, account: Option<&str>) {
    let account =
        account.map(|account| json!({"uid": account, "type_id": 10, "type": "AWS Account"}));
    let cloud = object([
        ("provider", "AWS".into()),
        ("region", audit.region.as_str().into()),
        ("account", account.into()),
    ]);
    set(event, "cloud", cloud);
}

/// The profile `security_control`.
fn control(event: &mut Value, audit: &Borrowed<'_>) {
    let (action, action_name, disposition, disposition_name) = match audit.effect.as_deref() {
        Some("prevent") => (2, "Denied", 2, "Blocked"),
        // It went on, but nobody has said that it may: "observed, but neither explicitly allowed nor denied".
        Some("alert") => (3, "Observed", 19, "Alert"),
        _ => (3, "Observed", 17, "Logged"),
    };
    set(event, "action_id", action);
    set(event, "action", action_name);
    set(event, "disposition_id", disposition);
    set(event, "disposition", disposition_name);
    set(
        event,
        "is_alert",
        matches!(audit.effect.as_deref(), Some("alert" | "prevent")),
    );
    set(
        event,
        "policy",
        object([("name", audit.rule.as_deref().into())]),
    );
    let attacks: Vec<Value> = techniques(audit)
        .map(|(technique, below)| match below {
            Some(below) => {
                json!({"technique": {"uid": technique}, "sub_technique": {"uid": below}})
            }
            None => json!({"technique": {"uid": technique}}),
        })
        .collect();
    set(event, "attacks", attacks);
    if audit.effect.as_deref() == Some("prevent") {
        set(event, "status_id", 2);
        set(event, "status", "Failure");
    }
}

fn subject(event: &mut Value, audit: &Borrowed<'_>, act: &Act) {
    let name = named(&audit.function);
    let mut process = process(audit.pid, &audit.process);
    set(
        &mut process,
        "parent_process",
        self::process(audit.ppid, ""),
    );
    set(event, "actor", json!({"process": process}));
    let mut device =
        json!({"type_id": 99, "type": "Serverless Function", "name": name, "uid": name});
    set(&mut device, "region", audit.region.as_str());
    set(event, "device", device);
    let endpoint = json!({"name": name, "type_id": 99, "type": "Serverless Function"});
    match act {
        Act::Process { path, command } => {
            // It has no number, since it is not there yet, and never will be if it was refused.
            let process = object([
                ("uid", format!("{}/{}", audit.pid, micros(audit)).into()),
                ("name", base(path).into()),
                ("file", program(path)),
                ("cmd_line", command.as_str().into()),
                ("parent_process", self::process(audit.pid, &audit.process)),
            ]);
            set(event, "process", process);
        }
        Act::File { path, .. } => {
            set(event, "file", file(path, (0, "Unknown")));
        }
        Act::Connect { ip, port } => {
            set(event, "src_endpoint", endpoint);
            set(event, "dst_endpoint", json!({"ip": ip, "port": port}));
            set(
                event,
                "connection_info",
                json!({"direction_id": 2, "direction": "Outbound"}),
            );
        }
        Act::Listen { port } => {
            let mut local = endpoint;
            set(&mut local, "port", *port);
            if let Some(ip) = address(audit) {
                set(&mut local, "ip", ip.to_string());
            }
            set(event, "dst_endpoint", local);
            set(
                event,
                "connection_info",
                json!({"direction_id": 1, "direction": "Inbound"}),
            );
        }
        Act::Resolve { domain } => {
            set(event, "src_endpoint", endpoint);
            set(event, "query", json!({"hostname": domain}));
        }
    }
}

/// A process needs a number, or another name that tells it from others.
fn process(pid: u32, path: &str) -> Value {
    let mut process = match i32::try_from(pid) {
        Ok(pid) => json!({"pid": pid}),
        Err(_) => json!({"uid": pid.to_string()}),
    };
    if !path.trim().is_empty() {
        set(&mut process, "name", base(path));
        set(&mut process, "file", program(path));
    }
    process
}

fn program(path: &str) -> Value {
    file(path, (1, "Regular File"))
}

fn file(path: &str, (kind, name): (u32, &str)) -> Value {
    let mut file = json!({"name": named(base(path)), "type_id": kind, "type": name});
    set(&mut file, "path", path);
    file
}

/// For what must have a name.
fn named(text: &str) -> &str {
    if text.trim().is_empty() {
        "unknown"
    } else {
        text
    }
}

fn severity(audit: &Borrowed<'_>) -> (u32, &'static str) {
    match (audit.effect.as_deref(), audit.level.as_str()) {
        (Some("prevent"), _) | (None, "ERROR") => (4, "High"),
        (Some("alert"), _) | (None, "WARN") => (3, "Medium"),
        _ => (1, "Informational"),
    }
}
