#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

#include "libcommon/cli/options.h"

namespace {

/// Parses words as a command line; the usage error, or nothing.
std::optional<std::string> parse(CLI::App& app, std::vector<std::string> words) {
  std::ranges::reverse(words);  // CLI11 takes them from the back
  try {
    app.parse(words);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a repeatable option takes one word a time, and leaves the others to the positionals") {
  CLI::App app;
  std::vector<std::string> files;
  std::vector<std::string> words;
  wl::cli::add_repeatable(app, "-r", files, "FILE", "read");
  app.add_option("words", words);
  CHECK_FALSE(parse(app, {"-r", "a", "tcp", "and", "-r", "b", "port", "80"}));
  CHECK(files == std::vector<std::string>{"a", "b"});
  CHECK(words == std::vector<std::string>{"tcp", "and", "port", "80"});
}

TEST_CASE("units are read, and errors say how to write them") {
  CLI::App app;
  int64_t window = 0;
  uint64_t size = 0;
  uint64_t count = 0;
  wl::cli::add_duration(app, "--window", window, "length");
  wl::cli::add_size(app, "-C,--size", size, "size", 1 << 20);
  wl::cli::add_count(app, "-c,--limit", count, "stop", 1, 1000);
  CHECK_FALSE(parse(app, {"--window", "1m", "-C", "2", "-c", "1000"}));
  CHECK(window == 60'000'000'000);
  CHECK(size == 2 << 20);
  CHECK(count == 1000);
  CHECK(parse(app, {"--window", "5x"}) ==
        "--window: \"5x\" is not a duration (write it as 500ms, 5s, 1h or 30d)");
  CHECK(parse(app, {"-c", "0"}) == "--limit: \"0\" is not a number from 1 to 1000");
  CHECK(parse(app, {"-c", "1001"}) == "--limit: \"1001\" is not a number from 1 to 1000");
}

TEST_CASE("a choice takes its words and no other") {
  CLI::App app;
  auto format = wl::base::TimeFormat::rfc3339;
  wl::cli::add_time(app, format);
  CHECK(parse(app, {"--time", "1"}) == "--time: \"1\" is not one of rfc3339, epoch, epoch_ns");
  CHECK(format == wl::base::TimeFormat::rfc3339);
  CHECK_FALSE(parse(app, {"--time", "epoch_ns"}));
  CHECK(format == wl::base::TimeFormat::epoch_ns);
}

TEST_CASE("an optional value is written behind =, and never taken from the words") {
  CLI::App app;
  std::string payload;
  std::vector<std::string> words;
  const auto take = [&payload](const std::string& value) -> wl::base::Result<void> {
    if (value == "bad") return wl::base::fail("is bad");
    payload = value;
    return {};
  };
  wl::cli::add_optional(app, "--payload", "64", "N", take, "bytes");
  app.add_option("words", words);
  CHECK_FALSE(parse(app, {"--payload", "tcp"}));
  CHECK(payload == "64");
  CHECK(words == std::vector<std::string>{"tcp"});
  CHECK_FALSE(parse(app, {"--payload=5"}));
  CHECK(payload == "5");
  CHECK(parse(app, {"--payload=bad"}) == "--payload: is bad");
}
