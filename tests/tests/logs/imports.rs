//! `palisade import`: what comes out is a policy, and under it a program is refused what the other product would have refused it.

use std::fs;
use std::path::Path;

use palisade_tests::tool;
use serde_json::Value;

use crate::{palisade, run};

/// The policy that a file of another product becomes, which `check` has to find good.
fn imported(folder: &Path, product: &str, text: &str) -> Value {
    let said = palisade(folder, &["import", product, "-"], text.as_bytes());
    assert_eq!(said.code, Some(0), "{said:?}");
    let checked = palisade(folder, &["check", "-"], said.out.as_bytes());
    assert_eq!(checked.code, Some(0), "{checked:?}");
    serde_json::from_str(&said.out).expect("a policy")
}

/// `(act, whether it is refused)`, with `{}` for the folder.
fn does(folder: &Path, policy: &Value, acts: &[(&[&str], bool)]) {
    for (act, refused) in acts {
        let act: Vec<String> = act
            .iter()
            .map(|word| word.replace("{}", &folder.display().to_string()))
            .collect();
        let words: Vec<&str> = act.iter().map(String::as_str).collect();
        let outcome = run(folder, policy, &words);
        assert_eq!(
            outcome.code(),
            i32::from(*refused),
            "{act:?}\n{policy:#}\n{}",
            outcome.story()
        );
    }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["curl", "tool", "Tool"] {
        fs::copy(tool("true"), folder.path().join(name)).expect("a program");
    }
    fs::create_dir(folder.path().join("secret")).expect("a folder");
    for name in ["secret/inner", "a.key", "plain"] {
        fs::write(folder.path().join(name), "x").expect("a file");
    }
    folder
}

#[test]
fn a_policy_of_prisma_refuses_what_it_refused() {
    let folder = folder();
    let here = folder.path().canonicalize().expect("a path");
    let text = r##"{"_id": "serverlessRuntime", "rules": [{
        "name": "all", "collections": [{"name": "All", "functions": ["*"], "labels": ["*"], "accountIDs": ["*"]}],
        "processes": {"effect": "prevent", "blacklist": ["CURL", "*/Tool"], "whitelist": [], "checkCryptoMiners": true},
        "network": {"effect": "prevent", "blacklistIPs": ["198.51.100.9/24"], "whitelistIPs": [],
            "whitelistOutboundPorts": [{"start": 443, "end": 445, "deny": false}], "blacklistOutboundPorts": [{"start": 444, "end": 444, "deny": true}],
            "whitelistListeningPorts": [{"start": 8000, "end": 8100, "deny": false}], "blacklistListeningPorts": []},
        "dns": {"effect": "prevent", "whitelist": ["*Example.com", "-evil.example.com"], "blacklist": []},
        "filesystem": {"effect": "prevent", "blacklist": ["HERE/secret/", "*.key"], "whitelist": []}
    }]}"##
        .replace("HERE", &here.display().to_string());
    let policy = imported(&here, "prisma", &text);
    does(
        &here,
        &policy,
        &[
            (&["exec", "{}/curl"], true),
            (&["exec", "{}/Tool"], true),
            (&["exec", "/usr/bin/true"], false),
            (&["connect", "192.0.2.1", "443"], false),
            (&["connect", "192.0.2.1", "444"], true),
            (&["connect", "192.0.2.1", "446"], true),
            (&["connect", "198.51.100.77", "443"], true),
            (&["listen", "8100"], false),
            (&["listen", "8101"], true),
            (&["resolve", "api.example.COM"], false),
            (&["resolve", "evil.example.com"], true),
            (&["resolve", "example.net"], true),
            (&["read", "{}/secret/inner"], true),
            (&["write", "{}/secret/new"], true),
            (&["read", "{}/a.key"], true),
            (&["read", "{}/plain"], false),
        ],
    );
}

#[test]
fn all_processes_but_the_main_one_is_main_only() {
    let folder = folder();
    let text = r#"{"rules": [{"name": "x", "processes": {"effect": "prevent", "blockAllBinaries": true}}]}"#;
    let policy = imported(folder.path(), "prisma", text);
    does(
        folder.path(),
        &policy,
        &[
            (&["exec", "/usr/bin/true"], true),
            (&["read", "{}/plain"], false),
        ],
    );
}

#[test]
fn a_policy_of_functionshield_refuses_what_it_refused() {
    let folder = folder();
    let text = "FunctionShield.configure({ policy: { outbound_connectivity: 'block', read_write_tmp: 'block', create_child_process: 'block', read_handler: 'block' } })";
    let policy = imported(folder.path(), "functionshield", text);
    let scratch = tempfile::tempdir_in("/tmp").expect("a folder");
    let file = scratch.path().join("x").display().to_string();
    does(
        folder.path(),
        &policy,
        &[
            (&["exec", "/usr/bin/true"], true),
            (&["resolve", "example.com"], true),
            (&["resolve", "sqs.eu-west-1.amazonaws.com"], false),
            (&["connect", "192.0.2.1", "443"], true),
            (&["connect", "127.0.0.1", "9001"], false),
            (&["write", &file], true),
            (&["read", "/tmp"], true),
            (&["read", "/etc/hostname"], false),
        ],
    );
}
