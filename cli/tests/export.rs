//! `palisade audits --to`: what other systems take, judged by copies of their own schemas, from honest logs and from hostile ones.

mod common;
#[path = "common/samples.rs"]
mod samples;

use common::{fed, palisade};
use jsonschema::{Validator, options};
use palisade_audit::Access;
use palisade_policy::Reason;
use samples::{Speaker, forged, learnt, mixed};
use serde_json::{Value, json};

const PAY: Speaker = Speaker::PAY;

const OCSF: &str = include_str!("schemas/ocsf.json");
const ECS: &str = include_str!("schemas/ecs.json");
const ASFF: &str = include_str!("schemas/asff.json");

/// Every kind of audit with every effect, and what only looks like one.
fn log() -> String {
    [
        mixed(),
        PAY.alerts()
            .open("/srv/x", Access::ReadWrite, Reason::Unlisted),
        PAY.connect("[2001:db8::1]:443"),
        learnt(&PAY.alerts().resolve("api.example.com")),
        PAY.resolve(&"long.".repeat(60)),
        PAY.exec(
            &format!("/opt/{}", "deep/".repeat(200)),
            &"word ".repeat(400),
            Reason::Denied,
        ),
        forged().concat(),
    ]
    .concat()
}

fn export(log: &str, to: &[&str]) -> Vec<Value> {
    let result = fed(
        &mut palisade([&["audits", "--to"], to].concat()),
        log.as_bytes(),
    );
    assert_eq!(result.code, Some(0), "{result:?}");
    result
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn schema(text: &str) -> Value {
    serde_json::from_str(text).expect("a schema")
}

fn validator(schema: &Value) -> Validator {
    options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a schema")
}

#[track_caller]
fn fits(validator: &Validator, value: &Value) {
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

#[test]
fn ocsf_events_are_of_the_published_schema() {
    let published = schema(OCSF);
    let class = |uid: &str| {
        let mut class = published["classes"][uid].clone();
        class["$defs"] = published["$defs"].clone();
        validator(&class)
    };
    let events = export(&log(), &["ocsf", "--account", "123456789012"]);
    assert_eq!(events.len(), 12 + forged().len());
    let mut classes = std::collections::BTreeSet::new();
    for event in &events {
        let uid = event["class_uid"].as_u64().expect("a number").to_string();
        fits(&class(&uid), event);
        captions(&published["classes"][&uid], event, &published["$defs"]);
        assert_eq!(event["metadata"]["version"], "1.6.0");
        assert!(
            event["time"]
                .as_i64()
                .is_some_and(|time| time == 0 || time > 1_600_000_000_000),
            "milliseconds"
        );
        classes.insert(uid);
    }
    // Every class of them, so that none is left unlooked at.
    let known: Vec<&String> = published["classes"]
        .as_object()
        .expect("classes")
        .keys()
        .collect();
    assert_eq!(classes.iter().collect::<Vec<_>>(), known);
    let control = |event: &Value| json!([event["action"], event["disposition"], event["is_alert"]]);
    assert_eq!(control(&events[0]), json!(["Denied", "Blocked", true]));
    assert_eq!(control(&events[2]), json!(["Observed", "Alert", true]));
    let learnt = events
        .iter()
        .find(|event| event["query"]["hostname"] == "api.example.com")
        .expect("what was learnt");
    assert_eq!(control(learnt), json!(["Observed", "Logged", false]));
}

/// Beside each number that stands for a word, the word, as the schema spells it: by objects, all the way down.
#[track_caller]
fn captions(shape: &Value, value: &Value, definitions: &Value) {
    let members = value.as_object().expect("an object");
    for (name, pair) in shape["captions"].as_object().into_iter().flatten() {
        let (Some(number), Some(word)) = (
            members.get(name),
            members.get(pair["beside"].as_str().expect("a name")),
        ) else {
            continue;
        };
        // 99 is "other": then the word is the source's own.
        if number != 99 {
            assert_eq!(
                *word,
                pair["captions"][number.to_string()],
                "{name} in {value}"
            );
        }
    }
    for (name, member) in members {
        let property = &shape["properties"][name];
        let items = if member.is_array() {
            &property["items"]
        } else {
            property
        };
        let Some(kind) = items["$ref"]
            .as_str()
            .and_then(|path| path.strip_prefix("#/$defs/"))
        else {
            continue;
        };
        for one in member
            .as_array()
            .map_or(vec![member], |items| items.iter().collect())
        {
            if one.is_object() {
                captions(&definitions[kind], one, definitions);
            }
        }
    }
}

#[test]
fn ecs_documents_have_only_fields_and_values_of_ecs() {
    let validator = validator(&schema(ECS));
    let documents = export(&log(), &["ecs", "--account", "123456789012"]);
    assert_eq!(documents.len(), 12 + forged().len());
    for document in &documents {
        fits(&validator, document);
    }
    let first = &documents[0];
    assert_eq!(first["@timestamp"], "2023-11-14T22:13:20.123456Z");
    assert_eq!(first["dns"]["question"]["name"], "yahoo.com");
    assert_eq!(first["event"]["type"], json!(["protocol", "denied"]));
}

/// One finding that is not as it must be, and AWS takes none of its batch: an attacker who can write to the log would hide the others.
#[test]
fn asff_findings_keep_every_limit_even_where_the_audit_is_forged() {
    let validator = validator(&schema(ASFF));
    let batches = export(&log(), &["asff", "--account", "123456789012"]);
    for batch in &batches {
        fits(&validator, batch);
    }
    let findings: Vec<&Value> = batches
        .iter()
        .flat_map(|batch| batch.as_array().expect("an array"))
        .collect();
    // Notices, and what was learnt, are none.
    let attacks: Vec<&str> = findings
        .iter()
        .filter_map(|finding| finding["ProductFields"]["palisade/attack"].as_str())
        .take(7)
        .collect();
    assert_eq!(
        attacks,
        [
            "unlisted-domain",
            "unlisted-destination",
            "unlisted-port",
            "unexpected-process",
            "denied-file",
            "unlisted-process",
            "unlisted-file"
        ]
    );
    let domains: Vec<&str> = findings
        .iter()
        .filter_map(|finding| finding["Action"]["DnsRequestAction"]["Domain"].as_str())
        .collect();
    assert!(
        domains.contains(&"yahoo.com") && !domains.contains(&"api.example.com"),
        "{domains:?}"
    );
}

#[test]
fn findings_come_in_batches_that_aws_takes() {
    let many: String = (0..250)
        .map(|number| PAY.resolve(&format!("n{number}.example")))
        .collect();
    let batches = export(&many, &["asff", "--account", "123456789012"]);
    let sizes: Vec<usize> = batches
        .iter()
        .map(|batch| batch.as_array().expect("an array").len())
        .collect();
    assert_eq!(sizes, [100, 100, 50]);
    // The same audit is the same finding, and no other is.
    let again = export(&many, &["asff", "--account", "123456789012"]);
    assert_eq!(batches, again);
    let ids: std::collections::BTreeSet<&str> = batches
        .iter()
        .flat_map(|batch| batch.as_array().expect("an array"))
        .map(|finding| finding["Id"].as_str().expect("text"))
        .collect();
    assert_eq!(ids.len(), 250);
    for wrong in [
        &["asff"][..],
        &["asff", "--account", "12"],
        &["ocsf", "--account", "x"],
    ] {
        assert_eq!(
            fed(&mut palisade([&["audits", "--to"], wrong].concat()), b"").code,
            Some(2),
            "{wrong:?}"
        );
    }
}

/// A schema that takes everything would prove nothing.
#[test]
fn the_schemas_refuse_what_is_wrong() {
    let published = schema(OCSF);
    let mut class = published["classes"]["4003"].clone();
    class["$defs"] = published["$defs"].clone();
    let log = PAY.resolve("yahoo.com");
    let account = "123456789012";
    for (validator, good, places) in [
        (
            validator(&class),
            export(&log, &["ocsf"]).remove(0),
            &[
                ("/query/hostname", Value::Null),
                ("/severity_id", json!(7)),
                ("/metadata/color", json!("x")),
                ("/src_endpoint/ip", json!("x")),
            ][..],
        ),
        (
            validator(&schema(ECS)),
            export(&log, &["ecs"]).remove(0),
            &[
                ("/@timestamp", json!("x")),
                ("/event/kind", json!("x")),
                ("/dns/colour", json!("x")),
                ("/event/type", json!(["deletion"])),
            ],
        ),
        (
            validator(&schema(ASFF)),
            export(&log, &["asff", "--account", account]).remove(0),
            &[
                ("/0/Title", json!(" ")),
                ("/0/Region", json!("x".repeat(17))),
                ("/0/Severity/Label", json!("BAD")),
                ("/0/Resources", json!([])),
            ],
        ),
    ] {
        fits(&validator, &good);
        for (place, value) in places {
            let mut bad = good.clone();
            let (parent, name) = place.rsplit_once('/').expect("a path");
            bad.pointer_mut(parent).expect("a parent")[name] = value.clone();
            assert!(!validator.is_valid(&bad), "{place}: {value}");
        }
    }
}
