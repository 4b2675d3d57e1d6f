//! From a verdict to a line in the log.

use core::mem::MaybeUninit;
use core::sync::atomic::Ordering;

use palisade_audit::{
    Effect, Kind, LINE_MAX, Level, Message, Record, Subject, Text, Timestamp, techniques,
};
use palisade_policy::Decider;
use palisade_policy::event::{Connect, File, Outcome, Reason, Section, Verdict};

use crate::log::{LOST, Log};
use crate::path::{self, Name};
use crate::state::State;
use crate::sys::Errno;
use crate::{learned, sys, writer};

/// Who speaks: what every record says about its process.
#[derive(Clone, Copy)]
pub struct Origin {
    /// AWS_LAMBDA_FUNCTION_NAME, or empty.
    pub function: &'static [u8],
    /// AWS_REGION, or empty.
    pub region: &'static [u8],
    /// The program that this process runs, links resolved; empty where the constructor has not looked ([`Running`]).
    pub program: &'static [u8],
}

/// The name of the running program, for as long as a line is written: as the constructor found it, or as the kernel has it now. More than
/// a kilobyte of it is worth no more stack.
struct Running {
    room: [MaybeUninit<u8>; 1024],
}

impl Running {
    const fn new() -> Self {
        Self {
            room: [const { MaybeUninit::uninit() }; 1024],
        }
    }

    /// The name. What is asked for may hold closures, so that a record of it has no shorter lifetime than they have; hence none is given here.
    ///
    /// # Safety
    /// The name is not used for longer than `self` is there.
    unsafe fn name<'a>(&mut self, origin: Origin) -> &'a [u8] {
        if !origin.program.is_empty() {
            return origin.program;
        }
        let path = c"/proc/thread-self/exe";
        // SAFETY: a C string, and as many bytes as the kernel says it has written.
        unsafe {
            let length =
                sys::readlinkat(libc::AT_FDCWD, path.as_ptr(), &mut self.room).unwrap_or_default();
            core::slice::from_raw_parts(self.room.as_ptr().cast(), length.min(self.room.len()))
        }
    }
}

impl Origin {
    fn record<'a>(
        self,
        process: &'a [u8],
        level: Level,
        kind: Kind,
        attack: &'static str,
        msg: Message<'a>,
    ) -> Record<'a> {
        let (seconds, nanoseconds) = sys::now();
        Record {
            timestamp: Timestamp {
                seconds,
                nanoseconds,
            },
            level,
            kind,
            attack,
            effect: None,
            rule: None,
            enforce_after: None,
            msg,
            function: self.function,
            region: self.region,
            pid: sys::getpid(),
            ppid: sys::getppid(),
            process,
            subject: Subject::None,
            count: 1,
            techniques: &[],
        }
    }

    /// A line about Palisade itself.
    #[inline(never)]
    pub fn notice(self, log: &Log, level: Level, attack: &'static str, count: u64, msg: Text<'_>) {
        let mut line = [0; LINE_MAX];
        let mut running = Running::new();
        // SAFETY: the record is dropped first.
        let process = unsafe { running.name(self) };
        let record = Record {
            count,
            ..self.record(process, level, Kind::Policy, attack, Message::Text(msg))
        };
        let length = record.write(&mut line);
        log.deliver(line.get(..length).unwrap_or_default());
    }
}

/// What a refused call fails with.
pub const REFUSED: Errno = Errno(libc::EACCES);

/// Acts on a verdict: reports what there is to report. When this returns, a refusal is in the log; an alert of the main process is on
/// its way.
///
/// # Errors
/// `EACCES`: refused.
pub fn settle(
    state: &State,
    section: Section,
    verdict: &Verdict<'_>,
    subject: Subject<'_>,
) -> Result<(), Errno> {
    let outcome = state.outcome(verdict);
    match outcome {
        Outcome::Allow if !state.learns => return Ok(()),
        Outcome::Allow
            if !learned::is_new(section, &subject) || is_given(&state.decider, &subject) =>
        {
            return Ok(());
        }
        _ => {}
    }
    report(state, section, verdict, outcome, subject);
    if state.learns && learned::overflows() {
        let text = "More acts than are remembered: some may be reported again.";
        state.origin.notice(
            &state.log,
            Level::Info,
            "learning-overflows",
            1,
            text.into(),
        );
    }
    if outcome == Outcome::Prevent {
        Err(REFUSED)
    } else {
        Ok(())
    }
}

