#include "tools/wsbridge/profile/check.h"

#include <algorithm>
#include <map>
#include <set>

#include <unistd.h>

#include "libcommon/base/units.h"
#include "tools/wsbridge/api/params.h"
#include "tools/wsbridge/profile/document.h"
#include "tools/wsbridge/profile/fields.h"
#include "tools/wsbridge/shape/program.h"

namespace wl::wsbridge {

namespace {

/// True when no value of the parameter begins with '-'.
bool never_option(const ParamSpec& param) {
  if (param.type == ValueType::boolean) return true;
  if (!param.words.empty())
    return std::ranges::none_of(param.words, [](auto& word) { return word.starts_with('-'); });
  return param.type != ValueType::text && param.min.value_or(-1) >= 0;
}

class Checker {
 public:
  explicit Checker(const Environment& environment) : environment_(environment) {}

  void command(const Place& place, const Argv& argv) {
    if (argv.empty() || api::find_placeholder(argv[0]).size != 0 || found(argv[0])) return;
    add(place,
        "no command " + in_quotes(argv[0]) + (argv[0].find('/') == std::string::npos ? " on PATH" : ""));
  }

  void program(const Place& place, const char* key, const std::string& text) {
    if (text.empty()) return;
    const auto compiled = shape::Program::compile(text);
    if (!compiled) add(place, in_quotes(key) + ": " + compiled.error().line());
  }

  /// Placeholders have parameters, and no value can become an option.
  void words(const Place& place, const std::vector<ParamSpec>& params, const Argv& words, bool upload,
             bool first_literal) {
    bool options = true;  // before "--"
    for (const std::string& word : words) {
      options = options && word != "--";
      const auto hole = api::find_placeholder(word);
      if (hole.size == 0) continue;
      if (api::find_placeholder(word, hole.at + hole.size).size != 0)
        add(place, in_quotes(word) + ": one {parameter} a word");
      if (first_literal && &word == &words[0])
        add(place, in_quotes(word) + ": the command itself cannot be a parameter");
      const ParamSpec* param = declared(place, params, word, hole.name, upload);
      if (!options || hole.name == "upload" || (param != nullptr && never_option(*param))) continue;
      // "--name=" before the value, or something that is no option at all
      const std::string_view before = std::string_view(word).substr(0, hole.at);
      const bool safe = before.starts_with("--")
                            ? before.find('=') > 2 && before.find('=') != std::string_view::npos
                            : !before.empty() && before[0] != '-';
      if (!safe)
        add(place, in_quotes(word) + ": the value could become an option (write \"--name={" +
                       std::string(hole.name) + "}\", or put it behind \"--\")");
    }
  }

  const ParamSpec* declared(const Place& place, const std::vector<ParamSpec>& params, std::string_view word,
                            std::string_view name, bool upload) {
    const auto param = std::ranges::find(params, name, &ParamSpec::name);
    if (param != params.end()) return &*param;
    if (upload && (name == "upload" || name == "upload_name")) return nullptr;
    std::vector<std::string> known;
    for (const ParamSpec& one : params) known.push_back(one.name);
    add(place, in_quotes(word) + ": there is no parameter " + in_quotes(name) + did_you_mean(name, known));
    return nullptr;
  }

  void parameters(const std::vector<ParamSpec>& params) {
    for (const ParamSpec& param : params) {
      const auto value =
          param.initial ? api::check_value(param, *param.initial) : base::Result<std::string>();
      if (!value) add(param.place, "\"default\": " + value.error().line());
      ParamSpec any = param;
      any.words.clear();
      for (const std::string& word : param.words) {
        if (api::check_value(any, word) != word)
          add(param.place, "\"words\": " + param.name + " can never be " + in_quotes(word));
      }
    }
  }

