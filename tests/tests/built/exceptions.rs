//! Functions of libc that look like doors and are not hooked, each with the reason.

/// A reason, and names; one that ends in `*` stands for all that begin so.
type Excuse = (&'static str, &'static [&'static str]);

#[rustfmt::skip]
pub const EXCEPTIONS: &[Excuse] = &[
    ("it works on a descriptor, and what opened that was judged", &[
        "fdopen", "_IO_fdopen", "fdopendir", "ftruncate", "ftruncate64", "fgetxattr",
        "flistxattr", "fopencookie", "openpty",
    ]),
    ("it only puts names or memory together", &[
        "mktemp", "__mktemp", "tmpnam", "tmpnam_r", "tempnam", "globfree", "globfree64", "glob_pattern_p", "freeaddrinfo",
        "gethostent*", "sethostent", "endhostent", "getrpcent*", "setrpcent", "endrpcent", "xdr*", "hcreate*", "argz_create*",
        "envz_remove", "bindtextdomain", "bind_textdomain_codeset", "fmemopen", "open_memstream", "open_wmemstream",
        "getutmp*", "res_mkquery", "res_nmkquery", "__res_mkquery", "__res_nmkquery", "res_dnok", "res_hnok", "res_mailok",
        "res_ownok", "__res_dnok", "__res_hnok", "__res_mailok", "__res_ownok", "__res_randomid", "__res_state", "__res_nopt",
        "__libc_res_*", "gai_cancel", "gai_strerror", "re_exec", "regexec", "__gconv_create_spec", "svcerr_*", "_nss_files_*", "__nss_hostname_digits_dots",
        "__netlink_assert_response", "__libc_alloc_buffer*", "_rpc_dtablesize", "getrpcbyn*", "fts_children", "fts64_children",
        "fts_read", "fts64_read", "fts_set", "fts64_set", "fts_close", "fts64_close", "timer_create", "timerfd_create",
        "eventfd_write", "memfd_create", "epoll_create*", "pthread_*", "__pthread_*", "thrd_*", "tss_create", "mtx_*",
        "__nptl_*", "on_exit", "__gconv_get_modules_db", "__res_context_hostalias", "__res_context_mkquery",
        "__res_get_nsaddr",
    ]),
    ("it prepares the resolver or a spawn, and sends or starts nothing", &[
        "__res_init", "__res_maybe_init", "res_init", "__res_ninit", "res_ninit", "__res_nclose", "res_nclose", "__res_iclose", "res_close",
        "posix_spawnattr_*", "posix_spawn_file_actions_*",
    ]),
    ("glibc exports it for its own libraries, which are linked to it; whoever looks it up gets a hook (shim/src/stubs.rs)", &[
        "__libc_dlsym", "__libc_dlvsym", "__libc_dlopen_mode", "__nss_files_fopen", "__open_nocancel", "__open64_nocancel",
        "__openat_nocancel", "__openat64_nocancel", "__write_nocancel", "__read_nocancel",
    ]),
    ("it runs what is registered, and so do we", &["quick_exit", "__cxa_at_quick_exit"]),
    ("a process that is forked runs no other program", &[
        "fork", "_Fork", "__fork", "vfork", "__vfork", "__libc_fork", "__libc_vfork", "forkpty", "__register_atfork", "pthread_atfork",
    ]),
    ("only the superuser may, and a function is none", &[
        "mount", "umount*", "mount_setattr", "move_mount", "fsopen", "fsmount", "chroot", "acct", "swapon",
        "open_by_handle_at", "setns", "bindresvport", "create_module", "init_module", "delete_module", "query_module", "uselib",
    ]),
    ("a descriptor that nothing can be read by, as of O_PATH: what is opened by way of it is judged", &["open_tree"]),
    ("a look at a file's attributes is not judged", &["getxattr", "lgetxattr", "listxattr", "llistxattr"]),
    ("names within a folder, of which none is opened", &[
        "ftw", "ftw64", "nftw", "nftw64", "fts_open", "fts64_open", "glob", "glob64",
    ]),
    ("a device or a conversion of the system's own, opened by a fixed name or below a fixed folder", &[
        "posix_openpt", "openlog", "iconv_open", "__gconv_open",
        "mq_open", "__mq_open_2", "mq_unlink", "mq_send", "mq_timedsend", "tcsendbreak", "pidfd_send_signal", "logwtmp",
    ]),
    ("a part of stdio that works on a stream which was opened by a function that is hooked", &[
        "_IO_do_write", "_IO_wdo_write", "_IO_file_write", "_IO_fwrite", "fwrite", "fwrite_unlocked", "_IO_link_in", "_IO_un_link",
        "_IO_remove_marker", "_IO_unsave*", "__libc_unwind_link_get",
    ]),
    ("it writes at a place of a file, which no socket has", &[
        "pwrite", "pwrite64", "__pwrite64", "__libc_pwrite", "pwritev", "pwritev64",
    ]),
    ("Sun RPC, for which no program has been built since glibc 2.26", &[
        "clnt*", "callrpc", "registerrpc", "pmap_*", "getrpcport", "__libc_rpc_getport", "__libc_clntudp_bufcreate", "svc*",
        "authdes_*", "authnone_create", "authunix_*", "__rpc_thread_*", "rpc_*", "key_*",
    ]),
    ("it takes what has come for libc's own resolver, of which the results are noted", &["__recv"]),
    ("it works on memory, on a descriptor or on itself", &["vmsplice", "pidfd_open", "__cyg_profile_func_exit"]),
];

/// Doors that are open: see docs/threat-model.md, `a_part_of_libc_that_no_header_names` and the rows of what libc does inside itself.
#[rustfmt::skip]
pub const GAPS: &[Excuse] = &[
    ("libc opens a file by any name inside itself", &[
        "__nss_files_data_open", "_IO_file_open", "_IO_file_fopen",
    ]),
    ("libc reads a catalogue of messages by any name inside itself", &["catopen", "__open_catalog"]),
    ("a part of libc that does what a hooked function does", &[
        "_IO_proc_open", "__res_context_query", "__res_context_search", "__res_context_send", "_nss_dns_*",
    ]),
    ("libc connects inside itself", &["rcmd", "rcmd_af", "rexec", "rexec_af"]),
    ("libc resolves a name inside itself", &["ruserok", "ruserok_af", "iruserok", "iruserok_af"]),
    ("one process works on another: debuggers do, and Lambda lets none", &["ptrace", "process_vm_readv"]),
];
