//! What the environment and the files say, read once by the constructor.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ffi::CStr;

use palisade_policy::format;
use palisade_policy::{Decider, Mode, Platform, Policy, Surroundings};

use crate::env;
use crate::log::{Destination, Log, Stream};
use crate::sys::{self, Errno, FileId};
use crate::table::Strings;
use crate::{elf, shared, sixbit};

/// The largest policy file that is read, in bytes; the same bound as for an inflated `PALISADE_POLICY`.
const POLICY_MAX: usize = 1 << 20;

/// The function's own policy file, and the layer's.
const POLICY_FILES: [&CStr; 2] = [c"/var/task/palisade.json", c"/opt/palisade/policy.json"];

/// The environment of this process at its start.
#[derive(Clone, Copy)]
pub struct Environment(pub Strings);

impl Environment {
    /// A variable's bytes.
    pub fn bytes(self, name: &str) -> Option<&'static [u8]> {
        // SAFETY: the loader's environment, which the constructor reads before anybody can change it.
        unsafe { env::value(self.0, name.as_bytes()) }
    }

    /// The bytes of a setting, by its name with its equals sign. A child asks in this way: no call is made, and no other entry is read to its end.
    #[inline(always)]
    pub fn setting(self, name: &[u8]) -> Option<&'static [u8]> {
        // SAFETY: as above.
        unsafe { env::setting(self.0, name) }
    }

    /// A variable as text; bytes that are no UTF-8 are replaced.
    #[inline(never)]
    pub fn text(self, name: &str) -> Option<String> {
        self.bytes(name)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Every setting of ours, whole.
    pub fn ours(self) -> impl Iterator<Item = &'static [u8]> {
        // SAFETY: as above.
        unsafe { env::entries(self.0) }.filter(|entry| entry.starts_with(b"PALISADE_"))
    }
}

/// Where the function runs. The main process takes it from its environment and hands it on to its children, which may be given
/// an empty one (`PALISADE_CONTEXT`).
pub struct Surround {
    environment: Environment,
    is_handed: bool,
    /// Names and values: what was handed on, and then what was asked for.
    known: RefCell<Vec<(String, String)>>,
}

impl Surround {
    /// Reads what was handed on, if anything was.
    pub fn new(environment: Environment) -> Self {
        let text = environment.text("PALISADE_CONTEXT");
        let entries = text
            .iter()
            .flat_map(|text| text.split(';'))
            .filter_map(|entry| entry.split_once('='));
        let known = entries
            .map(|(name, value)| (name.to_owned(), unescape(value)))
            .collect();
        Self {
            environment,
            is_handed: text.is_some(),
            known: RefCell::new(known),
        }
    }

    /// A variable of the main process. What is asked for is what will be handed on.
    #[inline(never)]
    pub fn variable(&self, name: &str) -> Option<String> {
        let known = self.lookup(name);
        if known.is_some() || self.is_handed {
            return known;
        }
        let value = self.environment.text(name)?;
        self.known
            .borrow_mut()
            .push((name.to_owned(), value.clone()));
        Some(value)
    }

    /// The interpreter: handed on by the main process, or this very program.
    pub fn program(&self, own: &str) -> String {
        self.lookup(PROGRAM).unwrap_or_else(|| {
            self.known
                .borrow_mut()
                .push((PROGRAM.to_owned(), own.to_owned()));
            own.to_owned()
        })
    }

    /// Has this system musl's program loader? Whoever is the first to need it looks, and hands it on: to look would be a tenth of what the start of a
    /// child takes.
    pub fn has_musl(&self) -> bool {
        if let Some(known) = self.lookup(MUSL) {
            return known == "1";
        }
        let has_musl = elf::has_musl();
        let said = if has_musl { "1" } else { "0" };
        self.known
            .borrow_mut()
            .push((MUSL.to_owned(), said.to_owned()));
        has_musl
    }

    fn lookup(&self, name: &str) -> Option<String> {
        self.known
            .borrow()
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }

    /// What to hand on: everything that was asked for. While another wrapper is still at work, not the program, which is that
    /// wrapper's.
    pub fn hand_on(&self, is_waiting: bool) -> String {
        let mut text = String::new();
        for (name, value) in self
            .known
            .borrow()
            .iter()
            .filter(|(name, _)| !is_waiting || name != PROGRAM)
        {
            if !text.is_empty() {
                text.push(';');
            }
            text.push_str(name);
            text.push('=');
            escape(value, &mut text);
        }
        text
    }
}

/// In lower case, so that no variable has its name.
const PROGRAM: &str = "program";
const MUSL: &str = "musl";
/// How [`Surround::hand_on`] says that this system has it.
pub const HAS_MUSL: &[u8] = b"musl=1";

