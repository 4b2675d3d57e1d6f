//! Parts of a path that are different in every run: what a list has to leave open, or it allows the past only.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::OnceLock;

use regex::Regex;

use crate::change::exactly;

/// Something that changes within a component of a path. Group 1 is what is left open, or else all of it.
struct Changing {
    pattern: &'static str,
    /// Only below the directories for temporary files is a short random name one.
    temporary: bool,
    /// Words are spelt with these letters too.
    is_random: fn(&str) -> bool,
}

const CHANGING: [Changing; 7] = [
    // UUIDs: request ids, temporary names.
    Changing {
        pattern: r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
        temporary: false,
        is_random: |_| true,
    },
    // Digests and the like.
    Changing {
        pattern: r"[0-9a-f]{12,}",
        temporary: false,
        is_random: |text| has(text, u8::is_ascii_digit) && has(text, u8::is_ascii_alphabetic),
    },
    // Ruby's Tempfile: the day, the process, a number in base 36.
    Changing {
        pattern: r"[0-9]{8}-[0-9]+-[0-9a-z]+",
        temporary: true,
        is_random: |_| true,
    },
    // tempfile of Python without a prefix, and GetTempFileName of .NET.
    Changing {
        pattern: r"^tmp([0-9a-z_]{8}|[0-9A-Za-z]{6})(?:\..*)?$",
        temporary: true,
        is_random: |_| true,
    },
    // tempfile of Python with one, perhaps with a suffix.
    Changing {
        pattern: r"[._-]([0-9a-z_]{8})(?:\.[0-9A-Za-z]+)?$",
        temporary: true,
        is_random: |text| has(text, u8::is_ascii_digit) || text.contains('_'),
    },
    // mkstemp(3), mkdtemp(3): six characters at the end.
    Changing {
        pattern: r"[._-]([0-9A-Za-z]{6})$",
        temporary: true,
        is_random: |text| {
            has(text, u8::is_ascii_digit)
                || has(text, u8::is_ascii_uppercase) && has(text, u8::is_ascii_lowercase)
        },
    },
    // Numbers: process ids, times. Last, since a random name may have some in it.
    Changing {
        pattern: r"[0-9]{4,}",
        temporary: false,
        is_random: |_| true,
    },
];

fn has(text: &str, is: fn(&u8) -> bool) -> bool {
    text.bytes().any(|byte| is(&byte))
}

/// So many names of the same shape, none of which came back, are one name that changes.
const SIBLINGS: usize = 3;
/// What changes has at least so many characters.
const SHORTEST: usize = 4;

/// Where files lie that are not meant to stay.
fn is_temporary(path: &str) -> bool {
    ["/tmp/", "/dev/shm/", "/var/tmp/", "/run/", "/var/run/"]
        .iter()
        .any(|directory| path.starts_with(directory))
}

/// Python tries whether a directory can be written to, with a file that has a name of this length and of lower-case letters, digits and
/// underscores: most are no word, and some look like one.
const PROBE: usize = 8;

/// The glob for a path with the volatile parts open. `pids`: of those who used it. `written`: it was not only read.
pub fn open(path: &str, pids: &BTreeSet<u32>, written: bool) -> String {
    let temporary = is_temporary(path);
    if temporary
        && written
        && let Some((directory, name)) = path.rsplit_once('/')
        && name.len() == PROBE
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    {
        return format!("{}/{}", open(directory, pids, false), "?".repeat(PROBE));
    }
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
        } else if above == "lib" || part.starts_with("python") {
            // Where releases are installed, a version is what tells them apart.
            glob.push_str(&exactly(part));
        } else {
            glob.push_str(&component(part, temporary, pids));
        }
        above = part;
    }
    glob
}

