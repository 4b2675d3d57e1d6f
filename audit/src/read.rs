//! The other direction: records picked out of a log in which the function writes too.

use core::fmt;
use core::ops::Deref;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::string::String;
use std::vec::Vec;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

use crate::written;

/// A record that keeps what it says.
pub type Owned = Fields<String>;
/// A record that lies in the line it was read from: reading it takes no memory for its texts, but for those with escapes.
pub type Borrowed<'a> = Fields<Str<'a>>;

/// A record as it was read. Fields that this version does not know are ignored; values are what the writer wrote, not checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Default + Deserialize<'de>"))]
#[non_exhaustive]
pub struct Fields<T> {
    /// RFC 3339, UTC.
    #[serde(default)]
    pub timestamp: T,
    /// `INFO`, `WARN`, `ERROR`.
    #[serde(default)]
    pub level: T,
    /// Version of the record.
    pub palisade: u32,
    /// `process`, `network`, `dns`, `filesystem`, `policy`.
    #[serde(rename = "type", default)]
    pub kind: T,
    /// The stable kebab-case reason.
    #[serde(default)]
    pub attack: T,
    /// `alert`, `prevent`; absent in notices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<T>,
    /// Name of the rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<T>,
    /// The time from which the same act is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce_after: Option<T>,
    /// The sentence.
    #[serde(default)]
    pub msg: T,
    /// Name of the Lambda function.
    #[serde(default)]
    pub function: T,
    /// AWS region.
    #[serde(default)]
    pub region: T,
    /// Process id.
    #[serde(default)]
    pub pid: u32,
    /// Process id of the parent.
    #[serde(default)]
    pub ppid: u32,
    /// Path of the acting program.
    #[serde(default)]
    pub process: T,
    /// Arguments of the program that was to be started, joined by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<T>,
    /// Address, in text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<T>,
    /// Port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Domain name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<T>,
    /// Path of the program or the file that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<T>,
    /// `read`, `write`, `read-write`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<T>,
    /// How many events the record stands for; absent for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// ATT&CK ids.
    #[serde(default)]
    pub techniques: Vec<T>,
    /// Names of the fields whose values were cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<T>,
}

/// Text of a line, as it stands there where it has no escapes.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Str<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(text.into())
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(String::from(text).into())
            }
        }
        from.deserialize_str(Text).map(Self)
    }
}

impl Str<'_> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Str<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<OsStr> for Str<'_> {
    fn as_ref(&self) -> &OsStr {
        (**self).as_ref()
    }
}

impl<'a> From<&'a str> for Str<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Str<'_> {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl PartialEq<str> for Str<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Str<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Debug for Str<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Str<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The record in one line of a log, if there is one: an object with a number `palisade`.
///
/// What stands before the object is passed over, since log viewers put a date and a stream name there. A line that is no record, or
/// one whose known fields have other types, gives `None`. A program can print a line that looks like a record; who wrote it is
/// not to be told from the line.
#[must_use]
pub fn parse_line<'a, T: Default + Deserialize<'a>>(line: &'a str) -> Option<Fields<T>> {
    let (_, from_brace) = line.split_at(line.find('{')?);
    // Most lines of a log are the function's own; the search is cheaper than the parser.
    if !from_brace.contains("\"palisade\"") {
        return None;
    }
    serde_json::from_str(from_brace.trim_end()).ok()
}

/// The record that these bytes begin with, and where it ends. What follows is not looked at.
///
/// # Errors
/// If they do not begin with a record; [`serde_json::Error::is_eof`]: as far as they go they could be one.
pub fn parse_prefix(bytes: &[u8]) -> Result<(Borrowed<'_>, usize), serde_json::Error> {
    if let Some(read) = written::read::<written::Plain>(bytes) {
        return Ok(read);
    }
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter();
    match values.next() {
        Some(read) => Ok((read?, values.byte_offset())),
        None => Err(Error::custom("nothing but spaces")),
    }
}

/// The record that these bytes of a quoted field of CSV begin with, quotes doubled as they are there, and where it ends. `None`: there is none, or it is
/// written in another form than this crate's, or not whole; whoever decodes the field learns which.
#[must_use]
pub fn parse_in_csv(bytes: &[u8]) -> Option<(Borrowed<'_>, usize)> {
    written::read::<written::Csv>(bytes)
}

/// The same in a string of JSON, with the escapes that its quotes and backslashes have there.
#[must_use]
pub fn parse_in_json(bytes: &[u8]) -> Option<(Borrowed<'_>, usize)> {
    written::read::<written::Json>(bytes)
}
