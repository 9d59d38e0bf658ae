#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>
#include <unistd.h>

#include "libcommon/cli/layers.h"
#include "libcommon/cli/options.h"

namespace {

/// A home of its own for the configuration, and variables, for the time of a test.
class Surroundings {
 public:
  explicit Surroundings(const std::string& toml, const std::map<std::string, std::string>& variables = {})
      : home_(std::filesystem::temp_directory_path() / ("wireline-layers-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(home_ / "wireline");
    std::ofstream(file()) << toml;
    set("XDG_CONFIG_HOME", home_.string());
    for (const auto& [name, value] : variables) set(name, value);
  }
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;
  ~Surroundings() {
    for (const std::string& name : names_) ::unsetenv(name.c_str());
    std::filesystem::remove_all(home_);
  }
  [[nodiscard]] std::string file() const { return (home_ / "wireline" / "tool.toml").string(); }

 private:
  void set(const std::string& name, const std::string& value) {
    ::setenv(name.c_str(), value.c_str(), 1);
    names_.push_back(name);
  }

  std::filesystem::path home_;
  std::vector<std::string> names_;
};

struct Tool {
  int64_t window = 5'000'000'000;
  bool table = false;
  std::vector<std::string> read;
  std::string level;
  std::string store;  ///< of the verb

  /// Parses; the error's text, or nothing.
  std::string parse(std::vector<std::string> words) {
    CLI::App app{"", "tool"};
    wl::cli::add_duration(app, "-w,--window", window, "length");
    wl::cli::add_switch(app, "-t,--table", table, "columns");
    wl::cli::add_repeatable(app, "-r,--read", read, "FILE", "read");
    wl::cli::add_text(app, "--log-level", level, "LEVEL", "least");
    app.add_flag("--once")->configurable(false);
    CLI::App* const verb = app.add_subcommand("search", "look");
    wl::cli::add_text(*verb, "--store", store, "DIR", "where");
    wl::cli::add_layers(app);
    std::ranges::reverse(words);
    try {
      app.parse(words);
      return {};
    } catch (const CLI::ParseError& error) {
      return error.what();
    } catch (const wl::cli::LayerError& error) {
      return error.what();
    }
  }
};

}  // namespace

TEST_CASE("flag over environment over file") {
  const Surroundings file_and_variable("window = \"1m\"\n", {{"WIRELINE_WINDOW", "2m"}});
  Tool flag;
  CHECK(flag.parse({"-w", "3m"}).empty());
  CHECK(flag.window == 180'000'000'000);
  Tool variable;
  CHECK(variable.parse({}).empty());
  CHECK(variable.window == 120'000'000'000);
  ::unsetenv("WIRELINE_WINDOW");
  Tool file;
  CHECK(file.parse({}).empty());
  CHECK(file.window == 60'000'000'000);
}

TEST_CASE("a file sets switches, lists and the options of verbs") {
  const Surroundings surroundings(
      "table = true\nread = ['a', \"b\"]\nlog_level = 'debug' # why not\n"
      "[search]\nstore = '/s'\n");
  Tool tool;
  CHECK(tool.parse({"search"}).empty());
  CHECK(tool.table);
  CHECK(tool.read == std::vector<std::string>{"a", "b"});
  CHECK(tool.level == "debug");
  CHECK(tool.store == "/s");
}

TEST_CASE("what stands in front of the tables is for all verbs, and a verb's own table goes before it") {
  const Surroundings surroundings("store = '/all'\n");
  Tool tool;
  CHECK(tool.parse({"search"}).empty());
  CHECK(tool.store == "/all");
  const Surroundings own("store = '/all'\n[search]\nstore = '/own'\n");
  Tool second;
  CHECK(second.parse({"search"}).empty());
  CHECK(second.store == "/own");
}

TEST_CASE("a variable can unset a switch of the file") {
  const Surroundings surroundings("table = true\n", {{"WIRELINE_TABLE", "false"}});
  Tool tool;
  CHECK(tool.parse({}).empty());
  CHECK_FALSE(tool.table);
}

TEST_CASE("errors name the file and the line, or the variable") {
  const auto error_of = [](const std::string& toml) {
    const Surroundings surroundings(toml);
    const std::string text = Tool().parse({});
    return text.starts_with(surroundings.file()) ? text.substr(surroundings.file().size()) : text;
  };
  CHECK(error_of("\n\nwindow = 'x'\n").starts_with(":3: window: \"x\" is not a duration"));
  CHECK(error_of("windows = 5\n") == ":1: unknown key \"windows\"");
  CHECK(error_of("once = true\n") == ":1: unknown key \"once\"");
  CHECK(error_of("[serch]\nstore = 's'\n") == ":1: unknown table [serch]");
  CHECK(error_of("[search]\nwindow = 5\n") == ":2: unknown key \"window\"");
  CHECK(error_of("window = 1979-05-27\n").starts_with(":1: window: write it as"));
  CHECK(error_of("a = 1\nwindow = \n").starts_with(":2: "));

  const Surroundings surroundings("", {{"WIRELINE_WINDOW", "x"}});
  CHECK(Tool().parse({}).starts_with("WIRELINE_WINDOW: \"x\" is not a duration"));
}

TEST_CASE("a file that was named must be there, and stands in place of the user's") {
  const Surroundings surroundings("window = '1m'\n");
  CHECK_FALSE(Tool().parse({"--config", "/nonexistent.toml"}).empty());
  Tool other;
  CHECK(other.parse({"--config", "/dev/null"}).empty());
  CHECK(other.window == 5'000'000'000);
}
