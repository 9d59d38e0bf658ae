#pragma once
// One connection's requests and answers, one after the other.
#include <functional>
#include <string>

#include "tools/wsbridge/http/connection.h"
#include "tools/wsbridge/http/parser.h"
#include "tools/wsbridge/http/server.h"

namespace wl::wsbridge::http {

class Session {
 public:
  /// `server` outlives it.
  Session(Connection::Socket socket, ssl_ctx_st* tls, Peer peer, Server& server);

  awaitable<void> run();
  /// Now and then: closes what takes too long, tells the site of a client that has gone, counts bytes.
  void look_after(int64_t now_ns);
  /// Between two requests.
  [[nodiscard]] bool idle() const { return idle_; }
  void close() { connection_.close(); }
  [[nodiscard]] const Peer& peer() const { return peer_; }

 private:
  awaitable<bool> exchange();
  awaitable<unsigned> read_head(Head& head);
  awaitable<Response> ask(Head& head);
  awaitable<unsigned> read_body(Head& head, const Admission& admission);
  awaitable<bool> read_more(size_t limit);
  awaitable<void> respond(Head& head, Response& response);
  awaitable<bool> write_piece(std::string_view bytes, bool chunked);
  awaitable<bool> write(std::string_view first, std::string_view second = {}, std::string_view third = {});
  void make_head(const Head& head, Response& response);
  void account(const Head& head, unsigned status, uint64_t bytes, int64_t begun_ns);

  Server& server_;
  Connection connection_;
  Peer peer_;
  Parser parser_;
  std::string buffer_{};  // what is read and not used
  std::string head_{};    // of the answer
  bool idle_ = true;
  bool body_left_ = false;  // of the request: it will not be read
  uint64_t counted_ = 0;    // of connection_.written()
};

}  // namespace wl::wsbridge::http
