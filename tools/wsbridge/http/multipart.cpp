#include "tools/wsbridge/http/multipart.h"

#include <strings.h>

namespace wl::wsbridge::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kBlank = " \t";

bool begins_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && ::strncasecmp(text.data(), word.data(), word.size()) == 0;
}

void skip_blank(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
}

/// Takes a quoted string or a token from the front. Of escapes only \" is one: old browsers send paths of
/// Windows.
std::string take_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    value = text.substr(0, text.find_first_of("; \t"));
    text.remove_prefix(value.size());
    return value;
  }
  text.remove_prefix(1);
  while (!text.empty() && !text.starts_with('"')) {
    if (text.starts_with("\\\"")) text.remove_prefix(1);
    value += text.front();
    text.remove_prefix(1);
  }
  text.remove_prefix(text.empty() ? 0 : 1);
  return value;
}

/// `name` of "form-data; name=value; other=\"value\"".
std::optional<std::string> parameter(std::string_view text, std::string_view name) {
  text.remove_prefix(std::min(text.find(';'), text.size()));
  while (text.starts_with(';')) {
    text.remove_prefix(1);
    skip_blank(text);
    const std::string_view key = text.substr(0, text.find_first_of("=;"));
    text.remove_prefix(key.size());
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    std::string value = take_value(text);
    if (key.size() == name.size() && begins_with_word(key, name)) return value;
    text.remove_prefix(std::min(text.find(';'), text.size()));
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> multipart_boundary(std::string_view content_type) {
  constexpr std::string_view kType = "multipart/form-data";
  constexpr size_t kMaxBoundary = 70;  // RFC 2046, 5.1.1
  if (!begins_with_word(content_type, kType)) return std::nullopt;
  auto boundary = parameter(content_type, "boundary");
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
  };
  if (!boundary || boundary->empty() || boundary->size() > kMaxBoundary || boundary->ends_with(' '))
    return std::nullopt;
  for (const char c : *boundary) {
    if (!allowed(c)) return std::nullopt;
  }
  return boundary;
}

bool Multipart::feed(std::string_view bytes, Parts& parts) {
  std::string joined;
  std::string_view rest = bytes;
  if (!kept_.empty()) {
    joined = std::move(kept_);
    rest = joined.append(bytes);
  }
  for (size_t before = rest.size() + 1; state_ != State::done && !rest.empty() && rest.size() < before;) {
    before = rest.size();
    if (!take(rest, parts)) return false;
  }
  kept_ = state_ == State::done ? std::string_view{} : rest;
  return true;
}

/// Takes one piece off `rest`, or nothing where more bytes are needed.
bool Multipart::take(std::string_view& rest, Parts& parts) {
  if (state_ == State::preamble || state_ == State::data) return take_data(rest, parts);
  if (state_ == State::after_delimiter) {
    if (rest.size() < 2) return true;
    if (rest.starts_with("--")) {
      state_ = State::done;
      return true;
    }
    const size_t end = rest.find_first_not_of(kBlank);
    if (end == std::string_view::npos || end + 1 == rest.size()) return rest.size() < kMaxHead;
    if (!rest.substr(end).starts_with(kLineEnd)) return false;
    rest.remove_prefix(end + 2);
    state_ = State::head;
    return true;
  }
  const size_t end = rest.find("\r\n\r\n");
  if (end == std::string_view::npos) return rest.size() < kMaxHead;
  const std::string_view head = rest.substr(0, end + 2);
  rest.remove_prefix(end + 4);
  state_ = State::data;
  return head.size() <= kMaxHead && begin_part(head, parts);
}

bool Multipart::take_data(std::string_view& rest, Parts& parts) {
  const bool wanted = state_ == State::data;
  const size_t found = rest.find(delimiter_);
  size_t size = found;
  if (found == std::string_view::npos) {
    // A boundary holds no '\r': only the last one can begin a delimiter that goes on beyond these bytes.
    const size_t tail = rest.size() - std::min(rest.size(), delimiter_.size() - 1);
    const size_t cr = rest.rfind('\r');
    const bool open = cr != std::string_view::npos && cr >= tail && delimiter_.starts_with(rest.substr(cr));
    size = open ? cr : rest.size();
  }
  if (wanted && size > 0 && !parts.data(rest.substr(0, size))) return false;
  rest.remove_prefix(size);
  if (found == std::string_view::npos) return true;
  rest.remove_prefix(delimiter_.size());
  state_ = State::after_delimiter;
  return !wanted || parts.part_end();
}

bool Multipart::begin_part(std::string_view head, Parts& parts) {
  if (++count_ > kMaxParts || head.find('\0') != std::string_view::npos) return false;
  while (!head.empty()) {
    std::string_view line = head.substr(0, head.find(kLineEnd));
    head.remove_prefix(line.size() + kLineEnd.size());
    constexpr std::string_view kDisposition = "content-disposition:";
    if (!begins_with_word(line, kDisposition)) continue;
    line.remove_prefix(kDisposition.size());
    skip_blank(line);
    const auto name = parameter(line, "name");
    if (!begins_with_word(line, "form-data") || !name) return false;
    const auto file_name = parameter(line, "filename");
    return parts.part(*name, file_name);
  }
  return false;
}

}  // namespace wl::wsbridge::http
