#pragma once
// Options that mean the same in every tool, declared by one call each; and options whose values are ours to
// read: durations, sizes, choices. All of them bind to a variable that must outlive the app; its value at the
// time of the call is the default that the manual shows.
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/base/time.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace wl::cli {

/// `--name FILE`: one value a time, repeatable.
CLI::Option* add_repeatable(CLI::App& app, std::string name, std::vector<std::string>& values,
                            std::string value_name, std::string text);
/// `--name DURATION` in nanoseconds: 500ms, 5s, 1h, 30d.
CLI::Option* add_duration(CLI::App& app, const std::string& name, int64_t& ns, std::string text);
/// `--name SIZE` in bytes: 64k, 10M, 1G; `unit` is what a bare number counts.
CLI::Option* add_size(CLI::App& app, const std::string& name, uint64_t& bytes, std::string text,
                      uint64_t unit = 1);
/// `--name N`: a whole number from `min` to `max`.
CLI::Option* add_count(CLI::App& app, const std::string& name, uint64_t& count, std::string text,
                       uint64_t min = 0, uint64_t max = uint64_t{1} << 53);
/// `--name TEXT`.
CLI::Option* add_text(CLI::App& app, std::string name, std::string& value, std::string value_name,
                      std::string text);
/// `--name`: sets `flag`.
CLI::Option* add_switch(CLI::App& app, std::string name, bool& flag, std::string text);
/// `--name[=VALUE]`: `take` is given VALUE, or `bare` without one; a failure is a usage error.
CLI::Option* add_optional(CLI::App& app, const std::string& name, const std::string& bare,
                          std::string value_name, std::function<base::Result<void>(const std::string&)> take,
                          std::string text);
/// `--name A|B|C`: one of the words; `chosen` is given the index.
CLI::Option* add_words(CLI::App& app, const std::string& name, std::vector<std::string> words, size_t initial,
                       std::function<void(size_t)> chosen, std::string text);

/// `--name A|B|C`: one of the words, each standing for a value.
template <class Value>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Value& value,
                        std::initializer_list<std::pair<const char*, Value>> choices, std::string text) {
  std::vector<std::string> words;
  std::vector<Value> values;
  size_t initial = choices.size();
  for (const auto& [word, meaning] : choices) {
    if (meaning == value && initial == choices.size()) initial = words.size();
    words.emplace_back(word);
    values.push_back(meaning);
  }
  return add_words(
      app, name, std::move(words), initial, [&value, values](size_t index) { value = values[index]; },
      std::move(text));
}

/// What most tools have: --time, -t/--table, -q, --meta, --strict. A tool declares those it uses.
CLI::Option* add_time(CLI::App& app, base::TimeFormat& format);
CLI::Option* add_table(CLI::App& app, bool& table);
CLI::Option* add_quiet(CLI::App& app, bool& quiet);
CLI::Option* add_meta(CLI::App& app, bool& meta);
CLI::Option* add_strict(CLI::App& app, bool& strict);
CLI::Option* add_fields(CLI::App& app, std::string& fields, std::string text);
CLI::Option* add_local(CLI::App& app, std::vector<std::string>& local);

}  // namespace wl::cli
