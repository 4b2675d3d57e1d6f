//! Does a destination that is allowed by its name mean exactly the addresses that the name led to?

use std::path::PathBuf;

use palisade_tests::{Outcome, Run, compile, policy, tool};
use serde_json::{Value, json};

/// `code` as the end of main() of frame.c.
fn program(code: &str) -> PathBuf {
    compile(&include_str!("frame.c").replace("CODE", code), &["-O1"])
}

/// A program on a machine of its own, whose name server and whose file of hosts are the test's.
fn alone(program: impl AsRef<std::path::Path>) -> Run {
    const PREPARE: &str = "mount --bind resolv.conf /etc/resolv.conf && mount --bind hosts /etc/hosts && \
        mount --bind nsswitch.conf /etc/nsswitch.conf && exec \"$@\"";
    Run::new(program)
        .file("resolv.conf", "nameserver 127.0.0.53\noptions timeout:5\n")
        .file("hosts", "127.0.0.1 localhost\n127.9.0.7 host.test\n")
        .file("nsswitch.conf", "hosts: files dns\n")
        .under(["unshare", "--net", "--mount", "sh", "-c", PREPARE, "sh"])
}

/// Port 80 of `good.test`, `alias.test`, `host.test` and of each `nNUMBER.test` is allowed, and nothing else.
fn by_name(effect: &str) -> Value {
    let mut allow = ["good.test:80", "alias.test:80", "host.test:80"]
        .map(str::to_owned)
        .to_vec();
    allow.extend((0..700).map(|n| format!("n{n}.test:80")));
    policy(
        json!({ "network": { "effect": effect, "outbound": { "allow": allow, "loopback": false } } }),
    )
}

fn defended(code: &str) -> Outcome {
    alone(program(code)).policy(&by_name("prevent")).go()
}

/// What the program says, which is something else without the library.
fn says(code: &str, expected: &str) {
    let natural = alone(program(code)).without_library().go();
    assert_eq!(
        natural.text().trim(),
        expected.replace("stopped", "through"),
        "the control: {}",
        natural.story()
    );
    let ours = defended(code);
    assert_eq!(ours.text().trim(), expected, "{}", ours.story());
    assert_eq!(
        ours.audits().len(),
        expected.matches("stopped").count(),
        "{}",
        ours.story()
    );
}

/// By each of these an address becomes known; before, and for another address, it is not.
fn each_opens(ways: &[&str]) {
    for way in ways {
        let code = format!(
            r#"REACH("127.9.0.1"); {{ {way}; }} REACH("127.9.0.1"); REACH("127.9.0.2"); REACH("127.9.0.66"); printf("%s ", reach("127.9.0.1", 81))"#
        );
        says(&code, "stopped through stopped stopped stopped");
    }
}

#[test]
fn every_function_that_resolves_a_name_opens_its_address_and_no_other() {
    each_opens(&[
        r#"if (looked_up("good.test")) abort()"#,
        r#"if (looked_up("GOOD.test.")) abort()"#,
        r#"if (!gethostbyname("good.test")) abort()"#,
        r#"if (!gethostbyname2("good.test", AF_INET)) abort()"#,
        r#"struct hostent e, *r; char room[999]; int why; if (gethostbyname_r("good.test", &e, room, sizeof room, &r, &why) || !r) abort()"#,
        r#"struct hostent e, *r; char room[999]; int why; if (gethostbyname2_r("good.test", AF_INET, &e, room, sizeof room, &r, &why) || !r) abort()"#,
    ]);
}

#[test]
fn names_that_are_resolved_in_the_background_open_their_addresses() {
    const ASK: &str = r#"static struct gaicb request = {"good.test"}, *list[] = {&request};"#;
    for wait in [
        "if (getaddrinfo_a(GAI_WAIT, list, 1, NULL) || gai_error(&request)) abort()",
        "if (getaddrinfo_a(GAI_WAIT, list, 1, NULL) || !request.ar_result) abort()",
        "if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL)) abort(); while (gai_error(&request) == EAI_INPROGRESS) usleep(1000)",
        "if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL)) abort(); while (gai_suspend((void *)list, 1, NULL) == EAI_AGAIN); if (!request.ar_result) abort()",
    ] {
        each_opens(&[&format!("{ASK} {wait}")]);
    }
}

