#include <catch2/catch.hpp>

#include "libcommon/base/utf8.h"

namespace {

using wl::base::utf8_length;
using wl::base::wire_text;

size_t length(std::string_view text) { return utf8_length(text.data(), text.data() + text.size()); }

TEST_CASE("well-formed sequences, from the shortest to the longest of each length") {
  CHECK(length(std::string_view("\0", 1)) == 1);
  CHECK(length("\x7f") == 1);
  CHECK(length("\xc2\x80") == 2);
  CHECK(length("\xdf\xbf") == 2);
  CHECK(length("\xe0\xa0\x80") == 3);
  CHECK(length("\xed\x9f\xbf") == 3);
  CHECK(length("\xef\xbf\xbf") == 3);
  CHECK(length("\xf0\x90\x80\x80") == 4);
  CHECK(length("\xf4\x8f\xbf\xbf") == 4);
}

TEST_CASE("what is none: stray, overlong, surrogates, beyond the last code point, cut") {
  for (const char* const bytes :
       {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2", "\xe2\x82", "\xf0\x9f\x99", "\xc2\x41"}) {
    CHECK(length(bytes) == 0);
  }
}

TEST_CASE("text of the stream: bytes that are no text, and backslashes, can be had back") {
  CHECK(wire_text("plain") == "plain");
  CHECK(wire_text("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
  CHECK(wire_text("caf\xe9") == R"(caf\xe9)");
  CHECK(wire_text(R"(a\xe9)") == R"(a\\xe9)");
  CHECK(wire_text("\xe2\x82") == R"(\xe2\x82)");
  CHECK(wire_text("").empty());
}

}  // namespace
