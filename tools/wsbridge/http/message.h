#pragma once
// Requests and answers of HTTP as the rest of the bridge sees them: no Beast, no sockets.
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "libcommon/base/fd.h"

namespace wl::wsbridge::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Who speaks to us. `address` is that of the socket, without a port; "unix" for a unix socket.
struct Peer {
  std::string address{};
  bool loopback = false;
  bool secure = false;  ///< TLS
};

/// The body of an upload, in a temporary file that goes with this object.
struct TemporaryFile {
  ~TemporaryFile() { ::unlink(path.c_str()); }
  std::string path;
  std::string name;  ///< as the client calls it: never a part of a path of ours
};

struct Request {
  std::string method{};
  std::string path{};   ///< as sent, before '?'; decode_path() takes it apart
  std::string query{};  ///< as sent, behind '?'
  Headers headers{};    ///< in their order; names as sent
  std::string body{};
  std::shared_ptr<TemporaryFile> upload{};
  Peer peer{};
  /// For handle() to set while it waits for something long: called once when the client goes before it has
  /// its answer. It may only make the waiting end.
  std::function<void()> gone{};

  /// The first header of that name (case does not matter); null: none.
  [[nodiscard]] const std::string* header(std::string_view name) const;
  /// All headers of that name as one list (RFC 9110, 5.3); nothing: there is none.
  [[nodiscard]] std::optional<std::string> joined(std::string_view name) const;
};

/// A body that is made while it is sent (chunked).
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// The next bytes, never empty; nothing: the end. Destroyed early when the client goes.
  virtual boost::asio::awaitable<std::optional<std::string>> next() = 0;
  /// The client went while next() waits: next() should come back soon.
  virtual void gone() {}
};

struct ByteRange {
  uint64_t first = 0;
  uint64_t size = 0;
};

/// Bytes of a file, see file_answer().
struct FileBody {
  base::Fd fd{};
  ByteRange part{};
};

class Connection;
/// Takes the connection over, after the head of the answer was written: a WebSocket, a stream of records.
using TakeOver = std::function<boost::asio::awaitable<void>(Connection&)>;

struct Response {
  unsigned status = 200;
  Headers headers{};
  std::variant<std::string, std::shared_ptr<const std::string>, FileBody, std::unique_ptr<BodySource>,
               TakeOver>
      body{};
};

/// "Not Found" of 404.
[[nodiscard]] std::string_view reason(unsigned status);
/// A failure as RFC 9457 has it: {"type":"about:blank","title":"Not Found","status":404,"detail":"…"}
[[nodiscard]] Response problem(unsigned status, std::string_view detail = {});

/// What to do with a body, decided from the head of a request.
struct Admission {
  std::optional<Response> refusal{};  ///< the connection closes behind it when a body was announced
  uint64_t max_bytes = 0;             ///< more is answered with 413
  std::optional<std::string>
      upload_field{};  ///< into a temporary file: this field of a form, or the raw body
};

/// The site behind the server. All calls come on the I/O thread. HEAD comes as GET: the server leaves the
/// body out.
class Handler {
 public:
  virtual ~Handler() = default;
  /// From the head alone (its body is empty).
  virtual boost::asio::awaitable<Admission> admit(const Request& request) = 0;
  virtual boost::asio::awaitable<Response> handle(Request& request) = 0;
};

/// "/a/b%20c" → {"a", "b c"}; "/" → {}; a last "/" gives an empty last segment. Nothing: it does not begin
/// with '/', or a segment is ".", ".." or empty (but the last), or holds '/', '\\' or NUL once decoded, or a
/// '%' is no escape.
[[nodiscard]] std::optional<std::vector<std::string>> decode_path(std::string_view path);
/// "a=1&b=x+y" → pairs in their order, '+' is a space. Nothing: a '%' is no escape, or NUL.
[[nodiscard]] std::optional<Headers> parse_query(std::string_view query);
/// Appends `text` so that parse_query() reads it again.
void append_encoded(std::string& query, std::string_view text);

/// "Fri, 20 Nov 2026 09:03:00 GMT".
[[nodiscard]] std::string http_date(time_t time);

}  // namespace wl::wsbridge::http
