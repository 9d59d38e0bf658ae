#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <ranges>
#include <set>

#include <boost/algorithm/string/join.hpp>
#include <unistd.h>

#include "libcommon/base/units.h"
#include "tools/wsbridge/api/routes.h"
#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/profile/read.h"
#include "tools/wsbridge/shape/program.h"

namespace wl::wsbridge {

namespace {

/// True when no value of the parameter begins with '-'.
bool never_option(const ParamSpec& param) {
  const auto option = [](const std::string& word) { return word.starts_with('-'); };
  if (!param.words.empty()) return std::ranges::none_of(param.words, option);
  return param.type == ValueType::boolean || (param.type != ValueType::text && param.min.value_or(-1) >= 0);
}

/// True when a value behind this cannot become an option: "--name=", or something that is no option at all.
bool guards(std::string_view before) {
  if (!before.starts_with("--")) return !before.empty() && before[0] != '-';
  return before.find('=') != before.npos && before.find('=') > 2;
}

class Checker {
 public:
  Checker(const Profile& profile, const Environment& environment)
      : profile_(profile), environment_(environment) {}

  void command(const Place& place, const Argv& argv) {
    if (!environment_ || argv.empty() || api::find_placeholder(argv[0]).size != 0) return;
    const bool path = argv[0].find('/') != std::string::npos;
    const char* const folders = path ? "" : environment_("PATH");
    const auto runs = [&](const auto& folder) {
      const std::string prefix(folder.begin(), folder.end());
      return ::access((path ? argv[0] : prefix + "/" + argv[0]).c_str(), X_OK) == 0;
    };
    const std::string_view all = folders != nullptr ? folders : "";
    const bool found = path ? runs(all) : std::ranges::any_of(std::views::split(all, ':'), runs);
    refuse(place, !found, "no command " + in_quotes(argv[0]) + (path ? "" : " on PATH"));
  }

  void program(const Place& place, const char* key, const std::string& text) {
    if (!environment_ || text.empty()) return;
    const auto compiled = shape::Program::compile(text);
    if (!compiled) refuse(place, true, in_quotes(key) + ": " + compiled.error().line());
  }

  /// Defaults and words are values that the parameters take; placeholders have parameters, and no value can
  /// become an option.
  void work(const RouteSpec& spec) {
    for (ParamSpec param : spec.params) {
      const auto value = param.initial ? api::check_value(param, *param.initial) : "";
      if (!value) refuse(param.place, true, "\"default\": " + value.error().line());
      for (const std::string& word : std::exchange(param.words, {}))
        refuse(param.place, api::check_value(param, word) != word,
               "\"words\": " + param.name + " can never be " + in_quotes(word));
    }
    bool options = true;  // before "--"
    for (const std::string& word : spec.argv) {
      options = options && word != "--";
      const auto hole = api::find_placeholder(word);
      if (hole.size == 0) continue;
      const std::string name(hole.name), quoted = in_quotes(word);
      refuse(spec.place, api::find_placeholder(word, hole.at + hole.size).size != 0,
             quoted + ": one {parameter} a word");
      refuse(spec.place, spec.source == Source::command && &word == spec.argv.data(),
             quoted + ": the command itself cannot be a parameter");
      const ParamSpec* const param = declared(spec, word, name, spec.upload.has_value());
      const bool safe = !options || name == "upload" || (param != nullptr && never_option(*param));
      refuse(spec.place, !safe && !guards(word.substr(0, hole.at)),
             quoted + ": the value could become an option (write \"--name={" + name +
                 "}\", or put it behind \"--\")");
    }
    program(spec.place, "as", spec.as);
    program(spec.place, "status", spec.status_as);
    program(spec.place, "error_as", spec.error_as);
  }

  void route(const RouteSpec& route) {
    const std::string what = "route " + route.method + " " + route.path + ": ";
    const bool upload = route.upload.has_value();
    std::string shape = route.method;
    const auto segments = http::decode_path(route.path);
    for (const std::string& segment : *segments) {
      const std::string name(api::parameter_of(segment));
      shape += "/" + (name.empty() ? segment : "{}");
      if (!name.empty()) declared(route, route.path, name, false);
    }
    const auto [earlier, fresh] = shapes_.emplace(shape, route.place);
    refuse(route.place, !fresh, what + "never reached, " + earlier->second.text() + " comes first");
    work(route);
    for (api::Placeholder hole{};
         (hole = api::find_placeholder(route.file_name, hole.at + hole.size)).size != 0;)
      declared(route, route.file_name, hole.name, upload);
    if (route.source == Source::command) command(route.place, route.argv);
    refuse(route.place,
           !route.status_as.empty() && (route.form != Form::json || route.source == Source::builtin),
           what + "\"status\" as a jq program is for \"form\": \"json\"");
    const bool writes = route.method != "GET" && route.source != Source::builtin;
    const bool open = route.access == Access::open && (route.method != "POST" || upload);
    refuse(route.place, writes && (open || route.access == Access::everybody),
           what + "what writes needs a token");
    const auto stream = std::ranges::find(profile_.streams, route.name, &StreamSpec::name);
    if (route.source == Source::stream && route.cache_ns != 0 && route.cache_ns < stream->every_ns)
      findings.push_back({route.place, true,
                          what + "\"cache\" is shorter than the stream's \"every\" of " +
                              base::format_duration(stream->every_ns)});
  }

