//! The constructor and the destructor: everything that happens once.

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::CStr;
use core::ffi::{c_int, c_void};
use core::sync::atomic::AtomicU32;

use palisade_audit::{Level, Text};
use palisade_policy::event::Section;
use palisade_policy::format;
use palisade_policy::{Compiled, Context, Decider, Identity, Policy, compile};

use crate::elf::Format;
use crate::env::{self, Forced};
use crate::hooks::{around, names};
use crate::log::{Destination, Log};
use crate::objects::{self, Behind};
use crate::offsets::{self, Offsets};
use crate::path::Name;
use crate::report::Origin;
use crate::settings::{self, Environment, Surround};
use crate::state::State;
use crate::table::{self, Strings};
use crate::{elf, handed, inherited, learned, memory, state, sys, writer};

/// EX_CONFIG of sysexits.h: the start was stopped because of the settings.
const EX_CONFIG: c_int = 78;

/// What the wrapper's probe ends with: the library is loaded, and the program can be.
const PROBE_LOADED: c_int = 99;
/// The program is statically linked.
const PROBE_STATIC: c_int = 98;
/// The program is of another architecture.
const PROBE_OTHER_MACHINE: c_int = 97;
/// The program's loader is another libc's.
const PROBE_OTHER_LIBC: c_int = 96;

/// glibc calls the functions of `.init_array` with the arguments of `main`.
#[cfg(not(test))]
#[used]
#[unsafe(link_section = ".init_array")]
static INIT: unsafe extern "C" fn(c_int, Strings, Strings) = init;

// What the loader relocates begins here. It fits into one page, if it begins one: another would be copied for each process.
#[cfg(not(test))]
core::arch::global_asm!(".pushsection .fini_array,\"aw\",@fini_array\n.balign 4096\n.popsection");

/// Called when the process exits, after its atexit(3) handlers.
#[cfg(not(test))]
#[used]
#[unsafe(link_section = ".fini_array")]
static FINI: extern "C" fn() = fini;

#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
extern "C" fn fini() {
    writer::flush();
}

#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
unsafe extern "C" fn init(argc: c_int, argv: Strings, envp: Strings) {
    let errno = sys::errno();
    let environment = Environment(envp);
    if environment.setting(b"PALISADE_PROBE=").is_some() {
        // SAFETY: the arguments of main.
        let program = unsafe { env::entries(argv) }.take(argc as usize).last();
        memory::for_the_constructor(|| sys::exit_group(probe(program.unwrap_or_default())));
    }
    // SAFETY: what the loader gives is what main gets.
    unsafe { sys::note_start(envp) };
    let mut room = objects::room::<{ objects::OBJECTS }>();
    let behind = Behind::now(&mut room);
    if behind.is_whole() {
        begin(environment, &behind);
    } else {
        begin_among_many(environment);
    }
    sys::set_errno(errno);
}

/// The same for a program that is started with many libraries.
#[cold]
#[inline(never)]
fn begin_among_many(environment: Environment) {
    let mut room = objects::room::<{ objects::OBJECTS_MAX }>();
    begin(environment, &Behind::now(&mut room));
}

#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
fn begin(environment: Environment, behind: &Behind<'_>) {
    let handed = environment
        .setting(b"PALISADE_LIBC=")
        .and_then(|text| Offsets::read(text, behind));
    around::resolve_among(behind, handed.as_ref());
    table::resolve(behind, handed.as_ref());
    match inherited::state(environment, behind.library()) {
        Some(state) => state::publish(state, false),
        None => memory::for_the_constructor(|| start(environment, behind)),
    }
}

/// Has this library the whole of its dynamic section? Of a file that is cut off there the loader takes the rest for zeros, and a section that names
/// functions for the end without saying how many ends each process with `SIGSEGV`. Linkers put the versions that are needed last.
#[inline(always)]
fn is_whole() -> bool {
    const DT_VERNEEDNUM: usize = 0x6fff_ffff;
    unsafe extern "C" {
        static _DYNAMIC: [usize; 2];
    }
    let mut entry = &raw const _DYNAMIC;
    // SAFETY: the linker ends it in zeros, and so does what is cut off.
    unsafe {
        while (*entry)[0] != 0 && (*entry)[0] != DT_VERNEEDNUM {
            entry = entry.add(1);
        }
        (*entry)[1] != 0
    }
}

