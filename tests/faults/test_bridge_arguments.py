#!/usr/bin/python3
"""What clients send never becomes another word of a command, an option, or a line of a worker's input."""

import http.client
import json
import urllib.parse

import harness
from bridge import Bridge

SHOW = "import json, sys; print(json.dumps({'argv': sys.argv[1:]}))"
WORKER = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    if "argv" in request:
        print(json.dumps({"id": request["id"], "record": {"argv": request["argv"], "keys": sorted(request)}}))
        print(json.dumps({"id": request["id"], "end": True, "status": 0}), flush=True)
"""
COMMAND = ["/usr/bin/python3", "-c", SHOW]
TEXTS = ["a b", " ", ";reboot", "$(touch x)", "`touch x`", "| cat /etc/passwd", "&& id", "*", "~", "${HOME}", "{word}", "'", '"', "\\", "%0a",
         "a\u00a0b", "ü€𝄞", '{"id":"1","cancel":true}', "--word=x", "x --other", "x" * 60000]
PROFILE = {
    "workers": {"w": {"command": ["/usr/bin/python3", "-c", WORKER]}},
    "routes": [{"path": "/after/{word}", "command": [*COMMAND, "--", "{word}", "last"], "params": {"word": {}}, "access": "open"},
               {"path": "/named", "command": [*COMMAND, "--word={word}", "last"], "params": {"word": {}}, "access": "open"},
               {"path": "/worker", "worker": "w", "argv": ["--word={word}", "--", "{word}"], "params": {"word": {}}, "access": "open"},
               {"method": "POST", "path": "/body", "worker": "w", "argv": ["--", "{word}"], "params": {"word": {}}, "access": "open"}],
}


class Arguments(harness.TestCase):
    def post(self, bridge, value):
        connection = http.client.HTTPConnection("127.0.0.1", bridge.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("POST", "/body", json.dumps(value), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())

    def test_texts_stay_one_word(self):
        bridge = Bridge(self, PROFILE)
        for text in TEXTS:
            query = urllib.parse.urlencode({"word": text})
            with self.subTest(text=text[:80]):
                if "/" not in text and len(text) < 10_000:  # a path has no slash inside a segment, and a head its limit
                    answer = bridge.ask("/after/" + urllib.parse.quote(text, safe=""))
                    expected = {"argv": ["--", text, "last"]}
                    self.assertEqual(answer[2], [expected] if answer[0] == 200 else answer[2])
                    self.assertEqual(answer[0], 404 if "\\" in text else 200, answer)
                self.assertEqual(self.post(bridge, {"word": text}), [{"argv": ["--", text], "keys": ["argv", "id"]}])
                if len(query) < 10_000:
                    self.assertEqual(bridge.ask(f"/named?{query}")[2], [{"argv": [f"--word={text}", "last"]}])
                    self.assertEqual(bridge.ask(f"/worker?{query}")[2], [{"argv": [f"--word={text}", "--", text], "keys": ["argv", "id"]}])

    def test_what_is_no_text_is_refused(self):
        bridge = Bridge(self, PROFILE)
        for text in ("a\nb", "a\rb", "a\0b", "\x1b[2J", "\x7f"):
            for path in ("/named?", "/worker?"):
                with self.subTest(path=path, text=text):
                    self.assertEqual(bridge.ask(path + urllib.parse.urlencode({"word": text}))[0], 400)
        for query in ("word=%ff", "word=%", "word=%0", "other=1", "word=1&word=2", "word=" + "x" * 70_000):
            with self.subTest(query=query[:40]):
                self.assertIn(bridge.ask(f"/worker?{query}")[0], (400, 414))

    def test_a_value_in_front_of_two_dashes_is_no_option(self):
        """Such a template is an error before anything runs."""
        profile = {"routes": [{"path": "/x/{word}", "command": ["ls", "{word}"], "params": {"word": {}}, "access": "open"}]}
        path = self.temp_dir() / "profile.json"
        path.write_text(json.dumps(profile))
        for verb, status in (("check", 1), ("serve", 2)):
            done = self.run_tool("wsbridge", verb, path)
            self.assertEqual(done.status, status, done)
            self.assertRegex(done.messages[0], "could become an option")


if __name__ == "__main__":
    harness.main()