#[test]
fn answers_that_a_program_gets_from_libcs_resolver_open_their_addresses() {
    each_opens(&[
        r#"if (res_query("good.test", 1, 1, message, sizeof message) < 0) abort()"#,
        r#"if (res_search("good.test", 1, 1, message, sizeof message) < 0) abort()"#,
        r#"if (res_querydomain("good", "test", 1, 1, message, sizeof message) < 0) abort()"#,
        r#"int n = question("good.test"); unsigned char a[600]; if (res_send(message, n, a, sizeof a) < 0) abort()"#,
        r#"struct __res_state s = {0}; res_ninit(&s); if (res_nquery(&s, "good.test", 1, 1, message, sizeof message) < 0) abort()"#,
        r#"struct __res_state s = {0}; res_ninit(&s); if (res_nsearch(&s, "good.test", 1, 1, message, sizeof message) < 0) abort()"#,
        r#"struct __res_state s = {0}; res_ninit(&s); int n = question("good.test"); unsigned char a[600]; if (res_nsend(&s, message, n, a, sizeof a) < 0) abort()"#,
    ]);
}

#[test]
fn answers_that_a_resolver_of_the_programs_own_receives_open_their_addresses() {
    const UNCONNECTED: &str = r#"struct sockaddr_in to = at(SERVER, 53); socklen_t size = sizeof to; (void)size; int n = question("good.test"), s = socket(AF_INET, SOCK_DGRAM, 0);
        if (sendto(s, message, n, 0, (void *)&to, sizeof to) != n) abort();
        struct iovec v[2] = {{message, 20}, {message + 20, 500}}; struct msghdr m = {&to, sizeof to, v, 2}; struct mmsghdr many[2] = {{m}, {m}}; (void)many; (void)m;"#;
    for receive in [
        "if (recvfrom(s, message, 600, 0, (void *)&to, &size) < 40) abort()",
        "if (recvmsg(s, &m, 0) < 40) abort()",
        "if (recvmmsg(s, many, 2, MSG_WAITFORONE, NULL) != 1) abort()",
    ] {
        each_opens(&[&format!("{UNCONNECTED} {receive}")]);
    }
    const CONNECTED: &str = r#"int s = to_server(SERVER, SOCK_DGRAM), n = question("good.test"); if (send(s, message, n, 0) != n) abort();
        struct iovec v[2] = {{message, 20}, {message + 20, 500}}; struct msghdr m = {NULL, 0, v, 2}; struct mmsghdr many[2] = {{m}, {m}}; (void)many; (void)m;"#;
    for receive in [
        "if (recv(s, message, 600, 0) < 40) abort()",
        "if (recvfrom(s, message, 600, 0, NULL, NULL) < 40) abort()",
        "if (recvmsg(s, &m, 0) < 40) abort()",
        "if (recvmmsg(s, many, 2, MSG_WAITFORONE, NULL) != 1) abort()",
        "if (read(s, message, 600) < 40) abort()",
        "if (__read(s, message, 600) < 40) abort()",
        "if (__read_chk(s, message, 600, sizeof message) < 40) abort()",
        "if (readv(s, v, 2) < 40) abort()",
        "if (syscall(SYS_read, s, message, 600L) < 40) abort()",
        "if (syscall(SYS_readv, s, v, 2L) < 40) abort()",
        "if (syscall(SYS_recvfrom, s, message, 600L, 0L, NULL, NULL) < 40) abort()",
        "if (syscall(SYS_recvmsg, s, &m, 0L) < 40) abort()",
        "if (syscall(SYS_recvmmsg, s, many, 2L, (long)MSG_WAITFORONE, NULL) != 1) abort()",
    ] {
        each_opens(&[&format!("{CONNECTED} {receive}")]);
    }
    // Over TCP, the two bytes of length with the message, and before it.
    const STREAM: &str = r#"int s = to_server(SERVER, SOCK_STREAM), n = question("good.test"); unsigned char length[2] = {n >> 8, n}, all[602];
        memcpy(all, length, 2), memcpy(all + 2, message, n); if (write(s, all, n + 2) != n + 2) abort();"#;
    for receive in [
        "if (recv(s, all, sizeof all, 0) < 42) abort()",
        "if (recv(s, all, 2, MSG_WAITALL) != 2 || recv(s, all + 2, 600, 0) < 40) abort()",
        "if (read(s, all, sizeof all) < 42) abort()",
        "if (read(s, all, 2) != 2 || read(s, all + 2, 600) < 40) abort()",
    ] {
        each_opens(&[&format!("{STREAM} {receive}")]);
    }
}

