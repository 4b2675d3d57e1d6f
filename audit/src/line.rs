//! The line itself: which field stands where, how long it may get, and how hostile bytes are written.

use core::fmt::Write;
use core::net::IpAddr;

use palisade_policy::event::Access;

use crate::record::{Message, Record, Subject, Text};
use crate::{LINE_MAX, RECORD_VERSION, sentence};

/// The fields that can be too long. The number is the bit in [`Line::cut`].
#[derive(Clone, Copy)]
enum Field {
    Attack,
    Rule,
    Msg,
    Function,
    Region,
    Process,
    Command,
    Domain,
    Path,
    Techniques,
}

impl Field {
    const ALL: [Self; 10] = [
        Self::Attack,
        Self::Rule,
        Self::Msg,
        Self::Function,
        Self::Region,
        Self::Process,
        Self::Command,
        Self::Domain,
        Self::Path,
        Self::Techniques,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Attack => "attack",
            Self::Rule => "rule",
            Self::Msg => "msg",
            Self::Function => "function",
            Self::Region => "region",
            Self::Process => "process",
            Self::Command => "command",
            Self::Domain => "domain",
            Self::Path => "path",
            Self::Techniques => "techniques",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// The room of each value, in bytes as written between its quotes. A hostile byte takes six of them.
const ATTACK: usize = 64;
const RULE: usize = 160;
const ENFORCE_AFTER: usize = 40;
/// Own words beside a subject; a notice without one has [`NOTICE`].
const MSG: usize = sentence::LONGEST;
const NOTICE: usize = 2048;
const FUNCTION: usize = 160; // Lambda: 64, or 140 as an ARN
const REGION: usize = 32;
const PROCESS: usize = 512;
const PATH: usize = 512;
const DOMAIN: usize = 512; // DNS: 253
const TECHNIQUES: usize = 128; // the whole array
/// The least that a command is given. It gets whatever the line has left.
const COMMAND: usize = 1024;

/// Everything up to the subject but the values above, at its longest.
const HEAD: usize = r#"{"timestamp":"2026-01-01T00:00:00.000000Z","level":"ERROR","palisade":4294967295,"type":"filesystem","attack":"","effect":"prevent","rule":"","enforce_after":"","msg":"","function":"","region":"","pid":4294967295,"ppid":4294967295,"process":"""#
    .len();
/// What may follow the command.
const TAIL: usize = r#","path":"","count":18446744073709551615,"techniques":[],"truncated":["attack","rule","msg","function","region","process","command","domain","path","techniques"]}"#.len() + "\n".len() + PATH + TECHNIQUES;

const _: () = {
    let head = HEAD + ATTACK + RULE + ENFORCE_AFTER + FUNCTION + REGION + PROCESS;
    let address = r#","ip":"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295","port":65535"#;
    assert!(head + MSG + r#","command":"""#.len() + COMMAND + TAIL <= LINE_MAX);
    assert!(head + MSG + r#","domain":"""#.len() + DOMAIN + TAIL <= LINE_MAX);
    assert!(head + MSG + r#","access":"read-write""#.len() + TAIL <= LINE_MAX);
    assert!(head + MSG + address.len() + r#","domain":"""#.len() + DOMAIN + TAIL <= LINE_MAX);
    assert!(head + NOTICE + TAIL <= LINE_MAX);
};

/// Ends a value that was cut.
const ELLIPSIS: &str = "…";

/// A line that grows.
pub(crate) struct Line<'o> {
    out: &'o mut [u8; LINE_MAX],
    length: usize,
    cut: u16,
}

pub(crate) fn write(record: &Record<'_>, out: &mut [u8; LINE_MAX]) -> usize {
    let mut line = Line {
        out,
        length: 0,
        cut: 0,
    };
    line.raw("{\"timestamp\":\"");
    line.bytes(&record.timestamp.rfc3339());
    line.raw("\",\"level\":\"");
    line.raw(record.level.name());
    line.raw("\",\"palisade\":");
    line.decimal(RECORD_VERSION.into());
    line.raw(",\"type\":\"");
    line.raw(record.kind.name());
    line.raw("\"");
    line.field(Field::Attack, ATTACK, Text::from(record.attack));
    if let Some(effect) = record.effect {
        line.raw(",\"effect\":\"");
        line.raw(effect.name());
        line.raw("\"");
    }
    if let Some(rule) = record.rule {
        line.field(Field::Rule, RULE, Text::Bytes(rule));
    }
    if let Some(time) = record.enforce_after {
        line.key("enforce_after");
        line.raw("\"");
        // Seconds have as many digits as somebody wrote; beyond these it makes no difference.
        let _ = line.text(ENFORCE_AFTER, Text::from(time));
        line.raw("\"");
    }
    match (record.msg, record.subject) {
        (Message::Breach, _) => {
            line.raw(",\"msg\":\"");
            if !sentence::write(&mut line, &record.subject, record.process) {
                line.cut |= Field::Msg.bit();
            }
            line.raw("\"");
        }
        (Message::Text(text), Subject::None) => line.field(Field::Msg, NOTICE, text),
        (Message::Text(text), _) => line.field(Field::Msg, MSG, text),
    }
    line.field(Field::Function, FUNCTION, Text::Bytes(record.function));
    line.field(Field::Region, REGION, Text::Bytes(record.region));
    line.number("pid", record.pid.into());
    line.number("ppid", record.ppid.into());
    line.field(Field::Process, PROCESS, Text::Bytes(record.process));
    line.subject(&record.subject);
    if record.count > 1 {
        line.number("count", record.count);
    }
    line.techniques(record.techniques);
    line.truncated();
    line.raw("}\n");
    line.length
}

impl Line<'_> {
    /// What needs no escape.
    pub(crate) fn raw(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A number, in decimal.
    pub(crate) fn decimal(&mut self, value: u64) {
        let mut text = [0; 20];
        let mut rest = value;
        let mut length = 0;
        for place in text.iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
            length += 1;
            if rest == 0 {
                break;
            }
        }
        let first = text.len() - length;
        self.bytes(text.get(first..).unwrap_or_default());
    }

    /// An address. IPv4 mapped into IPv6 is written as the IPv4 address.
    pub(crate) fn ip(&mut self, ip: IpAddr) {
        match ip.to_canonical() {
            IpAddr::V4(four) => {
                for (index, octet) in four.octets().into_iter().enumerate() {
                    if index > 0 {
                        self.raw(".");
                    }
                    self.decimal(octet.into());
                }
            }
            // `write_str` below cannot fail, and nor can an address.
            IpAddr::V6(six) => drop(write!(self, "{six}")),
        }
    }

    /// Writes `text`, escaped, into an open JSON string, in at most `room` bytes; `false` if it had to be cut.
    pub(crate) fn text(&mut self, room: usize, text: Text<'_>) -> bool {
        let start = self.length;
        let mut value = Value {
            end: start.saturating_add(room),
            safe: start,
            line: self,
        };
        let whole = match text {
            Text::Bytes(bytes) => value.escape(bytes),
            Text::Parts(parts) => parts.iter().all(|part| value.escape(part)),
            Text::Words(word) => value.words(word),
        };
        if !whole {
            value.line.length = value.safe;
            value.line.raw(ELLIPSIS);
        }
        whole
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let rest = self.out.get_mut(self.length..).unwrap_or_default();
        // The assertion above the fields is why there is always room.
        if let Some(place) = rest.get_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }

    fn key(&mut self, name: &str) {
        self.raw(",\"");
        self.raw(name);
        self.raw("\":");
    }

    fn number(&mut self, name: &str, value: u64) {
        self.key(name);
        self.decimal(value);
    }

    fn field(&mut self, field: Field, room: usize, text: Text<'_>) {
        self.key(field.name());
        self.raw("\"");
        if !self.text(room, text) {
            self.cut |= field.bit();
        }
        self.raw("\"");
    }

    fn subject(&mut self, subject: &Subject<'_>) {
        match *subject {
            Subject::None => {}
            Subject::Process { path, command } => {
                let used = self.length + ",\"command\":\"\"".len() + TAIL;
                self.field(Field::Command, LINE_MAX.saturating_sub(used), command);
                self.field(Field::Path, PATH, Text::Bytes(path));
            }
            Subject::Connect { ip, port, name } => {
                self.address(Some(ip), port);
                if let Some(name) = name {
                    self.field(Field::Domain, DOMAIN, Text::Bytes(name));
                }
            }
            Subject::Listen { ip, port } => self.address(ip, port),
            Subject::Resolve { domain } => self.field(Field::Domain, DOMAIN, Text::Bytes(domain)),
            Subject::File { path, access } => {
                self.field(Field::Path, PATH, Text::Bytes(path));
                self.key("access");
                self.raw(match access {
                    Access::Read => "\"read\"",
                    Access::Write => "\"write\"",
                    Access::ReadWrite => "\"read-write\"",
                });
            }
        }
    }

    fn address(&mut self, ip: Option<IpAddr>, port: u16) {
        if let Some(ip) = ip {
            self.raw(",\"ip\":\"");
            self.ip(ip);
            self.raw("\"");
        }
        self.number("port", port.into());
    }

    fn techniques(&mut self, ids: &[&str]) {
        self.key("techniques");
        self.raw("[");
        let end = self.length + TECHNIQUES;
        for (index, id) in ids.iter().enumerate() {
            let separator = if index == 0 { "\"" } else { ",\"" };
            // What this id may take of the array, its quotes aside. An id that would be cut is no id: it goes.
            let start = self.length;
            let room = end.saturating_sub(start + separator.len() + 1);
            let fits = room >= ELLIPSIS.len() && {
                self.raw(separator);
                self.text(room, Text::from(*id))
            };
            if !fits {
                self.length = start;
                self.cut |= Field::Techniques.bit();
                break;
            }
            self.raw("\"");
        }
        self.raw("]");
    }

    fn truncated(&mut self) {
        if self.cut == 0 {
            return;
        }
        self.key("truncated");
        let mut separator = "[\"";
        for field in Field::ALL {
            if self.cut & field.bit() != 0 {
                self.raw(separator);
                self.raw(field.name());
                self.raw("\"");
                separator = ",\"";
            }
        }
        self.raw("]");
    }
}

impl Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.raw(text);
        Ok(())
    }
}

/// A string that is being written and has an end. Its methods give `false` as soon as something did not fit.
struct Value<'l, 'o> {
    line: &'l mut Line<'o>,
    /// Where the line must be at the latest when the string is closed.
    end: usize,
    /// The last place between two characters at which there is still room for the ellipsis.
    safe: usize,
}

impl Value<'_, '_> {
    fn words<'a>(&mut self, word: &dyn Fn(usize) -> Option<&'a [u8]>) -> bool {
        let mut index = 0;
        while let Some(bytes) = word(index) {
            if index > 0 && !self.unit(" ") {
                return false;
            }
            if !self.escape(bytes) {
                return false;
            }
            index += 1;
        }
        true
    }

    fn escape(&mut self, bytes: &[u8]) -> bool {
        // No byte takes less room than one, so what lies beyond the room cannot fit and need not be read. The slack of one character
        // lets whatever this cut tears fall behind the end, where it is not written.
        let room = self.end.saturating_sub(self.line.length);
        let bytes = bytes.get(..room.saturating_add(4)).unwrap_or(bytes);
        // Most of it is names that need no escape and fit, and they are copied as a whole.
        if bytes.len() + ELLIPSIS.len() <= room
            && bytes.iter().fold(true, |all, b| all & is_plain(*b))
        {
            self.line.bytes(bytes);
            self.safe = self.line.length;
            return true;
        }
        for chunk in bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                if !self.character(character) {
                    return false;
                }
            }
            // One replacement for each maximal subpart, as Unicode recommends and `String::from_utf8_lossy` does.
            if !chunk.invalid().is_empty() && !self.unit("\u{fffd}") {
                return false;
            }
        }
        true
    }

    fn character(&mut self, character: char) -> bool {
        match character {
            '"' => self.unit("\\\""),
            '\\' => self.unit("\\\\"),
            _ if is_unseen(character) => {
                let mut escape = [0; 12];
                let mut length = 0;
                for unit in character.encode_utf16(&mut [0; 2]) {
                    for byte in utf16_escape(*unit) {
                        if let Some(place) = escape.get_mut(length) {
                            *place = byte;
                            length += 1;
                        }
                    }
                }
                self.unit_bytes(escape.get(..length).unwrap_or(&escape))
            }
            _ => self.unit(character.encode_utf8(&mut [0; 4])),
        }
    }

    /// What must not be torn.
    fn unit(&mut self, text: &str) -> bool {
        self.unit_bytes(text.as_bytes())
    }

    fn unit_bytes(&mut self, bytes: &[u8]) -> bool {
        if self.line.length + bytes.len() > self.end {
            return false;
        }
        self.line.bytes(bytes);
        if self.line.length + ELLIPSIS.len() <= self.end {
            self.safe = self.line.length;
        }
        true
    }
}

