#include "tools/wsbridge/profile/read.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "libcommon/packet/local_addresses.h"
#include "tools/wsbridge/api/route_table.h"
#include "tools/wsbridge/profile/document.h"
#include "tools/wsbridge/profile/fields.h"

namespace wl::wsbridge {

namespace {

bool is_name(std::string_view text, std::string_view also = "") {
  const auto letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           also.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::ranges::all_of(text, letter) && text[0] != '-' && text[0] != '.';
}

/// `word` with ${NAME} and ${NAME:-otherwise} filled; nothing when it names what is not set, with its name in
/// `missing`.
std::optional<std::string> substitute(std::string_view word, const Environment& environment,
                                      std::string& missing) {
  std::string out;
  for (size_t at = 0; (at = word.find("${")) != std::string_view::npos;) {
    const size_t end = word.find('}', at);
    if (end == std::string_view::npos) break;
    const std::string_view inside = word.substr(at + 2, end - at - 2);
    const size_t colon = inside.find(":-");
    const std::string name(inside.substr(0, colon));
    out += word.substr(0, at);
    const char* value = is_name(name) ? environment(name.c_str()) : nullptr;
    if (value != nullptr && (*value != '\0' || colon == std::string_view::npos)) {
      out += value;
    } else if (colon != std::string_view::npos) {
      out += inside.substr(colon + 2);
    } else {
      return missing = name, std::nullopt;
    }
    word.remove_prefix(end + 1);
  }
  return out + std::string(word);
}

class Reader {
 public:
  Reader(std::vector<Finding>& findings, const Environment& environment)
      : findings_(findings), environment_(environment) {}

  void file(std::string_view text, const std::string& file) {
    file_ = file;
    const auto root = parse_document(text);
    if (!root) return void(findings_.push_back({{file, root.error().line}, false, root.error().text}));
    Fields fields(*root, "", file_, findings_);
    each(fields.object("streams"), [&](const Member& member) { stream(member); });
    each(fields.object("workers"), [&](const Member& member) { worker(member); });
    each(fields.array("routes"), [&](const Member& member) { route(member.value); });
    each(fields.object("sockets"), [&](const Member& member) { socket(member); });
    if (const Value* value = once(fields, "limits", fields.object("limits"))) limits(*value);
    all(fields, "open_to", profile_.open_to, "\"10.0.0.0/8\"", is_network);
    all(fields, "trusted_proxies", profile_.trusted_proxies, "\"10.0.0.1\"", is_network);
    fields.words("hosts", profile_.hosts);
    all(fields, "origins", profile_.origins, "\"https://dash.example:3000\"", is_origin);
    if (const Value* signup = root->find("signup")) once(fields, "signup", signup);
    fields.choice("signup", profile_.signup, "closed|invited|open");
    web(fields);
  }

  /// What can be said only when all files are read.
  Profile finish() {
    const auto find = [&](const auto& rows, const std::string& name, const char* what, const Place& place) {
      std::vector<std::string> known;
      for (const auto& row : rows) known.push_back(row.name);
      if (name.empty() || std::ranges::find(known, name) != known.end()) return;
      findings_.push_back(
          {place, false,
           std::string("there is no ") + what + " " + in_quotes(name) + did_you_mean(name, known)});
    };
    for (const RouteSpec& route : profile_.routes) {
      if (route.source == Source::stream) find(profile_.streams, route.name, "stream", route.place);
      if (route.source == Source::worker) find(profile_.workers, route.name, "worker", route.place);
      find(profile_.limits.rates, route.rate, "rate", route.place);
    }
    for (const SocketSpec& socket : profile_.sockets) {
      find(profile_.workers, socket.worker, "worker", socket.place);
      for (const auto& row : socket.streams) find(profile_.streams, row.stream, "stream", row.place);
      for (const ReceiveSpec& row : socket.receive) {
        find(profile_.workers, row.worker, "worker", row.place);
        find(profile_.limits.rates, row.rate, "rate", row.place);
      }
    }
    return std::move(profile_);
  }

