#include "tools/wsbridge/api/params.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>

#include "libcommon/base/utf8.h"

namespace wl::wsbridge::api {

namespace {

/// Whole numbers beyond 2^53 - 1 would come out as others.
constexpr double kMaxExact = 9007199254740991.0;

/// A NUL would end a word, a newline a line of those who read it.
bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

base::Result<std::string> check_text(const ParamSpec& param, std::string_view text) {
  for (const char* at = text.data(); at != text.data() + text.size();) {
    const size_t size = base::utf8_length(at, text.data() + text.size());
    if (size == 0) return base::fail(param.name + ": not UTF-8");
    at += size;
  }
  if (has_control(text)) return base::fail(param.name + ": a control character");
  const auto size = static_cast<double>(text.size());
  const double most = param.max.value_or(kMaxText);
  if (size < param.min.value_or(0))
    return base::fail(param.name + ": shorter than " + number_text(*param.min) + " bytes");
  if (size > most) return base::fail(param.name + ": longer than " + number_text(most) + " bytes");
  return std::string(text);
}

base::Result<std::string> check_number(const ParamSpec& param, std::string_view text) {
  const bool integer = param.type == ValueType::integer;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool digits =
      text.find_first_not_of("0123456789", text.starts_with('-') ? 1 : 0) == std::string_view::npos;
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) ||
      (integer && !digits)) {
    return base::fail(param.name + (integer ? ": expected a whole number" : ": expected a number"));
  }
  if (integer && std::fabs(value) > kMaxExact) return base::fail(param.name + ": out of range");
  if (param.min && value < *param.min)
    return base::fail(param.name + ": at least " + number_text(*param.min));
  if (param.max && value > *param.max) return base::fail(param.name + ": at most " + number_text(*param.max));
  return integer ? number_text(value) : nlohmann::json(value).dump();
}

/// A member of a body as text; nothing when it is of another type than the parameter.
std::optional<std::string> member_text(const ParamSpec& param, const nlohmann::json& value) {
  switch (param.type) {
    case ValueType::text: return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
    case ValueType::boolean: return value.is_boolean() ? std::optional(value.dump()) : std::nullopt;
    case ValueType::integer: return value.is_number_integer() ? std::optional(value.dump()) : std::nullopt;
    case ValueType::number: return value.is_number() ? std::optional(value.dump()) : std::nullopt;
  }
  return std::nullopt;
}

base::Result<void> read_body(std::span<const ParamSpec> params, std::string_view body, Values& raw) {
  const auto in_body = [](const ParamSpec& param) { return param.in == ParamIn::body; };
  if (std::ranges::none_of(params, in_body)) return {};
  const nlohmann::json root = nlohmann::json::parse(body.empty() ? "{}" : body, nullptr, false);
  if (!root.is_object()) return base::fail("the body is no JSON object");
  for (const ParamSpec& param : params) {
    const auto member = root.find(param.name);
    if (!in_body(param) || member == root.end() || member->is_null()) continue;
    const auto text = member_text(param, *member);
    constexpr std::array<const char*, 4> kTypes{"a text", "a whole number", "a number", "true or false"};
    if (!text) return base::fail(param.name + ": expected " + kTypes[static_cast<size_t>(param.type)]);
    raw[param.name] = *text;
  }
  return {};
}

}  // namespace

std::string number_text(double value) {
  const bool whole = value == std::floor(value) && std::fabs(value) <= kMaxExact;
  return whole ? std::to_string(static_cast<int64_t>(value)) : nlohmann::json(value).dump();
}

base::Result<std::string> check_value(const ParamSpec& param, std::string_view text) {
  base::Result<std::string> value;
  if (param.type == ValueType::text) value = check_text(param, text);
  if (param.type == ValueType::integer || param.type == ValueType::number) value = check_number(param, text);
  if (param.type == ValueType::boolean) {
    const bool yes = text == "true" || text == "1";
    if (!yes && text != "false" && text != "0") return base::fail(param.name + ": expected true or false");
    value = yes ? "true" : "false";
  }
  if (!value || param.words.empty() || std::ranges::find(param.words, *value) != param.words.end())
    return value;
  std::string all;
  for (const std::string& word : param.words) all += (all.empty() ? "" : ", ") + word;
  return base::fail(param.name + ": expected one of " + all);
}

base::Result<Values> read_values(std::span<const ParamSpec> params, const Sent& sent) {
  Values raw;
  for (const auto& [name, value] : sent.path) raw[name] = value;
  for (const auto& [name, value] : sent.query) {
    const auto known = [&](const ParamSpec& param) {
      return param.in == ParamIn::query && param.name == name;
    };
    if (std::ranges::none_of(params, known)) {
      if (name == sent.also && !name.empty()) continue;
      return base::fail("unknown parameter " + base::wire_text(name));
    }
    if (!raw.emplace(name, value).second) return base::fail(name + ": given twice");
  }
  if (auto read = read_body(params, sent.body, raw); !read) return std::unexpected(std::move(read.error()));

  Values values;
  for (const ParamSpec& param : params) {
    const auto given = raw.find(param.name);
    if (given == raw.end() && param.required) return base::fail(param.name + ": missing");
    if (given == raw.end() && !param.initial) continue;
    auto value = check_value(param, given == raw.end() ? *param.initial : given->second);
    if (!value) return std::unexpected(std::move(value.error()));
    values.emplace(param.name, std::move(*value));
  }
  return values;
}

Placeholder find_placeholder(std::string_view word, size_t from) {
  for (size_t at = from; (at = word.find('{', at)) != std::string_view::npos; ++at) {
    const size_t end =
        word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", at + 1);
    if (end != std::string_view::npos && end > at + 1 && word[end] == '}') {
      return {at, end + 1 - at, word.substr(at + 1, end - at - 1)};
    }
  }
  return {};
}

base::Result<Argv> fill(const Argv& words, const Values& values) {
  Argv filled;
  bool options = true;  // before "--"
  for (const std::string& word : words) {
    const Placeholder hole = find_placeholder(word);
    options = options && word != "--";
    if (hole.size == 0) {
      filled.push_back(word);
      continue;
    }
    const auto value = values.find(hole.name);
    if (value == values.end()) continue;
    // read_values() and check_profile() see to it that this happens to the name of an upload at most.
    if (has_control(value->second)) return base::fail(std::string(hole.name) + ": a control character");
    if (options && hole.at == 0 && value->second.starts_with('-'))
      return base::fail(std::string(hole.name) + ": must not begin with '-'");
    filled.push_back(word.substr(0, hole.at) + value->second + word.substr(hole.at + hole.size));
  }
  return filled;
}

std::string fill_text(std::string_view text, const Values& values) {
  std::string out;
  for (Placeholder hole; (hole = find_placeholder(text)).size != 0; text.remove_prefix(hole.at + hole.size)) {
    const auto value = values.find(hole.name);
    out += text.substr(0, hole.at);
    if (value != values.end()) out += value->second;
  }
  return out + std::string(text);
}

}  // namespace wl::wsbridge::api
