//! `palisade import`: what other products' policies mean here, and a line for what they do not.

mod common;

use common::{Done, fed, palisade};
use serde_json::{Value, json};

/// As the API of Prisma Cloud Compute 21.08 gives it: GET /api/v21.08/policies/runtime/serverless
const PRISMA: &str = r##"{"_id": "serverlessRuntime", "learningDisabled": false, "rules": [{
  "modified": "2021-09-24T06:23:11.615Z", "owner": "somebody", "name": "Payments", "previousName": "",
  "collections": [{"hosts": ["*"], "images": ["*"], "labels": ["*"], "containers": ["*"], "functions": ["pay-*", "-pay-canary"], "namespaces": ["*"],
    "appIDs": ["*"], "accountIDs": ["123456789012"], "codeRepos": ["*"], "clusters": ["*"], "name": "Pay", "owner": "x", "color": "#68DCFC", "system": false}],
  "advancedProtection": true,
  "processes": {"effect": "prevent", "blacklist": ["curl", "/usr/bin/nc*", "-wget"], "whitelist": ["bash", "*python3", "-dash"], "checkCryptoMiners": true, "checkLateralMovement": true},
  "network": {"effect": "alert", "blacklistIPs": ["169.254.169.254"], "blacklistListeningPorts": [{"start": 22, "end": 22, "deny": true}],
    "whitelistListeningPorts": [{"start": 8000, "end": 8100, "deny": false}], "blacklistOutboundPorts": [{"start": 25, "end": 25, "deny": true}],
    "whitelistOutboundPorts": [{"start": 443, "end": 443, "deny": false}], "whitelistIPs": ["10.1.2.3/8", "not-an-ip"], "skipModifiedProc": false, "detectPortScan": true, "skipRawSockets": false},
  "dns": {"effect": "block", "whitelist": ["*.Example.com", "storage.googleapis.com", "mid*dle.com"], "blacklist": ["github.com"]},
  "filesystem": {"effect": "prevent", "blacklist": ["/secret/", "*.key"], "whitelist": [], "checkNewFiles": true, "backdoorFiles": false},
  "wildFireAnalysis": "alert"
}, {"name": "Payments", "collections": [{"name": "Unknown"}], "disabled": false, "processes": {"effect": "prevent", "blockAllBinaries": true}},
{"name": "Off", "collections": [{"name": "All"}], "disabled": true, "dns": {"effect": "disable"}}]}"##;

fn import(product: &str, text: &str) -> (Done, Value) {
    let done = fed(&mut palisade(["import", product, "-"]), text.as_bytes());
    let policy = serde_json::from_str(&done.out).unwrap_or(Value::Null);
    (done, policy)
}

#[test]
fn a_policy_of_prisma_is_taken_over_rule_by_rule() {
    let (done, policy) = import("prisma", PRISMA);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(
        policy["rules"][0],
        json!({
            "name": "Payments",
            "scope": {"functions": ["pay-*", "-pay-canary"], "accounts": ["123456789012"]},
            "processes": {"effect": "prevent", "crypto_miners": true, "allow": ["bash", "*python3"], "deny": ["dash", "curl", "/usr/bin/nc*", "/usr/bin/nc*/**"]},
            "network": {"effect": "alert",
                "outbound": {"allow": ["10.0.0.0/8", "*:443"], "deny": ["169.254.169.254", "*:25"]},
                "listen": {"allow": ["8000-8100"], "deny": ["22"]}},
            "dns": {"effect": "prevent", "allow": ["*.example.com", "storage.googleapis.com"], "deny": ["github.com"]},
            "filesystem": {"effect": "prevent", "deny": ["/secret", "/secret/**", "/**/*.key", "/**/*.key/**"]},
        })
    );
    // Nobody knows for which functions it was.
    assert_eq!(
        policy["rules"][1],
        json!({"name": "Payments (2)", "enabled": false, "processes": {"effect": "prevent", "main_only": true}})
    );
    assert_eq!(policy["rules"][2]["enabled"], false);
}

#[test]
fn what_has_no_equal_gets_a_line_with_its_place() {
    let (done, _) = import("prisma", PRISMA);
    for line in [
        "no equal: rules[0].advancedProtection: has no equal",
        "no equal: rules[0].wildFireAnalysis: has no equal",
        "no equal: rules[0].processes.checkLateralMovement: has no equal",
        "no equal: rules[0].processes.blacklist[2]: \"-wget\" takes something out of a deny list",
        "no equal: rules[0].network.detectPortScan: has no equal",
        "no equal: rules[0].network.whitelistIPs[1]: ",
        "no equal: rules[0].dns.effect: \"block\" ends the whole sandbox",
        "no equal: rules[0].dns.whitelist[2]: ",
        "no equal: rules[0].filesystem.checkNewFiles: has no equal",
        "no equal: rules[1].collections[0]: what the collection \"Unknown\" holds is not in the file",
    ] {
        assert!(done.err.contains(line), "{line:?} is not in\n{}", done.err);
    }
    let strict = fed(
        &mut palisade(["import", "--strict", "prisma", "-"]),
        PRISMA.as_bytes(),
    );
    assert_eq!(strict.code, Some(1));
}

