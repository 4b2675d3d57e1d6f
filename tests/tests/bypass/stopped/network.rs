//! The network.

use serde_json::json;

use palisade_tests::{Run, compile};

use super::EACCES;
use crate::{lost, names, passed, refused, run, with};

#[test]
fn a_resolver_of_its_own() {
    for send in [
        "send(to_resolver(), question, QUESTION_SIZE, 0) == QUESTION_SIZE",
        "write(to_resolver(), question, QUESTION_SIZE) == QUESTION_SIZE",
        "({ struct sockaddr_in to = loopback(53); sendto(socket(AF_INET, SOCK_DGRAM, 0), question, QUESTION_SIZE, 0, (void *)&to, sizeof to) == QUESTION_SIZE; })",
    ] {
        let audit = refused(
            || run(&format!("through({send})")),
            |_| names(),
            EACCES,
            "denied-domain",
        );
        assert_eq!(audit.domain.as_deref(), Some("denied.test"));
    }
}

#[test]
fn a_question_that_cannot_be_read() {
    let code = r#"through(send(to_resolver(), "garbage", 7, 0) == 7)"#;
    refused(|| run(code), |_| names(), EACCES, "malformed-question");
}

#[test]
fn data_with_the_connection() {
    let code = r#"struct sockaddr_in to = loopback(0); socklen_t size = sizeof to; int l = socket(AF_INET, SOCK_STREAM, 0);
        bind(l, (void *)&to, size); listen(l, 5); getsockname(l, (void *)&to, &size);
        through(sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN, (void *)&to, size) == 1)"#;
    refused(
        || run(code),
        |_| json!({ "network": { "effect": "prevent", "outbound": { "deny": ["127.0.0.1"] } } }),
        EACCES,
        "denied-destination",
    );
}

#[test]
fn a_second_descriptor_of_a_socket_to_a_name_server() {
    for send in [
        "write(dup(to_resolver()), question, QUESTION_SIZE)",
        "send(fcntl(to_resolver(), F_DUPFD, 1500), question, QUESTION_SIZE, 0)",
    ] {
        refused(
            || run(&format!("through({send} == QUESTION_SIZE)")),
            |_| names(),
            EACCES,
            "denied-domain",
        );
    }
}

#[test]
fn a_question_that_no_function_of_sockets_carries() {
    let code = r#"struct iovec v = {(void *)question, QUESTION_SIZE}; through(pwritev2(to_resolver(), &v, 1, -1, 0) == QUESTION_SIZE)"#;
    refused(|| run(code), |_| names(), EACCES, "denied-domain");
    // What the kernel takes from elsewhere is not seen, and not sent.
    let code = r#"int file = memfd_create("question", 0); raw(SYS_pwrite64, file, question, QUESTION_SIZE, 0);
        through(sendfile(to_resolver(), file, NULL, QUESTION_SIZE) == QUESTION_SIZE)"#;
    refused(|| run(code), |_| names(), EACCES, "malformed-question");
}

#[test]
fn a_question_that_the_kernel_is_to_send_later() {
    // io_submit(2), the asynchronous requests of Linux itself.
    let code = r#"aio_context_t context = 0; struct iocb one = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = to_resolver(), .aio_buf = (long)question, .aio_nbytes = QUESTION_SIZE}, *list[] = {&one};
        if (raw(SYS_io_setup, 1, &context)) abort(); through(syscall(SYS_io_submit, context, 1L, list) == 1)"#;
    refused(|| run(code), |_| names(), EACCES, "denied-domain");
    let code = r#"aio_context_t context = 0; struct iovec v[] = {{(void *)question, 9}, {(void *)question + 9, QUESTION_SIZE - 9}};
        struct iocb good = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = socket(AF_UNIX, SOCK_DGRAM, 0)},
            bad = {.aio_lio_opcode = IOCB_CMD_PWRITEV, .aio_fildes = to_resolver(), .aio_buf = (long)v, .aio_nbytes = 2}, *list[] = {&good, &bad};
        if (raw(SYS_io_setup, 2, &context)) abort(); int sent = syscall(SYS_io_submit, context, 2L, list); errno = EACCES; through(sent == 2)"#;
    refused(|| run(code), |_| names(), EACCES, "denied-domain");
}