  void socket(const SocketSpec& socket) {
    std::set<std::string> types;
    for (const SubscriptionSpec& row : socket.streams) {
      program(row.place, "as", row.as);
      refuse(row.place, !row.mine.empty() && row.slow == Slow::block,
             "socket " + socket.path + ": with \"mine\" one client would stop all others");
    }
    for (const ReceiveSpec& row : socket.receive) {
      refuse(row.place, !types.insert(row.path).second,
             "socket " + socket.path + ": receive " + in_quotes(row.path) + " twice");
      work(row);
    }
  }

  Findings findings{};

 private:
  void refuse(const Place& place, bool wrong, const std::string& text) {
    if (wrong) findings.push_back({place, false, text});
  }

  const ParamSpec* declared(const RouteSpec& spec, const std::string& word, std::string_view name,
                            bool upload) {
    std::vector<std::string> known;
    for (const ParamSpec& param : spec.params) {
      if (param.name == name) return &param;
      known.push_back(param.name);
    }
    refuse(spec.place, !upload || (name != "upload" && name != "upload_name"),
           in_quotes(word) + ": there is no parameter " + in_quotes(name) + did_you_mean(name, known));
    return nullptr;
  }

  const Profile& profile_;
  const Environment& environment_;
  std::map<std::string, Place> shapes_{};  // of routes: "GET/a/{}"
};

std::string joined(const std::vector<std::string>& words, const std::string& otherwise) {
  return words.empty() ? otherwise : boost::algorithm::join(words, ", ");
}

}  // namespace

Findings check_profile(const Profile& profile, const Environment& environment) {
  Checker checker(profile, environment);
  for (const StreamSpec& stream : profile.streams)
    for (const Argv& argv : stream.pipeline) checker.command(stream.place, argv);
  for (const WorkerSpec& worker : profile.workers) checker.command(worker.place, worker.command);
  for (const RouteSpec& route : profile.routes) checker.route(route);
  for (const SocketSpec& socket : profile.sockets) checker.socket(socket);
  return std::move(checker.findings);
}

std::vector<std::string> describe_access(const Profile& profile) {
  std::vector<std::string> lines;
  const std::array<std::string, 3> who{
      "with a token", "open to " + joined(profile.open_to, "this machine itself (no \"open_to\")"),
      "open to everybody"};  // in the order of Access
  const auto tell = [&](Access access, const std::string& what) {
    lines.push_back(who[static_cast<size_t>(access)] + ": " + what);
  };
  for (const auto* routes : {&profile.routes, &api::built_in_routes()})
    for (const RouteSpec& route : *routes) tell(route.access, route.method + " " + route.path);
  for (const SocketSpec& socket : profile.sockets) {
    tell(socket.access, "WebSocket " + socket.path);
    for (const ReceiveSpec& row : socket.receive)
      tell(row.access, "WebSocket " + socket.path + ", message " + in_quotes(row.path));
  }
  std::ranges::stable_sort(lines, {}, [](const auto& line) { return line.substr(0, line.find(": ")); });
  lines.push_back("pages of other origins that may read: " + joined(profile.origins, "none"));
  return lines;
}

std::optional<Profile> load_profile(std::span<const std::string> paths, base::Log& log) {
  Findings findings;
  auto profile = read_profile(paths, findings, [](const char* name) { return std::getenv(name); });
  std::ranges::stable_sort(findings, {}, &Finding::place);
  for (const Finding& finding : findings)
    finding.warning ? log.warning(finding.line()) : log.error(finding.line());
  return profile ? std::optional(std::move(*profile)) : std::nullopt;
}

base::Exit check(std::span<const std::string> paths, base::Log& log) {
  const auto profile = load_profile(paths, log);
  if (!profile) return base::Exit::failed;
  for (const std::string& line : describe_access(*profile)) log.info(line);
  return base::Exit::ok;
}

}  // namespace wl::wsbridge