 private:
  static void each(const Value* table, const std::function<void(const Member&)>& row) {
    if (table != nullptr) std::ranges::for_each(table->members, row);
  }
  /// A thing that may stand in one file only.
  const Value* once(Fields& fields, const std::string& name, const Value* value) {
    if (value != nullptr && !seen_.insert(name).second)
      return fields.error(value->line, in_quotes(name) + " stands in two files"), nullptr;
    return value;
  }
  /// A row under its name, in a table that all files share.
  template <class Row>
  Row& named(Fields& fields, std::vector<Row>& rows, const std::string& name, bool valid) {
    const auto same = [&](const Row& row) { return row.name == name; };
    if (const auto other = std::ranges::find_if(rows, same); other != rows.end()) {
      fields.error("the name stands also in " + other->place.file + ":" + std::to_string(other->place.line));
    }
    if (!valid) fields.error("a name has letters, digits, '_', '-' and '.'");
    Row& row = rows.emplace_back();
    row.name = name;
    row.place = fields.place();
    return row;
  }

  /// The words of a command of our own, with the environment's values.
  Argv command(Fields& fields, const Value& array) {
    Argv words, filled;
    fields.words(array, "command", words);
    for (const std::string& word : words) {
      std::string missing;
      const auto text = substitute(word, environment_, missing);
      if (!text)
        fields.error(array.line, "the environment has no " + missing + " (set it, or write ${" + missing +
                                     ":-otherwise})");
      if (text && (!text->empty() || word.empty())) filled.push_back(*text);
    }
    if (words.empty() || (!filled.empty() && filled[0].empty()))
      fields.error(array.line, "\"command\": empty");
    return filled;
  }

  void stream(const Member& member) {
    Fields fields(member.value, "stream " + in_quotes(member.name), file_, findings_);
    StreamSpec& spec = named(fields, profile_.streams, member.name, is_name(member.name, "-."));
    bool input = false;
    fields.boolean("stdin", input);
    const Value* one = fields.array("command");
    const Value* several = fields.array("pipeline");
    if (one != nullptr) spec.pipeline.push_back(command(fields, *one));
    each(several, [&](const Member& part) { spec.pipeline.push_back(command(fields, part.value)); });
    if ((one != nullptr) + (several != nullptr && !several->members.empty()) + input != 1) {
      fields.error("needs one of \"command\", \"pipeline\", \"stdin\": true");
    }
    fields.choice("lines", spec.text_lines, "json|text");
    fields.choice("restart", spec.restart, "always|on_failure|never");
    fields.duration("every", spec.every_ns, 100 * base::kMillisecond);
    fields.boolean("on_demand", spec.on_demand);
    fields.number("history", spec.history, 1, 1'000'000);
    fields.text("key", spec.key);
    if (input && (spec.every_ns != 0 || spec.on_demand))
      fields.error("standard input cannot be started anew");
  }

