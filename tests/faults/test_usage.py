"""Usage errors: status 2, one line that says what to do, nothing on standard output, nothing read or written."""

import harness

MIXED = harness.ROOT / "tests" / "data" / "mixed.pcap"

NETSNIFF = {
    "no source": [],
    "unknown option": ["-r", MIXED, "--nosuch"],
    "no value": ["-r"],
    "two sources": ["-i", "lo", "-r", MIXED],
    "bad number": ["-r", MIXED, "-c", "ten"],
    "zero packets": ["-r", MIXED, "-c", "0"],
    "huge number": ["-r", MIXED, "-c", "99999999999999999999"],
    "negative number": ["-r", MIXED, "-c", "-1"],
    "bad word": ["-r", MIXED, "--time", "iso"],
    "bad field": ["-r", MIXED, "--fields", "nosuch"],
    "bad filter": ["-r", MIXED, "tcp", "prot", "80"],
    "bad filter by option": ["-r", MIXED, "-f", "port ("],
    "no filter file": ["-r", MIXED, "-F", "/nonexistent"],
    "two filters": ["-r", MIXED, "-F", "/dev/null", "tcp"],
    "bad address": ["-r", MIXED, "--local", "10.0.0.0/33"],
    "bad duration": ["-r", MIXED, "--duration", "5 parsecs"],
    "hex without table": ["-r", MIXED, "-x"],
    "rotation without file": ["-r", MIXED, "-C", "1"],
    "rotated standard output": ["-r", MIXED, "-w", "-", "-C", "1"],
    "mixed standard output": ["-r", MIXED, "-w", "-", "--print"],
    "table with meta": ["-r", MIXED, "-t", "--meta"],
    "replay of an interface": ["-i", "lo", "--replay", "1x"],
    "drops of a file": ["-r", MIXED, "--on-slow", "drop"],
    "bad schema": ["--schema=xml"],
    "no configuration": ["-r", MIXED, "--config", "/nonexistent"],
    "no log file": ["-r", MIXED, "--log-file", "/nonexistent/x"],
}

NETWINDOW = {
    "unknown option": ["--nosuch"],
    "argument": ["file.ndjson"],
    "no value": ["--window"],
    "bad window": ["--window", "soon"],
    "bad top": ["--top", "ten"],
    "no window": ["--window", "0"],
    "too long a window": ["--window", "100000d"],
    "too long a wait": ["--lateness", "100000d"],
    "bad sort": ["--sort", "nosuch"],
    "table of whole windows": ["-t", "--whole"],
    "no keys": ["--max-keys", "0"],
    "bad prefix": ["--by", "src_ip/129"],
}


class Usage(harness.TestCase):
    def check(self, tool, cases):
        for name, args in cases.items():
            with self.subTest(name):
                result = self.run_tool(tool, *args, stdin=b'{"type":"packet"}\n')
                self.assert_fails(result, rf"^{tool}: .*\w.*", status=2)
                self.assertEqual(result.out, b"")

    def test_netsniff(self):
        self.check("netsniff", NETSNIFF)

    def test_netwindow(self):
        self.check("netwindow", NETWINDOW)

    def test_nothing_is_written(self):
        """A file that is there stays as it is."""
        target = self.temp_dir() / "kept"
        target.write_bytes(b"kept")
        self.assertEqual(self.run_tool("netsniff", "-r", MIXED, "-w", target, "port (").status, 2)
        self.assertEqual(self.run_tool("netsniff", "-r", MIXED, "-w", target, "--fields", "nosuch").status, 2)
        self.assertEqual(target.read_bytes(), b"kept")

    def test_environment(self):
        result = self.run_tool("netsniff", "-r", MIXED, env={"WIRELINE_TIME": "never"})
        self.assert_fails(result, "never", status=2)


if __name__ == "__main__":
    harness.main()
