//! The other direction: records picked out of a log in which the function writes too.

use std::string::String;
use std::vec::Vec;

use serde::{Deserialize, Serialize};

/// A record as it was read. Fields that this version does not know are ignored; values are what the writer wrote, not checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Owned {
    /// RFC 3339, UTC.
    #[serde(default)]
    pub timestamp: String,
    /// `INFO`, `WARN`, `ERROR`.
    #[serde(default)]
    pub level: String,
    /// Version of the record.
    pub palisade: u32,
    /// `process`, `network`, `dns`, `filesystem`, `policy`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The stable kebab-case reason.
    #[serde(default)]
    pub attack: String,
    /// `alert`, `prevent`; absent in notices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// Name of the rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The time from which the same act is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce_after: Option<String>,
    /// The sentence.
    #[serde(default)]
    pub msg: String,
    /// Name of the Lambda function.
    #[serde(default)]
    pub function: String,
    /// AWS region.
    #[serde(default)]
    pub region: String,
    /// Process id.
    #[serde(default)]
    pub pid: u32,
    /// Process id of the parent.
    #[serde(default)]
    pub ppid: u32,
    /// Path of the acting program.
    #[serde(default)]
    pub process: String,
    /// Arguments of the program that was to be started, joined by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Address, in text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Domain name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Path of the program or the file that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `read`, `write`, `read-write`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// How many events the record stands for; absent for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// ATT&CK ids.
    #[serde(default)]
    pub techniques: Vec<String>,
    /// Names of the fields whose values were cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<String>,
}

/// The record in one line of a log, if there is one: an object with a number `palisade`.
///
/// What stands before the object is passed over, since log viewers put a date and a stream name there. A line that is no record, or
/// one whose known fields have other types, gives `None`. A program can print a line that looks like a record; who wrote it is
/// not to be told from the line.
#[must_use]
pub fn parse_line(line: &str) -> Option<Owned> {
    let (_, from_brace) = line.split_at(line.find('{')?);
    // Most lines of a log are the function's own; the search is cheaper than the parser.
    if !from_brace.contains("\"palisade\"") {
        return None;
    }
    serde_json::from_str(from_brace.trim_end()).ok()
}
