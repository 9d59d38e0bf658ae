#pragma once
// multipart/form-data (RFC 7578), taken as it comes: any bytes, cut anywhere, in bounded memory.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wl::wsbridge::http {

/// The boundary of a Content-Type header; nothing: it is no multipart/form-data, or has none that is allowed.
[[nodiscard]] std::optional<std::string> multipart_boundary(std::string_view content_type);

class Multipart {
 public:
  /// What was found. The views live until the call returns.
  class Parts {
   public:
    virtual ~Parts() = default;
    /// A part begins. `file_name`: nothing when it has none.
    virtual bool part(std::string_view name, std::optional<std::string_view> file_name) = 0;
    virtual bool data(std::string_view bytes) = 0;
    virtual bool part_end() = 0;
  };
  static constexpr size_t kMaxHead = 8192;  ///< bytes of a part's head
  static constexpr unsigned kMaxParts = 128;

  explicit Multipart(const std::string& boundary) : delimiter_("\r\n--" + boundary) {}
  /// False: this is no form, or `parts` said no; feed no more then.
  [[nodiscard]] bool feed(std::string_view bytes, Parts& parts);
  /// The closing delimiter was there.
  [[nodiscard]] bool complete() const { return state_ == State::done; }

 private:
  enum class State : uint8_t { preamble, after_delimiter, head, data, done };
  bool take(std::string_view& rest, Parts& parts);
  bool take_data(std::string_view& rest, Parts& parts);
  bool begin_part(std::string_view head, Parts& parts);

  std::string delimiter_;
  /// Bytes not decided yet: in data a beginning of the delimiter, else the head or what follows a delimiter.
  /// The first delimiter has no line end before it: we act as if there had been one.
  std::string kept_ = "\r\n";
  State state_ = State::preamble;
  unsigned count_ = 0;
};

}  // namespace wl::wsbridge::http
