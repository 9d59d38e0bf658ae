#include "tools/wsbridge/profile/read.h"

#include <algorithm>
#include <concepts>
#include <expected>
#include <filesystem>
#include <fstream>
#include <map>
#include <ranges>
#include <set>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "libcommon/base/edit_distance.h"
#include "libcommon/base/units.h"
#include "libcommon/packet/local_addresses.h"
#include "tools/wsbridge/api/routes.h"
#include "tools/wsbridge/shape/program.h"

namespace wl::wsbridge {

namespace {

using Json = nlohmann::ordered_json;

/// Why a document cannot be read.
struct Unreadable {
  size_t line = 0;
  std::string text{};
};

/// A document of JSON with comments. Each object in it has a member "": an object with the lines of its
/// members, and with its own as "". Throws Unreadable.
Json parse(std::string_view text) {
  if (text.size() > kMaxDocument) throw Unreadable{1, "larger than 256 KB"};
  size_t line = 1;
  char last = ' ';  // a '\n' counts for what is behind it: the parser looks one character behind a number
  const auto characters = std::views::transform(text, [&line, &last](char c) {
    line += std::exchange(last, c) == '\n' ? 1U : 0U;
    return c;
  });
  std::vector<Json> open;  // the lines of each object that is open
  const auto note = [&](int depth, Json::parse_event_t event, Json& json) {
    using enum Json::parse_event_t;
    if (event == key && !open.back().emplace(json.get<std::string>(), line).second)
      throw Unreadable{line, json.dump() + " stands in this object twice"};
    if ((event == object_start || event == array_start) && depth >= kMaxDepth)
      throw Unreadable{line, "nested too deeply"};
    if (event == object_start) open.push_back(Json::object({{"", line}}));
    if (event == object_end) {
      json[""] = std::move(open.back());
      open.pop_back();
    }
    return true;
  };
  try {
    return Json::parse(characters.begin(), characters.end(), note, true, true);
  } catch (const Json::exception& exception) {
    // "[…] parse error at line 3, column 4: syntax error while … - reason"
    std::string_view why = exception.what();
    for (const std::string_view before : {"] ", ": ", " - "}) {
      if (const size_t at = why.find(before); at != why.npos) why.remove_prefix(at + before.size());
    }
    throw Unreadable{line, std::string(why)};
  }
}

std::string in_quotes(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// ", did you mean "x"?" when one of `known` is near to `name`, else nothing.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const auto distance = [name](const std::string& other) { return base::edit_distance(name, other); };
  const auto nearest = std::ranges::min_element(known, {}, distance);
  if (nearest == known.end() || distance(*nearest) > std::max<size_t>(1, name.size() / 3)) return "";
  return ", did you mean " + in_quotes(*nearest) + "?";
}

bool is_name(std::string_view text, std::string_view also = "") {
  const auto letter = [also](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || also.find(c) != also.npos;
  };
  return !text.empty() && std::ranges::all_of(text, letter) && text[0] != '-' && text[0] != '.';
}

bool is_network(const std::string& text) { return text == "unix" || packet::parse_network(text).has_value(); }

bool is_origin(const std::string& text) {
  const size_t host = text.find("://") + 3;
  return (text.starts_with("http://") || text.starts_with("https://")) && host < text.size() &&
         text.find_first_of("/*?#@", host) == std::string::npos;
}

/// `word` with ${NAME} and ${NAME:-otherwise} filled; the error is the name of what is not set.
std::expected<std::string, std::string> substitute(std::string_view word, const Environment& environment) {
  std::string out;
  for (size_t at = 0, end = 0;
       (at = word.find("${")) != word.npos && (end = word.find('}', at)) != word.npos;) {
    const std::string_view inside = word.substr(at + 2, end - at - 2);
    const size_t colon = std::min(inside.find(":-"), inside.size());
    const std::string name(inside.substr(0, colon));
    const char* const value = environment && is_name(name) ? environment(name.c_str()) : nullptr;
    const bool otherwise = colon < inside.size() && (value == nullptr || *value == '\0');
    if (value == nullptr && !otherwise) return std::unexpected(name);
    (out += word.substr(0, at)) += otherwise ? inside.substr(colon + 2) : value;
    word.remove_prefix(end + 1);
  }
  return out += word;
}

/// A text as it is, anything else as JSON.
std::string as_text(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

bool is_text(const Json& value) {
  return value.is_string() && as_text(value).find('\0') == std::string::npos;
}

template <class Into>
std::string take(bool good, const Json& value, Into& into, const std::string& expected) {
  if (good) into = value.get<Into>();
  return good ? "" : "expected " + expected;
}

// read_value(): one for each type; gives what is wrong with the value.

std::string read_value(const Json& value, Json& into, Json::value_t kind) {
  return take(value.type() == kind, value, into, kind == Json::value_t::array ? "an [array]" : "an {object}");
}
std::string read_value(const Json& value, std::string& into) {
  return take(is_text(value) && value != "", value, into, "a text that is neither empty nor holds a NUL");
}
std::string read_value(const Json& value, bool& into) {
  return take(value.is_boolean(), value, into, "true or false");
}
std::string read_value(const Json& value, std::optional<double>& into) {
  return take(value.is_number(), value, into.emplace(), "a number");
}
std::string read_value(const Json& value, std::vector<std::string>& into) {
  return take(value.is_array() && std::ranges::all_of(value, is_text), value, into,
              value.is_array() ? "an array of texts" : "an [array]");
}
/// Of any type, as text.
std::string read_value(const Json& value, std::optional<std::string>& into) {
  into = as_text(value);
  return value.is_primitive() && !value.is_null() ? "" : "expected a single value";
}

/// Adds texts that are all `valid`.
std::string read_value(const Json& value, std::vector<std::string>& into, bool (*valid)(const std::string&),
                       const std::string& like) {
  std::vector<std::string> texts;
  const std::string wrong = read_value(value, texts);
  const auto bad = std::ranges::find_if_not(texts, valid);
  if (bad != texts.end()) return in_quotes(*bad) + " is not like " + like;
  into.insert(into.end(), texts.begin(), texts.end());
  return wrong;
}

/// A command of our own. A word that its variables leave empty is left out.
std::string read_value(const Json& value, Argv& into, const Environment& environment) {
  Argv words;
  std::string wrong = read_value(value, words);
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
std::string read_value(const Json& value, int64_t& into, int64_t min) {
  const auto read = base::parse_duration(as_text(value));
  into = read.value_or(into);
  return !read        ? "expected a duration like \"30s\""
         : into < min ? "at least " + base::format_duration(min)
                      : "";
}

/// A number; one of 64 bits without a limit is a size.
struct Range {
  uint64_t min = 1;
  uint64_t max = UINT64_MAX;
};
template <std::unsigned_integral Number>
std::string read_value(const Json& value, Number& into, Range range = {}) {
  const uint64_t max = std::min<uint64_t>(range.max, std::numeric_limits<Number>::max());
  const auto read = base::parse_size(as_text(value));
  if (read && *read >= range.min && *read <= max) return into = static_cast<Number>(*read), "";
  if (max == UINT64_MAX) return "expected a size like \"16k\" or \"1G\"";
  return "expected a whole number from " + std::to_string(range.min) + " to " + std::to_string(max);
}

/// One of the words in `all` ("drop|cut"): itself, or its place among them as value of an enum.
template <class Choice>
std::string read_value(const Json& value, Choice& into, std::string_view all) {
  std::vector<std::string> words;
  for (const auto word : std::views::split(all, '|')) words.emplace_back(word.begin(), word.end());
  const auto found = std::ranges::find(words, as_text(value));
  if (found == words.end())
    return "expected one of " + std::string(all) + did_you_mean(as_text(value), words);
  if constexpr (std::same_as<Choice, std::string>) {
    into = *found;
  } else {
    into = static_cast<Choice>(found - words.begin());
  }
  return "";
}

/// True when no value of the parameter begins with '-'.
bool never_option(const ParamSpec& param) {
  if (param.type == ValueType::boolean) return true;
  if (!param.words.empty())
    return std::ranges::none_of(param.words, [](auto& word) { return word.starts_with('-'); });
  return param.type != ValueType::text && param.min.value_or(-1) >= 0;
}

/// True when a value behind this cannot become an option: "--name=", or something that is no option at all.
bool guards(std::string_view before) {
  if (!before.starts_with("--")) return !before.empty() && before[0] != '-';
  return before.find('=') != before.npos && before.find('=') > 2;
}

/// Whether that can be run: a path, or a name in one of the folders of PATH.
bool runs(const std::string& command, const char* path) {
  const auto is_program = [](const std::string& file) { return ::access(file.c_str(), X_OK) == 0; };
  if (command.find('/') != command.npos) return is_program(command);
  const std::string_view folders = path != nullptr ? path : "";
  return std::ranges::any_of(std::views::split(folders, ':'), [&](const auto& folder) {
    return is_program(std::string(folder.begin(), folder.end()) + "/" + command);
  });
}

constexpr Json::value_t kArray = Json::value_t::array, kObject = Json::value_t::object;

/// The members of an object, each asked for by one call, which leaves `into` alone when it is not there. What
/// nobody asked for is an error when this goes.
class Fields {
 public:
  Fields(std::string file, Json root, std::vector<Finding>& findings)
      : file_(std::move(file)), object_(std::move(root)), findings_(findings) {}
  /// An object inside `parent`'s; null has no members. `what` stands before messages: "stream \"s\"".
  Fields(Fields& parent, Json object, const std::string& what)
      : file_(parent.file_),
        object_(std::move(object)),
        what_(parent.what_ + what + ": "),
        findings_(parent.findings_) {
    if (object_.is_object()) return;
    if (!object_.is_null()) parent.error(what + ": expected an {object}");
    object_ = {{"", {{"", parent.place().line}}}};
  }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;
  ~Fields() {
    for (const auto& [name, value] : object_.items()) {
      if (!name.empty() && std::ranges::find(asked_, name) == asked_.end())
        error("unknown key " + in_quotes(name) + did_you_mean(name, asked_), name);
    }
  }

  [[nodiscard]] bool has(const std::string& name) const { return object_.contains(name); }
  template <class Into, class... Limits>
  Fields& get(const std::string& name, Into& into, const Limits&... limits) {
    asked_.push_back(name);
    const std::string wrong = has(name) ? read_value(object_[name], into, limits...) : "";
    if (!wrong.empty()) error(in_quotes(name) + ": " + wrong, name);
    return *this;
  }
  /// What is in a table, with its names.
  std::vector<std::pair<std::string, Json>> rows(const std::string& name, Json::value_t kind) {
    std::vector<std::pair<std::string, Json>> all;
    Json table;
    get(name, table, kind);
    for (const auto& [key, row] : table.items()) {
      if (!key.empty()) all.emplace_back(key, row);
    }
    return all;
  }

  /// On the line of that member, or of the object itself.
  void error(const std::string& text, const std::string& name = "") {
    findings_.push_back({{file_, object_.at("").at(name)}, false, what_ + text});
  }
  void refuse(bool wrong, const std::string& text) {
    if (wrong) error(text);
  }
  [[nodiscard]] Place place() const { return {file_, object_.at("").at("")}; }
  [[nodiscard]] const std::string& what() const { return what_; }

 private:
  std::string file_;
  Json object_;
  std::string what_{};
  std::vector<Finding>& findings_;
  std::vector<std::string> asked_{};
};

class Reader {
 public:
  Reader(std::vector<Finding>& findings, const Environment& environment)
      : findings_(findings), environment_(environment) {}

  void file(std::string_view text, const std::string& name) {
    try {
      Json root = parse(text);
      if (!root.is_object()) throw Unreadable{1, "expected an {object}"};
      Fields fields(name, std::move(root), findings_);
      tables(fields);
      std::string web;  // a directory beside the profile
      fields.get("web", web);
      if (!web.empty()) profile_.web = (std::filesystem::path(name).parent_path() / web).string();
    } catch (const Unreadable& wrong) {
      findings_.push_back({{name, wrong.line}, false, wrong.text});
    }
  }

  /// What can be said only when all files are read.
  base::Result<Profile> finish() {
    for (const auto& [table, name, place] : references_) {
      std::vector<std::string> known;
      const auto all = [&known](const auto& rows) {
        for (const auto& row : rows) known.push_back(row.name);
      };
      if (table == "stream") all(profile_.streams);
      if (table == "worker") all(profile_.workers);
      if (table == "rate") all(profile_.limits.rates);
      if (!name.empty() && std::ranges::find(known, name) == known.end())
        findings_.push_back(
            {place, false, "there is no " + table + " " + in_quotes(name) + did_you_mean(name, known)});
    }
    for (const RouteSpec& route : profile_.routes) {
      const auto stream = std::ranges::find(profile_.streams, route.name, &StreamSpec::name);
      if (route.source != Source::stream || stream == profile_.streams.end()) continue;
      later(route.place, route.cache_ns != 0 && route.cache_ns < stream->every_ns,
            "route " + route.method + " " + route.path +
                ": \"cache\" is shorter than the stream's \"every\" of " +
                base::format_duration(stream->every_ns),
            true);
    }
    // A profile that reads badly is checked no further: what would be said rests on what could not be read.
    const auto error = [this] { return std::ranges::find(findings_, false, &Finding::warning); };
    if (error() == findings_.end()) std::ranges::move(later_, std::back_inserter(findings_));
    if (error() != findings_.end()) return base::fail(error()->line(), "wsbridge check says all");
    return std::move(profile_);
  }

 private:
  void tables(Fields& file) {
    for (const auto& [name, row] : file.rows("streams", kObject)) stream(file, name, row);
    for (const auto& [name, row] : file.rows("workers", kObject)) worker(file, name, row);
    for (const auto& [name, row] : file.rows("routes", kArray)) route(file, row);
    for (const auto& [name, row] : file.rows("sockets", kObject)) socket(file, name, row);
    for (const std::string name : {"limits", "signup", "web"}) {
      if (file.has(name) && !seen_.insert(name).second)
        file.error(in_quotes(name) + " stands in two files", name);
    }
    Json table, rates;
    file.get("limits", table, kObject);
    Fields fields(file, table, "limits");
    LimitSpec& limits = profile_.limits;
    fields.get("clients", limits.clients).get("per_address", limits.per_address);
    fields.get("header", limits.header_bytes).get("body", limits.body_bytes);
    fields.get("message", limits.message_bytes).get("backlog", limits.backlog_bytes);
    fields.get("idle", limits.idle_ns, base::kSecond).get("rates", rates, kObject);
    Fields classes(fields, rates, "rates");
    for (const auto& [name, value] : rates.items()) {
      auto row = std::ranges::find(limits.rates, name, &RateSpec::name);
      if (name.empty()) continue;
      if (row == limits.rates.end()) row = limits.rates.insert(row, {.name = name});
      classes.get(name, row->per_minute, Range{1, 1'000'000});
    }
    const auto any = [](const std::string&) { return true; };
    file.get("open_to", profile_.open_to, is_network, "\"10.0.0.0/8\"");
    file.get("trusted_proxies", profile_.trusted_proxies, is_network, "\"10.0.0.1\"");
    file.get("hosts", profile_.hosts, any, "").get("signup", profile_.signup, "closed|invited|open");
    file.get("origins", profile_.origins, is_origin, "\"https://dash.example:3000\"");
  }

  /// A row under its name, in a table that all files share.
  template <class Row>
  Row& named(Fields& fields, std::vector<Row>& rows, const std::string& name) {
    const auto other = std::ranges::find(rows, name, &Row::name);
    if (other != rows.end()) fields.error("the name stands also in " + other->place.text());
    fields.refuse(!is_name(name, "-."), "a name has letters, digits, '_', '-' and '.'");
    Row& row = rows.emplace_back();
    row.name = name, row.place = fields.place();
    return row;
  }

  void stream(Fields& file, const std::string& name, const Json& row) {
    Fields fields(file, row, "stream " + in_quotes(name));
    StreamSpec& spec = named(fields, profile_.streams, name);
    Json pipeline;
    Argv one;
    bool input = false;
    fields.get("command", one, environment_).get("pipeline", pipeline, kArray).get("stdin", input);
    fields.get("lines", spec.text_lines, "json|text");
    fields.get("restart", spec.restart, "always|on_failure|never").get("on_demand", spec.on_demand);
    fields.get("every", spec.every_ns, 100 * base::kMillisecond).get("key", spec.key);
    fields.get("history", spec.history, Range{1, 1'000'000});
    if (fields.has("command")) spec.pipeline.push_back(one);
    for (const Json& command : pipeline) {
      const std::string wrong = read_value(command, spec.pipeline.emplace_back(), environment_);
      fields.refuse(!wrong.empty(), "\"pipeline\": " + wrong);
    }
    fields.refuse(fields.has("command") + !pipeline.empty() + input != 1,
                  "needs one of \"command\", \"pipeline\", \"stdin\": true");
    fields.refuse(input && (spec.every_ns != 0 || spec.on_demand), "standard input cannot be started anew");
    for (const Argv& argv : spec.pipeline) command(spec.place, argv);
  }

  void worker(Fields& file, const std::string& name, const Json& row) {
    Fields fields(file, row, "worker " + in_quotes(name));
    WorkerSpec& spec = named(fields, profile_.workers, name);
    fields.get("command", spec.command, environment_).get("timeout", spec.timeout_ns, base::kMillisecond);
    fields.get("count", spec.count, Range{1, 1000}).get("concurrency", spec.concurrency, Range{1, 1000});
    fields.get("queue", spec.queue, Range{0, 100'000});
    fields.refuse(!fields.has("command"), "needs a \"command\"");
    command(spec.place, spec.command);
  }

  /// What a route has in common with a message, whose parameters are all in its body.
  void work(Fields& fields, RouteSpec& spec, ParamIn otherwise) {
    spec.place = fields.place();
    fields.get("argv", spec.argv).get("as", spec.as).get("rate", spec.rate);
    fields.get("access", spec.access, "token|open|everybody");
    for (const auto& [name, row] : fields.rows("params", kObject)) {
      ParamSpec& param = spec.params.emplace_back();
      Fields inside(fields, row, "parameter " + in_quotes(name));
      const bool in_path = spec.path.find("{" + name + "}") != std::string::npos;
      param.name = name, param.place = inside.place(), param.in = in_path ? ParamIn::path : otherwise;
      inside.get("in", param.in, "path|query|body").get("type", param.type, "text|integer|number|boolean");
      inside.get("required", param.required).get("default", param.initial).get("words", param.words);
      inside.get("min", param.min).get("max", param.max).get("text", param.text);
      param.required |= in_path;
      inside.refuse(!is_name(name), "a name has letters, digits and '_'");
      inside.refuse(in_path != (param.in == ParamIn::path), "\"in\" does not agree with the path");
      inside.refuse(param.initial && param.required, "\"default\": the parameter is required");
      inside.refuse(param.min && param.max && *param.min > *param.max, "\"min\" is above \"max\"");
      values(param);
    }
    words(spec);
    program(spec.place, "as", spec.as);
    references_.emplace_back("rate", spec.rate, spec.place);
    references_.emplace_back(spec.source == Source::worker ? "worker" : "stream",
                             spec.source == Source::worker || spec.source == Source::stream ? spec.name : "",
                             spec.place);
  }

  static void path(Fields& fields, const std::string& path, bool parameters) {
    std::set<std::string> names;
    for (const std::string& segment : api::split_path(path)) {
      const std::string name(api::parameter_of(segment));
      const bool plain = segment.find_first_of("{}?#%") == segment.npos && !segment.starts_with('.');
      fields.refuse(name.empty() ? segment.empty() || !plain : !parameters || !is_name(name),
                    "the path: " + in_quotes(segment) + " cannot stand between two '/'");
      fields.refuse(!name.empty() && !names.insert(name).second, "the path: {" + name + "} twice");
    }
    fields.refuse(!path.starts_with('/'), "the path begins with '/'");
  }

  void route(Fields& file, const Json& row) {
    RouteSpec spec;
    const auto raw = [&row](const char* name, const char* otherwise) {
      return row.contains(name) ? as_text(row[name]) : otherwise;
    };
    Fields fields(file, row, "route " + raw("method", "GET") + " " + raw("path", ""));
    fields.get("method", spec.method, "GET|POST|PUT|PATCH|DELETE").get("path", spec.path);
    path(fields, spec.path, true);
    int sources = 0;
    for (const auto& [key, source] : {std::pair{"stream", Source::stream},
                                      {"worker", Source::worker},
                                      {"command", Source::command},
                                      {"builtin", Source::builtin}}) {
      if (fields.has(key)) spec.source = source, ++sources;
    }
    fields.get("stream", spec.name).get("worker", spec.name).get("builtin", spec.name);
    fields.get("command", spec.argv).get("give", spec.give, "last|history|state");
    const bool built_in = spec.source == Source::builtin, runs = spec.source == Source::command;
    if (built_in && (spec.name == "login" || spec.name == "signup" || spec.name == "setup"))
      spec.access = Access::everybody;
    Json upload;
    fields.get("upload", upload, kObject).get("form", spec.form, "json|ndjson|raw");
    if (fields.has("upload"))
      Fields(fields, upload, "upload")
          .get("field", spec.upload.emplace().field)
          .get("max", spec.upload->max_bytes);
    const bool reads = spec.method == "GET" || spec.method == "DELETE";
    work(fields, spec, reads ? ParamIn::query : ParamIn::body);
    fields.get("summary", spec.summary)
        .get("error_as", spec.error_as)
        .get("status", spec.status, Range{200, 299});
    fields.get("media_type", spec.media_type).get("file_name", spec.file_name);
    fields.get("cache", spec.cache_ns, base::kMillisecond)
        .get("timeout", spec.timeout_ns, base::kMillisecond);
    const bool body = std::ranges::count(spec.params, ParamIn::body, &ParamSpec::in) != 0;
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

    std::string shape = spec.method;
    for (const std::string& segment : api::split_path(spec.path)) {
      const std::string name(api::parameter_of(segment));
      shape += "/" + (name.empty() ? segment : "{}");
      if (!name.empty()) declared(spec, spec.path, name, false);
    }
    const auto [earlier, fresh] = shapes_.emplace(shape, spec.place);
    later(spec.place, !fresh, fields.what() + "never reached, " + earlier->second.text() + " comes first");
    for (api::Placeholder hole{};
         (hole = api::find_placeholder(spec.file_name, hole.at + hole.size)).size != 0;)
      declared(spec, spec.file_name, hole.name, spec.upload.has_value());
    if (runs) command(spec.place, spec.argv);
    program(spec.place, "error_as", spec.error_as);
    const bool open = spec.access == Access::open && (spec.method != "POST" || spec.upload);
    later(spec.place, spec.method != "GET" && !built_in && (open || spec.access == Access::everybody),
          fields.what() + "what writes needs a token");
    profile_.routes.push_back(std::move(spec));
  }

  void socket(Fields& file, const std::string& path_of_it, const Json& row) {
    SocketSpec spec;
    Fields fields(file, row, "socket " + path_of_it);
    spec.path = path_of_it, spec.place = fields.place();
    path(fields, spec.path, false);
    const auto same = std::ranges::find(profile_.sockets, spec.path, &SocketSpec::path);
    if (same != profile_.sockets.end()) fields.error("stands also in " + same->place.text());
    for (const auto& [key, value] : fields.rows("streams", kArray)) {
      Fields inside(fields, value, "streams");
      SubscriptionSpec& one = spec.streams.emplace_back();
      inside.get("stream", one.stream).get("as", one.as).get("slow", one.slow, "drop|conflate|cut|block");
      inside.get("history", one.history, Range{0, 1'000'000});
      inside.refuse(one.stream.empty(), "needs a \"stream\"");
      references_.emplace_back("stream", one.stream, one.place = inside.place());
      program(one.place, "as", one.as);
    }
    Json welcome;
    fields.get("welcome", welcome, kObject).get("heartbeat", spec.heartbeat_ns, 100 * base::kMillisecond);
    fields.get("timestamp", spec.timestamp).get("worker", spec.worker);
    fields.get("access", spec.access, "token|open|everybody");
    const auto no_lines = [](int, Json::parse_event_t event, const Json& json) {
      return event != Json::parse_event_t::key || json != "";
    };
    if (!welcome.is_null()) spec.welcome = Json::parse(welcome.dump(), no_lines).dump();
    references_.emplace_back("worker", spec.worker, spec.place);
    std::set<std::string> types;
    for (const auto& [key, value] : fields.rows("receive", kArray)) {
      Fields inside(fields, value, "receive");
      ReceiveSpec& one = spec.receive.emplace_back();
      one.source = Source::worker;
      inside.get("type", one.path).get("worker", one.name);
      work(inside, one, ParamIn::body);
      inside.refuse(one.path.empty() || one.name.empty(), "needs a \"type\" and a \"worker\"");
      later(one.place, !types.insert(one.path).second,
            fields.what() + "receive " + in_quotes(one.path) + " twice");
    }
    fields.refuse(spec.streams.empty() && spec.receive.empty() && spec.worker.empty(),
                  "needs \"streams\", \"receive\" or a \"worker\"");
    fields.refuse(!spec.receive.empty() && !spec.worker.empty(),
                  "has \"receive\" or a \"worker\" of its own, not both");
    profile_.sockets.push_back(std::move(spec));
  }

  // The checks of what reads well.

  void later(const Place& place, bool wrong, const std::string& text, bool warning = false) {
    if (wrong) later_.push_back({place, warning, text});
  }

  void command(const Place& place, const Argv& argv) {
    if (!environment_ || argv.empty() || api::find_placeholder(argv[0]).size != 0) return;
    later(place, !runs(argv[0], environment_("PATH")),
          "no command " + in_quotes(argv[0]) + (argv[0].find('/') == std::string::npos ? " on PATH" : ""));
  }

  void program(const Place& place, const char* key, const std::string& text) {
    if (!environment_ || text.empty()) return;
    const auto compiled = shape::Program::compile(text);
    later(place, !compiled, compiled ? "" : in_quotes(key) + ": " + compiled.error().line());
  }

  /// The default and the words are values that the parameter takes.
  void values(const ParamSpec& param) {
    const auto value = param.initial ? api::check_value(param, *param.initial) : "";
    later(param.place, !value, value ? "" : "\"default\": " + value.error().line());
    ParamSpec any = param;
    any.words.clear();
    for (const std::string& word : param.words)
      later(param.place, api::check_value(any, word) != word,
            "\"words\": " + param.name + " can never be " + in_quotes(word));
  }

  /// Placeholders have parameters, and no value can become an option.
  void words(const RouteSpec& spec) {
    bool options = true;  // before "--"
    for (const std::string& word : spec.argv) {
      options = options && word != "--";
      const auto hole = api::find_placeholder(word);
      if (hole.size == 0) continue;
      const std::string name(hole.name), quoted = in_quotes(word);
      later(spec.place, api::find_placeholder(word, hole.at + hole.size).size != 0,
            quoted + ": one {parameter} a word");
      later(spec.place, spec.source == Source::command && &word == spec.argv.data(),
            quoted + ": the command itself cannot be a parameter");
      const ParamSpec* const param = declared(spec, word, name, spec.upload.has_value());
      const bool safe = !options || name == "upload" || (param != nullptr && never_option(*param));
      later(spec.place, !safe && !guards(word.substr(0, hole.at)),
            quoted + ": the value could become an option (write \"--name={" + name +
                "}\", or put it behind \"--\")");
    }
  }

  const ParamSpec* declared(const RouteSpec& spec, const std::string& word, std::string_view name,
                            bool upload) {
    const auto param = std::ranges::find(spec.params, name, &ParamSpec::name);
    if (param != spec.params.end()) return &*param;
    std::vector<std::string> known;
    for (const ParamSpec& one : spec.params) known.push_back(one.name);
    later(spec.place, !upload || (name != "upload" && name != "upload_name"),
          in_quotes(word) + ": there is no parameter " + in_quotes(name) + did_you_mean(name, known));
    return nullptr;
  }

  std::vector<Finding>& findings_;
  const Environment& environment_;
  std::vector<Finding> later_{};
  std::vector<std::tuple<std::string, std::string, Place>> references_{};  // table, name in it, who says so
  std::map<std::string, Place> shapes_{};                                  // of routes: "GET/a/{}"
  std::set<std::string> seen_{};
  Profile profile_{};
};

}  // namespace

base::Result<Profile> read_profile_text(std::string_view text, const std::string& file,
                                        std::vector<Finding>& findings, const Environment& environment) {
  Reader reader(findings, environment);
  reader.file(text, file);
  return reader.finish();
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
  return reader.finish();
}

}  // namespace wl::wsbridge
