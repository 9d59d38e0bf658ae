#include "libcommon/cli/layers.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <istream>
#include <iterator>
#include <vector>

#include <CLI/CLI.hpp>
#include <toml++/toml.h>
#include <unistd.h>

namespace wl::cli {
namespace {

std::string environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

/// "log-level" as "WIRELINE_LOG_LEVEL".
std::string variable_name(const std::string& long_name) {
  std::string name = "WIRELINE_" + long_name;
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  return name;
}

std::string default_file(const std::string& tool) {
  std::string named = environment("WIRELINE_CONFIG");
  if (!named.empty()) return named;
  std::string home = environment("XDG_CONFIG_HOME");
  if (home.empty() && !environment("HOME").empty()) home = environment("HOME") + "/.config";
  for (const std::string& folder : {home, std::string("/etc")}) {
    const std::string path = folder + "/wireline/" + tool + ".toml";
    if (!folder.empty() && ::access(path.c_str(), F_OK) == 0) return path;
  }
  return "/dev/null";
}

/// Gives an option that has no value yet the one from `origin`.
void apply(CLI::Option& option, const std::vector<std::string>& values, const std::string& origin) {
  if (option.count() > 0) return;
  try {
    const bool is_switch = option.get_items_expected_max() == 0;
    for (const std::string& value : values) {
      option.add_result(is_switch ? option.get_flag_value(option.get_lnames().front(), value) : value);
    }
    option.run_callback();
  } catch (const CLI::Error& error) {
    std::string text = error.what();  // "--window: reason"
    if (text.starts_with("--")) text.erase(0, text.find(": ") + 2);
    throw LayerError(origin + ": " + text);
  }
}

void apply_environment(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (!option->get_configurable() || option->get_lnames().empty()) continue;
    const std::string name = variable_name(option->get_lnames().front());
    if (const std::string value = environment(name); !value.empty()) apply(*option, {value}, name);
  }
  for (CLI::App* verb : app.get_subcommands([](CLI::App*) { return true; })) apply_environment(*verb);
}

/// A TOML file on its way into the options.
class File {
 public:
  explicit File(std::string path) : path_(std::move(path)) {}

  /// A verb's own table first; what stands in front of the tables is for each verb that has such an option.
  void apply_table(CLI::App& app, const toml::table& table) const {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      const toml::table* const inner = node.as_table();
      if (inner == nullptr) continue;
      const auto verbs = app.get_subcommands([&name](CLI::App* verb) { return verb->get_name() == name; });
      if (verbs.empty()) throw LayerError(where(node) + "unknown table [" + name + "]");
      apply_table(*verbs.front(), *inner);
    }
    for (const auto& [key, node] : table) {
      if (node.is_table()) continue;
      const std::string name(key.str());
      for (CLI::Option* const option : options_of(app, name, node))
        apply(*option, values_of(name, node), where(node) + name);
    }
  }

  [[nodiscard]] std::string where(const toml::node& node) const {
    return path_ + ":" + std::to_string(node.source().begin.line) + ": ";
  }

 private:
  std::vector<CLI::Option*> options_of(CLI::App& app, std::string name, const toml::node& node) const {
    std::ranges::replace(name, '_', '-');
    const auto has_name = [&name](CLI::Option* option) {
      const auto& names = option->get_lnames();
      return option->get_configurable() && std::ranges::find(names, name) != names.end();
    };
    auto options = app.get_options(has_name);
    if (options.empty())
      for (CLI::App* verb : app.get_subcommands([](CLI::App*) { return true; }))
        std::ranges::copy(verb->get_options(has_name), std::back_inserter(options));
    if (options.empty()) throw LayerError(where(node) + "unknown key \"" + name + "\"");
    return options;
  }

  std::vector<std::string> values_of(const std::string& name, const toml::node& node) const {
    std::vector<std::string> values;
    if (const toml::array* const array = node.as_array()) {
      for (const toml::node& item : *array) values.push_back(scalar(name, item));
    } else {
      values.push_back(scalar(name, node));
    }
    return values;
  }

  std::string scalar(const std::string& name, const toml::node& node) const {
    if (const auto text = node.value_exact<std::string>()) return *text;
    if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
    if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
    if (const auto* const number = node.as_floating_point()) {
      std::array<char, 32> text{};
      return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number->get()).ptr};
    }
    throw LayerError(where(node) + name + ": write it as text, a number, true, false or a list of these");
  }

  std::string path_;
};

/// CLI11 asks its configuration format for values when the command line is parsed and nothing has run yet:
/// the moment for both layers. They are put into the options here, where the line of an error is known.
class Layers : public CLI::Config {
 public:
  explicit Layers(CLI::App& app) : app_(app) {}

  [[nodiscard]] std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }

  [[nodiscard]] std::vector<CLI::ConfigItem> from_config(std::istream& in) const override {
    const auto path = app_.get_config_ptr()->as<std::string>();
    apply_environment(app_);
    try {
      File(path).apply_table(app_, toml::parse(in, path));
    } catch (const toml::parse_error& error) {
      throw LayerError(path + ":" + std::to_string(error.source().begin.line) + ": " +
                       std::string(error.description()));
    }
    return {};
  }

 private:
  CLI::App& app_;
};

}  // namespace

void add_layers(CLI::App& app) {
  app.config_formatter(std::make_shared<Layers>(app));
  const std::string path = default_file(app.get_name());
  CLI::Option* const option = app.set_config("--config", path, "TOML file with options by their long names");
  option->type_name("FILE")->configurable(false)->group("Help");
  // The file of a variable must be there; that of a home directory need not be.
  if (path == environment("WIRELINE_CONFIG")) option->required();
}

}  // namespace wl::cli
