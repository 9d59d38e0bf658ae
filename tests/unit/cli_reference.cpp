#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

#include "libcommon/cli/options.h"
#include "libcommon/cli/reference.h"

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

struct Tool {
  std::vector<std::string> files;
  std::vector<std::string> words;
  std::string secret;
  wl::base::TimeFormat time = wl::base::TimeFormat::rfc3339;
  CLI::App app{"look at things", "look"};

  Tool() {
    app.set_help_flag();
    wl::cli::add_repeatable(app, "-r,--read", files, "FILE", "read FILE, \\ and all")->group("Source");
    wl::cli::add_time(app, time)->group("Output");
    wl::cli::add_text(app, "--secret", secret, "TEXT", "hidden")->group("");
    wl::cli::add_optional(
        app, "--payload", "64", "N", [](const std::string&) { return wl::base::Result<void>(); },
        "it's [N] bytes: all")
        ->group("Output");
    app.add_option("words", words)->type_name("WORD");
  }
  [[nodiscard]] wl::cli::Command command() const { return wl::cli::describe(app); }
};

}  // namespace

TEST_CASE("the declarations are read off with groups, words and defaults; hidden ones are left out") {
  const wl::cli::Command command = Tool().command();
  REQUIRE(command.groups.size() == 2);
  CHECK(command.groups[0].title == "Source");
  CHECK(command.groups[0].options[0].names == std::vector<std::string>{"-r", "--read"});
  CHECK(command.groups[0].options[0].repeatable);
  CHECK(command.groups[1].options[0].words == std::vector<std::string>{"rfc3339", "epoch", "epoch_ns"});
  CHECK(command.groups[1].options[0].initial == "rfc3339");
  CHECK(command.groups[1].options[1].value_optional);
  CHECK(wl::cli::usage_text(command) == "[OPTION]... [WORD]...");
}

TEST_CASE("help keeps to 80 columns") {
  const std::string help = wl::cli::help_text(Tool().command());
  CHECK(contains(help, "\nSource:\n  -r, --read FILE           read FILE, \\ and all (repeatable)\n"));
  CHECK(contains(help, "      --payload[=N]         it's [N] bytes: all\n"));
  CHECK_FALSE(contains(help, "secret"));
  for (size_t at = 0; at < help.size();) {
    const size_t end = help.find('\n', at);
    CHECK(end - at <= 80);
    at = end + 1;
  }
}

TEST_CASE("the man page has its sections in mdoc's order, the tool's own behind the options") {
  const std::string page = wl::cli::man_page(
      Tool().command(),
      {"1.2.3",
       "note to writers\n.Sh DESCRIPTION\nLooks.\n.Sh SEE ALSO\n.Xr jq 1\n.Sh THINGS\nMany.\n"
       ".Sh EXIT STATUS\nAlso 4.\n"});
  std::vector<std::string> titles;
  for (size_t at = page.find(".Sh "); at != std::string::npos; at = page.find("\n.Sh ", at)) {
    at = page.find(".Sh ", at) + 4;
    titles.push_back(page.substr(at, page.find('\n', at) - at));
  }
  CHECK(titles == std::vector<std::string>{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "THINGS",
                                           "ENVIRONMENT", "FILES", "EXIT STATUS", "SEE ALSO"});
  CHECK(contains(page, ".It Fl r , Fl -read Ar FILE\nRead FILE, \\e and all.\n"));
  CHECK(contains(page, ".It Fl -payload Ns Op = Ns Ar N\n"));
  CHECK(contains(page, ".El\n.Pp\nAlso 4.\n"));
  CHECK_FALSE(contains(page, "note to writers"));
}

TEST_CASE("completions offer options, and behind an option its values") {
  const wl::cli::Command command = Tool().command();
  const std::string bash = wl::cli::bash_completion(command);
  CHECK(contains(bash, "-r|--read) COMPREPLY=($(compgen -f -- \"$cur\"))"));
  CHECK(contains(bash, "--time) COMPREPLY=($(compgen -W 'rfc3339 epoch epoch_ns'"));
  CHECK_FALSE(contains(bash, "secret"));
  const std::string zsh = wl::cli::zsh_completion(command);
  CHECK(contains(zsh, "'(--payload)--payload=-[it'\\''s \\[N\\] bytes\\: all]::N:'"));
  CHECK(contains(zsh, "'*-r[read FILE, \\\\ and all]:FILE:_files'"));
  const std::string fish = wl::cli::fish_completion(command);
  CHECK(contains(fish, "complete -c look -s r -l read -r -F -d "));
}
