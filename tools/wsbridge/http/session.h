#pragma once
// One connection's requests and answers, one after the other.
#include <ctime>
#include <functional>
#include <string>

#include "tools/wsbridge/http/connection.h"
#include "tools/wsbridge/http/parser.h"
#include "tools/wsbridge/http/server.h"

namespace wl::wsbridge::http {

/// What all sessions of a server share.
struct Common {
  Handler& handler;
  base::Log& log;
  ServerOptions options;
  ServerCounts counts{};
  bool stopping = false;           ///< every answer is the last one of its connection
  std::string upload_directory{};  ///< ours alone, made when it is first needed
  time_t date_of = 0;
  std::string date{};  ///< the headers that every answer has, in the second `date_of`
};

class Session {
 public:
  Session(boost::asio::any_io_executor executor, base::Fd socket, ssl_ctx_st* tls, Peer peer, Common& common);

  boost::asio::awaitable<void> run();
  /// Now and then: closes what takes too long, tells the site of a client that has gone, counts bytes.
  void look_after(int64_t now_ns);
  /// Between two requests.
  [[nodiscard]] bool idle() const { return idle_; }
  void close() { connection_.close(); }
  [[nodiscard]] const Peer& peer() const { return peer_; }

 private:
  boost::asio::awaitable<bool> exchange();
  boost::asio::awaitable<Parser::Outcome<Head>> read_head();
  boost::asio::awaitable<Response> ask(Head& head);
  boost::asio::awaitable<unsigned> read_body(Head& head, const Admission& admission);
  boost::asio::awaitable<unsigned> receive(const Head& head, Sink& sink);
  boost::asio::awaitable<bool> read_more(size_t limit);
  boost::asio::awaitable<void> respond(Head& head, Response& response);
  boost::asio::awaitable<bool> send_file(int file, uint64_t offset, uint64_t size);
  boost::asio::awaitable<bool> send_source(BodySource& source, bool chunked);
  boost::asio::awaitable<bool> write(std::string_view first, std::string_view second = {},
                                     std::string_view third = {});
  boost::asio::awaitable<void> linger();
  void make_head(const Head& head, const Response& response, std::optional<uint64_t> length);
  void account(const Head& head, unsigned status, uint64_t bytes, int64_t begun_ns);
  [[nodiscard]] std::string_view unread() const { return std::string_view(buffer_).substr(at_, end_ - at_); }

  Common& common_;
  Connection connection_;
  Peer peer_;
  Parser parser_{};
  std::string buffer_{};
  size_t at_ = 0, end_ = 0;  // the unread bytes of it
  std::string head_{};       // of the answer
  bool idle_ = true;
  bool body_left_ = false;                 // of the request: it will not be read
  uint64_t counted_ = 0;                   // of connection_.written()
  std::function<void()>* gone_ = nullptr;  // to call when the client goes
};

}  // namespace wl::wsbridge::http