fn escape(value: &str, escaped: &mut String) {
    for character in value.chars() {
        match character {
            ';' | '%' | '\0'..='\x1f' | '\x7f' => {
                let code = u32::from(character);
                escaped.push('%');
                escaped.extend(
                    [code >> 4, code & 15].map(|digit| char::from_digit(digit, 16).unwrap_or('0')),
                );
            }
            other => escaped.push(other),
        }
    }
}

fn unescape(value: &str) -> String {
    let mut parts = value.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part
            .get(..2)
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        if let (Some(code), Some(rest)) = (code, part.get(2..)) {
            text.push(char::from(code));
            text.push_str(rest);
        }
    }
    text
}

/// A policy, and where it came from.
pub struct Found {
    /// As a person would look for it: a variable, a file, or the built-in default.
    pub place: String,
    /// The policy, or one sentence with everything that is wrong with it.
    pub policy: Result<Policy, String>,
}

/// The policy that applies, in the mode that `PALISADE_MODE` asks for, if it does. On failure, everything that is wrong.
pub fn policy(environment: Environment) -> Found {
    let Found { place, policy } = found(environment);
    let policy = policy.map_err(|problem| format!("The policy in {place} is not valid: {problem}"));
    let mode = match environment.bytes("PALISADE_MODE") {
        None | Some(b"") => return Found { place, policy },
        Some(b"learn") => Mode::Learn,
        Some(b"enforce") => Mode::Enforce,
        Some(other) => {
            let mut problem = format!(
                "PALISADE_MODE is \"{}\"; expected learn or enforce",
                String::from_utf8_lossy(other)
            );
            if let Err(also) = policy {
                problem = format!("{problem}. {also}");
            }
            return Found {
                place,
                policy: Err(problem),
            };
        }
    };
    Found {
        place,
        policy: policy.map(|policy| Policy { mode, ..policy }),
    }
}

/// The first policy that is set, in the order of the contract.
fn found(environment: Environment) -> Found {
    if let Some(value) = environment.bytes("PALISADE_POLICY") {
        let place = "PALISADE_POLICY".to_owned();
        let policy = match palisade_policy::decode(value) {
            Ok(text) => parse(&text),
            Err(problem) => Err(problem.to_string()),
        };
        return Found { place, policy };
    }
    if let Some(value) = environment.bytes("PALISADE_POLICY_FILE") {
        let place = format!("{} (PALISADE_POLICY_FILE)", String::from_utf8_lossy(value));
        let policy = if value.starts_with(b"/") {
            let path = CString::new(value).unwrap_or_default();
            sys::read_file(&path, POLICY_MAX)
                .map_err(unreadable)
                .and_then(|text| parse(&text))
        } else {
            Err("the path is relative; expected an absolute path, such as /opt/palisade/policy.json".to_owned())
        };
        return Found { place, policy };
    }
    for path in POLICY_FILES {
        match sys::read_file(path, POLICY_MAX) {
            Err(Errno(libc::ENOENT | libc::ENOTDIR)) => {}
            result => {
                let policy = result.map_err(unreadable).and_then(|text| parse(&text));
                return Found {
                    place: path.to_string_lossy().into_owned(),
                    policy,
                };
            }
        }
    }
    Found {
        place: "the built-in default".to_owned(),
        policy: Ok(palisade_policy::default_policy()),
    }
}

fn parse(text: &[u8]) -> Result<Policy, String> {
    palisade_policy::read(text).map_err(|problems| {
        let sentences: Vec<String> = problems.iter().map(ToString::to_string).collect();
        sentences.join("; ")
    })
}

fn unreadable(Errno(errno): Errno) -> String {
    let why = match errno {
        libc::ENOENT => "there is no such file",
        libc::EACCES => "permission denied",
        libc::EISDIR => "it is a directory",
        libc::EFBIG => "it has more than 1 MiB",
        _ => "it cannot be read",
    };
    format!("{why} (errno {errno}); expected a readable policy file")
}

/// The longest compiled policy that is handed on in an environment, in letters. exec(3) copies it for each child, which is
/// still far less work than to parse the policy; one string may have 128 KiB (execve(2)).
const COMPILED_MAX: usize = 48 * 1024;

/// The entry of an environment that has the compiled policy.
pub const COMPILED: &[u8] = b"PALISADE_COMPILED=";

/// The compiled policy, as the main process hands it on ([`COMPILED`]), so that no child parses anything. `None`: it has to.
pub fn compiled(environment: Environment) -> Option<Decider<'static>> {
    // Without the context it is not the main process that speaks.
    environment.bytes("PALISADE_CONTEXT")?;
    let text = environment.setting(COMPILED)?;
    if let Some(bytes) = shared::take(text) {
        return Decider::from_bytes(bytes);
    }
    let bytes = Vec::leak(vec![0; sixbit::room(text)?]);
    Decider::from_bytes(sixbit::decode(text, bytes)?)
}

