//! The built-in default policy, as a Python function meets it.

use palisade_tests::{Run, tool};

/// The interpreter itself, not a script that starts it.
fn python() -> String {
    let found = Run::new(tool("python3"))
        .args(["-c", "import sys; print(sys.executable)"])
        .without_library()
        .go();
    assert_eq!(found.code(), 0, "python3: {}", found.story());
    found.text().trim().to_owned()
}

/// Runs `code` with no policy configured; what it prints, and how many audit lines there are.
fn by_default(code: &str) -> (String, usize) {
    let ours = Run::new(python()).args(["-c", code]).wrapped().go();
    assert_eq!(ours.code(), 0, "{}", ours.story());
    for audit in ours.audits() {
        assert_eq!(
            (&*audit.attack, audit.effect.as_deref()),
            ("unexpected-process", Some("prevent"))
        );
    }
    (ours.text(), ours.audits().len())
}

fn refused(code: &str, said: &str) {
    let natural = Run::new(python()).args(["-c", code]).without_library().go();
    assert!(
        natural.text().contains("ran"),
        "the control: {}",
        natural.story()
    );
    assert_eq!(by_default(code), (said.to_owned(), 1));
}

#[test]
fn subprocess_run_raises_permission_error() {
    refused(
        "import subprocess\ntry: subprocess.run(['echo', 'ran'])\nexcept PermissionError as e: print('PermissionError', e.errno)",
        "PermissionError 13\n",
    );
}

#[test]
fn subprocess_run_in_a_shell_raises_permission_error() {
    refused(
        "import subprocess\ntry: subprocess.run('echo ran', shell=True)\nexcept PermissionError as e: print('PermissionError', e.errno)",
        "PermissionError 13\n",
    );
}

#[test]
fn subprocess_run_without_vfork_raises_permission_error() {
    refused(
        "import subprocess\nsubprocess._USE_VFORK = False\nsubprocess._USE_POSIX_SPAWN = False\ntry: subprocess.run(['echo', 'ran'], close_fds=True)\nexcept PermissionError as e: print('PermissionError', e.errno)",
        "PermissionError 13\n",
    );
}

#[test]
fn os_system_gives_127() {
    refused(
        "import os\nprint(os.waitstatus_to_exitcode(os.system('echo ran')), flush=True)",
        "127\n",
    );
}

#[test]
fn os_popen_gives_nothing() {
    refused(
        "import os\ntry: print(os.popen('echo ran').read())\nexcept PermissionError as e: print('PermissionError', e.errno)",
        "PermissionError 13\n",
    );
}

#[test]
fn os_posix_spawn_raises_permission_error() {
    refused(
        "import os\ntry: os.waitpid(os.posix_spawn('/bin/echo', ['echo', 'ran'], os.environ), 0)\nexcept PermissionError as e: print('PermissionError', e.errno)",
        "PermissionError 13\n",
    );
}

#[test]
fn os_execv_in_a_forked_child_raises_permission_error() {
    refused(
        "import os\nif os.fork() == 0:\n  try: os.execv('/bin/echo', ['echo', 'ran'])\n  except PermissionError as e: print('PermissionError', e.errno, flush=True)\n  os._exit(0)\nos.wait()",
        "PermissionError 13\n",
    );
}

#[test]
fn os_execvp_in_the_main_process_raises_permission_error() {
    refused(
        "import os\ntry: os.execvp('echo', ['echo', 'ran'])\nexcept PermissionError as e: print('PermissionError', e.errno)",
        "PermissionError 13\n",
    );
}

#[test]
fn a_program_behind_an_attacker_s_words_raises_permission_error() {
    refused(
        "import subprocess\nname = '/dev/null; echo ran'\ntry: print(subprocess.check_output(f'cat {name}', shell=True).decode())\nexcept PermissionError as e: print('PermissionError', e.errno)",
        "PermissionError 13\n",
    );
}

#[test]
fn os_fork_without_exec_works() {
    let code = "import os\nif os.fork() == 0:\n  print('child', flush=True)\n  os._exit(3)\nprint(os.waitstatus_to_exitcode(os.wait()[1]))";
    assert_eq!(by_default(code), ("child\n3\n".to_owned(), 0));
}

#[test]
fn multiprocessing_by_fork_works() {
    let code = "import multiprocessing as m\nc = m.get_context('fork')\nq = c.Queue()\np = c.Process(target=q.put, args=(7,))\np.start(); print(q.get()); p.join()";
    assert_eq!(by_default(code), ("7\n".to_owned(), 0));
}

#[test]
fn an_honest_program_answers_as_before() {
    let code = "import socket, tempfile, threading\ns = socket.create_server(('127.0.0.1', 0))\n\
        t = threading.Thread(target=lambda: s.accept()[0].sendall(b'hello')); t.start()\n\
        print(socket.create_connection(s.getsockname()).recv(9), tempfile.TemporaryFile().fileno() > 2, socket.gethostbyname('localhost'))";
    let natural = Run::new(python()).args(["-c", code]).without_library().go();
    assert_eq!(by_default(code), (natural.text(), 0));
}
