#include "libcommon/cli/reference.h"

#include <algorithm>

#include <CLI/CLI.hpp>

namespace wl::cli {
namespace {

/// "text|json" is a list of words to choose from; "ADDR|CIDR", in capitals, names what a value may be.
std::vector<std::string> split_words(const std::string& value) {
  const bool capitals = std::ranges::any_of(value, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (capitals || value.find('|') == std::string::npos) return {};
  return CLI::detail::split(value, '|');
}

bool is_repeatable(const CLI::Option& option) { return option.get_items_expected_max() > 1; }

OptionEntry entry_of(const CLI::Option& option) {
  OptionEntry entry;
  for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  const bool takes_value = option.get_items_expected_max() > 0;
  entry.value = option.get_type_name();
  entry.value_optional = !takes_value && !entry.value.empty();
  entry.words = split_words(entry.value);
  entry.repeatable = is_repeatable(option);
  // What is not configurable() has a default of the machine, not of the program.
  if (takes_value && option.get_configurable()) entry.initial = option.get_default_str();
  entry.text = option.get_description();
  return entry;
}

}  // namespace

Command describe(const CLI::App& app) {
  const CLI::App* program = &app;
  while (program->get_parent() != nullptr) program = program->get_parent();
  Command command{program->get_name(), app.get_name(), app.get_description(), {}, {}, {}};
  for (const std::string& title : app.get_groups()) {
    if (title.empty()) continue;
    OptionGroup group{title, {}};
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_group() == title && option->nonpositional()) group.options.push_back(entry_of(*option));
    }
    if (!group.options.empty()) command.groups.push_back(std::move(group));
  }
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      command.positionals.push_back(
          {option->get_type_name(), option->get_required(), is_repeatable(*option)});
    }
  }
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    command.verbs.push_back(describe(*verb));
  }
  return command;
}

std::string usage_text(const Command& command) {
  std::string out = "[OPTION]...";
  if (!command.verbs.empty()) out += " VERB";
  for (const Positional& positional : command.positionals) {
    const std::string dots = positional.repeatable ? "..." : "";
    out += positional.required ? " " + positional.name + dots : " [" + positional.name + "]" + dots;
  }
  return out;
}

ValueKind value_kind(const OptionEntry& option) {
  if (!option.words.empty()) return ValueKind::words;
  if (option.value.starts_with("FILE")) return ValueKind::file;
  if (option.value == "DIR") return ValueKind::directory;
  if (option.value == "IFACE") return ValueKind::interface;
  return ValueKind::other;
}

}  // namespace wl::cli