/// The entry of an environment that [`compiled`] reads; `None` if it is too long for one, and there is no memory to share.
pub fn hand_on_compiled(bytes: &[u8]) -> Option<&'static CStr> {
    let name = COMPILED;
    let mut entry = if bytes.len() < COMPILED_MAX / 4 * 3 {
        sixbit::encode(name, bytes)
    } else {
        [name, shared::lay(bytes)?.as_bytes()].concat()
    };
    entry.push(0);
    // SAFETY: what was pushed is the only NUL: the rest is a name and letters, or a name and a number.
    Some(unsafe { CStr::from_bytes_with_nul_unchecked(entry.leak()) })
}

/// What the platform needs here.
pub fn platform(surround: &Surround, program: &str) -> Platform {
    let resolv_conf = sys::read_file(c"/etc/resolv.conf", 1 << 16).unwrap_or_default();
    Platform::derive(&Surroundings {
        variable: &|name| surround.variable(name),
        resolv_conf: &String::from_utf8_lossy(&resolv_conf),
        hostname: &sys::hostname(),
        program,
    })
}

/// `PALISADE_AUDIT`, or the default: standard output inside Lambda, where it goes to the function's log, and standard error elsewhere.
///
/// # Errors
/// One sentence: what is wrong and what would be right.
pub fn destination(environment: Environment, is_in_lambda: bool) -> Result<Destination, String> {
    let default = Destination::Stream(if is_in_lambda { 1 } else { 2 });
    match environment.bytes("PALISADE_AUDIT") {
        None | Some(b"") => Ok(default),
        Some(b"stdout") => Ok(Destination::Stream(1)),
        Some(b"stderr") => Ok(Destination::Stream(2)),
        Some(value) => match value
            .strip_prefix(b"file:")
            .and_then(|path| CString::new(path).ok())
        {
            Some(path) if path.to_bytes().starts_with(b"/") => {
                Ok(Destination::File(Box::leak(path.into_boxed_c_str())))
            }
            _ => Err(format!(
                "PALISADE_AUDIT is \"{}\"; expected stdout, stderr, or file: and an absolute path, such as file:/tmp/audit.jsonl",
                String::from_utf8_lossy(value)
            )),
        },
    }
}

/// The log as the main process found it at its start (`PALISADE_LOG`).
pub fn log_of_main(environment: Environment, destination: Destination, main: u32) -> Option<Log> {
    log_of(environment.bytes("PALISADE_LOG")?, destination, main)
}

/// The log that such a text stands for: five numbers a stream, or nothing where there was none.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
pub fn log_of(text: &[u8], destination: Destination, main: u32) -> Option<Log> {
    let mut streams = text.split(|byte| *byte == b'/').map(stream_of);
    Some(Log {
        destination,
        streams: [streams.next().flatten(), streams.next().flatten()],
        main,
    })
}

/// One of the two of [`log_of`].
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
fn stream_of(text: &[u8]) -> Option<Stream> {
    let mut numbers = [0; 5];
    let mut parts = text.split(|byte| *byte == b',');
    for place in &mut numbers {
        *place = number(parts.next()?)?;
    }
    let [number, device, inode, special, reopen] = numbers;
    let stream = Stream {
        number: i32::try_from(number).ok()?,
        id: FileId {
            device,
            inode,
            special,
        },
        reopen: reopen == 1,
    };
    parts.next().is_none().then_some(stream)
}

/// A number in decimal.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
#[inline(never)]
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// The text that [`log_of`] reads.
pub fn hand_on_log(log: &Log) -> String {
    let streams = log.streams.iter().map(|stream| match stream {
        Some(Stream { number, id, reopen }) => {
            format!(
                "{number},{},{},{},{}",
                id.device,
                id.inode,
                id.special,
                u8::from(*reopen)
            )
        }
        None => String::new(),
    });
    streams.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use palisade_policy::format;

    #[test]
    fn what_is_handed_on_comes_back_as_it_was() {
        for value in ["", "plain", "a;b=c%d", "line\nline\u{1b}[0m", "größe %3b %"] {
            let mut escaped = String::new();
            escape(value, &mut escaped);
            assert_eq!(unescape(&escaped), value);
            assert!(!escaped.contains([';', '\n', '\u{1b}']));
        }
    }

    #[test]
    fn the_log_is_handed_on_in_numbers() {
        let id = FileId {
            device: 13,
            inode: u64::MAX,
            special: 0,
        };
        let streams = [
            Some(Stream {
                number: 1,
                id,
                reopen: true,
            }),
            None,
        ];
        let log = Log {
            destination: Destination::Stream(1),
            streams,
            main: 7,
        };
        let text = CString::new(format!("PALISADE_LOG={}", hand_on_log(&log))).unwrap();
        let envp = [text.as_ptr(), core::ptr::null()];
        let read = log_of_main(Environment(envp.as_ptr()), log.destination, 7).unwrap();
        assert!(read.streams == log.streams);
    }
}
