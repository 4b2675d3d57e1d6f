//! Host names and files.

use crate::common::{NOBODY, read, rule, rule_on, short, write};
use palisade_policy::{Access, File, Outcome, Platform, Reason};

use Outcome::{Allow, Prevent};

#[test]
fn domain_patterns_match_whole_labels_without_regard_to_case_and_to_a_trailing_dot() {
    let compiled = rule(
        r#""dns":{"effect":"prevent","allow":["example.com","*.Stripe.com","*amazon.com","trailing.org."]}"#,
    );
    for (name, expected) in [
        ("example.com", Allow),
        ("EXAMPLE.com.", Allow),
        ("example.com..", Prevent),
        ("www.example.com", Prevent),
        ("notexample.com", Prevent),
        ("example.com.evil.org", Prevent),
        ("api.stripe.com", Allow),
        ("a.b.stripe.COM", Allow),
        ("stripe.com", Prevent),
        ("evilstripe.com", Prevent),
        ("amazon.com", Allow),
        ("evilamazon.com", Allow),
        ("s3.amazon.com", Allow),
        ("amazon.com.evil.org", Prevent),
        ("trailing.org", Allow),
        ("", Prevent),
        (".", Prevent),
        ("com", Prevent),
    ] {
        let verdict = compiled.decider().resolve(name.as_bytes());
        assert_eq!(verdict.outcome, expected, "{name}");
        assert_eq!(
            verdict.reason,
            if expected == Allow {
                Reason::Allowed
            } else {
                Reason::Unlisted
            },
            "{name}"
        );
    }
}

