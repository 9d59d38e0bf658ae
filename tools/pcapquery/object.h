#pragma once
// JSON objects, key by key.
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/time.h"

namespace wl::pcapquery {

/// How values are written.
struct Style {
  base::TimeFormat time = base::TimeFormat::rfc3339;
  int digits = 6;  ///< of a second's fraction: 6 or 9
};

/// `{"type":NAME,…}`; without a type a plain object. Text must be UTF-8.
class Object {
 public:
  explicit Object(const Style& style, std::string_view type = {});

  void text(std::string_view key, std::string_view value);
  void texts(std::string_view key, const std::vector<std::string_view>& values);
  void number(std::string_view key, uint64_t value);
  void real(std::string_view key, double value);
  void boolean(std::string_view key, bool value);
  void time(std::string_view key, int64_t ns);
  void ip(std::string_view key, std::string_view bytes);  ///< 4 or 16 of them
  void mac(std::string_view key, uint64_t number);        ///< its lower 48 bits
  void tcp_flags(std::string_view key, uint8_t flags);
  /// JSON as it is.
  void json(std::string_view key, std::string_view value);

  /// The object; nothing may be added to it.
  [[nodiscard]] std::string take();

 private:
  void begin(std::string_view key);

  const Style& style_;
  std::string out_ = "{";
};

/// "[a,b]" of JSON values.
[[nodiscard]] std::string json_array(const std::vector<std::string>& values);

}  // namespace wl::pcapquery
