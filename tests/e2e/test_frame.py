"""What every tool does alike: --help, --version, --schema, usage errors, configuration, completions."""

import json
import os
import subprocess

import harness

TOOLS = sorted(path.parent.name for path in (harness.ROOT / "tools").glob("*/main.cpp"))
VERB = {"wsbridge": ["serve"], "pcapingest": ["prune"], "pcapquery": ["projects"]}  # a tool with several jobs is told which, before anything else is looked at
VERSION = (harness.ROOT / "CMakeLists.txt").read_text().split("VERSION ")[2].split()[0]


class Frame(harness.TestCase):
    def each(self):
        for tool in TOOLS:
            with self.subTest(tool=tool):
                yield tool

    def test_version(self):
        for tool in self.each():
            result = self.run_tool(tool, "--version")
            self.assert_clean(result)
            self.assertEqual(result.out.decode(), f"{tool} (wireline) {VERSION}\n")

    def test_help_is_for_terminals_of_80_columns(self):
        for tool in self.each():
            result = self.run_tool(tool, "--help")
            self.assert_clean(result)
            lines = result.out.decode().splitlines()
            self.assertTrue(lines[0].startswith(f"{tool}: "))
            self.assertEqual([line for line in lines if len(line) > 80], [])

    def test_a_full_disk_is_a_failure(self):
        for tool in self.each():
            with open("/dev/full", "wb") as full:
                result = self.run_tool(tool, "--help", stdout=full)
            self.assertEqual(result.status, 1)
            self.assertIn("no space left on device", result.messages[0])

    def test_a_closed_standard_output_is_a_failure(self):
        for tool in self.each():
            result = self.shell(f"{tool} --help >&-")
            self.assertEqual(result.status, 1)
            self.assertIn("standard output", result.messages[0])

    def test_a_reader_that_goes_away_is_none(self):
        for tool in self.each():
            reader, writer = os.pipe()
            os.close(reader)
            with open(writer, "wb") as pipe:
                self.assert_clean(self.run_tool(tool, "--schema", stdout=pipe))

    def test_usage_errors_are_one_line_with_the_next_step(self):
        for tool in self.each():
            for wrong in (["--no-such-option"], ["--log-level", "loud"], ["--log-level"], ["--schema=sql"], ["--config", "/nonexistent"]):
                result = self.run_tool(tool, *wrong)
                self.assertEqual((result.status, result.out, len(result.messages)), (2, b"", 1), (wrong, result))
                self.assertRegex(result.messages[0], rf"^{tool}: .*\(.+\)$")

    def test_a_mistyped_option_is_named_with_the_one_that_was_meant(self):
        for tool in self.each():
            result = self.run_tool(tool, "--log-lvel=debug")
            self.assertEqual(result.messages, [f"{tool}: unknown option --log-lvel (did you mean --log-level?)"])

    def test_a_log_file_that_cannot_be_written_is_a_usage_error(self):
        for tool in self.each():
            result = self.run_tool(tool, *VERB.get(tool, []), "--log-file", "/nonexistent/log")
            self.assertEqual(result.status, 2)
            self.assertEqual(result.messages, [f"{tool}: /nonexistent/log: no such file or directory (choose another --log-file)"])

    def test_a_bad_configuration_names_file_and_line(self):
        for tool in self.each():
            home = self.temp_dir()
            (home / "wireline").mkdir()
            path = home / "wireline" / f"{tool}.toml"
            path.write_text("# mine\nlog-level = 'loud'\n")
            result = self.run_tool(tool, env={"XDG_CONFIG_HOME": str(home)})
            self.assertEqual(result.status, 2)
            self.assertTrue(result.messages[0].startswith(f'{tool}: {path}:2: log-level: "loud" is not one of'), result)
            self.assertEqual(self.run_tool(tool, "--version", env={"XDG_CONFIG_HOME": str(home)}).status, 0)

    def test_a_bad_variable_is_named(self):
        for tool in self.each():
            result = self.run_tool(tool, env={"WIRELINE_LOG_LEVEL": "loud"})
            self.assertEqual(result.status, 2)
            self.assertTrue(result.messages[0].startswith(f'{tool}: WIRELINE_LOG_LEVEL: "loud" is not one of'), result)


class Schemas(harness.TestCase):
    def variants(self):
        for tool in TOOLS:
            for variant in json.loads(self.run_tool(tool, "--schema").out)["oneOf"]:
                yield tool, variant

    def test_one_key_has_one_type_in_all_records_of_all_tools(self):
        kinds = {}
        for tool, variant in self.variants():
            for key, schema in variant["properties"].items():
                if key == "type":
                    continue
                kind = {name: value for name, value in schema.items() if name not in ("description", "items")}
                kinds.setdefault(key, {}).setdefault(json.dumps(kind, sort_keys=True), []).append(f"{tool} {variant['title']}")
        self.assertEqual({key: found for key, found in kinds.items() if len(found) > 1}, {})

    def test_a_type_that_two_tools_write_is_the_same(self):
        types = {}
        for tool, variant in self.variants():
            self.assertEqual(types.setdefault(variant["title"], variant), variant, tool)

    def test_every_type_and_key_is_explained(self):
        for tool, variant in self.variants():
            for key, schema in variant["properties"].items():
                self.assertTrue(key == "type" or schema["description"].strip(), f"{tool} {variant['title']} {key}")


class Completions(harness.TestCase):
    def complete(self, tool, *words):
        """What bash offers for the last word."""
        script = (
            f'source <("$0/{tool}" --generate=bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
            f'_{tool}; printf "%s\\n" "${{COMPREPLY[@]}}"'
        )
        done = subprocess.run(["bash", "-c", script, str(harness.BIN), tool, *words], capture_output=True, text=True, check=True)
        return done.stdout.split()

    def test_bash_offers_options_and_their_values(self):
        for tool in TOOLS:
            self.assertEqual(self.complete(tool, "--log-l"), ["--log-level"])
            self.assertEqual(self.complete(tool, "--log-level", ""), ["error", "warning", "info", "debug"])
            self.assertEqual(self.complete(tool, "--log-level", "=", "w"), ["warning"])
            self.assertEqual(self.complete(tool, "--schema", "=", ""), ["json", "duckdb", "clickhouse"])


if __name__ == "__main__":
    harness.main()
