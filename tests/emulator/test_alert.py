"""The effect `alert`: everything works, and each act is on record once."""

from case import EmulatorTest, policy
from harness.sandbox import HOSTS

ALERTS = policy(
    processes={"effect": "alert", "main_only": True},
    dns={"effect": "alert", "deny": ["evil.example"]},
    network={"effect": "alert", "outbound": {"deny": [HOSTS["evil.example"]]}},
    filesystem={"effect": "alert", "deny": ["/proc/*/environ"]},
)


class AnAlert(EmulatorTest):
    def alerted(self, kind, source, answer):
        """An act that must work and leave one alert of a kind."""
        with self.function({"PALISADE_POLICY": ALERTS}) as function:
            got, (record,) = self.audits_of(function, source)
            self.assertEqual(got.body, answer, got)
            self.assertEqual((record["type"], record["effect"], record["level"]), (kind, "alert", "WARN"))
            return record

    def test_lets_subprocess_run(self):
        source = "import subprocess; answer = subprocess.run(['/bin/echo', 'x'], capture_output=True, text=True).stdout"
        self.alerted("process", source, "x\n")

    def test_lets_os_system(self):
        self.alerted("process", "import os; answer = os.waitstatus_to_exitcode(os.system('exit 9'))", 9)

    def test_lets_os_popen(self):
        self.alerted("process", "import os; answer = os.popen('echo x').read()", "x\n")

    def test_lets_os_posix_spawn(self):
        source = "import os; answer = os.waitpid(os.posix_spawn('/bin/true', ['true'], os.environ), 0)[1]"
        self.alerted("process", source, 0)

    def test_lets_a_file_be_read(self):
        source = "answer = 'AWS_SECRET_ACCESS_KEY' in open('/proc/self/environ').read()"
        self.assertEqual(self.alerted("filesystem", source, True)["access"], "read")

    def test_lets_a_name_be_resolved(self):
        self.needs_real_paths()
        source = "import socket; answer = socket.gethostbyname_ex and socket.getaddrinfo('evil.example', 80)[0][4][0]"
        self.assertEqual(self.alerted("dns", source, HOSTS["evil.example"])["domain"], "evil.example")

    def test_lets_a_connection_be_made(self):
        self.needs_real_paths()
        address = HOSTS["evil.example"]
        source = f"import socket; answer = socket.create_connection(('{address}', 80)).getpeername()[0]"
        record = self.alerted("network", source, address)
        self.assertEqual((record["ip"], record["port"]), (address, 80))
