#pragma once
// What a profile says, as plain data: five tables and who may use them. read_profile() has checked that names
// which refer to something find it.
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/base/time.h"

namespace wl::wsbridge {

using Argv = std::vector<std::string>;

/// Where something stands in a profile, for messages: "traffic.json:12".
struct Place {
  std::string file{};
  size_t line = 0;  ///< 0: the file as a whole
  [[nodiscard]] std::string text() const { return file + (line == 0 ? "" : ":" + std::to_string(line)); }
  auto operator<=>(const Place&) const = default;
};

enum class Restart : uint8_t { always, on_failure, never };

/// A command started once, its stdout lines shared by all who listen.
struct StreamSpec {
  std::string name{};
  std::vector<Argv> pipeline{};  ///< each one's stdout is the next one's stdin; empty: our standard input
  bool text_lines = false;       ///< lines that are no JSON travel as {"type":"line","text":…}
  Restart restart = Restart::always;
  int64_t every_ns = 0;    ///< not 0: the command ends by itself and is started anew so often
  bool on_demand = false;  ///< runs only while somebody listens
  size_t history = 100;    ///< records kept for those who join
  std::string key{};       ///< not empty: the newest record of each value of this field is kept too
  Place place{};
};

/// A pool of coprocesses with the worker protocol.
struct WorkerSpec {
  std::string name{};
  Argv command{};
  uint32_t count = 1;        ///< processes
  uint32_t concurrency = 1;  ///< requests at a time for each
  int64_t timeout_ns = 30 * base::kSecond;
  uint32_t queue = 64;  ///< requests that may wait; one more is told to come back later
  Place place{};
};

enum class ValueType : uint8_t { text, integer, number, boolean };
enum class ParamIn : uint8_t { path, query, body };

/// A typed value that a request carries.
struct ParamSpec {
  std::string name{};
  ParamIn in = ParamIn::query;
  ValueType type = ValueType::text;
  bool required = false;
  std::optional<std::string> initial{};  ///< as text
  std::optional<double> min{}, max{};    ///< of a number; of a text its length in bytes
  std::vector<std::string> words{};      ///< not empty: one of these
  std::string text{};                    ///< one line for the documentation
  Place place{};
};

enum class Source : uint8_t { stream, worker, command, builtin };
enum class Give : uint8_t { last, history, state };
enum class Form : uint8_t { json, ndjson, raw };
/// Who may use a route or socket: bearers of a token; also those whom `open_to` names; everybody.
enum class Access : uint8_t { token, open, everybody };

struct UploadSpec {
  std::string field = "file";  ///< of a multipart form; a raw body is taken too
  uint64_t max_bytes = uint64_t{1} << 30;
};

struct RouteSpec {
  std::string method = "GET";
  std::string path{};  ///< "/api/packets/{file_id}"
  std::string summary{};
  std::vector<ParamSpec> params{};
  std::optional<UploadSpec> upload{};

  Source source = Source::stream;
  std::string name{};      ///< of the stream, worker or builtin
  Give give = Give::last;  ///< of a stream
  /// A word is literal, or holds one {parameter}: "--limit={limit}", and "{file}" behind "--". A word whose
  /// parameter has no value is left out. {upload} is the path of the uploaded file, {upload_name} its name.
  Argv argv{};

  Form form = Form::json;
  std::string
      as{};  ///< jq program; sees a stream's last record (null before the first), else the array of all
  unsigned status = 200;
  std::string status_as{};  ///< jq program that gives the status, of what `as` sees; empty: `status`
  std::string media_type = "application/octet-stream";  ///< of a raw answer
  std::string file_name{};                              ///< of a raw answer, a template as in argv
  std::string error_as{};  ///< jq program that makes the body of a failure out of the problem document
  int64_t cache_ns = 0;
  std::string rate{};  ///< class of limits.rates; empty: none
  Access access = Access::token;
  int64_t timeout_ns = 0;  ///< 0: its worker's; of a command 30 s
  Place place{};
};

/// What a client may lag behind, and what is then done.
enum class Slow : uint8_t { drop, conflate, cut, block };

struct SubscriptionSpec {
  std::string stream{};
  std::string as{};  ///< jq program; empty: the record as it is
  Slow slow = Slow::drop;
  size_t history = 1;      ///< records that a joiner gets
  std::string mine{};      ///< not empty: only records in which this key is the client's user id
  bool timestamp = false;  ///< every message that is an object carries one
  Place place{};
  auto operator<=>(const SubscriptionSpec&) const = default;
};

/// A message that clients may send: its `path` is the message's `type`, its `name` that of a worker, and its
/// parameters are members of the message.
using ReceiveSpec = RouteSpec;

struct SocketSpec {
  std::string path{};
  std::vector<SubscriptionSpec> streams{};
  std::string welcome{};     ///< JSON sent first; empty: none
  int64_t heartbeat_ns = 0;  ///< {"type":"heartbeat","server_time":…}
  bool timestamp = false;    ///< every message that is an object carries one
  std::vector<ReceiveSpec> receive{};
  std::string worker{};  ///< not empty: messages go to this worker's process and its lines come back
  Access access = Access::token;
  Place place{};
};

/// Whether it gives a stream's records as they come, without an end.
[[nodiscard]] inline bool flows(const RouteSpec& route) {
  return route.source == Source::stream && route.form == Form::ndjson && route.give == Give::last;
}

struct RateSpec {
  std::string name{};
  uint32_t per_minute = 0;
};

struct LimitSpec {
  uint32_t clients = 12'000;
  uint32_t per_address = 12'000;
  uint64_t header_bytes = uint64_t{16} << 10;
  uint64_t body_bytes = uint64_t{1} << 20;
  uint64_t message_bytes = uint64_t{1} << 20;  ///< of a WebSocket message, inflated
  uint64_t backlog_bytes = uint64_t{4} << 20;  ///< of a stream, for those who lag
  int64_t idle_ns = 60 * base::kSecond;
  std::vector<RateSpec> rates{{"commands", 10}, {"data", 30}, {"diagnostics", 5}};
};

enum class Signup : uint8_t { closed, invited, open };

struct Profile {
  std::vector<StreamSpec> streams{};
  std::vector<WorkerSpec> workers{};
  std::vector<RouteSpec> routes{};
  std::vector<SocketSpec> sockets{};
  LimitSpec limits{};
  std::vector<std::string> open_to{};  ///< CIDR: may read without a token; empty: this machine
  std::vector<std::string> origins{};  ///< "http://dash.example:3000"; of others' pages nothing is read
  std::vector<std::string> hosts{};    ///< names that Host may have beside addresses and localhost
  std::vector<std::string> trusted_proxies{};  ///< CIDR: X-Forwarded-For is believed from there alone
  Signup signup = Signup::closed;
  std::string web{};  ///< directory of static files; empty: the built-in page
};

}  // namespace wl::wsbridge