#[test]
fn an_address_among_many_that_another_thread_rewrites() {
    // sendmmsg(2): what arrives at the denied port was judged as something for the other one.
    let code = r#"static struct sockaddr_in to; to = loopback(0); int good = socket(AF_INET, SOCK_DGRAM, 0), denied = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), s = socket(AF_INET, SOCK_DGRAM, 0);
        static unsigned short ports[2]; struct sockaddr_in *at = &to; socklen_t size = sizeof to;
        struct sockaddr_in there = loopback(DENIED); if (raw(SYS_bind, denied, &there, sizeof there)) abort();
        if (raw(SYS_bind, good, at, sizeof *at) || getsockname(good, (void *)at, &size)) abort();
        ports[0] = to.sin_port, ports[1] = there.sin_port;
        void rewrite(void) { volatile unsigned short *port = &to.sin_port; *port = ports[1]; for (volatile int i = 0; i < 30; i++); *port = ports[0]; for (volatile int i = 0; i < 30; i++); }
        pthread_t thread; pthread_create(&thread, NULL, over_and_over, rewrite); struct iovec v = {"x", 1}; struct mmsghdr many[20]; int seen = 0; char byte;
        for (int i = 0; i < 20; i++) many[i] = (struct mmsghdr){{&to, sizeof to, &v, 1}};
        for (long i = 0; goes_on(i, 3000, seen); i++) { sendmmsg(s, many, 20, 0); seen |= recv(denied, &byte, 1, 0) == 1; while (recv(good, &byte, 1, MSG_DONTWAIT) == 1); }
        stop = 1; pthread_join(thread, NULL); errno = 13; through(seen)"#;
    let port = {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback");
        socket.local_addr().expect("an address").port()
    };
    let code = code.replace("DENIED", &port.to_string());
    lost(
        || run(&code),
        |_| json!({ "network": { "effect": "prevent", "outbound": { "deny": [format!("127.0.0.1:{port}")] } } }),
    );
}

#[test]
fn a_name_that_is_not_ascii() {
    // With AI_IDN libc asks for what libidn2 makes of it: FULLWIDTH LATIN SMALL LETTER L is an `l` (UTS 46).
    let code = r#"if (!setlocale(LC_ALL, "C.UTF-8")) abort(); struct addrinfo *found, hints = {.ai_flags = AI_IDN};
        int error = ASK; errno = 13; through(error == 0)"#;
    for ask in [
        r#"getaddrinfo("\uff4cocalhost", NULL, &hints, &found)"#,
        r#"({ struct gaicb one = {.ar_name = "\uff4cocalhost", .ar_request = &hints}, *all[] = {&one}; int e = getaddrinfo_a(GAI_WAIT, all, 1, NULL); (void)found; e ? e : gai_error(&one); })"#,
    ] {
        let audit = refused(
            || run(&code.replace("ASK", ask)),
            |_| names(),
            EACCES,
            "malformed-question",
        );
        assert_eq!(audit.domain.as_deref(), Some("\u{ff4c}ocalhost"));
    }
    // Without that flag it is asked for as it is, and judged so.
    let code = code
        .replace("AI_IDN", "0")
        .replace("error == 0", "error != EAI_FAIL");
    let code = code.replace(
        "ASK",
        r#"getaddrinfo("\uff4cocalhost", NULL, &hints, &found)"#,
    );
    assert_eq!(
        passed(|| run(&code).under(["unshare", "-n"]), |_| names()).len(),
        0
    );
}

/// Code of a program in a network of its own, of which the loopback is up.
const ALONE: &str = r#"int s = socket(AF_INET, SOCK_DGRAM, 0); struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (unshare(CLONE_NEWNET)) abort(); s = socket(AF_INET, SOCK_DGRAM, 0); if (ioctl(s, SIOCSIFFLAGS, &up)) abort();"#;

