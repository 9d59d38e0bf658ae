#include <catch2/catch.hpp>

#include "libcommon/base/edit_distance.h"

using wl::base::edit_distance;

TEST_CASE("edit distance counts insertions, deletions and changes") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("limit", "limit") == 0);
  CHECK(edit_distance("limt", "limit") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ab", "ba") == 2);
}
