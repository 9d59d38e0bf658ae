#include "tools/wsbridge/api/redis.h"

#include <array>
#include <deque>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <hiredis/hiredis.h>

#include "libcommon/base/units.h"

namespace wl::wsbridge::api {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

base::Result<RedisSpec> parse_redis_url(std::string_view url) {
  const auto wrong = [&](const char* why) {
    return base::fail(std::string(url) + ": " + why, "redis://[USER@]HOST[:PORT][/DATABASE]");
  };
  constexpr std::string_view kScheme = "redis://";
  if (!url.starts_with(kScheme)) return wrong("not a URL of Redis");
  std::string_view rest = url.substr(kScheme.size());
  RedisSpec spec;
  if (const size_t slash = rest.find('/'); slash != rest.npos) {
    const auto database =
        rest.size() == slash + 1 ? 0 : base::parse_number(rest.substr(slash + 1), 1'000'000);
    if (!database) return wrong("not a number of a database");
    spec.database = *database;
    rest = rest.substr(0, slash);
  }
  if (const size_t at = rest.rfind('@'); at != rest.npos) {
    spec.user = rest.substr(0, at);
    if (spec.user.contains(':')) {
      return base::fail("redis://…: a password in a URL is seen by everybody", "give REDIS_PASSWORD");
    }
    rest = rest.substr(at + 1);
  }
  const size_t bracket = rest.starts_with('[') ? rest.find(']') : 0;
  if (bracket == rest.npos) return wrong("an address without ']'");
  if (const size_t colon = rest.find(':', bracket); colon != rest.npos) {
    spec.port = rest.substr(colon + 1);
    if (const auto port = base::parse_number(spec.port, 65535); !port || *port == 0)
      return wrong("not a port");
    rest = rest.substr(0, colon);
  }
  spec.host = bracket > 0 ? rest.substr(1, bracket - 1) : rest;
  if (spec.host.empty()) return wrong("no host");
  return spec;
}

namespace {

/// A command that is on its way: `done` is its time-out, and is cancelled by its answer.
struct Pending {
  explicit Pending(const asio::any_io_executor& executor) : done(executor, Redis::kTimeout) {}
  asio::steady_timer done;
  bool answered = false;
  std::optional<RedisReply> reply{};
};

/// One connection. Answers come in the order of the commands.
struct Link {
  explicit Link(const asio::any_io_executor& executor) : socket(executor), resolver(executor) {}

  std::shared_ptr<Pending> send(const std::vector<std::string>& words) {
    std::vector<const char*> texts;
    std::vector<size_t> sizes;
    for (const std::string& word : words) {
      texts.push_back(word.data());
      sizes.push_back(word.size());
    }
    char* text = nullptr;
    const int size =
        redisFormatCommandArgv(&text, static_cast<int>(words.size()), texts.data(), sizes.data());
    if (size > 0) out.append(text, static_cast<size_t>(size));
    redisFreeCommand(text);
    return waiting.emplace_back(std::make_shared<Pending>(socket.get_executor()));
  }

  void close() {
    closed = true;
    error_code ignored;
    socket.close(ignored);
    resolver.cancel();
    for (const auto& pending : waiting) {
      pending->answered = true;
      pending->done.cancel();
    }
    waiting.clear();
  }

  tcp::socket socket;
  tcp::resolver resolver;
  std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader{redisReaderCreate(), &redisReaderFree};
  std::deque<std::shared_ptr<Pending>> waiting{};
  std::string out{};
  size_t greetings = 0;  ///< answers to our own commands that are still to come
  bool open = false;
  bool writing = false;
  bool closed = false;
};

}  // namespace

struct Redis::State {
  State(asio::any_io_executor its_executor, RedisSpec its_spec, base::Log& its_log)
      : executor(std::move(its_executor)), spec(std::move(its_spec)), log(its_log) {}

  void fail(Link& failed, const std::string& reason) {
    if (failed.closed) return;
    failed.close();
    if (link.get() == &failed) link = nullptr;
    retry_at = steady_clock::now() + kPause;
    if (up) log.warning("redis: " + spec.host + ": " + reason + " (going on without it, trying each 5 s)");
    up = false;
  }

