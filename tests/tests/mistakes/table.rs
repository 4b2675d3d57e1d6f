//! One kind of mistake a row: the text, the place that the line must name, and what it must say would be right.

/// A policy's text, the place in it, and what was expected there.
pub type Mistake = (&'static str, &'static str, &'static str);

/// Fields of the only rule of a policy.
#[rustfmt::skip]
pub const MISTAKES: &[Mistake] = &[
    (r#""procesess":{"effect":"alert"}"#, "rules[0].procesess", "did you mean `processes`?"),
    (r#""processes":[]"#, "rules[0].processes", "expected an object"),
    (r#""processes":{}"#, "rules[0].processes", "expected \"disable\", \"alert\" or \"prevent\""),
    (r#""processes":{"effect":"block"}"#, "rules[0].processes.effect", "did you mean `prevent`?"),
    (r#""processes":{"effect":7}"#, "rules[0].processes.effect", "this is a number"),
    (r#""processes":{"effect":"alert","main-only":true}"#, "rules[0].processes.main-only", "did you mean `main_only`?"),
    (r#""processes":{"effect":"alert","main_only":"yes"}"#, "rules[0].processes.main_only", "expected `true` or `false`"),
    (r#""processes":{"effect":"alert","allow":"/bin/sh"}"#, "rules[0].processes.allow", "expected an array"),
    (r#""processes":{"effect":"alert","deny":[1]}"#, "rules[0].processes.deny[0]", "this is a number"),
    (r#""processes":{"effect":"alert","deny":["sh","/a/{b"]}"#, "rules[0].processes.deny[1]", "expected"),
    (r#""processes":{"effect":"alert","effect":"prevent"}"#, "rules[0].processes.effect", "twice"),
    (r#""dns":{"effect":"alert","allow":["a b.com"]}"#, "rules[0].dns.allow[0]", "expected letters, digits"),
    (r#""dns":{"effect":"alert","allow":["https://a.com/"]}"#, "rules[0].dns.allow[0]", "expected"),
    (r#""dns":{"effect":"alert","deny":[""]}"#, "rules[0].dns.deny[0]", "the string is empty"),
    (r#""network":{"outbound":{"allow":["10.0.0.0/8"]}}"#, "rules[0].network", "expected \"disable\""),
    (r#""network":{"effect":"alert","outbound":{"allow":["10.0.0.0/33"]}}"#, "rules[0].network.outbound.allow[0]", "expected"),
    (r#""network":{"effect":"alert","outbound":{"allow":["10.0.0.256"]}}"#, "rules[0].network.outbound.allow[0]", "expected"),
    (r#""network":{"effect":"alert","outbound":{"allow":["10.0.0.1:99999"]}}"#, "rules[0].network.outbound.allow[0]", "expected"),
    (r#""network":{"effect":"alert","outbound":{"deny":["evil com"]}}"#, "rules[0].network.outbound.deny[0]", "expected"),
    (r#""network":{"effect":"alert","listen":{"deny":[70000]}}"#, "rules[0].network.listen.deny[0]", "65535"),
    (r#""network":{"effect":"alert","listen":{"allow":["9000-8000"]}}"#, "rules[0].network.listen.allow[0]", "expected"),
    (r#""network":{"effect":"alert","inbound":{}}"#, "rules[0].network.inbound", "expected one of"),
    (r#""filesystem":{"effect":"alert","deny":["etc/passwd"]}"#, "rules[0].filesystem.deny[0]", "expected"),
    (r#""filesystem":{"effect":"alert","deny":["/a/[b"]}"#, "rules[0].filesystem.deny[0]", "expected"),
    (r#""filesystem":{"effect":"alert","allow":[{"path":"/tmp","access":"execute"}]}"#, "rules[0].filesystem.allow[0].access", "expected"),
    (r#""filesystem":{"effect":"alert","allow":[{"access":"read"}]}"#, "rules[0].filesystem.allow[0]", "path"),
    (r#""filesystem":{"effect":"alert","deny":["/a\u0000b"]}"#, "rules[0].filesystem.deny[0]", "NUL"),
    (r#""enabled":"no""#, "rules[0].enabled", "expected `true` or `false`"),
    (r#""scope":{"functions":"pay-*"}"#, "rules[0].scope.functions", "expected an array"),
    (r#""scope":{"function":["pay-*"]}"#, "rules[0].scope.function", "did you mean `functions`?"),
    (r#""scope":{"regions":["-"]}"#, "rules[0].scope.regions[0]", "`-` excludes nothing"),
    (r#""scope":{"accounts":["1 2"]}"#, "rules[0].scope.accounts[0]", "white space"),
    (r#""enforce_after":"tomorrow""#, "rules[0].enforce_after", "expected"),
    (r#""name":"again""#, "rules[0].name", "twice"),
];

/// Whole policies.
#[rustfmt::skip]
pub const DOCUMENTS: &[Mistake] = &[
    (r#"{"version":1"#, "line 1, column", "the object is not closed; expected `,` or `}`"),
    ("{\"version\":1,\n \"rules\":[}", "line 2, column 11", "expected a JSON value"),
    (r#"{"version":1,"rules":[{}],}"#, "line 1, column", "expected"),
    (r#"{'version':1}"#, "line 1, column 2", "expected"),
    (r#"{"version":1,"rules":[{}]} more"#, "line 1, column", "expected"),
    ("{\"version\":1, // one\n\"rules\":[{}]}", "line 1, column 15", "expected"),
    (r#"{"version":01,"rules":[{}]}"#, "line 1, column", "numbers have no leading zero"),
    (r#"{"version":null,"rules":[{}]}"#, "version", "expected the number 1"),
    (r#"{"rules":[{}]}"#, "version", "expected 1"),
    (r#"{"version":"1","rules":[{}]}"#, "version: \"1\"", "expected the number 1"),
    (r#"{"version":2,"rules":[{}]}"#, "version: 2", "this version of the format is not known; expected 1"),
    (r#"{"version":1}"#, "rules", "expected an array of rules"),
    (r#"{"version":1,"rules":{}}"#, "rules", "expected an array of rules"),
    (r#"{"version":1,"rules":[]}"#, "rules", "expected at least one rule"),
    (r#"{"version":1,"rules":["all"]}"#, "rules[0]", "expected an object"),
    (r#"{"version":1,"rules":[{"name":"a"},{"name":"a"}]}"#, "rules[1].name", "expected another name"),
    (r#"{"version":1,"mode":"lern","rules":[{}]}"#, "mode", "did you mean `learn`?"),
    (r#"{"version":1,"rule":[],"rules":[{}]}"#, "rule", "did you mean `rules`?"),
];
