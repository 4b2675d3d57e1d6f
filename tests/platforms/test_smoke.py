"""The smoke program in every place: each refusal is the one that the contract names, and what is not refused is what it is without the library."""

import unittest

from places import PLACES, Musl

POLICY = {
    "version": 1,
    "rules": [
        {
            "name": "smoke",
            "processes": {"effect": "prevent", "allow": ["/srv/smoke"]},
            "network": {"effect": "prevent", "outbound": {"allow": ["192.0.2.1:80"]}, "listen": {"allow": ["8080"]}},
            "dns": {"effect": "prevent", "allow": ["carrier.example"]},
            "filesystem": {"effect": "prevent", "deny": ["/tmp/denied"]},
        }
    ],
}
ALERT = {"version": 1, "rules": [{"name": "smoke", "filesystem": {"effect": "alert", "deny": ["/tmp/some*"]}}]}
CARRIER = {"version": 1, "rules": [{"name": "smoke", "dns": {"effect": "prevent", "allow": ["carrier"]}}]}
OFF = {"version": 1, "rules": [{"name": "smoke"}]}
DENIED = "echo secret >/tmp/denied"
FIFTY_FILES = "i=0; while [ $i -lt 50 ]; do i=$((i+1)); : >/tmp/some$i; done"

EACCES = "Permission denied"
REFUSED = {
    **dict.fromkeys(["execl-of-1", "execl-of-8", "execle-of-12", "execlp", "execv", "execve", "execvp", "execvpe"], "13"),
    **dict.fromkeys(["vfork-execve", "fexecve", "syscall-execve", "syscall-execveat", "posix_spawn", "posix_spawnp"], "13"),
    **{"system": "127", "popen": EACCES},
    **dict.fromkeys(["connect", "sendto", "sendmsg", "syscall-connect", "syscall-sendto", "bind"], EACCES),
    **{"getaddrinfo": "EAI_FAIL", "gethostbyname": "NO_RECOVERY"},
    **dict.fromkeys(["open", "openat", "syscall-openat", "fopen", "unlink", "rename"], EACCES),
    **dict.fromkeys(["dlsym-of-libc", "dlvsym-of-libc", "dlsym-default"], EACCES),
    **{"dlmopen": "refused", "syscall-io_uring_setup": "Function not implemented"},
}
PRIVATE = [f"__libc_{name}{where}" for name in ("dlsym", "dlvsym", "dlopen_mode") for where in ("", "-default")]
UNTOUCHED = {
    **{"errno-at-start": "0", "open-allowed": "2", "open-creates": "2", "openat-creates": "2"},
    **{"syscall-of-6": "six", "syscall-of-6-result": "4", "syscall-of-6-pointers": "1", "syscall-fails": "Bad file descriptor"},
    **{"dlsym-other": "same", "dlsym-nothing": "none", "dlopen-deepbind": "opened"},
}


