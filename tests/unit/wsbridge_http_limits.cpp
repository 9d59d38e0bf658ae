// The HTTP server: its limits, its addresses, its end; and static files.
#include <csignal>

#include <catch2/catch.hpp>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tests/unit/wsbridge_http_support.h"

namespace {

using namespace wl;
using namespace wl::test_http;

TEST_CASE("http server: the site hears of a client that has gone") {
  Running running;
  running.start();
  Client waiting(running.port), silent(running.port);
  waiting.send(get("/wait?60000"));
  silent.send(get("/silence"));
  CHECK_THAT(silent.read("\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  std::this_thread::sleep_for(700ms);
  CHECK(running.site.ended == 0);
  waiting.close();
  silent.close();
  CHECK(eventually([&] { return running.site.ended == 2; }));
  CHECK(eventually(
      [&] { return running.on_server([&] { return running.server->counts().connections; }) == 0; }));
}

TEST_CASE("http server: more clients than allowed are told so, and the others served") {
  wsbridge::LimitSpec limits;
  limits.clients = 2;
  Running running(limits);
  running.start();
  Client first(running.port);
  const Client second(running.port), third(running.port);
  CHECK_THAT(third.read(), StartsWith("HTTP/1.1 503 ") && Contains("Retry-After: 1\r\n"));
  for (const Client* client : {static_cast<const Client*>(&first), &second}) {
    client->send(get("/echo"));
    CHECK_THAT(client->read("GET  "), StartsWith("HTTP/1.1 200 "));
  }
  first.close();
  CHECK(eventually([&] { return ask(running, get("/echo", kClose)).starts_with("HTTP/1.1 200"); }));
  CHECK(running.on_server([&] { return running.server->counts().refused; }) >= 1);
}

TEST_CASE("http server: who had to be waited for is not let go when there is nothing to take") {
  wsbridge::LimitSpec limits;
  limits.idle_ns = base::kSecond;
  Running running(limits);
  running.start();
  const Client client(running.port);
  client.send(get("/pause"));
  std::this_thread::sleep_for(300ms);  // until it is full between us
  const std::string answer = client.read("the end", 15s);
  CHECK(answer.size() > (32U << 20));
  CHECK(answer.contains("the end"));
}

TEST_CASE("http server: slow clients are let go") {
  wsbridge::LimitSpec limits;
  limits.idle_ns = base::kSecond;
  Running running(limits);
  running.site.file = running.folder / "big";
  std::ofstream(running.site.file) << std::string(32 << 20, 'x');
  running.start();
  const auto begun = Clock::now();
  const Client head(running.port), body(running.port), idle(running.port), reader(running.port);
  idle.send(get("/echo"));
  head.send("GET / HTTP/1.1\r\nHost: x\r\n");
  body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
  reader.send(get("/file"));
  CHECK_THAT(idle.read(), EndsWith("GET  "));
  CHECK(Clock::now() - begun < 4s);
  // Who reads nothing of a large answer is let go as well, and what it has cannot be the whole.
  std::this_thread::sleep_for(2s);
  CHECK(reader.read().size() < (32U << 20));
  bool head_there = true, body_there = true;
  std::chrono::duration<double> head_time{}, body_time{};
  while ((head_there || body_there) && Clock::now() - begun < 20s) {
    std::this_thread::sleep_for(300ms);
    if (head_there && !head.read("x", 5ms).ends_with("timeout"))
      head_there = false, head_time = Clock::now() - begun;
    if (body_there && !body.read("x", 5ms).ends_with("timeout"))
      body_there = false, body_time = Clock::now() - begun;
    head.send("a");
    body.send("a");
  }
  INFO(head_time.count() << " s, " << body_time.count() << " s");
  CHECK((head_time > 8s && head_time < 13s));
  CHECK((body_time > 8s && body_time < 13s));
}

TEST_CASE("http server: stopping finishes what runs and closes what is idle") {
  Running running;
  running.start();
  const Client idle(running.port), busy(running.port), endless(running.port);
  idle.send(get("/echo"));
  CHECK_THAT(idle.read("GET  "), EndsWith("GET  "));
  busy.send(get("/wait?600") + get("/echo?never"));
  endless.send(get("/take"));
  endless.read("\r\n\r\n");
  const auto begun = Clock::now();
  running.drain(1500ms);
  const auto took = Clock::now() - begun;
  CHECK((took > 1400ms && took < 2500ms));
  CHECK(idle.read().empty());
  CHECK_THAT(busy.read(), Contains("Connection: close\r\n") && EndsWith("waited"));
  CHECK(endless.read().empty());
  const int refused = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{.sin_family = AF_INET,
                 .sin_port = htons(running.port),
                 .sin_addr = {htonl(INADDR_LOOPBACK)},
                 .sin_zero = {}};
  CHECK(::connect(refused, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0);
  ::close(refused);
}

TEST_CASE("http server: addresses it listens on") {
  Running running;
  const std::string path = running.folder / "socket";
  CHECK(running.server->listen({.address = "unix:" + path}) == "unix:" + path);
  CHECK_FALSE(running.server->listen({.address = "unix:" + std::string(200, 'x')}));
  CHECK_THAT(*running.server->listen({.address = "[::1]:0"}), StartsWith("http://[::1]:"));
  for (const char* wrong : {"", "8000", ":8000", "127.0.0.1:x", "999.0.0.1:80", "192.0.2.1:0"}) {
    INFO(wrong);
    const auto result = running.server->listen({.address = wrong});
    REQUIRE_FALSE(result);
    CHECK(result.error().exit == base::Exit::usage);
  }
  const auto taken = running.server->listen({.address = "127.0.0.1:" + std::to_string(running.port)});
  REQUIRE_FALSE(taken);
  CHECK_THAT(taken.error().text, Contains("in use"));
  const auto tls =
      running.server->listen({.address = "127.0.0.1:0", .certificate = "/nowhere", .key = "/nowhere"});
  REQUIRE_FALSE(tls);
  CHECK_THAT(tls.error().text, StartsWith("/nowhere: "));
  running.start();
  const Client client(path);
  client.send(get("/echo?unix", kClose));
  CHECK_THAT(client.read(), EndsWith("GET unix "));
}

/// Writes a certificate of our own for localhost and its key; both into one file.
void make_certificate(const std::string& path) {
  EVP_PKEY* const key = ::EVP_EC_gen("P-256");
  X509* const certificate = ::X509_new();
  ::X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  ::X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  ::X509_set_pubkey(certificate, key);
  ::X509_sign(certificate, key, ::EVP_sha256());
  FILE* const file = ::fopen(path.c_str(), "w");
  ::PEM_write_X509(file, certificate);
  ::PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  ::fclose(file);
  ::X509_free(certificate);
  ::EVP_PKEY_free(key);
}

TEST_CASE("http server: TLS, from 1.2 on") {
  (void)::signal(SIGPIPE, SIG_IGN);
  Running running;
  running.site.file = running.folder / "data";
  std::ofstream(running.site.file) << std::string(1'000'000, 'y');
  const std::string pem = running.folder / "pem";
  make_certificate(pem);
  const auto url = running.server->listen({.address = "127.0.0.1:0", .certificate = pem, .key = pem});
  REQUIRE(url);
  REQUIRE_THAT(*url, StartsWith("https://127.0.0.1:"));
  running.start();
  const auto ask_tls = [&](const std::string& request, int version) {
    const std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context(::SSL_CTX_new(::TLS_client_method()),
                                                                      ::SSL_CTX_free);
    ::SSL_CTX_set_security_level(context.get(), 0);
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    ::SSL_CTX_set_max_proto_version(context.get(), version);
    const std::unique_ptr<BIO, decltype(&::BIO_free_all)> bio(::BIO_new_ssl_connect(context.get()),
                                                              ::BIO_free_all);
    ::BIO_set_conn_hostname(bio.get(), url->substr(8).c_str());
    if (::BIO_do_handshake(bio.get()) != 1) return std::string("no handshake");
    ::BIO_write(bio.get(), request.data(), static_cast<int>(request.size()));
    std::string answer;
    std::array<char, 4096> block;
    for (int got = 0; (got = ::BIO_read(bio.get(), block.data(), block.size())) > 0;) {
      answer.append(block.data(), static_cast<size_t>(got));
    }
    return answer;
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CHECK_THAT(ask_tls(get("/echo?1") + get("/echo?2", kClose), version),
               Contains("GET 1 HTTP/1.1 200") && EndsWith("GET 2 "));
    CHECK_THAT(ask_tls(get("/file", kClose), version), EndsWith("\r\n\r\n" + std::string(1'000'000, 'y')));
    CHECK_THAT(ask_tls(get("/words", kClose), version), EndsWith("5\r\nthree\r\n0\r\n\r\n"));
  }
  CHECK(ask_tls(get("/echo"), TLS1_1_VERSION) == "no handshake");
  const Client plain(static_cast<uint16_t>(std::stoi(url->substr(url->rfind(':') + 1))));
  plain.send(get("/echo"));
  CHECK_THAT(plain.read(), !Contains("GET"));
}

TEST_CASE("static files: nothing outside the directory, no hidden file") {
  std::string name = (fs::temp_directory_path() / "wl-static-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  const fs::path top = name, root = top / "root";
  fs::create_directories(root / "sub");
  for (const auto& file :
       {top / "secret", root / "index.html", root / "sub/a.js", root / ".env", root / "odd"})
    std::ofstream(file) << "x";
  fs::create_symlink("../secret", root / "out");
  fs::create_symlink(top, root / "up");
  fs::create_symlink(top / "secret", root / "absolute");
  fs::create_symlink("sub/a.js", root / "inside.js");
  const auto files = StaticFiles::open(root);
  REQUIRE(files);
  const auto status = [&](const std::string& path) {
    const Request request{.method = "GET", .path = path};
    const auto segments = decode_path(path);
    if (!segments) return std::string("path");
    const Response response = files->answer(request, *segments);
    if (response.status == 404) return std::string("404");
    return std::to_string(response.status) + " " + response.headers[0].second;
  };
  CHECK(status("/") == "200 text/html; charset=utf-8");
  CHECK(status("/index.html") == "200 text/html; charset=utf-8");
  CHECK(status("/sub/a.js") == "200 text/javascript; charset=utf-8");
  CHECK(status("/inside.js") == "200 text/javascript; charset=utf-8");
  CHECK(status("/odd") == "200 application/octet-stream");
  CHECK(status("/sub") == "301 /sub/");
  for (const char* path :
       {"/sub/", "/none", "/out", "/up/secret", "/absolute", "/.env", "/index.html/", "/index.html/x"}) {
    INFO(path);
    CHECK(status(path) == "404");
  }
  CHECK(status("/%2e%2e/secret") == "path");
  CHECK_FALSE(StaticFiles::open(top / "none"));
  fs::remove_all(top);
}

}  // namespace
