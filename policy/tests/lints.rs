//! What is legal and probably not meant.

use palisade_policy::parse;

fn lints(text: &str) -> Vec<(&'static str, String)> {
    let parsed = parse(text.as_bytes()).unwrap_or_else(|p| panic!("{text}: {p:?}"));
    parsed.lints.iter().for_each(|lint| {
        assert!(!lint.to_string().contains('\n') && lint.to_string().contains(lint.code))
    });
    parsed
        .lints
        .into_iter()
        .map(|lint| (lint.code, lint.place))
        .collect()
}

fn of_rule(rule: &str) -> Vec<(&'static str, String)> {
    lints(&format!("{{\"version\":1,\"rules\":[{{{rule}}}]}}"))
}

#[test]
fn each_kind_of_doubtful_entry_is_named_with_its_place() {
    for (rule, code, place) in [
        (
            r#""dns":{"effect":"alert","allow":["*amazon.com"]}"#,
            "suffix-without-dot",
            "dns.allow[0]",
        ),
        (
            r#""dns":{"effect":"alert","allow":["*.a.com","a.a.com"],"deny":["*.a.com"]}"#,
            "shadowed-allow",
            "dns.allow[1]",
        ),
        (
            r#""dns":{"effect":"alert","allow":["10.0.0.1"]}"#,
            "not-a-name",
            "dns.allow[0]",
        ),
        (
            r#""dns":{"effect":"alert","deny":["localhost"]}"#,
            "not-a-name",
            "dns.deny[0]",
        ),
        (
            r#""dns":{"effect":"alert","allow":["a.com","A.COM."]}"#,
            "duplicate-entry",
            "dns.allow[1]",
        ),
        (
            r#""dns":{"effect":"alert","allow":["*"]}"#,
            "allow-everything",
            "dns.allow[0]",
        ),
        (r#""dns":{"effect":"alert"}"#, "inactive-section", "dns"),
        (
            r#""network":{"effect":"prevent","outbound":{},"listen":{}}"#,
            "inactive-section",
            "network",
        ),
        (
            r#""network":{"effect":"prevent","outbound":{"allow":["127.0.0.1:80"]}}"#,
            "loopback-is-open",
            "network.outbound.allow[0]",
        ),
        (
            r#""network":{"effect":"prevent","outbound":{"allow":["::1"]}}"#,
            "loopback-is-open",
            "network.outbound.allow[0]",
        ),
        (
            r#""network":{"effect":"prevent","outbound":{"allow":["*"]}}"#,
            "allow-everything",
            "network.outbound.allow[0]",
        ),
        (
            r#""network":{"effect":"prevent","outbound":{"allow":["10.1.0.0/16:443"],"deny":["10.0.0.0/8"]}}"#,
            "shadowed-allow",
            "network.outbound.allow[0]",
        ),
        (
            r#""network":{"effect":"prevent","outbound":{"allow":["10.0.0.0/8","10.0.0.0/8"]}}"#,
            "duplicate-entry",
            "network.outbound.allow[1]",
        ),
        (
            r#""network":{"effect":"prevent","listen":{"allow":[80,"80"]}}"#,
            "duplicate-entry",
            "network.listen.allow[1]",
        ),
        (
            r#""network":{"effect":"prevent","listen":{"allow":["1-65535"]}}"#,
            "allow-everything",
            "network.listen.allow[0]",
        ),
        (
            r#""network":{"effect":"prevent","listen":{"allow":[80],"deny":["1-100"]}}"#,
            "shadowed-allow",
            "network.listen.allow[0]",
        ),
        (
            r#""processes":{"effect":"prevent"}"#,
            "inactive-section",
            "processes",
        ),
        (
            r#""processes":{"effect":"prevent","main_only":true,"deny":["sh"]}"#,
            "moot-deny",
            "processes.deny",
        ),
        (
            r#""processes":{"effect":"prevent","allow":["git"]}"#,
            "name-matches-anywhere",
            "processes.allow[0]",
        ),
        (
            r#""processes":{"effect":"prevent","allow":["/bin/sh"],"deny":["sh"]}"#,
            "shadowed-allow",
            "processes.allow[0]",
        ),
        (
            r#""processes":{"effect":"prevent","allow":["/opt/x/*"],"deny":["/opt/**"]}"#,
            "shadowed-allow",
            "processes.allow[0]",
        ),
        (
            r#""processes":{"effect":"prevent","allow":["/**"]}"#,
            "allow-everything",
            "processes.allow[0]",
        ),
        (
            r#""processes":{"effect":"prevent","allow":["*"]}"#,
            "allow-everything",
            "processes.allow[0]",
        ),
        (
            r#""filesystem":{"effect":"prevent","allow":[{"path":"/tmp/**","access":"write"}]}"#,
            "allow-denies-reads",
            "filesystem.allow",
        ),
        (
            r#""filesystem":{"effect":"prevent","allow":[{"path":"/var/task/x","access":"read"}]}"#,
            "platform-allows",
            "filesystem.allow[0]",
        ),
        (
            r#""filesystem":{"effect":"prevent","allow":["**"]}"#,
            "allow-everything",
            "filesystem.allow[0]",
        ),
        (
            r#""filesystem":{"effect":"prevent","deny":["/a",{"path":"/a","access":"any"}]}"#,
            "duplicate-entry",
            "filesystem.deny[1]",
        ),
        (
            r#""filesystem":{"effect":"prevent","allow":["/a/b.pem"],"deny":["**/*.pem"]}"#,
            "shadowed-allow",
            "filesystem.allow[0]",
        ),
        (
            r#""network":{"effect":"prevent","outbound":{"allow":["*amazon.com:443"]}}"#,
            "suffix-without-dot",
            "network.outbound.allow[0]",
        ),
        (
            r#""network":{"effect":"prevent","outbound":{"allow":["a.com:443","A.com.:443"]}}"#,
            "duplicate-entry",
            "network.outbound.allow[1]",
        ),
        (
            r#""network":{"effect":"prevent","outbound":{"allow":["s3.a.com:443"],"deny":["*.a.com:1-1000"]}}"#,
            "shadowed-allow",
            "network.outbound.allow[0]",
        ),
        (
            r#""network":{"effect":"prevent","outbound":{"allow":["s3.a.com:443"],"deny":["*:443"]}}"#,
            "shadowed-allow",
            "network.outbound.allow[0]",
        ),
        (
            r#""network":{"effect":"prevent","outbound":{"deny":["evil.com"]}}"#,
            "deny-by-name",
            "network.outbound.deny[0]",
        ),
        (
            r#""network":{"effect":"prevent","outbound":{"allow":["a.com:443"]}},"dns":{"effect":"prevent","allow":["*.a.com"]}"#,
            "unresolvable-destination",
            "network.outbound.allow[0]",
        ),
        (
            r#""network":{"effect":"prevent","outbound":{"allow":["*.a.com:443"]}},"dns":{"effect":"prevent","deny":["*.com","*.a.com"]}"#,
            "unresolvable-destination",
            "network.outbound.allow[0]",
        ),
        (
            r#""processes":{"effect":"prevent","unfollowable":"allow"}"#,
            "inactive-section",
            "processes",
        ),
        (
            r#""enforce_after":"2026-12-01T00:00:00Z","dns":{"effect":"alert","deny":["a.com"]}"#,
            "moot-enforce-after",
            "enforce_after",
        ),
        (r#""enabled":false"#, "nothing-enabled", ""),
    ] {
        let found = of_rule(rule);
        let place = match place {
            "" => "rules".to_owned(),
            place => format!("rules[0].{place}"),
        };
        assert!(
            found.contains(&(code, place.clone())),
            "{rule}: {found:?} lacks {code} at {place}"
        );
    }
}

#[test]
fn a_rule_behind_one_that_holds_for_all_its_functions_is_never_reached() {
    for (first, second, unreachable) in [
        ("", "", true),
        ("", r#""functions":["a"]"#, true),
        (r#""functions":["*"]"#, r#""functions":["a"]"#, true),
        (
            r#""functions":["pay-*"]"#,
            r#""functions":["Pay-eu"]"#,
            true,
        ),
        (
            r#""functions":["pay-*"]"#,
            r#""functions":["pay-eu-*","pay-us"]"#,
            true,
        ),
        (
            r#""functions":["pay-*"]"#,
            r#""functions":["pay-eu","other"]"#,
            false,
        ),
        (r#""functions":["pay-*"]"#, "", false),
        (r#""functions":["a?"]"#, r#""functions":["a*"]"#, false),
        (r#""functions":["*","-a"]"#, r#""functions":["a"]"#, false),
        (r#""functions":["-a"]"#, r#""functions":["-a","b*"]"#, true),
        (
            r#""functions":["a"],"regions":["eu-*"]"#,
            r#""functions":["a"]"#,
            false,
        ),
        (
            r#""functions":["a"]"#,
            r#""functions":["a"],"regions":["eu-*"]"#,
            true,
        ),
    ] {
        let text = format!(
            "{{\"version\":1,\"rules\":[{{\"scope\":{{{first}}}}},{{\"scope\":{{{second}}}}}]}}"
        );
        assert_eq!(
            lints(&text).contains(&("unreachable-rule", "rules[1]".to_owned())),
            unreachable,
            "{text}"
        );
    }
    let disabled = r#"{"version":1,"rules":[{"enabled":false},{}]}"#;
    assert_eq!(lints(disabled), []);
}

#[test]
fn a_policy_that_means_what_it_says_has_no_lints() {
    for rule in [
        r#""processes":{"effect":"prevent","main_only":true,"crypto_miners":true}"#,
        r#""processes":{"effect":"prevent","allow":["/usr/bin/git"],"deny":["sh"]}"#,
        r#""network":{"effect":"prevent","outbound":{"allow":["10.0.0.0/8:443","*:5432"],"deny":["10.0.0.5"]},"listen":{"allow":["8080"]}}"#,
        r#""network":{"effect":"prevent","outbound":{"loopback":false,"allow":["127.0.0.1:80"]}}"#,
        r#""dns":{"effect":"prevent","allow":["*.amazonaws.com","api.stripe.com"],"deny":["x.amazonaws.com"]}"#,
        r#""filesystem":{"effect":"alert","deny":["/proc/*/environ",{"path":"/var/task/**","access":"write"}]}"#,
        r#""filesystem":{"effect":"alert","allow":["/tmp/**",{"path":"/var/task/x","access":"write"}],"deny":["/tmp/secret"]}"#,
        r#""processes":{"effect":"disable"},"dns":{"effect":"disable"}"#,
        r#""processes":{"effect":"alert","unfollowable":"prevent"},"enforce_after":"2026-12-01T00:00:00Z""#,
        r#""network":{"effect":"prevent","outbound":{"allow":["s3.a.com:443","*.b.com:443"],"deny":["evil.a.com"]}},
           "dns":{"effect":"prevent","allow":["*.a.com","x.b.com"],"deny":["y.b.com"]}"#,
        r#""network":{"effect":"prevent","outbound":{"allow":["a.com:443"]}},"dns":{"effect":"alert","allow":["b.com"]}"#,
    ] {
        assert_eq!(of_rule(rule), [], "{rule}");
    }
}

#[test]
fn an_entry_that_denies_what_the_runtime_reads_is_named() {
    let denies_runtime = |entry: &str, effect: &str| {
        let rule =
            format!(r#""filesystem":{{"effect":"{effect}","deny":["/etc/shadow",{entry}]}}"#);
        let found = of_rule(&rule);
        let is_it = found == [("denies-runtime", "rules[0].filesystem.deny[1]".to_owned())];
        assert!(is_it || found.is_empty(), "{rule}: {found:?}");
        is_it
    };
    for entry in [
        r#""/**""#,
        r#""**""#,
        r#""/var/**""#,
        r#""/var/task/**""#,
        r#""/{x,var/lang}/**""#,
        r#""/usr/**""#,
        r#"{"path":"/var/runtime/**","access":"read"}"#,
    ] {
        assert!(denies_runtime(entry, "prevent"), "{entry}");
        assert!(!denies_runtime(entry, "alert"), "{entry}");
    }
    for entry in [
        r#"{"path":"/**","access":"write"}"#,
        r#"{"path":"/var/task/**","access":"write"}"#,
        r#""/var/task/secrets/**""#,
        r#""/var/task/*.pem""#,
        r#""/var/task""#,
        r#""/proc/*/environ""#,
        r#""/home/**""#,
        r#""**/id_rsa""#,
    ] {
        assert!(!denies_runtime(entry, "prevent"), "{entry}");
    }
}
