// Who is believed about what: Host, Origin, X-Forwarded-For, networks.
#include <catch2/catch.hpp>

#include "tools/wsbridge/access/access.h"

using namespace wl::wsbridge;
using access::Policy;

namespace {

Policy policy(const Profile& profile = {}) { return Policy(profile); }

http::Request from(const std::string& address, http::Headers headers = {}) {
  http::Request request;
  request.peer.address = address;
  request.headers = std::move(headers);
  return request;
}

}  // namespace

TEST_CASE("wsbridge policy: Host is an address, localhost, or named") {
  Profile profile;
  profile.hosts = {"Monitor.Example"};
  const Policy rules = policy(profile);
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:8000", "10.0.0.7:80", "[::1]:8000", "[fd00::7]", "localhost",
        "LOCALHOST:8000", "monitor.example", "monitor.example:443", "MONITOR.example."}) {
    INFO(host);
    CHECK(rules.host_allowed(from("127.0.0.1", {{"host", host}})));
  }
  for (const char* host :
       {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "2130706433", "127.1",
        "0x7f.0.0.1", "", ":8000", "[evil]", "[::1", "localhost:80:80", "localhost:8x", "localhost, evil",
        "user@localhost", "evil.example#localhost", "[::1]evil", "notlocalhost", "sub.monitor.example"}) {
    INFO(host);
    CHECK(!rules.host_allowed(from("127.0.0.1", {{"Host", host}})));
  }
  CHECK(!rules.host_allowed(from("127.0.0.1")));
  CHECK(!rules.host_allowed(from("127.0.0.1", {{"Host", "localhost"}, {"Host", "evil.example"}})));
}

TEST_CASE("wsbridge policy: Origin is our own or one of the profile's") {
  Profile profile;
  profile.origins = {"http://dash.example:3000", "https://Dash.Example"};
  profile.trusted_proxies = {"10.0.0.1"};
  const Policy rules = policy(profile);
  const auto allowed = [&rules](const char* origin, const char* host = "127.0.0.1:8000", bool tls = false,
                                http::Headers more = {}, const char* address = "127.0.0.1") {
    http::Headers headers{{"Host", host}, {"Origin", origin}};
    headers.insert(headers.end(), more.begin(), more.end());
    auto request = from(address, headers);
    request.peer.secure = tls;
    const auto found = rules.origin_allowed(request);
    if (found) CHECK(*found == origin);
    return found.has_value();
  };
  CHECK(rules.origin_allowed(from("127.0.0.1")).value() == "");
  CHECK(allowed("http://127.0.0.1:8000"));
  CHECK(allowed("HTTP://localhost", "localhost"));
  CHECK(allowed("http://localhost:80", "localhost"));
  CHECK(allowed("https://localhost", "localhost:443", true));
  CHECK(allowed("http://[::1]:8000", "[0:0::1]:8000"));
  CHECK(allowed("http://dash.example:3000"));
  CHECK(allowed("https://dash.example"));
  CHECK(!allowed("http://dash.example"));
  CHECK(!allowed("http://dash.example:30000"));
  CHECK(!allowed("https://dash.example.evil"));
  CHECK(!allowed("http://127.0.0.1:8001"));
  CHECK(!allowed("https://127.0.0.1:8000"));
  CHECK(!allowed("http://localhost", "localhost", true));
  CHECK(!allowed("null"));
  CHECK(!allowed(""));
  CHECK(!allowed("http://"));
  CHECK(!allowed("http://127.0.0.1:8000/x"));
  CHECK(!allowed("http://user@127.0.0.1:8000"));
  CHECK(!allowed("http://127.0.0.1:8000", "127.0.0.1:8000", false, {{"Origin", "http://evil.example"}}));
  // The scheme that the client used is the proxy's to say.
  CHECK(allowed("https://10.0.0.9", "10.0.0.9", false, {{"X-Forwarded-Proto", "https"}}, "10.0.0.1"));
  CHECK(!allowed("https://10.0.0.9", "10.0.0.9", false, {{"X-Forwarded-Proto", "https"}}, "10.0.0.2"));
}

