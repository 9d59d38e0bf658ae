// The gate: signup, login, tokens, tickets and codes, and all the ways in which they must not work.
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "libcommon/base/time.h"
#include "libcommon/catalog/rows.h"
#include "libcommon/catalog/users.h"
#include "tools/wsbridge/access/access.h"

namespace asio = boost::asio;
using namespace wl;
using namespace wl::wsbridge;
using nlohmann::json;

namespace {

asio::awaitable<void> store(access::Gate& gate, http::Request request, std::string name, bool socket,
                            access::Identity& identity, http::Response& response) {
  identity = co_await gate.identify(request, socket);
  if (!name.empty()) response = co_await gate.answer(name, request, identity);
}

asio::awaitable<void> store_still(access::Gate& gate, access::Identity identity, bool& still) {
  still = co_await gate.still(identity);
}

std::shared_ptr<catalog::Users> users_in(const std::string& folder) {
  auto db = catalog::open_catalog({{}, folder, {}});
  REQUIRE(db.has_value());
  return std::make_shared<catalog::Users>(*db);
}

/// A gate over a catalog of its own, and a client of it.
struct Bench {
  std::string folder = [] {
    std::string name = "/tmp/wireline-gate-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  std::shared_ptr<catalog::Users> users = users_in(folder);
  asio::io_context io{1};
  access::Policy policy{Profile{}};
  base::Log log{"test"};
  access::Gate gate;
  access::Identity identity{};  ///< of the last request

  explicit Bench(Signup signup = Signup::open) : gate(users, policy, signup, log) {
    REQUIRE(log.configure({.file = folder + "/log"}).has_value());
  }
  ~Bench() { std::filesystem::remove_all(folder); }

  static http::Request request(const std::string& token = {}, const json& body = {}) {
    http::Request made;
    made.peer.address = "127.0.0.1";
    made.headers = {{"Host", "localhost"}};
    if (!token.empty()) made.headers.emplace_back("authorization", "Bearer " + token);
    if (!body.is_null()) made.body = body.dump();
    return made;
  }

  void finish() {
    io.restart();
    io.run_for(std::chrono::seconds(30));
    REQUIRE(io.stopped());
  }

  http::Response ask(const std::string& name, http::Request made, bool socket = false) {
    http::Response response;
    asio::co_spawn(io, store(gate, std::move(made), name, socket, identity, response), asio::detached);
    finish();
    return response;
  }

  http::Response post(const std::string& name, const json& body) { return ask(name, request({}, body)); }

  bool knows(const std::string& token) {
    ask("", request(token));
    return identity.user.has_value();
  }

  bool lets_in(const std::string& ticket, bool socket = true) {
    auto made = request();
    made.query = "since=1&ticket=" + ticket;
    ask("", made, socket);
    return identity.user.has_value();
  }

  std::string signed_up(const std::string& email) {
    return token_of(post("signup", {{"email", email}, {"password", "right horse"}}));
  }

  static json body_of(const http::Response& response) {
    return json::parse(std::get<std::string>(response.body));
  }
  static std::string token_of(const http::Response& response) {
    INFO(std::get<std::string>(response.body));
    REQUIRE(response.status == 200);
    return body_of(response).at("access_token");
  }
};

std::string header_of(const http::Response& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

const json kAda{{"email", "Ada@Example.ORG"}, {"password", "right horse"}};

}  // namespace

TEST_CASE("wsbridge gate: signup, me, login and logout") {
  Bench bench;
  const auto answer = bench.post("signup", kAda);
  const std::string token = Bench::token_of(answer);
  CHECK(Bench::body_of(answer) == json{{"access_token", token}, {"token_type", "bearer"}});
  CHECK(header_of(answer, "Cache-Control") == "no-store");
  CHECK(token.size() == 43);

  const auto me = Bench::body_of(bench.ask("me", Bench::request(token)));
  CHECK(me == json{{"id", bench.identity.user->id}, {"email", "ada@example.org"}});
  CHECK(bench.identity.user->id == bench.users->find("ada@example.org")->value().id);

  CHECK(bench.post("signup", kAda).status == 409);
  const std::string second =
      Bench::token_of(bench.post("login", {{"email", "ADA@example.org"}, {"password", "right horse"}}));
  CHECK(second != token);

  CHECK(bench.ask("logout", Bench::request(token)).status == 204);
  CHECK(!bench.knows(token));
  CHECK(bench.knows(second));
  const auto refused = bench.ask("me", Bench::request(token));
  CHECK(refused.status == 401);
  CHECK(header_of(refused, "WWW-Authenticate") == "Bearer");
}

TEST_CASE("wsbridge gate: nothing of a secret is kept or logged") {
  Bench bench;
  const std::string token = Bench::token_of(bench.post("signup", kAda));
  const auto ticket =
      Bench::body_of(bench.ask("ticket", Bench::request(token))).at("ticket").get<std::string>();
  bench.post("login", {{"email", "ada@example.org"}, {"password", "wrong horse"}});
  std::string kept;
  for (const auto& entry : std::filesystem::directory_iterator(bench.folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    kept.append(std::istreambuf_iterator<char>(file), {});
  }
  CHECK(kept.find("$argon2id$v=19$m=65536,t=2,p=1$") != std::string::npos);
  CHECK(kept.find(access::digest(token)) != std::string::npos);
  for (const std::string& secret : {token, ticket, std::string("right horse"), std::string("wrong horse")})
    CHECK(kept.find(secret) == std::string::npos);
}

TEST_CASE("wsbridge gate: forged, expired and disabled tokens") {
  Bench bench;
  const std::string token = bench.signed_up("ada@x");
  REQUIRE(bench.knows(token));
  std::string forged = token;
  forged[0] = forged[0] == 'A' ? 'B' : 'A';
  for (const std::string& bad : {forged, token + "A", token.substr(1), std::string("x"),
                                 std::string(5000, 'A'), access::digest(token), std::string("' or 1=1 --")}) {
    INFO(bad);
    CHECK(!bench.knows(bad));
    CHECK(!bench.identity.unknown);
  }
  auto basic = Bench::request();
  basic.headers.emplace_back("Authorization", "Basic " + token);
  bench.ask("", basic);
  CHECK(!bench.identity.user);

  const auto user = bench.users->find("ada@x")->value().id;
  const int64_t now = base::wall_clock_ns();
  REQUIRE(*bench.users->add_token({access::digest("late"), user, {}, "x", now - 2, now - 1}));
  CHECK(!bench.knows("late"));

  // Elsewhere: within 5 s, which is how long this process remembers what it was told.
  REQUIRE(*bench.users->set_disabled("ada@x", true));
  const int64_t start = base::steady_clock_ns();
  while (bench.knows(token) && base::steady_clock_ns() - start < 6 * base::kSecond) ::usleep(100'000);
  CHECK(base::steady_clock_ns() - start < 5'500 * base::kMillisecond);
  CHECK(!bench.knows(token));
  CHECK(bench.post("login", {{"email", "ada@x"}, {"password", "right horse"}}).status == 401);
}

TEST_CASE("wsbridge gate: an open socket hears that its user has gone") {
  Bench bench;
  const std::string token = bench.signed_up("ada@x");
  REQUIRE(bench.knows(token));
  const access::Identity socket = bench.identity;
  const auto still = [&](const access::Identity& identity) {
    bool answer = false;
    asio::co_spawn(bench.io, store_still(bench.gate, identity, answer), asio::detached);
    bench.finish();
    return answer;
  };
  CHECK(still(socket));
  CHECK(still(access::Identity{}));
  REQUIRE(bench.ask("logout", Bench::request(token)).status == 204);
  CHECK(!still(socket));
}

TEST_CASE("wsbridge gate: a ticket opens one socket, soon, for its user") {
  Bench bench;
  const std::string token = bench.signed_up("ada@x");
  const auto ticket = [&] {
    const auto answer = bench.ask("ticket", Bench::request(token));
    CHECK(Bench::body_of(answer).at("expires_in") == 30);
    return Bench::body_of(answer).at("ticket").get<std::string>();
  };
  const std::string first = ticket();
  CHECK(!bench.lets_in(first, false));  // not for a route
  CHECK(bench.lets_in(first));
  CHECK(bench.identity.user->email == "ada@x");
  CHECK(!bench.lets_in(first));
  CHECK(!bench.lets_in(""));
  CHECK(!bench.lets_in(token));
  CHECK(!bench.knows(ticket()));  // it is no token
  CHECK(bench.ask("ticket", Bench::request()).status == 401);

  const std::string orphan = ticket();
  REQUIRE(bench.ask("logout", Bench::request(token)).status == 204);
  CHECK(!bench.lets_in(orphan));
}

TEST_CASE("wsbridge gate: one message, and about the same time, for both causes of a failed login") {
  Bench bench;
  bench.signed_up("ada@x");
  const auto timed = [&](const char* email) {
    const int64_t start = base::steady_clock_ns();
    const auto answer = bench.post("login", {{"email", email}, {"password", "wrong horse"}});
    CHECK(answer.status == 401);
    return std::pair(Bench::body_of(answer), base::steady_clock_ns() - start);
  };
  const auto wrong = timed("ada@x");
  const auto unknown = timed("bob@x");
  const auto impossible = timed("bob");
  CHECK(wrong.first == unknown.first);
  CHECK(wrong.first == impossible.first);
  const int64_t hash = [] {
    const int64_t start = base::steady_clock_ns();
    (void)access::hash_password("x");
    return base::steady_clock_ns() - start;
  }();
  CHECK(unknown.second > hash / 3);  // it was hashed too
  CHECK(impossible.second > hash / 3);
}

TEST_CASE("wsbridge gate: ten attempts a minute for an account and for an address") {
  Bench bench;
  bench.signed_up("ada@x");
  const auto attempt = [&](const std::string& email, const std::string& address) {
    auto made = Bench::request({}, {{"email", email}, {"password", "wrong horse"}});
    made.peer.address = address;
    return bench.ask("login", made);
  };
  for (int i = 0; i < 9; ++i) CHECK(attempt("ada@x", "192.0.2." + std::to_string(i)).status == 401);
  const auto refused = attempt("ada@x", "192.0.2.99");
  CHECK(refused.status == 429);
  CHECK(std::stoi(header_of(refused, "Retry-After")) > 50);
  CHECK(attempt("bob@x", "192.0.2.98").status == 401);

  for (int i = 0; i < 10; ++i) CHECK(attempt("eve" + std::to_string(i) + "@x", "198.51.100.1").status == 401);
  CHECK(attempt("eve@x", "198.51.100.1").status == 429);
  CHECK(attempt("eve@x", "198.51.100.2").status == 401);
}

TEST_CASE("wsbridge gate: passwords are hashed two at a time, and few may wait") {
  Bench bench;
  constexpr size_t kClients = 40;
  std::array<http::Response, kClients> answers;
  std::array<access::Identity, kClients> who;
  for (size_t i = 0; i < kClients; ++i) {
    auto made = Bench::request({}, {{"email", "u" + std::to_string(i) + "@x"}, {"password", "wrong horse"}});
    made.peer.address = "192.0.2." + std::to_string(i);
    asio::co_spawn(bench.io, store(bench.gate, made, "login", false, who.at(i), answers.at(i)),
                   asio::detached);
  }
  bench.finish();
  size_t refused = 0;
  for (const auto& answer : answers) {
    if (answer.status != 503) continue;
    ++refused;
    CHECK(header_of(answer, "Retry-After") == "1");
  }
  CHECK(refused == kClients - 32);
}

TEST_CASE("wsbridge gate: what cannot be a user") {
  Bench bench;
  const auto status = [&](const json& body) { return bench.post("signup", body).status; };
  CHECK(status({{"email", "a@b"}, {"password", "seven77"}}) == 422);
  CHECK(status({{"email", "a@b"}, {"password", std::string(1025, 'x')}}) == 422);
  CHECK(status({{"email", "a@b"}}) == 422);
  CHECK(status({{"email", 7}, {"password", "right horse"}}) == 422);
  CHECK(status(json::array({"a@b"})) == 422);
  CHECK(status("text") == 422);
  for (const char* email :
       {"ab", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "a\x01@b", "a@b\x7f", "<a@b>", "a@b,c@d"}) {
    INFO(email);
    CHECK(status({{"email", email}, {"password", "right horse"}}) == 422);
  }
  CHECK(status({{"email", std::string(254, 'a') + "@b"}, {"password", "right horse"}}) == 422);
  auto garbage = Bench::request();
  garbage.body = "{\"email\":\"a@b\",\"password\":\"\xff\xff\xff\xff\xff\xff\xff\xff\xff\"}";
  CHECK(bench.ask("signup", garbage).status == 422);
  CHECK(status({{"email", "j\xc3\xb6rg@b"}, {"password", std::string("with\0zero", 9)}}) == 200);
  CHECK(bench.users->list()->size() == 1);
}

TEST_CASE("wsbridge gate: signup closed, and invited") {
  Bench closed(Signup::closed);
  CHECK(closed.post("signup", kAda).status == 403);
  Bench invited(Signup::invited);
  CHECK(invited.post("signup", kAda).status == 403);
  json guest = kAda;
  guest["code"] = "guessed";
  CHECK(invited.post("signup", guest).status == 403);
  REQUIRE(
      *invited.users->add_code(access::digest("guessed"), false, base::wall_clock_ns() + base::kSecond * 60));
  CHECK(invited.post("signup", guest).status == 200);
  guest["email"] = "other@x";
  CHECK(invited.post("signup", guest).status == 403);
  CHECK(invited.users->list()->size() == 1);
}

TEST_CASE("wsbridge gate: the first user comes by a link that is good once") {
  Bench bench(Signup::closed);
  const std::string link = bench.gate.setup_link("http://127.0.0.1:8000");
  REQUIRE(link.starts_with("http://127.0.0.1:8000/setup#"));
  json body = kAda;
  CHECK(bench.post("setup", body).status == 403);
  body["code"] = "guess";
  CHECK(bench.post("setup", body).status == 403);
  body["code"] = link.substr(link.find('#') + 1);
  const std::string other = bench.gate.setup_link("http://other");
  CHECK(bench.knows(Bench::token_of(bench.post("setup", body))));
  body["email"] = "second@x";
  CHECK(bench.post("setup", body).status == 403);
  body["code"] = other.substr(other.find('#') + 1);
  CHECK(bench.post("setup", body).status == 403);
  CHECK(bench.gate.setup_link("http://127.0.0.1:8000").empty());
}

TEST_CASE("wsbridge gate: open is for this machine, its own pages and its own names") {
  Bench bench;
  const auto open = [&](http::Headers headers, const char* address = "127.0.0.1") {
    auto made = Bench::request();
    made.peer.address = address;
    made.headers = std::move(headers);
    bench.ask("", made);
    return bench.identity.open;
  };
  CHECK(open({{"Host", "localhost:8000"}}));
  CHECK(open({{"Host", "localhost:8000"}, {"Origin", "http://localhost:8000"}}));
  CHECK(!open({{"Host", "localhost:8000"}, {"Origin", "http://evil.example"}}));
  CHECK(!open({{"Host", "evil.example"}}));
  CHECK(!open({{"Host", "localhost"}, {"X-Forwarded-For", "127.0.0.1"}}));
  CHECK(!open({{"Host", "localhost"}}, "192.0.2.1"));
}

TEST_CASE("wsbridge gate: a catalog that does not answer is no \"no\"") {
  Bench bench;
  const std::string token = bench.signed_up("ada@x");
  auto db = catalog::open_catalog({{}, bench.folder, {}});
  REQUIRE(db.has_value());
  REQUIRE((*db)->transaction(
      [](soci::session& sql) { return catalog::run(sql, "alter table users rename to hidden"); }));
  CHECK(!bench.knows(token));
  CHECK(bench.identity.unknown);
  CHECK(bench.ask("me", Bench::request(token)).status == 503);
  CHECK(bench.post("login", kAda).status == 503);
}

TEST_CASE("wsbridge gate: without a catalog there are no users") {
  Bench bench;
  access::Gate gate(nullptr, bench.policy, Signup::open, bench.log);
  access::Identity identity;
  http::Response response;
  asio::co_spawn(bench.io, store(gate, Bench::request("x"), "me", false, identity, response), asio::detached);
  bench.finish();
  CHECK(response.status == 404);
  CHECK(identity.open);
  CHECK(gate.setup_link("http://x").empty());
}
