//! What a person sees while a long log is read.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::Seen;
use crate::output;

/// Short work needs no progress, and nobody reads faster than this.
const FIRST: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_millis(300);

/// One line on stderr that is written over and over; nothing if stderr is no terminal.
pub struct Progress {
    begun: Instant,
    shown: Option<Instant>,
    wanted: bool,
}

impl Progress {
    pub fn new(wanted: bool) -> Self {
        Self {
            begun: Instant::now(),
            shown: None,
            wanted: wanted && std::io::stderr().is_terminal(),
        }
    }

    pub fn tell(&mut self, seen: &Seen) {
        let due = match self.shown {
            None => self.begun.elapsed() >= FIRST,
            Some(last) => last.elapsed() >= EVERY,
        };
        if self.wanted && due {
            self.shown = Some(Instant::now());
            let _ = write!(
                std::io::stderr(),
                "\r\x1b[K{} read, {}",
                output::size(seen.bytes),
                output::counted(seen.audits, "audit")
            );
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