TEST_CASE("wsbridge policy: the client's address is the rightmost that no proxy of ours has") {
  Profile profile;
  profile.trusted_proxies = {"10.0.0.0/24", "fd00::1"};
  const Policy rules = policy(profile);
  const auto address = [&rules](const char* peer, const char* list) {
    return rules.client_address(from(peer, {{"x-forwarded-FOR", list}}));
  };
  CHECK(rules.client_address(from("192.0.2.1")) == "192.0.2.1");
  CHECK(rules.client_address(from("::ffff:192.0.2.1")) == "192.0.2.1");
  CHECK(rules.client_address(from("fe80::1%2")) == "fe80::1");
  CHECK(rules.client_address(from("unix")) == "127.0.0.1");
  CHECK(address("192.0.2.1", "127.0.0.1") == "192.0.2.1");
  CHECK(address("10.0.0.1", "192.0.2.7") == "192.0.2.7");
  CHECK(address("::ffff:10.0.0.1", "192.0.2.7") == "192.0.2.7");
  CHECK(address("fd00::1", "2001:db8::7") == "2001:db8::7");
  CHECK(address("10.0.0.1", "127.0.0.1, 192.0.2.7") == "192.0.2.7");
  CHECK(address("10.0.0.1", "127.0.0.1,192.0.2.7 ,\t10.0.0.2") == "192.0.2.7");
  CHECK(address("10.0.0.1", "192.0.2.7:5000") == "192.0.2.7");
  CHECK(address("10.0.0.1", "[2001:db8::7]:5000") == "2001:db8::7");
  CHECK(address("10.0.0.1", "127.0.0.1, unknown") == "10.0.0.1");
  CHECK(address("10.0.0.1", "127.0.0.1,") == "10.0.0.1");
  CHECK(address("10.0.0.1", "") == "10.0.0.1");
  CHECK(rules.client_address(from("10.0.0.1", {{"X-Forwarded-For", "127.0.0.1"},
                                               {"X-Forwarded-For", "192.0.2.9"}})) == "192.0.2.9");
}

TEST_CASE("wsbridge policy: without open_to it is open to this machine, unless it came from elsewhere") {
  const Policy rules = policy();
  for (const char* address : {"127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "unix"}) {
    INFO(address);
    CHECK(rules.open_to(from(address)));
    for (const char* sign : {"X-Forwarded-For", "forwarded", "X-Real-IP", "Via"})
      CHECK(!rules.open_to(from(address, {{sign, "127.0.0.1"}})));
  }
  for (const char* address : {"10.0.0.1", "::2", "::ffff:10.0.0.1", "", "garbage", "::"}) {
    INFO(address);
    CHECK(!rules.open_to(from(address)));
  }
}

TEST_CASE("wsbridge policy: open_to names networks") {
  Profile profile;
  profile.open_to = {"192.0.2.128/25", "10.1.2.3", "2001:db8::/33", "::/0"};
  const Policy rules = policy(profile);
  for (const char* address :
       {"192.0.2.128", "192.0.2.255", "10.1.2.3", "2001:db8:7fff::1", "::1", "fd00::1"}) {
    INFO(address);
    CHECK(rules.open_to(from(address)));
  }
  for (const char* address : {"192.0.2.127", "10.1.2.4", "127.0.0.1", "::ffff:10.9.9.9", "unix"}) {
    INFO(address);
    CHECK(!rules.open_to(from(address)));
  }
}

TEST_CASE("wsbridge policy: a proxy of ours must say for whom it asks") {
  Profile profile;
  profile.trusted_proxies = {"127.0.0.1"};
  const Policy rules = policy(profile);
  CHECK(!rules.open_to(from("127.0.0.1")));
  CHECK(rules.open_to(from("127.0.0.1", {{"X-Forwarded-For", "127.0.0.1"}})));
  CHECK(rules.open_to(from("unix", {{"X-Forwarded-For", "127.0.0.1"}})));
  CHECK(!rules.open_to(from("unix", {{"X-Forwarded-For", "192.0.2.1"}})));
  CHECK(rules.open_to(from("127.0.0.1", {{"X-Forwarded-For", "::1"}})));
  CHECK(!rules.open_to(from("127.0.0.1", {{"X-Forwarded-For", "192.0.2.1"}})));
  CHECK(!rules.open_to(from("127.0.0.1", {{"X-Forwarded-For", "127.0.0.1, 192.0.2.1"}})));
  CHECK(!rules.open_to(from("127.0.0.1", {{"X-Forwarded-For", "127.0.0.1, garbage"}})));
  CHECK(!rules.open_to(from("127.0.0.1", {{"X-Forwarded-For", ""}})));
  CHECK(!rules.open_to(from("127.0.0.1", {{"Forwarded", "for=127.0.0.1"}})));
}

TEST_CASE("wsbridge policy: what an identity may") {
  access::Identity nobody;
  CHECK(nobody.may(Access::everybody));
  CHECK(!nobody.may(Access::open));
  CHECK(!nobody.may(Access::token));
  access::Identity neighbour;
  neighbour.open = true;
  CHECK(neighbour.may(Access::open));
  CHECK(!neighbour.may(Access::token));
  access::Identity user;
  user.user = access::User{"1", "a@b"};
  CHECK(user.may(Access::token));
  CHECK(user.may(Access::open));
}
