#pragma once
// The parts of a request's target.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wl::wsbridge::http {

/// "/a/b%20c" → {"a", "b c"}; "/" → {}; a last "/" gives an empty last segment. Nothing: it does not begin
/// with '/', or a segment is ".", ".." or empty (but the last), or holds '/', '\\' or NUL once decoded, or a
/// '%' is no escape.
[[nodiscard]] std::optional<std::vector<std::string>> decode_path(std::string_view path);

/// "a=1&b=x+y" → pairs in their order, '+' is a space. Nothing: a '%' is no escape, or NUL.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(
    std::string_view query);

/// As parse_query() reads it.
void append_query(std::string& query, std::string_view name, std::string_view value);

}  // namespace wl::wsbridge::http
