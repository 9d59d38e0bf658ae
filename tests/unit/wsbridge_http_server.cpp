// The HTTP server: requests and answers, over raw sockets.
#include <catch2/catch.hpp>

#include "tests/unit/wsbridge_http_support.h"

namespace {

using namespace wl::test_http;

TEST_CASE("http server: an answer and its headers") {
  Running running;
  running.start();
  const std::string answer = ask(running, get("/echo?a=1", kClose));
  CHECK_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  CHECK_THAT(
      answer,
      Contains(
          " GMT\r\nServer: wireline\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"));
  CHECK_THAT(answer, Contains("\r\nX-Frame-Options: DENY\r\n") && Contains("\r\nConnection: close\r\n"));
  CHECK_THAT(answer, EndsWith("\r\nContent-Length: 8\r\nConnection: close\r\n\r\nGET a=1 "));
  CHECK_THAT(ask(running, get("/shared", kClose)), EndsWith("\r\n\r\nshared"));
  const std::string empty = ask(running, get("/empty", kClose));
  CHECK_THAT(empty, StartsWith("HTTP/1.1 204 No Content\r\n") && !Contains("Content-Length"));
  CHECK_THAT(ask(running, get("/throw", kClose)), StartsWith("HTTP/1.1 500 "));
  std::ifstream log(running.folder / "log");
  const std::string lines(std::istreambuf_iterator<char>(log), {});
  CHECK_THAT(lines,
             Contains("GET /echo 200 ") && Contains("ms 127.0.0.1\n") && Contains("/throw: on purpose"));
  CHECK_THAT(lines, !Contains("a=1"));
}

TEST_CASE("http server: requests one behind the other are answered in their order, wherever they are cut") {
  Running running;
  running.start();
  const std::string requests =
      get("/echo?1") + "\r\nPOST /echo?2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" +
      "POST /echo?3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n" +
      get("/wait?30") + get("/words") + get("/echo?4", kClose) + get("/echo?never");
  std::string expected;
  for (size_t cut = 0; cut < requests.size(); cut += cut < 2 ? 1 : 7) {
    const Client client(running.port);
    client.send(requests.substr(0, cut));
    if (cut % 2 == 0) std::this_thread::sleep_for(1ms);
    client.send(requests.substr(cut));
    const std::string answers = client.read();
    INFO(cut << answers);
    const size_t first = answers.find("GET 1 "), second = answers.find("POST 2 abc"),
                 third = answers.find("POST 3 def");
    const size_t fourth = answers.find("waited"), fifth = answers.find("5\r\nthree\r\n0\r\n\r\n"),
                 last = answers.find("GET 4 ");
    REQUIRE(last != std::string::npos);
    REQUIRE((first < second && second < third && third < fourth && fourth < fifth && fifth < last));
    REQUIRE(count(answers, "HTTP/1.1 200 OK") == 6);
  }
}

TEST_CASE("http server: HTTP/1.0, HEAD, and bodies made while they are sent") {
  Running running;
  running.start();
  CHECK_THAT(ask(running, "GET /echo HTTP/1.0\r\n\r\n"),
             Contains("Connection: close\r\n") && EndsWith("GET  "));
  const std::string two =
      "GET /echo?1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /words HTTP/1.0\r\nConnection: "
      "keep-alive\r\n\r\n";
  CHECK_THAT(ask(running, two),
             Contains("Connection: keep-alive\r\n") && EndsWith("Connection: close\r\n\r\none two three"));
  CHECK_THAT(ask(running, get("/words", kClose)),
             Contains("Transfer-Encoding: chunked\r\n") &&
                 EndsWith("\r\n\r\n4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n"));
  const std::string heads =
      "HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\nHEAD /words HTTP/1.1\r\nHost: x\r\n\r\nHEAD /take "
      "HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string answers = ask(running, heads);
  CHECK(count(answers, "HTTP/1.1 200 OK") == 3);
  CHECK_THAT(answers, Contains("Content-Length: 5\r\n") && !Contains("GET") && !Contains("one") &&
                          EndsWith("\r\n\r\n"));
}

TEST_CASE("http server: what is refused is said so, and nothing behind it is read") {
  Running running;
  running.start();
  const auto refused = [&](const std::string& request) {
    const std::string answer = ask(running, request + get("/echo?smuggled", kClose));
    CHECK_THAT(answer, !Contains("smuggled"));
    CHECK_THAT(answer, Contains("\r\nConnection: close\r\n"));
    return answer.substr(std::string("HTTP/1.1 ").size(), 3);
  };
  const std::string post = "POST /echo HTTP/1.1\r\nHost: x\r\n";
  CHECK(refused(post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd") == "400");
  CHECK(refused(post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == "400");
  CHECK(refused(post + "Transfer-Encoding: xchunked\r\n\r\n") == "501");
  CHECK(refused(post + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc\r\n0\r\n\r\n") == "400");
  CHECK(refused(post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n") == "400");
  CHECK(refused(post + "Transfer-Encoding: chunked\r\n\r\n3E9\r\n" + std::string(1001, 'x') +
                "\r\n0\r\n\r\n") == "413");
  CHECK(refused(post + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(70'000, 'x')) == "400");
  CHECK(refused(post + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x')) == "413");
  CHECK(refused(post + "Content-Length: 3\r\nExpect: magic\r\n\r\n") == "417");
  CHECK(refused("GET /echo HTTP/1.1\nHost: x\n\n") == "400");
  CHECK(refused("GET /echo HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n") == "400");
  CHECK(refused("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n") == "414");
  CHECK(refused("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n") == "431");
  CHECK(refused("GET /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == "413");
  CHECK(refused("GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n") == "413");
  CHECK(refused("POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc") == "401");
  CHECK(running.on_server([&] { return running.server->counts().answers[4]; }) == 15);
  CHECK_THAT(ask(running, get("/refused") + get("/echo?next", kClose)),
             Contains(" 401 ") && EndsWith("next "));
  const std::string big =
      ask(running, "GET / HTTP/1.1\r\nHost: x\r\n" + std::string(20 << 20, 'a'));  // 20 MB
  CHECK_THAT(big, StartsWith("HTTP/1.1 431 "));
}

TEST_CASE("http server: who asks first is told to go on, or is spared the sending") {
  Running running;
  running.start();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ";
  const Client client(running.port);
  client.send(head + "3\r\nConnection: close\r\n\r\n");
  CHECK(client.read("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  CHECK_THAT(client.read(), EndsWith("POST  abc"));
  const Client other(running.port);
  other.send(head + "1001\r\n\r\n");
  CHECK_THAT(other.read("\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
}

TEST_CASE("http server: files, conditions and ranges") {
  Running running;
  running.site.file = running.folder / "data";
  std::string content;
  for (int i = 0; i < 100'000; ++i) content += std::to_string(i % 10007) + ",";
  std::ofstream(running.site.file) << content;
  running.start();
  const auto file = [&](const std::string& headers) { return ask(running, get("/file", headers + kClose)); };
  const std::string whole = file("");
  CHECK_THAT(whole, StartsWith("HTTP/1.1 200 OK\r\n") && Contains("Accept-Ranges: bytes\r\n"));
  CHECK(whole.substr(whole.find("\r\n\r\n") + 4) == content);
  const auto header = [&](const std::string& name) {
    const size_t at = whole.find("\r\n" + name + ": ") + name.size() + 4;
    return whole.substr(at, whole.find('\r', at) - at);
  };
  const std::string etag = header("ETag"), date = header("Last-Modified");
  const std::string total = std::to_string(content.size());
  CHECK_THAT(file("If-None-Match: " + etag + "\r\n"),
             StartsWith("HTTP/1.1 304 ") && EndsWith("\r\n\r\n") && Contains(etag));
  CHECK_THAT(file("If-Modified-Since: " + date + "\r\n"), StartsWith("HTTP/1.1 304 "));
  CHECK_THAT(file("If-None-Match: \"x\"\r\nIf-Modified-Since: " + date + "\r\n"),
             StartsWith("HTTP/1.1 200 "));
  const std::string part = file("Range: bytes=100000-300000\r\n");
  CHECK_THAT(part,
             StartsWith("HTTP/1.1 206 ") && Contains("Content-Range: bytes 100000-300000/" + total + "\r\n"));
  CHECK(part.substr(part.find("\r\n\r\n") + 4) == content.substr(100'000, 200'001));
  CHECK_THAT(file("Range: bytes=-3\r\n"),
             StartsWith("HTTP/1.1 206 ") && EndsWith("\r\n\r\n" + content.substr(content.size() - 3)));
  CHECK_THAT(file("Range: bytes=99999999-\r\n"),
             StartsWith("HTTP/1.1 416 ") && Contains("Content-Range: bytes */" + total + "\r\n"));
  CHECK_THAT(file("Range: bytes=0-1\r\nIf-Range: " + etag + "\r\n"), StartsWith("HTTP/1.1 206 "));
  CHECK_THAT(file("Range: bytes=0-1\r\nIf-Range: " + date + "\r\n"), StartsWith("HTTP/1.1 206 "));
  CHECK_THAT(file("Range: bytes=0-1\r\nIf-Range: \"x\"\r\n"), StartsWith("HTTP/1.1 200 "));
  const std::string head = ask(running, "HEAD /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK_THAT(head, Contains("Content-Length: " + total + "\r\n") && EndsWith("\r\n\r\n"));
  running.site.file = running.folder;
  CHECK_THAT(file(""), StartsWith("HTTP/1.1 404 "));
}

TEST_CASE("http server: a connection is taken over with what lies behind its head") {
  Running running;
  running.start();
  const Client client(running.port);
  client.send(get("/take") + "ahead of it");
  const std::string answer = client.read("<t>");
  CHECK_THAT(answer, Contains("\r\nX: a  Injected: yes\r\n") && EndsWith("\r\n\r\n<ahead>< of i><t>"));
  client.send("more");
  CHECK(client.read(">") == "<more>");
  client.end_output();
  CHECK(client.read().empty());
}

TEST_CASE("http server: uploads go to a file that goes with the request") {
  Running running;
  running.start();
  const auto post = [&](const std::string& type, const std::string& body) {
    return ask(running, "POST /upload?q=1 HTTP/1.1\r\nHost: x\r\nContent-Type: " + type +
                            "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                            "\r\n\r\n" + body);
  };
  const auto form = [](const std::string& parts) { return parts + "\r\n--B--\r\n"; };
  const auto part = [](const std::string& what, const std::string& content) {
    return "\r\n--B\r\nContent-Disposition: form-data; " + what + "\r\n\r\n" + content;
  };
  const std::string kType = "multipart/form-data; boundary=B";
  const std::string big(100'000, 'z');
  CHECK_THAT(post("text/x", big), EndsWith("\r\n\r\n|q=1|100000|zzzzz"));
  CHECK_THAT(post(kType, form(part("name=a", "x&y") + part("name=file; filename=\"../c:\\d/e f\"", big))),
             EndsWith("\r\n\r\ne f|q=1&a=x%26y|100000|zzzzz"));
  CHECK_FALSE(fs::exists(running.site.upload_path));
  CHECK_THAT(post("text/x", big + "z"), StartsWith("HTTP/1.1 413 "));
  CHECK_THAT(post(kType, form(part("name=file", big + "z"))), StartsWith("HTTP/1.1 413 "));
  CHECK_THAT(post(kType, form(part("name=a", big))), StartsWith("HTTP/1.1 413 "));
  CHECK_THAT(post(kType, form(part("name=a", "1"))), StartsWith("HTTP/1.1 400 "));
  CHECK_THAT(post(kType, part("name=file", "1")), StartsWith("HTTP/1.1 400 "));
  CHECK_THAT(post(kType, form(part("name=file", "1") + part("name=file", "2"))), StartsWith("HTTP/1.1 400 "));
  CHECK_THAT(post("multipart/mixed; boundary=B", form(part("name=file", "1"))), StartsWith("HTTP/1.1 400 "));
  CHECK(eventually([&] { return running.uploads() == 0; }));

  Client client(running.port);
  client.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" + std::string(20'000, 'x'));
  CHECK(eventually([&] { return running.uploads() == 1; }));
  client.close();
  CHECK(eventually([&] { return running.uploads() == 0; }));
}

}  // namespace
