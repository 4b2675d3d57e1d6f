//! Errors that are not ours: a call that fails by itself fails as it does without the library, and nobody was attacked.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::{Value, json};

use crate::batch::{Call, Start, Stories};
use crate::cases::{libc_flags, object};
use crate::effects::{WAYS, is_old};
use crate::rows::{Kind, Row, rows};

/// A folder with everything that goes wrong.
fn furnish(folder: &Path) {
    fs::write(folder.join("file"), "content").expect("file");
    fs::write(folder.join("script"), "#!/nonexistent\n").expect("script");
    fs::write(folder.join("garbage"), "\0\0\0\0").expect("garbage");
    for program in ["script", "garbage"] {
        fs::set_permissions(folder.join(program), fs::Permissions::from_mode(0o755))
            .expect("chmod");
    }
    fs::create_dir(folder.join("folder")).expect("folder");
    symlink("loop", folder.join("loop")).expect("loop");
    symlink("nowhere", folder.join("dangling")).expect("dangling");
    symlink("file", folder.join("link")).expect("link");
}

/// Arguments with which the row's call fails, or does something that is easily got wrong.
pub fn variants(row: &Row) -> Vec<Vec<String>> {
    let long = format!("/{}", "a".repeat(256));
    let too_long = format!("/tmp/{}", "a/".repeat(2500));
    let paths = [
        "/not/there",
        "nonexistent",
        "file/below",
        "loop",
        "loop/below",
        "folder",
        "folder/",
        "file/",
        "",
        ".",
        "..",
        "dangling",
        "link",
        "@0",
        "@1",
        "@-1",
        "/dev/null/x",
        &long,
        &too_long,
    ];
    let one = |key: &str, values: &[&str]| -> Vec<Vec<String>> {
        values
            .iter()
            .map(|value| vec![format!("{key}={value}")])
            .collect()
    };
    let with = |variants: Vec<Vec<String>>, more: &[&str]| -> Vec<Vec<String>> {
        variants
            .into_iter()
            .map(|mut variant| {
                variant.extend(more.iter().map(|&m| m.to_owned()));
                variant
            })
            .collect()
    };
    let plus = |mut first: Vec<Vec<String>>, others: Vec<Vec<String>>| {
        first.extend(others);
        first
    };
    match row.kind {
        Kind::Exec => {
            let mut all = one("path", &paths);
            all.extend(one("path", &["file", "script", "garbage"]));
            // Null is a vector without words (execve(2), Linux); the others are no vectors at all.
            if row.call.contains("argv") {
                all.extend(with(one("argv", &["@1", "@-1"]), &["path=/bin/true"]));
                all.push(vec!["argv0=@1".into(), "path=/bin/true".into()]);
            }
            if row.call.contains("envp") {
                all.extend(with(one("envp", &["@1", "@-1", "@0"]), &["path=/bin/true"]));
            }
            if row.call.contains("fd") {
                all.extend(one("fd", &["-2", "1000", "0"]));
            }
            if row.call.contains("dir") {
                all.extend(with(one("dirfd", &["-1", "1000", "0"]), &["path=x"]));
                // AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, and a flag that nobody knows.
                all.extend(with(
                    one("flags", &["0x100", "0x1000", "0x80000"]),
                    &["path=link"],
                ));
                all.push(vec![
                    "path=".into(),
                    "dirfd=-1".into(),
                    "flags=0x1000".into(),
                ]);
            }
            all
        }
        Kind::ExecSearched => one(
            "base",
            &[
                "nonexistent",
                "",
                "./file",
                "./script",
                "./folder",
                "loop/x",
                &long[1..],
                "@1",
            ][..7],
        ),
        Kind::Spawn => plus(
            one("path", &paths),
            with(one("envp", &["@1", "@-1", "@0"]), &["path=/bin/true"]),
        ),
        Kind::SpawnSearched => one(
            "base",
            &["nonexistent", "", "./file", "./folder", &long[1..]],
        ),
        Kind::Shell => one(
            "command",
            &["exit 3", "kill -9 $$", "nonexistent", "", "@0"],
        ),
        Kind::StreamOfShell => plus(
            one("command", &["exit 3", "kill -9 $$"]),
            one("mode", &["q", "", "rw", "re", "r+"]),
        ),
        Kind::Connect => vec![
            vec!["to=127.0.0.1:1".into()],
            vec!["to=::1:1".into()],
            vec!["fd=-1".into(), "to=127.0.0.1:1".into(), "fd=-1".into()],
            vec!["fd=1000".into(), "to=127.0.0.1:1".into()],
            vec!["file=file".into(), "to=127.0.0.1:1".into()],
            vec!["to=127.0.0.1:1".into(), "address=@1".into()],
            vec!["to=127.0.0.1:1".into(), "address=@-1".into()],
            vec!["to=127.0.0.1:1".into(), "address=@0".into()],
            vec!["to=127.0.0.1:1".into(), "length=2".into()],
            vec!["to=127.0.0.1:1".into(), "length=15".into()],
            vec!["to=127.0.0.1:1".into(), "length=0".into()],
            vec!["to=127.0.0.1:1".into(), "length=128".into()],
            vec!["to=127.0.0.1:1".into(), "length=129".into()],
            vec!["to=127.0.0.1:1".into(), "length=-1".into()],
            vec!["to=127.0.0.1:1".into(), "family=0".into()],
            vec!["to=127.0.0.1:1".into(), "family=99".into()],
            vec!["to=127.0.0.1:1".into(), "nonblocking=1".into()],
        ],
        Kind::Bind => vec![
            vec!["to=192.0.2.1:5000".into()],
            vec!["to=127.0.0.1:0".into()],
            vec!["bound=127.0.0.1:0".into(), "to=127.0.0.1:0".into()],
            vec!["fd=1000".into(), "to=127.0.0.1:0".into()],
            vec!["file=file".into(), "to=127.0.0.1:0".into()],
            vec!["to=127.0.0.1:0".into(), "address=@1".into()],
            vec!["to=127.0.0.1:0".into(), "address=@-1".into()],
            vec!["to=127.0.0.1:0".into(), "length=3".into()],
            vec!["to=127.0.0.1:0".into(), "length=129".into()],
            vec!["to=127.0.0.1:0".into(), "family=99".into()],
            vec!["unix=socket".into()],
            vec!["unix=file".into()],
            vec!["unix=none/socket".into()],
            vec!["unix=".into()],
            vec!["unix=socket".into(), "length=2".into()],
            vec!["unix=socket".into(), "length=4".into()],
            vec!["unix=socket".into(), "length=111".into()],
            vec!["bound=127.0.0.1:0".into(), "unix=socket".into()],
        ],
        Kind::Listen => vec![
            vec!["fd=-1".into()],
            vec!["fd=1000".into()],
            vec!["file=file".into()],
            vec!["bound=127.0.0.1:0".into()],
        ],
        Kind::Send | Kind::Copy => vec![
            vec!["fd=-1".into()],
            vec!["fd=1000".into()],
            vec!["datagram=127.0.0.1:5000".into()],
            vec!["resolver=127.0.0.1:5000".into()],
        ],
        Kind::SendTo => {
            let datagram = |more: &[&str]| {
                let mut variant = vec!["datagram=127.0.0.1:5000".to_owned()];
                variant.extend(more.iter().map(|&m| m.to_owned()));
                variant
            };
            vec![
                datagram(&[]),
                datagram(&["fd=-1"]),
                datagram(&["fd=1000"]),
                datagram(&["file=file"]),
                datagram(&["address=@1"]),
                datagram(&["address=@-1"]),
                datagram(&["address=@0"]),
                datagram(&["length=3"]),
                datagram(&["length=15"]),
                datagram(&["length=128"]),
                datagram(&["length=129"]),
                datagram(&["length=-1"]),
                datagram(&["family=99"]),
                datagram(&["family=0"]),
                datagram(&["payload=@1"]),
                datagram(&["messages=@1", "manies=@1"]),
                datagram(&["messages=@-1", "manies=@-1"]),
                datagram(&["messages=@0", "manies=@0"]),
            ]
        }
        Kind::Receive => vec![
            vec!["fd=-1".into()],
            vec!["fd=1000".into()],
            vec!["file=file".into()],
            vec!["arrived=1".into()],
            vec!["arrived=2".into(), "amount=3".into()],
            vec!["arrived=1".into(), "amount=0".into()],
            // MSG_PEEK; MSG_TRUNC, which gives the whole length; MSG_DONTWAIT where there is nothing
            vec!["arrived=1".into(), "flags=2".into()],
            vec!["arrived=1".into(), "flags=0x20".into(), "amount=3".into()],
            vec![
                "arrived=0".into(),
                "flags=0x40".into(),
                "nonblocking=1".into(),
            ],
            vec!["arrived=1".into(), "sender=@0".into()],
            vec!["arrived=1".into(), "sender=@1".into()],
            vec!["arrived=1".into(), "incoming=@0".into()],
            vec!["arrived=1".into(), "incoming=@1".into()],
        ],
        Kind::Settle => one("name", &["127.0.0.1", "localhost", "@0"]),
        Kind::Accept => vec![
            vec!["fd=-1".into()],
            vec!["fd=1000".into()],
            vec!["file=file".into()],
            vec!["bound=127.0.0.1:0".into()],
            vec!["pending=1".into()],
        ],
        Kind::Entry | Kind::EntryInRoom => one(
            "name",
            &[
                "127.0.0.1",
                "localhost",
                &"a".repeat(300),
                &"b.".repeat(126),
            ],
        ),
        // Nothing that a name server would be asked for.
        Kind::Lookup if row.symbol.ends_with("send") => one("size", &["0", "4"]),
        Kind::Lookup | Kind::LookupWithin => with(
            one("name", &[&"a".repeat(300), &"a".repeat(64), "a..b"]),
            &["host=test"],
        ),
        Kind::Reverse | Kind::ReverseInRoom => vec![
            vec!["reverse=127.0.0.1".into()],
            vec!["reverse=127.0.0.1".into(), "reverse-family=99".into()],
            vec!["reverse=127.0.0.1".into(), "reverse-family=10".into()],
        ],
        Kind::ReverseAddress => {
            let to = |more: &str| vec!["to=127.0.0.1:80".to_owned(), more.to_owned()];
            vec![
                to("flags=0"),
                to("flags=1"),
                to("flags=99999"),
                to("length=3"),
                to("length=129"),
                to("family=99"),
                to("family=0"),
            ]
        }
        Kind::Words => {
            let commands = [
                "a b",
                "$HOME ~",
                "'",
                "$(",
                "`",
                "*",
                "a | b",
                "$(echo ran)",
                "`exit 3`",
            ];
            plus(
                one("command", &commands),
                with(one("command", &["$(echo ran)", "`x`"]), &["flags=4"]),
            )
        }
        Kind::Folder | Kind::List => one("path", &paths),
        Kind::Remove | Kind::RemoveFolder | Kind::Make | Kind::Change | Kind::ReadLink => {
            let mut all = one("path", &paths);
            if row.call.contains("flags") {
                // AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR and AT_EACCESS, AT_EMPTY_PATH, and one that nobody knows.
                for flags in ["0x100", "0x200", "0x1000", "0x80000"] {
                    let named = one("path", &["file", "folder", "link", "", "@0", "dangling"]);
                    all.extend(with(named, &[&format!("flags={flags}")]));
                }
            }
            if row.call.contains("(dir,") || row.call.contains(", dir,") {
                all.extend(with(one("dirfd", &["-1", "1000", "0"]), &["path=file"]));
                all.push(vec!["dir=folder".into(), "path=../file".into()]);
                all.push(vec!["dir=folder".into(), "path=x".into()]);
            }
            all.push(vec!["path=fresh".into(), "umask=077".into()]);
            all.push(vec!["path=file".into()]);
            all.push(vec!["path=link".into()]);
            all
        }
        Kind::Look => one("path", &paths),
        Kind::SharedMemory => vec![
            vec!["name=".into()],
            vec!["name=/".into()],
            vec!["name=/palisade/x".into()],
            vec!["name=/palisade-none".into()],
            vec!["name=..".into()],
            vec![format!("name={}", &long[1..])],
            vec![
                format!("name={}", object("/palisade")),
                libc_flags(&["O_RDWR", "O_CREAT", "O_EXCL"]),
            ],
        ],
        Kind::SharedMemoryGone => one("name", &[&object("/palisade"), &object("palisade")]),
        Kind::Rename => {
            let mut all = with(one("path", &paths), &["second=other"]);
            all.extend(with(one("second", &paths), &["path=file"]));
            all.extend(with(
                one("second", &["folder", "file", "dangling"]),
                &["path=folder"],
            ));
            // RENAME_NOREPLACE, RENAME_EXCHANGE, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH
            for flags in ["1", "2", "0x400", "0x1000"] {
                all.push(vec![
                    "path=link".into(),
                    "second=again".into(),
                    format!("flags={flags}"),
                ]);
                all.push(vec![
                    "path=link".into(),
                    "second=file".into(),
                    format!("flags={flags}"),
                ]);
            }
            all
        }
        Kind::Temporary | Kind::TemporaryFolder => one(
            "template",
            &["x", "", "none/XXXXXX", "tXXXXXX", "tXXXXX", "file/XXXXXX"],
        ),
        Kind::TemporaryStream => vec![vec![], vec!["umask=077".into()]],
        Kind::Name => one(
            "name",
            &[
                "127.0.0.1",
                "::1",
                "localhost",
                "1.2.3",
                "@0",
                "",
                &"a".repeat(300),
            ],
        ),
        Kind::Open => {
            let ways = [
                &["O_RDONLY"][..],
                &["O_RDWR"],
                &["O_WRONLY", "O_CREAT", "O_EXCL"],
                &["O_RDWR", "O_CREAT", "O_APPEND"],
                &["O_RDONLY", "O_TRUNC", "O_NONBLOCK"],
            ];
            let mut all = Vec::new();
            for way in ways {
                all.extend(with(one("path", &paths), &[&libc_flags(way)]));
            }
            // O_DIRECTORY, O_NOFOLLOW, O_PATH, O_TMPFILE, O_DIRECTORY|O_CREAT, unknown bits, O_CLOEXEC
            let shape: &[&str] = if cfg!(target_arch = "aarch64") {
                &["0o40000", "0o100000"]
            } else {
                &["0200000", "0400000"]
            };
            let others: &[&str] = &[
                "010000000",
                "020200002",
                "0200100",
                "0x40000000",
                "02000000",
                "03",
            ];
            // openat2 refuses flags that contradict each other or that it does not know; see tricks.rs.
            let is_strict = row.symbol.ends_with("openat2");
            let (shape, others) = if is_strict {
                (&shape[1..], &others[..2])
            } else {
                (shape, others)
            };
            for path in ["file", "link", "folder", "dangling", "loop", "."] {
                for flags in shape.iter().chain(others) {
                    all.push(vec![format!("path={path}"), format!("flags={flags}")]);
                }
            }
            if row.call.contains("dir") {
                all.extend(with(one("dirfd", &["-1", "1000", "0"]), &["path=file"]));
                all.push(vec!["dir=folder".into(), "path=../file".into()]);
                all.push(vec!["dir=folder".into(), "path=x".into()]);
                all.push(vec!["dirfd=1000".into(), "path=/etc/hostname".into()]);
            }
            all.push(vec![
                "path=fresh".into(),
                libc_flags(&["O_RDWR", "O_CREAT"]),
                "umask=077".into(),
            ]);
            all
        }
        Kind::OpenExisting => {
            let mut all = one("path", &paths);
            for flags in ["2", "01000", "0x40000000", "02000000", "010000000"] {
                let named = one("path", &["file", "link", "folder", "dangling", "loop", "."]);
                all.extend(with(named, &[&format!("flags={flags}")]));
            }
            all
        }
        Kind::Create => plus(
            one("path", &paths),
            vec![vec!["path=fresh".into(), "umask=0".into()]],
        ),
        Kind::Stream => {
            let paths: Vec<&str> = paths
                .iter()
                .copied()
                .filter(|path| !path.starts_with('@'))
                .collect();
            let mut all = Vec::new();
            for mode in [
                "r",
                "w",
                "a",
                "r+",
                "wx",
                "re",
                "rb",
                "q",
                "",
                "r,ccs=UTF-8",
                "w+e",
                "rbbbbbb+",
            ] {
                all.extend(with(
                    one("path", &paths),
                    &[&format!("mode={mode}"), "reopen=/dev/null"],
                ));
            }
            all.extend(with(
                one("path", &["@1", "@-1"]),
                &["mode=r", "reopen=/dev/null"],
            ));
            if row.symbol.starts_with("freopen") {
                for mode in ["r", "w", "r+", "q"] {
                    let mode = format!("mode={mode}");
                    all.extend(with(one("path", &["@0"]), &[&mode, "reopen=file"]));
                }
            }
            all
        }
        Kind::End | Kind::Around => vec![],
    }
}

