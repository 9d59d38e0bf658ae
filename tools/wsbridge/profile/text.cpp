#include <algorithm>
#include <ranges>

#include <nlohmann/json.hpp>

#include "libcommon/base/edit_distance.h"
#include "tools/wsbridge/profile/read.h"

namespace wl::wsbridge {

std::string with_lines(const std::string& file, std::string_view text) {
  using Json = nlohmann::ordered_json;
  size_t line = 1;
  char last = ' ';  // a '\n' counts for what is behind it: the parser looks one character behind a number
  const auto characters = std::views::transform(text, [&line, &last](char c) {
    line += std::exchange(last, c) == '\n' ? 1U : 0U;
    return c;
  });
  const auto refuse = [&](bool wrong, const std::string& why) {
    if (wrong) throw Finding{{file, line}, false, why};
  };
  std::vector<Json> open;  // the lines of each object that is open
  const auto note = [&](int depth, Json::parse_event_t event, Json& json) {
    using enum Json::parse_event_t;
    if (event == key)
      refuse(!open.back().emplace(json, line).second, json.dump() + " stands in this object twice");
    if (event == object_start || event == array_start) refuse(depth >= kMaxDepth, "nested too deeply");
    if (event == object_start) open.push_back(Json::object({{"", line}}));
    if (event == object_end) {
      json[""] = std::move(open.back());
      open.pop_back();
    }
    return true;
  };
  refuse(text.size() > kMaxDocument, "larger than 256 KB");
  try {
    const Json root = Json::parse(characters.begin(), characters.end(), note, true, true);
    line = 1;
    refuse(!root.is_object(), "expected an {object}");
    return root.dump();
  } catch (const Json::exception& exception) {
    std::string_view why = exception.what();  // "[…] parse error at line 3, column 4: syntax error - reason"
    for (const std::string_view before : {"] ", ": ", " - "}) {
      if (const size_t at = why.find(before); at != why.npos) why.remove_prefix(at + before.size());
    }
    throw Finding{{file, line}, false, std::string(why)};
  }
}

bool is_name(std::string_view text, const std::string& also) {
  const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_" + also;
  return !text.empty() && text.find_first_not_of(letters) == text.npos && text[0] != '-' && text[0] != '.';
}

std::expected<std::string, std::string> substitute(std::string_view word, const Environment& environment) {
  std::string out;
  for (size_t at = 0; (at = word.find("${")) != word.npos;) {
    const size_t end = word.find('}', at);
    if (end == word.npos) break;
    const std::string_view inside = word.substr(at + 2, end - at - 2);
    const size_t colon = std::min(inside.find(":-"), inside.size());
    const std::string name(inside.substr(0, colon));
    const char* const value = environment && is_name(name) ? environment(name.c_str()) : nullptr;
    const bool otherwise = colon < inside.size() && (value == nullptr || *value == '\0');
    if (value == nullptr && !otherwise) return std::unexpected(name);
    (out += word.substr(0, at)) += otherwise ? inside.substr(colon + 2) : value;
    word.remove_prefix(end + 1);
  }
  return out += word;
}

std::string in_quotes(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const auto distance = [name](const std::string& other) { return base::edit_distance(name, other); };
  const auto nearest = std::ranges::min_element(known, {}, distance);
  if (nearest == known.end() || distance(*nearest) > std::max<size_t>(1, name.size() / 3)) return "";
  return ", did you mean " + in_quotes(*nearest) + "?";
}

}  // namespace wl::wsbridge
