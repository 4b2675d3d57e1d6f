//! Alerts do not wait for a log that takes nothing, and are all there in the end or counted.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use palisade_tests::{Log, Run, compile, policy, records};
use serde_json::json;

use crate::ways::{Kind, wait};
use crate::{program, run};

/// So few that none has to be lost.
const BURST: usize = 100;

fn all_arrive(end: &str) {
    let code = format!("for (int i = 0; i < {BURST}; i++) act(); {end}");
    let outcome = run("alert", &code).go();
    assert_eq!(outcome.audits().len(), BURST, "{end}: {}", outcome.errors());
    let run = run("alert", &code)
        .log(Log::Unset)
        .env("PALISADE_AUDIT", "stdout");
    let (log, reader) = Kind::Pipe.open(run.folder());
    let mut command = run.command();
    command
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(Stdio::null());
    wait(command);
    assert_eq!(
        records(reader.text().as_bytes()).len(),
        BURST,
        "{end}, to a pipe"
    );
}

#[test]
fn all_alerts_arrive_where_main_returns() {
    all_arrive("return 0");
}

#[test]
fn all_alerts_arrive_at_exit() {
    all_arrive("exit(3)");
}

#[test]
fn all_alerts_arrive_at_exit_at_once() {
    all_arrive("_exit(3)");
    all_arrive("_Exit(3)");
}

#[test]
fn all_alerts_arrive_at_quick_exit() {
    all_arrive("quick_exit(3)");
}

#[test]
fn all_alerts_arrive_at_the_system_call_of_exit() {
    all_arrive("syscall(SYS_exit_group, 3)");
}

#[test]
fn all_alerts_arrive_at_exec() {
    all_arrive(r#"char *words[] = {"true", NULL}; execve("/bin/true", words, environ); abort()"#);
    all_arrive(
        r#"char *none[] = {NULL}, *words[] = {"true", NULL}; execve("/bin/true", words, none); abort()"#,
    );
    all_arrive(r#"execlp("true", "true", NULL); abort()"#);
}

#[test]
fn all_alerts_arrive_where_another_thread_ends_the_program() {
    all_arrive(
        r#"void *last(void *unused) { exit(0); } pthread_t thread; pthread_create(&thread, NULL, last, NULL); pthread_join(thread, NULL)"#,
    );
}

#[test]
fn all_alerts_arrive_where_the_first_thread_leaves() {
    all_arrive(
        r#"void *last(void *unused) { usleep(1000); return NULL; } pthread_t thread; pthread_create(&thread, NULL, last, NULL); pthread_exit(NULL)"#,
    );
}

#[test]
fn alerts_for_which_there_is_no_room_are_counted() {
    const ALL: usize = 3000;
    let code = format!(
        r#"for (int i = 0; i < {ALL}; i++) act(); tell("done", "burst"); usleep(50000); act()"#
    );
    let run = run("alert", &code)
        .log(Log::Unset)
        .env("PALISADE_AUDIT", "stdout");
    let (mut reader, writer) = std::io::pipe().expect("pipe");
    let mut command = run.command();
    command
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(Stdio::null());
    let done = run.folder().join("done");
    // Nobody reads until the program has gone on: alerts do not wait for that.
    let reading = thread::spawn(move || {
        for _ in 0..2000 {
            if fs::metadata(&done).is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let was_done = fs::metadata(&done).is_ok();
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).expect("log");
        (was_done, bytes)
    });
    let status = wait(command);
    let (was_done, log) = reading.join().expect("reader");
    assert!(
        status.success() && was_done,
        "the program waited for its log: {status}"
    );
    let lines = records(&log);
    let (lost, written): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| line.attack == "audit-lost");
    let count: u64 = lost.iter().map(|line| line.count.unwrap_or(1)).sum();
    assert!(count > 0, "{} lines, none lost", written.len());
    assert!(lost.iter().all(|line| line.level == "ERROR"));
    assert_eq!(written.len() as u64 + count, ALL as u64 + 1);
}

#[test]
fn alerts_are_not_lost_for_want_of_a_processor() {
    // The program, the writer's thread and who reads the log have one processor between them, as with functions of less than 1,769 MB; and the
    // program does nothing but what is reported.
    const ALL: usize = 20_000;
    let run = Run::new(program(&format!(
        "struct sockaddr_in to = {{AF_INET, htons(9), {{htonl(INADDR_LOOPBACK)}}}}; int s = socket(AF_INET, SOCK_DGRAM, 0);
         for (int i = 0; i < {ALL}; i++) connect(s, (void *)&to, sizeof to)"
    )))
    .policy(&policy(
        json!({ "network": { "effect": "alert", "outbound": { "deny": ["127.0.0.1"] } } }),
    ))
    .log(Log::Unset)
    .env("PALISADE_AUDIT", "stdout")
    .under(["taskset", "--cpu-list", "0"]);
    let (reader, writer) = std::io::pipe().expect("pipe");
    let log = run.folder().join("log");
    let mut command = run.command();
    command.stdin(Stdio::null()).stdout(writer);
    let reading = Command::new("taskset")
        .args(["--cpu-list", "0", "cat"])
        .stdin(reader)
        .stdout(fs::File::create(&log).expect("log"))
        .spawn();
    assert!(wait(command).success());
    let read = reading.expect("taskset").wait().expect("cat");
    assert!(read.success());
    let log = fs::read(log).expect("log");
    let lines = records(&log);
    let (lost, written): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| line.attack == "audit-lost");
    let count: u64 = lost.iter().map(|line| line.count.unwrap_or(1)).sum();
    assert_eq!(written.len() as u64 + count, ALL as u64);
    // As a rule none; without a rest for the others it was most of them.
    assert!(count < ALL as u64 / 100, "{count} lost");
}

