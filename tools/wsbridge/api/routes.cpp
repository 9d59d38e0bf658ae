#include "tools/wsbridge/api/routes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include <boost/algorithm/string/join.hpp>
#include <nlohmann/json.hpp>

#include "libcommon/base/utf8.h"
#include "tools/wsbridge/http/message.h"

namespace wl::wsbridge::api {
namespace {

using nlohmann::json;

/// Whole numbers beyond 2^53 - 1 would come out as others.
constexpr double kMaxExact = 9007199254740991.0;

/// "1000" or "0.5".
std::string number_text(double value) {
  const bool whole = value == std::floor(value) && std::fabs(value) <= kMaxExact;
  return whole ? std::to_string(static_cast<int64_t>(value)) : json(value).dump();
}

/// A NUL would end a word, a newline a line of those who read it.
bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

template <class Number>
json as_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? json(value) : json();
}

/// What a path or query says, as a body would; null where it is not of the type.
json as_json(ValueType type, std::string_view text) {
  switch (type) {
    case ValueType::text: return text;
    case ValueType::integer: return as_number<int64_t>(text);
    case ValueType::number: return as_number<double>(text);
    case ValueType::boolean: break;
  }
  const bool yes = text == "true" || text == "1";
  return yes || text == "false" || text == "0" ? json(yes) : json();
}

base::Result<std::string> check_text(const ParamSpec& param, const std::string& text) {
  if (!base::is_utf8(text)) return base::fail(param.name + ": not UTF-8");
  if (has_control(text)) return base::fail(param.name + ": a control character");
  const auto size = static_cast<double>(text.size());
  const double most = param.max.value_or(kMaxText);
  if (size < param.min.value_or(0))
    return base::fail(param.name + ": shorter than " + number_text(*param.min) + " bytes");
  if (size > most) return base::fail(param.name + ": longer than " + number_text(most) + " bytes");
  return text;
}

base::Result<std::string> check_number(const ParamSpec& param, const json& number) {
  const bool whole = param.type == ValueType::integer;
  const auto value = number.get<double>();
  if (!std::isfinite(value) || (whole && std::fabs(value) > kMaxExact))
    return base::fail(param.name + ": out of range");
  if (value < param.min.value_or(value))
    return base::fail(param.name + ": at least " + number_text(*param.min));
  if (value > param.max.value_or(value))
    return base::fail(param.name + ": at most " + number_text(*param.max));
  return whole ? number.dump() : json(value).dump();
}

base::Result<std::string> check(const ParamSpec& param, const json& value) {
  constexpr std::array<const char*, 4> kTypes{"a text", "a whole number", "a number", "true or false"};
  const std::array<bool, 4> fits{value.is_string(), value.is_number_integer(), value.is_number(),
                                 value.is_boolean()};
  const auto type = static_cast<size_t>(param.type);
  if (!fits[type]) return base::fail(param.name + ": expected " + kTypes[type]);
  base::Result<std::string> text = value.is_string()   ? check_text(param, value.get<std::string>())
                                   : value.is_number() ? check_number(param, value)
                                                       : value.dump();
  if (!text || param.words.empty() || std::ranges::count(param.words, *text) != 0) return text;
  return base::fail(param.name + ": expected one of " + boost::algorithm::join(param.words, ", "));
}

}  // namespace

std::string_view parameter_of(std::string_view segment) {
  const bool parameter = segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
  return parameter ? segment.substr(1, segment.size() - 2) : std::string_view();
}

RouteTable::RouteTable(std::span<const RouteSpec> routes) {
  for (const RouteSpec& route : routes) rows_.emplace_back(*http::decode_path(route.path), &route);
  std::ranges::stable_sort(rows_, [](const auto& a, const auto& b) {
    return std::ranges::lexicographical_compare(a.first, b.first, [](const auto& x, const auto& y) {
      return parameter_of(x).empty() && !parameter_of(y).empty();
    });
  });
}

Found RouteTable::find(std::string_view method, std::span<const std::string> segments) const {
  Found found;
  bool get = false;
  const auto fits = [](const std::string& pattern, const std::string& text) {
    return pattern == text || (!text.empty() && !parameter_of(pattern).empty());
  };
  for (const auto& [pattern, route] : rows_) {
    if (!std::ranges::equal(pattern, segments, fits)) continue;
    if (route->method == method || (method == "HEAD" && route->method == "GET")) {
      found = {.route = route};
      for (size_t i = 0; i < segments.size(); ++i) {
        const std::string_view name = parameter_of(pattern[i]);
        if (!name.empty()) found.captured.emplace_back(name, segments[i]);
      }
      return found;
    }
    if (!found.allow.contains(route->method)) found.allow += route->method + ", ";
    get |= route->method == "GET";
  }
  if (!found.allow.empty()) found.allow += get ? "HEAD, OPTIONS" : "OPTIONS";
  return found;
}

base::Result<std::string> check_value(const ParamSpec& param, std::string_view text) {
  return check(param, as_json(param.type, text));
}

base::Result<Values> read_values(std::span<const ParamSpec> params, const Sent& sent) {
  std::map<std::string_view, std::string_view> given(sent.path.begin(), sent.path.end());
  for (const auto& [name, value] : sent.query) {
    const auto known = [&](const ParamSpec& param) {
      return param.in == ParamIn::query && param.name == name;
    };
    if (std::ranges::any_of(params, known)) {
      if (!given.emplace(name, value).second) return base::fail(name + ": given twice");
    } else if (name.empty() || name != sent.also) {
      return base::fail("unknown parameter " + base::wire_text(name));
    }
  }
  json body;
  if (std::ranges::count(params, ParamIn::body, &ParamSpec::in) != 0) {
    body = json::parse(sent.body.empty() ? "{}" : sent.body, nullptr, false);
    if (!body.is_object()) return base::fail("the body is no JSON object");
  }
  Values values;
  for (const ParamSpec& param : params) {
    std::optional<json> value;
    if (param.in == ParamIn::body) {
      if (body.contains(param.name) && !body[param.name].is_null()) value = body[param.name];
    } else if (const auto text = given.find(param.name); text != given.end()) {
      value = as_json(param.type, text->second);
    }
    if (!value && param.required) return base::fail(param.name + ": missing");
    if (!value && !param.initial) continue;
    auto text = check(param, value ? *value : as_json(param.type, *param.initial));
    if (!text) return std::unexpected(std::move(text.error()));
    values.emplace(param.name, std::move(*text));
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
    const auto value = values.find(hole.name);
    const bool given = value != values.end();
    // Of "--name=" many a parser takes the next word as the value.
    if (hole.size != 0 && (!given || (options && hole.at != 0 && value->second.empty()))) continue;
    // read_values() and check_profile() see to it that this happens to the name of an upload at most.
    if (hole.size != 0 && has_control(value->second))
      return base::fail(std::string(hole.name) + ": a control character");
    if (hole.size != 0 && options && hole.at == 0 && value->second.starts_with('-'))
      return base::fail(std::string(hole.name) + ": must not begin with '-'");
    filled.push_back(fill_text(word, values));
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