class Smoke:
    """The tests of one place; the classes below are made of it."""

    place = None

    def acts(self, **options):
        outcome = self.place.run("/srv/smoke", "acts", "/tmp/denied", "/bin/dash", script=DENIED, **options)
        self.assertEqual(outcome.code, 0, outcome)
        return dict(line.split(" ", 1) for line in outcome.lines if " " in line), outcome

    def test_refuses_what_the_policy_refuses_and_nothing_else(self):
        results, outcome = self.acts(policy=POLICY)
        private = self.private()
        self.assertEqual(results, {**REFUSED, **private, **UNTOUCHED})
        self.assertEqual(outcome.said, "")
        # Each but io_uring, which is answered as by a kernel without it.
        refused = len(REFUSED) - 1 + list(private.values()).count(EACCES)
        self.assertEqual(len(outcome.audits), refused, outcome.audits)
        self.assertEqual({record["effect"] for record in outcome.audits}, {"prevent"})

    def private(self):
        """What becomes of the look-ups that glibc before 2.34 has for its own libraries."""
        release = int(self.place.glibc[2:]) if self.place.glibc.startswith("2.") else 99
        since = {"__libc_dlsym": 17, "__libc_dlvsym": 27, "__libc_dlopen_mode": 17}
        return {name: EACCES if since[name.removesuffix("-default")] <= release < 34 else "absent" for name in PRIVATE}

    def test_without_the_library_the_same_acts_succeed(self):
        results, outcome = self.acts(library=False)
        private = self.private()
        self.assertEqual({name for name in PRIVATE if results[name] == "absent"}, {name for name in PRIVATE if private[name] == "absent"})
        self.assertEqual({name for name in PRIVATE if results[name] == EACCES}, set())
        self.assertEqual({name: results[name] for name in UNTOUCHED}, UNTOUCHED)
        still = {name for name in REFUSED if results[name] == REFUSED[name]} - {"syscall-io_uring_setup"}
        self.assertEqual(still, set())
        self.assertEqual(outcome.audits, [])

    def test_what_the_resolver_makes_of_a_name_that_is_allowed_is_not_judged(self):
        # Before glibc 2.34 its libraries call the functions that are hooked.
        own = {"LOCALDOMAIN": "corp.test"}
        plain = self.place.run("/srv/smoke", "resolves", library=False, environment=own)
        outcome = self.place.run("/srv/smoke", "resolves", policy=CARRIER, environment=own)
        self.assertEqual(plain.lines[1:], ["connect 0", "send 2"])
        self.assertEqual(outcome.lines, [plain.lines[0], "connect 0", f"send {EACCES}"], outcome)
        self.assertEqual([record["domain"] for record in outcome.audits], ["carrier.corp.test"])

    def test_lists_of_arguments_arrive_whatever_their_length(self):
        for function in ("execl", "execle", "execlp"):
            for count, words in ((1, "words"), (8, "smoke words 2 3 4 5 6 7"), (12, "smoke words 2 3 4 5 6 7 8 9 10 11")):
                with self.subTest(function=function, count=count):
                    outcome = self.place.run("/srv/smoke", "exec", function, str(count), policy=POLICY)
                    given = "from-execle" if function == "execle" else "-"
                    self.assertEqual(outcome.lines, [f"{count}: {words} | {given} defended"], outcome)

    def test_alerts_of_four_threads_are_all_written_by_a_thread_of_ours(self):
        words = ["/srv/smoke", "alerts", "50", "/tmp/some"]
        plain = self.place.run(*words, script=FIFTY_FILES, library=False)
        outcome = self.place.run(*words, script=FIFTY_FILES, policy=ALERT)
        self.assertEqual(sum(record.get("count", 1) for record in outcome.audits), 200, outcome)
        self.assertEqual({record["level"] for record in outcome.audits}, {"WARN"})
        threads = [int(each.lines[0].split()[1]) for each in (plain, outcome)]
        self.assertEqual(threads[1], threads[0] + 1, (plain, outcome))

    def test_what_an_older_libc_lacks_stays_dormant(self):
        plain = self.place.run("/srv/smoke", "newer", library=False)
        outcome = self.place.run("/srv/smoke", "newer", policy=OFF)
        self.assertEqual(outcome.code, 0, outcome)
        in_libc = {line.split()[0] for line in plain.lines if " in-libc" in line}
        self.assertEqual({line.split()[0] for line in outcome.lines if " in-libc" in line}, in_libc)
        # An emulator may not know what libc asks of it; then it does not with us, either.
        called = {line for line in plain.lines if line.startswith("pidfd_spawn-called")}
        if "pidfd_spawn" not in in_libc:
            self.assertEqual(called, {"pidfd_spawn-called absent"})
            called = {"pidfd_spawn-called Function not implemented"}
        self.assertEqual({line for line in outcome.lines if line.startswith("pidfd_spawn-called")}, called)

    def test_a_system_call_without_a_function_in_an_older_libc_is_the_kernels(self):
        for policy in (OFF, POLICY, ALERT):
            outcome = self.place.run("/srv/smoke", "newer", policy=policy)
            self.assertIn("syscall-renameat2 0", outcome.lines, outcome)


def load_tests(loader, _tests, _pattern):
    """A class for each place that run.py was told to go to."""
    suite = unittest.TestSuite()
    for place in PLACES:
        if isinstance(place, Musl):
            continue
        name = "Smoke_" + place.name.replace("-", "_").replace(".", "_")
        case = type(name, (Smoke, unittest.TestCase), {"place": place, "__module__": __name__})
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite
