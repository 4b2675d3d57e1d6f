//! Mistakes around the rules: in the syntax, in the whole, in the value of an environment variable; and what is too much.

use crate::{in_rule, problems};
use palisade_policy::{decode, parse};

#[test]
fn each_mistake_around_the_rules_is_named() {
    for (text, place, gist) in [
        ("[]", "", "an array"),
        ("7", "", "a number"),
        ("{}", "version", "missing"),
        (r#"{"rules":[{}]}"#, "version", "missing"),
        (r#"{"version":1}"#, "rules", "missing"),
        (
            r#"{"version":2,"rules":[{}]}"#,
            "version",
            "not known; expected 1",
        ),
        (r#"{"version":1.0,"rules":[{}]}"#, "version", "expected 1"),
        (
            r#"{"version":"1","rules":[{}]}"#,
            "version",
            "a string; expected the number 1",
        ),
        (
            r#"{"version":1,"mode":"learning","rules":[{}]}"#,
            "mode",
            "did you mean `learn`?); expected `enforce` or `learn`",
        ),
        (
            r#"{"version":1,"mode":true,"rules":[{}]}"#,
            "mode",
            "this is a boolean; expected `enforce` or `learn`",
        ),
        (r#"{"version":1,"rules":[]}"#, "rules", "at least one rule"),
        (
            r#"{"version":1,"rules":{}}"#,
            "rules",
            "an object; expected an array of rules",
        ),
        (
            r#"{"version":1,"rules":[[]]}"#,
            "rules[0]",
            "an array; expected an object",
        ),
        (
            r#"{"version":1,"rule":[],"rules":[{}]}"#,
            "rule",
            "did you mean `rules`",
        ),
        (
            r#"{"version":1,"rules":[{"name":"a"},{"name":"b"},{"name":"a"}]}"#,
            "rules[2].name",
            "rules[0] has the same name",
        ),
        (
            r#"{"$schema":1,"version":1,"rules":[{}]}"#,
            "$schema",
            "a number",
        ),
        (
            r#"{"version":1,"version":1,"rules":[{}]}"#,
            "version",
            "twice",
        ),
    ] {
        let found = problems(text);
        assert!(
            found
                .iter()
                .any(|p| p.place == place && p.to_string().contains(gist)),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn every_mistake_is_said_at_once_and_with_its_line() {
    let text = "{\n  \"version\": 2,\n  \"rules\": [\n    {\n      \"dns\": { \"effect\": \"x\", \"allow\": [\"ok.com\", \"a b\"] },\n      \"extra\": 1\n    }\n  ]\n}";
    let found: Vec<(String, Option<usize>, Option<usize>)> = problems(text)
        .into_iter()
        .map(|p| (p.place, p.line, p.column))
        .collect();
    assert_eq!(
        found,
        [
            ("version".to_owned(), Some(2), Some(14)),
            ("rules[0].extra".to_owned(), Some(6), Some(7)),
            ("rules[0].dns.effect".to_owned(), Some(5), Some(26)),
            ("rules[0].dns.allow[1]".to_owned(), Some(5), Some(51)),
        ]
    );
}

#[test]
fn a_syntax_error_has_its_line_and_column() {
    for (text, line, column, gist) in [
        ("", 1, 1, "is empty"),
        ("\n \n", 3, 1, "is empty"),
        ("version: 1\nrules: []\n", 1, 1, "YAML has to be converted"),
        ("---\nversion: 1\n", 1, 1, "YAML has to be converted"),
        ("# policy\nversion: 1\n", 1, 1, "YAML has to be converted"),
        ("- name: x\n", 1, 1, "YAML has to be converted"),
        ("{\"a\":", 1, 6, "text ends"),
        ("{", 1, 2, "field name"),
        ("{\n  \"version\": 1,\n}", 3, 1, "field name"),
        ("{\"version\": 1 \"rules\": []}", 1, 15, "not closed"),
        ("{\"a\": [1,]}", 1, 10, "comma too many"),
        ("{'a': 1}", 1, 2, "double quotes"),
        ("{\"a\": 'x'}", 1, 7, "single quotes"),
        ("{\"a\": 1} x", 1, 10, "goes on"),
        ("// policy\n{}", 1, 1, "no comments"),
        ("{\"a\": tru}", 1, 7, "does not begin a value"),
        ("{\"a\": 01}", 1, 8, "leading zero"),
        ("{\"a\": 1.}", 1, 9, "not a number"),
        ("{\"a\": -}", 1, 8, "not a number"),
        ("{\"a\": \"x\n\"}", 1, 9, "control character"),
        ("{\"a\": \"\\x\"}", 1, 9, "no such escape"),
        ("{\"a\": \"\\ud800\"}", 1, 14, "surrogate"),
        ("{\"a\": \"\\u12\"}", 1, 10, "hexadecimal"),
        ("{\"a\": \"x", 1, 9, "not closed"),
        ("{\"é\": é}", 1, 7, "does not begin a value"),
        ("{\"a\" 1}", 1, 6, "no value"),
    ] {
        let found = problems(text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(
            (found[0].line, found[0].column),
            (Some(line), Some(column)),
            "{text}: {}",
            found[0]
        );
        assert!(
            found[0]
                .to_string()
                .starts_with(&format!("line {line}, column {column}: ")),
            "{}",
            found[0]
        );
        assert!(found[0].to_string().contains(gist), "{text}: {}", found[0]);
    }
    let found = parse(b"{\"a\":\n \"\xff\"}").unwrap_err();
    assert_eq!((found[0].line, found[0].column), (Some(2), Some(3)));
    assert!(found[0].to_string().contains("0xff"));
}

#[test]
fn what_is_too_much_is_refused() {
    let long = format!(
        "{{\"version\":1,\"rules\":[{{\"name\":\"{}\"}}]}}",
        "x".repeat(1 << 20)
    );
    assert!(problems(&long)[0].message.contains("too long"));
    assert!(problems(&"[".repeat(100_000))[0].message.contains("nested"));
    let label = format!(
        r#""dns":{{"effect":"alert","allow":["{}.com"]}}"#,
        "a".repeat(64)
    );
    assert!(problems(&in_rule(&label))[0].message.contains("label"));
    let name = format!(
        r#""dns":{{"effect":"alert","allow":["{}com"]}}"#,
        "abcdefg.".repeat(32)
    );
    assert!(
        problems(&in_rule(&name))[0]
            .message
            .contains("name is longer")
    );
    let braces = format!(
        r#""filesystem":{{"effect":"alert","deny":["/{}"]}}"#,
        "{a,b}".repeat(10)
    );
    assert!(
        problems(&in_rule(&braces))[0]
            .message
            .contains("1,000 alternatives")
    );
    let name = format!(r#""name":"{}""#, "x".repeat(129));
    assert!(problems(&in_rule(&name))[0].expected.contains("128"));
    let rules = format!(
        "{{\"version\":1,\"rules\":[{}]}}",
        vec!["{}"; 1001].join(",")
    );
    assert_eq!(problems(&rules)[0].place, "rules");
    let entries = format!(
        r#""dns":{{"effect":"alert","deny":[{}]}}"#,
        vec!["\"a.b\""; 10_001].join(",")
    );
    assert_eq!(problems(&in_rule(&entries))[0].place, "rules[0].dns.deny");
    // Wherever the braces stand.
    let (braces, plain) = ("{a,b}".repeat(9), "x".repeat(1000));
    for pattern in [format!("/{braces}{plain}"), format!("/{plain}/{braces}")] {
        let wide = format!(r#""filesystem":{{"effect":"alert","deny":["{pattern}"]}}"#);
        assert!(problems(&in_rule(&wide))[0].message.contains("256 KiB"));
    }
    let entry = format!("\"/{}{}\"", "{a,b}".repeat(9), "x".repeat(400));
    let entries = format!(
        r#""filesystem":{{"effect":"alert","deny":[{}]}}"#,
        vec![entry; 30].join(",")
    );
    let found = problems(&in_rule(&entries));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].message.contains("too long together"),
        "{}",
        found[0]
    );
}

#[test]
fn a_policy_in_utf_16_is_told_how_to_become_utf_8() {
    let text = r#"{"version":1,"rules":[{}]}"#;
    let units = |order: fn(u16) -> [u8; 2], text: &str| -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    };
    let marked = format!("\u{feff}{text}");
    for wide in [
        units(u16::to_le_bytes, &marked),
        units(u16::to_be_bytes, &marked),
        units(u16::to_le_bytes, text),
        units(u16::to_be_bytes, text),
        units(u16::to_le_bytes, &format!("\r\n{text}")),
    ] {
        let found = parse(&wide).unwrap_err();
        assert_eq!(found.len(), 1, "{found:?}");
        let told = found[0].to_string();
        assert!(told.contains("iconv -f UTF-16 -t UTF-8"), "{told}");
        // As PowerShell's `[Text.Encoding]::Unicode` gives it to base64.
        let value = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &wide);
        let decoded = decode(value.as_bytes()).expect("base64");
        let told = parse(&decoded).unwrap_err()[0].to_string();
        assert!(told.contains("iconv -f UTF-16 -t UTF-8"), "{told}");
    }
    assert!(parse(format!("\u{feff}{text}").as_bytes()).is_ok());
}

#[test]
fn a_long_value_is_cut_and_a_hostile_one_is_harmless() {
    let found = problems(&in_rule(&format!(
        r#""{}":"{}""#,
        "k".repeat(3000),
        "v".repeat(3000)
    )));
    assert!(found[0].to_string().len() < 700, "{}", found[0]);
    let found = problems(&in_rule(r#""x\u001b[2J\n":"\u001b\u0007\n""#));
    assert!(
        !found[0].to_string().contains(['\u{1b}', '\n', '\u{7}']),
        "{}",
        found[0]
    );
}

#[test]
fn what_looks_unusual_and_is_right_is_taken() {
    for text in [
        "\u{feff}{\"version\":1,\"rules\":[{}]}",
        " \t\r\n{ \"version\" : 1 , \"rules\" : [ { } ] } \n",
        r#"{"$schema":"./x.json","version":1,"rules":[{"name":"\u00e9 \ud83d\ude00"}]}"#,
        r#"{"version":1,"rules":[{"processes":{"effect":"disable"},"dns":{"effect":"disable","allow":["_srv._tcp.example.com","xn--bcher-kva.de","*","*.co","A-b.C"]}}]}"#,
        r#"{"version":1,"rules":[{"processes":{"effect":"alert","main_only":true,"allow":[]}}]}"#,
        r#"{"version":1,"rules":[{"filesystem":{"effect":"alert","deny":["**","/","**/.env","/**/x","{/a,/b}/**","/...","/a/..b","/.ssh"]}}]}"#,
        r#"{"version":1,"rules":[{"network":{"effect":"alert","outbound":{"allow":["0.0.0.0/0","::/0","[::]:80","::","*"]},"listen":{"allow":["1-65535"]}}}]}"#,
    ] {
        assert!(
            parse(text.as_bytes()).is_ok(),
            "{text}: {:?}",
            parse(text.as_bytes()).unwrap_err()
        );
    }
}

mod values {
    use super::decode;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
    use std::io::Write as _;

    const TEXT: &[u8] = br#"{"version":1,"rules":[{}]}"#;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn a_value_is_json_or_base64_of_it_or_base64_of_its_gzip() {
        let spaced = [b" \n".as_slice(), TEXT, b"\n"].concat();
        let wrapped: Vec<u8> = STANDARD
            .encode(gzip(TEXT))
            .as_bytes()
            .chunks(20)
            .flat_map(|c| [c, b"\n".as_slice()].concat())
            .collect();
        for value in [
            TEXT.to_vec(),
            spaced,
            STANDARD.encode(TEXT).into_bytes(),
            STANDARD_NO_PAD.encode(TEXT).into_bytes(),
            URL_SAFE.encode(TEXT).into_bytes(),
            STANDARD.encode(gzip(TEXT)).into_bytes(),
            wrapped,
        ] {
            assert_eq!(
                decode(&value).unwrap().as_ref(),
                TEXT,
                "{}",
                String::from_utf8_lossy(&value)
            );
        }
    }

    #[test]
    fn anything_else_is_no_policy() {
        let cut = STANDARD.encode(&gzip(TEXT)[..20]);
        let mut damaged = gzip(TEXT);
        let last = damaged.len() - 5;
        damaged[last] ^= 1;
        let bomb = STANDARD.encode(gzip(&vec![b' '; (1 << 20) + 1]));
        for (value, gist) in [
            ("", "empty"),
            ("  \n", "empty"),
            ("/opt/policy.json!", "neither JSON nor base64"),
            ("aGVsbG8=", "something else"),
            ("\u{fffd}", "neither"),
            (cut.as_str(), "damaged"),
            (STANDARD.encode(&damaged).as_str(), "damaged"),
            (bomb.as_str(), "too long"),
        ] {
            let problem = decode(value.as_bytes()).unwrap_err();
            assert!(problem.to_string().contains(gist), "{value}: {problem}");
            assert!(!problem.expected.is_empty());
        }
    }
}
