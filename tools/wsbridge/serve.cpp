#include "tools/wsbridge/serve.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/resource.h>

#include "libcommon/base/signals.h"
#include "libcommon/base/units.h"
#include "libcommon/catalog/users.h"
#include "tools/wsbridge/access/access.h"
#include "tools/wsbridge/api/redis.h"
#include "tools/wsbridge/api/site.h"
#include "tools/wsbridge/http/server.h"
#include "tools/wsbridge/process/child.h"
#include "tools/wsbridge/profile/check.h"

namespace wl::wsbridge {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

constexpr std::chrono::seconds kLastRecords{2};  // that a stopped pipeline gets to write its last records

std::unexpected<base::Error> usage(std::string text, std::string hint = {}) {
  return base::fail(std::move(text), std::move(hint), base::Exit::usage);
}

/// Settings by the names of the programs that the bridge replaces: KEY=VALUE lines, as systemd and docker
/// read them (# begins a comment line, quotes around a value go).
base::Result<void> apply_env_file(ServeOptions& options, std::optional<api::RedisSpec>& redis,
                                  Profile& profile) {
  std::ifstream file(options.env_file);
  if (!file) return usage(options.env_file + ": " + base::errno_text(errno));
  std::map<std::string, std::string> settings;
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    const size_t equals = line.find('=');
    if (line.starts_with('#') || equals == line.npos) continue;
    std::string value = line.substr(equals + 1);
    const bool quoted = value.size() > 1 && value[0] == value.back() && (value[0] == '"' || value[0] == '\'');
    if (quoted) value = value.substr(1, value.size() - 2);
    if (!value.empty()) settings[line.substr(0, equals)] = value;
  }
  const auto setting = [&](const std::string& name, const std::string& otherwise = "") {
    return settings.contains(name) ? settings[name] : otherwise;
  };
  if (options.listen.empty() && (settings.contains("HOST") || settings.contains("PORT")))
    options.listen.push_back(setting("HOST", "127.0.0.1") + ":" + setting("PORT", "8000"));
  if (settings.contains("REDIS_HOST") && !redis)
    redis = {.host = setting("REDIS_HOST"),
             .port = setting("REDIS_PORT", "6379"),
             .password = setting("REDIS_PASSWORD")};
  for (RateSpec& rate : profile.limits.rates) {
    std::string name = "RATE_LIMIT_" + rate.name;
    std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
    const auto number = base::parse_number(setting(name, std::to_string(rate.per_minute)), 1'000'000);
    if (!number) return usage(options.env_file + ": " + name + ": not a number");
    rate.per_minute = static_cast<uint32_t>(*number);
  }
  return {};
}

/// A stream of the command line, with what everybody gets: /ws/NAME, /api/NAME, /streams/NAME.
base::Result<void> add_stream(const std::string& text, bool lines, Profile& profile) {
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const auto good = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  };
  if (equals == text.npos || name.empty() || !std::ranges::all_of(name, good))
    return usage("--stream " + text + ": expected NAME=COMMAND or NAME=-", "letters, digits, _ and -");
  if (std::ranges::count(profile.streams, name, &StreamSpec::name) != 0)
    return usage("--stream " + name + ": is there twice", "choose another name");
  StreamSpec stream{.name = name, .text_lines = lines};
  if (const std::string command = text.substr(equals + 1); command != "-") {
    auto pipeline = process::split_command(command);
    if (!pipeline) return usage("--stream " + name + ": " + pipeline.error().text, pipeline.error().hint);
    stream.pipeline = std::move(*pipeline);
  }
  RouteSpec last{
      .path = "/api/" + name, .summary = "the last record of " + name, .name = name, .access = Access::open};
  RouteSpec flow{.path = "/streams/" + name,
                 .summary = "the records of " + name + " as they come",
                 .name = name,
                 .form = Form::ndjson,
                 .access = Access::open};
  profile.streams.push_back(std::move(stream));
  profile.routes.insert(profile.routes.end(), {last, flow});
  profile.sockets.push_back({.path = "/ws/" + name, .streams = {{.stream = name}}, .access = Access::open});
  return {};
}

