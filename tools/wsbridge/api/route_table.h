#pragma once
// Which route answers a request.
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::api {

/// Values of the path's {parameters}, by name.
using Captured = std::vector<std::pair<std::string, std::string>>;

struct Found {
  const RouteSpec* route = nullptr;
  Captured captured{};
  /// The path is there, for these methods only ("GET, HEAD, OPTIONS"): 405, or the answer to OPTIONS. Empty
  /// with a null route: 404.
  std::string allow{};
};

/// The routes that every bridge has: health, metrics, openapi.json, docs, redoc, setup. A profile's own come
/// first.
[[nodiscard]] const std::vector<RouteSpec>& built_in_routes();
/// What `"builtin"` may name in a profile, with the built-in routes' names.
[[nodiscard]] bool is_builtin(std::string_view name);

class RouteTable {
 public:
  /// `routes` must outlive the table.
  explicit RouteTable(std::span<const RouteSpec> routes);
  /// `segments` are those of the path, decoded. A literal segment goes before a parameter; HEAD is found as
  /// GET.
  [[nodiscard]] Found find(std::string_view method, std::span<const std::string> segments) const;

 private:
  struct Row {
    std::vector<std::string> segments{};  // of the pattern; a parameter with its braces
    const RouteSpec* route = nullptr;
  };
  std::vector<Row> rows_;  // those with a literal where others have a parameter first
};

/// "/a/{b}" as {"a", "{b}"}; "/" has none.
[[nodiscard]] std::vector<std::string> split_path(std::string_view path);
/// "{b}" → "b"; empty for a literal.
[[nodiscard]] std::string_view parameter_of(std::string_view segment);

}  // namespace wl::wsbridge::api