  void take(Link& from, const redisReply& reply) {
    if (reply.type == REDIS_REPLY_ERROR) return fail(from, std::string(reply.str, reply.len));
    if (from.waiting.empty()) return fail(from, "an answer that nobody asked for");
    if (from.greetings > 0) {
      --from.greetings;
    } else if (!std::exchange(up, true)) {
      log.info("redis: " + spec.host + ": is back");
    }
    const auto pending = from.waiting.front();
    from.waiting.pop_front();
    pending->reply = RedisReply{.nil = reply.type == REDIS_REPLY_NIL, .number = reply.integer};
    if (reply.str != nullptr) pending->reply->text.assign(reply.str, reply.len);
    pending->answered = true;
    pending->done.cancel();
  }

  static asio::awaitable<void> write(std::shared_ptr<State> self, std::shared_ptr<Link> link) {
    if (!link->open || link->writing) co_return;
    link->writing = true;
    error_code error;
    while (!link->out.empty() && !error) {
      const std::string sending = std::exchange(link->out, {});
      const auto buffer = asio::buffer(sending);
      co_await asio::async_write(link->socket, buffer, asio::redirect_error(asio::use_awaitable, error));
    }
    link->writing = false;
    if (error) self->fail(*link, error.message());
  }

  static asio::awaitable<void> run(std::shared_ptr<State> self, std::shared_ptr<Link> link) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const auto found = co_await link->resolver.async_resolve(self->spec.host, self->spec.port, token);
    if (!error && !link->closed) co_await asio::async_connect(link->socket, found, token);
    if (error || link->closed) co_return self->fail(*link, error.message());
    link->socket.set_option(tcp::no_delay(true), error);
    link->open = true;
    asio::co_spawn(self->executor, write(self, link), asio::detached);
    std::array<char, 16384> bytes;
    while (!link->closed) {
      const size_t size = co_await link->socket.async_read_some(asio::buffer(bytes), token);
      if (error) co_return self->fail(*link, error.message());
      redisReaderFeed(link->reader.get(), bytes.data(), size);
      for (void* reply = nullptr; !link->closed;) {
        if (redisReaderGetReply(link->reader.get(), &reply) != REDIS_OK)
          self->fail(*link, link->reader->errstr);
        if (reply == nullptr) break;
        self->take(*link, *static_cast<redisReply*>(reply));
        freeReplyObject(reply);
      }
    }
  }

  void connect() {
    link = std::make_shared<Link>(executor);
    if (!spec.user.empty()) {
      link->send({"AUTH", spec.user, spec.password});
    } else if (!spec.password.empty()) {
      link->send({"AUTH", spec.password});
    }
    if (spec.database != 0) link->send({"SELECT", std::to_string(spec.database)});
    link->greetings = link->waiting.size();
  }

  asio::any_io_executor executor;
  RedisSpec spec;
  base::Log& log;
  std::shared_ptr<Link> link{};
  steady_clock::time_point retry_at{};
  bool up = true;
};

Redis::Redis(asio::any_io_executor executor, RedisSpec spec, base::Log& log)
    : state_(std::make_shared<State>(std::move(executor), std::move(spec), log)) {}

Redis::~Redis() {
  if (state_->link) state_->link->close();
}

bool Redis::up() const { return state_->up; }

asio::awaitable<std::optional<RedisReply>> Redis::command(std::vector<std::string> words) {
  const std::shared_ptr<State> state = state_;
  if (!state->link) {
    if (steady_clock::now() < state->retry_at) co_return std::nullopt;
    state->connect();
    asio::co_spawn(state->executor, State::run(state, state->link), asio::detached);
  }
  const std::shared_ptr<Link> link = state->link;
  const std::shared_ptr<Pending> pending = link->send(words);
  asio::co_spawn(state->executor, State::write(state, link), asio::detached);
  error_code ignored;
  co_await pending->done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (!pending->answered) state->fail(*link, "no answer within 200 ms");
  co_return pending->reply;
}

}  // namespace wl::wsbridge::api