/// Whether a character would act on a terminal or a viewer, or deceive the reader, rather than be seen: controls, line separators,
/// direction marks, and what has no width. Records have these as `\uXXXX`; whoever prints text from outside can do alike.
#[must_use]
pub const fn is_unseen(character: char) -> bool {
    matches!(character,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'       // C0, DEL, C1
        | '\u{ad}'                              // soft hyphen
        | '\u{61c}'                             // Arabic letter mark
        | '\u{180e}'                            // Mongolian vowel separator
        | '\u{200b}'..='\u{200f}'               // zero width; direction marks
        | '\u{2028}'..='\u{202e}'               // line and paragraph separator; direction embeddings and overrides
        | '\u{2060}'..='\u{206f}'               // invisible operators; direction isolates
        | '\u{feff}'                            // byte order mark
        | '\u{fff9}'..='\u{fffb}'               // interlinear annotation
        | '\u{e0000}'..='\u{e0fff}'             // tags, variation selectors
    )
}

/// Whether a byte is a character that stands for itself in a JSON string, and is seen.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// `\uXXXX`.
fn utf16_escape(unit: u16) -> [u8; 6] {
    let digit = |shift: u16| match u8::try_from(unit >> shift & 0xf).unwrap_or(0) {
        nibble @ 0..=9 => b'0' + nibble,
        nibble => b'a' + (nibble - 10),
    };
    [b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]
}
