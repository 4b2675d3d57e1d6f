//! AWS Security Finding Format: <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html>
//!
//! A finding is about something that somebody should look at, so that notices below `ERROR` and what was only learnt give none. AWS refuses a
//! batch for one finding that is not as it must be, so that every text is cut to its limit, whatever the audit says: else one forged line would
//! hide the hundred around it.

use std::net::IpAddr;

use palisade_audit::Borrowed;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{base, micros, object, set};
use crate::act::Act;
use crate::moment;

/// One finding, if the audit is one.
pub fn finding(audit: &Borrowed<'_>, account: &str) -> Option<Value> {
    let label = match (audit.effect.as_deref(), audit.level.as_str()) {
        (Some("prevent"), _) | (None, "ERROR") => "HIGH",
        (Some("alert"), _) => "MEDIUM",
        _ => return None,
    };
    let region = match audit.region.as_str() {
        region if is_region(region) => region,
        _ => "us-east-1",
    };
    // As Lambda has them (CreateFunction); a name of another form is of no function.
    let function = match audit.function.as_str() {
        function if is_function(function) => function,
        _ => "",
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
        "Id": format!("palisade/{region}/{function}/{}", identity(audit).ok()?),
        "ProductArn": format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "GeneratorId": cut(&format!("palisade/{}", audit.attack), 512),
        "AwsAccountId": account,
        "Types": [kind(act.as_ref())],
        "CreatedAt": at,
        "UpdatedAt": at,
        "Severity": {"Label": label},
        "Title": cut(&title(audit, function), 256),
        "Description": cut(spoken(&audit.msg), 1024),
        "Resources": [resource(function, partition, region, account)],
        "RecordState": "ACTIVE",
        "Workflow": {"Status": "NEW"},
    });
    let fields = object([
        ("palisade/attack", cut(&audit.attack, 2048).into()),
        (
            "palisade/rule",
            audit.rule.as_deref().map(|rule| cut(rule, 2048)).into(),
        ),
    ]);
    set(&mut finding, "ProductFields", fields);
    // Numbers of 32 bits, with a sign.
    let process = object([
        ("Pid", i32::try_from(audit.pid).ok().into()),
        ("ParentPid", i32::try_from(audit.ppid).ok().into()),
        ("Name", cut(base(&audit.process), 64).into()),
        ("Path", cut(&audit.process, 512).into()),
    ]);
    set(&mut finding, "Process", process);
    if let Some(action) = act.as_ref().and_then(|act| action(audit, act)) {
        set(&mut finding, "Action", action);
    }
    Some(finding)
}

fn is_region(text: &str) -> bool {
    (1..=16).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_function(text: &str) -> bool {
    (1..=140).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn spoken(text: &str) -> &str {
    if text.trim().is_empty() {
        "(no text)"
    } else {
        text
    }
}

fn title(audit: &Borrowed<'_>, function: &str) -> String {
    let what = match audit.effect.as_deref() {
        Some("prevent") => "Prevented",
        Some(_) => "Detected",
        None => "Palisade",
    };
    match function {
        "" => format!("{what}: {}", audit.attack),
        function => format!("{what}: {} in {function}", audit.attack),
    }
}

fn resource(function: &str, partition: &str, region: &str, account: &str) -> Value {
    match function {
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

fn action(audit: &Borrowed<'_>, act: &Act) -> Option<Value> {
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
            "DnsRequestAction": object([("Domain", cut(domain, 128).into()), ("Blocked", blocked.into())]),
        })),
        _ => None,
    }
}

/// The same audit is the same finding, however often it is imported; no other can be made to look like it, which would replace it.
fn identity(audit: &Borrowed<'_>) -> Result<String, serde_json::Error> {
    let digest = Sha256::digest(serde_json::to_vec(audit)?);
    Ok(digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters - 1).chain(['…']).collect()
}
