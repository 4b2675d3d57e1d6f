//! What the hooks know: one immutable value behind one pointer, set once by the constructor.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use palisade_policy::Decider;
use palisade_policy::event::{Outcome, Section, Verdict};

use crate::env::Forced;
use crate::log::Log;
use crate::report::Origin;
use crate::sys::{self, FileId};

/// Everything that a hook may need.
pub struct State {
    /// The compiled policy.
    pub decider: Decider<'static>,
    /// When delayed verdicts begin to prevent, in seconds since 1970-01-01 UTC.
    pub enforces_at: Option<i64>,
    /// Everything is allowed, and each act is reported once.
    pub learns: bool,
    /// Name of the rule that applies.
    pub rule: Option<&'static [u8]>,
    /// Who speaks.
    pub origin: Origin,
    /// The file that the process runs that the constructor ran in; `None` where it has not looked.
    pub program: Option<FileId>,
    /// Where lines go.
    pub log: Log,
    /// What every child's environment must have while the interpreter has not started yet ([`WAITING`]), and what it
    /// must have from then on.
    pub forced: [Forced; 2],
    /// The Runtime API, as `AWS_LAMBDA_RUNTIME_API` has it: who connects to it while we wait is the main process.
    pub runtime_api: Option<SocketAddr>,
    /// Can `openat2` prove a name? False also where another preloaded library wants to see each `open`.
    pub proves_names: bool,
    /// Programs are not judged, and musl's loader is there: a program has to be looked at all the same, for musl cannot load the library.
    pub looks_for_musl: bool,
    /// What the main process was started with of [`SEARCH`](crate::hooks::names::SEARCH).
    pub search: [Option<&'static [u8]>; 2],
    /// The process that the constructor ran in.
    pub own: u32,
    /// The main process: the one that the wrapper became, or that turned out to be the interpreter.
    pub main: AtomicU32,
}

// What each start writes to stands together, from the beginning of a page on. And the library has no other words that are written: what has a value
// to begin with would be one mapping more of the file, and a page of it that each process copies.
#[cfg(not(test))]
core::arch::global_asm!(".pushsection .bss.palisade,\"aw\",@nobits\n.balign 4096\n.popsection");

/// A switch for each section, in the order of [`Section`]; zero until the constructor is done.
#[cfg_attr(not(test), unsafe(link_section = ".bss.palisade"))]
pub static ACTIVE: AtomicU32 = AtomicU32::new(0);

/// In [`ACTIVE`]: the policy names destinations by domain, so the addresses that names lead to are noted.
const NOTING: u32 = 1 << 30;

/// In [`ACTIVE`]: another wrapper is still at work and the policy does not apply yet.
const WAITING: u32 = 1 << 31;

#[cfg_attr(not(test), unsafe(link_section = ".bss.palisade"))]
static STATE: AtomicPtr<State> = AtomicPtr::new(core::ptr::null_mut());

/// All of them.
pub const SECTIONS: [Section; 5] = [
    Section::Processes,
    Section::Outbound,
    Section::Listen,
    Section::Dns,
    Section::Filesystem,
];

impl State {
    /// Is `pid`, the caller's own, the main process?
    pub fn is_main(&self, pid: u32) -> bool {
        self.main.load(Ordering::Relaxed) == pid
    }

    /// What becomes of an act at this moment. The clock is asked only about what is delayed.
    pub fn outcome(&self, verdict: &Verdict<'_>) -> Outcome {
        let is_due = || {
            self.enforces_at
                .is_some_and(|time| sys::true_time() >= time)
        };
        if verdict.delayed && is_due() {
            Outcome::Prevent
        } else {
            verdict.outcome
        }
    }

    /// Is this the file that the process runs?
    ///
    /// A child of the main process has not looked at its start: the first look at its own part of /proc costs as much as a tenth of the
    /// start, and few children ask.
    pub fn runs(&self, id: FileId) -> bool {
        let known = self.program.or_else(|| {
            // SAFETY: a C string.
            let found =
                unsafe { sys::fstatat(libc::AT_FDCWD, c"/proc/thread-self/exe".as_ptr(), 0) };
            found.ok().map(|stat| stat.id)
        });
        known == Some(id)
    }

    #[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
    fn switches(&self) -> u32 {
        let noting = if self.learns || self.decider.names_outbound() {
            NOTING
        } else {
            0
        };
        SECTIONS
            .iter()
            .filter(|s| self.decider.active(**s))
            .fold(noting, |bits, s| bits | 1 << *s as u32)
    }
}

/// Makes the value known to the hooks. `is_waiting`: the policy applies only from [`begin`] on.
pub fn publish(state: &'static State, is_waiting: bool) {
    STATE.store(core::ptr::from_ref(state).cast_mut(), Ordering::Release);
    ACTIVE.store(
        if is_waiting {
            WAITING
        } else {
            state.switches()
        },
        Ordering::Release,
    );
}

/// The value, once the constructor has set it.
#[inline]
pub fn get() -> Option<&'static State> {
    // SAFETY: null, or a leaked box that is only ever read.
    unsafe { STATE.load(Ordering::Acquire).as_ref() }
}

/// The value if `section` has something to judge: one load and one branch where it has not.
#[inline]
pub fn judging(section: Section) -> Option<&'static State> {
    if ACTIVE.load(Ordering::Relaxed) & (1 << section as u32) == 0 {
        None
    } else {
        get()
    }
}

/// The value if any section has something to judge.
#[inline]
pub fn judging_at_all() -> Option<&'static State> {
    if ACTIVE.load(Ordering::Relaxed) & !WAITING == 0 {
        None
    } else {
        get()
    }
}

/// The value if the addresses that names lead to are to be noted.
#[inline]
pub fn noting() -> Option<&'static State> {
    if ACTIVE.load(Ordering::Relaxed) & NOTING == 0 {
        None
    } else {
        get()
    }
}

/// Has one of these sections anything to judge, or is another wrapper still at work? One load and one branch.
#[inline]
pub fn judges_any(sections: &[Section]) -> bool {
    let bits = sections
        .iter()
        .fold(WAITING, |bits, section| bits | 1 << *section as u32);
    ACTIVE.load(Ordering::Relaxed) & bits != 0
}

/// The value if another wrapper is still at work.
#[inline]
pub fn waiting() -> Option<&'static State> {
    if ACTIVE.load(Ordering::Relaxed) & WAITING == 0 {
        None
    } else {
        get()
    }
}

/// What a child's environment must have, at this moment.
pub fn forced() -> Option<&'static Forced> {
    let index = usize::from(waiting().is_none());
    get()?.forced.get(index)
}

/// The calling process is the interpreter: from here on the policy applies. `false` if the constructor did not run in
/// this very process, so that its children could not be told from it.
pub fn begin(state: &State) -> bool {
    if crate::sys::getpid() != state.own {
        return false;
    }
    state.main.store(state.own, Ordering::Relaxed);
    ACTIVE.store(state.switches(), Ordering::Release);
    true
}
