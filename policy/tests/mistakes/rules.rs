//! Mistakes in what every rule and every section has: fields, types, scope, effect, times.

use crate::each_is_named;

#[test]
fn each_mistake_in_a_rule_is_named_with_its_place() {
    each_is_named(&[
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
        // Times.
        (
            r#""enforce_after":"2026-12-01""#,
            "rules[0].enforce_after",
            "2026-12-01",
            &["time of day", "`2026-12-01T00:00:00Z`"],
        ),
        (
            r#""enforce_after":"2026-12-01T01:00:00+01:00""#,
            "rules[0].enforce_after",
            "+01:00",
            &["not in UTC", "`2026-12-01T00:00:00Z`"],
        ),
        (
            r#""enforce_after":"2026-12-01T01:00:00""#,
            "rules[0].enforce_after",
            "01:00:00",
            &["time zone", "`Z` at the end"],
        ),
        (
            r#""enforce_after":"2026-02-30T00:00:00Z""#,
            "rules[0].enforce_after",
            "02-30",
            &["no such day"],
        ),
        (
            r#""enforce_after":"soon""#,
            "rules[0].enforce_after",
            "soon",
            &["not a point in time", "RFC 3339"],
        ),
        (
            r#""enforce_after":1796083200"#,
            "rules[0].enforce_after",
            "1796083200",
            &["a number", "RFC 3339"],
        ),
    ]);
}
