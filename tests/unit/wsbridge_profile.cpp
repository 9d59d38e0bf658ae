#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tools/wsbridge/profile/read.h"

using namespace wl::wsbridge;

namespace {

const char* environment(const char* name) {
  const std::string_view wanted = name;
  if (wanted == "PATH") return "/none:/usr/bin:/bin";
  if (wanted == "IFACE") return "eth7";
  return wanted == "NOTHING" ? "" : nullptr;
}

struct Outcome {
  Profile profile{};
  std::vector<std::string> lines{};  // of findings, those of the check too
};

Outcome read(std::string_view text) {
  std::vector<Finding> findings;
  auto profile = read_profile_text(text, "p.json", findings, environment);
  Outcome outcome{.profile = profile ? std::move(*profile) : Profile{}};
  for (const Finding& finding : findings)
    outcome.lines.push_back((finding.warning ? "warning " : "") + finding.line());
  return outcome;
}

/// All findings, '\n' between them.
std::string said(std::string_view text) {
  std::string all;
  for (const std::string& line : read(text).lines) all += (all.empty() ? "" : "\n") + line;
  return all;
}

/// What is said of one route on stream "s" or worker "w".
std::string route_said(const std::string& members) {
  return said(
      R"({"streams":{"s":{"command":["cat"],"every":"10s"}},"workers":{"w":{"command":["cat"]}},"routes":[{)" +
      members + "}]}");
}

}  // namespace

TEST_CASE("wsbridge: a document with comments knows its lines", "[wsbridge][profile]") {
  CHECK(said("// one\n{ /* two\n lines */ \"a\": 1,\n\"streams\": {\n\"s\":\n{ \"command\": "
             "[\"cat\",\n\"x\"\n], "
             "\"history\": 0\n,\n\n\"b\": [true,\n null, -2.50,\n \"x\\u00e9\\n\"] } }\n}") ==
        "p.json:8: stream \"s\": \"history\": expected a whole number from 1 to 1000000\n"
        "p.json:11: stream \"s\": unknown key \"b\"\n"
        "p.json:3: unknown key \"a\"");
  CHECK(said("{\"streams\":{\"s\":\n{\"command\":[\"cat\"],\"history\":1\n,\"every\":1\n},\n\"t\":{\"stdin\":"
             "1}}}") ==
        "p.json:5: stream \"t\": \"stdin\": expected true or false\n"
        "p.json:5: stream \"t\": needs one of \"command\", \"pipeline\", \"stdin\": true");
  const Profile profile =
      read(
          "{\"sockets\":{\"/a\":{\"worker\":\"w\",\"welcome\":{\"b\":[true,\n null, -2.5, {\"\\u0061\":\n"
          "{}}, // no\n \"x\\u00e9\\n\"]}}},\"workers\":{\"w\":{\"command\":[\"cat\"]}}}")
          .profile;
  REQUIRE(profile.sockets.size() == 1);
  CHECK(profile.sockets[0].welcome == "{\"b\":[true,null,-2.5,{\"a\":{}},\"xé\\n\"]}");
}

TEST_CASE("wsbridge: a document that is none says where", "[wsbridge][profile]") {
  CHECK(said("{\n\"a\" 1}") == "p.json:2: unexpected number literal; expected ':'");
  CHECK(said("{\"a\":1,\n\n\"b\":2,\"a\":3}") == "p.json:3: \"a\" stands in this object twice");
  CHECK(said("{\n\"\":3}") == "p.json:2: \"\" stands in this object twice");
  CHECK(said("{\"a\":\n tru }").starts_with("p.json:2: invalid literal"));
  CHECK(said("").starts_with("p.json:1: unexpected end of input"));
  CHECK(said("{} x").starts_with("p.json:1: "));
  CHECK(said("[\"\xff\"]").starts_with("p.json:1: "));
  CHECK(said("/* no end").starts_with("p.json:1: "));
  CHECK(said("{\"a\":\n1e999}").starts_with("p.json:2: number overflow"));
  const auto nested = [](size_t depth) {
    return "{\"streams\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  CHECK(said(nested(kMaxDepth)) == "p.json:1: \"streams\": expected an {object}");
  CHECK(said(nested(kMaxDepth + 1)) == "p.json:1: nested too deeply");
  CHECK(said(std::string(kMaxDocument + 1, ' ')) == "p.json:1: larger than 256 KB");
}

