#pragma once
// Bytes of a connection into requests: Beast's parser behind the checks that it lacks. Nothing is accepted
// that two parsers in a row could read in two ways (request smuggling).
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string_view>

#include "tools/wsbridge/http/message.h"

namespace wl::wsbridge::http {

/// Where the bytes of a body go.
class Sink {
 public:
  virtual ~Sink() = default;
  /// 0: fine; else the status with which the request is refused.
  virtual unsigned add(std::string_view bytes) = 0;
};

struct Head {
  Request request{};
  bool http11 = false;
  bool keep_alive = false;
  bool head_only = false;  ///< HEAD; `request` says GET
  bool expects_continue = false;
  bool has_body = false;
  std::optional<uint64_t> length{};  ///< nothing with a body: chunked
};

class Parser {
 public:
  template <class T>
  using Outcome = std::expected<T, unsigned>;  ///< or the status with which the request is refused

  Parser();
  ~Parser();
  /// Size of the head at the front of `bytes`; 0: it is not whole yet. `line` is the parser's place, 0 at
  /// first.
  [[nodiscard]] static Outcome<size_t> find_head(std::string_view bytes, size_t& line);
  [[nodiscard]] Outcome<Head> parse_head(std::string_view head);
  /// Takes of the body what it can use.
  [[nodiscard]] Outcome<size_t> body(std::string_view bytes, Sink& sink);
  /// The body is whole.
  [[nodiscard]] bool done() const;

 private:
  struct Beast;
  std::unique_ptr<Beast> beast_;
};

/// "Not Found" of 404.
[[nodiscard]] std::string_view reason_phrase(unsigned status);

}  // namespace wl::wsbridge::http