#[test]
fn an_answer_of_a_name_server_that_is_not_the_machines_opens_nothing() {
    let rules = policy(
        json!({ "network": { "effect": "prevent", "outbound": { "allow": ["good.test:80", "127.0.0.54:53"], "loopback": false } } }),
    );
    let code = r#"int s = to_server(OTHER_SERVER, SOCK_DGRAM), n = question("good.test"); if (send(s, message, n, 0) != n || recv(s, message, 600, 0) < 40) abort();
        REACH("127.9.0.1"); looked_up("good.test"); REACH("127.9.0.1")"#;
    let ours = alone(program(code)).policy(&rules).go();
    assert_eq!(ours.text().trim(), "stopped through", "{}", ours.story());
}

#[test]
fn an_alias_counts_for_the_name_that_was_asked_for() {
    says(
        r#"looked_up("real.test"); REACH("127.9.0.2"); looked_up("alias.test"); REACH("127.9.0.2")"#,
        "stopped through",
    );
    says(
        r#"REACH("127.9.0.2"); int n = question("alias.test"), s = to_server(SERVER, SOCK_DGRAM); send(s, message, n, 0); recv(s, message, 600, 0); REACH("127.9.0.2")"#,
        "stopped through",
    );
}

#[test]
fn an_entry_of_the_file_of_hosts_is_a_name_like_any_other() {
    says(
        r#"REACH("127.9.0.7"); looked_up("host.test"); REACH("127.9.0.7")"#,
        "stopped through",
    );
}

#[test]
fn a_name_that_is_not_allowed_opens_nothing() {
    says(
        r#"looked_up("evil.test"); REACH("127.9.0.66"); gethostbyname("evil.test"); REACH("127.9.0.66")"#,
        "stopped stopped",
    );
}

#[test]
fn a_name_that_is_denied_closes_its_address() {
    let rules = policy(
        json!({ "network": { "effect": "prevent", "outbound": { "deny": ["evil.test:80"] } } }),
    );
    let code =
        r#"REACH("127.9.0.66"); looked_up("evil.test"); REACH("127.9.0.66"); REACH("127.9.0.1")"#;
    let ours = alone(program(code)).policy(&rules).go();
    assert_eq!(
        ours.text().trim(),
        "through stopped through",
        "{}",
        ours.story()
    );
}

#[test]
fn the_same_address_written_as_one_of_ipv6_is_the_same() {
    says(
        r#"struct sockaddr_in6 to = {AF_INET6, htons(80)}; inet_pton(AF_INET6, "::ffff:127.9.0.1", &to.sin6_addr);
           for (int i = 0; i < 2; i++, looked_up("good.test"))
               printf("%s ", (connect(socket(AF_INET6, SOCK_STREAM, 0), (void *)&to, sizeof to), errno == EACCES) ? "stopped" : "through"), i || looked_up("good.test");"#,
        "stopped through",
    );
}

#[test]
fn a_name_for_which_ipv4_was_asked_as_ipv6_opens_its_address() {
    each_opens(&[
        r#"struct addrinfo *found, hints = {.ai_family = AF_INET6, .ai_flags = AI_V4MAPPED | AI_ALL}; if (getaddrinfo("good.test", NULL, &hints, &found)) abort()"#,
    ]);
}

const CHILDREN: &[&str] = &[
    r#"if (fork() == 0) { REACH("127.9.0.1"); REACH("127.9.0.2"); _exit(0); } wait(NULL)"#,
    r#"if (fork() == 0) execv("/proc/self/exe", words); wait(NULL)"#,
    r#"if (vfork() == 0) { execv("/proc/self/exe", words); _exit(1); } wait(NULL)"#,
    r#"char *none[] = {NULL}; if (fork() == 0) execve("/proc/self/exe", words, none); wait(NULL)"#,
    r#"char *none[] = {"PALISADE_NAMES=", NULL}; if (fork() == 0) execve("/proc/self/exe", words, none); wait(NULL)"#,
    r#"pid_t pid; if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, words, environ)) abort(); wait(NULL)"#,
    r#"if (system(command)) abort()"#,
    r#"pclose(popen(command, "w"))"#,
    // A child of the child.
    r#"char *shell[] = {"sh", "-c", command, NULL}; if (fork() == 0) execv("/bin/sh", shell); wait(NULL)"#,
    r#"char *shell[] = {"env", "-i", "sh", "-c", command, NULL}; if (fork() == 0) execv("/usr/bin/env", shell); wait(NULL)"#,
];

#[test]
fn a_child_may_reach_what_its_parent_has_resolved() {
    for child in CHILDREN {
        let code = format!(
            r#"char command[300], self[200] = ""; if (readlink("/proc/self/exe", self, 199) < 0) abort(); snprintf(command, 300, "%s reach 127.9.0.1 127.9.0.2; true", self);
               char *words[] = {{"program", "reach", "127.9.0.1", "127.9.0.2", NULL}}; (void)words; looked_up("good.test"); {child}"#
        );
        says(&code, "through stopped");
    }
}

