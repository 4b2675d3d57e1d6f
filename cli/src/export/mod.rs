//! Audits in the words of other systems.

mod asff;
mod ecs;
mod ocsf;

use std::net::IpAddr;

use palisade_audit::Borrowed;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::Page;

/// Whose words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Target {
    /// Open Cybersecurity Schema Framework 1.6: Amazon Security Lake, Splunk
    Ocsf,
    /// Elastic Common Schema 8.17
    Ecs,
    /// AWS Security Finding Format: Security Hub
    Asff,
}

/// What AWS Security Hub takes at once (BatchImportFindings).
const BATCH: usize = 100;

/// Writes one audit after the other.
pub struct Exporter {
    target: Target,
    account: Option<String>,
    /// Findings that wait for their batch.
    batch: Vec<Value>,
}

impl Exporter {
    pub fn new(target: Target, account: Option<String>) -> Result<Self, Failure> {
        let is_number = |account: &String| {
            account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
        };
        if account.as_ref().is_some_and(|account| !is_number(account)) {
            return Err(Failure::Usage(
                "--account needs the twelve digits of an AWS account".to_owned(),
            ));
        }
        if target == Target::Asff && account.is_none() {
            return Err(Failure::Usage(
                "asff needs --account, since a finding belongs to an AWS account and audits do not name it".to_owned(),
            ));
        }
        Ok(Self {
            target,
            account,
            batch: Vec::new(),
        })
    }

    pub fn take(&mut self, audit: &Borrowed<'_>, page: &mut Page) -> Result<(), Failure> {
        let account = self.account.as_deref();
        match self.target {
            Target::Ocsf => write(page, &ocsf::event(audit, account)),
            Target::Ecs => write(page, &ecs::event(audit, account)),
            Target::Asff => {
                self.batch
                    .extend(asff::finding(audit, account.unwrap_or_default()));
                if self.batch.len() >= BATCH {
                    self.flush(page)?;
                }
                Ok(())
            }
        }
    }

    pub fn end(mut self, page: &mut Page) -> Result<(), Failure> {
        self.flush(page)
    }

    fn flush(&mut self, page: &mut Page) -> Result<(), Failure> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        write(page, &Value::Array(batch))
    }
}

fn write(page: &mut Page, value: &Value) -> Result<(), Failure> {
    page.json(value)
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Leaves out what is not known: a consumer takes an empty string for a value, and some refuse one that is blank.
fn set(object: &mut Value, key: &str, value: impl Into<Value>) {
    let value = value.into();
    let nothing = match &value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    if !nothing && let Value::Object(members) = object {
        members.insert(key.to_owned(), value);
    }
}

/// An object of what is known.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut object = Value::Object(serde_json::Map::new());
    for (key, value) in members {
        set(&mut object, key, value);
    }
    object
}

/// Microseconds since 1970; `0` where a record has no time that can be read, or one that the formats have no digits for.
fn micros(audit: &Borrowed<'_>) -> i64 {
    /// 9999-12-31T23:59:59Z
    const LAST: i64 = 253_402_300_799_000_000;
    crate::moment::micros(&audit.timestamp)
        .filter(|micros| (0..=LAST).contains(micros))
        .unwrap_or(0)
}

/// The address that an audit names, if it is one.
fn address(audit: &Borrowed<'_>) -> Option<IpAddr> {
    audit.ip.as_deref()?.parse().ok()
}

/// ATT&CK ids, technique and sub-technique. An audit can be forged; a consumer that looks ids up should not stumble over it.
fn techniques<'a>(audit: &'a Borrowed<'_>) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_technique = move |id: &str| id.strip_prefix('T').is_some_and(|number| digits(number, 4));
    audit
        .techniques
        .iter()
        .filter_map(move |id| match id.split_once('.') {
            Some((technique, below)) => (is_technique(technique) && digits(below, 3))
                .then_some((technique, Some(id.as_str()))),
            None => is_technique(id).then_some((id.as_str(), None)),
        })
}
