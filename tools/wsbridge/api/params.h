#pragma once
// What a request carries → checked values → words of a command.
#include <functional>
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
  std::string_view query{};  ///< as sent
  std::string_view body{};   ///< a JSON object; looked at only when a parameter is in it
  /// Names in the query that are no parameters and yet allowed: "name" with an upload.
  std::string_view also{};
};

/// Every parameter that was sent or has a default, of its type and in its range; an error is one line for the
/// client
/// ("limit: at most 1000"). A name in the query that is no parameter is an error, one in a body is passed
/// over. Text is UTF-8 without NUL, newlines and other control characters.
[[nodiscard]] base::Result<Values> read_values(std::span<const ParamSpec> params, const Sent& sent);

/// The words of a command: each word of the template is one word or, when its value is missing, none. A value
/// never becomes a further word, nor an option: one with '-' in front is refused where it would stand alone
/// before "--".
[[nodiscard]] base::Result<Argv> fill(const Argv& words, const Values& values);

/// `text` with its {placeholders} filled, "" for what is missing.
[[nodiscard]] std::string fill_text(std::string_view text, const Values& values);

}  // namespace wl::wsbridge::api
