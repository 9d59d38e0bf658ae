#!/usr/bin/python3
"""Packet detail against Wireshark's own: key, value, offset and length of every field that we show."""

import collections
import concurrent.futures
import json
import os
import random
import re
import shutil
import subprocess
import xml.etree.ElementTree

import harness
from sharkd import PREFERENCES

PROGRAM = harness.BIN.parent / "tests" / "describe_packets"

# Keys that we give on purpose another text than this Wireshark does, each for a reason.
OTHERWISE = {
    "ieee8021ah.etype": "we say where it stands",
    "quic.fixed_bit": "of Retry packets too",
    "tcp.flags.res": "a number of three bits",
    "wlan.ssid": "text, not bytes",
    "ntp.precision": "a signed number (RFC 5905, section 7.3)",
    "ntp.reftime": "times are RFC 3339", "ntp.org": "times are RFC 3339", "ntp.rec": "times are RFC 3339", "ntp.xmt": "times are RFC 3339",
}
# Values that Wireshark replaces by what it makes of them: "<Root>", the length that the frame has, 30 seconds in the other byte order.
ALSO = {("dns.resp.name", "."), ("dns.qry.name", "."), ("ip.len", "0"), ("dhcp.secs", "7680")}
# Captures built so that readers disagree about lines of HTTP, and one whose TCP header ends in another fragment.
STRANGE = re.compile("http-evader|detect-pcre-04|bug-6887")
EXPERT_ERROR = "8388608"  # the severity of what Wireshark holds to be wrong; it then shows what it assumes in its place
ESCAPED = re.compile(r"\\|[^ -~]")  # text from the wire, which each writes in its own way


def unfinished(layer):
    """Where the TLS record begins whose end is in another packet: Wireshark shows nothing of it."""
    fields = layer["fields"]
    for index, (key, value, offset, _) in enumerate(fields):
        if key == "tls.record.length" and offset + 2 + int(value) > layer["offset"] + layer["length"]:
            return fields[index - 2][2]
    return float("inf")


def left_out(layer, key, value, offset, length):
    if length == 0 or key in OTHERWISE or ESCAPED.search(value) or offset >= layer["unfinished"]:
        return True
    # Wireshark remembers the version of the connection: in TLS 1.3 the type outside is not that of the content.
    if key == "tls.record.content_type" and value == "23":
        return True
    return (key, value) in ALSO


class Detail(harness.TestCase):
    CAPTURES = 90
    PACKETS = 60

    def setUp(self):
        if shutil.which("tshark") is None:
            self.missing("no tshark (apt-get install tshark)")
        if not PROGRAM.exists():
            self.missing(f"no {PROGRAM.name} beside the tests")
        self.home = self.temp_dir()

    def captures(self):
        """Of each kind some, none too large, the same ones each time."""
        found = sorted(path for path in (self.data() / "pcaps").rglob("*") if path.is_file() and path.stat().st_size < 300_000 and not STRANGE.search(str(path)))
        random.Random(7).shuffle(found)
        return found[:self.CAPTURES]

    def ours(self, capture):
        done = subprocess.run([PROGRAM, capture, str(self.PACKETS)], capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""), capture)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def theirs(self, capture):
        """The packets as trees; none where Wireshark cannot read the file to the end of the sample."""
        preferences = [part for name in (*PREFERENCES, "tcp.relative_sequence_numbers") for part in ("-o", f"{name}:FALSE")]
        environment = os.environ | {"TZ": "UTC", "HOME": str(self.home), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(["tshark", "-n", "-r", capture, "-c", str(self.PACKETS), *preferences, "-T", "pdml"], capture_output=True,
                              env=environment, timeout=120, check=False)
        try:
            return xml.etree.ElementTree.fromstring(re.sub(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", b"?", done.stdout))
        except xml.etree.ElementTree.ParseError:
            return []

    def compare(self, capture):
        """(pairs compared, those that differ)."""
        pairs, wrong = collections.Counter(), []
        for number, (layers, packet) in enumerate(zip(self.ours(capture), self.theirs(capture)), 1):
            names = {proto.get("name") for proto in packet}
            known = collections.defaultdict(set)
            for field in packet.iter("field"):
                known[field.get("name")].add(((field.get("show") or "").rstrip(), int(field.get("pos") or 0), int(field.get("size") or 0)))
            if names & {"_ws.malformed", "_ws.short"} or any(show == EXPERT_ERROR for show, _, _ in known["_ws.expert.severity"]):
                continue  # each ends where it noticed
            for layer in layers:
                if layer["name"] not in names:
                    continue  # it sees another protocol there
                layer["unfinished"] = unfinished(layer)
                for key, value, offset, length in layer["fields"]:
                    if left_out(layer, key, value, offset, length):
                        continue
                    pairs[key] += 1
                    if (value.rstrip(), offset, length) not in known[key]:
                        wrong.append((str(capture.relative_to(self.data())), number, key, value, offset, length, sorted(known[key])[:3]))
        return pairs, wrong

    def test_the_same_fields(self):
        pairs, wrong = collections.Counter(), []
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for compared, different in pool.map(self.compare, self.captures()):
                pairs += compared
                wrong += different
        print(f"\n{sum(pairs.values())} fields compared, of {len(pairs)} keys; {len(wrong)} differ")
        self.assertEqual(wrong, [])
        self.assertGreater(len(pairs), 250)


if __name__ == "__main__":
    harness.main()
