// What the catalog knows of the store around it: which directory it belongs to, which watched files it took.
#include <catch2/catch.hpp>

#include "libcommon/catalog/captures.h"
#include "libcommon/catalog/watched.h"
#include "tests/support/catalog_folder.h"

using namespace wl;
using namespace wl::catalog;
using test::Folder;

namespace {

Captures captures_of(const Location& location) {
  auto db = open_catalog(location);
  REQUIRE(db.has_value());
  return Captures(*db);
}

template <class Value>
Value good(base::Result<Value> result) {
  INFO((result ? "" : result.error().line()));
  REQUIRE(result.has_value());
  return *std::move(result);
}

}  // namespace

TEST_CASE("catalog: belongs to the store that claims it first") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  CHECK(good(captures.claim("a")) == "a");
  CHECK(good(captures.claim("b")) == "a");
  CHECK(good(captures.claim("a")) == "a");
}

TEST_CASE("catalog: a watched file is taken once, until it changes") {
  const Folder folder;
  auto db = open_catalog(folder.location());
  REQUIRE(db.has_value());
  Watched watched(*db);
  const WatchedFile file{std::string(64, 'a'), 100, 7}, grown{file.path, 200, 7},
      other{std::string(64, 'b'), 100, 7};
  CHECK(!good(watched.is_taken(file)));
  CHECK(good(watched.take(file)));
  CHECK(good(watched.take(file)));
  CHECK(good(watched.is_taken(file)));
  CHECK(!good(watched.is_taken(grown)));
  CHECK(!good(watched.is_taken(other)));
  CHECK(good(watched.take(grown)));
  CHECK(!good(watched.is_taken(file)));
}
