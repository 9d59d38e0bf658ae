// The man page: options from the declarations, prose from tools/<tool>/manual.txt.
#include <algorithm>
#include <array>
#include <cctype>

#include "libcommon/cli/reference.h"

namespace wl::cli {
namespace {

/// Of the release, so that the page does not change by being made again.
constexpr std::string_view kDate = "November 20, 2026";

struct Section {
  std::string title;
  std::string body;
};

/// mdoc's order; what is not named here is the tool's own and follows OPTIONS.
constexpr std::array<std::string_view, 14> kOrder{
    "DESCRIPTION", "OPTIONS",  "",          "ENVIRONMENT", "FILES",   "EXIT STATUS", "EXAMPLES",
    "DIAGNOSTICS", "SEE ALSO", "STANDARDS", "HISTORY",     "AUTHORS", "CAVEATS",     "BUGS"};

size_t rank(const Section& section) {
  const auto found = std::ranges::find(kOrder, section.title);
  const auto own = std::ranges::find(kOrder, "");
  return static_cast<size_t>((found == kOrder.end() ? own : found) - kOrder.begin());
}

/// The `.Sh` sections of the manual. Text before the first one is left out: notes to its writers.
std::vector<Section> sections_of(std::string_view manual) {
  constexpr std::string_view kMark = ".Sh ";
  std::vector<Section> sections;
  while (!manual.empty()) {
    const size_t end = std::min(manual.find('\n'), manual.size());
    const std::string_view line = manual.substr(0, end);
    manual.remove_prefix(std::min(end + 1, manual.size()));
    if (line.starts_with(kMark)) {
      sections.push_back({std::string(line.substr(kMark.size())), {}});
    } else if (!sections.empty() && !line.empty()) {
      sections.back().body += std::string(line) + '\n';
    }
  }
  return sections;
}

/// Plain text as mdoc: no line begins with a control character, no backslash is an escape.
std::string prose(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else {
      out += c;
    }
  }
  return out + '\n';
}

/// The one-line texts of options as sentences.
std::string sentence(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return prose(text + ".");
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

/// ".Fl r , Fl -read Ar FILE"
std::string option_macro(const OptionEntry& option) {
  std::string out;
  for (const std::string& name : option.names) out += (out.empty() ? "Fl " : " , Fl ") + name.substr(1);
  if (option.value.empty()) return out;
  return out + (option.value_optional ? " Ns Op = Ns Ar " : " Ar ") + option.value;
}

std::string option_items(const OptionGroup& group) {
  std::string out = ".Bl -tag -width Ds\n";
  for (const OptionEntry& option : group.options) {
    out += ".It " + option_macro(option) + '\n' + sentence(option.text);
    if (option.repeatable) out += "May be given several times.\n";
    if (!option.initial.empty()) out += "The default is\n.Cm " + option.initial + " .\n";
  }
  return out + ".El\n";
}

std::string option_list(const Command& command) {
  std::string out;
  for (const OptionGroup& group : command.groups) out += ".Ss " + group.title + '\n' + option_items(group);
  return out;
}

std::string positionals(const Command& command) {
  std::string out;
  for (const Positional& positional : command.positionals) {
    out += (positional.required ? ".Ar " : ".Op Ar ") + positional.name +
           (positional.repeatable ? " ...\n" : "\n");
  }
  return out;
}

std::string synopsis(const Command& command) {
  std::string out = ".Nm\n.Op Ar option ...\n";
  if (!command.verbs.empty()) out += ".Ar verb\n";
  return out + positionals(command);
}

std::string verb_list(const Command& command) {
  std::string out;
  for (const Command& verb : command.verbs) {
    out += ".Ss " + verb.name + "\n.Nm\n.Cm " + verb.name + "\n.Op Ar option ...\n" + positionals(verb) +
           ".Pp\n" + sentence(verb.summary);
    for (const OptionGroup& group : verb.groups) {
      if (group.title != "Help") out += option_items(group);
    }
  }
  return out;
}

std::vector<Section> generated(const Command& command) {
  const std::string name = command.name;
  std::vector<Section> sections{{"OPTIONS", option_list(command)}};
  if (!command.verbs.empty()) sections.push_back({"VERBS", verb_list(command)});
  sections.push_back({"ENVIRONMENT",
                      "Each option with a long name can be set by a variable: its name in capitals behind\n"
                      ".Ev WIRELINE_ ,\n"
                      "with underscores, so\n"
                      ".Ev WIRELINE_LOG_LEVEL\n"
                      "stands for\n"
                      ".Fl -log-level .\n"
                      "A flag wins over the environment, the environment over the configuration file.\n"});
  sections.push_back({"FILES",
                      ".Bl -tag -width Ds\n"
                      ".It Pa $XDG_CONFIG_HOME/wireline/" +
                          name +
                          ".toml\n"
                          "The user's configuration: TOML, options by their long names.\n"
                          ".It Pa /etc/wireline/" +
                          name +
                          ".toml\n"
                          "The system's, read where the user has none.\n"
                          ".El\n"});
  sections.push_back(
      {"EXIT STATUS",
       ".Bl -tag -width Ds\n"
       ".It 0\nDone, or the reader of the output went away.\n"
       ".It 1\nFailed, or something was skipped or cut, after everything readable was written.\n"
       ".It 2\nUsage: nothing was read or written.\n"
       ".It 3\nThe answer is\n.Dq no .\n"
       ".El\n"});
  return sections;
}

}  // namespace

std::string man_page(const Command& command, const Facts& facts) {
  std::string out = ".\\\" Made by \"make docs\" from the option declarations and manual.txt: do not edit.\n";
  out += ".Dd " + std::string(kDate) + "\n.Dt " + upper(command.name) + " 1\n.Os Wireline " +
         std::string(facts.version);
  out +=
      "\n.Sh NAME\n.Nm " + command.name + "\n.Nd " + command.summary + "\n.Sh SYNOPSIS\n" + synopsis(command);
  std::vector<Section> sections = sections_of(facts.manual);
  for (Section& section : generated(command)) {
    const auto same = std::ranges::find(sections, section.title, &Section::title);
    if (same == sections.end()) {
      sections.push_back(std::move(section));
    } else {
      same->body = section.body + ".Pp\n" + same->body;
    }
  }
  std::ranges::stable_sort(sections, {}, rank);
  for (const Section& section : sections) out += ".Sh " + section.title + '\n' + section.body;
  return out;
}

}  // namespace wl::cli