/// Looks at the program that is to be started; for a script, at its interpreter, as deep as execve(2) goes.
fn probe(program: &[u8]) -> c_int {
    if !is_whole() {
        return libc::EXIT_FAILURE;
    }
    let Ok(program) = CString::new(program) else {
        return PROBE_LOADED;
    };
    // SAFETY: a C string.
    let mut format = unsafe { elf::look(libc::AT_FDCWD, program.as_ptr()) };
    for _ in 0..elf::SCRIPTS_MAX {
        let Ok(Format::Script(interpreter)) = format else {
            break;
        };
        // SAFETY: a C string.
        format = unsafe { elf::look(libc::AT_FDCWD, interpreter.as_ptr()) };
    }
    match format {
        Ok(Format::Static | Format::Library) => PROBE_STATIC,
        Ok(Format::OtherMachine) => PROBE_OTHER_MACHINE,
        Ok(Format::OtherLibc(_)) => PROBE_OTHER_LIBC,
        // What cannot be read or run is left to the exec, which says why.
        Ok(Format::Dynamic(_) | Format::Script(_) | Format::Text) | Err(_) => PROBE_LOADED,
    }
}

/// What this process is to the function.
struct Role {
    own: u32,
    /// The main process, as far as it is known.
    main: u32,
    /// Another wrapper is at work, and this is not the interpreter yet.
    is_waiting: bool,
}

impl Role {
    fn find(environment: Environment, own: u32, program: Option<sys::FileId>) -> Self {
        let main = environment
            .text("PALISADE_MAIN_PID")
            .and_then(|pid| pid.parse().ok())
            .unwrap_or(own);
        let is_waiting = environment
            .bytes("PALISADE_MAIN_PROGRAM")
            .is_some_and(|path| {
                let interpreter = CString::new(path).ok().and_then(|path| {
                    // SAFETY: a C string.
                    unsafe { sys::fstatat(libc::AT_FDCWD, path.as_ptr(), 0) }.ok()
                });
                main != own || interpreter.is_none() || interpreter.map(|stat| stat.id) != program
            });
        Self {
            own,
            main,
            is_waiting,
        }
    }

    const fn is_main(&self) -> bool {
        self.own == self.main
    }

    /// Is this the main process, with the policy that applies to it?
    const fn is_interpreter(&self) -> bool {
        self.is_main() && !self.is_waiting
    }
}

#[inline(never)]
fn start(environment: Environment, behind: &Behind<'_>) {
    let own = sys::getpid();
    let library = behind.library();
    let surround = Surround::new(environment);
    let mut program_path = Name::new();
    // SAFETY: C strings.
    let program = unsafe {
        let _ = program_path.read_link(libc::AT_FDCWD, c"/proc/self/exe".as_ptr());
        sys::fstatat(libc::AT_FDCWD, c"/proc/self/exe".as_ptr(), 0)
            .ok()
            .map(|stat| stat.id)
    };
    let role = Role::find(environment, own, program);
    let variable = |name| leak(surround.variable(name).unwrap_or_default());
    let region = [variable("AWS_REGION"), variable("AWS_DEFAULT_REGION")];
    let origin = Origin {
        function: variable("AWS_LAMBDA_FUNCTION_NAME"),
        region: region
            .into_iter()
            .find(|region| !region.is_empty())
            .unwrap_or_default(),
        program: leak_bytes(program_path.as_bytes()),
    };

    // Asked for before anything is handed on.
    let search = names::SEARCH.map(|name| surround.variable(name).map(leak));

    let destination = settings::destination(environment, !origin.function.is_empty());
    let known = destination
        .as_ref()
        .copied()
        .unwrap_or(Destination::Stream(2));
    let log = settings::log_of_main(environment, known, role.main)
        .unwrap_or_else(|| Log::of_main(known, role.main));
    if let Err(problem) = destination {
        return stop((environment, library), &origin, &log, &role, &problem);
    }
    let handed = settings::compiled(environment);
    let (decider, compiled) = match handed {
        Some(decider) => (
            decider,
            environment
                .setting(settings::COMPILED)
                .map(|text| leak_c(&[settings::COMPILED, text].concat())),
        ),
        None => {
            let found = settings::policy(environment);
            let policy = match found.policy {
                Ok(policy) => policy,
                Err(problem) => {
                    return stop((environment, library), &origin, &log, &role, &problem);
                }
            };
            let compiled = compiled(&policy, &surround, &origin);
            let decider = compiled.decider();
            if decider.rule().is_none() && role.is_interpreter() {
                let text = format!(
                    "No rule of the policy in {} applies to this function: it runs undefended.",
                    found.place
                );
                origin.notice(&log, Level::Warn, "no-rule", 1, Text::from(text.as_str()));
            }
            if let Some(time) = decider.enforce_after().filter(|_| role.is_interpreter()) {
                let text = format!(
                    "This rule prevents nothing before {time}: until then it reports (enforce_after)."
                );
                origin.notice(
                    &log,
                    Level::Info,
                    "not-enforced-yet",
                    1,
                    Text::from(text.as_str()),
                );
            }
            (decider, settings::hand_on_compiled(compiled.as_bytes()))
        }
    };
    if role.is_interpreter() && !judges(&decider) && leave(environment, library) {
        // Nothing is ever judged, here or in what is started here: hooks that know of no state pass each call on, and children are as without us.
        return;
    }
    let learned = if decider.learns() {
        learned_set(environment)
    } else {
        None
    };
    let offsets = offsets::hand_on(behind);
    let looks_for_musl = !decider.active(Section::Processes) && surround.has_musl();
    let make = |main, is_waiting| Handed {
        learned: learned.as_deref(),
        offsets: offsets.as_deref(),
        surround: &surround,
        log: &log,
        main,
        is_waiting,
        compiled,
    };
    let forced = [
        forced(environment, library, &make(role.main, true)),
        forced(
            environment,
            library,
            &make(if role.is_waiting { own } else { role.main }, false),
        ),
    ];
    let state = Box::leak(Box::new(State {
        decider,
        enforces_at: decider.enforces_at(),
        learns: decider.learns(),
        rule: decider.rule_bytes(),
        origin,
        program,
        log,
        forced,
        runtime_api: surround
            .variable("AWS_LAMBDA_RUNTIME_API")
            .and_then(|address| address.parse().ok()),
        proves_names: decider.active(Section::Filesystem) && proves_names(),
        looks_for_musl,
        search,
        own,
        main: AtomicU32::new(role.main),
    }));
    if environment.bytes("PALISADE_MAIN_PID").is_some() {
        // Handed on by this process before it turned into itself, or by its parent; not there when the function starts.
        handed::take_over(&state.decider, environment.bytes("PALISADE_NAMES"));
    }
    if role.is_interpreter() && needs_writer(state) {
        // Without the thread each line is written by the one who causes it, which is slower and loses nothing.
        let _ = writer::start(&state.log);
    }
    state::publish(state, role.is_waiting);
}

/// Something is wrong with the settings: one line that says what, and no start; or a start without defence, if that is
/// what `PALISADE_ON_ERROR` asks for. The children of a function that runs undefended need not say it again.
#[cold]
#[inline(never)]
fn stop(
    (environment, library): (Environment, &CStr),
    origin: &Origin,
    log: &Log,
    role: &Role,
    problem: &str,
) {
    let is_open = environment.bytes("PALISADE_ON_ERROR") == Some(b"open");
    let (attack, what_now) = if is_open {
        (
            "undefended",
            "The function runs UNDEFENDED, because PALISADE_ON_ERROR is open.",
        )
    } else {
        ("start-stopped", "Nothing was started (exit 78).")
    };
    if role.is_main() || !is_open {
        let problem = problem.trim_end_matches('.');
        let parts: [&[u8]; 3] = [what_now.as_bytes(), b" ", problem.as_bytes()];
        origin.notice(log, Level::Error, attack, 1, Text::Parts(&parts));
    }
    if !is_open {
        sys::exit_group(EX_CONFIG);
    }
    if role.is_interpreter() {
        leave(environment, library);
    }
}

/// As [`env::leave`], of this process.
fn leave(environment: Environment, library: &CStr) -> bool {
    // SAFETY: the loader's environment, before the program or anybody else can read it; the stack may be written to.
    unsafe { env::leave(environment.0, library.to_bytes(), &sys::first_stack()) }
}

/// The set of what has been reported: that of the process tree, or a new one; what a child needs to find it.
fn learned_set(environment: Environment) -> Option<String> {
    let handed = environment.text("PALISADE_LEARNED");
    let (set, text) = match handed {
        Some(text) => learned::join(text.as_bytes()).map(|set| (set, text)),
        None => None,
    }
    .or_else(learned::share)?;
    learned::publish(set);
    Some(text)
}

fn compiled(policy: &Policy, surround: &Surround, origin: &Origin) -> &'static Compiled {
    let text = |bytes: &'static [u8]| core::str::from_utf8(bytes).unwrap_or_default();
    let program = surround.program(&String::from_utf8_lossy(origin.program));
    let platform = settings::platform(surround, &program);
    let account = surround.variable("PALISADE_ACCOUNT").unwrap_or_default();
    let identity = Identity {
        function: text(origin.function),
        region: text(origin.region),
        account: &account,
    };
    let context = Context {
        identity,
        platform: &platform,
        resolve: &resolve,
        now: sys::now().0,
    };
    Box::leak(Box::new(compile(policy, &context)))
}

/// realpath(3) by the kernel's own hand.
fn resolve(path: &[u8]) -> Option<Vec<u8>> {
    let path = CString::new(path).ok()?;
    // SAFETY: a C string.
    let fd = unsafe {
        sys::openat(
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::O_PATH | libc::O_CLOEXEC,
            0,
        )
    }
    .ok()?;
    let mut name = Name::new();
    let result = name.read_descriptor(fd);
    sys::close(fd);
    result.ok().map(|()| name.as_bytes().to_vec())
}

/// The thread is there only for lines that nobody else can write, or that must not wait.
fn needs_writer(state: &State) -> bool {
    state.decider.may_alert() || judges(&state.decider) && !state.log.is_open_to_children()
}

/// Has any section something to judge?
#[inline(never)]
fn judges(decider: &Decider<'_>) -> bool {
    state::SECTIONS
        .iter()
        .any(|section| decider.active(*section))
}

/// What a process hands on to its children besides its settings.
struct Handed<'a> {
    surround: &'a Surround,
    log: &'a Log,
    main: u32,
    is_waiting: bool,
    /// The whole entry: it is long, and all children get the same.
    compiled: Option<&'static CStr>,
    learned: Option<&'a str>,
    offsets: Option<&'a [u8]>,
}

/// The settings that every child gets: the ones that were given, and what it could not find out by itself.
fn forced(environment: Environment, library: &'static CStr, handed: &Handed<'_>) -> Forced {
    // Behind `PALISADE_`. One text, as each pointer to one is relocated at each start.
    const COMPUTED: &[u8] =
        b"LIBC MAIN_PID MAIN_PROGRAM CONTEXT COMPILED EXEMPT LEARNED LOG NAMES PROBE NEXT_WRAPPER";
    fn name(entry: &[u8]) -> &[u8] {
        entry.split(|byte| *byte == b'=').next().unwrap_or(entry)
    }
    let mut settings: Vec<&'static CStr> = Vec::new();
    for entry in environment.ours() {
        let name_behind = name(entry).strip_prefix(b"PALISADE_");
        let is_computed = COMPUTED
            .split(|byte| *byte == b' ')
            .any(|computed| name_behind == Some(computed));
        // The first of several is the one that counts (getenv(3)).
        if !is_computed
            && !settings
                .iter()
                .any(|known| name(known.to_bytes()) == name(entry))
        {
            settings.push(leak_c(entry));
        }
    }
    let mut set =
        |name: &str, value: &[u8]| settings.push(leak_c(&[name.as_bytes(), b"=", value].concat()));
    set("PALISADE_MAIN_PID", handed.main.to_string().as_bytes());
    set("PALISADE_LOG", settings::hand_on_log(handed.log).as_bytes());
    set(
        "PALISADE_CONTEXT",
        handed.surround.hand_on(handed.is_waiting).as_bytes(),
    );
    if let Some(learned) = handed.learned {
        set("PALISADE_LEARNED", learned.as_bytes());
    }
    if let Some(offsets) = handed.offsets {
        set(offsets::VARIABLE, offsets);
    }
    if handed.is_waiting {
        // The interpreter compiles the policy by itself: what it needs depends on which interpreter it is.
        if let Some(program) = environment.bytes("PALISADE_MAIN_PROGRAM") {
            set("PALISADE_MAIN_PROGRAM", program);
        }
    } else if let Some(compiled) = handed.compiled {
        settings.push(compiled);
    }
    Forced {
        library: library.to_bytes(),
        preload: leak_c(&[b"LD_PRELOAD=", library.to_bytes()].concat()),
        kept: env::KEPT.map(|name| {
            // SAFETY: the loader's environment, which the constructor reads before anybody can change it.
            let found =
                unsafe { env::entries(environment.0) }.find(|entry| entry.starts_with(name));
            found.map(leak_bytes)
        }),
        preloads: leak_bytes(environment.bytes("LD_PRELOAD").unwrap_or_default()),
        settings: Vec::leak(settings),
    }
}

/// Can `openat2` be used instead of `open`? It must be there (Linux 5.6, and no sandbox that refuses it), and no other
/// preloaded library may wait behind us for each `open`.
#[cfg_attr(not(test), unsafe(link_section = ".text.palisade_start"))]
pub fn proves_names() -> bool {
    if !sys::has_open_without_links() {
        return false;
    }
    let Some(next) = table::open::next() else {
        return false;
    };
    // Before glibc 2.34 the threads' library has an `open` of its own.
    objects::is_libc(next as *const c_void)
}

fn leak(text: String) -> &'static [u8] {
    leak_bytes(text.as_bytes())
}

#[inline(never)]
fn leak_bytes(bytes: &[u8]) -> &'static [u8] {
    Vec::leak(bytes.to_vec())
}

#[inline(never)]
fn leak_c(bytes: &[u8]) -> &'static CStr {
    // An entry of the environment has no NUL within.
    Box::leak(CString::new(bytes).unwrap_or_default().into_boxed_c_str())
}
