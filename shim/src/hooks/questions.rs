//! Questions that a program puts to a name server by itself (RFC 1035): found in what it sends, and judged.

use core::ffi::c_int;
use core::sync::atomic::{AtomicU64, Ordering};

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

/// The policy, if what is sent on that socket is to be judged: it is connected to port 53.
fn asks(fd: c_int) -> Option<&'static State> {
    let state = state::judging(Section::Dns)?;
    let mut peer = [0; 128];
    let length = sys::getpeername(fd, &mut peer).ok()?;
    let to = internet(peer.get(..length)?)?;
    (to.port() == DNS_PORT).then_some(state)
}

/// Judges a message without a destination of its own, which may go to a name server.
///
/// # Errors
/// `EACCES`.
pub fn judge_sent(fd: c_int, length: usize, payload: impl Payload) -> Result<(), Errno> {
    asks(fd).map_or(Ok(()), |state| judge_payload(state, fd, length, payload))
}

/// The same, where no byte of it can be seen.
///
/// # Errors
/// `EACCES`.
pub fn judge_unseen(fd: c_int) -> Result<(), Errno> {
    asks(fd).map_or(Ok(()), |state| judge_one(state, &[]))
}

/// Judges what is sent to port 53: so many bytes, of which `payload` copies those that can be read. If there is one that cannot, the kernel
/// sends nothing of a datagram, and of a stream what comes before.
///
/// # Errors
/// `EACCES`: a name is refused, or under `prevent` there is a message that none could be read from.
#[inline(never)]
pub fn judge_payload(
    state: &State,
    fd: c_int,
    length: usize,
    payload: impl Payload,
) -> Result<(), Errno> {
    let mut bytes = [0; PAYLOAD];
    let copied = payload(0, &mut bytes);
    if copied == 0 && length > 0 {
        return Ok(());
    }
    if sys::socket_option(fd, libc::SO_TYPE) == Ok(libc::SOCK_STREAM) {
        return judge_stream(state, &Pending::of(fd), payload, copied, &mut bytes);
    }
    if copied < length.min(PAYLOAD) {
        return Ok(());
    }
    judge_one(state, bytes.get(..copied).unwrap_or_default())
}

/// Judges bytes of a stream. There each message has its length in front (RFC 1035 §4.2.2), and what came before these bytes is not known: they
/// may begin with a length, with its second byte, or with the message itself. Whatever they can be is judged, so that none of it passes for
/// another; and what they cannot be whole is not sent. `copied`: how many of them there are in `bytes` already.
///
/// # Errors
/// As for [`judge_payload`].
fn judge_stream(
    state: &State,
    pending: &Pending,
    payload: impl Payload,
    copied: usize,
    bytes: &mut [u8; PAYLOAD],
) -> Result<(), Errno> {
    let mut total = copied;
    while total > 0 && total.is_multiple_of(PAYLOAD) {
        match payload(total, bytes) {
            0 => break,
            more => total += more,
        }
    }
    let before = pending.get();
    if total <= 2 {
        payload(0, bytes);
        let piece = bytes.get(..total).unwrap_or_default();
        return match before.and(piece) {
            Some(after) => {
                pending.set(after);
                Ok(())
            }
            None => judge_one(state, &[]),
        };
    }
    payload(0, bytes);
    let first = bytes.first().copied().unwrap_or_default();
    let is_as_long_as_said = match before {
        Length::Unsaid => true,
        Length::Half(high) => usize::from(u16::from_be_bytes([high, first])) == total - 1,
        Length::Whole(length) => usize::from(length) == total,
    };
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
    if is_known && is_as_long_as_said {
        pending.set(Length::Unsaid);
        Ok(())
    } else {
        judge_one(state, &[])
    }
}

/// What has been sent of the length of the next message, without the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Unsaid,
    Half(u8),
    Whole(u16),
}

impl Length {
    /// No question is shorter: a header, the root, a type and a class.
    const LEAST: u16 = 12 + 1 + 4;
    /// Nor is one as long as this. What does not look like the length of a question may be a piece of one.
    const MOST: u16 = 4095;