#[test]
fn a_star_is_every_name() {
    let compiled = rule(r#""dns":{"effect":"prevent","deny":["*"]}"#);
    for name in [b"x".as_slice(), b"", b"a.b", b"\xff\x00", &[b'a'; 5000]] {
        assert_eq!(compiled.decider().resolve(name).outcome, Prevent);
    }
}

#[test]
fn a_numeric_host_and_localhost_are_no_names() {
    let compiled = rule(r#""dns":{"effect":"prevent","deny":["*"]}"#);
    for name in [
        "127.0.0.1",
        "10.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "017700000001",
        "1.2.3",
        "::1",
        "2001:db8::1",
        "fe80::1%eth0",
        "::ffff:1.2.3.4",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
    ] {
        assert_eq!(
            short(compiled.decider().resolve(name.as_bytes())),
            (Allow, Reason::Unrestricted),
            "{name}"
        );
    }
    for name in [
        "1.2.3.4.5",
        "1.2.3.256",
        "256.1.1.1",
        "4294967296",
        "1.2.65536",
        "1..2",
        "08.1.1.1",
        "0x",
        "0xg",
        "1.2.3.4x",
        "+1",
        "a:b",
        "xlocalhost",
        "localhost.evil.com",
        "::1::",
        "1.",
        "127.0.0.1.evil.com",
        "127.0.0.1.",
    ] {
        assert_eq!(
            compiled.decider().resolve(name.as_bytes()).outcome,
            Prevent,
            "{name}"
        );
    }
}

#[test]
fn access_is_read_write_or_any() {
    let compiled = rule(
        r#""filesystem":{"effect":"prevent","deny":["/any/*",{"path":"/r/*","access":"read"},{"path":"/w/*","access":"write"},{"path":"/a/*","access":"any"},{"path":"/d/*"}]}"#,
    );
    let d = compiled.decider();
    for (directory, reads, writes) in [
        ("any", Prevent, Prevent),
        ("r", Prevent, Allow),
        ("w", Allow, Prevent),
        ("a", Prevent, Prevent),
        ("d", Prevent, Prevent),
        ("none", Allow, Allow),
    ] {
        let path = format!("/{directory}/x");
        assert_eq!(
            (read(d, &path).outcome, write(d, &path).outcome),
            (reads, writes),
            "{path}"
        );
        let both = d
            .file(&File {
                path: path.as_bytes(),
                alias: None,
                access: Access::ReadWrite,
            })
            .outcome;
        assert_eq!(
            both,
            if reads == Prevent || writes == Prevent {
                Prevent
            } else {
                Allow
            },
            "{path}"
        );
    }
}

#[test]
fn an_allow_list_of_files_is_for_reading_and_writing_and_opening_for_both_needs_both() {
    let compiled = rule(
        r#""filesystem":{"effect":"prevent","allow":[{"path":"/r/**","access":"read"},{"path":"/w/**","access":"write"},{"path":"/rw/**","access":"read"},{"path":"**/*.log","access":"write"}]}"#,
    );
    let d = compiled.decider();
    for (path, reads, writes, both) in [
        ("/r/x", Allow, Prevent, Prevent),
        ("/w/x", Prevent, Allow, Prevent),
        ("/rw/x", Allow, Prevent, Prevent),
        ("/rw/x.log", Allow, Allow, Allow),
        ("/other", Prevent, Prevent, Prevent),
    ] {
        assert_eq!(read(d, path).outcome, reads, "{path}");
        assert_eq!(write(d, path).outcome, writes, "{path}");
        assert_eq!(
            d.file(&File {
                path: path.as_bytes(),
                alias: None,
                access: Access::ReadWrite
            })
            .outcome,
            both,
            "{path}"
        );
    }
    assert_eq!(read(d, "/other").reason, Reason::Unlisted);
    assert_eq!(read(d, "/other").place(), Some("rules[0].filesystem.allow"));
}

#[test]
fn a_second_name_of_a_file_counts_as_the_first() {
    let compiled = rule(
        r#""filesystem":{"effect":"prevent","deny":["/proc/self/environ"],"allow":["/proc/self/*","/proc/7/maps"]}"#,
    );
    let d = compiled.decider();
    let event = |path: &'static str, alias: &'static str| File {
        path: path.as_bytes(),
        alias: Some(alias.as_bytes()),
        access: Access::Read,
    };
    assert_eq!(
        d.file(&event("/proc/7/environ", "/proc/self/environ"))
            .outcome,
        Prevent
    );
    assert_eq!(
        d.file(&event("/proc/7/stat", "/proc/self/stat")).outcome,
        Allow
    );
    assert_eq!(d.file(&event("/proc/7/maps", "/other")).outcome, Allow);
    assert_eq!(read(d, "/proc/7/stat").outcome, Prevent);
    let glob = rule(r#""filesystem":{"effect":"prevent","deny":["/proc/*/environ"]}"#);
    assert_eq!(read(glob.decider(), "/proc/7/environ").outcome, Prevent);
    assert_eq!(read(glob.decider(), "/proc/self/environ").outcome, Prevent);
    assert_eq!(
        read(glob.decider(), "/proc/7/task/7/environ").outcome,
        Allow
    );
}

#[test]
fn a_directory_that_is_a_link_is_named_by_either_path_even_below_what_exists() {
    let resolve = |path: &[u8]| -> Option<Vec<u8>> {
        match path {
            b"/var/run" => Some(b"/run".to_vec()),
            b"/var" => Some(b"/var".to_vec()),
            b"/proc/self" => Some(b"/proc/4711".to_vec()),
            // The name of a directory can be too long to be told.
            b"/etc/mtab" => Some(b"/proc/4711/mounts".to_vec()),
            b"/all" => Some(b"/".to_vec()),
            _ => None,
        }
    };
    let text = r#""filesystem":{"effect":"prevent","deny":["/var/run/app/**","/proc/self/environ","/etc/mtab","/all/x","/va?/x"]}"#;
    let compiled = rule_on(text, &Platform::default(), &resolve);
    let d = compiled.decider();
    for (path, expected) in [
        ("/var/run/app/s", Prevent),
        ("/run/app/s", Prevent),
        ("/run/other", Allow),
        ("/proc/self/environ", Prevent),
        // The number is that of the process that compiled; a child has another.
        ("/proc/4711/environ", Allow),
        ("/proc/self/mounts", Prevent),
        ("/x", Prevent),
        ("/var/x", Prevent),
    ] {
        assert_eq!(read(d, path).outcome, expected, "{path}");
    }
    assert_eq!(read(d, "/run/app/s").pattern(), Some("/var/run/app/**"));
}

#[test]
fn the_platforms_own_files_stay_readable_unless_they_are_denied() {
    let platform = Platform {
        read: vec!["/var/task/**".to_owned(), "/proc/**".to_owned()],
        write: vec!["/dev/null".to_owned()],
        ..Platform::default()
    };
    let text = r#""filesystem":{"effect":"prevent","allow":["/tmp/**",{"path":"/var/task/cache","access":"write"}],"deny":["/proc/*/environ"]}"#;
    let compiled = rule_on(text, &platform, &|_| None);
    let d = compiled.decider();
    assert_eq!(
        short(read(d, "/var/task/app.py")),
        (Allow, Reason::Platform)
    );
    assert_eq!(
        short(write(d, "/var/task/app.py")),
        (Prevent, Reason::Unlisted)
    );
    assert_eq!(short(write(d, "/dev/null")), (Allow, Reason::Platform));
    assert_eq!(short(read(d, "/dev/null")), (Prevent, Reason::Unlisted));
    assert_eq!(short(read(d, "/proc/1/environ")), (Prevent, Reason::Denied));
    let both = d.file(&File {
        path: b"/var/task/cache",
        alias: None,
        access: Access::ReadWrite,
    });
    assert_eq!(
        short(both),
        (Allow, Reason::Allowed),
        "half by the platform, half by an entry"
    );
}

#[test]
fn a_hand_made_policy_with_a_bad_entry_allows_nothing_by_it_and_denies_everything() {
    use palisade_policy::{Context, Effect, Filesystem, PathEntry, compile};
    let mut policy = palisade_policy::default_policy();
    let entry = || vec![PathEntry::Any("relative[".to_owned())];
    for (allow, deny) in [(entry(), vec![]), (vec![], entry())] {
        policy.rules[0].filesystem = Some(Filesystem {
            effect: Effect::Prevent,
            allow,
            deny,
        });
        let context = Context {
            identity: NOBODY,
            platform: &Platform::default(),
            resolve: &|_| None,
            now: 0,
        };
        assert_eq!(
            read(compile(&policy, &context).decider(), "/x").outcome,
            Prevent
        );
    }
}
