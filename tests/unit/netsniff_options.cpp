#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

#include "libcommon/record/field_selection.h"
#include "tools/netsniff/options.h"

namespace {

using wl::base::Exit;
using wl::netsniff::Options;
using wl::record::Field;

/// What the words of a command line say.
Options parsed(std::vector<std::string> words) {
  CLI::App app;
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  Options options;
  wl::netsniff::declare(app, options);
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  app.parse(words);
  return options;
}

TEST_CASE("the words behind the options are one expression, also where they stand between them") {
  const Options options = parsed({"-r", "a.pcap", "udp", "and", "-c", "3", "port", "53"});
  CHECK(options.files == std::vector<std::string>{"a.pcap"});
  CHECK(options.limit == 3);
  CHECK(filter_expression(options) == "udp and port 53");
}

TEST_CASE("options: -f and words are one expression; -F stands alone") {
  CHECK(filter_expression(parsed({"-r", "a", "-f", "udp", "and", "port", "53"})) == "udp and port 53");
  const auto both = filter_expression(parsed({"-r", "a", "-F", "/dev/null", "udp"}));
  REQUIRE_FALSE(both);
  CHECK(both.error().exit == Exit::usage);
  CHECK(filter_expression(parsed({"-r", "a", "-F", "/dev/null"})) == "");
}

TEST_CASE("a file that is named for the expression and cannot be read is a usage error") {
  for (const char* const path : {"/nonexistent", "/"}) {
    const auto expression = filter_expression(parsed({"-r", "a", "-F", path}));
    REQUIRE_FALSE(expression);
    CHECK(expression.error().exit == Exit::usage);
    CHECK(expression.error().text.starts_with(path));
  }
}

TEST_CASE("tcpdump's habits are accepted") {
  const Options options = parsed({"-n", "-l", "-U", "-r", "a", "-s", "96", "-B", "4096", "-p"});
  CHECK(options.snaplen == 96);
  CHECK(options.buffer_bytes == 4096 * 1024);
  CHECK(options.not_promiscuous);
  CHECK(check(options));
}

TEST_CASE("what cannot be together is refused") {
  const auto refused = [](std::vector<std::string> words) {
    const auto checked = check(parsed(std::move(words)));
    return !checked && checked.error().exit == Exit::usage && !checked.error().hint.empty();
  };
  CHECK(refused({}));
  CHECK(refused({"-i", "lo", "-r", "a"}));
  CHECK(refused({"-i", "lo", "--replay", "1x"}));
  CHECK(refused({"-r", "a", "--on-slow", "drop"}));
  CHECK(refused({"-r", "a", "-C", "1"}));
  CHECK(refused({"-r", "a", "-w", "-", "--print"}));
  CHECK(refused({"-r", "a", "-w", "-", "-G", "5s"}));
  CHECK(refused({"-r", "a", "-X"}));
  CHECK(refused({"-r", "a", "-t", "--meta"}));
  CHECK_FALSE(refused({"-r", "a", "-t", "-X"}));
  CHECK_FALSE(refused({"-i", "lo", "--on-slow", "drop"}));
  CHECK_FALSE(refused({"-D"}));
}

TEST_CASE("fields by group, by key, by sign") {
  const auto chosen = [](const std::string& list) {
    return selected_fields(parsed({"-r", "a", "--fields", list}));
  };
  CHECK(selected_fields(parsed({"-r", "a"})) == wl::record::default_fields());
  CHECK(chosen("len")->has(Field::len));
  CHECK_FALSE(chosen("len")->has(Field::n));
  CHECK(chosen("+ttl,-app")->has(Field::ttl));
  CHECK(chosen("+ttl,-app")->has(Field::n));
  CHECK_FALSE(chosen("+ttl,-app")->has(Field::dns_qname));
  CHECK(chosen("all")->has(Field::at_offset));
  CHECK_FALSE(chosen("all")->has(Field::payload));
  CHECK(selected_fields(parsed({"-r", "a", "--fields", "n", "--payload"}))->has(Field::payload));
  REQUIRE_FALSE(chosen("nosuch"));
  CHECK(chosen("nosuch").error().exit == Exit::usage);
}

}  // namespace
