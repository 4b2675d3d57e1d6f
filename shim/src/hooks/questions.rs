//! Questions that a program puts to a name server by itself (RFC 1035): found in what it sends, and judged.

use core::ffi::c_int;

use palisade_audit::Subject;
use palisade_policy::event::Section;

use super::names;
use super::network::{DNS_PORT, internet};
use crate::question::{self, Malformed};
use crate::state::State;
use crate::sys::Errno;
use crate::{report, state, sys};

/// As much of a message as its questions take.
pub const PAYLOAD: usize = 640;

/// Bytes that are about to be sent: copies those from a place on, and gives how many it has copied.
pub trait Payload: Fn(usize, &mut [u8; PAYLOAD]) -> usize {}

impl<F: Fn(usize, &mut [u8; PAYLOAD]) -> usize> Payload for F {}

/// The policy, if what is sent on that socket is to be judged: it is connected to port 53, and not by libc's own resolver.
fn asks(fd: c_int) -> Option<&'static State> {
    let state = state::judging(Section::Dns)?;
    if names::is_resolving() {
        return None;
    }
    let mut peer = [0; 128];
    let length = sys::getpeername(fd, &mut peer).ok()?;
    let to = internet(peer.get(..length)?)?;
    (to.port() == DNS_PORT).then_some(state)
}

/// Judges a message without a destination of its own, which may go to a name server.
///
/// # Errors
/// `EACCES`.
pub fn judge_sent(fd: c_int, payload: impl Payload) -> Result<(), Errno> {
    asks(fd).map_or(Ok(()), |state| judge_payload(state, fd, payload))
}

/// The same, where no byte of it can be seen.
///
/// # Errors
/// `EACCES`.
pub fn judge_unseen(fd: c_int) -> Result<(), Errno> {
    asks(fd).map_or(Ok(()), |state| judge_one(state, &[]))
}

/// Judges what is sent to port 53.
///
/// # Errors
/// `EACCES`: a name is refused, or under `prevent` there is a message that none could be read from.
#[inline(never)]
pub fn judge_payload(state: &State, fd: c_int, payload: impl Payload) -> Result<(), Errno> {
    let mut bytes = [0; PAYLOAD];
    if sys::socket_option(fd, libc::SO_TYPE) == Ok(libc::SOCK_STREAM) {
        return judge_stream(state, payload, &mut bytes);
    }
    let length = payload(0, &mut bytes);
    judge_one(state, bytes.get(..length).unwrap_or_default())
}

/// Judges bytes of a stream. There each message has its length in front (RFC 1035 §4.2.2), and what came before these bytes is not known: they
/// may begin with a length, with its second byte, or with the message itself. Whatever they can be is judged, so that none of it passes for
/// another; and what they cannot be whole is not sent.
///
/// # Errors
/// As for [`judge_payload`].
fn judge_stream(
    state: &State,
    payload: impl Payload,
    bytes: &mut [u8; PAYLOAD],
) -> Result<(), Errno> {
    let mut total = payload(0, bytes);
    while total > 0 && total.is_multiple_of(PAYLOAD) {
        match payload(total, bytes) {
            0 => break,
            more => total += more,
        }
    }
    if total <= 2 {
        // A length, or half of one, or nothing.
        return Ok(());
    }
    let mut is_known = false;
    // One message, behind its length or behind half of it.
    for skip in [0, 1] {
        let length = payload(skip, bytes);
        let message = bytes.get(..length).unwrap_or_default();
        // A name server may be less strict than we are about what is whole.
        if question::each::<()>(message, |_| None).is_ok() {
            judge_one(state, message)?;
        }
        is_known |= length == total - skip && question::is_whole(message);
    }
    // Messages with their lengths.
    let frame = |at: usize, bytes: &mut [u8; PAYLOAD]| -> Option<(usize, usize)> {
        let copied = payload(at, bytes);
        let (length, message) = bytes.get(..copied)?.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let end = at.checked_add(2 + length)?;
        (length > 0 && end <= total).then_some((end, length.min(message.len())))
    };
    let mut at = 0;
    while let Some((end, _)) = frame(at, bytes) {
        at = end;
    }
    if at == total {
        is_known = true;
        at = 0;
        while let Some((end, length)) = frame(at, bytes) {
            judge_one(state, bytes.get(2..2 + length).unwrap_or_default())?;
            at = end;
        }
    }
    if is_known {
        Ok(())
    } else {
        judge_one(state, &[])
    }
}

/// Judges a message.
///
/// # Errors
/// As for [`judge_payload`].
pub fn judge_one(state: &State, message: &[u8]) -> Result<(), Errno> {
    match question::each(message, |name| names::judge(state, name).err()) {
        Ok(refused) => refused.map_or(Ok(()), Err),
        Err(Malformed) => judge_unknown(state, b"(malformed question)"),
    }
}

/// Judges what asks for a name that cannot be known.
///
/// # Errors
/// `EACCES`: refused.
pub fn judge_unknown(state: &State, what: &[u8]) -> Result<(), Errno> {
    let subject = Subject::Resolve { domain: what };
    let verdict = state.decider.malformed_question();
    report::settle(state, Section::Dns, &verdict, subject)
}
