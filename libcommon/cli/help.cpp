// --help.
#include <algorithm>

#include "libcommon/cli/reference.h"

namespace wl::cli {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kTextColumn = 28;

/// Breaks `text` at blanks so that no line passes kWidth; lines after the first begin at `indent`.
std::string wrapped(std::string_view text, size_t indent) {
  std::string out;
  size_t column = indent;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (column > indent && column + 1 + word.size() > kWidth) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string left_side(const OptionEntry& option) {
  const bool has_short = option.names.front().size() == 2;
  std::string out = has_short ? "  " : "      ";
  for (size_t i = 0; i < option.names.size(); ++i) out += (i > 0 ? ", " : "") + option.names[i];
  if (option.value_optional) return out + "[=" + option.value + "]";
  if (!option.value.empty()) out += " " + option.value;
  return out;
}

std::string right_side(const OptionEntry& option) {
  std::string out = option.text;
  if (option.repeatable) out += " (repeatable)";
  if (!option.initial.empty()) out += " (default " + option.initial + ")";
  return out;
}

void append_option(std::string& out, const OptionEntry& option) {
  const std::string left = left_side(option);
  out += left;
  if (left.size() + 2 > kTextColumn) {
    out += '\n' + std::string(kTextColumn, ' ');
  } else {
    out += std::string(kTextColumn - left.size(), ' ');
  }
  out += wrapped(right_side(option), kTextColumn) + '\n';
}

}  // namespace

std::string help_text(const Command& command) {
  const std::string& program = command.program;
  const std::string name = command.name == program ? program : program + ' ' + command.name;
  std::string out = name + ": " + command.summary + "\n\nUsage: " + name + " " + usage_text(command) + "\n";
  if (!command.verbs.empty()) out += "\nVerbs:\n";
  for (const Command& verb : command.verbs) {
    append_option(out, {{verb.name}, {}, {}, false, false, {}, verb.summary});
  }
  for (const OptionGroup& group : command.groups) {
    out += '\n' + group.title + ":\n";
    for (const OptionEntry& option : group.options) append_option(out, option);
  }
  out += '\n' +
         wrapped(
             "An option with a long name can also be set in the environment (WIRELINE_LOG_LEVEL=debug "
             "for --log-level) or in a TOML file (log-level = \"debug\"): --config FILE, else "
             "$XDG_CONFIG_HOME/wireline/" +
                 program + ".toml, else /etc/wireline/" + program + ".toml. Flag over environment over file.",
             0) +
         '\n';
  out += '\n' +
         wrapped(
             "Exit status: 0 done, 1 failed or something was skipped, 2 usage, 3 the answer is \"no\". "
             "More: man " +
                 program,
             0) +
         '\n';
  return out;
}

}  // namespace wl::cli