fn component(part: &str, temporary: bool, pids: &BTreeSet<u32>) -> String {
    let mut open: Vec<Range<usize>> = Vec::new();
    let mut take = |range: Range<usize>| {
        let is_free = open
            .iter()
            .all(|other| range.end <= other.start || other.end <= range.start);
        if is_free {
            open.push(range);
        }
    };
    for (changing, regex) in CHANGING.iter().zip(regexes()) {
        if changing.temporary && !temporary {
            continue;
        }
        for captures in regex.captures_iter(part) {
            if let Some(found) = captures.get(1).or_else(|| captures.get(0))
                && (changing.is_random)(found.as_str())
            {
                take(found.range());
            }
        }
    }
    if temporary {
        for range in numbers(part) {
            let text = part.get(range.clone()).unwrap_or_default();
            if text.parse().is_ok_and(|number| pids.contains(&number)) {
                take(range);
            }
        }
    }
    open.sort_by_key(|range| range.start);
    let mut glob = String::new();
    let mut from = 0;
    for range in open {
        glob.push_str(&exactly(part.get(from..range.start).unwrap_or_default()));
        if !glob.ends_with('*') {
            glob.push('*');
        }
        from = range.end;
    }
    glob.push_str(&exactly(part.get(from..).unwrap_or_default()));
    glob
}

/// Numbers that are words of their own.
fn numbers(part: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for piece in part.split(|c: char| !c.is_ascii_alphanumeric()) {
        let end = start + piece.len();
        if !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_digit()) {
            found.push(start..end);
        }
        // The separator may have more than one byte.
        let separator = part
            .get(end..)
            .and_then(|rest| rest.chars().next())
            .map_or(0, char::len_utf8);
        start = end + separator;
    }
    found
}

/// Below the directories for temporary files: globs that differ in one component only, which has the same length and did not come back
/// (`is_fresh`), are one whose difference is open, if there are enough of them or a glob for them is there.
pub fn merge<T>(globs: &mut BTreeMap<String, Vec<T>>, is_fresh: impl Fn(&[T]) -> bool) {
    let mut shapes: BTreeMap<(String, usize), Vec<(String, String)>> = BTreeMap::new();
    for (glob, seen) in globs.iter() {
        if !is_temporary(glob) || !is_fresh(seen) {
            continue;
        }
        let parts: Vec<&str> = glob.split('/').collect();
        for place in 2..parts.len() {
            let part = parts.get(place).copied().unwrap_or_default();
            if part.contains(['*', '\\']) {
                continue;
            }
            let mut around = parts.clone();
            if let Some(slot) = around.get_mut(place) {
                *slot = "\0";
            }
            shapes
                .entry((around.join("/"), part.len()))
                .or_default()
                .push((glob.clone(), part.to_owned()));
        }
    }
    for ((around, length), mut members) in shapes {
        let mut moved: Vec<(String, String)> = Vec::new();
        members.retain(|(glob, name)| match already_open(globs, &around, name) {
            Some(open) => {
                moved.push((glob.clone(), open));
                false
            }
            None => true,
        });
        let names: BTreeSet<&str> = members.iter().map(|(_, name)| name.as_str()).collect();
        let (head, tail) = (common(&names, false), common(&names, true));
        if names.len() >= SIBLINGS && head + tail + SHORTEST <= length {
            let first = names.first().copied().unwrap_or_default();
            let head = first.get(..head).unwrap_or_default();
            let tail = first.get(length - tail..).unwrap_or_default();
            let open = around.replace('\0', &format!("{head}*{tail}"));
            moved.extend(members.into_iter().map(|(glob, _)| (glob, open.clone())));
        }
        for (glob, open) in moved {
            if let Some(seen) = globs.remove(&glob) {
                globs.entry(open).or_default().extend(seen);
            }
        }
    }
}

/// The glob that is there for a name which is random, too, and does not look it.
fn already_open<T>(globs: &BTreeMap<String, Vec<T>>, around: &str, name: &str) -> Option<String> {
    let (before, behind) = around.split_once('\0')?;
    globs.keys().find_map(|glob| {
        let part = glob.strip_prefix(before)?.strip_suffix(behind)?;
        let (head, tail) = part.split_once('*')?;
        let is_one = !part.contains('/') && !tail.contains('*') && head.len() + tail.len() > 0;
        let fits = name.len() >= head.len() + tail.len() + SHORTEST
            && name.starts_with(head)
            && name.ends_with(tail);
        (is_one && fits).then(|| glob.clone())
    })
}

/// How many bytes all of them begin or end with.
fn common(names: &BTreeSet<&str>, at_end: bool) -> usize {
    let byte = |name: &str, index: usize| {
        let bytes = name.as_bytes();
        let index = if at_end {
            bytes.len().checked_sub(index + 1)
        } else {
            Some(index)
        };
        index.and_then(|index| bytes.get(index).copied())
    };
    let Some(first) = names.first() else { return 0 };
    let length = (0..first.len())
        .take_while(|index| {
            names
                .iter()
                .all(|name| byte(name, *index) == byte(first, *index))
        })
        .count();
    // A character must not be torn.
    (0..=length)
        .rev()
        .find(|length| {
            first.is_char_boundary(if at_end {
                first.len() - length
            } else {
                *length
            })
        })
        .unwrap_or(0)
}