/// A call for each of these variants, all of a row in a folder of its own. Some are made in a child in any case: with an address that cannot be
/// read, because libc itself may end the process; and what libc does with threads of its own, which it takes for there in a child, too.
pub fn calls<'a>(
    asked: &[(&'a Row, Vec<Vec<String>>)],
    place: &'a str,
    parent: &Path,
) -> Vec<Call<'a>> {
    let mut calls = Vec::new();
    for (row, variants) in asked {
        // A folder in a folder, for what is done to `..`.
        let folder = parent.join(row.symbol).join("inner");
        fs::create_dir_all(&folder).expect("a folder");
        furnish(&folder);
        for variant in variants {
            let mut arguments = vec![format!("chdir={}", folder.display())];
            arguments.extend(variant.iter().cloned());
            let is_wild = has_threads(row) || variant.iter().any(|word| word.contains("=@"));
            calls.push(Call {
                row,
                place: if is_wild { "fork" } else { place },
                arguments,
            });
        }
    }
    calls
}

/// aio(7) and getaddrinfo_a(3).
fn has_threads(row: &Row) -> bool {
    row.symbol.contains("aio_")
        || row.symbol.starts_with("lio_")
        || row.symbol.starts_with("gai_")
        || row.symbol == "getaddrinfo_a"
}

