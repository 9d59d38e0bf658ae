#pragma once
// What a request carries → checked values → words of a command.
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "libcommon/base/error.h"
#include "tools/wsbridge/api/route_table.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::api {

/// Checked values as text, by the parameter's name. The caller adds "upload" and "upload_name".
using Values = std::map<std::string, std::string, std::less<>>;

/// Where values come from.
struct Sent {
  Captured path{};
  Captured query{};         ///< of http::parse_query()
  std::string_view body{};  ///< a JSON object; looked at only when a parameter is in it
  /// A name in the query that is no parameter and yet allowed: "name" with an upload.
  std::string_view also{};
};

/// Every parameter that was sent or has a default, of its type and in its range; an error is one line for the
/// client
/// ("limit: at most 1000"). A name in the query that is no parameter is an error, one in a body is passed
/// over.
[[nodiscard]] base::Result<Values> read_values(std::span<const ParamSpec> params, const Sent& sent);

/// One value, as it then stands in a command. Text is UTF-8 without control characters (NUL, newlines), and
/// at most kMaxText bytes long unless the parameter says less.
[[nodiscard]] base::Result<std::string> check_value(const ParamSpec& param, std::string_view text);
inline constexpr size_t kMaxText = 65'536;  // Linux takes 128 KiB for a word

/// "1000" or "0.5" for messages and documents.
[[nodiscard]] std::string number_text(double value);

/// The words of a command: each word of the template is one word or, when its value is missing, none. A value
/// never becomes a further word, nor an option: one with '-' in front is refused where it would stand first
/// before "--".
[[nodiscard]] base::Result<Argv> fill(const Argv& words, const Values& values);

/// `text` with its {placeholders} filled, "" for what is missing.
[[nodiscard]] std::string fill_text(std::string_view text, const Values& values);

/// What a word of a template holds beside literal text.
struct Placeholder {
  size_t at = 0;    ///< of '{'
  size_t size = 0;  ///< with the braces; 0: there is none
  std::string_view name{};
};
/// The first {name} at or behind `from`; braces around anything but a name are literal.
[[nodiscard]] Placeholder find_placeholder(std::string_view word, size_t from = 0);

}  // namespace wl::wsbridge::api
