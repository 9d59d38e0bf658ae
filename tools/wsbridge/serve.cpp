#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <sys/resource.h>

#include "libcommon/base/signals.h"
#include "libcommon/base/units.h"
#include "libcommon/catalog/users.h"
#include "tools/wsbridge/access/access.h"
#include "tools/wsbridge/api/redis.h"
#include "tools/wsbridge/api/site.h"
#include "tools/wsbridge/http/server.h"
#include "tools/wsbridge/options.h"
#include "tools/wsbridge/process/child.h"
#include "tools/wsbridge/profile/read.h"

namespace wl::wsbridge {
namespace {

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
  if (equals == text.npos || !is_name(name, "-"))
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
  awaitable<http::Response> handle(http::Request& request) override {
    http::Response response{.status = 404, .headers = {{"Content-Type", "text/plain"}}, .body = {}};
    if (request.path == "/metrics") response = site_.metrics();
    co_return response;
  }

 private:
  api::Site& site_;
};

/// Waits for a signal, then drains. Ctrl-C on a pipeline reaches all of it: what those before us still write
/// is taken first.
awaitable<void> stop_on_signal(asio::io_context& io, api::Site& site, http::Server& server,
                               std::chrono::nanoseconds grace, base::Log& log) {
  asio::signal_set signals(io, SIGINT, SIGTERM);
  error_code error;
  co_await signals.async_wait(redirect_error(use_awaitable, error));
  signals.async_wait([](const error_code& failed, int signal) {
    if (!failed) ::_exit(128 + signal);  // the second one
  });
  const auto input_runs = [&site] {
    return std::ranges::any_of(site.answers().feeds(), [](const auto& named) {
      const stream::Feed& feed = *named.second;
      return feed.spec().pipeline.empty() && feed.counts().state == stream::FeedState::running;
    });
  };
  process::Event pause(io.get_executor());
  const auto end = process::Clock::now() + kLastRecords;
  while (input_runs() && process::Clock::now() < end) co_await pause.wait(std::chrono::milliseconds(10));
  log.info("stopping");
  co_await site.drain();
  co_await server.stop(std::chrono::duration_cast<std::chrono::milliseconds>(grace));
  co_await site.answers().stop();
  io.stop();
}

}  // namespace

base::Result<void> serve(ServeOptions options, const catalog::Location& location, cli::Context& context) {
  base::Signals::catch_reopen();
  raise_descriptor_limit();
  base::Log& log = context.log;
  std::optional<api::RedisSpec> shared;
  const auto profile = served_profile(options, shared, log);
  if (!profile) return std::unexpected(profile.error());
  const access::Policy policy(*profile);
  std::shared_ptr<catalog::Users> users;
  if (needs_users(*profile)) {
    auto db = catalog::open_catalog(location);
    if (!db) return std::unexpected(db.error());
    users = std::make_shared<catalog::Users>(*db);
  }
  asio::io_context io(1);
  access::Gate gate(users, policy, profile->signup, log);
  const auto redis = shared ? std::make_shared<api::Redis>(*shared, log) : nullptr;
  api::Site site(io.get_executor(), *profile, context.version, policy, gate, redis, log);
  if (auto opened = site.open_pages(); !opened) return opened;
  const auto server =
      std::make_shared<http::Server>(io.get_executor(), site, profile->limits, options.access_log, log);
  MetricsSite metrics(site);
  const auto metrics_server =
      std::make_shared<http::Server>(io.get_executor(), metrics, LimitSpec{}, false, log);
  site.served = &server->counts();
  site.metrics_here = options.metrics_listen.empty();
  std::string first;
  for (const std::string& address : options.listen) {
    const auto url = server->listen({address, options.certificate, options.key});
    if (!url) return std::unexpected(url.error());
    log.info("listening on " + *url);
    if (first.empty()) first = *url;
  }
  if (!site.metrics_here) {
    const auto url = metrics_server->listen({.address = options.metrics_listen});
    if (!url) return std::unexpected(url.error());
    log.info("metrics on " + *url + "/metrics");
  }
  const std::string link = users ? gate.setup_link(first) : "";
  if (!link.empty()) log.info("no user yet: the first one is made at " + link);
  site.answers().start();
  asio::co_spawn(io, stop_on_signal(io, site, *server, std::chrono::nanoseconds(options.grace), log),
                 asio::detached);
  io.run();
  return {};
}

}  // namespace wl::wsbridge
