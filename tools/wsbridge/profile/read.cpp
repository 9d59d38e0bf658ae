#include "tools/wsbridge/profile/read.h"

#include <algorithm>
#include <concepts>
#include <filesystem>
#include <fstream>
#include <map>
#include <ranges>
#include <set>

#include <nlohmann/json.hpp>

#include "libcommon/base/units.h"
#include "libcommon/packet/local_addresses.h"
#include "tools/wsbridge/access/access.h"
#include "tools/wsbridge/api/routes.h"

namespace wl::wsbridge {
namespace {
using Json = nlohmann::ordered_json;
constexpr Json::value_t kArray = Json::value_t::array, kObject = Json::value_t::object;

/// The file that is read.
struct File {
  std::string name{};
  Findings& findings;
};

bool is_network(const std::string& text) { return packet::parse_network(text).has_value(); }

/// A text as it is, anything else as JSON.
std::string as_text(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

/// What is wrong with a value; empty: nothing.
using Wrong = std::string;

template <class Into>
Wrong take(bool good, const Json& value, Into& into, const std::string& expected) {
  if (good) into = value.get<Into>();
  return good ? "" : "expected " + expected;
}

Wrong read(const Json& value, Json& into, Json::value_t kind) {
  return take(value.type() == kind, value, into, kind == kArray ? "an [array]" : "an {object}");
}
Wrong read(const Json& value, bool& into) { return take(value.is_boolean(), value, into, "true or false"); }
Wrong read(const Json& value, std::optional<double>& into) {
  return take(value.is_number(), value, into.emplace(), "a number");
}
Wrong read(const Json& value, std::optional<std::string>& into) {
  into = as_text(value);
  return value.is_structured() || value.is_null() ? "expected a single value" : "";
}

bool is_text(const Json& value) {
  return value.is_string() && as_text(value).find('\0') == std::string::npos;
}
Wrong read(const Json& value, std::string& into) {
  return take(is_text(value) && value != "", value, into, "a text that is neither empty nor holds a NUL");
}
Wrong read(const Json& value, std::vector<std::string>& into) {
  return take(value.is_array() && std::ranges::all_of(value, is_text), value, into,
              value.is_array() ? "an array of texts" : "an [array]");
}
/// Adds texts that are all `valid`.
Wrong read(const Json& value, std::vector<std::string>& into, bool (*valid)(const std::string&),
           const std::string& like) {
  std::vector<std::string> texts;
  const Wrong wrong = read(value, texts);
  const auto bad = std::ranges::find_if_not(texts, valid);
  into.insert(into.end(), texts.begin(), texts.end());
  return bad == texts.end() ? wrong : in_quotes(*bad) + " is not like " + like;
}
/// A command of our own. A word that its variables leave empty is left out.
Wrong read(const Json& value, Argv& into, const Environment& environment) {
  Argv words;
  Wrong wrong = read(value, words);
  for (const std::string& word : words) {
    const auto text = substitute(word, environment);
    if (!text)
      wrong =
          "the environment has no " + text.error() + " (set it, or write ${" + text.error() + ":-otherwise})";
    if (text && (!text->empty() || word.empty())) into.push_back(*text);
  }
  return wrong.empty() && (into.empty() || into[0].empty()) ? "empty" : wrong;
}

/// A duration.
Wrong read(const Json& value, int64_t& into, int64_t min) {
  const auto ns = base::parse_duration(as_text(value));
  into = ns.value_or(into);
  if (!ns) return "expected a duration like \"30s\"";
  return into < min ? "at least " + base::format_duration(min) : "";
}

/// A number; one of 64 bits without a limit is a size.
struct Range {
  uint64_t min = 1;
  uint64_t max = UINT64_MAX;
};
template <std::unsigned_integral Number>
Wrong read(const Json& value, Number& into, Range range = {}) {
  const uint64_t max = std::min<uint64_t>(range.max, std::numeric_limits<Number>::max());
  const auto number = base::parse_size(as_text(value));
  if (number && *number >= range.min && *number <= max) return into = static_cast<Number>(*number), "";
  if (max == UINT64_MAX) return "expected a size like \"16k\" or \"1G\"";
  return "expected a whole number from " + std::to_string(range.min) + " to " + std::to_string(max);
}

/// One of the words in `all` ("drop|cut"): itself, or its place among them as value of an enum.
template <class Choice>
Wrong read(const Json& value, Choice& into, std::string_view all) {
  std::vector<std::string> words;
  for (const auto word : std::views::split(all, '|')) words.emplace_back(word.begin(), word.end());
  const auto found = std::ranges::find(words, as_text(value));
  if (found == words.end())
    return "expected one of " + std::string(all) + did_you_mean(as_text(value), words);
  if constexpr (std::same_as<Choice, std::string>) into = *found;
  if constexpr (!std::same_as<Choice, std::string>) into = static_cast<Choice>(found - words.begin());
  return "";
}

/// The members of an object, each asked for by one call, which leaves `into` alone when it is not there. What
/// nobody asked for is an error when this goes.
class Fields {
 public:
  /// `what` stands before messages: "route GET /api/traffic: ". Null has no members.
  Fields(File& file, Json object, std::string what)
      : file_(file), object_(std::move(object)), what_(std::move(what)) {}
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;
  ~Fields() {
    for (const auto& [name, value] : object_.items()) {
      if (!name.empty() && std::ranges::find(asked_, name) == asked_.end())
        error("unknown key " + in_quotes(name) + did_you_mean(name, asked_), name);
    }
  }

  [[nodiscard]] bool has(const std::string& name) const { return object_.contains(name); }
  [[nodiscard]] const std::string& what() const { return what_; }
  [[nodiscard]] Place place(const std::string& name = "") const {
    return {file_.name, object_.at("").at(name)};
  }

  template <class Into, class... Limits>
  Fields& get(const std::string& name, Into& into, const Limits&... limits) {
    asked_.push_back(name);
    const Wrong wrong = has(name) ? read(object_[name], into, limits...) : "";
    if (!wrong.empty()) error(in_quotes(name) + ": " + wrong, name);
    return *this;
  }
  /// The objects in a table, with their names.
  std::vector<std::pair<std::string, Json>> rows(const std::string& name, Json::value_t kind) {
    std::vector<std::pair<std::string, Json>> all;
    Json table;
    get(name, table, kind);
    for (const auto& [key, row] : table.items()) {
      if (!row.is_object()) error(in_quotes(name) + ": expected {objects} in it", name);
      if (!key.empty() && row.is_object()) all.emplace_back(key, row);
    }
    return all;
  }

  /// On the line of that member, or of the object itself.
  void error(const std::string& text, const std::string& name = "") {
    file_.findings.push_back({place(name), false, what_ + text});
  }
  void refuse(bool wrong, const std::string& text) {
    if (wrong) error(text);
  }

 private:
  File& file_;
  Json object_;
  std::string what_;
  std::vector<std::string> asked_{};
};

class Reader {
 public:
  Reader(Findings& findings, const Environment& environment)
      : file_{{}, findings}, environment_(environment) {}

  void file(std::string_view text, const std::string& name) {
    file_.name = name;
    try {
      tables(Json::parse(with_lines(name, text)));
    } catch (const Finding& wrong) {
      file_.findings.push_back(wrong);
    }
  }

  /// What can be said only when all files are read.
  base::Result<Profile> finish() {
    for (const RateSpec& rate : profile_.limits.rates) names_["rate"].push_back(rate.name);
    for (const auto& [table, name, place] : references_) {
      const std::vector<std::string>& known = names_[table];
      if (!name.empty() && std::ranges::find(known, name) == known.end())
        file_.findings.push_back(
            {place, false, "there is no " + table + " " + in_quotes(name) + did_you_mean(name, known)});
    }
    // A profile that reads badly is checked no further: what would be said rests on what could not be read.
    const auto error = [this] { return std::ranges::find(file_.findings, false, &Finding::warning); };
    if (error() == file_.findings.end())
      std::ranges::move(check_profile(profile_, environment_), std::back_inserter(file_.findings));
    if (error() != file_.findings.end()) return base::fail(error()->line(), "wsbridge check says all");
    return std::move(profile_);
  }

 private:
  void tables(const Json& root) {
    Fields fields(file_, root, "");
    for (const auto& [name, row] : fields.rows("streams", kObject)) stream(name, row);
    for (const auto& [name, row] : fields.rows("workers", kObject)) worker(name, row);
    for (const auto& [name, row] : fields.rows("routes", kArray)) route(row);
    for (const auto& [name, row] : fields.rows("sockets", kObject)) socket(name, row);
    for (const std::string name : {"limits", "signup", "web"})
      if (fields.has(name) && !seen_.insert(name).second)
        fields.error(in_quotes(name) + " stands in two files", name);
    Json table;
    fields.get("limits", table, kObject).get("signup", profile_.signup, "closed|invited|open");
    limits(table);
    fields.get("open_to", profile_.open_to, is_network, "\"10.0.0.0/8\"");
    fields.get("trusted_proxies", profile_.trusted_proxies, is_network, "\"10.0.0.1\"");
    fields.get("hosts", profile_.hosts, access::is_host, "\"dash.example\"");
    fields.get("origins", profile_.origins, access::is_origin, "\"https://dash.example:3000\"");
    std::string web;  // a directory beside the profile
    fields.get("web", web);
    if (!web.empty()) profile_.web = (std::filesystem::path(file_.name).parent_path() / web).string();
  }

  void limits(const Json& table) {
    Fields fields(file_, table, "limits: ");
    LimitSpec& limits = profile_.limits;
    Json rates;
    fields.get("clients", limits.clients).get("per_address", limits.per_address).get("rates", rates, kObject);
    fields.get("header", limits.header_bytes)
        .get("body", limits.body_bytes)
        .get("message", limits.message_bytes);
    fields.get("backlog", limits.backlog_bytes).get("idle", limits.idle_ns, base::kSecond);
    Fields classes(file_, rates, "limits: rates: ");
    for (const auto& [name, value] : rates.items()) {
      if (name.empty()) continue;
      auto row = std::ranges::find(limits.rates, name, &RateSpec::name);
      if (row == limits.rates.end()) row = limits.rates.insert(row, {.name = name});
      classes.get(name, row->per_minute, Range{1, 1'000'000});
    }
  }

  /// A row under its name, in a table that all files share.
  template <class Row>
  Row& named(Fields& fields, const char* table, std::vector<Row>& rows, const std::string& name) {
    const auto other = std::ranges::find(rows, name, &Row::name);
    if (other != rows.end()) fields.error("the name stands also in " + other->place.text());
    fields.refuse(!is_name(name, "-."), "a name has letters, digits, '_', '-' and '.'");
    names_[table].push_back(name);
    Row& row = rows.emplace_back();
    row.name = name, row.place = fields.place();
    return row;
  }

  void stream(const std::string& name, const Json& row) {
    Fields fields(file_, row, "stream " + in_quotes(name) + ": ");
    StreamSpec& spec = named(fields, "stream", profile_.streams, name);
    Json one, pipeline;
    bool input = false;
    fields.get("command", one, kArray).get("pipeline", pipeline, kArray).get("stdin", input);
    fields.refuse(fields.has("command") + !pipeline.empty() + input != 1,
                  "needs one of \"command\", \"pipeline\", \"stdin\": true");
    if (!one.is_null()) pipeline.push_back(one);
    for (const Json& command : pipeline) {
      const Wrong wrong = read(command, spec.pipeline.emplace_back(), environment_);
      fields.refuse(!wrong.empty(), "\"command\": " + wrong);
    }
    fields.get("lines", spec.text_lines, "json|text").get("on_demand", spec.on_demand).get("key", spec.key);
    fields.get("restart", spec.restart, "always|on_failure|never");
    fields.get("every", spec.every_ns, 100 * base::kMillisecond);
    fields.get("history", spec.history, Range{1, 1'000'000});
    fields.refuse(input && (spec.every_ns != 0 || spec.on_demand), "standard input cannot be started anew");
  }

  void worker(const std::string& name, const Json& row) {
    Fields fields(file_, row, "worker " + in_quotes(name) + ": ");
    WorkerSpec& spec = named(fields, "worker", profile_.workers, name);
    fields.get("command", spec.command, environment_).get("timeout", spec.timeout_ns, base::kMillisecond);
    fields.get("count", spec.count, Range{1, 1000}).get("concurrency", spec.concurrency, Range{1, 1000});
    fields.get("queue", spec.queue, Range{0, 100'000});
    fields.refuse(!fields.has("command"), "needs a \"command\"");
  }

  /// What a route has in common with a message, whose parameters are members of it.
  void work(Fields& fields, RouteSpec& spec, ParamIn otherwise) {
    spec.place = fields.place();
    fields.get("argv", spec.argv).get("as", spec.as).get("rate", spec.rate);
    fields.get("access", spec.access, "token|open|everybody");
    for (const auto& [name, row] : fields.rows("params", kObject)) {
      Fields inside(file_, row, fields.what() + "parameter " + in_quotes(name) + ": ");
      ParamSpec& param = spec.params.emplace_back();
      const bool in_path = spec.path.find("{" + name + "}") != spec.path.npos;
      param.name = name, param.place = inside.place(), param.in = in_path ? ParamIn::path : otherwise;
      inside.get("in", param.in, "path|query|body").get("type", param.type, "text|integer|number|boolean");
      inside.get("required", param.required).get("default", param.initial).get("words", param.words);
      inside.get("min", param.min).get("max", param.max).get("text", param.text);
      param.required |= in_path;
      inside.refuse(!is_name(name), "a name has letters, digits and '_'");
      inside.refuse(in_path != (param.in == ParamIn::path), "\"in\" does not agree with the path");
      inside.refuse(param.initial && param.required, "\"default\": the parameter is required");
      inside.refuse(param.min && param.max && *param.min > *param.max, "\"min\" is above \"max\"");
    }
    references_.emplace_back("rate", spec.rate, spec.place);
    if (spec.source == Source::stream) references_.emplace_back("stream", spec.name, spec.place);
    if (spec.source == Source::worker) references_.emplace_back("worker", spec.name, spec.place);
  }

  static void path(Fields& fields, const std::string& path, bool parameters) {
    std::set<std::string> names;
    for (const auto part :
         std::views::split(std::string_view(path).substr(path.starts_with('/') ? 1 : 0), '/')) {
      const std::string segment(part.begin(), part.end()), name(api::parameter_of(segment));
      const bool plain = segment.find_first_of("{}?#%") == segment.npos && !segment.starts_with('.');
      fields.refuse(name.empty() ? segment.empty() || !plain : !parameters || !is_name(name),
                    "the path: " + in_quotes(segment) + " cannot stand between two '/'");
      fields.refuse(!name.empty() && !names.insert(name).second, "the path: {" + name + "} twice");
    }
    fields.refuse(!path.starts_with('/'), "the path begins with '/'");
  }

  void route(const Json& row) {
    RouteSpec& spec = profile_.routes.emplace_back();
    const std::string method = as_text(row.value("method", Json("GET")));
    Fields fields(file_, row, "route " + method + " " + as_text(row.value("path", Json(""))) + ": ");
    fields.get("method", spec.method, "GET|POST|PUT|PATCH|DELETE").get("path", spec.path);
    fields.get("stream", spec.name).get("worker", spec.name).get("builtin", spec.name);
    int sources = 0, kind = 0;
    for (const char* const key : {"stream", "worker", "command", "builtin"}) {
      if (fields.has(key)) spec.source = static_cast<Source>(kind), ++sources;
      ++kind;
    }
    const bool built_in = spec.source == Source::builtin, runs = spec.source == Source::command;
    if (built_in && (spec.name == "login" || spec.name == "signup" || spec.name == "setup"))
      spec.access = Access::everybody;
    work(fields, spec, spec.method == "GET" || spec.method == "DELETE" ? ParamIn::query : ParamIn::body);
    const bool body = std::ranges::count(spec.params, ParamIn::body, &ParamSpec::in) != 0;
    Json upload;
    fields.get("command", spec.argv).get("upload", upload, kObject).get("summary", spec.summary);
    fields.get("give", spec.give, "last|history|state").get("form", spec.form, "json|ndjson|raw");
    const bool program = is_text(row.value("status", Json()));
    program ? fields.get("status", spec.status_as) : fields.get("status", spec.status, Range{200, 299});
    fields.get("timeout", spec.timeout_ns, base::kMillisecond).get("error_as", spec.error_as);
    fields.get("cache", spec.cache_ns, base::kMillisecond).get("media_type", spec.media_type);
    fields.get("file_name", spec.file_name);
    if (!upload.is_null()) {
      Fields inside(file_, upload, fields.what() + "upload: ");
      inside.get("field", spec.upload.emplace().field).get("max", spec.upload->max_bytes);
    }
    path(fields, spec.path, true);
    fields.refuse(sources != 1, "needs one of \"stream\", \"worker\", \"command\", \"builtin\"");
    fields.refuse(runs && spec.argv.empty(), "\"command\": empty");
    fields.refuse(fields.has("argv") && spec.source != Source::worker, "\"argv\" belongs to a worker");
    fields.refuse(fields.has("give") && spec.source != Source::stream, "\"give\" belongs to a stream");
    fields.refuse(built_in && !api::is_builtin(spec.name), "there is no builtin " + in_quotes(spec.name));
    fields.refuse((fields.has("media_type") || fields.has("file_name")) && spec.form != Form::raw,
                  "\"media_type\" and \"file_name\" belong to \"form\": \"raw\"");
    fields.refuse(spec.form == Form::raw && (!spec.as.empty() || !runs),
                  "\"form\": \"raw\" is the output of a \"command\" as it is");
    fields.refuse(spec.cache_ns != 0 && (spec.method != "GET" || spec.form != Form::json),
                  "\"cache\" is for GET and \"form\": \"json\"");
    fields.refuse((body || spec.upload) && spec.method == "GET", "GET has no body");
    fields.refuse(body && spec.upload,
                  "an upload is the whole body: its parameters are in the path or query");
  }

  void socket(const std::string& name, const Json& row) {
    SocketSpec spec;
    Fields fields(file_, row, "socket " + name + ": ");
    spec.path = name, spec.place = fields.place();
    path(fields, name, false);
    const auto same = std::ranges::find(profile_.sockets, name, &SocketSpec::path);
    if (same != profile_.sockets.end()) fields.error("stands also in " + same->place.text());
    for (const auto& [key, value] : fields.rows("streams", kArray)) {
      Fields inside(file_, value, fields.what() + "streams: ");
      SubscriptionSpec& one = spec.streams.emplace_back();
      inside.get("stream", one.stream).get("as", one.as).get("slow", one.slow, "drop|conflate|cut|block");
      inside.get("history", one.history, Range{0, 1'000'000}).get("mine", one.mine);
      inside.refuse(one.stream.empty(), "needs a \"stream\"");
      references_.emplace_back("stream", one.stream, one.place = inside.place());
    }
    for (const auto& [key, value] : fields.rows("receive", kArray)) {
      Fields inside(file_, value, fields.what() + "receive: ");
      ReceiveSpec& one = spec.receive.emplace_back();
      one.source = Source::worker;
      inside.get("type", one.path).get("worker", one.name);
      work(inside, one, ParamIn::body);
      inside.refuse(one.path.empty() || one.name.empty(), "needs a \"type\" and a \"worker\"");
    }
    Json welcome;
    fields.get("welcome", welcome, kObject).get("heartbeat", spec.heartbeat_ns, 100 * base::kMillisecond);
    fields.get("timestamp", spec.timestamp).get("worker", spec.worker);
    fields.get("access", spec.access, "token|open|everybody");
    const auto no_lines = [](int, Json::parse_event_t event, const Json& json) {
      return event != Json::parse_event_t::key || json != "";
    };
    for (SubscriptionSpec& one : spec.streams) one.timestamp = spec.timestamp;
    if (!welcome.is_null()) spec.welcome = Json::parse(welcome.dump(), no_lines).dump();
    references_.emplace_back("worker", spec.worker, spec.place);
    fields.refuse(spec.streams.empty() && spec.receive.empty() && spec.worker.empty(),
                  "needs \"streams\", \"receive\" or a \"worker\"");
    fields.refuse(!spec.receive.empty() && !spec.worker.empty(),
                  "has \"receive\" or a \"worker\" of its own, not both");
    profile_.sockets.push_back(std::move(spec));
  }

  File file_;
  const Environment& environment_;
  std::map<std::string, std::vector<std::string>> names_{};                // by table
  std::vector<std::tuple<std::string, std::string, Place>> references_{};  // table, name in it, who says so
  std::set<std::string> seen_{};                                           // what only one file may have
  Profile profile_{};
};

}  // namespace

base::Result<Profile> read_profile_text(std::string_view text, const std::string& file, Findings& findings,
                                        const Environment& environment) {
  Reader reader(findings, environment);
  reader.file(text, file);
  return reader.finish();
}

base::Result<Profile> read_profile(std::span<const std::string> paths, Findings& findings,
                                   const Environment& environment) {
  Reader reader(findings, environment);
  for (const std::string& path : paths) {
    std::ifstream in(path, std::ios::binary);
    std::string text(kMaxDocument + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(in.gcount()));
    if (in.bad() || (text.empty() && !in.eof())) {
      findings.push_back({{path, 0}, false, "cannot be read"});
    } else {
      reader.file(text, path);
    }
  }
  return reader.finish();
}

}  // namespace wl::wsbridge
