#pragma once
// Bytes of a connection into requests: Beast's parser behind the checks that it lacks. Nothing is accepted
// that two parsers in a row could read in two ways (request smuggling).
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tools/wsbridge/http/message.h"

namespace wl::wsbridge::http {

/// Takes the bytes of a body; 0: fine; else the status with which the request is refused.
using Sink = std::function<unsigned(std::string_view bytes)>;

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
  /// What head() and body() say beside the status with which a request is refused.
  static constexpr unsigned kMore = 0, kWhole = 200;

  /// Heads of up to `max_head` bytes are taken.
  explicit Parser(size_t max_head);
  ~Parser();
  /// Takes a head off the front of `bytes` once it is whole.
  [[nodiscard]] unsigned head(std::string& bytes, Head& head);
  /// Takes of the body behind it what is there.
  [[nodiscard]] unsigned body(std::string& bytes, const Sink& sink);

 private:
  struct Beast;
  unsigned parse(std::string_view bytes);

  std::unique_ptr<Beast> beast_;
  size_t max_head_;
  size_t line_ = 0;  // where the line begins that is not whole yet
};

}  // namespace wl::wsbridge::http