/// A star stands for any letters there, slashes and none at all among them.
#[test]
fn wildcards_mean_what_they_did() {
    let text = r#"{"rules": [{"name": "r",
        "processes": {"effect": "prevent", "blacklist": ["/opt/*", "*/bin/xsh", "*nc", "/srv/tool", "*b/c*"]},
        "filesystem": {"effect": "prevent", "blacklist": ["*/environ", "/tmp/x*", "/data/", "*.pem"]}}]}"#;
    let (imported, _) = import("prisma", text);
    let folder = common::Folder::new();
    folder.file("policy.json", &imported.out);
    for (words, verdict) in [
        ("exec --child /opt/a", "prevent"),
        ("exec --child /opt/a/b", "prevent"),
        ("exec --child /optional", "allow"),
        ("exec --child /bin/xsh", "prevent"),
        ("exec --child /a/bin/xsh", "prevent"),
        ("exec --child /a/b/bin/xsh", "prevent"),
        ("exec --child /a/binxsh", "allow"),
        ("exec --child /a/b/nc", "prevent"),
        ("exec --child /a/b/sync", "prevent"),
        ("exec --child /srv/tool", "prevent"),
        ("exec --child /srv/tool/x", "allow"),
        ("exec --child /ab/cd/e", "prevent"),
        ("open /environ", "prevent"),
        ("open /proc/1/environ", "prevent"),
        ("open /tmp/x", "prevent"),
        ("open /tmp/xy/z", "prevent"),
        ("open /tmp/y", "allow"),
        ("open /data", "prevent"),
        ("open /data/a/b", "prevent"),
        ("open /k.pem", "prevent"),
        ("open /a/b/k.pem", "prevent"),
    ] {
        let asked = ["explain", "--policy", "policy.json"]
            .into_iter()
            .chain(words.split(' '));
        let result = common::done(palisade(asked).current_dir(folder.path()));
        assert!(
            result.out.starts_with(verdict),
            "{words}: {result:?}\n{}",
            imported.out
        );
    }
}

/// An empty list allows everything; what a list forbade must not come open because nobody could read its entries.
#[test]
fn a_list_of_which_nothing_is_left_stays_closed() {
    let text = r#"{"rules": [{"name": "r",
        "processes": {"effect": "prevent", "whitelist": ["a*b*c"]},
        "dns": {"effect": "prevent", "whitelist": ["foo*"]},
        "filesystem": {"effect": "prevent", "whitelist": ["/a*b/c"]},
        "network": {"effect": "prevent", "whitelistIPs": ["10.0.0.1-10.0.0.9"], "whitelistListeningPorts": [{"start": 90, "end": 80}]}},
        {"name": "open", "dns": {"effect": "prevent", "whitelist": ["-evil.example"]}, "processes": {"effect": "prevent", "whitelist": []}}]}"#;
    let (imported, policy) = import("prisma", text);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let folder = common::Folder::new();
    folder.file("policy.json", &imported.out);
    for words in [
        "exec --child /usr/bin/x",
        "resolve foo.example",
        "open /b",
        "connect 10.0.0.2:443",
        "listen 85",
    ] {
        let asked = ["explain", "--policy", "policy.json"]
            .into_iter()
            .chain(words.split(' '));
        let result = common::done(palisade(asked).current_dir(folder.path()));
        assert!(result.out.starts_with("prevent"), "{words}: {result:?}");
    }
    assert_eq!(
        imported.err.matches("so that it stays closed").count(),
        5,
        "{}",
        imported.err
    );
    assert_eq!(
        policy["rules"][1]["dns"],
        json!({"effect": "prevent", "deny": ["evil.example"]})
    );
    assert_eq!(
        policy["rules"][1]["processes"],
        json!({"effect": "prevent"})
    );
}

