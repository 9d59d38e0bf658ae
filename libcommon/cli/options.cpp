#include "libcommon/cli/options.h"

#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>

#include "libcommon/base/units.h"

namespace wl::cli {
namespace {

/// An option whose text is read by `take`, which gives the house's error.
CLI::Option* add_taken(CLI::App& app, const std::string& name, const std::string& value_name,
                       const std::string& initial,
                       const std::function<base::Result<void>(const std::string&)>& take, std::string text) {
  CLI::Option* const option = app.add_option_function<std::string>(
      name,
      [take, name](const std::string& value) {
        const std::string shown = name.substr(name.rfind(',') + 1);
        if (const auto result = take(value); !result)
          throw CLI::ValidationError(shown, result.error().line());
      },
      std::move(text));
  option->type_name(value_name)->default_str(initial);
  return option;
}

/// Moves a value that was read into `target`, or passes the failure on.
template <class T>
base::Result<void> assign(T& target, const base::Result<T>& value) {
  if (!value) return std::unexpected(value.error());
  target = *value;
  return {};
}

std::string join(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += separator;
    out += word;
  }
  return out;
}

}  // namespace

CLI::Option* add_repeatable(CLI::App& app, std::string name, std::vector<std::string>& values,
                            std::string value_name, std::string text) {
  // A vector option takes all words behind it unless told otherwise, positionals among them.
  return app.add_option(std::move(name), values, std::move(text))
      ->type_name(std::move(value_name))
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

CLI::Option* add_duration(CLI::App& app, const std::string& name, int64_t& ns, std::string text) {
  return add_taken(
      app, name, "DURATION", ns == 0 ? "" : base::format_duration(ns),
      [&ns](const std::string& value) { return assign(ns, base::parse_duration(value)); }, std::move(text));
}

CLI::Option* add_size(CLI::App& app, const std::string& name, uint64_t& bytes, std::string text,
                      uint64_t unit) {
  return add_taken(
      app, name, "SIZE", bytes == 0 ? "" : base::format_size(bytes),
      [&bytes, unit](const std::string& value) { return assign(bytes, base::parse_size(value, unit)); },
      std::move(text));
}

CLI::Option* add_count(CLI::App& app, const std::string& name, uint64_t& count, std::string text,
                       uint64_t min, uint64_t max) {
  return add_taken(
      app, name, "N", count == 0 ? "" : std::to_string(count),
      [&count, min, max](const std::string& value) -> base::Result<void> {
        const auto number = base::parse_number(value, max);
        if (!number || *number < min) {
          return base::fail("\"" + value + "\" is not a number from " + std::to_string(min) + " to " +
                            std::to_string(max));
        }
        count = *number;
        return {};
      },
      std::move(text));
}

CLI::Option* add_text(CLI::App& app, std::string name, std::string& value, std::string value_name,
                      std::string text) {
  const std::string initial = value;
  return app.add_option(std::move(name), value, std::move(text))
      ->type_name(std::move(value_name))
      ->default_str(initial);
}

CLI::Option* add_switch(CLI::App& app, std::string name, bool& flag, std::string text) {
  return app.add_flag(std::move(name), flag, std::move(text));
}

CLI::Option* add_optional(CLI::App& app, const std::string& name, const std::string& bare,
                          std::string value_name, std::function<base::Result<void>(const std::string&)> take,
                          std::string text) {
  // CLI11 gives a flag the value in braces where none is written, and wants a place to keep it.
  const auto kept = std::make_shared<std::string>();
  CLI::Option* const option = app.add_flag(name + "{" + bare + "}", *kept, std::move(text));
  return option->type_name(std::move(value_name))
      ->each([kept, take = std::move(take)](const std::string& value) {
        if (const auto result = take(value); !result) throw CLI::ValidationError(result.error().line());
      });
}

CLI::Option* add_words(CLI::App& app, const std::string& name, std::vector<std::string> words, size_t initial,
                       std::function<void(size_t)> chosen, std::string text) {
  const std::string shown = join(words, "|");
  return add_taken(
      app, name, shown, initial < words.size() ? words[initial] : "",
      [words, chosen = std::move(chosen)](const std::string& value) -> base::Result<void> {
        const auto found = std::find(words.begin(), words.end(), value);
        if (found == words.end()) {
          return base::fail("\"" + value + "\" is not one of " + join(words, ", "));
        }
        chosen(static_cast<size_t>(found - words.begin()));
        return {};
      },
      std::move(text));
}

CLI::Option* add_time(CLI::App& app, base::TimeFormat& format) {
  return add_choice(app, "--time", format,
                    {{"rfc3339", base::TimeFormat::rfc3339},
                     {"epoch", base::TimeFormat::epoch},
                     {"epoch_ns", base::TimeFormat::epoch_ns}},
                    "how times are written: text in UTC, seconds as a number, or nanoseconds as a string");
}

CLI::Option* add_table(CLI::App& app, bool& table) {
  return add_switch(app, "-t,--table", table, "columns for people in place of NDJSON");
}

CLI::Option* add_quiet(CLI::App& app, bool& quiet) {
  return add_switch(app, "-q,--quiet", quiet, "no closing counts on standard error");
}

CLI::Option* add_meta(CLI::App& app, bool& meta) {
  return add_switch(app, "--meta", meta, "meta record first, stats each second, end record last");
}

CLI::Option* add_strict(CLI::App& app, bool& strict) {
  return add_switch(app, "--strict", strict, "stop at the first bad input in place of skipping it");
}

CLI::Option* add_fields(CLI::App& app, std::string& fields, std::string text) {
  return add_text(app, "--fields", fields, "LIST", std::move(text));
}

CLI::Option* add_local(CLI::App& app, std::vector<std::string>& local) {
  return add_repeatable(app, "--local", local, "ADDR|CIDR", "what is ours: gives packets their direction")
      ->delimiter(',');
}

}  // namespace wl::cli