fn regexes() -> &'static [Regex] {
    static REGEXES: OnceLock<Vec<Regex>> = OnceLock::new();
    REGEXES.get_or_init(|| {
        CHANGING
            .iter()
            .filter_map(|changing| Regex::new(changing.pattern).ok())
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
            ("/tmp/tmpQx3abc.tmp", "/tmp/tmp*.tmp"),
            (
                "/tmp/upload-8f5b2c1e-1234-4000-8000-00000000000a.json",
                "/tmp/upload-*.json",
            ),
            ("/tmp/report.aB3dE9", "/tmp/report.*"),
            ("/tmp/receipt-ab12cd_9.txt", "/tmp/receipt-*.txt"),
            ("/tmp/receipt-7y3e0355.txt", "/tmp/receipt-*.txt"),
            ("/tmp/receipt20261125-17-x8fj2k", "/tmp/receipt*"),
            ("/tmp/receipt4711081547110815.txt", "/tmp/receipt*.txt"),
            ("/tmp/orders.sqlite", "/tmp/orders.sqlite"),
            ("/tmp/weekly-quarters.csv", "/tmp/weekly-quarters.csv"),
            (
                "/tmp/cache/e3b0c44298fc1c149afbf4c8996fb924",
                "/tmp/cache/*",
            ),
            ("/tmp/log-20261120-221320.txt", "/tmp/log-*-*.txt"),
            ("/tmp/hsperfdata_sbx/17", "/tmp/hsperfdata_sbx/*"),
            (
                "/tmp/clr-debug-pipe-17-99-in",
                "/tmp/clr-debug-pipe-*-99-in",
            ),
            ("/tmp/größe-17", "/tmp/größe-*"),
            ("/tmp/page18", "/tmp/page18"),
            ("/srv/page-17", "/srv/page-17"),
            ("/opt/lib/libfoo.so.1.2.3", "/opt/lib/libfoo.so.1.2.3"),
            ("/srv/a*b", "/srv/a\\*b"),
            ("/opt/feedfacefeed", "/opt/feedfacefeed"),
        ] {
            let pids = BTreeSet::from([17, 18]);
            assert_eq!(open(path, &pids, false), glob, "{path}");
        }
        let written = |path| open(path, &BTreeSet::new(), true);
        assert_eq!(written("/tmp/estaiiux"), "/tmp/????????");
        assert_eq!(written("/tmp/estaiiux.x"), "/tmp/estaiiux.x");
        assert_eq!(written("/srv/estaiiux"), "/srv/estaiiux");
    }

    fn merged(names: &[&str]) -> Vec<String> {
        let mut globs = names
            .iter()
            .map(|name| ((*name).to_owned(), vec![name.len()]))
            .collect();
        merge(&mut globs, |_| true);
        globs.into_keys().collect()
    }

    #[test]
    fn names_that_never_come_back_are_one() {
        let random = [
            "/tmp/order-qwertz.x/a",
            "/tmp/order-asdfgh.x/a",
            "/tmp/order-yxcvbn.x/a",
        ];
        assert_eq!(merged(&random), ["/tmp/order-*.x/a"]);
        assert_eq!(merged(&random[..2]).len(), 2, "two may be two");
        assert_eq!(
            merged(&["/tmp/order-*", "/tmp/order-qwertz", "/tmp/offer-qwertz"]),
            ["/tmp/offer-qwertz", "/tmp/order-*"]
        );
        let elsewhere = [
            "/srv/order-qwertz",
            "/srv/order-asdfgh",
            "/srv/order-yxcvbn",
        ];
        assert_eq!(merged(&elsewhere).len(), 3);
        let short = ["/tmp/a1", "/tmp/b2", "/tmp/c3", "/tmp/d4"];
        assert_eq!(merged(&short).len(), 4);
        let mut back = random
            .iter()
            .map(|name| ((*name).to_owned(), vec![2]))
            .collect();
        merge(&mut back, |seen| seen[0] < 2);
        assert_eq!(back.len(), 3, "what came back stays");
    }
}
