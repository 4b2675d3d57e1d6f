//! Calls that mean more than they seem to, each tried with the policy that they try to pass by.

use std::fs;

use palisade_tests::{Outcome, Run, compile, policy};
use serde_json::{Value, json};

/// Runs `code` as the body of main(), in a folder with a file `secret`; `PATH` in the policy's text stands for that file.
fn run(code: &str, sections: impl Fn(&str) -> Value) -> (Outcome, Outcome) {
    let program = compile(&include_str!("trick.c").replace("CODE", code), &["-O1"]);
    let make = || Run::new(&program).file("secret", "secret");
    let natural = make().without_library().go();
    let with = make();
    let secret = fs::canonicalize(with.folder().join("secret")).expect("secret");
    let with = with
        .policy(&policy(sections(secret.to_str().expect("UTF-8"))))
        .go();
    (with, natural)
}

fn files(access: &'static str) -> impl Fn(&str) -> Value {
    move |secret| json!({ "filesystem": { "effect": "prevent", "deny": [{ "path": secret, "access": access }] } })
}

fn refused(code: &str, sections: impl Fn(&str) -> Value) {
    let (with, natural) = run(code, sections);
    assert!(
        natural.text().ends_with("done\n"),
        "the control: {}",
        natural.story()
    );
    assert!(with.text().ends_with("refused 13\n"), "{}", with.story());
    assert_eq!(with.audits().len(), 1, "{}", with.story());
}