/// Does every policy allow this, so that there is nothing to learn?
#[inline(never)]
fn is_given(decider: &Decider<'_>, subject: &Subject<'_>) -> bool {
    match *subject {
        Subject::None | Subject::Process { .. } => false,
        Subject::Connect { ip, port, .. } => decider.is_given_destination(&Connect { ip, port }),
        Subject::Listen { port, .. } => decider.is_given_port(port),
        Subject::Resolve { domain } => decider.is_given_name(domain),
        Subject::File { path, access } => {
            let mut room = Name::new();
            let alias = path::proc_alias(path, sys::getpid(), &mut room);
            decider.is_given_file(&File {
                path,
                alias,
                access,
            })
        }
    }
}

#[inline(never)]
fn report(
    state: &State,
    section: Section,
    verdict: &Verdict<'_>,
    outcome: Outcome,
    subject: Subject<'_>,
) {
    /// With room for the program's name, which the main process has not to look for.
    #[inline(never)]
    fn report_of_running(
        state: &State,
        section: Section,
        verdict: &Verdict<'_>,
        outcome: Outcome,
        subject: Subject<'_>,
    ) {
        let mut running = Running::new();
        // SAFETY: the name is used for as long as the report is written.
        let process = unsafe { running.name(state.origin) };
        report_of(state, process, section, verdict, outcome, subject);
    }
    if state.origin.program.is_empty() {
        report_of_running(state, section, verdict, outcome, subject);
    } else {
        report_of(
            state,
            state.origin.program,
            section,
            verdict,
            outcome,
            subject,
        );
    }
}

fn report_of<'a>(
    state: &State,
    process: &'a [u8],
    section: Section,
    verdict: &Verdict<'_>,
    outcome: Outcome,
    subject: Subject<'a>,
) {
    let (effect, attack, msg) = match Effect::of(outcome) {
        Some(effect) => (effect, verdict.reason.attack(section), Message::Breach),
        None => (
            Effect::Learn,
            // The one thing that an entry cannot allow: who writes the policy has to know.
            if verdict.reason == Reason::UnfollowableProgram {
                verdict.reason.attack(section)
            } else {
                "learned"
            },
            Message::Text("Seen for the first time, while learning.".into()),
        ),
    };
    let record = Record {
        effect: Some(effect),
        rule: state.rule,
        enforce_after: if verdict.delayed && outcome == Outcome::Alert {
            state.decider.enforce_after()
        } else {
            None
        },
        techniques: if effect == Effect::Learn {
            &[]
        } else {
            techniques(&subject, verdict.reason)
        },
        subject,
        ..state
            .origin
            .record(process, effect.into(), section.into(), attack, msg)
    };
    let is_posted = effect != Effect::Prevent
        && state.is_main(record.pid)
        && writer::post(|room| record.write(room));
    if !is_posted {
        write_now(&state.log, &record);
    }
}

#[inline(never)]
fn write_now(log: &Log, record: &Record<'_>) {
    let mut line = [0; LINE_MAX];
    let length = record.write(&mut line);
    if log.deliver(line.get(..length).unwrap_or_default()) {
        losses(log);
    }
}

/// Says how many lines were lost, now that one could be written again.
pub fn losses(log: &Log) {
    if LOST.load(Ordering::Relaxed) == 0 {
        return;
    }
    if let Some(state) = crate::state::get() {
        loss(state, log);
    }
}

#[inline(never)]
fn loss(state: &State, log: &Log) {
    let count = LOST.swap(0, Ordering::Relaxed);
    if count == 0 {
        return;
    }
    let text = "Audit records were lost: the log was closed or slow.";
    let mut line = [0; LINE_MAX];
    let mut running = Running::new();
    // SAFETY: the record is dropped first.
    let process = unsafe { running.name(state.origin) };
    let record = Record {
        count,
        ..state.origin.record(
            process,
            Level::Error,
            Kind::Policy,
            "audit-lost",
            Message::Text(text.into()),
        )
    };
    let length = record.write(&mut line);
    if log
        .write(line.get(..length).unwrap_or_default(), 0)
        .is_err()
    {
        LOST.fetch_add(count, Ordering::Relaxed);
    }
}
