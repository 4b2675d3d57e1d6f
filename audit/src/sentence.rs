//! The sentence of a breach. Users of the older products search their logs for this wording, so it is part of the contract.

use palisade_policy::event::Access;

use crate::line::Line;
use crate::record::{Subject, Text};

/// Room for the acting program and for what it asked for, in bytes as written.
pub(crate) const PROCESS: usize = 384;
pub(crate) const SUBJECT: usize = 512;
/// What a sentence can come to: both, and the longest of the fixed words with a port.
pub(crate) const LONGEST: usize = PROCESS + SUBJECT + 128;

const END: &str = " explicitly denied by a runtime rule.";

/// Writes the sentence into an open JSON string; `false` if a name in it had to be cut.
pub(crate) fn write(line: &mut Line<'_>, subject: &Subject<'_>, process: &[u8]) -> bool {
    let whole = match subject {
        Subject::None => {
            line.raw("An act of ");
            true
        }
        Subject::Process { path, .. } => {
            line.raw("Process ");
            let whole = line.text(SUBJECT, Text::Bytes(path));
            line.raw(" launched by ");
            whole
        }
        Subject::Connect { ip, port, .. } => {
            line.raw("Outbound connection to ");
            line.ip(*ip);
            line.raw(" on port ");
            line.decimal((*port).into());
            line.raw(" triggered by ");
            true
        }
        Subject::Listen { port, .. } => {
            line.raw("Listening on port ");
            line.decimal((*port).into());
            line.raw(" by ");
            true
        }
        Subject::Resolve { domain } => {
            line.raw("DNS resolution of domain name ");
            let whole = line.text(SUBJECT, Text::Bytes(domain));
            line.raw(" triggered by ");
            whole
        }
        Subject::File { path, access } => {
            line.raw(match access {
                Access::Read => "Read",
                Access::Write => "Write",
                Access::ReadWrite => "Read and write",
            });
            line.raw(" access to file ");
            let whole = line.text(SUBJECT, Text::Bytes(path));
            line.raw(" by ");
            whole
        }
    };
    let process = line.text(PROCESS, Text::Bytes(process));
    line.raw(END);
    whole && process
}
