#include "tools/wsbridge/profile/fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ranges>

#include "libcommon/base/edit_distance.h"
#include "libcommon/base/units.h"

namespace wl::wsbridge {

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const auto nearest = std::ranges::min_element(
      known, {}, [&](const std::string& other) { return base::edit_distance(name, other); });
  if (nearest == known.end() || base::edit_distance(name, *nearest) > std::max<size_t>(1, name.size() / 3))
    return "";
  return ", did you mean " + in_quotes(*nearest) + "?";
}

Fields::Fields(const Value& object, std::string what, const std::string& file, std::vector<Finding>& findings)
    : object_(object), what_(std::move(what)), file_(file), findings_(findings) {
  if (object.kind != Value::Kind::object) error("expected an {object}");
}

Fields::~Fields() {
  for (const Member& member : object_.members) {
    if (member.name.empty() && object_.kind != Value::Kind::object) continue;
    if (std::ranges::find(asked_, member.name) != asked_.end()) continue;
    error(member.line, "unknown key " + in_quotes(member.name) + did_you_mean(member.name, asked_));
  }
}

void Fields::error(size_t line, const std::string& text) {
  findings_.push_back({{file_, line}, false, what_.empty() ? text : what_ + ": " + text});
}

const Value* Fields::take(std::string_view name) {
  asked_.emplace_back(name);
  return object_.kind == Value::Kind::object ? object_.find(name) : nullptr;
}

const Value* Fields::take(std::string_view name, Value::Kind kind, std::string_view expected) {
  const Value* value = take(name);
  if (value == nullptr || value->kind == kind) return value;
  error(value->line, in_quotes(name) + ": expected " + std::string(expected));
  return nullptr;
}

void Fields::text(std::string_view name, std::string& into) {
  const Value* value = take(name, Value::Kind::text, "a text");
  if (value == nullptr) return;
  if (value->text.empty() || value->text.find('\0') != std::string::npos) {
    error(value->line, in_quotes(name) + ": must not be empty, nor hold a NUL");
  }
  into = value->text;
}

void Fields::boolean(std::string_view name, bool& into) {
  if (const Value* value = take(name, Value::Kind::boolean, "true or false")) into = value->text == "true";
}

void Fields::words(std::string_view name, std::vector<std::string>& into) {
  if (const Value* value = array(name)) words(*value, name, into);
}

void Fields::words(const Value& array, std::string_view name, std::vector<std::string>& into) {
  for (const Member& member : array.members) {
    if (member.value.kind != Value::Kind::text || member.value.text.find('\0') != std::string::npos) {
      return error(member.line, in_quotes(name) + ": expected an array of texts");
    }
    into.push_back(member.value.text);
  }
}

void Fields::duration(std::string_view name, int64_t& into, int64_t min) {
  const Value* value = take(name);
  if (value == nullptr) return;
  const auto read = base::parse_duration(value->text);
  if ((value->kind != Value::Kind::text && value->kind != Value::Kind::number) || !read) {
    return error(value->line, in_quotes(name) + ": expected a duration like \"30s\"");
  }
  if (*read < min) return error(value->line, in_quotes(name) + ": at least " + base::format_duration(min));
  into = *read;
}

void Fields::size(std::string_view name, uint64_t& into) {
  const Value* value = take(name);
  if (value == nullptr) return;
  const auto read = base::parse_size(value->text);
  if ((value->kind != Value::Kind::text && value->kind != Value::Kind::number) || !read || *read == 0) {
    return error(value->line, in_quotes(name) + ": expected a size like \"16k\" or \"1G\"");
  }
  into = *read;
}

void Fields::real(std::string_view name, std::optional<double>& into) {
  const Value* value = take(name, Value::Kind::number, "a number");
  if (value == nullptr) return;
  double number = 0;
  const char* end = value->text.data() + value->text.size();
  if (std::from_chars(value->text.data(), end, number).ec != std::errc{} || !std::isfinite(number)) {
    return error(value->line, in_quotes(name) + ": out of range");
  }
  into = number;
}

void Fields::whole(std::string_view name, uint64_t& into, uint64_t min, uint64_t max) {
  const Value* value = take(name);
  if (value == nullptr) return;
  const auto read = base::parse_number(value->text, max);
  if (value->kind != Value::Kind::number || !read || *read < min) {
    return error(value->line, in_quotes(name) + ": expected a whole number from " + std::to_string(min) +
                                  " to " + std::to_string(max));
  }
  into = *read;
}

std::optional<size_t> Fields::one_of(std::string_view name, std::string_view all) {
  const Value* value = take(name, Value::Kind::text, "a text");
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> words;
  for (const auto word : std::views::split(all, '|')) words.emplace_back(word.begin(), word.end());
  const auto found = std::ranges::find(words, value->text);
  if (found != words.end()) return static_cast<size_t>(found - words.begin());
  error(value->line,
        in_quotes(name) + ": expected one of " + std::string(all) + did_you_mean(value->text, words));
  return std::nullopt;
}

}  // namespace wl::wsbridge
