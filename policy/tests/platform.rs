//! What the platform needs is derived from where the function runs.

mod common;

use common::{connect, read, rule_on, short, write};
use palisade_policy::{Outcome, Platform, Reason, Surroundings};

fn derive(variables: &[(&str, &str)], resolv_conf: &str, program: &str) -> Platform {
    let variable = |name: &str| {
        variables
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| (*value).to_owned())
    };
    Platform::derive(&Surroundings {
        variable: &variable,
        resolv_conf,
        hostname: "169-254-10-1",
        program,
    })
}

fn reaches(platform: &Platform, to: &str) -> bool {
    let compiled = rule_on(
        r#""network":{"effect":"prevent","outbound":{"deny":["*"],"loopback":false}}"#,
        platform,
        &|_| None,
    );
    connect(compiled.decider(), to).reason == Reason::Platform
}

#[test]
fn endpoints_come_from_the_variables_in_each_of_their_forms() {
    for (variables, to) in [
        (
            &[("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")][..],
            &["127.0.0.1 9001"][..],
        ),
        (
            &[("AWS_LAMBDA_RUNTIME_API", "169.254.100.1:9001")],
            &["169.254.100.1 9001"],
        ),
        (
            &[("AWS_LAMBDA_RUNTIME_API", "localhost:8080")],
            &["127.0.0.1 8080", "::1 8080"],
        ),
        (
            &[("AWS_LAMBDA_RUNTIME_API", "[fd00::1]:9001")],
            &["fd00::1 9001"],
        ),
        (&[("AWS_LAMBDA_RUNTIME_API", "10.0.0.1")], &["10.0.0.1 80"]),
        (
            &[("AWS_LAMBDA_METADATA_API", "169.254.100.1:9002")],
            &["169.254.100.1 9002"],
        ),
        (
            &[("AWS_XRAY_DAEMON_ADDRESS", "169.254.79.129:2000")],
            &["169.254.79.129 2000"],
        ),
        (
            &[(
                "AWS_XRAY_DAEMON_ADDRESS",
                "tcp:1.2.3.4:2000 udp:1.2.3.5:2001",
            )],
            &["1.2.3.4 2000", "1.2.3.5 2001"],
        ),
        (
            &[(
                "AWS_XRAY_DAEMON_ADDRESS",
                "udp:1.2.3.5:2001 tcp:1.2.3.4:2000",
            )],
            &["1.2.3.4 2000", "1.2.3.5 2001"],
        ),
        (
            &[
                ("_AWS_XRAY_DAEMON_ADDRESS", "1.2.3.4"),
                ("_AWS_XRAY_DAEMON_PORT", "2002"),
            ],
            &["1.2.3.4 2002"],
        ),
        (
            &[("_AWS_XRAY_DAEMON_ADDRESS", "1.2.3.4")],
            &["1.2.3.4 2000"],
        ),
        (
            &[(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://127.0.0.1:9001/2021-04-23/credentials",
            )],
            &["127.0.0.1 9001"],
        ),
        (
            &[(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://169.254.170.23/v1?x=1:2",
            )],
            &["169.254.170.23 80"],
        ),
        (
            &[(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "https://user@[fd00::23]/v1",
            )],
            &["fd00::23 443"],
        ),
        (
            &[],
            &[
                "127.0.0.1 2772",
                "127.0.0.1 2773",
                "::1 2772",
                "127.0.0.1 4317",
                "127.0.0.1 4318",
                "127.0.0.1 8126",
                "127.0.0.1 8125",
            ],
        ),
        (
            &[("AWS_APPCONFIG_EXTENSION_HTTP_PORT", "3000")],
            &["127.0.0.1 3000"],
        ),
        (
            &[("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "3001")],
            &["127.0.0.1 3001"],
        ),
    ] {
        let platform = derive(variables, "", "");
        for to in to {
            assert!(reaches(&platform, to), "{variables:?} {to}: {platform:?}");
        }
    }
    assert!(
        !reaches(
            &derive(&[("AWS_APPCONFIG_EXTENSION_HTTP_PORT", "3000")], "", ""),
            "127.0.0.1 2772"
        ),
        "moved, not added"
    );
    for nothing in [
        "",
        " ",
        ":",
        "127.0.0.1:x",
        "127.0.0.1:0",
        "127.0.0.1:99999",
        "[::1",
        "://",
        "*",
        "*:80",
    ] {
        let platform = derive(&[("AWS_LAMBDA_RUNTIME_API", nothing)], "", "");
        assert_eq!(
            platform.endpoints.len(),
            12,
            "{nothing:?}: {:?}",
            platform.endpoints
        );
        assert!(
            !platform.names.iter().any(|n| n == nothing),
            "{nothing:?}: {:?}",
            platform.names
        );
    }
}

#[test]
fn resolvers_come_from_resolv_conf_on_port_53_only() {
    let text = "# nameserver 9.9.9.9\nsearch x\nnameserver 10.0.0.2\n nameserver\tfe80::1%eth0 # x\nnameserver bad\nnameserver 10.0.0.2\n";
    let platform = derive(&[], text, "");
    assert_eq!(
        platform
            .resolvers
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["10.0.0.2", "fe80::1"]
    );
    assert!(reaches(&platform, "10.0.0.2 53"));
    assert!(!reaches(&platform, "10.0.0.2 80"));
    assert!(!reaches(&platform, "9.9.9.9 53"));
    let none = derive(&[], "options timeout:1\n", "");
    assert!(
        reaches(&none, "127.0.0.1 53") && reaches(&none, "::1 53"),
        "resolv.conf(5): the local machine"
    );
}

#[test]
fn its_own_names_may_always_be_resolved() {
    let platform = derive(
        &[("AWS_LAMBDA_RUNTIME_API", "runtime.internal:9001")],
        "",
        "",
    );
    let compiled = rule_on(
        r#""dns":{"effect":"prevent","deny":["*"]}"#,
        &platform,
        &|_| None,
    );
    for name in ["runtime.internal", "sandbox.localdomain", "169-254-10-1"] {
        assert_eq!(
            short(compiled.decider().resolve(name.as_bytes())),
            (Outcome::Allow, Reason::Platform),
            "{name}"
        );
    }
    assert_eq!(
        compiled.decider().resolve(b"evil.com").outcome,
        Outcome::Prevent
    );
}

#[test]
fn a_strict_policy_leaves_the_runtime_its_files_and_nothing_else() {
    let variables = [
        ("LAMBDA_TASK_ROOT", "/home/me/task[1]"),
        ("VIRTUAL_ENV", "/home/me/venv"),
        ("PYTHONPATH", "/home/me/lib:/:relative:/etc:/tmp/../etc:"),
    ];
    let platform = derive(
        &variables,
        "",
        "/root/.pyenv/versions/3.11.7/bin/python3.11",
    );
    let compiled = rule_on(
        r#""filesystem":{"effect":"prevent","allow":["/nothing"]}"#,
        &platform,
        &|_| None,
    );
    let d = compiled.decider();
    for path in [
        "/home/me/task[1]/app.py",
        "/home/me/task[1]",
        "/var/runtime/bootstrap.py",
        "/var/lang/bin/python3.12",
        "/opt/python/x.py",
        "/home/me/venv/pyvenv.cfg",
        "/home/me/venv/lib/python3.11/site-packages/x.py",
        "/home/me/lib/y.py",
        "/root/.pyenv/versions/3.11.7/bin/python3.11",
        "/root/.pyenv/versions/3.11.7/lib/python3.11/os.py",
        "/usr/lib/x86_64-linux-gnu/libc.so.6",
        "/lib64/ld-linux-x86-64.so.2",
        "/etc/ld.so.cache",
        "/etc/ld.so.preload",
        "/etc/resolv.conf",
        "/etc/hosts",
        "/etc/nsswitch.conf",
        "/etc/passwd",
        "/etc/localtime",
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/java/cacerts",
        "/usr/share/zoneinfo/UTC",
        "/usr/share/nodejs/acorn/dist/acorn.js",
        "/etc/java-17-openjdk/security/java.security",
        "/etc/python3.11/sitecustomize.py",
        "/proc/self/maps",
        "/proc/self/fd/3",
        "/proc/self/status",
        "/proc/self/mountinfo",
        "/proc/meminfo",
        "/proc/cpuinfo",
        "/proc/net/tcp",
        "/proc/sys/kernel/random/uuid",
        "/sys/fs/cgroup/memory.max",
        "/sys/devices/system/cpu/online",
        "/dev/null",
        "/dev/urandom",
    ] {
        assert_eq!(
            short(read(d, path)),
            (Outcome::Allow, Reason::Platform),
            "{path}"
        );
    }
    for path in [
        "/etc/shadow",
        "/proc/self/environ",
        "/proc/1/environ",
        "/proc/self/mem",
        "/proc/self/task/1/environ",
        "/home/me/task1/app.py",
        "/home/me/x",
        "/home/me/venv/secret",
        "/root/.aws/credentials",
        "/root/.pyenv/versions/3.11.7/x",
        "/tmp/x",
        "/etc/sudoers",
    ] {
        assert_eq!(
            short(read(d, path)),
            (Outcome::Prevent, Reason::Unlisted),
            "{path}"
        );
    }
    for path in [
        "/dev/null",
        "/tmp/hsperfdata_sbx/7",
        "/tmp/clr-debug-pipe-7-1-in",
    ] {
        assert_eq!(
            short(write(d, path)),
            (Outcome::Allow, Reason::Platform),
            "{path}"
        );
    }
    for path in [
        "/var/task/app.py",
        "/opt/x",
        "/tmp/x",
        "/etc/ld.so.preload",
        "/proc/self/maps",
        "/home/me/venv/lib/x",
    ] {
        assert_eq!(
            short(write(d, path)),
            (Outcome::Prevent, Reason::Unlisted),
            "{path}"
        );
    }
}

#[test]
fn what_of_the_platform_is_a_link_in_some_images_may_be_read_where_it_leads() {
    let platform = derive(&[], "", "/var/lang/bin/python3.13");
    let resolve = |path: &[u8]| -> Option<Vec<u8>> {
        match path {
            b"/etc/resolv.conf" => Some(b"/run/systemd/resolve/stub-resolv.conf".to_vec()),
            b"/var/lang" => Some(b"/mnt/lang".to_vec()),
            b"/var/task" => Some(b"/mnt/task".to_vec()),
            b"/etc" => Some(b"/etc".to_vec()),
            _ => None,
        }
    };
    let text = r#""filesystem":{"effect":"prevent","allow":["/nothing"]}"#;
    let compiled = rule_on(text, &platform, &resolve);
    for path in [
        "/run/systemd/resolve/stub-resolv.conf",
        "/etc/resolv.conf",
        "/mnt/lang/lib/python3.13/os.py",
        "/mnt/task/app.py",
    ] {
        assert_eq!(
            short(read(compiled.decider(), path)),
            (Outcome::Allow, Reason::Platform),
            "{path}"
        );
    }
    for path in ["/run/systemd/private", "/mnt/x"] {
        assert_eq!(
            read(compiled.decider(), path).outcome,
            Outcome::Prevent,
            "{path}"
        );
    }
}

#[test]
fn where_there_is_no_allow_list_nobody_needs_the_platforms_files_named() {
    let platform = derive(&[], "", "/var/lang/bin/python3.13");
    let text = r#""filesystem":{"effect":"prevent","deny":["/var/task/secret","/proc/self/maps"]}"#;
    let compiled = rule_on(text, &platform, &|_| None);
    for (path, expected) in [
        ("/var/task/app.py", (Outcome::Allow, Reason::Unrestricted)),
        ("/proc/self/maps", (Outcome::Prevent, Reason::Denied)),
        ("/var/task/secret", (Outcome::Prevent, Reason::Denied)),
    ] {
        assert_eq!(short(read(compiled.decider(), path)), expected, "{path}");
    }
}

#[test]
fn a_program_in_a_shared_place_opens_no_more_than_the_libraries() {
    for program in [
        "/usr/bin/python3.11",
        "/bin/sh",
        "/tmp/x",
        "relative",
        "",
        "/",
        "/home/x",
    ] {
        let platform = derive(
            &[
                ("JAVA_HOME", "/"),
                ("VIRTUAL_ENV", ""),
                ("LAMBDA_TASK_ROOT", "/"),
            ],
            "",
            program,
        );
        let compiled = rule_on(
            r#""filesystem":{"effect":"prevent","allow":["/nothing"]}"#,
            &platform,
            &|_| None,
        );
        for path in [
            "/usr/share/doc/x",
            "/home/y",
            "/tmp/lib/x",
            "/lib2/x",
            "/etc/shadow",
            "/bin/ls",
            "/var/task2/x",
        ] {
            assert_eq!(
                read(compiled.decider(), path).outcome,
                Outcome::Prevent,
                "{program}: {path}"
            );
        }
        assert_eq!(
            read(compiled.decider(), "/var/task/x").reason,
            Reason::Platform
        );
    }
}

#[test]
fn every_glob_and_name_of_the_platform_is_one_that_compiles() {
    let platform = derive(&[("PYTHONPATH", "/a{b:/c*[")], "", "/x{/bin/y");
    for glob in platform.read.iter().chain(&platform.write) {
        let text = format!(
            r#"{{"version":1,"rules":[{{"filesystem":{{"effect":"alert","deny":[{}]}}}}]}}"#,
            serde_json::to_string(glob).unwrap()
        );
        assert!(palisade_policy::parse(text.as_bytes()).is_ok(), "{glob}");
    }
    for name in &platform.names {
        let text = format!(
            r#"{{"version":1,"rules":[{{"dns":{{"effect":"alert","deny":["{name}"]}}}}]}}"#
        );
        assert!(palisade_policy::parse(text.as_bytes()).is_ok(), "{name}");
    }
}
