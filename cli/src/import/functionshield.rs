//! FunctionShield (PureSec, until 2020): four switches, each `allow`, `alert` or `block`.

use regex::Regex;
use serde_json::{Value, json};

use super::Notes;

const SWITCHES: [&str; 4] = [
    "outbound_connectivity",
    "read_write_tmp",
    "create_child_process",
    "read_handler",
];

/// One rule. The text is JSON, or source in which the switches are written as in JSON, JavaScript or Python.
pub fn rules(text: &str, notes: &mut Notes) -> Result<Vec<Value>, String> {
    // Any other key is passed over by itself, and never together with a switch behind it.
    let keys = SWITCHES.join("|");
    let pattern = Regex::new(&format!(
        r#"(?m)^(?P<head>[^#\n]*?)["']?\b(?P<key>{keys})["']?\s*:\s*(?:["'](?P<mode>[A-Za-z]+)["']|(?P<other>[^\s}}]*))"#,
    ))
    .map_err(|cause| cause.to_string())?;
    let spread = text.replace([',', '{'], "\n");
    let mut rule = json!({"name": "functionshield"});
    let mut found = false;
    for capture in pattern.captures_iter(&spread) {
        let part = |name| capture.name(name).map_or("", |part| part.as_str());
        let key = part("key");
        if part("head").contains("//") {
            continue;
        }
        found = true;
        // A switch that is passed over would be one that is open.
        let other = part("other");
        if part("mode").is_empty() {
            return Err(format!(
                "policy.{key}: {other} is no text in quotes; write \"allow\", \"alert\" or \"block\" there"
            ));
        }
        let effect = match part("mode").to_ascii_lowercase().as_str() {
            "block" => "prevent",
            "alert" => "alert",
            "allow" => continue,
            other => {
                return Err(format!(
                    "policy.{key}: \"{other}\" is none of \"allow\", \"alert\" and \"block\""
                ));
            }
        };
        switch(&mut rule, key, effect, notes);
    }
    if !found {
        return Err(format!("none of {} is in it", SWITCHES.join(", ")));
    }
    Ok(vec![rule])
}

fn switch(rule: &mut Value, key: &str, effect: &str, notes: &mut Notes) {
    let place = format!("policy.{key}");
    match key {
        "outbound_connectivity" => {
            // "Except for AWS resources": the product's own words.
            rule["dns"] = json!({"effect": effect, "allow": ["*.amazonaws.com", "*.api.aws"]});
            rule["network"] = json!({"effect": effect, "outbound": {"allow": ["*.amazonaws.com:443", "*.api.aws:443"]}});
            notes.add(place, "FunctionShield knew addresses of AWS; here they are what names of AWS resolve to, on port 443, so that AWS resources under other names or ports (a database in the VPC) need an entry of their own");
        }
        "read_write_tmp" => {
            let entries = json!(["/tmp", "/tmp/**"]);
            rule["filesystem"] = json!({"effect": effect, "deny": entries});
        }
        "create_child_process" => {
            rule["processes"] = json!({"effect": effect, "main_only": true});
            notes.add(place, "a fork without a program stays possible; starting a program is what is refused");
        }
        _ => notes.add(
            place,
            "the runtime itself reads the handler, and before FunctionShield was configured it had done so; a policy that holds from the first instruction cannot forbid it",
        ),
    }
}
