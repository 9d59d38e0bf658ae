#include <catch2/catch.hpp>

#include "libcommon/cli/table.h"

using wl::cli::display_width;
using wl::cli::human_size;
using wl::cli::printable;
using wl::cli::Table;

TEST_CASE("a table is as wide as its cells, numbers to the right") {
  Table table({{"client"}, {"bytes", Table::Align::right}, {"protocols"}});
  table.row({"10.0.0.7", "1500", "tcp/443"});
  table.row({"2001:db8::1", "7"});
  CHECK(table.text() ==
        "client       bytes  protocols\n"
        "10.0.0.7      1500  tcp/443\n"
        "2001:db8::1      7\n");
  CHECK(table.empty());
  table.row({"a", "1", "x"});
  CHECK(table.text(false) == "a                1  x\n");
}

TEST_CASE("what would move the cursor or break the line is shown as bytes") {
  CHECK(printable("a\x1b[2Jb\n\x7f") == "a\\x1b[2Jb\\x0a\\x7f");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");           // C1 CSI
  CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");  // right-to-left override
  CHECK(printable("caf\xc3\xa9 \xe6\x97\xa5") == "caf\xc3\xa9 \xe6\x97\xa5");
}

TEST_CASE("bytes that are no UTF-8 are shown one by one") {
  CHECK(printable("\xff") == "\\xff");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");                    // overlong
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  CHECK(printable("\xe2\x82") == "\\xe2\\x82");                    // cut
}

TEST_CASE("width counts cells, not bytes") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("caf\xc3\xa9") == 4);
  CHECK(display_width("e\xcc\x81") == 1);
  CHECK(display_width("\xe6\x97\xa5\xe6\x9c\xac") == 4);
}

TEST_CASE("sizes for people") {
  CHECK(human_size(0) == "0");
  CHECK(human_size(1023) == "1023");
  CHECK(human_size(1536) == "1.5k");
  CHECK(human_size(1024 * 1024 - 1) == "1.0M");
  CHECK(human_size(UINT64_MAX) == "16.0E");
}
