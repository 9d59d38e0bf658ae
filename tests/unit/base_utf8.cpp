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

TEST_CASE("utf8: text in pieces is checked as far as it has come") {
  const std::string kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83 \xf0\x9f\x98\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf";
  size_t checked = 0;
  for (size_t size = 0; size <= kosme.size(); ++size) {
    CHECK(wl::base::utf8_so_far(std::string_view(kosme).substr(0, size), checked));
    CHECK(size - checked < 4);
  }
  CHECK(checked == kosme.size());
  for (const std::string bad :
       {"\x80", "\xc0", "\xc1", "\xe0\x9f", "\xed\xa0", "\xf0\x8f", "\xf4\x90", "\xf5", "\xff", "\xce\xce",
        "\xe1\xbdz", "\xf0\x9f\x98z", "\xf0\x9f\x98zzzzz"}) {
    checked = 0;
    CHECK_FALSE(wl::base::utf8_so_far("ok" + bad, checked));
    CHECK(checked == 2);
    CHECK_FALSE(wl::base::is_utf8(bad));
  }
  CHECK_FALSE(wl::base::is_utf8("\xf0\x9f\x98"));
  CHECK(wl::base::utf8_text("\xce\xba \\") == "\xce\xba \\");
  CHECK(wl::base::utf8_text("\xff \\") == "\\xff \\\\");
}
