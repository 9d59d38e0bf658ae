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

#include <unistd.h>

#include "tools/wsbridge/process/event.h"

namespace wl::wsbridge::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Who speaks to us. `address` is that of the socket, without a port; "unix" for a unix socket.
struct Peer {
  std::string address{};
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
  /// For handle() to set while it waits for something long: Connection::gone, so never null there.
  std::function<void()>* gone = nullptr;

  /// The first header of that name (case does not matter); null: none.
  [[nodiscard]] const std::string* header(std::string_view name) const;
  /// All headers of that name as one list (RFC 9110, 5.3); nothing: there is none.
  [[nodiscard]] std::optional<std::string> joined(std::string_view name) const;
};

/// Where a body goes that is made while it is sent.
struct BodySink {
  /// False: the client has gone. The bytes must live until then.
  std::function<awaitable<bool>(std::string_view bytes)> write;
  std::function<void()>& gone;  ///< as Request::gone
};
/// Makes a body; what it throws breaks the answer off.
using BodyMaker = std::function<awaitable<void>(BodySink& sink)>;

class Connection;
/// Takes the connection over, after the head of the answer was written: a WebSocket, a stream of records.
using TakeOver = std::function<awaitable<void>(Connection&)>;

struct Response {
  unsigned status = 200;
  Headers headers{};
  std::variant<std::string, std::shared_ptr<const std::string>, BodyMaker, TakeOver> body{};
  std::optional<uint64_t> length{};  ///< of a made body, where it is known; else it goes in chunks
};

/// "Not Found" of 404.
[[nodiscard]] std::string_view reason(unsigned status);
/// A failure as RFC 9457 has it: {"type":"about:blank","title":"Not Found","status":404,"detail":"…"}. With
/// what 401 asks for, and when to come back where that helps (429, 503).
[[nodiscard]] Response problem(unsigned status, std::string_view detail = {}, int retry_after_s = 1);

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
  virtual awaitable<Admission> admit(const Request&) { co_return Admission{}; }
  virtual awaitable<Response> handle(Request& request) = 0;
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