#[test]
fn a_parent_may_not_reach_what_its_child_has_resolved() {
    says(
        r#"if (fork() == 0) { looked_up("good.test"); REACH("127.9.0.1"); _exit(0); } wait(NULL); REACH("127.9.0.1")"#,
        "through stopped",
    );
}

#[test]
fn a_child_that_was_given_names_by_somebody_else_may_reach_nothing() {
    // What the library would have handed on, taken from a child that had it.
    let code = r#"char *words[] = {"program", "reach", "127.9.0.66", NULL}, *names[] = {"PALISADE_NAMES=,0000000000000000000000007f090042good.test", environ[0], NULL};
        if (fork() == 0) execve("/proc/self/exe", words, names); wait(NULL); looked_up("good.test"); if (fork() == 0) execve("/proc/self/exe", words, names); wait(NULL)"#;
    says(code, "stopped stopped");
}

#[test]
fn of_very_many_addresses_the_last_ones_are_known_in_this_process_and_its_children() {
    says(
        r#"char name[20], ip[20], other[20]; for (int i = 0; i < 700; i++) { snprintf(name, 20, "n%d.test", i); if (looked_up(name)) abort(); }
           for (int i = 690; i < 700; i++) { snprintf(ip, 20, "127.10.%d.%d", i / 256, i % 256); REACH(ip); }
           char *words[] = {"program", "reach", ip, other, NULL}; snprintf(other, 20, "127.10.9.9"); if (fork() == 0) execv("/proc/self/exe", words); wait(NULL)"#,
        &("through ".repeat(11) + "stopped"),
    );
}

#[test]
fn threads_that_resolve_at_the_same_time_lose_nothing() {
    says(
        r#"void *run(void *first) { char name[20]; for (long i = (long)first; i < (long)first + 10; i++) { snprintf(name, 20, "n%ld.test", i); if (looked_up(name)) abort(); } return NULL; }
           pthread_t threads[8]; for (long i = 0; i < 8; i++) pthread_create(&threads[i], NULL, run, (void *)(i * 10)); for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
           static char ips[80][20]; char *words[83] = {"program", "reach"}; int stopped = 0;
           for (int i = 0; i < 80; i++) { snprintf(ips[i], 20, "127.10.0.%d", i); words[i + 2] = ips[i]; stopped += *reach(ips[i], 80) == 's'; }
           printf("%d ", stopped); if (fork() == 0) execv("/proc/self/exe", words); wait(NULL)"#,
        &("0 ".to_owned() + "through ".repeat(80).trim()),
    );
}

#[test]
fn nothing_is_handed_on_where_no_destination_is_named() {
    let code =
        r#"looked_up("good.test"); char *words[] = {"env", NULL}; execv("/usr/bin/env", words)"#;
    let rules = policy(
        json!({ "network": { "effect": "prevent", "outbound": { "deny": ["192.0.2.1"] } } }),
    );
    let ours = alone(program(code)).policy(&rules).go();
    assert!(
        !ours.text().contains("NAMES") && !ours.text().contains("good.test"),
        "{}",
        ours.story()
    );
}

/// Node.js with its own resolver, c-ares, and with libc's.
#[test]
fn node_reaches_what_it_has_resolved_by_itself() {
    let code = r#"
        const net = require('net'), dns = require('dns').promises;
        const reach = host => new Promise(done => net.connect(80, host).on('error', e => done(e.code === 'EACCES' ? 'stopped' : 'through')).on('connect', () => done('through')));
        (async () => {
            const said = [await reach('127.9.0.1')];
            const [ip] = await dns.resolve4(process.argv[2]);
            said.push(ip, await reach(ip), await reach('127.9.0.2'));
            console.log(said.join(' '));
        })();"#;
    let node = tool("node");
    let start = format!(
        r#"char *words[] = {{"node", "-e", getenv("SCRIPT"), "x", "good.test", NULL}}; if (fork() == 0) execv("{}", words); wait(NULL)"#,
        node.display()
    );
    let ours = alone(program(&start))
        .env("SCRIPT", code)
        .policy(&by_name("prevent"))
        .go();
    assert_eq!(
        ours.text().trim(),
        "stopped 127.9.0.1 through stopped",
        "{}",
        ours.story()
    );
    assert_eq!(ours.audits().len(), 2, "{}", ours.story());
}
