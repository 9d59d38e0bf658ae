#include <catch2/catch.hpp>

#include "tests/support/segments.h"

using namespace wl;
using record::Field;
using support::Segments;

namespace {

bool has(const record::Packet& packet, Field field) { return packet.present.has(field); }

}  // namespace

TEST_CASE("http: a request") {
  Segments segments;
  const auto& packet = segments.tcp(
      50000, 12345, 1, "GET /a?b=c HTTP/1.1\r\nUser-Agent: x\r\nhOSt:  www.example.org:8080 \r\n\r\n");
  CHECK(packet.app == "http");
  CHECK(packet.layers == "ip:tcp:http");
  CHECK(packet.http_method == "GET");
  CHECK(packet.http_uri == "/a?b=c");
  CHECK(packet.http_host == "www.example.org:8080");
  CHECK(packet.name == "www.example.org");
  CHECK(packet.info == "GET /a?b=c (www.example.org:8080)");
}

TEST_CASE("http: an answer") {
  Segments segments;
  const auto& packet = segments.tcp(80, 50000, 1, "HTTP/1.1 404 Not Found\r\nHost: not.this\r\n\r\n");
  CHECK(packet.http_status == 404);
  CHECK_FALSE(has(packet, Field::http_host));
  CHECK_FALSE(has(packet, Field::http_method));
  CHECK(segments.tcp(80, 50000, 1, "HTTP/1.0 200\r\n\r\n").http_status == 200);
  CHECK_FALSE(has(segments.tcp(80, 50000, 1, "HTTP/1.0 20\r\n\r\n"), Field::http_status));
}

TEST_CASE("http: what counts as a request") {
  const auto app = [](std::string_view payload, uint16_t port) {
    Segments segments;
    return has(segments.tcp(50000, port, 1, payload), Field::app);
  };
  CHECK(app("OPTIONS * HTTP/1.1\r\n\r\n", 9999));
  CHECK(app("CONNECT a.example:443 HTTP/1.1\r\n\r\n", 9999));
  CHECK(app("GET http://a.example/ HTTP/1.0\n\n", 9999));
  CHECK(app("GET /old\r\n", 80));
  CHECK_FALSE(app("GET /old\r\n", 9999));
  CHECK_FALSE(app("OPTIONS sip:a@b SIP/2.0\r\n\r\n", 5060));
  CHECK_FALSE(app("DESCRIBE rtsp://a/ RTSP/1.0\r\n\r\n", 554));
  CHECK_FALSE(app("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 80));
  CHECK_FALSE(app("GETTING / HTTP/1.1\r\n\r\n", 80));
  CHECK_FALSE(app("USER anonymous\r\n", 21));
  CHECK_FALSE(app("<html>GET / HTTP/1.1", 80));
}

TEST_CASE("http: of several messages the first counts; a body is no head") {
  Segments segments;
  const auto& packet = segments.tcp(50000, 80, 1, "POST /1 HTTP/1.1\r\n\r\nHost: in.the.body\r\n\r\n");
  CHECK(packet.http_uri == "/1");
  CHECK_FALSE(has(packet, Field::http_host));
  CHECK(segments.tcp(50000, 80, 1, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n")
            .http_host == "a");
}

TEST_CASE("http: the host may come in a later segment") {
  Segments segments;
  const auto& first = segments.tcp(50000, 80, 100, "GET /x HTTP/1.1\r\nCookie: aaaa");
  CHECK(first.http_uri == "/x");
  CHECK_FALSE(has(first, Field::http_host));
  const auto& second = segments.tcp(50000, 80, 129, "bbbb\r\nHo");
  CHECK(second.app == "http");
  CHECK_FALSE(has(second, Field::http_host));
  const auto& third = segments.tcp(50000, 80, 137, "st: www.example.org\r\n\r\n");
  CHECK(third.http_host == "www.example.org");
  CHECK(third.name == "www.example.org");
  CHECK(third.layers == "ip:tcp:http");
  CHECK_FALSE(has(third, Field::http_method));
  CHECK_FALSE(has(segments.tcp(50000, 80, 160, "st: www.example.org\r\n\r\n"), Field::app));
}

TEST_CASE("http: a first line in two segments is known on the second") {
  Segments segments;
  const auto& first = segments.tcp(50000, 80, 100, "GET /long");
  CHECK(first.app == "http");
  CHECK_FALSE(has(first, Field::http_uri));
  const auto& second = segments.tcp(50000, 80, 109, "er HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(second.http_method == "GET");
  CHECK(second.http_uri == "/longer");
  CHECK(second.http_host == "a");
}

TEST_CASE("http: fields are known as soon as they are whole") {
  Segments segments;
  const auto& request = segments.tcp(50000, 80, 100, "GET /x HT");
  CHECK(request.http_method == "GET");
  CHECK(request.http_uri == "/x");
  CHECK(segments.tcp(50000, 80, 109, "TP/1.1\r\nHost: a\r\n\r\n").http_host == "a");
  CHECK(segments.tcp(80, 50000, 100, "HTTP/1.1 200").http_status == 200);
  CHECK_FALSE(has(segments.tcp(80, 50001, 100, "HTTP/1.1 20"), Field::http_status));
  CHECK(segments.tcp(80, 50001, 111, "4 No Content\r\n\r\n").http_status == 204);
}

TEST_CASE("http: empty lines in front of a request") {
  Segments segments;
  CHECK(segments.tcp(50000, 80, 1, "\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n").http_host == "a");
  CHECK_FALSE(has(segments.tcp(50000, 80, 1, "\r\n\r\n"), Field::app));
}

TEST_CASE("http: heads that never end are given up") {
  Segments segments;
  uint32_t sequence = 1;
  segments.tcp(50000, 80, sequence, "GET / HTTP/1.1\r\nX: ");
  sequence += 19;
  const std::string filler(1000, 'x');
  size_t known = 0;
  for (int i = 0; i < 40; ++i, sequence += 1000) {
    if (has(segments.tcp(50000, 80, sequence, filler), Field::app)) ++known;
  }
  CHECK(known == 17);  // 16 KiB, and the packet that made it too long
}

TEST_CASE("http: text from the wire is escaped") {
  Segments segments;
  const auto& packet = segments.tcp(50000, 80, 1, "GET /\xff\\ HTTP/1.1\r\nHost: \xfe\r\n\r\n");
  CHECK(packet.http_uri == "/\\xff\\\\");
  CHECK(packet.http_host == "\\xfe");
}

TEST_CASE("http: names without port and brackets") {
  Segments segments;
  const auto name = [&](const std::string& host) {
    return std::string(segments.tcp(50000, 80, 1, "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n").name);
  };
  CHECK(name("a.example") == "a.example");
  CHECK(name("a.example:81") == "a.example");
  CHECK(name("[2001:db8::1]:81") == "2001:db8::1");
  CHECK(name("[") == "");
}

TEST_CASE("http: a head cut at every byte") {
  const std::string head = "GET /index.html HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
  for (size_t cut = 0; cut < head.size(); ++cut) {
    CAPTURE(cut);
    Segments segments;
    const auto& packet = segments.tcp(50000, 80, 1, head, cut);
    CHECK(has(packet, Field::truncated_at));
    CHECK(has(packet, Field::http_method) == cut >= 4);
    CHECK(has(packet, Field::http_host) == cut >= head.size() - 2);
  }
}