#[test]
fn alerts_are_not_lost_where_whoever_reads_the_log_rests() {
    // More than can wait and be in the pipe. Nobody reads until the program has come to a halt.
    const ALL: usize = 2000;
    let is_lost = |_| {
        let code = format!(
            r#"int made = open("made", O_WRONLY | O_CREAT, 0600); for (int i = 0; i < {ALL}; i++) {{ act(); write(made, "x", 1); }}"#
        );
        let run = run("alert", &code)
            .log(Log::Unset)
            .env("PALISADE_AUDIT", "stdout");
        let (mut reader, writer) = std::io::pipe().expect("pipe");
        let mut command = run.command();
        command.stdin(Stdio::null()).stdout(writer);
        let made = run.folder().join("made");
        let reading = thread::spawn(move || {
            let acts = || fs::metadata(&made).map_or(0, |made| made.len());
            let mut before = 0;
            while before == 0 || before != acts() {
                before = acts();
                thread::sleep(Duration::from_millis(2));
            }
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map(|_| bytes)
        });
        assert!(wait(command).success());
        let log = reading.join().expect("reader").expect("log");
        let lines = records(&log);
        lines.iter().any(|line| line.attack == "audit-lost")
    };
    // Where a machine has other work, the reader may come too late.
    assert!(!(0..5).all(is_lost), "lost each time");
}

/// Starts a program whose log is a pipe that the program itself fills and empties again (descriptor 50).
fn on_a_pipe_of_its_own(standard_error: &str) -> std::path::PathBuf {
    let source = r#"#include <unistd.h>
        #include <fcntl.h>
        int main(int count, char **arguments) {
            int pipes[2];
            if (pipe2(pipes, O_NONBLOCK)) return 1;
            dup2(pipes[0], 50); dup2(pipes[1], 1); ERROR; close(pipes[0]); close(pipes[1]);
            return execv(arguments[1], arguments + 1);
        }"#;
    compile(&source.replace("ERROR", standard_error), &[])
}

const FILL: &str = r#"char bytes[4096]; memset(bytes, '#', sizeof bytes); ssize_t size;
    while (write(1, bytes, sizeof bytes) > 0) {}
    while (write(1, bytes, 1) > 0) {}"#;

#[test]
fn lines_that_a_full_log_does_not_take_are_counted() {
    let code = format!(
        r#"{FILL} act(); act();
           while (read(50, bytes, sizeof bytes) > 0) {{}}
           act(); size = read(50, bytes, sizeof bytes - 1); bytes[size < 0 ? 0 : size] = 0; tell("told", bytes)"#
    );
    let run = run("prevent", &code)
        .log(Log::Unset)
        .env("PALISADE_AUDIT", "stdout");
    let outcome = run.under([on_a_pipe_of_its_own("close(2)")]).go();
    let told = fs::read(outcome.folder.path().join("told")).expect("told");
    let lines = records(&told);
    let said: Vec<_> = lines
        .iter()
        .map(|line| (&*line.attack, line.count))
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.contains(&("audit-lost", Some(2))), "{said:?}");
    assert!(said.contains(&("denied-file", None)), "{said:?}");
}

#[test]
fn a_full_log_holds_a_call_up_for_about_a_second() {
    let code = format!(
        r#"{FILL} struct timespec from, to; clock_gettime(CLOCK_MONOTONIC, &from); act(); clock_gettime(CLOCK_MONOTONIC, &to);
           size = to.tv_sec - from.tv_sec; sprintf(bytes, "%zd", size); tell("told", bytes)"#
    );
    let run = run("prevent", &code)
        .log(Log::Unset)
        .env("PALISADE_AUDIT", "stdout");
    let outcome = run.under([on_a_pipe_of_its_own("dup2(pipes[1], 2)")]).go();
    let told = fs::read_to_string(outcome.folder.path().join("told")).expect("told");
    let seconds: u32 = told.parse().expect("seconds");
    assert!(seconds <= 2, "{seconds} seconds");
}
