// What the catalog knows of the store around it: which directory it belongs to, where originals lie, which
// watched files it took.
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
  CHECK(good(captures.claimed()).empty());
  CHECK(good(captures.claim("a")) == "a");
  CHECK(good(captures.claimed()) == "a");
  CHECK(good(captures.claim("b")) == "a");
  CHECK(good(captures.claim("a")) == "a");
}

TEST_CASE("catalog: where an original lies may change, and nothing else of its row") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  CaptureFile file{.file_id = std::string(32, 'a'), .sha256 = std::string(64, 'a'), .links = "ethernet"};
  file.ingest = "1";
  file.reference = "/srv/a";
  file.reference_ns = 7;
  (void)good(captures.publish(file, "ann", "name", ""));

  file.reference = "";
  file.reference_ns = 0;
  file.stored_bytes = 80;
  CaptureFile moved = file;
  moved.links = "other";
  CHECK(good(captures.refer(moved)));
  const auto found = good(captures.resolve("ann", "name"));
  REQUIRE(found.size() == 1);
  CHECK(CaptureFile(found.front()).fields() == file.fields());
  moved.file_id = "another";
  CHECK(!good(captures.refer(moved)));
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
