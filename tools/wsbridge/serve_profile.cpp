#include "tools/wsbridge/serve_profile.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>

#include "libcommon/base/units.h"
#include "tools/wsbridge/process/child.h"
#include "tools/wsbridge/profile/check.h"
#include "tools/wsbridge/profile/read.h"

namespace wl::wsbridge {
namespace {

using Settings = std::map<std::string, std::string, std::less<>>;

constexpr uint64_t kMaxPort = 65535;

base::Error usage(std::string text, std::string hint) {
  return {std::move(text), std::move(hint), base::Exit::usage};
}

/// KEY=VALUE lines, as systemd and docker read them: # begins a comment line, quotes around a value go.
base::Result<Settings> read_env_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return base::fail(path + ": " + base::errno_text(errno), {}, base::Exit::usage);
  Settings settings;
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    const size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string::npos) continue;
    std::string value = line.substr(equals + 1);
    const bool quoted =
        value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0];
    settings[line.substr(0, equals)] = quoted ? value.substr(1, value.size() - 2) : value;
  }
  return settings;
}

std::string setting(const Settings& settings, std::string_view name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

/// The names of the programs that the bridge replaces.
base::Result<void> apply(const Settings& settings, ServeOptions& options,
                         std::optional<api::RedisSpec>& redis, Profile& profile) {
  const std::string host = setting(settings, "HOST");
  const std::string port = setting(settings, "PORT");
  for (const std::string_view name : {"PORT", "REDIS_PORT"}) {
    const std::string value = setting(settings, name);
    if (!value.empty() && !base::parse_number(value, kMaxPort)) {
      return std::unexpected(usage(options.env_file + ": " + std::string(name) + ": not a port", {}));
    }
  }
  if (options.listen.empty() && (!host.empty() || !port.empty())) {
    options.listen.push_back((host.empty() ? "127.0.0.1" : host) + ":" + (port.empty() ? "8000" : port));
  }
  if (const std::string name = setting(settings, "REDIS_HOST"); !name.empty() && !redis) {
    redis = api::RedisSpec{.host = name, .password = setting(settings, "REDIS_PASSWORD")};
    if (const std::string at = setting(settings, "REDIS_PORT"); !at.empty()) redis->port = at;
  }
  for (RateSpec& rate : profile.limits.rates) {
    std::string name = "RATE_LIMIT_" + rate.name;
    std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
    const std::string value = setting(settings, name);
    if (value.empty()) continue;
    const auto number = base::parse_number(value, 1'000'000);
    if (!number) return std::unexpected(usage(options.env_file + ": " + name + ": not a number", {}));
    rate.per_minute = static_cast<uint32_t>(*number);
  }
  return {};
}

/// A stream of the command line, with what everybody gets: /ws/NAME, /api/NAME, /streams/NAME.
base::Result<void> add_stream(const std::string& text, bool lines, Profile& profile) {
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const bool good = !name.empty() && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
  if (equals == std::string::npos || !good) {
    return std::unexpected(
        usage("--stream " + text + ": expected NAME=COMMAND or NAME=-", "letters, digits, _ and -"));
  }
  if (std::ranges::count(profile.streams, name, &StreamSpec::name) != 0) {
    return std::unexpected(usage("--stream " + name + ": is there twice", "choose another name"));
  }
  StreamSpec stream{.name = name, .text_lines = lines};
  if (const std::string command = text.substr(equals + 1); command != "-") {
    auto pipeline = process::split_command(command);
    if (!pipeline)
      return std::unexpected(usage("--stream " + name + ": " + pipeline.error().text, pipeline.error().hint));
    stream.pipeline = std::move(*pipeline);
  }
  RouteSpec last{.path = "/api/" + name, .summary = "the last record of " + name, .name = name};
  last.access = Access::open;
  RouteSpec flow{
      .path = "/streams/" + name, .summary = "the records of " + name + " as they come", .name = name};
  flow.form = Form::ndjson;
  flow.access = Access::open;
  SocketSpec socket{.path = "/ws/" + name, .streams = {{.stream = name}}};
  socket.access = Access::open;
  profile.streams.push_back(std::move(stream));
  profile.routes.push_back(std::move(last));
  profile.routes.push_back(std::move(flow));
  profile.sockets.push_back(std::move(socket));
  return {};
}

/// Says what is wrong with the profiles; the first error is the result.
base::Result<Profile> checked_profile(const ServeOptions& options, base::Log& log) {
  const Environment environment = [](const char* name) { return std::getenv(name); };
  std::vector<Finding> findings;
  auto profile = read_profile(options.profiles, findings, environment);
  if (profile) {
    const std::vector<Finding> more = check_profile(*profile, environment);
    findings.insert(findings.end(), more.begin(), more.end());
  }
  std::optional<base::Error> error;
  for (const Finding& finding : findings) {
    if (finding.warning) {
      log.warning(finding.line());
    } else if (!error) {
      error = base::Error{finding.line(), "see all: wsbridge check", base::Exit::usage};
    }
  }
  if (error) return std::unexpected(*error);
  return profile;
}

}  // namespace

base::Result<Profile> serve_profile(ServeOptions& options, std::optional<api::RedisSpec>& redis,
                                    base::Log& log) {
  if (options.profiles.empty() && options.streams.empty()) {
    return std::unexpected(usage("serve: nothing to serve", "a PROFILE, or --stream NAME=COMMAND"));
  }
  if (options.certificate.empty() != options.key.empty()) {
    return std::unexpected(usage("--tls-cert and --tls-key belong together", "give both"));
  }
  Profile profile;
  if (!options.profiles.empty()) {
    auto read = checked_profile(options, log);
    if (!read) return read;
    profile = std::move(*read);
  }
  for (const std::string& stream : options.streams) {
    if (const auto added = add_stream(stream, options.lines, profile); !added) {
      return std::unexpected(added.error());
    }
  }
  const auto from_input = std::ranges::count_if(
      profile.streams, [](const StreamSpec& stream) { return stream.pipeline.empty(); });
  if (from_input > 1) {
    return std::unexpected(usage("only one stream can read standard input", "give the others commands"));
  }
  if (!options.redis.empty()) {
    auto spec = api::parse_redis_url(options.redis);
    if (!spec) return std::unexpected(spec.error());
    redis = std::move(*spec);
    if (const char* const password = std::getenv("WIRELINE_REDIS_PASSWORD")) redis->password = password;
  }
  if (!options.env_file.empty()) {
    const auto settings = read_env_file(options.env_file);
    if (!settings) return std::unexpected(settings.error());
    if (const auto applied = apply(*settings, options, redis, profile); !applied) {
      return std::unexpected(applied.error());
    }
  }
  if (options.listen.empty()) options.listen.emplace_back("127.0.0.1:8000");
  return profile;
}

bool needs_users(const Profile& profile) {
  const auto asks = [](const auto& spec) { return spec.access == Access::token; };
  const auto built_in = [](const RouteSpec& route) { return route.source == Source::builtin; };
  return profile.signup != Signup::closed || std::ranges::any_of(profile.routes, asks) ||
         std::ranges::any_of(profile.routes, built_in) || std::ranges::any_of(profile.sockets, asks);
}

}  // namespace wl::wsbridge
