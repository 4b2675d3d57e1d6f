//! The value of `PALISADE_POLICY` into the text of a policy.
//!
//! Lambda gives a function 4 KB of environment in all, so a policy may come compressed.

use crate::diagnostics::Problem;
use crate::format;
use crate::gzip::{self, Unpacked};
use crate::json::{MAX_TEXT, is_utf16};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Tools differ in whether they pad.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);

/// JSON text, base64 of it, or base64 of its gzip (RFC 1952). White space around it, and line breaks inside base64, do not matter. What
/// the gzip holds may be 1 MiB long.
///
/// # Errors
/// It is none of the three, or the gzip is damaged or too long.
#[expect(
    clippy::result_large_err,
    reason = "once in the life of a process, and its callers want the problem itself"
)]
pub fn decode(value: &[u8]) -> Result<Cow<'_, [u8]>, Problem> {
    let problem =
        |message: &str, expected: &str| Err(Problem::document(String::new(), message, expected));
    let trimmed = value.trim_ascii();
    if trimmed.is_empty() {
        return problem(
            "the value is empty",
            "the JSON text of a policy, base64 of it, or base64 of its gzip",
        );
    }
    if trimmed.starts_with(b"{") || trimmed.starts_with(b"\xef\xbb\xbf") {
        return Ok(Cow::Borrowed(trimmed));
    }
    if trimmed.len() > 2 * MAX_TEXT {
        return problem("the value is too long", "at most 1 MiB of JSON");
    }
    let compact: Vec<u8> = trimmed
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    let Ok(decoded) = STANDARD
        .decode(&compact)
        .or_else(|_| URL_SAFE.decode(&compact))
    else {
        return problem(
            "the value is neither JSON nor base64",
            "the JSON text of a policy (it begins with `{`), base64 of it, or base64 of its gzip",
        );
    };
    if !decoded.starts_with(&[0x1f, 0x8b]) {
        let begins = decoded
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&decoded)
            .trim_ascii_start()
            .first();
        // Of UTF-16 it is told below what it is.
        if begins != Some(&b'{') && !is_utf16(&decoded) {
            return problem(
                "the value is base64 of something else",
                "base64 of the JSON text of a policy, or of its gzip",
            );
        }
        return Ok(Cow::Owned(decoded));
    }
    match gzip::unpack(&decoded, MAX_TEXT) {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(Unpacked::TooLong) => problem(
            "the policy is too long once it is inflated",
            "at most 1 MiB of JSON",
        ),
        Err(Unpacked::Damaged(why)) => problem(
            &format!("the gzip is damaged ({why})"),
            "base64 of the gzip of a policy, uncut",
        ),
    }
}
