//! Every kind of mistake in a policy is said with its place, the value, and what would be right.

use palisade_policy::{Problem, decode, parse};

fn problems(text: &str) -> Vec<Problem> {
    parse(text.as_bytes()).expect_err(text)
}

fn in_rule(rule: &str) -> String {
    format!("{{\"version\":1,\"rules\":[{{{rule}}}]}}")
}

/// Each row: a rule with one mistake, its place, a part of the value, and parts of the message or of what is expected.
#[test]
fn each_mistake_in_a_rule_is_named_with_its_place() {
    let rows: &[(&str, &str, &str, &[&str])] = &[
        // Fields.
        (
            r#""proceses":{}"#,
            "rules[0].proceses",
            "{}",
            &["unknown field", "did you mean `processes`"],
        ),
        (
            r#""process":{}"#,
            "rules[0].process",
            "{}",
            &["did you mean `processes`"],
        ),
        (
            r#""file_system":{}"#,
            "rules[0].file_system",
            "{}",
            &["did you mean `filesystem`"],
        ),
        (
            r#""zebra":1"#,
            "rules[0].zebra",
            "1",
            &["unknown field", "expected one of `name`, `enabled`"],
        ),
        (
            r#""dns":{"effect":"alert","Allow":[]}"#,
            "rules[0].dns.Allow",
            "[]",
            &["did you mean `allow`"],
        ),
        (
            r#""processes":{"effect":"alert","main-only":true}"#,
            "rules[0].processes.main-only",
            "true",
            &["did you mean `main_only`"],
        ),
        (
            r#""processes":{"effect":"alert","cryptominers":true}"#,
            "rules[0].processes.cryptominers",
            "true",
            &["did you mean `crypto_miners`"],
        ),
        (
            r#""network":{"effect":"alert","allow":["1.1.1.1"]}"#,
            "rules[0].network.allow",
            "[\"1.1.1.1\"]",
            &["unknown field"],
        ),
        (r#""a b":1"#, "rules[0].\"a b\"", "1", &["unknown field"]),
        (
            r#""name":"x","name":"y""#,
            "rules[0].name",
            "\"y\"",
            &["twice"],
        ),
        (
            r#""dns":{"effect":"alert","deny":["a.b"],"deny":[]}"#,
            "rules[0].dns.deny",
            "[]",
            &["twice"],
        ),
        // Types.
        (
            r#""enabled":"yes""#,
            "rules[0].enabled",
            "\"yes\"",
            &["a string", "`true` or `false`"],
        ),
        (r#""enabled":1"#, "rules[0].enabled", "1", &["a number"]),
        (r#""name":7"#, "rules[0].name", "7", &["a number", "a name"]),
        (r#""name":"""#, "rules[0].name", "\"\"", &["empty"]),
        (
            r#""name":"a\nb""#,
            "rules[0].name",
            "\"a\\nb\"",
            &["control character"],
        ),
        (
            r#""scope":[]"#,
            "rules[0].scope",
            "[]",
            &["an array", "an object"],
        ),
        (
            r#""dns":null"#,
            "rules[0].dns",
            "null",
            &["null", "an object"],
        ),
        (
            r#""dns":{"effect":"alert","allow":"x.com"}"#,
            "rules[0].dns.allow",
            "\"x.com\"",
            &["a string", "an array of names"],
        ),
        (
            r#""dns":{"effect":"alert","allow":[["x.com"]]}"#,
            "rules[0].dns.allow[0]",
            "[\"x.com\"]",
            &["an array", "a host name"],
        ),
        // Scope.
        (
            r#""scope":{"functions":"pay"}"#,
            "rules[0].scope.functions",
            "\"pay\"",
            &["a string", "an array"],
        ),
        (
            r#""scope":{"functions":["-"]}"#,
            "rules[0].scope.functions[0]",
            "\"-\"",
            &["excludes nothing"],
        ),
        (
            r#""scope":{"functions":[""]}"#,
            "rules[0].scope.functions[0]",
            "\"\"",
            &["empty"],
        ),
        (
            r#""scope":{"region":["eu-*"]}"#,
            "rules[0].scope.region",
            "[\"eu-*\"]",
            &["did you mean `regions`"],
        ),
        (
            r#""scope":{"accounts":[123456789012]}"#,
            "rules[0].scope.accounts[0]",
            "123456789012",
            &["a number"],
        ),
        // Effect.
        (
            r#""dns":{"allow":["x.com"]}"#,
            "rules[0].dns.effect",
            "",
            &["missing", "\"prevent\""],
        ),
        (
            r#""dns":{"effect":"prevnt"}"#,
            "rules[0].dns.effect",
            "\"prevnt\"",
            &["did you mean `prevent`"],
        ),
        (
            r#""dns":{"effect":"block"}"#,
            "rules[0].dns.effect",
            "\"block\"",
            &["did you mean `prevent`"],
        ),
        (
            r#""dns":{"effect":"Alert"}"#,
            "rules[0].dns.effect",
            "\"Alert\"",
            &["did you mean `alert`"],
        ),
        (
            r#""dns":{"effect":true}"#,
            "rules[0].dns.effect",
            "true",
            &["a boolean"],
        ),
        (
            r#""dns":{"effect":"zebra"}"#,
            "rules[0].dns.effect",
            "\"zebra\"",
            &["no such effect"],
        ),
        // Processes.
        (
            r#""processes":{"effect":"alert","main_only":true,"allow":["git"]}"#,
            "rules[0].processes.main_only",
            "true",
            &["either `main_only` or `allow`"],
        ),
        (
            r#""processes":{"effect":"alert","deny":["bin/sh"]}"#,
            "rules[0].processes.deny[0]",
            "\"bin/sh\"",
            &["relative"],
        ),
        (
            r#""processes":{"effect":"alert","deny":["/bin/[a"]}"#,
            "rules[0].processes.deny[0]",
            "\"/bin/[a\"",
            &["`[` is not closed"],
        ),
        (
            r#""processes":{"effect":"alert","deny":[""]}"#,
            "rules[0].processes.deny[0]",
            "\"\"",
            &["empty"],
        ),
        // Addresses.
        (
            r#""network":{"effect":"alert","outbound":{"allow":["1.1.1.1","10.0.0.1/8"]}}"#,
            "rules[0].network.outbound.allow[1]",
            "\"10.0.0.1/8\"",
            &["`10.0.0.0/8`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["[2001:db8::1/32]:443"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "2001",
            &["`2001:db8::/32`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["10.0.0.0/33"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "/33",
            &["not a prefix length", "`/32`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["10.0.0.0/08"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "/08",
            &["not a prefix length"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["10.0.0.256"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "10.0.0.256",
            &["not an IPv4 address"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["10.0.0"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "10.0.0",
            &["four numbers"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["2001:::1"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "2001:::1",
            &["not an IPv6 address"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"deny":["fe80::1%eth0"]}}"#,
            "rules[0].network.outbound.deny[0]",
            "fe80",
            &["interface"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["api.stripe.com:443"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "stripe",
            &["host names", "`dns` section"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["https://1.1.1.1"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "https",
            &["URL"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["[::1"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "[::1",
            &["not closed"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["[2001:db8::]/32"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "/32",
            &["`[2001:db8::/32]`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":[10]}}"#,
            "rules[0].network.outbound.allow[0]",
            "10",
            &["a number"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"loopback":"no"}}"#,
            "rules[0].network.outbound.loopback",
            "\"no\"",
            &["`true` or `false`"],
        ),
        // Ports.
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:0"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "*:0",
            &["port 0"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:65536"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "65536",
            &["larger than any port"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:90-80"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "90-80",
            &["wrong way round", "`80-90`"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:https"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "https",
            &["not a port"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "*:",
            &["port is missing"],
        ),
        (
            r#""network":{"effect":"alert","outbound":{"allow":["*:*"]}}"#,
            "rules[0].network.outbound.allow[0]",
            "*:*",
            &["no port at all"],
        ),
        (
            r#""network":{"effect":"alert","listen":{"allow":[0]}}"#,
            "rules[0].network.listen.allow[0]",
            "0",
            &["no such port"],
        ),
        (
            r#""network":{"effect":"alert","listen":{"allow":[8080.5]}}"#,
            "rules[0].network.listen.allow[0]",
            "8080.5",
            &["no such port"],
        ),
        (
            r#""network":{"effect":"alert","listen":{"allow":["9100-9000"]}}"#,
            "rules[0].network.listen.allow[0]",
            "9100-9000",
            &["`9000-9100`"],
        ),
        (
            r#""network":{"effect":"alert","listen":{"deny":["127.0.0.1:80"]}}"#,
            "rules[0].network.listen.deny[0]",
            "127",
            &["whatever the address"],
        ),
        (
            r#""network":{"effect":"alert","listen":[8080]}"#,
            "rules[0].network.listen",
            "[8080]",
            &["an array", "an object"],
        ),
        // Names.
        (
            r#""dns":{"effect":"alert","allow":["https://x.com/"]}"#,
            "rules[0].dns.allow[0]",
            "https",
            &["URL", "host name"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["x.com:443"]}"#,
            "rules[0].dns.allow[0]",
            "443",
            &["no port"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["a.*.com"]}"#,
            "rules[0].dns.allow[0]",
            "a.*.com",
            &["wildcard can only stand in front"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["a..com"]}"#,
            "rules[0].dns.allow[0]",
            "a..com",
            &["label is empty"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["*."]}"#,
            "rules[0].dns.allow[0]",
            "*.",
            &["label is empty"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["a b.com"]}"#,
            "rules[0].dns.allow[0]",
            "a b",
            &["cannot hold"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["bücher.de"]}"#,
            "rules[0].dns.allow[0]",
            "bücher",
            &["xn--"],
        ),
        (
            r#""dns":{"effect":"alert","allow":["2001:db8::1"]}"#,
            "rules[0].dns.allow[0]",
            "2001",
            &["`network.outbound`"],
        ),
        // Files.
        (
            r#""filesystem":{"effect":"alert","deny":["etc/passwd"]}"#,
            "rules[0].filesystem.deny[0]",
            "etc/passwd",
            &["relative"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["*.pem"]}"#,
            "rules[0].filesystem.deny[0]",
            "*.pem",
            &["`**/`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["~/.ssh/*"]}"#,
            "rules[0].filesystem.deny[0]",
            "~",
            &["home directory"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/etc/"]}"#,
            "rules[0].filesystem.deny[0]",
            "/etc/",
            &["does not end in `/`", "`/**`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a/../b"]}"#,
            "rules[0].filesystem.deny[0]",
            "/a/../b",
            &["`..`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a/./b"]}"#,
            "rules[0].filesystem.deny[0]",
            "/a/./b",
            &["`.`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a//b"]}"#,
            "rules[0].filesystem.deny[0]",
            "/a//b",
            &["`//`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a\u0000b"]}"#,
            "rules[0].filesystem.deny[0]",
            "\\u0000",
            &["NUL"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/{a,b"]}"#,
            "rules[0].filesystem.deny[0]",
            "/{a,b",
            &["`{` is not closed"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a}"]}"#,
            "rules[0].filesystem.deny[0]",
            "/a}",
            &["closes nothing"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a{,b}"]}"#,
            "rules[0].filesystem.deny[0]",
            "/a{,b}",
            &["empty"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/[z-a]"]}"#,
            "rules[0].filesystem.deny[0]",
            "[z-a]",
            &["ends before it begins"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":["/a\\"]}"#,
            "rules[0].filesystem.deny[0]",
            "\"/a\\\\\"",
            &["backslash"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":[{"path":"/x","access":"wrte"}]}"#,
            "rules[0].filesystem.deny[0].access",
            "wrte",
            &["did you mean `write`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":[{"path":"/x","acess":"write"}]}"#,
            "rules[0].filesystem.deny[0].acess",
            "write",
            &["did you mean `access`"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":[{"access":"write"}]}"#,
            "rules[0].filesystem.deny[0].path",
            "",
            &["missing"],
        ),
        (
            r#""filesystem":{"effect":"alert","deny":[7]}"#,
            "rules[0].filesystem.deny[0]",
            "7",
            &["a number", "a glob"],
        ),
    ];
    for (rule, place, value, gist) in rows {
        let found = problems(&in_rule(rule));
        assert_eq!(found.len(), 1, "{rule}: {found:?}");
        let problem = &found[0];
        assert_eq!(problem.place, *place, "{rule}");
        assert!(problem.value.contains(value), "{rule}: {problem:?}");
        let line = problem.to_string();
        assert!(line.starts_with(&format!("{place}: ")), "{line}");
        assert!(!line.contains('\n'), "{line}");
        for part in *gist {
            assert!(line.contains(part), "{line}\n  lacks {part}");
        }
        assert!(!problem.expected.is_empty(), "{problem:?}");
        assert!(
            problem.line == Some(1) && problem.column.is_some(),
            "{problem:?}"
        );
    }
    assert!(rows.len() >= 40);
}

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
        ("", 1, 1, "text ends"),
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
    let wide = format!(
        r#""filesystem":{{"effect":"alert","deny":["/{}{}"]}}"#,
        "{a,b}".repeat(9),
        "x".repeat(1000)
    );
    assert!(
        problems(&in_rule(&wide))[0]
            .message
            .contains("too much text")
    );
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
