//! What every command owes a person: help with examples, completions, manual pages, a policy to begin with.

mod common;

use common::{Folder, done, fed, palisade};

const COMMANDS: [&str; 11] = [
    "audits",
    "check",
    "completions",
    "diff",
    "explain",
    "import",
    "learn",
    "man",
    "new",
    "report",
    "run",
];

#[test]
fn every_command_has_help_with_its_exit_codes_or_examples() {
    let top = done(&mut palisade(["--help"]));
    for command in COMMANDS {
        assert!(
            top.out.contains(&format!("  {command} ")),
            "{command}\n{}",
            top.out
        );
        let help = done(&mut palisade([command, "--help"]));
        assert_eq!(help.code, Some(0), "{command} {help:?}");
        assert!(
            help.out.contains("Examples:") || help.out.contains("Exit codes:"),
            "{command}\n{}",
            help.out
        );
    }
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let result = done(&mut palisade(["completions", shell]));
        assert_eq!((result.code, result.err.as_str()), (Some(0), ""), "{shell}");
        for command in COMMANDS {
            assert!(result.out.contains(command), "{shell} {command}");
        }
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let folder = Folder::new();
    let result = done(palisade(["man", "pages/man1"]).current_dir(folder.path()));
    assert_eq!(result.code, Some(0), "{result:?}");
    let pages = folder.path().join("pages/man1");
    for name in COMMANDS.map(|command| format!("palisade-{command}.1")) {
        let page = std::fs::read_to_string(pages.join(&name)).expect("a page");
        assert!(page.contains(".TH"), "{name}");
    }
    folder.file("file", "");
    let result = done(palisade(["man", "file"]).current_dir(folder.path()));
    assert_eq!(result.code, Some(73), "{result:?}");
}

#[test]
fn a_manual_page_is_whole_or_not_there() {
    let folder = Folder::new();
    let good = done(palisade(["man", "good"]).current_dir(folder.path()));
    assert_eq!(good.code, Some(0), "{good:?}");
    // No file may have more than two KiB, and a larger one is an error.
    let limited = "trap '' XFSZ; ulimit -f 4; exec \"$0\" man cut";
    let binary = env!("CARGO_BIN_EXE_palisade");
    let cut = done(
        std::process::Command::new("/bin/sh")
            .args(["-c", limited, binary])
            .current_dir(folder.path()),
    );
    assert_eq!(cut.code, Some(73), "{cut:?}");
    for entry in std::fs::read_dir(folder.path().join("cut")).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        let read = |pages: &str| {
            std::fs::read_to_string(folder.path().join(pages).join(&name)).expect("a page")
        };
        assert_eq!(read("cut"), read("good"), "{name:?}");
    }
}

#[test]
fn help_that_cannot_be_printed_is_a_failure() {
    for arguments in [["--help"].as_slice(), &["audits", "--help"], &["--version"]] {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full");
        let result = done(palisade(arguments).stdout(full));
        assert_eq!(result.code, Some(74), "{arguments:?} {result:?}");
    }
    let result = done(&mut palisade(["--nonsense"]));
    assert_eq!(result.code, Some(2), "{result:?}");
}

#[test]
fn every_template_is_valid_and_has_no_warning() {
    let listed = done(&mut palisade(["new"]));
    let names: Vec<&str> = listed
        .out
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        names,
        [
            "default",
            "api-only",
            "no-egress",
            "read-only",
            "aws-only",
            "strict"
        ]
    );
    for name in names {
        let template = done(&mut palisade(["new", "--template", name]));
        let checked = fed(
            &mut palisade(["check", "--deny-warnings", "-"]),
            template.out.as_bytes(),
        );
        assert_eq!(checked.code, Some(0), "{name} {checked:?}");
    }
}

#[test]
fn a_template_does_what_its_name_says() {
    let folder = Folder::new();
    for (name, event, verdict) in [
        ("api-only", &["connect", "198.51.100.7:443"][..], "allow"),
        ("api-only", &["connect", "198.51.100.7:80"], "prevent"),
        ("api-only", &["connect", "169.254.169.254:443"], "prevent"),
        ("api-only", &["listen", "8080"], "prevent"),
        ("no-egress", &["connect", "198.51.100.7:443"], "prevent"),
        ("no-egress", &["connect", "127.0.0.1:9001"], "allow"),
        ("no-egress", &["resolve", "example.com"], "prevent"),
        ("read-only", &["open", "/srv/x"], "allow"),
        ("read-only", &["open", "/tmp/x", "--write"], "prevent"),
        ("read-only", &["open", "/dev/null", "--write"], "allow"),
        ("read-only", &["open", "/proc/self/environ"], "prevent"),
        (
            "aws-only",
            &["resolve", "s3.eu-west-1.amazonaws.com"],
            "allow",
        ),
        ("aws-only", &["resolve", "evil.com"], "prevent"),
        ("strict", &["open", "/tmp/x", "--write"], "allow"),
        ("strict", &["open", "/home/x"], "prevent"),
        ("strict", &["open", "/var/task/app.py"], "allow"),
        ("default", &["exec", "--child", "/bin/true"], "prevent"),
    ] {
        let file = format!("{name}.json");
        if !folder.path().join(&file).exists() {
            let made =
                done(palisade(["new", "--template", name, "-o", &file]).current_dir(folder.path()));
            assert_eq!(made.code, Some(0), "{made:?}");
        }
        let words = [&["explain", "--policy", &file], event].concat();
        let asked = done(palisade(words).current_dir(folder.path()));
        assert!(
            asked.out.starts_with(verdict),
            "{name} {event:?} {}",
            asked.out
        );
    }
    // A policy that somebody has is never written over.
    let again = done(
        palisade(["new", "--template", "strict", "-o", "default.json"]).current_dir(folder.path()),
    );
    assert_eq!(again.code, Some(73));
}