  void route(const Profile& profile, const RouteSpec& route) {
    const std::string what = "route " + route.method + " " + route.path + ": ";
    const auto shape = [&] {
      std::string text = route.method;
      for (const auto& segment : api::split_path(route.path))
        text += "/" + (api::parameter_of(segment).empty() ? segment : "{}");
      return text;
    }();
    const auto [earlier, fresh] = shapes_.emplace(shape, &route);
    if (!fresh)
      add(route.place, what + "never reached, " + earlier->second->place.file + ":" +
                           std::to_string(earlier->second->place.line) + " comes first");
    for (const auto& segment : api::split_path(route.path)) {
      const auto name = api::parameter_of(segment);
      if (!name.empty()) declared(route.place, route.params, route.path, name, false);
    }
    parameters(route.params);
    words(route.place, route.params, route.argv, route.upload.has_value(), route.source == Source::command);
    for (api::Placeholder hole{};
         (hole = api::find_placeholder(route.file_name, hole.at + hole.size)).size != 0;) {
      declared(route.place, route.params, route.file_name, hole.name, route.upload.has_value());
    }
    if (route.source == Source::command) command(route.place, route.argv);
    program(route.place, "as", route.as);
    program(route.place, "error_as", route.error_as);
    const bool writes = route.method != "GET" && route.source != Source::builtin;
    if (writes && (route.access == Access::everybody ||
                   (route.access == Access::open && (route.method != "POST" || route.upload)))) {
      add(route.place, what + "what writes needs a token");
    }
    const auto stream = std::ranges::find(profile.streams, route.name, &StreamSpec::name);
    if (route.source == Source::stream && stream != profile.streams.end() && route.cache_ns != 0 &&
        route.cache_ns < stream->every_ns) {
      add(route.place,
          what + "\"cache\" is shorter than the stream's \"every\" of " +
              base::format_duration(stream->every_ns),
          true);
    }
  }

  void socket(const SocketSpec& socket) {
    std::set<std::string> types;
    for (const SubscriptionSpec& row : socket.streams) program(row.place, "as", row.as);
    for (const ReceiveSpec& row : socket.receive) {
      if (!types.insert(row.type).second)
        add(row.place, "socket " + socket.path + ": receive " + in_quotes(row.type) + " twice");
      parameters(row.params);
      words(row.place, row.params, row.argv, false, false);
      program(row.place, "as", row.as);
    }
  }

  std::vector<Finding> findings{};

 private:
  void add(const Place& place, std::string text, bool warning = false) {
    findings.push_back({place, warning, std::move(text)});
  }
  [[nodiscard]] bool found(const std::string& command) const {
    const auto runs = [](const std::string& path) { return ::access(path.c_str(), X_OK) == 0; };
    if (command.find('/') != std::string::npos) return runs(command);
    const char* all = environment_("PATH");
    for (std::string_view rest = all != nullptr ? all : ""; !rest.empty();) {
      const size_t end = std::min(rest.find(':'), rest.size());
      if (runs(std::string(rest.substr(0, end)) + "/" + command)) return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
  }

  const Environment& environment_;
  std::map<std::string, const RouteSpec*> shapes_{};
};

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return all;
}

}  // namespace

std::vector<Finding> check_profile(const Profile& profile, const Environment& environment) {
  Checker checker(environment);
  for (const StreamSpec& stream : profile.streams) {
    for (const Argv& argv : stream.pipeline) checker.command(stream.place, argv);
  }
  for (const WorkerSpec& worker : profile.workers) checker.command(worker.place, worker.command);
  for (const RouteSpec& route : profile.routes) checker.route(profile, route);
  for (const SocketSpec& socket : profile.sockets) checker.socket(socket);
  return std::move(checker.findings);
}

std::vector<std::string> describe_access(const Profile& profile) {
  std::vector<std::string> lines;
  const std::string nets =
      profile.open_to.empty() ? "this machine itself (no \"open_to\")" : joined(profile.open_to);
  const auto tell = [&](Access access, const std::string& what) {
    const std::string who = access == Access::everybody ? "open to everybody"
                            : access == Access::open    ? "open to " + nets
                                                        : "with a token";
    lines.push_back(who + ": " + what);
  };
  for (const auto* routes : {&profile.routes, &api::built_in_routes()}) {
    for (const RouteSpec& route : *routes) tell(route.access, route.method + " " + route.path);
  }
  for (const SocketSpec& socket : profile.sockets) {
    tell(socket.access, "WebSocket " + socket.path);
    for (const ReceiveSpec& row : socket.receive)
      tell(row.access, "WebSocket " + socket.path + ", message " + in_quotes(row.type));
  }
  std::ranges::stable_sort(lines, {},
                           [](const std::string& line) { return line.substr(0, line.find(": ")); });
  lines.push_back("pages of other origins that may read: " +
                  (profile.origins.empty() ? "none" : joined(profile.origins)));
  return lines;
}

}  // namespace wl::wsbridge