/// What is served. Fills in `options.listen` and `redis`.
base::Result<Profile> served_profile(ServeOptions& options, std::optional<api::RedisSpec>& redis,
                                     base::Log& log) {
  if (options.profiles.empty() && options.streams.empty())
    return usage("serve: nothing to serve", "a PROFILE, or --stream NAME=COMMAND");
  if (options.certificate.empty() != options.key.empty())
    return usage("--tls-cert and --tls-key belong together", "give both");
  auto profile = load_profile(options.profiles, log);
  if (!profile) return usage("serve: the profile has errors");
  for (const std::string& stream : options.streams) {
    if (const auto added = add_stream(stream, options.lines, *profile); !added)
      return std::unexpected(added.error());
  }
  const auto from_input = [](const StreamSpec& stream) { return stream.pipeline.empty(); };
  if (std::ranges::count_if(profile->streams, from_input) > 1)
    return usage("only one stream can read standard input", "give the others commands");
  if (!options.redis.empty()) {
    const auto spec = api::parse_redis_url(options.redis);
    if (!spec) return std::unexpected(spec.error());
    redis = *spec;
    if (const char* const password = std::getenv("WIRELINE_REDIS_PASSWORD")) redis->password = password;
  }
  if (!options.env_file.empty()) {
    if (const auto applied = apply_env_file(options, redis, *profile); !applied)
      return std::unexpected(applied.error());
  }
  if (options.listen.empty()) options.listen.emplace_back("127.0.0.1:8000");
  return std::move(*profile);
}

/// Whether anything in the profile asks who it is.
bool needs_users(const Profile& profile) {
  const auto asks = [](const auto& spec) { return spec.access == Access::token; };
  return profile.signup != Signup::closed || std::ranges::any_of(profile.routes, asks) ||
         std::ranges::any_of(profile.sockets, asks) ||
         std::ranges::count(profile.routes, Source::builtin, &RouteSpec::source) != 0;
}

/// As many descriptors as the system lets us have: each client needs one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

/// /metrics on an address of its own.
class MetricsSite final : public http::Handler {
 public:
  explicit MetricsSite(api::Site& site) : site_(site) {}
  awaitable<http::Admission> admit(const http::Request&) override {
    http::Admission admission;
    co_return admission;
  }
  awaitable<http::Response> handle(http::Request& request) override {
    http::Response response{.status = 404, .headers = {{"Content-Type", "text/plain"}}, .body = {}};
    if (request.path == "/metrics") response = site_.metrics();
    co_return response;
  }

 private:
  api::Site& site_;
};

/// Everything that runs, in the order in which it is built.
class Bridge {
 public:
  Bridge(const ServeOptions& options, Profile profile, cli::Context& context)
      : options_(options), profile_(std::move(profile)), context_(context), log_(context.log) {}

  base::Result<void> build(const catalog::Location& location, const std::optional<api::RedisSpec>& redis);
  base::Result<void> listen();
  /// Until a signal, then drains.
  void run();

 private:
  awaitable<void> wait_for_signal();
  awaitable<void> drain();
  awaitable<void> sleep(std::chrono::milliseconds time);
  [[nodiscard]] bool input_runs();

  const ServeOptions& options_;
  Profile profile_;
  cli::Context& context_;
  base::Log& log_;
  asio::io_context io_{1};
  std::shared_ptr<catalog::Users> users_;
  std::shared_ptr<api::Redis> redis_;
  std::optional<access::Policy> policy_;
  std::unique_ptr<access::Gate> gate_;
  std::unique_ptr<api::Site> site_;
  std::unique_ptr<MetricsSite> metrics_site_;
  std::shared_ptr<http::Server> server_, metrics_server_;
};