/// What becomes of every variant of these rows.
fn stories(
    asked: &[(&Row, Vec<Vec<String>>)],
    place: &str,
    way: &[&str],
    sections: Option<&Value>,
) -> Stories {
    let parent = tempfile::tempdir().expect("a folder");
    Start::new(way, sections).make(&calls(asked, place, parent.path()))
}

/// Where all is as it is without the library, nobody was attacked.
fn same_as_without(
    place: &str,
    all_sections: &[Value],
    is_asked: impl Fn(&Row) -> bool,
    most: usize,
) {
    let mut differences = BTreeSet::new();
    let mut failures = 0;
    let asked = rows().filter(|row| !matches!(row.kind, Kind::End | Kind::Around) && is_asked(row));
    let variants = asked.map(|row| (row, variants(row).into_iter().take(most).collect()));
    // Shells say something of their own.
    let (shells, others): (Vec<_>, Vec<_>) = variants.partition(|(row, _)| row.kind == Kind::Shell);
    for asked in [shells, others].iter().filter(|asked| !asked.is_empty()) {
        let is_shell = asked[0].0.kind == Kind::Shell;
        for way in WAYS {
            let natural = stories(asked, place, way, None);
            assert!(is_shell || natural.errors.is_empty(), "{}", natural.errors);
            for (row, _) in asked {
                let said = natural
                    .each
                    .iter()
                    .zip(calls_of(asked))
                    .filter(|(_, (of, _))| *of == row.symbol);
                assert!(
                    said.into_iter()
                        .any(|(story, _)| story.said.contains(" errno ")),
                    "{}",
                    row.symbol
                );
            }
            failures += natural
                .each
                .iter()
                .filter(|story| !story.said.contains("errno 4242"))
                .count();
            for sections in all_sections {
                let ours = stories(asked, place, way, Some(sections));
                assert!(is_shell || ours.errors.is_empty(), "{}", ours.errors);
                for (((symbol, variant), natural), ours) in
                    calls_of(asked).zip(&natural.each).zip(&ours.each)
                {
                    if natural != ours {
                        differences.insert(format!(
                            "{symbol} {variant:.80?} {way:?} {sections}\n  without: {natural:?}\n  with:    {ours:?}\n"
                        ));
                    }
                }
                differences.extend(
                    ours.audits
                        .iter()
                        .map(|audit| format!("nobody was attacked: {audit:?}\n")),
                );
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{}",
        Vec::from_iter(differences).concat()
    );
    assert!(failures > 150 || most > 2, "only {failures} calls failed");
}

fn calls_of<'a>(
    asked: &'a [(&Row, Vec<Vec<String>>)],
) -> impl Iterator<Item = (&'a str, &'a Vec<String>)> {
    asked
        .iter()
        .flat_map(|(row, variants)| variants.iter().map(|variant| (row.symbol, variant)))
}

/// Nothing is judged, or all is judged and allowed.
fn permitting() -> [Value; 3] {
    [json!({}), allowing("alert"), allowing("prevent")]
}

#[test]
fn a_call_that_fails_by_itself_fails_as_without_the_library_where_it_is_allowed() {
    same_as_without("main", &permitting(), |row| !is_old(row), usize::MAX);
}

#[test]
fn a_program_built_with_an_older_glibc_fails_as_without_the_library() {
    same_as_without("main", &permitting(), is_old, usize::MAX);
}

#[test]
fn a_call_of_a_child_that_fails_by_itself_fails_as_without_the_library() {
    // Two variants are enough for the place.
    same_as_without("fork", &permitting(), |_| true, 2);
}

/// Every section on, and nothing denied that the programs here do.
pub fn allowing(effect: &str) -> Value {
    json!({
        "processes": { "effect": effect, "deny": ["/none/such"] },
        "network": { "effect": effect, "outbound": { "deny": ["203.0.113.9"] }, "listen": { "deny": [7] } },
        "dns": { "effect": effect, "deny": ["none.such"] },
        "filesystem": { "effect": effect, "deny": ["/none/such/**"] },
    })
}
