"""Nothing configured but the layer and its wrapper: only the main process may run programs."""

from case import EmulatorTest

FORKED = """
import os
child = os.fork()
if child == 0:
    try:
        {body}
    except PermissionError:
        os._exit(77)
    os._exit(1)
answer = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


class TheBuiltInPolicy(EmulatorTest):
    def refused(self, source, error=None, answer=None, environment=None):
        """An act that must fail as given, with one audit line."""
        with self.function(environment) as function:
            got, (record,) = self.audits_of(function, source)
            if error:
                self.assertIn(error, got.error or "", got)
            else:
                self.assertEqual(got.body, answer, got)
            self.assertEqual((record["type"], record["effect"], record["level"]), ("process", "prevent", "ERROR"))
            self.assertEqual(record["function"], "order-desk")
            self.assertEqual(record["region"], "eu-central-1")
            return record

    def test_refuses_subprocess_run(self):
        record = self.refused("import subprocess; subprocess.run(['/bin/echo', 'x'])", error="PermissionError")
        self.assertIn("/bin/echo", str(record["command"]))

    def test_refuses_subprocess_run_through_a_shell(self):
        self.refused("import subprocess; subprocess.run('echo x', shell=True)", error="PermissionError")

    def test_refuses_subprocess_run_without_vfork(self):
        self.refused(
            "import subprocess; subprocess._USE_VFORK = False; subprocess.run(['/bin/echo', 'x'])",
            error="PermissionError",
        )

    def test_leaves_one_line_for_a_name_that_is_searched_along_path(self):
        self.refused("import subprocess; subprocess.run(['id'])", error="PermissionError")

    def test_refuses_os_system_as_a_shell_that_cannot_be_run(self):
        self.refused(
            "import os; answer = os.waitstatus_to_exitcode(os.system('echo x')) in (126, 127)",
            answer=True,
        )

    def test_refuses_os_popen(self):
        self.refused("import os; os.popen('echo x').read()", error="PermissionError")

    def test_refuses_os_posix_spawn(self):
        self.refused("import os; os.posix_spawn('/bin/true', ['true'], os.environ)", error="PermissionError")

    def test_refuses_os_posix_spawnp(self):
        self.refused("import os; os.posix_spawnp('true', ['true'], os.environ)", error="PermissionError")

    def test_refuses_execv_in_a_forked_child(self):
        self.refused(FORKED.format(body="os.execv('/bin/true', ['true'])"), answer=77)

    def test_refuses_execve_of_the_interpreter_in_a_forked_child(self):
        source = "import sys; os.execve(sys.executable, [sys.executable, '-c', ''], {})"
        self.refused(FORKED.format(body=source), answer=77)

    def test_does_not_let_the_main_process_turn_into_another_program(self):
        self.refused("import os; os.execv('/bin/true', ['true'])", error="PermissionError")

    def test_leaves_fork_without_exec_alone(self):
        with self.function() as function:
            source = FORKED.format(body="os._exit(7)")
            answer, _ = self.audits_of(function, source, wanted=0)
            self.assertEqual(answer.body, 7)

    def test_leaves_files_names_and_connections_alone(self):
        host, url = self.world.sandbox.partner.name, self.world.url(self.world.sandbox.partner)
        source = f"""
import socket, urllib.request
answer = [
    len(open("/proc/self/environ").read()) > 0,
    len(socket.getaddrinfo("{host}", 80)) > 0,
    urllib.request.urlopen("{url}", data=b"x").read().decode(),
]
"""
        with self.function() as function:
            answer, _ = self.audits_of(function, source, wanted=0)
            self.assertEqual(answer.body, [True, True, "thanks"], function.log_text())

    def test_keeps_the_function_usable_after_a_refusal(self):
        with self.function() as function:
            self.audits_of(function, "import os; os.system('x')")
            self.assertEqual(self.does(function, "answer = 6 * 7"), 42)

    def test_writes_hostile_bytes_of_a_megabyte_as_one_good_line(self):
        hostile = "b'\\n{\\x1b[31m\\xff\\x00'.replace(b'\\x00', b'') + b'\"}' + b'A' * 1_000_000"
        self.refused(f"import subprocess; subprocess.run(['/bin/echo', {hostile}])", error="PermissionError")
