//! A decision neither allocates nor needs much stack: hooks run in the child of `vfork(2)`, in signal handlers, inside `malloc(3)` itself.

mod common;

use palisade_policy::{Access, Connect, Decider, File, Outcome, Process, Reason, Section, Start};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that is going away has no counter any more, and none is asked for.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every method hands its arguments to `System` unchanged, whose contract is the one of this trait.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`, which is the one of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: `pointer` came from `System`, since `alloc` and `realloc` hand on what it gave.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as for `dealloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn policy() -> Vec<u8> {
    common::rule(
        r#""processes":{"effect":"prevent","crypto_miners":true,"deny":["/bin/*","*sh*","/a/**/b?[x-z]*"],"allow":["/usr/bin/*"]},
           "network":{"effect":"alert","outbound":{"allow":["10.0.0.0/8:443","*:5432","2001:db8::/32","*.amazonaws.com:443"],"deny":["169.254.169.254"]},
               "listen":{"allow":["9000-9100"]}},
           "dns":{"effect":"prevent","allow":["*.amazonaws.com","*x"],"deny":["a.amazonaws.com"]},
           "filesystem":{"effect":"prevent","allow":["/tmp/**"],"deny":["/proc/*/environ","**/*.pem","/**/a*b*c*[d-f]?"]}"#,
    )
    .into_bytes()
}

/// Every question in every way that it can end; the number of refusals keeps the compiler honest.
fn decide(bytes: &[u8], long: &[u8]) -> usize {
    let d = Decider::from_bytes(bytes).unwrap();
    let mut refusals = usize::from(d.rule().is_none());
    let mut tally = |outcome: Outcome| refusals += usize::from(outcome != Outcome::Allow);
    assert!(!d.learns() && d.enforce_after().is_none());
    for verdict in [
        d.unfollowable(),
        d.fileless(),
        d.malformed_question(),
        d.guard(Reason::MemoryWrite),
    ] {
        tally(verdict.outcome);
    }
    for section in [
        Section::Processes,
        Section::Outbound,
        Section::Listen,
        Section::Dns,
        Section::Filesystem,
    ] {
        assert!(d.active(section));
    }
    for path in [
        b"/bin/sh".as_slice(),
        b"/usr/bin/git",
        b"/a/x/y/bcz1",
        b"/x/xmrig",
        b"",
        b"\xff/\xff",
        long,
    ] {
        for main in [true, false] {
            tally(
                d.process(&Process {
                    path,
                    given: b"sh",
                    start: Start::Spawn,
                    main,
                    same_program: main,
                })
                .outcome,
            );
        }
        for access in [Access::Read, Access::Write, Access::ReadWrite] {
            tally(
                d.file(&File {
                    path,
                    alias: Some(b"/proc/self/environ"),
                    access,
                })
                .outcome,
            );
            tally(
                d.file(&File {
                    path,
                    alias: None,
                    access,
                })
                .outcome,
            );
        }
        assert!(d.names_outbound() && !d.wants_name(path));
        tally(d.argument(path).outcome);
        tally(d.resolve(path).outcome);
    }
    for name in [
        b"a.amazonaws.com".as_slice(),
        b"S3.amazonaws.com.",
        b"127.1",
        b"localhost",
        b"fe80::1%1",
        b"q",
        b"pool.supportxmr.com",
    ] {
        tally(d.resolve(name).outcome);
    }
    for ip in [
        "10.0.0.1",
        "169.254.169.254",
        "127.0.0.1",
        "::1",
        "2001:db8::1",
        "2001::1",
        "::ffff:10.0.0.1",
        "0.0.0.0",
    ] {
        for port in [0, 443, 5432, 65535] {
            tally(
                d.connect(&Connect {
                    ip: ip.parse().unwrap(),
                    port,
                })
                .outcome,
            );
            for name in [b"s3.amazonaws.com".as_slice(), b"q", long] {
                let event = Connect {
                    ip: ip.parse().unwrap(),
                    port,
                };
                tally(d.connect_resolved(&event, name).outcome);
            }
            tally(d.listen(port).outcome);
        }
    }
    refusals
}

#[test]
fn no_decision_allocates() {
    let bytes = policy();
    let long = [b"/".as_slice(), "abcd/".repeat(900).as_bytes()].concat();
    let before = COUNT.with(Cell::get);
    let refusals = decide(&bytes, &long);
    let after = COUNT.with(Cell::get);
    assert_eq!(after - before, 0);
    assert!(refusals > 20, "{refusals}");
    drop(vec![1u8; 10]);
    assert!(COUNT.with(Cell::get) > after, "the counter counts");
}

#[test]
fn a_decision_fits_into_a_small_stack() {
    let bytes = policy();
    let long = [b"/".as_slice(), "abcd/".repeat(900).as_bytes()].concat();
    // What is left of 16 KiB after a thread's own start; builds without optimisation need several times what a release does.
    let small = std::thread::Builder::new()
        .stack_size(16 << 10)
        .spawn(move || decide(&bytes, &long));
    assert!(small.unwrap().join().unwrap() > 20);
}