  void worker(const Member& member) {
    Fields fields(member.value, "worker " + in_quotes(member.name), file_, findings_);
    WorkerSpec& spec = named(fields, profile_.workers, member.name, is_name(member.name, "-."));
    if (const Value* words = fields.array("command")) spec.command = command(fields, *words);
    if (!fields.has("command")) fields.error("needs a \"command\"");
    fields.number("count", spec.count, 1, 1000);
    fields.number("concurrency", spec.concurrency, 1, 1000);
    fields.duration("timeout", spec.timeout_ns, base::kMillisecond);
    fields.number("queue", spec.queue, 0, 100'000);
  }

  std::vector<ParamSpec> params(Fields& owner, std::string_view path, ParamIn otherwise) {
    std::vector<ParamSpec> all;
    each(owner.object("params"), [&](const Member& member) {
      Fields fields(member.value, owner.what() + ": parameter " + in_quotes(member.name), file_, findings_);
      if (!is_name(member.name)) fields.error("a name has letters, digits and '_'");
      ParamSpec& spec = all.emplace_back();
      spec.name = member.name;
      spec.place = fields.place();
      const bool in_path = path.find("{" + member.name + "}") != std::string_view::npos;
      spec.in = in_path ? ParamIn::path : otherwise;
      fields.choice("in", spec.in, "path|query|body");
      if (in_path != (spec.in == ParamIn::path)) fields.error("\"in\" does not agree with the path");
      fields.choice("type", spec.type, "text|integer|number|boolean");
      fields.boolean("required", spec.required);
      spec.required |= in_path;
      if (const Value* value = fields.take("default")) {
        using enum Value::Kind;
        if (value->kind != text && value->kind != number && value->kind != boolean)
          fields.error(value->line, "\"default\": expected a single value");
        if (spec.required) fields.error(value->line, "\"default\": the parameter is required");
        spec.initial = value->text;
      }
      fields.real("min", spec.min);
      fields.real("max", spec.max);
      if (spec.min && spec.max && *spec.min > *spec.max) fields.error("\"min\" is above \"max\"");
      fields.words("words", spec.words);
      fields.text("text", spec.text);
    });
    return all;
  }

  void path(Fields& fields, const std::string& path, bool parameters) {
    std::set<std::string_view> names;
    const auto segments = api::split_path(path);
    for (const std::string& segment : segments) {
      const std::string_view name = api::parameter_of(segment);
      const bool plain =
          segment.find_first_of("{}?#%") == std::string::npos && !segment.empty() && segment[0] != '.';
      if (name.empty() ? !plain : !parameters || !is_name(name))
        fields.error("the path: " + in_quotes(segment) + " cannot stand between two '/'");
      if (!name.empty() && !names.insert(name).second)
        fields.error("the path: {" + std::string(name) + "} twice");
    }
    if (!path.starts_with('/')) fields.error("the path begins with '/'");
  }

  void source(Fields& fields, RouteSpec& spec) {
    int sources = 0;
    for (const auto& [key, source] :
         {std::pair{"stream", Source::stream}, {"worker", Source::worker}, {"builtin", Source::builtin}}) {
      std::string name;
      fields.text(key, name);
      if (!fields.has(key)) continue;
      spec.source = source, spec.name = name, ++sources;
    }
    Argv words;
    fields.words("command", words);
    if (fields.has("command")) spec.source = Source::command, spec.argv = words, ++sources;
    if (fields.has("command") && words.empty()) fields.error("\"command\": empty");
    fields.words("argv", spec.argv);
    if (sources != 1) fields.error("needs one of \"stream\", \"worker\", \"command\", \"builtin\"");
    if (fields.has("argv") && spec.source != Source::worker) fields.error("\"argv\" belongs to a worker");
    fields.choice("give", spec.give, "last|history|state");
    if (fields.has("give") && spec.source != Source::stream) fields.error("\"give\" belongs to a stream");
    if (spec.source == Source::builtin && !api::is_builtin(spec.name))
      fields.error("there is no builtin " + in_quotes(spec.name));
  }

  void route(const Value& value) {
    RouteSpec& spec = profile_.routes.emplace_back();
    if (const Value* path = value.find("path")) spec.path = path->text;
    if (const Value* method = value.find("method")) spec.method = method->text;
    Fields fields(value, "route " + spec.method + " " + spec.path, file_, findings_);
    spec.place = fields.place();
    size_t method = 0;
    fields.choice("method", method, "GET|POST|PUT|PATCH|DELETE");
    fields.text("path", spec.path);
    path(fields, spec.path, true);
    fields.text("summary", spec.summary);
    spec.params = params(fields, spec.path,
                         spec.method == "GET" || spec.method == "DELETE" ? ParamIn::query : ParamIn::body);
    if (const Value* upload = fields.object("upload")) {
      Fields inside(*upload, fields.what() + ": upload", file_, findings_);
      spec.upload.emplace();
      inside.text("field", spec.upload->field);
      inside.size("max", spec.upload->max_bytes);
    }
    source(fields, spec);
    fields.choice("form", spec.form, "json|ndjson|raw");
    fields.text("as", spec.as);
    fields.text("error_as", spec.error_as);
    fields.number("status", spec.status, 200, 299);
    fields.text("media_type", spec.media_type);
    fields.text("file_name", spec.file_name);
    if ((fields.has("media_type") || fields.has("file_name")) && spec.form != Form::raw)
      fields.error("\"media_type\" and \"file_name\" belong to \"form\": \"raw\"");
    if (spec.form == Form::raw && (!spec.as.empty() || spec.source != Source::command))
      fields.error("\"form\": \"raw\" is the output of a \"command\" as it is");
    fields.duration("cache", spec.cache_ns, base::kMillisecond);
    if (spec.cache_ns != 0 && (spec.method != "GET" || spec.form != Form::json))
      fields.error("\"cache\" is for GET and \"form\": \"json\"");
    fields.text("rate", spec.rate);
    if (spec.source == Source::builtin &&
        (spec.name == "login" || spec.name == "signup" || spec.name == "setup"))
      spec.access = Access::everybody;
    fields.choice("access", spec.access, "token|open|everybody");
    fields.duration("timeout", spec.timeout_ns, base::kMillisecond);
    const bool body =
        std::ranges::any_of(spec.params, [](const ParamSpec& param) { return param.in == ParamIn::body; });
    if ((body || spec.upload) && spec.method == "GET") fields.error("GET has no body");
    if (body && spec.upload)
      fields.error("an upload is the whole body: its parameters are in the path or query");
  }

  void socket(const Member& member) {
    Fields fields(member.value, "socket " + member.name, file_, findings_);
    path(fields, member.name, false);
    const auto same = std::ranges::find(profile_.sockets, member.name, &SocketSpec::path);
    if (same != profile_.sockets.end())
      fields.error("stands also in " + same->place.file + ":" + std::to_string(same->place.line));
    SocketSpec& spec = profile_.sockets.emplace_back();
    spec.path = member.name;
    spec.place = fields.place();
    each(fields.array("streams"), [&](const Member& row) {
      Fields inside(row.value, fields.what() + ": streams", file_, findings_);
      SubscriptionSpec& one = spec.streams.emplace_back();
      one.place = inside.place();
      inside.text("stream", one.stream);
      if (one.stream.empty()) inside.error("needs a \"stream\"");
      inside.text("as", one.as);
      inside.choice("slow", one.slow, "drop|conflate|cut|block");
      inside.number("history", one.history, 0, 1'000'000);
    });
    if (const Value* welcome = fields.object("welcome")) spec.welcome = to_json(*welcome);
    fields.duration("heartbeat", spec.heartbeat_ns, 100 * base::kMillisecond);
    fields.boolean("timestamp", spec.timestamp);
    each(fields.array("receive"), [&](const Member& row) { receives(fields, spec, row.value); });
    fields.text("worker", spec.worker);
    fields.choice("access", spec.access, "token|open|everybody");
    if (spec.streams.empty() && spec.receive.empty() && spec.worker.empty())
      fields.error("needs \"streams\", \"receive\" or a \"worker\"");
    if (!spec.receive.empty() && !spec.worker.empty())
      fields.error("has \"receive\" or a \"worker\" of its own, not both");
  }

  void receives(Fields& owner, SocketSpec& socket, const Value& value) {
    Fields fields(value, owner.what() + ": receive", file_, findings_);
    ReceiveSpec& spec = socket.receive.emplace_back();
    spec.place = fields.place();
    fields.text("type", spec.type);
    fields.text("worker", spec.worker);
    if (spec.type.empty() || spec.worker.empty()) fields.error("needs a \"type\" and a \"worker\"");
    fields.words("argv", spec.argv);
    spec.params = params(fields, "", ParamIn::body);
    fields.text("as", spec.as);
    fields.text("rate", spec.rate);
    fields.choice("access", spec.access, "token|open|everybody");
  }

  void limits(const Value& value) {
    Fields fields(value, "limits", file_, findings_);
    LimitSpec& limits = profile_.limits;
    fields.number("clients", limits.clients, 1);
    fields.number("per_address", limits.per_address, 1);
    fields.size("header", limits.header_bytes);
    fields.size("body", limits.body_bytes);
    fields.size("message", limits.message_bytes);
    fields.size("backlog", limits.backlog_bytes);
    fields.duration("idle", limits.idle_ns, base::kSecond);
    if (const Value* rates = fields.object("rates")) {
      Fields inside(*rates, "limits: rates", file_, findings_);
      for (const Member& member : rates->members) {
        auto row = std::ranges::find(limits.rates, member.name, &RateSpec::name);
        if (row == limits.rates.end()) row = limits.rates.insert(row, {.name = member.name});
        inside.number(member.name, row->per_minute, 1, 1'000'000);
      }
    }
  }

  /// An array of texts that are all `valid`.
  void all(Fields& fields, std::string_view name, std::vector<std::string>& into, const char* like,
           bool (*valid)(const std::string&)) {
    const Value* value = fields.array(name);
    if (value == nullptr) return;
    const size_t first = into.size();
    fields.words(*value, name, into);
    for (size_t i = first; i < into.size(); ++i) {
      if (valid(into[i])) continue;
      fields.error(value->members[i - first].line,
                   in_quotes(name) + ": " + in_quotes(into[i]) + " is not like " + like);
    }
  }
  static bool is_network(const std::string& text) {
    return text == "unix" || packet::parse_network(text).has_value();
  }
  static bool is_origin(const std::string& text) {
    const size_t host = text.find("://") + 3;
    return (text.starts_with("http://") || text.starts_with("https://")) && host < text.size() &&
           text.find_first_of("/*?#@", host) == std::string::npos;
  }

  /// A directory beside the profile.
  void web(Fields& fields) {
    std::string folder;
    fields.text("web", folder);
    if (folder.empty() || once(fields, "web", fields.take("web")) == nullptr) return;
    profile_.web = (std::filesystem::path(file_).parent_path() / folder).string();
  }

  std::vector<Finding>& findings_;
  const Environment& environment_;
  std::string file_{};
  std::set<std::string> seen_{};
  Profile profile_{};
};

base::Result<Profile> finish(Reader& reader, const std::vector<Finding>& findings) {
  Profile profile = reader.finish();
  const auto first = std::ranges::find(findings, false, &Finding::warning);
  if (first != findings.end()) return base::fail(first->line(), "wsbridge check says all");
  return profile;
}

}  // namespace

std::string Finding::line() const {
  return place.file + ":" + (place.line != 0 ? std::to_string(place.line) + ": " : " ") + text;
}

base::Result<Profile> read_profile_text(std::string_view text, const std::string& file,
                                        std::vector<Finding>& findings, const Environment& environment) {
  Reader reader(findings, environment);
  reader.file(text, file);
  return finish(reader, findings);
}

base::Result<Profile> read_profile(std::span<const std::string> paths, std::vector<Finding>& findings,
                                   const Environment& environment) {
  Reader reader(findings, environment);
  for (const std::string& path : paths) {
    std::ifstream in(path, std::ios::binary);
    std::string text(kMaxDocument + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(std::max<std::streamsize>(0, in.gcount())));
    if (in.bad() || (text.empty() && !in.eof())) {
      findings.push_back({{path, 0}, false, "cannot be read"});
    } else {
      reader.file(text, path);
    }
  }
  return finish(reader, findings);
}

}  // namespace wl::wsbridge