#[test]
fn an_address_of_ipv4_in_the_old_form_of_ipv6() {
    // RFC 4291 §2.5.5.1: `::127.0.0.1` was for tunnels, and Linux leads it to no host of IPv4. The form with `ffff`, which it does lead there,
    // is refused like the address itself.
    let code = |form: &str| {
        format!(
            r#"{ALONE} struct sockaddr_in at = loopback(9); int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET6, SOCK_STREAM, 0);
            if (raw(SYS_bind, l, &at, sizeof at) || raw(SYS_listen, l, 5)) abort();
            struct sockaddr_in6 to = {{AF_INET6, htons(9)}}; inet_pton(AF_INET6, "{form}127.0.0.1", &to.sin6_addr);
            through(connect(c, (void *)&to, sizeof to) == 0)"#
        )
    };
    let rules = |_: &Run| json!({ "network": { "effect": "prevent", "outbound": { "deny": ["127.0.0.1"] } } });
    refused(
        || run(&code("::ffff:")),
        rules,
        EACCES,
        "denied-destination",
    );
    // ENETUNREACH as a rule, with us or without.
    let natural = run(&code("::")).without_library().go();
    assert!(
        natural.text().starts_with("stopped "),
        "{}",
        natural.story()
    );
    let outcome = with(|| run(&code("::")), rules);
    assert_eq!(outcome.text(), natural.text(), "{}", outcome.story());
    assert_eq!(outcome.audits().len(), 0, "{}", outcome.story());
}

#[test]
fn a_raw_socket_whose_packets_the_kernel_addresses() {
    for (socket, to, call) in [
        (
            "socket(AF_INET, SOCK_RAW, 253)",
            "struct sockaddr_in to = loopback(0)",
            "sendto(c, \"xxxxxxxx\", 8, 0, (void *)&to, sizeof to) == 8",
        ),
        (
            "socket(AF_INET, SOCK_RAW, 253)",
            "struct sockaddr_in to = loopback(0)",
            "connect(c, (void *)&to, sizeof to) == 0",
        ),
        (
            "socket(AF_INET6, SOCK_RAW, 253)",
            "struct sockaddr_in6 to = {AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}",
            "sendto(c, \"xxxxxxxx\", 8, 0, (void *)&to, sizeof to) == 8",
        ),
        (
            "socket(AF_INET6, SOCK_RAW, 253)",
            "struct sockaddr_in6 to = {AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}",
            "connect(c, (void *)&to, sizeof to) == 0",
        ),
    ] {
        let code = format!("{ALONE} int c = {socket}; {to}; through({call})");
        refused(
            || run(&code),
            |_| json!({ "network": { "effect": "prevent", "outbound": { "allow": ["192.0.2.1"], "loopback": false } } }),
            EACCES,
            "unlisted-destination",
        );
    }
}

#[test]
fn any_address_in_place_of_loopback() {
    // Linux connects to 127.0.0.1 and ::1 where "any address" is asked for.
    for (family, any) in [
        ("AF_INET", "struct sockaddr_in any = {AF_INET, htons(PORT)}"),
        (
            "AF_INET6",
            "struct sockaddr_in6 any = {AF_INET6, htons(PORT)}",
        ),
    ] {
        let peer = std::net::TcpListener::bind("[::]:0").expect("loopback");
        let port = peer.local_addr().expect("an address").port();
        let any = any.replace("PORT", &port.to_string());
        let code = format!(
            "{any}; through(connect(socket({family}, SOCK_STREAM, 0), (void *)&any, sizeof any) == 0)"
        );
        refused(
            || run(&code),
            |_| json!({ "network": { "effect": "prevent", "outbound": { "allow": ["192.0.2.1"], "loopback": false } } }),
            EACCES,
            "unlisted-destination",
        );
        assert_eq!(
            passed(
                || run(&code),
                |_| json!({ "network": { "effect": "prevent", "outbound": { "allow": ["192.0.2.1"] } } }),
            )
            .len(),
            0
        );
    }
}