base::Result<void> Bridge::build(const catalog::Location& location,
                                 const std::optional<api::RedisSpec>& redis) {
  const auto executor = io_.get_executor();
  if (needs_users(profile_)) {
    auto db = catalog::open_catalog(location);
    if (!db) return std::unexpected(db.error());
    users_ = std::make_shared<catalog::Users>(*db);
  }
  if (redis) redis_ = std::make_shared<api::Redis>(*redis, log_);
  auto policy = access::Policy::make(profile_);
  if (!policy) return std::unexpected(policy.error());
  policy_.emplace(std::move(*policy));
  gate_ = std::make_unique<access::Gate>(users_, *policy_, profile_.signup, log_);
  site_ = std::make_unique<api::Site>(executor, profile_, *policy_, *gate_, redis_, log_);
  if (auto built = site_->build(context_.version); !built) return built;
  server_ = std::make_shared<http::Server>(executor, *site_, profile_.limits, options_.access_log, log_);
  site_->served = &server_->counts();
  site_->metrics_here = options_.metrics_listen.empty();
  if (!options_.metrics_listen.empty()) {
    metrics_site_ = std::make_unique<MetricsSite>(*site_);
    metrics_server_ = std::make_shared<http::Server>(executor, *metrics_site_, LimitSpec{}, false, log_);
  }
  return {};
}

base::Result<void> Bridge::listen() {
  std::string first;
  for (const std::string& address : options_.listen) {
    const auto url =
        server_->listen({.address = address, .certificate = options_.certificate, .key = options_.key});
    if (!url) return std::unexpected(url.error());
    log_.info("listening on " + *url);
    if (first.empty()) first = *url;
  }
  if (metrics_server_) {
    const auto url =
        metrics_server_->listen({.address = options_.metrics_listen, .certificate = {}, .key = {}});
    if (!url) return std::unexpected(url.error());
    log_.info("metrics on " + *url + "/metrics");
  }
  if (!users_) return {};
  if (const std::string link = gate_->setup_link(first); !link.empty()) {
    log_.info("no user yet: the first one is made at " + link);
  }
  return {};
}

void Bridge::run() {
  site_->answers().start();
  asio::co_spawn(io_, wait_for_signal(), asio::detached);
  io_.run();
}

awaitable<void> Bridge::wait_for_signal() {
  asio::signal_set signals(io_, SIGINT, SIGTERM);
  boost::system::error_code error;
  co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, error));
  signals.async_wait([](const boost::system::error_code& failed, int signal) {
    if (!failed) ::_exit(128 + signal);  // the second one
  });
  co_await drain();
  io_.stop();
}

/// Ctrl-C on a pipeline reaches all of it: what those before us still write is taken first.
awaitable<void> Bridge::drain() {
  const auto end = std::chrono::steady_clock::now() + kLastRecords;
  while (input_runs() && std::chrono::steady_clock::now() < end) {
    co_await sleep(std::chrono::milliseconds(10));
  }
  log_.info("stopping");
  co_await site_->drain();
  const std::chrono::nanoseconds grace(options_.grace);
  co_await server_->stop(std::chrono::duration_cast<std::chrono::milliseconds>(grace));
  co_await site_->answers().stop();
}

awaitable<void> Bridge::sleep(std::chrono::milliseconds time) {
  asio::steady_timer timer(io_, time);
  co_await timer.async_wait(asio::use_awaitable);
}

bool Bridge::input_runs() {
  return std::ranges::any_of(site_->answers().feeds(), [](const auto& named) {
    const stream::Feed& feed = *named.second;
    return feed.spec().pipeline.empty() && feed.counts().state == stream::FeedState::running;
  });
}

}  // namespace

base::Exit serve(ServeOptions options, const catalog::Location& catalog, cli::Context& context) {
  const auto refuse = [&context](const base::Error& error) {
    context.log.error(error);
    return error.exit;
  };
  base::Signals::catch_reopen();
  raise_descriptor_limit();
  std::optional<api::RedisSpec> redis;
  auto profile = served_profile(options, redis, context.log);
  if (!profile) return refuse(profile.error());
  Bridge bridge(options, std::move(*profile), context);
  if (const auto built = bridge.build(catalog, redis); !built) return refuse(built.error());
  if (const auto listening = bridge.listen(); !listening) return refuse(listening.error());
  bridge.run();
  return base::Exit::ok;
}

}  // namespace wl::wsbridge
