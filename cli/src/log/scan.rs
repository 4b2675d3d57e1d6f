//! The walk over the bytes: from mark to mark, with no look at what lies between.

use memchr::memmem::Finder;
use palisade_audit::{Borrowed, RECORD_VERSION};

use super::wrapping::{self, Found};
use super::{Entry, Flow, Seen};
use crate::failure::Failure;

/// So far before and after its mark an audit can reach, wrapped as it may be. CloudWatch takes events of up to 1 MiB.
const REACH: usize = 1 << 20;

/// A name that stands in every audit. What is around it is looked at only where it was found.
pub const MARK: &[u8] = b"palisade";
/// What Lambda writes when an invocation begins: as text, and in its JSON format.
const START: &[u8] = b"START RequestId: ";
const PLATFORM_START: &[u8] = b"platform.start";

pub struct Scanner {
    buffer: Vec<u8>,
    /// What lies before is done, and kept only for what may reach back into it.
    done: usize,
    /// Where the buffer begins in the log.
    offset: u64,
    /// How much of the buffer was counted.
    counted: u64,
    marks: Vec<(Finder<'static>, bool)>,
    /// Marks in vain since the last audit.
    vain: usize,
}

impl Scanner {
    pub fn new(starts: bool) -> Self {
        let mut marks = vec![(Finder::new(MARK), true)];
        if starts {
            marks.push((Finder::new(START), false));
            marks.push((Finder::new(PLATFORM_START), false));
        }
        Self {
            buffer: Vec::new(),
            done: 0,
            offset: 0,
            counted: 0,
            marks,
            vain: 0,
        }
    }

    /// Where the next bytes belong.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Gives what is whole. `end`: nothing will follow.
    pub fn run(
        &mut self,
        end: bool,
        name: &str,
        seen: &mut Seen,
        entry: &mut dyn FnMut(Entry<'_>) -> Result<Flow, Failure>,
    ) -> Result<Flow, Failure> {
        let total = self.offset + self.buffer.len() as u64;
        seen.bytes += total.saturating_sub(self.counted);
        self.counted = total;

        // A mark must not be torn; a line need not be whole to be passed over.
        let limit = if end {
            self.buffer.len()
        } else {
            self.buffer.len().saturating_sub(PLATFORM_START.len() + 64)
        };
        let mut flow = Flow::Continue;
        let mut next: Vec<Option<usize>> = Vec::new();
        for (mark, _) in &self.marks {
            next.push(find(mark, &self.buffer, self.done));
        }
        loop {
            let nearest = next
                .iter()
                .enumerate()
                .filter_map(|(index, at)| at.map(|at| (at, index)))
                .min();
            let Some((at, index)) = nearest else {
                self.done = self.done.max(limit);
                break;
            };
            let is_audit = self.marks.get(index).is_some_and(|(_, audit)| *audit);
            let window = wrapping::Window {
                bytes: &self.buffer,
                from: at.saturating_sub(REACH),
                end: self.buffer.len().min(at + REACH),
                whole: end || self.buffer.len() >= at + REACH,
            };
            let mut after = at + 1;
            if is_audit {
                let mut stream: Option<String> = None;
                let wants_stream = self.marks.len() > 1;
                let mut given = Ok(Flow::Continue);
                let mut take = |audit: &Borrowed<'_>| {
                    seen.audits += 1;
                    seen.newer += u64::from(audit.palisade > RECORD_VERSION);
                    if !matches!(given, Ok(Flow::Continue)) {
                        return;
                    }
                    let stream = stream.get_or_insert_with(|| {
                        if wants_stream {
                            wrapping::stream(&window, at)
                        } else {
                            String::new()
                        }
                    });
                    given = entry(Entry::Audit { audit, stream });
                };
                let found = wrapping::audits(&window, at, &mut take);
                flow = given?;
                match found {
                    Found::Nothing => {}
                    Found::Cut => {
                        self.done = at;
                        break;
                    }
                    Found::Damaged => {
                        seen.damaged += 1;
                        self.vain += 1;
                        if self.vain >= wrapping::TRIES {
                            after =
                                memchr::memchr(b'\n', self.buffer.get(at..).unwrap_or_default())
                                    .map_or(limit.max(at + 1), |newline| at + newline);
                        }
                        seen.first_damaged
                            .get_or_insert_with(|| (name.to_owned(), self.offset + at as u64));
                    }
                    Found::Until(end) => {
                        after = end;
                        self.vain = 0;
                    }
                }
            } else {
                let start = wrapping::start(&window, at);
                if start.is_none() && !window.whole && self.buffer.len() < at + 4096 {
                    self.done = at;
                    break;
                }
                if let Some((request, stream)) = start {
                    let start = Entry::Start {
                        request: &request,
                        stream: &stream,
                    };
                    flow = entry(start)?;
                }
            }
            if flow == Flow::Stop {
                return Ok(flow);
            }
            self.done = after;
            for ((mark, _), place) in self.marks.iter().zip(next.iter_mut()) {
                if place.is_some_and(|at| at < after) {
                    *place = find(mark, &self.buffer, after);
                }
            }
        }
        self.forget();
        Ok(flow)
    }

    /// Lets go of what nothing can reach back to: the lines before the last.
    fn forget(&mut self) {
        let done = self.buffer.get(..self.done).unwrap_or_default();
        let reach = self.done.saturating_sub(REACH);
        // Envelopes have the key of a message on the same line, so that a line's beginning is far enough. One with its object on many lines
        // is known by its brace.
        let line = memchr::memrchr(b'\n', done).map_or(0, |at| at + 1);
        let brace = memchr::memrchr(b'{', done).unwrap_or(line);
        let keep = line.min(brace).max(reach);
        self.buffer.drain(..keep);
        self.done -= keep;
        self.offset += keep as u64;
    }
}

fn find(mark: &Finder<'_>, bytes: &[u8], from: usize) -> Option<usize> {
    mark.find(bytes.get(from..)?).map(|at| from + at)
}
