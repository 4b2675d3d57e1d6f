//! Where a policy comes from.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::Read;
use std::path::Path;

use palisade_policy::{Parsed, Problem};

use crate::failure::Failure;

/// The text of a policy and what to call it.
pub struct Source {
    /// As messages name it.
    pub name: OsString,
    /// JSON, or what decodes to it.
    bytes: Vec<u8>,
}

/// The text of a file, or of standard input for `-`.
pub fn read_text(file: &Path) -> Result<String, Failure> {
    let Source { bytes, .. } = Source::read(file)?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Failure::NotUtf8(file.to_owned()));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

impl Source {
    /// Reads a file, or standard input for `-`.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let unreadable = |cause| Failure::Unreadable {
            file: file.to_owned(),
            cause,
        };
        if file == Path::new("-") {
            let mut bytes = Vec::new();
            std::io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .map_err(unreadable)?;
            return Ok(Self {
                name: "<stdin>".into(),
                bytes,
            });
        }
        Ok(Self {
            name: file.into(),
            bytes: std::fs::read(file).map_err(unreadable)?,
        })
    }

    /// The policy, with what may be said about it, or everything that is wrong.
    pub fn parse(&self) -> Result<Parsed, Vec<Problem>> {
        palisade_policy::parse(&self.decoded()?)
    }

    /// As [`Source::parse`], but only JSON is a policy: so the library reads a file.
    pub fn parse_plain(&self) -> Result<Parsed, Vec<Problem>> {
        palisade_policy::parse(&self.bytes)
    }

    /// The policy as a variable would hold it.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.trim_ascii()
    }

    /// As [`Source::parse`], for a command that cannot go on without a policy.
    pub fn load(self) -> Result<Parsed, Failure> {
        self.parse().map_err(|problems| self.invalid(problems))
    }

    /// What [`Source::load`] fails with.
    pub fn invalid(&self, problems: Vec<Problem>) -> Failure {
        Failure::Invalid {
            name: self.name.clone(),
            policy: self.text(),
            problems,
        }
    }

    /// The JSON that lines and columns are counted in.
    pub fn text(&self) -> String {
        let bytes = self.decoded().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The file may hold what `PALISADE_POLICY` takes. Only a text that nobody could take for JSON is looked at in that way, so that
    /// a missing brace is never reported as broken base64.
    fn decoded(&self) -> Result<Cow<'_, [u8]>, Vec<Problem>> {
        let text = self.bytes.trim_ascii();
        let encoded = !text.is_empty()
            && text
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=\r\n".contains(byte))
            && text.len() > 8;
        if encoded {
            palisade_policy::decode(text).map_err(|problem| vec![problem])
        } else {
            Ok(Cow::Borrowed(&self.bytes))
        }
    }
}