#[test]
fn a_plus_behind_a_comma_opens_a_stream_for_writing() {
    // glibc looks at six characters of the mode and takes the comma for one that it does not know.
    refused(r#"say(fopen("secret", "r,+") != NULL)"#, files("write"));
    refused(r#"say(fopen("secret", "r,ccs+") != NULL)"#, files("write"));
}

#[test]
fn a_spawned_program_is_looked_for_where_its_file_actions_lead() {
    let echo = |_: &str| json!({ "processes": { "effect": "prevent", "deny": ["echo"] } });
    refused(
        r#"posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions);
           posix_spawn_file_actions_addchdir_np(&actions, "/usr/bin");
           char *words[] = {"echo", "ran", NULL}; errno = posix_spawn(&pid, "./echo", &actions, NULL, words, environ);
           if (errno == 0) waitpid(pid, NULL, 0); say(errno == 0)"#,
        echo,
    );
    refused(
        r#"posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions);
           posix_spawn_file_actions_addfchdir_np(&actions, open("/usr/bin", O_PATH));
           char *words[] = {"echo", "ran", NULL}; errno = posix_spawn(&pid, "echo", &actions, NULL, words, environ);
           if (errno == 0) waitpid(pid, NULL, 0); say(errno == 0)"#,
        echo,
    );
}

#[test]
fn a_file_action_of_a_spawned_program_opens_no_denied_file() {
    refused(
        r#"posix_spawn_file_actions_t actions; posix_spawn_file_actions_init(&actions);
           posix_spawn_file_actions_addopen(&actions, 0, "secret", O_RDONLY, 0);
           char *words[] = {"cat", NULL}; errno = posix_spawn(&pid, "/bin/cat", &actions, NULL, words, environ);
           if (errno == 0) waitpid(pid, NULL, 0); say(errno == 0)"#,
        files("any"),
    );
}

#[test]
fn a_refused_port_stays_refused_on_a_socket_that_is_bound_in_another_way() {
    let ports = |_: &str| json!({ "network": { "effect": "prevent", "listen": { "allow": [1] } } });
    let (with, natural) = run(
        r#"struct sockaddr_in port = {AF_INET, 0}; int first = socket(AF_INET, SOCK_STREAM, 0), second = socket(AF_INET, SOCK_STREAM, 0);
           // A port that is free, then asked for by number.
           bind(first, (void *)&port, sizeof port); socklen_t size = sizeof port; getsockname(first, (void *)&port, &size); close(first);
           first = socket(AF_INET, SOCK_STREAM, 0);
           bind(first, (void *)&port, sizeof port); close(first); first = socket(AF_INET, SOCK_STREAM, 0);
           // Linux takes AF_UNSPEC for AF_INET if the address is any (inet_bind).
           port.sin_family = AF_UNSPEC; bind(second, (void *)&port, sizeof port);
           dup2(second, first); errno = 0; say(listen(first, 5) == 0)"#,
        ports,
    );
    assert!(natural.text().ends_with("done\n"), "{}", natural.story());
    assert!(with.text().ends_with("refused 13\n"), "{}", with.story());
}

#[test]
fn a_socket_that_listens_without_a_name_is_judged_by_the_port_that_it_gets() {
    let code = r#"int s = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0);
        struct sockaddr_in port; socklen_t size = sizeof port;
        errno = 0; int one = listen(s, 5), first = errno, two = listen(six, 5), got = getsockname(s, (void *)&port, &size);
        errno = 0; int none = accept4(socket(AF_INET, SOCK_STREAM, 0), NULL, NULL, 0), second = errno;
        errno = 0; int datagrams = listen(u, 5), third = errno;
        printf("%d %d %d %d, accept %d %d, datagrams %d %d\n", one, first, two, got == 0 && port.sin_port != 0, none, second, datagrams, third);
        errno = first; say(one == 0)"#;
    for allowed in ["1-65535", "1024-65535"] {
        let (with, natural) = run(
            code,
            |_| json!({ "network": { "effect": "prevent", "listen": { "allow": [allowed], "deny": [1] } } }),
        );
        assert_eq!(with.text(), natural.text(), "{}", with.story());
        assert_eq!(with.audits().len(), 0, "{}", with.story());
    }
    let (with, _) = run(
        code,
        |_| json!({ "network": { "effect": "prevent", "listen": { "allow": [1] } } }),
    );
    assert!(with.text().ends_with("refused 13\n"), "{}", with.story());
    assert_eq!(with.audits().len(), 2, "{}", with.story());
    assert!(
        with.audits().iter().all(|audit| audit.port > Some(1023)),
        "{}",
        with.story()
    );
}

#[test]
fn an_address_without_a_family_is_a_port_all_the_same() {
    refused(
        r#"struct sockaddr_in port = {AF_UNSPEC, htons(9)}; say(bind(socket(AF_INET, SOCK_DGRAM, 0), (void *)&port, sizeof port) == 0)"#,
        |_| json!({ "network": { "effect": "prevent", "listen": { "allow": [1] } } }),
    );
}

#[test]
fn a_call_that_could_not_have_happened_is_no_attack() {
    let (with, natural) = run(
        r#"say(popen("echo ran", "q") != NULL)"#,
        |_| json!({ "processes": { "effect": "prevent", "deny": ["sh", "dash", "bash"] } }),
    );
    assert_eq!(with.text(), natural.text());
    assert_eq!(with.audits().len(), 0, "{}", with.story());
}

#[test]
fn a_file_is_denied_where_proc_is_not_mounted() {
    let code = r#"if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || umount2("/proc", MNT_DETACH)) abort();
        say(open("secret", O_RDWR | O_CREAT, 0600) >= 0)"#;
    refused(code, files("any"));
}

fn shells(_: &str) -> Value {
    json!({ "processes": { "effect": "prevent", "deny": ["sh", "dash", "bash"] } })
}

fn resolvers(_: &str) -> Value {
    json!({ "dns": { "effect": "prevent", "deny": ["denied.test"] } })
}

/// As without the library, and nobody was attacked.
fn same(code: &str, sections: impl Fn(&str) -> Value) {
    let (with, natural) = run(code, sections);
    assert_eq!(
        (with.text(), with.errors(), with.code()),
        (natural.text(), natural.errors(), natural.code())
    );
    assert_eq!(with.audits().len(), 0, "{}", with.story());
}

#[test]
fn a_question_that_cannot_be_read_fails_as_without_the_library() {
    same(
        r#"struct sockaddr_in to = {AF_INET, htons(53), {htonl(INADDR_LOOPBACK)}}; int s = socket(AF_INET, SOCK_DGRAM, 0);
           say(sendto(s, (void *)1, 9, 0, (void *)&to, sizeof to) >= 0);
           connect(s, (void *)&to, sizeof to); say(send(s, (void *)1, 9, 0) >= 0); say(write(s, (void *)1, 9) >= 0)"#,
        resolvers,
    );
}

#[test]
fn flags_that_openat2_does_not_take_are_refused_by_the_kernel() {
    same(
        r#"struct { unsigned long flags, mode, resolve; } how = {O_DIRECTORY | O_CREAT, 0600, 0};
           for (char **name = (char *[]){"secret", "none", ".", "none/x", NULL}; *name; name++) {
               how.flags = O_DIRECTORY | O_CREAT; say(syscall(SYS_openat2, AT_FDCWD, *name, &how, 24) >= 0);
               how.flags = 0x40000000; say(syscall(SYS_openat2, AT_FDCWD, *name, &how, 24) >= 0);
               how.flags = O_RDONLY, how.resolve = 0xff00; say(syscall(SYS_openat2, AT_FDCWD, *name, &how, 24) >= 0);
               how.resolve = 0;
           }"#,
        |_| json!({ "filesystem": { "effect": "prevent", "deny": ["/none/such"] } }),
    );
}

#[test]
fn words_without_a_command_start_no_shell() {
    same(
        r#"wordexp_t words; for (char **text = (char *[]){"$((1 + 2))", "'$(echo ran)'", "'`'", "a\\$(b", NULL}; *text; text++)
               { int result = wordexp(*text, &words, 0); printf("%d %s\n", result, result == 0 ? words.we_wordv[0] : ""); }"#,
        shells,
    );
}

#[test]
fn words_are_expanded_and_put_behind_others_as_without_the_library() {
    same(
        r#"wordexp_t list = {0}; int flags = 0;
           for (char **text = (char *[]){"a b", "$(echo x y)", "$((1 + 2))", "${none:-'$(echo z)'}", "$((echo x);(echo y))", "$((1 + $(echo 4)))", "$(", NULL}; *text; text++) {
               int result = wordexp(*text, &list, flags); flags = WRDE_APPEND; printf("%d %zu\n", result, list.we_wordc);
               for (size_t i = 0; result == 0 && i < list.we_wordc; i++) puts(list.we_wordv[i]);
           }"#,
        |_| json!({ "processes": { "effect": "prevent", "deny": ["/none/such"] } }),
    );
}

#[test]
fn a_command_among_words_is_a_shell() {
    refused(
        r#"wordexp_t words; errno = 13; say(wordexp("a \"$(echo ran)\"", &words, 0) == 0)"#,
        shells,
    );
    refused(
        r#"wordexp_t words; errno = 13; say(wordexp("`echo ran`", &words, 0) == 0)"#,
        shells,
    );
}

#[test]
fn a_stream_that_cannot_be_opened_again_is_closed() {
    // freopen(3): the original stream is closed, whatever becomes of the new one.
    let code = |path: &str| {
        format!(
            r#"FILE *stream = fopen("/dev/null", "r"); int fd = fileno(stream);
               say(freopen("{path}", "r", stream) != NULL); printf("%d\n", fcntl(fd, F_GETFD))"#
        )
    };
    let (_, natural) = run(&code("none/such"), files("any"));
    let (with, _) = run(&code("secret"), files("any"));
    assert_eq!(natural.text(), "refused 2\n-1\n");
    assert_eq!(with.text(), "refused 13\n-1\n");
}

#[test]
fn an_open_without_a_mode_that_would_create_still_ends_the_program() {
    // _FORTIFY_SOURCE: what such a call means is undefined.
    let code = r#"extern int __open_2(const char *, int); __open_2("new", O_RDWR | O_CREAT); puts("not stopped")"#;
    let (with, natural) = run(code, files("any"));
    assert_eq!(natural.code(), -6, "{}", natural.story());
    assert_eq!((with.code(), with.text()), (-6, natural.text()));
}

#[test]
fn a_question_is_read_in_whatever_pieces_it_comes() {
    // Over TCP: two bytes of length first (RFC 1035 section 4.2.2), perhaps alone.
    let code = |send: &str| {
        format!(
            r#"struct sockaddr_in to = {{AF_INET, htons(53), {{htonl(0x7f4d0001)}}}}; int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
               setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
               for (int i = 0; i < 200 && bind(l, (void *)&to, sizeof to); i++) to.sin_addr.s_addr = htonl(0x7f4d0002 + i);
               listen(l, 5); if (connect(s, (void *)&to, sizeof to)) abort();
               static char q[] = "\0\x1d\x12\x34\1\0\0\1\0\0\0\0\0\0\6denied\4test\0\0\1\0\1"; long n = sizeof q - 1; (void)n; say({send})"#
        )
    };
    for send in [
        "write(s, q, n) == n",
        "send(s, q, n, MSG_NOSIGNAL) == n",
        "writev(s, (struct iovec[2]){{q, 1}, {q + 1, n - 1}}, 2) == n",
        "sendmsg(s, &(struct msghdr){.msg_iov = (struct iovec[2]){{q, 9}, {q + 9, n - 9}}, .msg_iovlen = 2}, 0) == n",
        "sendto(s, q, n, 0, NULL, 0) == n",
        "syscall(SYS_write, s, q, n) == n",
        "write(s, q, 2) == 2 && write(s, q + 2, n - 2) == n - 2",
    ] {
        refused(&code(send), resolvers);
    }
}

#[test]
fn a_question_is_read_whatever_number_its_socket_has() {
    let code = |send: &str| {
        format!(
            r#"struct sockaddr_in to = {{AF_INET, htons(53), {{htonl(INADDR_LOOPBACK)}}}}; int s = socket(AF_INET, SOCK_DGRAM, 0), pair[2], status; (void)pair, (void)status;
               if (connect(s, (void *)&to, sizeof to)) abort();
               static char q[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\6denied\4test\0\0\1\0\1"; long n = sizeof q - 1; say({send})"#
        )
    };
    for send in [
        "write(dup(s), q, n) == n",
        "write(dup2(s, 9), q, n) == n",
        "send(dup3(s, 77, O_CLOEXEC), q, n, 0) == n",
        "send(fcntl(s, F_DUPFD, 700), q, n, 0) == n",
        "send(fcntl(s, F_DUPFD, 1100), q, n, 0) == n",
    ] {
        refused(&code(send), resolvers);
    }
}

#[test]
fn a_question_over_tcp_is_read_also_behind_another() {
    let code = |send: &str| {
        format!(
            r#"struct sockaddr_in to = {{AF_INET, htons(53), {{htonl(0x7f4e0001)}}}}; int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
               setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
               for (int i = 0; i < 200 && bind(l, (void *)&to, sizeof to); i++) to.sin_addr.s_addr = htonl(0x7f4e0002 + i);
               listen(l, 5); if (connect(s, (void *)&to, sizeof to)) abort();
               static char q[] = "\0\x1e\x12\x34\1\0\0\1\0\0\0\0\0\0\7allowed\4test\0\0\1\0\1\0\x1d\x12\x34\1\0\0\1\0\0\0\0\0\0\6denied\4test\0\0\1\0\1"; long n = sizeof q - 1; (void)n; say({send})"#
        )
    };
    // Two questions in one write; a question behind the length and half a header of the one before.
    for send in [
        "write(s, q, n) == n",
        "write(s, q, 1) == 1 && write(s, q + 1, n - 1) == n - 1",
        "write(s, q + 32, 10) == 10 && write(s, q + 42, n - 42) == n - 42",
    ] {
        refused(&code(send), resolvers);
    }
}

#[test]
fn a_datagram_behind_a_refused_one_is_not_sent() {
    // sendmmsg(2): how many were sent; the error only if it is the first.
    let code = r#"struct sockaddr_in to[2] = {{AF_INET, htons(9), {htonl(INADDR_LOOPBACK)}}, {AF_INET, htons(9), {htonl(0x7f000002)}}};
        struct iovec v = {"x", 1}; struct mmsghdr m[3] = {0};
        for (int i = 0; i < 3; i++) m[i].msg_hdr = (struct msghdr){&to[i == 1], sizeof *to, &v, 1};
        int s = socket(AF_INET, SOCK_DGRAM, 0); printf("%d\n", sendmmsg(s, m, 3, 0)); printf("%d ", sendmmsg(s, m + 1, 2, 0)); say(0)"#;
    let (with, natural) = run(
        code,
        |_| json!({ "network": { "effect": "prevent", "outbound": { "deny": ["127.0.0.2"] } } }),
    );
    assert!(natural.text().starts_with("3\n2 "), "{}", natural.story());
    assert_eq!(with.text(), "1\n-1 refused 13\n");
    assert_eq!(with.audits().len(), 2, "{}", with.story());
}

#[test]
fn data_that_opens_a_connection_is_judged_as_one() {
    let code = |call: &str| {
        format!(
            r#"struct sockaddr_in to = {{AF_INET, 0, {{htonl(INADDR_LOOPBACK)}}}}; socklen_t size = sizeof to; int l = socket(AF_INET, SOCK_STREAM, 0);
               bind(l, (void *)&to, size); listen(l, 5); getsockname(l, (void *)&to, &size); int s = socket(AF_INET, SOCK_STREAM, 0);
               struct iovec v = {{"x", 1}}; struct msghdr m = {{&to, sizeof to, &v, 1}}; (void)m; say({call})"#
        )
    };
    for call in [
        "sendto(s, v.iov_base, 1, MSG_FASTOPEN, (void *)&to, sizeof to) == 1",
        "sendmsg(s, &m, MSG_FASTOPEN) == 1",
        "syscall(SYS_sendto, s, v.iov_base, 1, MSG_FASTOPEN, &to, sizeof to) == 1",
        "sendmmsg(s, &(struct mmsghdr){m}, 1, MSG_FASTOPEN) == 1",
    ] {
        refused(
            &code(call),
            |_| json!({ "network": { "effect": "prevent", "outbound": { "deny": ["127.0.0.1"] } } }),
        );
    }
}

#[test]
fn a_table_of_mounts_is_a_file() {
    refused(r#"say(setmntent("secret", "r") != NULL)"#, files("any"));
}

#[test]
fn a_log_of_logins_is_a_file() {
    refused(
        r#"struct utmp entry = {0}; updwtmp("secret", &entry); struct stat now; stat("secret", &now); errno = 13; say(now.st_size != 6)"#,
        files("write"),
    );
}

#[test]
fn shared_memory_is_a_file() {
    refused(
        r#"errno = 0; say(shm_open("/palisade-test", O_RDWR | O_CREAT, 0600) >= 0 && shm_unlink("/palisade-test") == 0)"#,
        |_| json!({ "filesystem": { "effect": "prevent", "deny": ["/dev/shm/**"] } }),
    );
}

#[test]
fn a_socket_that_listens_without_a_port_of_its_own_takes_no_connection() {
    let code = r#"struct sockaddr_in port; socklen_t size = sizeof port; int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0);
        listen(l, 5); getsockname(l, (void *)&port, &size); port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connect(s, (void *)&port, size); errno = 0; say(accept(l, NULL, NULL) >= 0)"#;
    let (with, natural) = run(
        code,
        |_| json!({ "network": { "effect": "prevent", "listen": { "allow": [1] } } }),
    );
    assert_eq!(natural.text(), "done\n");
    assert!(with.text().starts_with("refused"), "{}", with.story());
}

#[test]
fn a_function_that_this_libc_lacks_is_not_implemented() {
    // A program that finds it all the same must fall back as on an older kernel.
    if crate::cases::libc_has("pidfd_spawn") {
        return;
    }
    let code = r#"extern int pidfd_spawn(int *, const char *, void *, void *, char **, char **) __attribute__((weak)); int fd;
        char *words[] = {"echo", "ran", NULL}; printf("%d\n", pidfd_spawn ? pidfd_spawn(&fd, "/bin/echo", NULL, NULL, words, environ) : ENOSYS)"#;
    same(code, |_| json!({}));
}

/// A name server of the program's own, at which the only thing that counts is what was asked for; a child asks by `ask`.
fn asks(ask: &str, question: &str) -> String {
    format!(
        r#"int s = socket(AF_INET, SOCK_DGRAM, 0); struct sockaddr_in port = {{AF_INET, 0, {{htonl(INADDR_LOOPBACK)}}}}; socklen_t size = sizeof port;
           struct timeval second = {{1, 0}}; bind(s, (void *)&port, size); getsockname(s, (void *)&port, &size);
           setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
           if (fork() == 0) {{
               struct addrinfo *found; unsigned char answer[512]; (void)found, (void)answer;
               BEFORE; res_init(); _res.nscount = 1, _res.nsaddr_list[0] = port, _res.retrans = 1, _res.retry = 1; {ask}; _exit(0);
           }}
           char bytes[512]; ssize_t n; int seen = 0;
           while ((n = recv(s, bytes, sizeof bytes, 0)) > 0) seen |= memmem(bytes, n, "{question}", sizeof "{question}" - 1) != NULL;
           errno = 13; say(seen)"#
    )
}

#[test]
fn a_name_is_judged_however_it_is_written() {
    // ns_name_pton of libc's resolver takes the escapes of a zone file (RFC 1035 section 5.1).
    for name in [
        r"\\100enied.test",
        r"\\d\\e\\110ied.t\\est",
        r"denied.t\\101\\115\\116",
    ] {
        for ask in [
            "getaddrinfo(NAME, NULL, NULL, &found)",
            "gethostbyname(NAME)",
            "res_query(NAME, 1, 1, answer, sizeof answer)",
        ] {
            let code = asks(
                &ask.replace("NAME", &format!("\"{name}\"")),
                r"\6denied\4test",
            )
            .replace("BEFORE", "");
            refused(&code, resolvers);
        }
    }
}

#[test]
fn a_name_is_judged_however_long_it_is_written() {
    let label = r"\\097".repeat(50);
    let code = asks(
        &format!(r#"getaddrinfo("{label}.{label}.denied.test", NULL, NULL, &found)"#),
        r"\6denied\4test",
    )
    .replace("BEFORE", "");
    refused(
        &code,
        |_| json!({ "dns": { "effect": "prevent", "allow": ["allowed.test"] } }),
    );
}

#[test]
fn a_name_is_judged_with_the_domains_that_the_program_makes_the_resolver_search() {
    // resolver(5): which come first where the name has fewer dots than ndots.
    let code = asks(
        r#"getaddrinfo("data.allowed.test", NULL, NULL, &found)"#,
        r"\7allowed\4test\6denied\4test",
    )
    .replace(
        "BEFORE",
        r#"putenv("LOCALDOMAIN=denied.test"), putenv("RES_OPTIONS=ndots:15")"#,
    );
    refused(
        &code,
        |_| json!({ "dns": { "effect": "prevent", "allow": ["*.allowed.test"] } }),
    );
}

#[test]
fn domains_to_search_that_the_function_was_started_with_are_its_owners() {
    let code = asks(
        r#"getaddrinfo("data.allowed.test", NULL, NULL, &found)"#,
        r"\7allowed\4test",
    )
    .replace("BEFORE", "");
    let program = compile(&include_str!("trick.c").replace("CODE", &code), &["-O1"]);
    let allow = policy(json!({ "dns": { "effect": "prevent", "allow": ["*.allowed.test"] } }));
    let outcome = Run::new(&program)
        .env("LOCALDOMAIN", "owner.test")
        .policy(&allow)
        .go();
    assert_eq!((&*outcome.text(), outcome.audits().len()), ("done\n", 0));
}

#[test]
fn an_alias_of_the_programs_own_is_no_way_to_a_name() {
    // hostname(7).
    let code = asks(r#"gethostbyname("allowed")"#, r"\6denied\4test").replace(
        "BEFORE",
        r#"FILE *file = fopen("aliases", "w"); fputs("allowed denied.test\n", file); fclose(file); putenv("HOSTALIASES=aliases")"#,
    );
    refused(&code, resolvers);
}

/// A socket over TCP to port 53, where nobody reads; `send` is said to have been done.
fn stream(send: &str) -> String {
    format!(
        r#"struct sockaddr_in to = {{AF_INET, htons(53), {{htonl(0x7f4f0001)}}}}; int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
           setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
           for (int i = 0; i < 200 && bind(l, (void *)&to, sizeof to); i++) to.sin_addr.s_addr = htonl(0x7f4f0002 + i);
           listen(l, 5); if (connect(s, (void *)&to, sizeof to)) abort();
           {send}"#
    )
}

#[test]
fn a_question_over_tcp_is_read_behind_a_long_one() {
    // The first is for allowed.test, and 700 bytes long with its padding (RFC 7830).
    refused(
        &stream(
            r#"static char q[702 + 31] = "\2\xbc\x12\x34\1\0\0\1\0\0\0\0\0\1\7allowed\4test\0\0\1\0\1\0\0\x29\x10\0\0\0\0\0\2\x93\0\x0c\2\x8f";
               memcpy(q + 702, "\0\x1d\x12\x34\1\0\0\1\0\0\0\0\0\0\6denied\4test\0\0\1\0\1", 31); say(write(s, q, sizeof q) == sizeof q)"#,
        ),
        resolvers,
    );
}

#[test]
fn a_question_over_tcp_is_none_that_it_could_be_taken_for() {
    // Behind a length that came alone is a message of which the number says its length, and the first label holds another question.
    refused(
        &stream(
            r#"static char q[] = "\0\x37\0\x35\1\0\0\1\0\1\0\0\0\0\x18\0\7allowed\4test\0\0\1\0\1xxxxx\6denied\4test\0\0\1\0\1";
               int n = sizeof q - 1; q[1] = n - 2, q[3] = n - 4; say(write(s, q, 2) == 2 && write(s, q + 2, n - 2) == n - 2)"#,
        ),
        |_| json!({ "dns": { "effect": "prevent", "allow": ["allowed.test"] } }),
    );
}

#[test]
fn questions_over_tcp_that_are_allowed_are_sent() {
    // With their length, behind it, behind each half of it, and two at a time.
    same(
        &stream(
            r#"static char q[] = "\0\x1e\x12\x34\1\0\0\1\0\0\0\0\0\0\7allowed\4test\0\0\1\0\1\0\x1e\x12\x35\1\0\0\1\0\0\0\0\0\0\7allowed\4test\0\0\1\0\1";
               say(write(s, q, 32) == 32); say(write(s, q, 2) == 2 && write(s, q + 2, 30) == 30);
               say(write(s, q, 1) == 1 && write(s, q + 1, 1) == 1 && write(s, q + 2, 30) == 30); say(write(s, q, 1) == 1 && write(s, q + 1, 31) == 31);
               say(write(s, q, 64) == 64); say(writev(s, (struct iovec[2]){{q, 2}, {q + 2, 30}}, 2) == 32); say(write(s, q, 0) == 0)"#,
        ),
        |_| json!({ "dns": { "effect": "prevent", "allow": ["allowed.test"] } }),
    );
}