    /// As much as this, and then `piece`, which is no longer than a length. `None`: it is none, or the message should have come.
    fn and(self, piece: &[u8]) -> Option<Self> {
        let whole = |high, low| {
            let length = u16::from_be_bytes([high, low]);
            (Self::LEAST..=Self::MOST)
                .contains(&length)
                .then_some(Self::Whole(length))
        };
        match (self, piece) {
            (before, []) => Some(before),
            (Self::Unsaid, [high]) => {
                (*high <= (Self::MOST >> 8) as u8).then_some(Self::Half(*high))
            }
            (Self::Unsaid, [high, low]) => whole(*high, *low),
            (Self::Half(high), [low]) => whole(high, *low),
            // Said again, because it was not sent the first time (EAGAIN).
            (Self::Whole(length), [high, low]) if [*high, *low] == length.to_be_bytes() => {
                Some(self)
            }
            _ => None,
        }
    }
}

/// Where is remembered what has been sent of a length, by the socket's number in its file system, which is the same for every descriptor
/// of it. Another socket may take the place: then a message that is not what was said is still no more than a message that is judged.
struct Pending {
    place: &'static AtomicU64,
    inode: u64,
}

impl Pending {
    fn of(fd: c_int) -> Self {
        static PLACES: [AtomicU64; 64] = [const { AtomicU64::new(0) }; 64];
        static NOWHERE: AtomicU64 = AtomicU64::new(0);
        let inode = sys::fstat(fd).map_or(0, |stat| stat.id.inode) & (u64::MAX >> 18);
        Self {
            place: PLACES.get(inode as usize % 64).unwrap_or(&NOWHERE),
            inode,
        }
    }

    fn get(&self) -> Length {
        let word = self.place.load(Ordering::Relaxed);
        match word as u32 & 0x3ffff {
            said if word >> 18 != self.inode || said == 0 => Length::Unsaid,
            said if said & 0x20000 != 0 => Length::Half(said as u8),
            said => Length::Whole(said as u16),
        }
    }

    fn set(&self, length: Length) {
        let said = match length {
            Length::Unsaid => 0,
            Length::Half(high) => 0x20000 | u64::from(high),
            Length::Whole(length) => u64::from(length),
        };
        self.place.store(self.inode << 18 | said, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of one or two bytes, one behind the other.
    fn all(pieces: &[&[u8]]) -> Option<Length> {
        pieces
            .iter()
            .try_fold(Length::Unsaid, |length, piece| length.and(piece))
    }

    #[test]
    fn a_length_comes_alone_or_in_halves_and_then_no_other_may_come() {
        assert_eq!(all(&[b"\0\x1d"]), Some(Length::Whole(29)));
        assert_eq!(all(&[b"\0", b"", b"\x1d"]), Some(Length::Whole(29)));
        assert_eq!(all(&[b"\0\x1d", b"\0\x1d"]), Some(Length::Whole(29)));
        assert_eq!(all(&[b"\0\x1d", b"\0\x1e"]), None);
        assert_eq!(all(&[b"\0\x1d", b"\0"]), None);
        assert_eq!(all(&[b"\0", b"\0\x1d"]), None);
        for piece in [&b"\0\x10"[..], b"\0\x01", b"\x10\0", b"de", b"d"] {
            assert_eq!(all(&[piece]), None, "{piece:?}");
        }
    }

    #[test]
    fn what_was_said_is_known_of_that_socket_alone() {
        static PLACE: AtomicU64 = AtomicU64::new(0);
        let [one, other] = [1, 65].map(|inode| Pending {
            place: &PLACE,
            inode,
        });
        for length in [
            Length::Whole(29),
            Length::Half(0),
            Length::Half(15),
            Length::Whole(4095),
        ] {
            one.set(length);
            assert_eq!((one.get(), other.get()), (length, Length::Unsaid));
        }
        one.set(Length::Unsaid);
        assert_eq!(one.get(), Length::Unsaid);
    }
}
