//! Parts of a path that are different in every run: what a list has to leave open, or it allows the past only.

use std::sync::OnceLock;

use regex::Regex;

use crate::change::exactly;

/// What changes, most telling first. Each is replaced by `*` within its component.
const CHANGING: [&str; 5] = [
    // UUIDs: request ids, temporary names.
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    // Digests and the like: long hexadecimal with a digit in it, see `is_random`.
    r"[0-9a-f]{12,}",
    // tempfile of Python: `tmp` and eight of these.
    r"^tmp[a-z0-9_]{8}",
    // Numbers: process ids, times.
    r"[0-9]{4,}",
    // mkstemp(3): six characters at the end.
    r"[._-][A-Za-z0-9]{6}$",
];

/// The glob for a path with the volatile parts open.
pub fn open(path: &str) -> String {
    let mut parts = path.split('/');
    let mut glob = String::new();
    let mut above = "";
    if let Some(first) = parts.next() {
        glob.push_str(&exactly(first));
    }
    for part in parts {
        glob.push('/');
        let number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        // A process number is one as short as it may be; so is that of a descriptor or a thread.
        if number && (path.starts_with("/proc/") || path.starts_with("/dev/fd/")) {
            glob.push('*');
        } else {
            let temporary = path.starts_with("/tmp/")
                || path.starts_with("/dev/shm/")
                || path.starts_with("/var/tmp/");
            glob.push_str(&component(part, temporary, above));
        }
        above = part;
    }
    glob
}

fn component(part: &str, temporary: bool, above: &str) -> String {
    // Where releases are installed, a version is what tells them apart.
    if above == "lib" || part.starts_with("python") {
        return exactly(part);
    }
    let mut pieces = vec![(part.to_owned(), false)];
    for (index, regex) in regexes().iter().enumerate() {
        // Only below the directories for such files is a short random name one.
        if matches!(index, 2 | 4) && !temporary {
            continue;
        }
        pieces = pieces
            .into_iter()
            .flat_map(|(text, open)| {
                if open {
                    return vec![(text, true)];
                }
                let mut out = Vec::new();
                let mut from = 0;
                for found in regex
                    .find_iter(&text)
                    .filter(|found| is_random(index, found.as_str()))
                {
                    out.push((
                        text.get(from..found.start()).unwrap_or_default().to_owned(),
                        false,
                    ));
                    out.push((found.as_str().to_owned(), true));
                    from = found.end();
                }
                out.push((text.get(from..).unwrap_or_default().to_owned(), false));
                out
            })
            .collect();
    }
    let mut glob = String::new();
    for (text, open) in pieces {
        match (open, text.as_str()) {
            (true, found) => {
                let keep = match found {
                    _ if found.starts_with("tmp") => "tmp",
                    _ => found
                        .get(..1)
                        .filter(|first| matches!(*first, "." | "_" | "-"))
                        .unwrap_or(""),
                };
                glob.push_str(keep);
                if !glob.ends_with('*') {
                    glob.push('*');
                }
            }
            (false, text) => glob.push_str(&exactly(text)),
        }
    }
    glob
}

/// Words are spelt with these letters too.
fn is_random(index: usize, text: &str) -> bool {
    let digit = text.bytes().any(|byte| byte.is_ascii_digit());
    match index {
        1 => digit && text.bytes().any(|byte| byte.is_ascii_alphabetic()),
        4 => {
            digit
                || (text.bytes().any(|byte| byte.is_ascii_uppercase())
                    && text.bytes().any(|byte| byte.is_ascii_lowercase()))
        }
        _ => true,
    }
}

fn regexes() -> &'static [Regex] {
    static REGEXES: OnceLock<Vec<Regex>> = OnceLock::new();
    REGEXES.get_or_init(|| {
        CHANGING
            .iter()
            .filter_map(|text| Regex::new(text).ok())
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_open_and_what_stays_is_not() {
        assert_eq!(regexes().len(), CHANGING.len());
        for (path, glob) in [
            ("/var/task/app.py", "/var/task/app.py"),
            ("/proc/77/status", "/proc/*/status"),
            ("/proc/self/fd/3", "/proc/self/fd/*"),
            ("/tmp/tmpab12cd_9/data.csv", "/tmp/tmp*/data.csv"),
            (
                "/tmp/upload-8f5b2c1e-1234-4000-8000-00000000000a.json",
                "/tmp/upload-*.json",
            ),
            ("/tmp/report.aB3dE9", "/tmp/report.*"),
            ("/tmp/orders.sqlite", "/tmp/orders.sqlite"),
            (
                "/tmp/cache/e3b0c44298fc1c149afbf4c8996fb924",
                "/tmp/cache/*",
            ),
            ("/tmp/log-20261120-221320.txt", "/tmp/log-*-*.txt"),
            ("/opt/lib/libfoo.so.1.2.3", "/opt/lib/libfoo.so.1.2.3"),
            ("/srv/a*b", "/srv/a\\*b"),
            ("/opt/feedfacefeed", "/opt/feedfacefeed"),
        ] {
            assert_eq!(open(path), glob, "{path}");
        }
    }
}