#[test]
fn a_name_in_other_words() {
    // An escape of a zone file, and a domain to search (resolver(5)).
    for (before, name) in [
        ("", r"\\100enied.test"),
        (r#"putenv("LOCALDOMAIN=test"); "#, "denied"),
    ] {
        let code = format!(
            r#"{before}struct addrinfo *found; int error = getaddrinfo("{name}", NULL, NULL, &found); errno = 13; through(error != EAI_FAIL)"#
        );
        refused(
            || run(&code).under(["unshare", "-n"]),
            |_| names(),
            EACCES,
            "denied-domain",
        );
    }
}

#[test]
fn the_name_of_a_network() {
    // getnetbyname(3) asks a name server, too: wherever nsswitch.conf(5) says nothing else of networks.
    const PREPARE: &str = "mount --bind resolv.conf /etc/resolv.conf && mount --bind nsswitch.conf /etc/nsswitch.conf && exec \"$@\"";
    for call in [
        r#"getnetbyname("denied.test")"#,
        r#"getnetbyname_r("denied.test", &network, room, sizeof room, &found, &why)"#,
    ] {
        let code = format!(
            r#"struct ifreq up = {{.ifr_name = "lo", .ifr_flags = IFF_UP}}; int l = socket(AF_INET, SOCK_DGRAM, 0); struct sockaddr_in at = loopback(53);
            if (ioctl(l, SIOCSIFFLAGS, &up) || raw(SYS_bind, l, &at, sizeof at)) abort();
            char room[999], seen[999]; struct netent network, *found; int why; (void)room, (void)network, (void)found, (void)why;
            {call}; int asked = recv(l, seen, sizeof seen, MSG_DONTWAIT) == QUESTION_SIZE && memcmp(seen + 12, question + 12, 13) == 0; errno = 13; through(asked)"#
        );
        let made = || {
            run(&code)
                .file(
                    "resolv.conf",
                    "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
                )
                .file("nsswitch.conf", "hosts: files\n")
                .under(["unshare", "--net", "--mount", "sh", "-c", PREPARE, "sh"])
        };
        refused(made, |_| names(), EACCES, "denied-domain");
    }
}

#[test]
fn a_question_behind_another_on_a_stream() {
    let code = r#"struct sockaddr_in to = {AF_INET, htons(53), {htonl(0x7f500001)}}; int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
        setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        for (int i = 0; i < 200 && bind(l, (void *)&to, sizeof to); i++) to.sin_addr.s_addr = htonl(0x7f500002 + i);
        listen(l, 5); if (connect(s, (void *)&to, sizeof to)) abort();
        char two[64] = "\0\x1d"; memcpy(two + 2, question, QUESTION_SIZE); memcpy(two + 9, "\0\0\0\0\0\0\6public", 13); memcpy(two + 31, "\0\x1d", 2);
        memcpy(two + 33, question, QUESTION_SIZE); through(write(s, two, 62) == 62)"#;
    refused(|| run(code), |_| names(), EACCES, "denied-domain");
}

#[test]
fn a_question_on_a_stream_in_pieces_that_could_be_lengths() {
    // Each piece alone is no more than two bytes, as a length is that comes before its message.
    for size in [1, 2] {
        let code = format!(
            r#"struct sockaddr_in to = {{AF_INET, htons(53), {{htonl(0x7f510001)}}}}; int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
            setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
            for (int i = 0; i < 200 && bind(l, (void *)&to, sizeof to); i++) to.sin_addr.s_addr = htonl(0x7f510002 + i);
            listen(l, 5); if (connect(s, (void *)&to, sizeof to)) abort();
            char all[64] = "\0\x1d"; memcpy(all + 2, question, QUESTION_SIZE); int done = 0;
            for (int i = 0; i < QUESTION_SIZE + 2; i += {size}) {{ int n = QUESTION_SIZE + 2 - i < {size} ? QUESTION_SIZE + 2 - i : {size}; if (send(s, all + i, n, 0) != n) break; done += n; }}
            through(done == QUESTION_SIZE + 2)"#
        );
        refused(|| run(&code), |_| names(), EACCES, "malformed-question");
    }
}

/// A program whose names are resolved by a module that does `act` for each, and which then does `code`. There is no service on port 9.
fn resolved_by(act: &str, code: &str) -> Run {
    const PREPARE: &str = "ln -s \"$0\" libnss_mine.so.2 && mount --bind nsswitch.conf /etc/nsswitch.conf && exec \"$@\"";
    let module = compile(
        &format!(
            r#"#include <arpa/inet.h>
            #include <signal.h>
            #include <sys/socket.h>
            int done = -1;
            int _nss_mine_gethostbyname4_r(void) {{ struct sockaddr_in to = {{AF_INET, htons(9), {{htonl(INADDR_LOOPBACK)}}}}; (void)to; {act}; return 0; }}"#
        ),
        &["-shared", "-fPIC", "-Wl,-soname,libnss_mine.so.2"],
    );
    let code = format!(
        r#"static sigjmp_buf back; static struct sockaddr_in to; static int s, done = -1; static struct addrinfo *found; to = loopback(9); s = socket(AF_INET, SOCK_DGRAM, 0);
        void *module = dlopen("./libnss_mine.so.2", RTLD_NOW); (void)module; (void)back; (void)done; {code}"#
    );
    let module = module.display().to_string();
    run(&code)
        .file("nsswitch.conf", "hosts: mine\n")
        .under(["unshare", "--mount", "sh", "-c", PREPARE, &module])
}

#[test]
fn a_connection_after_a_jump_out_of_the_resolver() {
    let sections = |_: &Run| json!({ "network": { "effect": "prevent", "outbound": { "deny": ["127.0.0.1"] } } });
    const RESOLVE: &str = r#"getaddrinfo("other.test", NULL, NULL, &found)"#;
    for code in [
        // What a signal's handler ends by siglongjmp(3) never comes back to its hook: timeouts of old are made so.
        format!(
            r#"void jump(int signal) {{ siglongjmp(back, signal); }} signal(SIGUSR1, jump);
            if (sigsetjmp(back, 1) == 0) {{ {RESOLVE}; abort(); }} through(connect(s, (void *)&to, sizeof to) == 0)"#
        ),
        // The handler itself connects, in the midst of the resolver.
        format!(
            r#"void handle(int signal) {{ done = connect(s, (void *)&to, sizeof to); }} signal(SIGUSR1, handle); {RESOLVE}; through(done == 0)"#
        ),
    ] {
        refused(
            || resolved_by("raise(SIGUSR1)", &code),
            sections,
            EACCES,
            "denied-destination",
        );
    }
    // Of the resolver's own modules nothing is said.
    let passes = || {
        resolved_by(
            "done = connect(socket(AF_INET, SOCK_DGRAM, 0), (void *)&to, sizeof to)",
            &format!(r#"{RESOLVE}; through(*(int *)dlsym(module, "done") == 0)"#),
        )
    };
    assert_eq!(passed(passes, sections).len(), 0);
}

#[test]
fn a_message_that_is_put_together_in_an_unusual_way() {
    // The kernel takes the first 128 bytes of an address that is longer (copy_msghdr of net/socket.c), and a message may have no bytes at all.
    for message in [
        "{&there, sizeof there, &x, 1}",
        "{&there, sizeof there.in, NULL, 0}",
    ] {
        for send in [
            "sendmsg(s, &message, 0) >= 0",
            "sendmmsg(s, &(struct mmsghdr){message, 0}, 1, 0) == 1",
        ] {
            let code = format!(
                r#"union {{ struct sockaddr_in in; char room[200]; }} there = {{loopback(9)}}; struct iovec x = {{"x", 1}}; (void)x;
                struct msghdr message = {message}; int s = socket(AF_INET, SOCK_DGRAM, 0); through({send})"#
            );
            refused(
                || run(&code),
                |_| json!({ "network": { "effect": "prevent", "outbound": { "deny": ["127.0.0.1:9"] } } }),
                EACCES,
                "denied-destination",
            );
        }
    }
}

#[test]
fn a_question_in_front_of_memory_that_cannot_be_read() {
    // The kernel sends of a stream what comes before the page that is not there.
    let code = r#"enum { ROOM = 1 << 20 }; char *room = mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(room + ROOM, 4096, PROT_NONE); room[1] = QUESTION_SIZE; memcpy(room + 2, question, QUESTION_SIZE);
        int door = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0); struct sockaddr_in here = loopback(53);
        if (raw(SYS_bind, door, &here, sizeof here) || raw(SYS_listen, door, 1)) abort();
        if (connect(s, (void *)&here, sizeof here)) abort();
        through(write(s, room, ROOM + 4096) > 0)"#;
    let make = || {
        run(code).under([
            "unshare",
            "--net",
            "sh",
            "-c",
            r#"ip link set lo up && exec "$@""#,
            "sh",
        ])
    };
    refused(make, |_| names(), EACCES, "malformed-question");
}
