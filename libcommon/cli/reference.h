#pragma once
// The command line as data, read off the CLI11 declarations, and the documents made of it: --help, man page,
// completions.
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace wl::cli {

struct OptionEntry {
  std::vector<std::string> names;  ///< as typed, short ones first: "-r", "--read"
  std::string value;               ///< "FILE"; empty: a switch
  std::vector<std::string> words;  ///< the values, where there are few
  bool value_optional = false;     ///< --schema[=LANG]
  bool repeatable = false;
  std::string initial;  ///< default, as text
  std::string text;
};

struct OptionGroup {
  std::string title;
  std::vector<OptionEntry> options;
};

struct Positional {
  std::string name;
  bool required = false;
  bool repeatable = false;
};

/// A program, or one of its verbs.
struct Command {
  std::string program;  ///< "wsbridge"
  std::string name;     ///< the same, or of a verb "serve"
  std::string summary;
  std::vector<OptionGroup> groups;
  std::vector<Positional> positionals;
  std::vector<Command> verbs;
};

/// Options without a group are hidden and left out. `app` is a program or one of its verbs.
[[nodiscard]] Command describe(const CLI::App& app);

/// The prose and the facts that the declarations do not hold.
struct Facts {
  std::string_view version;
  std::string_view manual;  ///< mdoc source in sections, see tools/<tool>/manual.txt
};

[[nodiscard]] std::string help_text(const Command& command);
/// mdoc(7) source.
[[nodiscard]] std::string man_page(const Command& command, const Facts& facts);
[[nodiscard]] std::string bash_completion(const Command& command);
[[nodiscard]] std::string zsh_completion(const Command& command);
[[nodiscard]] std::string fish_completion(const Command& command);

/// "[OPTION]... [BPF]...": what may follow the command's name.
[[nodiscard]] std::string usage_text(const Command& command);

/// What the values of an option are, for completions.
enum class ValueKind : uint8_t { other, words, file, directory, interface };
[[nodiscard]] ValueKind value_kind(const OptionEntry& option);

}  // namespace wl::cli
