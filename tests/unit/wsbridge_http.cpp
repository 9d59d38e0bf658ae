#include <array>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tools/wsbridge/http/files.h"
#include "tools/wsbridge/http/parser.h"
#include "tools/wsbridge/http/upload.h"

namespace {

using namespace wl::wsbridge::http;
using Words = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("a path comes apart into decoded segments") {
  CHECK(decode_path("/") == Words{});
  CHECK(decode_path("/a/b%20c") == Words{"a", "b c"});
  CHECK(decode_path("/a/") == Words{"a", ""});
  CHECK(decode_path("/a+b%2B%C3%A9") == Words{"a+b+\xc3\xa9"});
  CHECK(decode_path("/...") == Words{"..."});
}

TEST_CASE("a path that could mean another is refused") {
  for (const char* path : {"", "a", "//", "/a//b", "/.", "/..", "/a/../b", "/%2e%2e/b", "/a%2fb", "/a%5cb",
                           "/a\\b", "/a%00", "/%", "/%4", "/%zz", "/%+1", "//a", "/./a"}) {
    INFO(path);
    CHECK_FALSE(decode_path(path));
  }
}

TEST_CASE("a query comes apart into pairs, and goes together again") {
  CHECK(parse_query("") == Pairs{});
  CHECK(parse_query("a=1&b=x+y&c&&d=%26%3D=") == Pairs{{"a", "1"}, {"b", "x y"}, {"c", ""}, {"d", "&=="}});
  CHECK_FALSE(parse_query("a=%"));
  CHECK_FALSE(parse_query("a=1&b%0=2"));
  CHECK_FALSE(parse_query("a=%00"));
  std::string query = "z=1&";
  append_encoded(query, "a b");
  query += '=';
  append_encoded(query, "&=%+\xff\n;$(x)");
  CHECK(parse_query(query) == Pairs{{"z", "1"}, {"a b", "&=%+\xff\n;$(x)"}});
}

TEST_CASE("the range of a header") {
  const auto range = [](const char* header, uint64_t total) {
    const auto found = parse_range(header, total);
    return found ? std::to_string(found->first) + "+" + std::to_string(found->size) : "none";
  };
  CHECK(range("bytes=0-0", 10) == "0+1");
  CHECK(range("bytes=2-5", 10) == "2+4");
  CHECK(range("bytes=5-", 10) == "5+5");
  CHECK(range("bytes=5-99", 10) == "5+5");
  CHECK(range("bytes=5-99999999999999999999999", 10) == "5+5");
  CHECK(range("bytes=-3", 10) == "7+3");
  CHECK(range("bytes=-30", 10) == "0+10");
  CHECK(parse_range("bytes=10-", 10)->size == 0);
  CHECK(parse_range("bytes=-0", 10)->size == 0);
  CHECK(parse_range("bytes=0-", 0)->size == 0);
  for (const char* header :
       {"bytes=5-2", "bytes=a-b", "bytes=", "bytes=-", "lines=1-2", "bytes=0-1,4-5", "bytes=1", ""}) {
    INFO(header);
    CHECK(range(header, 10) == "none");
  }
}

TEST_CASE("entity tags are compared weakly, one of a list is enough") {
  CHECK(etag_matches("*", "\"a\""));
  CHECK(etag_matches("\"x\", W/\"a\" ", "\"a\""));
  CHECK(etag_matches("\"a\"", "W/\"a\""));
  CHECK_FALSE(etag_matches("\"x\", \"aa\"", "\"a\""));
  CHECK_FALSE(etag_matches(",,", "\"a\""));
}

TEST_CASE("dates of HTTP are written") { CHECK(http_date(1'795'165'380) == "Fri, 20 Nov 2026 09:03:00 GMT"); }

TEST_CASE("a failure is a problem document") {
  const auto document = [](unsigned status, std::string_view detail) {
    return std::get<std::string>(problem(status, detail).body);
  };
  CHECK(document(404, "no \"x\"") ==
        R"({"type":"about:blank","title":"Not Found","status":404,"detail":"no \"x\""})");
  CHECK(document(429, "") == R"({"type":"about:blank","title":"Too Many Requests","status":429})");
  CHECK(nlohmann::json::accept(document(400, "\xff\x01")));
  const auto plain = problem(503, "later");
  CHECK(plain.status == 503);
  CHECK(plain.headers == Headers{{"Content-Type", "application/problem+json"}, {"Retry-After", "1"}});
  CHECK(problem(429, "", 7).headers.back() == Headers::value_type{"Retry-After", "7"});
  CHECK(problem(401).headers.back() == Headers::value_type{"WWW-Authenticate", "Bearer"});
  CHECK(problem(404).headers.size() == 1);
}

/// What a form gave: its fields, the name of its file, the file. "!": refused; "~": not whole.
std::string read_form(std::string_view form, size_t step, size_t first = 0) {
  const std::string type = "multipart/form-data; boundary=XX";
  Upload upload(&type, "file", 1000);
  unsigned status = upload.add(form.substr(0, first));
  for (size_t at = first; status == 0 && at < form.size(); at += step)
    status = upload.add(form.substr(at, step));
  if (status != 0) return "!";
  Request request;
  if (upload.finish(request) != 200) return "~";
  std::ifstream in(request.upload->path);
  return request.query + "|" + request.upload->name + "|" +
         std::string(std::istreambuf_iterator<char>(in), {}) + ".";
}

constexpr std::string_view kForm =
    "preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X\r\n--XX \t\r\n"
    "content-type: x/y\r\nCONTENT-DISPOSITION:form-data;filename=\"p\\q\\\"r;.bin\"; name=file\r\n\r\n"
    "\r\n\r\r\n-\r\n--\r\n--X--XX\r\r\n--XX\r\nContent-Disposition: form-data; "
    "name=\"e\"\r\n\r\n\r\n--XX--\r\n--XX\r\nepilogue";
constexpr std::string_view kFormRead = "a=1%0D%0A%2D%2DX&e=|pq\"r;.bin|\r\n\r\r\n-\r\n--\r\n--X--XX\r.";

TEST_CASE("a form is read the same however it is cut") {
  for (size_t step = 1; step <= kForm.size(); ++step) {
    INFO(step);
    REQUIRE(read_form(kForm, step) == kFormRead);
  }
  for (size_t cut = 0; cut <= kForm.size(); ++cut) {
    INFO(cut);
    REQUIRE(read_form(kForm, kForm.size(), cut) == kFormRead);
  }
}

TEST_CASE("a form that is cut off is not complete, at any byte") {
  const size_t whole = kForm.find("--XX--") + 6;
  for (size_t size = 0; size < whole; ++size) {
    INFO(size);
    REQUIRE_FALSE(read_form(kForm.substr(0, size), size + 1).ends_with('.'));
  }
}

TEST_CASE("what is no form is refused") {
  const auto refused = [](const std::string& form) { return read_form(form, 7).ends_with('!'); };
  CHECK(refused("--XXY\r\n"));
  CHECK(refused("--XX\r\nContent-Type: x/y\r\n\r\n"));
  CHECK(refused("--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n"));
  CHECK(refused("--XX\r\nContent-Disposition: form-data; filename=a\r\n\r\n"));
  CHECK(refused("--XX\r\nContent-Disposition: form-data; name=a" + std::string(1, '\0') + "\r\n\r\n"));
  CHECK(refused("--XX\r\nX: " + std::string(2 * Upload::kMaxHead, 'x')));
  CHECK(refused("--XX" + std::string(2 * Upload::kMaxHead, ' ')));
  std::string many;
  for (size_t i = 0; i <= Upload::kMaxFields / 2; ++i)
    many += "\r\n--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n";
  CHECK(refused(many));
}

TEST_CASE("the boundary of a form") {
  CHECK(multipart_boundary("multipart/form-data; boundary=abc") == "abc");
  CHECK(multipart_boundary("Multipart/Form-Data; charset=utf-8;Boundary=\"a b:c\"") == "a b:c");
  for (const char* type : {"text/plain; boundary=a", "multipart/form-data",
                           "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a \"",
                           "multipart/form-data; boundary=\"a\rb\"", "multipart/form-data; xboundary=a"}) {
    INFO(type);
    CHECK_FALSE(multipart_boundary(type));
  }
  CHECK_FALSE(multipart_boundary("multipart/form-data; boundary=" + std::string(71, 'a')));
}

/// The status with which a head is refused; 0: it is not.
unsigned refusal(std::string bytes) {
  Parser parser(size_t{16} << 10);
  Head head;
  const unsigned status = parser.head(bytes, head);
  return status == Parser::kWhole && bytes.empty() ? 0 : std::max(status, 1U);
}

TEST_CASE("heads that two readers could read in two ways are refused") {
  const auto with = [](const std::string& headers) {
    return refusal("POST /a HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
  };
  CHECK(with("") == 0);
  CHECK(with("Content-Length: 5\r\n") == 0);
  CHECK(with("Transfer-Encoding: Chunked\r\n") == 0);
  CHECK(with("Content-Length: 5\r\nContent-Length: 6\r\n") == 400);
  CHECK(with("Content-Length: 5\r\nContent-Length: 5\r\n") == 400);
  CHECK(with("Content-Length: 5, 5\r\n") == 400);
  CHECK(with("Content-Length: +5\r\n") == 400);
  CHECK(with("Content-Length: -5\r\n") == 400);
  CHECK(with("Content-Length: 0x5\r\n") == 400);
  CHECK(with("Content-Length:\r\n") == 400);
  CHECK(with("Content-Length: 99999999999999999999999\r\n") == 400);
  CHECK(with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") == 400);
  CHECK(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(with("Transfer-Encoding: gzip, chunked\r\n") == 501);
  CHECK(with("Transfer-Encoding: xchunked\r\n") == 501);
  CHECK(with("Transfer-Encoding: identity\r\n") == 501);
  CHECK(with("Transfer-Encoding : chunked\r\n") == 400);
  CHECK(with("Transfer-Encoding\t: chunked\r\n") == 400);
  CHECK(with("Transfer-Encoding: \x0b"
             "chunked\r\n") == 400);
  CHECK(with("X: a\r\n Transfer-Encoding: chunked\r\n") == 400);
  CHECK(with("X: a\r\n\tb\r\n") == 400);
  CHECK(with("X: a\nContent-Length: 5\r\n") == 400);
  CHECK(with("X: a\rContent-Length: 5\r\n") == 400);
  CHECK(with("X: a\r\r\n") == 400);
  CHECK(with(std::string("X: a\0b\r\n", 8)) == 400);
  CHECK(with("X: a\x01\r\n") == 400);
  CHECK(with("X\r\n") == 400);
  CHECK(with(": a\r\n") == 400);
  CHECK(with("X(: a\r\n") == 400);
  CHECK(with("Host: y\r\n") == 400);
  CHECK(with("Expect: 200-ok\r\n") == 417);
  CHECK(refusal("GET /a HTTP/1.1\r\n\r\n") == 400);  // no Host
  CHECK(refusal("GET /a HTTP/1.0\r\n\r\n") == 0);
  CHECK(refusal("POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(refusal("GET /a HTTP/2.0\r\nHost: x\r\n\r\n") == 505);
  CHECK(refusal("GET /a HTTP/1.2\r\nHost: x\r\n\r\n") == 505);
  CHECK(refusal("GET /a\r\n\r\n") == 400);
  CHECK(refusal("GET  /a HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  CHECK(refusal(" GET /a HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  CHECK(refusal("GET /a HTTP/1.1 \r\nHost: x\r\n\r\n") == 400);
  CHECK(refusal("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  CHECK(refusal("GET a HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  CHECK(refusal("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  CHECK(refusal("G(T /a HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  CHECK(refusal("\x16\x03\x01\x02\r\n\r\n") == 400);  // TLS where there is none
}

TEST_CASE("a head is taken apart") {
  std::string bytes =
      "HEAD http://other:80/p%20q?a=1?b HTTP/1.1\r\nHost: mine\r\nX:\t v w \r\nConnection: close\r\nExpect: "
      "100-continue\r\n"
      "Content-Length: 007\r\n\r\n";
  Parser parser(bytes.size());
  Head head;
  REQUIRE(parser.head(bytes, head) == Parser::kWhole);
  const Request& request = head.request;
  CHECK(request.method == "GET");
  CHECK(head.head_only);
  CHECK(request.path == "/p%20q");
  CHECK(request.query == "a=1?b");
  CHECK(*request.header("hOST") == "other:80");
  CHECK(*request.header("x") == "v w");
  CHECK(request.header("y") == nullptr);
  CHECK_FALSE(head.keep_alive);
  CHECK(head.expects_continue);
  CHECK(head.length == 7);
  CHECK(head.has_body);
}

/// A chunked body fed in pieces as a connection does it; what it gave, or the status of its refusal.
std::string read_chunks(std::string_view body, size_t step) {
  Parser parser(1000);
  Head head;
  std::string text, kept = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  if (parser.head(kept, head) != Parser::kWhole) return "head";
  const Sink sink = [&](std::string_view bytes) {
    text += bytes;
    return text.size() > 20 ? 413U : 0U;
  };
  unsigned status = Parser::kMore;
  for (size_t at = 0; at < body.size() && status == Parser::kMore; at += step) {
    kept += body.substr(at, step);
    status = parser.body(kept, sink);
  }
  if (status >= 400) return std::to_string(status);
  return text + (status == Parser::kWhole ? "." : "~") + kept;
}

TEST_CASE("chunks, and chunks that lie") {
  for (size_t step = 1; step < 40; ++step) {
    INFO(step);
    CHECK(read_chunks("5;a=b\r\nhello\r\n00A\r\n, world...\r\n0\r\nTrailer: x\r\n\r\n", step) ==
          "hello, world....");
    CHECK(read_chunks("3\r\nhello\r\n0\r\n\r\n", step) == "400");
    CHECK(read_chunks("5\nhello\n0\n\n", step).find('.') == std::string::npos);
    CHECK(read_chunks("-1\r\nhello\r\n0\r\n\r\n", step) == "400");
    CHECK(read_chunks("0x5\r\nhello\r\n0\r\n\r\n", step) == "400");
    CHECK(read_chunks("FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", step) == "400");
    CHECK(read_chunks("5 x\r\nhello\r\n0\r\n\r\n", step) == "400");
    CHECK(read_chunks("5\r\nhello0\r\n\r\n", step) == "400");
    CHECK(read_chunks("19\r\n0123456789012345678901234\r\n0\r\n\r\n", step) == "413");
    CHECK(read_chunks("1\r\na\r\n0\r\nContent-Length: 5\r\n\r\n", step) == "400");
  }
}

}  // namespace