TEST_CASE("wsbridge: a profile with everything in it", "[wsbridge][profile]") {
  const auto [profile, lines] = read(R"({
    "streams": {
      "t": {"pipeline": [["cat", "${IFACE}", "a${NONE:-eth0}b"], ["cat", "${NOTHING:-}", ""]],
            "lines": "text", "restart": "on_failure", "every": "30s", "on_demand": true, "history": 7, "key": "client"},
      "i": {"stdin": true}
    },
    "workers": {"w": {"command": ["cat"], "count": 2, "concurrency": 3, "timeout": "1m", "queue": 5}},
    "routes": [
      {"method": "POST", "path": "/api/x/{id}", "summary": "Do", "params": {
         "id": {"type": "integer", "min": 0}, "name": {"required": true, "max": 20, "text": "Name"},
         "kind": {"words": ["a", "b"], "default": "a", "in": "query"}},
       "worker": "w", "argv": ["x", "--name={name}", "{id}", "{kind}"], "form": "ndjson", "as": ".a", "status": 201,
       "error_as": "{error: .detail}", "rate": "fast", "timeout": "2s"},
      {"path": "/up", "method": "PUT", "upload": {"field": "f", "max": "2k"}, "command": ["cat", "--", "{upload}", "{upload_name}"],
       "form": "raw", "media_type": "text/plain", "file_name": "{upload_name}.txt"},
      {"path": "/last", "stream": "t", "give": "history", "cache": "1m", "access": "open"},
      {"path": "/login", "method": "POST", "builtin": "login"}
    ],
    "sockets": {"/ws/t": {"streams": [{"stream": "t", "as": "{a}", "slow": "conflate", "history": 3}],
       "welcome": {"type": "welcome", "message": "hi"}, "heartbeat": "30s", "timestamp": true, "access": "open",
       "receive": [{"type": "command", "worker": "w", "argv": ["run", "--", "{command}"], "params": {"command": {"required": true}},
                    "as": ".", "rate": "commands", "access": "open"}]},
      "/ws/w": {"worker": "w"}},
    "limits": {"clients": 5, "per_address": 6, "header": "8k", "body": 100, "message": "1M", "backlog": "2M", "idle": "10s",
               "rates": {"commands": 3, "fast": 100}},
    "open_to": ["10.0.0.0/8", "::1"], "origins": ["http://dash:3000"], "hosts": ["dash"], "trusted_proxies": ["127.0.0.1"],
    "signup": "invited", "web": "pages"
  })");
  CHECK(lines == std::vector<std::string>{});
  REQUIRE(profile.streams.size() == 2);
  CHECK(profile.streams[0].pipeline == std::vector<Argv>{{"cat", "eth7", "aeth0b"}, {"cat", ""}});
  CHECK(profile.streams[0].text_lines);
  CHECK(profile.streams[0].restart == Restart::on_failure);
  CHECK(profile.streams[0].every_ns == 30'000'000'000);
  CHECK(profile.streams[0].on_demand);
  CHECK(profile.streams[0].history == 7);
  CHECK(profile.streams[0].key == "client");
  CHECK(profile.streams[0].place.line == 3);
  CHECK(profile.streams[1].pipeline.empty());
  REQUIRE(profile.workers.size() == 1);
  CHECK(profile.workers[0].count == 2);
  CHECK(profile.workers[0].concurrency == 3);
  CHECK(profile.workers[0].timeout_ns == 60'000'000'000);
  CHECK(profile.workers[0].queue == 5);
  REQUIRE(profile.routes.size() == 4);
  const RouteSpec& post = profile.routes[0];
  CHECK(post.source == Source::worker);
  CHECK(post.name == "w");
  CHECK(post.argv == Argv{"x", "--name={name}", "{id}", "{kind}"});
  CHECK(post.status == 201);
  CHECK(post.form == Form::ndjson);
  REQUIRE(post.params.size() == 3);
  CHECK(post.params[0].in == ParamIn::path);
  CHECK(post.params[0].required);
  CHECK(post.params[0].min == 0.0);
  CHECK(post.params[1].in == ParamIn::body);
  CHECK(post.params[1].max == 20.0);
  CHECK(post.params[2].in == ParamIn::query);
  CHECK(post.params[2].initial == "a");
  CHECK(profile.routes[1].upload->max_bytes == 2048);
  CHECK(profile.routes[1].source == Source::command);
  CHECK(profile.routes[2].give == Give::history);
  CHECK(profile.routes[2].access == Access::open);
  CHECK(profile.routes[3].access == Access::everybody);
  REQUIRE(profile.sockets.size() == 2);
  CHECK(profile.sockets[0].welcome == R"({"type":"welcome","message":"hi"})");
  CHECK(profile.sockets[0].streams[0].slow == Slow::conflate);
  CHECK(profile.sockets[0].receive[0].access == Access::open);
  CHECK(profile.sockets[0].receive[0].params[0].in == ParamIn::body);
  CHECK(profile.limits.header_bytes == 8192);
  CHECK(profile.limits.rates.size() == 4);
  CHECK(profile.limits.rates[0].per_minute == 3);
  CHECK(profile.signup == Signup::invited);
  CHECK(profile.web == "pages");

  const auto access = describe_access(profile);
  CHECK(std::ranges::find(access, "open to 10.0.0.0/8, ::1: GET /last") != access.end());
  CHECK(std::ranges::find(access, "open to everybody: POST /login") != access.end());
  CHECK(std::ranges::find(access, "with a token: POST /api/x/{id}") != access.end());
  CHECK(std::ranges::find(access, "open to 10.0.0.0/8, ::1: WebSocket /ws/t, message \"command\"") !=
        access.end());
  CHECK(access.back() == "pages of other origins that may read: http://dash:3000");
}

TEST_CASE("wsbridge: a status by a program, a user's own records", "[wsbridge][profile]") {
  const auto route = [](const std::string& more) {
    return said(R"({"routes":[{"path":"/a","command":["cat"],)" + more + "}]}");
  };
  CHECK(route(R"("status":"if .[0].new then 201 else 200 end")").empty());
  CHECK(route(R"("status":"if")").find("\"status\": ") != std::string::npos);
  CHECK(route(R"("status":404)").find("from 200 to 299") != std::string::npos);
  CHECK(route(R"("status":"201","form":"raw")") ==
        "p.json:1: route GET /a: \"status\" as a jq program is for \"form\": \"json\"");
  const auto socket = [](const std::string& more) {
    return said(R"({"streams":{"s":{"command":["cat"]}},"sockets":{"/s":{"streams":[{"stream":"s",)" + more +
                "}]}}}");
  };
  CHECK(socket(R"("mine":"owner")").empty());
  CHECK(socket(R"("mine":"owner","slow":"block")") ==
        "p.json:1: socket /s: with \"mine\" one client would stop all others");
}

TEST_CASE("wsbridge: wrong keys, types and ranges of a profile, each with its line", "[wsbridge][profile]") {
  CHECK(said("{\n\"stream\": {}}") == "p.json:2: unknown key \"stream\", did you mean \"streams\"?");
  CHECK(said("[]") == "p.json:1: expected an {object}");
  CHECK(said("{\"streams\":[]}") == "p.json:1: \"streams\": expected an {object}");
  CHECK(said("{\"streams\":{\"s\":\n{\"comand\":[]}}}") ==
        "p.json:2: stream \"s\": needs one of \"command\", \"pipeline\", \"stdin\": true\n"
        "p.json:2: stream \"s\": unknown key \"comand\", did you mean \"command\"?");
  CHECK(said(R"({"streams":{"s":{"command":["cat"],"stdin":true}}})").find("needs one of") !=
        std::string::npos);
  CHECK(said(R"({"streams":{"s":{"command":[]}}})") == "p.json:1: stream \"s\": \"command\": empty");
  CHECK(said(R"({"streams":{"s":{"command":["cat",1]}}})") ==
        "p.json:1: stream \"s\": \"command\": expected an array of texts");
  CHECK(said(R"({"streams":{"a b":{"command":["cat"]}}})").find("a name has") != std::string::npos);
  CHECK(said(R"({"streams":{"s":{"command":["cat","${UNSET}"]}}})") ==
        "p.json:1: stream \"s\": \"command\": the environment has no UNSET (set it, or write "
        "${UNSET:-otherwise})");
  CHECK(said(R"({"streams":{"s":{"command":["cat"],"restart":"alway"}}})") ==
        "p.json:1: stream \"s\": \"restart\": expected one of always|on_failure|never, did you "
        "mean \"always\"?");
  CHECK(said(R"({"streams":{"s":{"command":["cat"],"every":"soon"}}})") ==
        "p.json:1: stream \"s\": \"every\": expected a duration like \"30s\"");
  CHECK(said(R"({"streams":{"s":{"command":["cat"],"history":0}}})") ==
        "p.json:1: stream \"s\": \"history\": expected a whole number from 1 to 1000000");
  CHECK(said(R"({"workers":{"w":{}}})") == "p.json:1: worker \"w\": needs a \"command\"");
  CHECK(said(R"({"limits":{"body":"big","rates":{"data":0}}})") ==
        "p.json:1: limits: \"body\": expected a size like \"16k\" or \"1G\"\n"
        "p.json:1: limits: rates: \"data\": expected a whole number from 1 to 1000000");
  for (const char* bad :
       {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "::/129", "localhost", "", "/8", "*"}) {
    const std::string array = std::string(":[\"::1\",\"") + bad + "\"]}";
    CHECK(said("{\"open_to\"" + array) ==
          std::string("p.json:1: \"open_to\": \"") + bad + "\" is not like \"10.0.0.0/8\"");
    CHECK(said("{\"trusted_proxies\"" + array) ==
          std::string("p.json:1: \"trusted_proxies\": \"") + bad + "\" is not like \"10.0.0.1\"");
  }
  for (const char* host : {"", "a/b", "a b", "http://a", "*.example"}) {
    CHECK(said(std::string(R"({"hosts":["ok",")") + host + "\"]}") ==
          std::string("p.json:1: \"hosts\": \"") + host + "\" is not like \"dash.example\"");
  }
  for (const char* origin : {"dash:3000", "*", "https://", "http://a/b", "http://*.example", "http://u@a",
                             "dash.example", "http://dash.example/", "ftp://a", "null", ""}) {
    CHECK(said(std::string(R"({"origins":["http://ok",")") + origin + "\"]}") ==
          std::string("p.json:1: \"origins\": \"") + origin + "\" is not like \"https://dash.example:3000\"");
  }
  CHECK(said(R"({"sockets":{"/ws/{x}":{}}})") ==
        "p.json:1: socket /ws/{x}: the path: \"{x}\" cannot stand between two '/'\n"
        "p.json:1: socket /ws/{x}: needs \"streams\", \"receive\" or a \"worker\"");
  CHECK(said(R"({"sockets":{"/ws":{"streams":[{"stream":"none"}]}}})") ==
        "p.json:1: there is no stream \"none\"");
}

TEST_CASE("wsbridge: what can be wrong with a route", "[wsbridge][profile]") {
  CHECK(route_said(R"("path":"/a","stream":"s")").empty());
  CHECK(route_said(R"("path":"/a")").find("needs one of \"stream\", \"worker\"") != std::string::npos);
  CHECK(route_said(R"("path":"/a","stream":"s","worker":"w")").find("needs one of") != std::string::npos);
  CHECK(route_said(R"("path":"/a","stream":"t")") ==
        "p.json:1: there is no stream \"t\", did you mean \"s\"?");
  CHECK(route_said(R"("path":"/a","stream":"s","rate":"dada")") ==
        "p.json:1: there is no rate \"dada\", did you mean \"data\"?");
  CHECK(route_said(R"("path":"/a","builtin":"reboot")") ==
        "p.json:1: route GET /a: there is no builtin \"reboot\"");
  CHECK(route_said(R"("path":"a","stream":"s")").find("begins with '/'") != std::string::npos);
  CHECK(route_said(R"("path":"/a//b","stream":"s")").find("cannot stand between two '/'") !=
        std::string::npos);
  CHECK(route_said(R"("path":"/../b","stream":"s")").find("cannot stand between two '/'") !=
        std::string::npos);
  CHECK(route_said(R"("method":"HEAD","path":"/b","stream":"s")").find("expected one of GET|POST") !=
        std::string::npos);
  CHECK(route_said(R"("path":"/a/{x}","stream":"s")") == "p.json:1: \"/a/{x}\": there is no parameter \"x\"");
  CHECK(route_said(R"("path":"/a/{x}/{x}","stream":"s","params":{"x":{}})").find("{x} twice") !=
        std::string::npos);
  CHECK(route_said(R"("path":"/a","stream":"s","params":{"x":{"in":"path"}})").find("does not agree") !=
        std::string::npos);
  CHECK(route_said(R"("path":"/a","stream":"s","params":{"x":{"in":"body"}})").find("GET has no body") !=
        std::string::npos);
  CHECK(route_said(R"("path":"/a","stream":"s","params":{"x":{"type":"integer","default":"many"}})") ==
        "p.json:1: \"default\": x: expected a whole number");
  CHECK(route_said(R"("path":"/a","stream":"s","params":{"x":{"type":"integer","default":5,"max":4}})") ==
        "p.json:1: \"default\": x: at most 4");
  CHECK(route_said(R"("path":"/a","stream":"s","params":{"x":{"type":"integer","words":["1","02","b"]}})") ==
        "p.json:1: \"words\": x can never be \"02\"\np.json:1: \"words\": x can never be \"b\"");
  CHECK(route_said(R"("path":"/a","stream":"s","as":".a |")")
            .starts_with("p.json:1: \"as\": jq: syntax error"));
  CHECK(route_said(R"("path":"/a","stream":"s","error_as":"nope")") ==
        "p.json:1: \"error_as\": jq: nope/0 is not defined, line 1");
  CHECK(route_said(R"("path":"/a","stream":"s","cache":"5s")") ==
        "warning p.json:1: route GET /a: \"cache\" is shorter than the stream's \"every\" of 10s");
  CHECK(route_said(R"("path":"/a","stream":"s","cache":"10s")").empty());
  CHECK(route_said(R"("path":"/a","command":["no-such-command"])") ==
        "p.json:1: no command \"no-such-command\" on PATH");
  CHECK(route_said(R"("path":"/a","command":["/no/such"])") == "p.json:1: no command \"/no/such\"");
  CHECK(
      route_said(R"("method":"POST","path":"/a","worker":"w","access":"everybody")").find("needs a token") !=
      std::string::npos);
  CHECK(route_said(R"("method":"POST","path":"/a","worker":"w","access":"open")").empty());
  CHECK(route_said(R"("method":"DELETE","path":"/a","worker":"w","access":"open")").find("needs a token") !=
        std::string::npos);
}

TEST_CASE("wsbridge: an argv template in which a value could become an option", "[wsbridge][profile]") {
  const auto argv = [](const std::string& words) {
    return route_said(R"("path":"/a","params":{"t":{},"i":{"type":"integer"},"u":{"type":"integer","min":0},)"
                      R"("k":{"words":["a","b"]},"d":{"words":["-a"]},"b":{"type":"boolean"}},"command":)" +
                      words);
  };
  for (const char* safe : {R"(["cat","--name={t}"])", R"(["cat","--","{t}"])", R"(["cat","{u}","{k}","{b}"])",
                           R"(["cat","-n{u}"])", R"(["cat","x={t}"])", R"(["cat","{}","{ }","{a-b}"])"}) {
    CHECK(argv(safe) == "");
  }
  for (const char* unsafe :
       {R"(["cat","{t}"])", R"(["cat","-f","{t}"])", R"(["cat","{t}","--"])", R"(["cat","{i}"])",
        R"(["cat","{d}"])", R"(["cat","-{t}"])", R"(["cat","-n{t}"])", R"(["cat","--{t}"])",
        R"(["cat","--na{t}"])", R"(["cat","--={t}"])", R"(["cat","--n{t}=1"])"}) {
    CHECK(argv(unsafe).find("the value could become an option (write \"--name={") != std::string::npos);
  }
  CHECK(argv(R"(["cat","--a={t}{u}"])").find("one {parameter} a word") != std::string::npos);
  CHECK(argv(R"(["cat","--a={tt}"])") ==
        "p.json:1: \"--a={tt}\": there is no parameter \"tt\", did you mean \"t\"?");
  CHECK(argv(R"(["cat","--a={upload}"])").find("there is no parameter \"upload\"") != std::string::npos);
  CHECK(argv(R"(["{k}"])").find("the command itself cannot be a parameter") != std::string::npos);
}

TEST_CASE("wsbridge: routes that hide each other", "[wsbridge][profile]") {
  const auto two = [](const char* first, const char* second) {
    return said(
        std::string(
            R"({"streams":{"s":{"command":["cat"]}},"routes":[{"stream":"s","params":{"x":{"in":"path"}},"path":")") +
        first + "\"},\n{\"stream\":\"s\",\"params\":{\"y\":{\"in\":\"path\"}},\"path\":\"" + second +
        "\"}]}");
  };
  CHECK(two("/a/{x}", "/a/{y}") == "p.json:2: route GET /a/{y}: never reached, p.json:1 comes first");
  CHECK(two("/a/{x}", "/a/{y}/b").empty());
  CHECK(two("/b/{x}", "/a/{y}").empty());
}

namespace {

/// Profile files in a folder that goes with this.
class Files {
 public:
  explicit Files(const std::vector<std::string>& texts) {
    std::string pattern = (std::filesystem::temp_directory_path() / "wl_profile_XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    for (const std::string& text : texts) {
      paths_.push_back((folder_ / (std::to_string(paths_.size()) + ".json")).string());
      std::ofstream(paths_.back()) << text;
    }
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] const std::vector<std::string>& paths() const { return paths_; }
  [[nodiscard]] std::string folder() const { return folder_.string(); }

 private:
  std::filesystem::path folder_{};
  std::vector<std::string> paths_{};
};

std::vector<std::string> texts(const std::vector<Finding>& findings) {
  std::vector<std::string> all;
  for (const Finding& finding : findings) {
    const std::string file = std::filesystem::path(finding.place.file).filename().string();
    all.push_back(file + ":" + std::to_string(finding.place.line) + ": " + finding.text);
  }
  return all;
}

}  // namespace

TEST_CASE("wsbridge: several profiles are one", "[wsbridge][profile]") {
  const Files files(
      {R"({"streams":{"a":{"command":["cat"]}},"routes":[{"path":"/b","stream":"b"}],"open_to":["10.0.0.0/8"]})",
       R"({"streams":{"b":{"command":["cat"]}},"web":"pages","open_to":["::1"],"limits":{"clients":3}})"});
  std::vector<Finding> findings;
  const auto profile = read_profile(files.paths(), findings, environment);
  CHECK(texts(findings).empty());
  REQUIRE(profile);
  CHECK(profile->streams.size() == 2);
  CHECK(profile->routes.size() == 1);
  CHECK(profile->open_to == std::vector<std::string>{"10.0.0.0/8", "::1"});
  CHECK(profile->limits.clients == 3);
  CHECK(profile->web == files.folder() + "/pages");
  CHECK(profile->streams[1].place.file == files.paths()[1]);
}

TEST_CASE("wsbridge: what several profiles must not say twice", "[wsbridge][profile]") {
  const Files files(
      {R"({"streams":{"a":{"command":["cat"]}},"workers":{"w":{"command":["cat"]}},"web":"x","signup":"open",
                         "limits":{},"sockets":{"/ws":{"worker":"w"}},"routes":[{"path":"/a","stream":"a"}]})",
       "{\n\"streams\":{\"a\":{\"command\":[\"cat\"]}},\n\"workers\":{\"w\":{\"command\":[\"cat\"]}},\n"
       "\"web\":\"y\",\n\"signup\":\"closed\",\n\"limits\":{},\n\"sockets\":{\"/ws\":{\"worker\":\"w\"}},\n"
       "\"routes\":[{\"path\":\"/a\",\"stream\":\"a\"}]}"});
  std::vector<Finding> findings;
  const auto profile = read_profile(files.paths(), findings, environment);
  REQUIRE_FALSE(profile);
  const std::string first = files.paths()[0] + ":";
  CHECK(texts(findings) ==
        std::vector<std::string>{
            "1.json:2: stream \"a\": the name stands also in " + first + "1",
            "1.json:3: worker \"w\": the name stands also in " + first + "1",
            "1.json:7: socket /ws: stands also in " + first + "2", "1.json:6: \"limits\" stands in two files",
            "1.json:5: \"signup\" stands in two files", "1.json:4: \"web\" stands in two files"});
}

TEST_CASE("wsbridge: profiles that cannot be read", "[wsbridge][profile]") {
  const Files files({"{", ""});
  std::vector<std::string> paths = files.paths();
  paths.push_back(files.folder());
  paths.push_back(files.folder() + "/none.json");
  std::vector<Finding> findings;
  const auto profile = read_profile(paths, findings, environment);
  REQUIRE_FALSE(profile);
  REQUIRE(findings.size() == 4);
  CHECK(findings[0].line().starts_with(paths[0] + ":1: unexpected end of input"));
  CHECK(findings[1].line().starts_with(paths[1] + ":1: unexpected end of input"));
  CHECK(findings[2].line() == paths[2] + ": cannot be read");
  CHECK(findings[3].line() == paths[3] + ": cannot be read");
  CHECK(profile.error().line() == findings[0].line() + " (wsbridge check says all)");
}

TEST_CASE("wsbridge: the manual's profile has the keys that there are", "[wsbridge][profile]") {
  std::ifstream in(WIRELINE_ROOT "/tools/wsbridge/manual.txt");
  const std::string manual((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const size_t begin = manual.find(".Bd -literal\n{\n") + 13;
  const size_t end = manual.find("\n}\n.Ed", begin) + 3;
  REQUIRE(end > begin + 1000);
  std::vector<Finding> findings;
  // It shows all ways at once where only one may be taken; what it shows exists.
  CHECK_FALSE(read_profile_text(std::string_view(manual).substr(begin, end - begin), "manual", findings,
                                environment));
  std::vector<std::string> wrong;
  for (const std::string& text : texts(findings)) {
    if (text.find("needs one of") == std::string::npos && text.find("belong") == std::string::npos &&
        text.find("not both") == std::string::npos && text.find("GET has no body") == std::string::npos) {
      wrong.push_back(text);
    }
  }
  CHECK(wrong == std::vector<std::string>{});
}
