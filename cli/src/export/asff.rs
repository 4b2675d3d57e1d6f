//! AWS Security Finding Format: <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html>
//!
//! A finding is about something that somebody should look at, so that notices below `ERROR` and what was only learnt give none.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use palisade_audit::Owned;
use serde_json::{Value, json};

use super::{base, micros, set};
use crate::act::Act;
use crate::moment;

/// One finding, if the audit is one.
pub fn finding(audit: &Owned, account: &str) -> Option<Value> {
    let label = match (audit.effect.as_deref(), audit.level.as_str()) {
        (Some("prevent"), _) | (None, "ERROR") => "HIGH",
        (Some("alert"), _) => "MEDIUM",
        _ => return None,
    };
    let region = match audit.region.as_str() {
        "" => "us-east-1",
        region => region,
    };
    let partition = match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    // ISO 8601 with at most three digits behind the second.
    let at = moment::format(micros(audit), "%Y-%m-%dT%H:%M:%S%.3fZ");
    let act = Act::of(audit);
    let mut finding = json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("palisade/{region}/{}/{:016x}", audit.function, identity(audit)),
        "ProductArn": format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "GeneratorId": format!("palisade/{}", audit.attack),
        "AwsAccountId": account,
        "Types": [kind(act.as_ref())],
        "CreatedAt": at,
        "UpdatedAt": at,
        "Severity": {"Label": label},
        "Title": cut(&title(audit), 256),
        "Description": cut(&audit.msg, 1024),
        "Resources": [resource(audit, partition, region, account)],
        "RecordState": "ACTIVE",
        "Workflow": {"Status": "NEW"},
        "ProductFields": {"palisade/attack": audit.attack},
    });
    if let (Some(fields), Some(rule)) = (finding.get_mut("ProductFields"), &audit.rule) {
        set(fields, "palisade/rule", rule.as_str());
    }
    let mut process = json!({"Pid": audit.pid, "ParentPid": audit.ppid});
    set(&mut process, "Name", cut(base(&audit.process), 64));
    set(&mut process, "Path", cut(&audit.process, 512));
    set(&mut finding, "Process", process);
    if let Some(action) = act.as_ref().and_then(|act| action(audit, act)) {
        set(&mut finding, "Action", action);
    }
    Some(finding)
}

fn title(audit: &Owned) -> String {
    let what = match audit.effect.as_deref() {
        Some("prevent") => "Prevented",
        Some(_) => "Detected",
        None => "Palisade",
    };
    match audit.function.as_str() {
        "" => format!("{what}: {}", audit.attack),
        function => format!("{what}: {} in {function}", audit.attack),
    }
}

fn resource(audit: &Owned, partition: &str, region: &str, account: &str) -> Value {
    match audit.function.as_str() {
        "" => json!({"Type": "Other", "Id": "palisade", "Partition": partition, "Region": region}),
        function => json!({
            "Type": "AwsLambdaFunction",
            "Id": format!("arn:{partition}:lambda:{region}:{account}:function:{function}"),
            "Partition": partition,
            "Region": region,
            "Details": {"AwsLambdaFunction": {"FunctionName": function}},
        }),
    }
}

const fn kind(act: Option<&Act>) -> &'static str {
    match act {
        Some(Act::Process { .. }) => "Unusual Behaviors/Process",
        Some(Act::File { .. }) => "Unusual Behaviors/Data",
        Some(_) => "Unusual Behaviors/Network Flow",
        None => "Software and Configuration Checks",
    }
}

fn action(audit: &Owned, act: &Act) -> Option<Value> {
    let blocked = audit.effect.as_deref() == Some("prevent");
    match act {
        Act::Connect { ip, port } => {
            let mut connection = json!({
                "ConnectionDirection": "OUTBOUND",
                "RemotePortDetails": {"Port": port},
                "Blocked": blocked,
            });
            // The format has no field for the other family.
            if let IpAddr::V4(ip) = ip {
                set(
                    &mut connection,
                    "RemoteIpDetails",
                    json!({"IpAddressV4": ip}),
                );
            }
            Some(json!({"ActionType": "NETWORK_CONNECTION", "NetworkConnectionAction": connection}))
        }
        Act::Resolve { domain } => Some(json!({
            "ActionType": "DNS_REQUEST",
            "DnsRequestAction": {"Domain": cut(domain, 128), "Blocked": blocked},
        })),
        _ => None,
    }
}

/// The same audit is the same finding, however often it is imported.
fn identity(audit: &Owned) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&audit.timestamp, audit.pid, &audit.attack, &audit.msg).hash(&mut hasher);
    (&audit.command, &audit.function).hash(&mut hasher);
    hasher.finish()
}

fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters - 1).chain(['…']).collect()
}
