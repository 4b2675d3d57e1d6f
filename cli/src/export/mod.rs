//! Audits in the words of other systems.

mod asff;
mod ecs;
mod ocsf;

use palisade_audit::Owned;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::{self, Page};

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

    pub fn take(&mut self, audit: &Owned, page: &mut Page) -> Result<(), Failure> {
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
    page.line(output::safe_json(&value.to_string()));
    Ok(())
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Leaves out what is not known: a consumer takes an empty string for a value.
fn set(object: &mut Value, key: &str, value: impl Into<Value>) {
    let value = value.into();
    let nothing = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    if !nothing && let Value::Object(members) = object {
        members.insert(key.to_owned(), value);
    }
}

/// `0` where a record has no time that can be read.
fn micros(audit: &Owned) -> i64 {
    crate::moment::micros(&audit.timestamp).unwrap_or(0)
}
