//! OCSF 1.6.0: an activity of the class that fits, with the profiles `security_control` (what became of it) and `cloud`.
//!
//! <https://schema.ocsf.io/1.6.0>: process_activity 1007, file_activity 1001, network_activity 4001, dns_activity 4003, and base_event 0 for
//! notices of Palisade itself.

use palisade_audit::Owned;
use serde_json::{Value, json};

use super::{base, micros, set};
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
pub fn event(audit: &Owned, account: Option<&str>) -> Value {
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
        "message": audit.msg,
        "metadata": {
            "version": "1.6.0",
            "product": {"name": "Palisade", "vendor_name": "Palisade", "version": env!("CARGO_PKG_VERSION")},
            "profiles": ["cloud", "security_control"],
            "original_time": audit.timestamp,
            "log_level": audit.level,
            "event_code": audit.attack,
        },
        "cloud": {"provider": "AWS"},
    });
    if let Some(cloud) = event.get_mut("cloud") {
        set(cloud, "region", audit.region.as_str());
        if let Some(account) = account {
            set(
                cloud,
                "account",
                json!({"uid": account, "type_id": 10, "type": "AWS Account"}),
            );
        }
    }
    if let Some(count) = audit.count {
        set(&mut event, "count", count);
    }
    control(&mut event, audit);
    if let Some(act) = &act {
        subject(&mut event, audit, act);
    }
    event
}

/// The profile `security_control`.
fn control(event: &mut Value, audit: &Owned) {
    let (action, action_name, disposition, disposition_name) = match audit.effect.as_deref() {
        Some("prevent") => (2, "Denied", 2, "Blocked"),
        Some("alert") => (1, "Allowed", 19, "Alert"),
        Some(_) => (1, "Allowed", 17, "Logged"),
        None => (0, "Unknown", 17, "Logged"),
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
    if let Some(rule) = &audit.rule {
        set(event, "policy", json!({"name": rule}));
    }
    let attacks: Vec<Value> = audit
        .techniques
        .iter()
        .map(|id| match id.split_once('.') {
            Some((technique, _)) => {
                json!({"technique": {"uid": technique}, "sub_technique": {"uid": id}})
            }
            None => json!({"technique": {"uid": id}}),
        })
        .collect();
    set(event, "attacks", attacks);
    if audit.effect.as_deref() == Some("prevent") {
        set(event, "status_id", 2);
        set(event, "status", "Failure");
    }
}

fn subject(event: &mut Value, audit: &Owned, act: &Act) {
    let name = match audit.function.as_str() {
        "" => "unknown",
        name => name,
    };
    let actor = json!({"process": {
        "pid": audit.pid,
        "name": base(&audit.process),
        "file": program(&audit.process),
        "parent_process": {"pid": audit.ppid},
    }});
    set(event, "actor", actor);
    let mut device =
        json!({"type_id": 99, "type": "Serverless Function", "name": name, "uid": name});
    set(&mut device, "region", audit.region.as_str());
    set(event, "device", device);
    let endpoint = json!({"name": name, "type_id": 99, "type": "Serverless Function"});
    match act {
        Act::Process { path, command } => {
            let mut process = json!({"name": base(path), "file": program(path)});
            set(&mut process, "cmd_line", command.as_str());
            set(
                &mut process,
                "parent_process",
                json!({"pid": audit.pid, "name": base(&audit.process)}),
            );
            set(event, "process", process);
        }
        Act::File { path, .. } => {
            set(
                event,
                "file",
                json!({"name": base(path), "path": path, "type_id": 0, "type": "Unknown"}),
            );
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
            if let Some(ip) = &audit.ip {
                set(&mut local, "ip", ip.as_str());
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

fn program(path: &str) -> Value {
    json!({"name": base(path), "path": path, "type_id": 1, "type": "Regular File"})
}

fn severity(audit: &Owned) -> (u32, &'static str) {
    match (audit.effect.as_deref(), audit.level.as_str()) {
        (Some("prevent"), _) | (None, "ERROR") => (4, "High"),
        (Some("alert"), _) | (None, "WARN") => (3, "Medium"),
        _ => (1, "Informational"),
    }
}
