#pragma once
// A request's path → its route; what the request carries → checked values → words of a command.
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcommon/base/error.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::api {

/// The routes that every bridge has, from openapi.json: health, metrics, docs, login … A profile's own come
/// first.
[[nodiscard]] const std::vector<RouteSpec>& built_in_routes();
/// What `"builtin"` may name in a profile, with the built-in routes' names.
[[nodiscard]] bool is_builtin(std::string_view name);
/// OpenAPI 3.1 of all routes of the profile and the built-in ones, sockets as GETs that answer 101. Make it
/// once.
[[nodiscard]] std::string openapi(const Profile& profile, std::string_view version);

/// A file of this folder (*.json, *.jq), which is part of the program.
[[nodiscard]] std::string_view embedded(std::string_view name);

/// Names and values, in the order in which they were sent.
using Captured = std::vector<std::pair<std::string, std::string>>;

struct Found {
  const RouteSpec* route = nullptr;
  Captured captured{};  ///< values of the path's {parameters}
  /// The path is there, for these methods only ("GET, HEAD, OPTIONS"): 405, or the answer to OPTIONS. Empty
  /// with a null route: 404.
  std::string allow{};
};

class RouteTable {
 public:
  /// `routes` must outlive the table.
  explicit RouteTable(std::span<const RouteSpec> routes);
  /// `segments` are those of the path, decoded. A literal segment goes before a parameter; HEAD is found as
  /// GET.
  [[nodiscard]] Found find(std::string_view method, std::span<const std::string> segments) const;

 private:
  /// Segments of the pattern, a parameter with its braces. Those with a literal where others have a parameter
  /// come first.
  std::vector<std::pair<std::vector<std::string>, const RouteSpec*>> rows_;
};

/// "{b}" → "b"; empty for a literal.
[[nodiscard]] std::string_view parameter_of(std::string_view segment);

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
/// client ("limit: at most 1000"). A name in the query that is no parameter is an error, one in a body is
/// passed over.
[[nodiscard]] base::Result<Values> read_values(std::span<const ParamSpec> params, const Sent& sent);

/// One value, as it then stands in a command. Text is UTF-8 without control characters (NUL, newlines), and
/// at most kMaxText bytes long unless the parameter says less.
[[nodiscard]] base::Result<std::string> check_value(const ParamSpec& param, std::string_view text);
inline constexpr size_t kMaxText = 65'536;  // Linux takes 128 KiB for a word

/// The words of a command: each word of the template is one word or, when its value is missing, or is that of
/// an option and empty, none. A value never becomes a further word, nor an option: one with '-' in front is
/// refused where it would stand first before "--".
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