/// Later releases have an effect for each part of a section.
#[test]
fn effects_of_parts_are_told_where_they_differ() {
    let text = r#"{"rules": [{"name": "r",
        "processes": {"defaultEffect": "alert", "deniedList": {"effect": "prevent", "paths": ["nc"]}, "cryptoMinersEffect": "alert"},
        "dns": {"domainList": {"allowed": [], "denied": ["a.b"], "effect": "prevent"}},
        "network": {"defaultEffect": "alert", "denyEffect": "alert", "listeningPorts": {"denied": [{"start": 22, "end": 22}], "effect": "prevent"}}}]}"#;
    let (imported, policy) = import("prisma", text);
    let rule = &policy["rules"][0];
    assert_eq!(rule["processes"]["effect"], "alert");
    assert_eq!(rule["dns"]["effect"], "prevent");
    for (place, said) in [
        ("rules[0].processes.deniedList.effect", true),
        ("rules[0].network.listeningPorts.effect", true),
        ("rules[0].processes.cryptoMinersEffect", false),
        ("rules[0].network.denyEffect", false),
        ("rules[0].dns.domainList.effect", false),
    ] {
        let line = format!("no equal: {place}: ");
        assert_eq!(
            imported.err.contains(&line),
            said,
            "{place}\n{}",
            imported.err
        );
    }
}

#[test]
fn collections_are_alternatives() {
    let text = r#"{"rules": [{"name": "x", "dns": {"effect": "alert", "blacklist": ["a.b"]}, "collections": [
        {"name": "a", "functions": ["a*"], "labels": ["region:eu-west-1"]},
        {"name": "b", "functions": ["b*"], "images": ["only-this"]}]}]}"#;
    let (done, policy) = import("prisma", text);
    assert_eq!(
        policy["rules"][0]["scope"],
        json!({"functions": ["a*"], "regions": ["eu-west-1"]})
    );
    assert_eq!(policy["rules"][1]["scope"], json!({"functions": ["b*"]}));
    assert!(done.err.contains("collections[1].images"), "{}", done.err);
}

#[test]
fn functionshield_is_read_out_of_json_and_out_of_source() {
    let json = r#"{"outbound_connectivity": "block", "read_write_tmp": "alert", "create_child_process": "block", "read_handler": "block"}"#;
    let javascript = "FunctionShield.configure({\n  policy: {\n    // \"block\" mode => active blocking\n    outbound_connectivity: \"block\",\n    read_write_tmp: 'alert', create_child_process: \"block\",\n    // read_handler: \"allow\",\n    read_handler: \"block\" },\n  token: process.env.TOKEN });\n";
    let python = "function_shield.configure({\n  \"policy\": {\n    # comment\n    \"outbound_connectivity\": \"block\", \"read_write_tmp\": \"alert\",\n    \"create_child_process\": \"block\", \"read_handler\": \"block\"\n  }})\n";
    let expected = json!({
        "name": "functionshield",
        "processes": {"effect": "prevent", "main_only": true},
        "network": {"effect": "prevent", "outbound": {"allow": ["*.amazonaws.com:443", "*.api.aws:443"]}},
        "dns": {"effect": "prevent", "allow": ["*.amazonaws.com", "*.api.aws"]},
        "filesystem": {"effect": "alert", "deny": ["/tmp", "/tmp/**"]},
    });
    let dense = "FunctionShield.configure({policy: {outbound_connectivity: 'block', read_write_tmp:'alert',create_child_process:\n'block', read_handler: \"block\"}})";
    for text in [json, javascript, python, dense] {
        let (done, policy) = import("functionshield", text);
        assert_eq!(policy["rules"][0], expected, "{done:?}");
        assert!(
            done.err.contains("no equal: policy.read_handler"),
            "{}",
            done.err
        );
    }
    let (_, allow) = import(
        "functionshield",
        r#"{"read_write_tmp": "allow", "create_child_process": "alert"}"#,
    );
    assert_eq!(
        allow["rules"][0],
        json!({"name": "functionshield", "processes": {"effect": "alert", "main_only": true}})
    );
}

#[test]
fn what_is_no_policy_of_the_product_is_an_error_of_data() {
    for (product, text) in [
        ("prisma", ""),
        ("prisma", "{}"),
        ("prisma", "[]"),
        ("prisma", "{\"rules\": 1}"),
        ("prisma", "{\"rules\": [1]}"),
        ("functionshield", "{}"),
        ("functionshield", "{\"read_write_tmp\": \"maybe\"}"),
        (
            "functionshield",
            "{\"create_child_process\": \"block\", \"read_write_tmp\": true}",
        ),
        (
            "functionshield",
            "policy: {create_child_process: \"block\", read_write_tmp: mode }",
        ),
        (
            "functionshield",
            "policy: {create_child_process: \"block\",\n  read_write_tmp:\n    `block` }",
        ),
    ] {
        let (done, _) = import(product, text);
        assert_eq!(done.code, Some(65), "{product} {text} {done:?}");
        assert_eq!(done.out, "");
    }
}
