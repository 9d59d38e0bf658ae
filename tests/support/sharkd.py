"""Wireshark's engine as a server: which frames of a capture a display filter selects, without a process per filter."""

import json
import os
import shutil
import subprocess

# Packets are looked at one by one, as we do.
PREFERENCES = ("tcp.desegment_tcp_streams", "ip.defragment", "ipv6.defragment", "tls.desegment_ssl_records", "http.desegment_body",
               "http.desegment_headers", "dns.desegment_dns_messages")


class Sharkd:
    def __init__(self, home):
        environment = os.environ | {"TZ": "UTC", "HOME": str(home), "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen(["sharkd", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, errors="replace", env=environment)
        self.number = 0
        for name in PREFERENCES:
            self.call("setconf", name=name, value="FALSE")

    @staticmethod
    def there():
        return shutil.which("sharkd") is not None

    def call(self, method, **parameters):
        """The result; ValueError with what it says when it refuses."""
        self.number += 1
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": parameters}) + "\n")
        self.process.stdin.flush()
        while line := self.process.stdout.readline():
            answer = json.loads(line) if line.startswith("{") else {}
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise ValueError(answer["error"]["message"])
                return answer["result"]
        raise EOFError("sharkd ended")

    def load(self, path):
        self.call("load", file=str(path))

    def refuses(self, text):
        """Why it does not take the filter; empty: it does."""
        try:
            self.call("check", filter=text)
        except ValueError as problem:
            return str(problem) or "refused"
        return ""

    def frames(self, text=""):
        return {row["num"] for row in self.call("frames", **({"filter": text} if text else {}))}

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)
