// The catalog's captures and projects: who sees what, what stays and what goes, and all of that by several
// at once.
#include <array>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "libcommon/base/time.h"
#include "libcommon/catalog/captures.h"
#include "libcommon/catalog/users.h"
#include "tests/support/catalog_folder.h"

using namespace wl;
using namespace wl::catalog;
using test::ask;
using test::Folder;

namespace {

Captures captures_of(const Location& location) {
  auto db = open_catalog(location);
  INFO((db ? "" : db.error().line()));
  REQUIRE(db.has_value());
  return Captures(*db);
}

template <class Value>
Value good(base::Result<Value> result) {
  INFO((result ? "" : result.error().line()));
  REQUIRE(result.has_value());
  return *std::move(result);
}

template <class Value>
base::Error bad(const base::Result<Value>& result) {
  REQUIRE(!result);
  return result.error();
}

std::string id_of(const std::string& beginning) {
  return beginning + std::string(32 - beginning.size(), '0');
}

/// One whose file_id begins with those digits, and whose packets are from `first` to `first` + 9.
CaptureFile capture(const std::string& beginning, int64_t first = 100, const std::string& ingest = "1") {
  CaptureFile made;
  made.file_id = id_of(beginning);
  made.sha256 = made.file_id + std::string(32, 'f');
  made.ingest = std::string(15, '0') + ingest;
  made.bytes = 3'000'000'000;
  made.packets = 4;
  made.data_bytes = int64_t{1} << 53;
  made.first_ns = first;
  made.last_ns = first + 9;
  made.timed = 1;
  made.truncated = 1;
  made.links = "ethernet,raw_ip";
  made.reference = "/srv/a 'b'/" + std::string(4096, 'x');
  made.reference_ns = 7;
  made.stored_bytes = 8;
  made.created = 9;
  return made;
}

std::vector<std::string> names(const std::vector<HeldFile>& files) {
  std::vector<std::string> found;
  for (const HeldFile& file : files) found.push_back(file.owner + ":" + file.name);
  return found;
}

using Names = std::vector<std::string>;

/// Runs `work(captures, index)` in threads that each have a connection of their own, all at once.
template <class Work>
void at_once(const Folder& folder, int threads, const Work& work) {
  std::atomic<int> ready = 0;
  std::vector<std::jthread> running;
  for (int i = 0; i < threads; ++i)
    running.emplace_back([&, i] {
      const auto db = open_catalog(folder.location());
      ++ready;
      while (ready < threads) std::this_thread::yield();
      if (db) work(Captures(*db), i);
    });
}

}  // namespace

TEST_CASE("catalog: a file that is published is as it was given, for who has it") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  const std::string name = "../it's\n\"\xc3\xa9\xf0\x9f\x98\x80\" " + std::string(1000, 'n');
  CaptureFile given = capture("abcd");
  given.deleted = 5;
  const Published made = good(captures.publish(given, "ann", name, ""));
  CHECK(made.is_new);
  CHECK(!made.already_present);

  const auto found = good(captures.files("ann", ""));
  REQUIRE(found.size() == 1);
  given.deleted = 0;
  CaptureFile seen = found[0];
  CHECK(seen.fields() == given.fields());
  CHECK(CaptureFile(made.file).fields() == given.fields());
  CHECK(found[0].name == name);
  CHECK(found[0].owner == "ann");
  CHECK(found[0].added > 0);
  CHECK(good(captures.files("bob", "")).empty());
  CHECK(good(captures.files("", "")).size() == 1);
  CHECK(good(captures.present("ann", given.file_id)));
  CHECK(good(captures.present("", given.file_id)));
  CHECK(!good(captures.present("bob", given.file_id)));
  CHECK(!good(captures.present("ann ", given.file_id)));
}

TEST_CASE("catalog: a file that is there already keeps its row and gets one more holder") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  REQUIRE(good(captures.publish(capture("abcd", 100, "1"), "ann", "a.pcap", "")).is_new);
  const Published second = good(captures.publish(capture("abcd", 100, "2"), "bob", "b.pcap", ""));
  CHECK(!second.is_new);
  CHECK(!second.already_present);
  CHECK(second.file.ingest == capture("abcd").ingest);
  const Published again = good(captures.publish(capture("abcd", 100, "1"), "ann", "other.pcap", ""));
  CHECK(again.is_new);  // whoever asks twice because the answer was lost keeps the parts
  CHECK(again.already_present);
  CHECK(names(good(captures.files("", ""))) == Names{"ann:a.pcap", "bob:b.pcap"});
  CHECK(good(captures.known()).size() == 1);
}

TEST_CASE("catalog: what has no owner, no name or no text is not published") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  const auto refused = [&](const std::string& owner, const std::string& name) {
    return bad(captures.publish(capture("abcd"), owner, name, "")).exit == base::Exit::usage;
  };
  for (const std::string& owner : {std::string(), std::string(255, 'o')}) CHECK(refused(owner, "a"));
  CHECK(refused("ann", ""));
  CHECK(refused("ann", std::string(1021, 'n')));
  CHECK(refused("ann", "\xff"));
  CHECK(refused("ann", std::string("a\0b", 3)));
  const base::Error none = bad(captures.publish(capture("abcd"), "ann", "a", id_of("9")));
  CHECK(none.exit == base::Exit::no);
  CHECK(none.line() == "project " + id_of("9") + ": there is none");
  CHECK(good(captures.known()).empty());
}

TEST_CASE("catalog: projects") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  const Project live = good(captures.add_project("ann", "live"));
  CHECK(live.id.size() == 32);
  const base::Error taken = bad(captures.add_project("ann", "live"));
  CHECK(taken.exit == base::Exit::no);
  CHECK(taken.line() == "project live: there is one of that name (choose another)");
  const Project bobs = good(captures.add_project("bob", "live"));
  good(captures.add_project("ann", "Live"));   // another name
  good(captures.add_project("ann", "live "));  // and another one
  good(captures.add_project("ann", std::string(80, 'p')));
  for (const std::string& name : {std::string(), std::string(81, 'p'), std::string("a\nb"),
                                  std::string("\xff"), std::string("a\0b", 3)})
    CHECK(bad(captures.add_project("ann", name)).exit == base::Exit::usage);
  CHECK(bad(captures.add_project("", "x")).exit == base::Exit::usage);

  const auto of_ann = good(captures.projects("ann"));
  REQUIRE(of_ann.size() == 4);
  CHECK(of_ann[0].name == "Live");
  CHECK(of_ann[1].id == live.id);
  CHECK(of_ann[1].created == live.created);
  CHECK(good(captures.projects("")).size() == 5);
  CHECK(good(captures.find_project("ann", "live"))->id == live.id);
  CHECK(good(captures.find_project("ann", live.id))->name == "live");
  CHECK(!good(captures.find_project("ann", bobs.id)));
  CHECK(!good(captures.find_project("carl", "live")));
  CHECK(!good(captures.find_project("ann", std::string("live\0", 5))));

  CHECK(bad(captures.find_project("", "live")).line() ==
        "project live: several owners have one of that name (say its id or --owner)");
  CHECK(good(captures.find_project("", bobs.id))->owner == "bob");
  const Project own = good(captures.add_project("local", "live"));
  CHECK(good(captures.find_project("", "live"))->id == own.id);
  CHECK(!good(captures.delete_project("bob", live.id)));
  CHECK(good(captures.delete_project("bob", "live")));
  CHECK(!good(captures.delete_project("bob", "live")));
  CHECK(good(captures.find_project("ann", "live")));
}

TEST_CASE("catalog: files of a project are those that its own owner has") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  const Project anns = good(captures.add_project("ann", "live"));
  const Project bobs = good(captures.add_project("bob", "live"));
  good(captures.publish(capture("aaaa"), "ann", "a", anns.id));
  good(captures.publish(capture("aaaa"), "ann", "a", anns.id));
  good(captures.publish(capture("bbbb"), "ann", "b", ""));
  good(captures.publish(capture("aaaa"), "bob", "c", ""));
  CHECK(bad(captures.publish(capture("cccc"), "bob", "d", anns.id)).exit == base::Exit::no);
  CHECK(names(good(captures.files("ann", anns.id))) == Names{"ann:a"});
  CHECK(names(good(captures.files("", anns.id))) == Names{"ann:a"});
  CHECK(good(captures.files("bob", anns.id)).empty());
  CHECK(good(captures.files("bob", bobs.id)).empty());
  CHECK(good(captures.find_project("ann", "live"))->files == 1);
  CHECK(good(captures.find_project("bob", "live"))->files == 0);

  const Project second = good(captures.add_project("ann", "second"));
  good(captures.publish(capture("aaaa"), "ann", "a", second.id));
  good(captures.publish(capture("aaaa"), "bob", "c", bobs.id));
  REQUIRE(good(captures.delete_project("ann", "live")));
  CHECK(good(captures.files("ann", "")).size() == 2);
  CHECK(good(captures.files("ann", second.id)).size() == 1);
  REQUIRE(good(captures.release("ann", id_of("aaaa"))));
  CHECK(good(captures.find_project("ann", "second"))->files == 0);
  CHECK(good(captures.find_project("bob", "live"))->files == 1);
}

TEST_CASE("catalog: files by time, and in the same order on each database") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  good(captures.publish(capture("cccc", 200), "ann", "a", ""));
  good(captures.publish(capture("bbbb", 100), "ann", "b", ""));
  good(captures.publish(capture("aaaa", 100), "ann", "\xc3\xa4", ""));
  good(captures.publish(capture("eeee", 100), "ann", "B", ""));
  CaptureFile untimed = capture("dddd", 0);
  untimed.timed = untimed.last_ns = 0;
  good(captures.publish(untimed, "ann", "u", ""));
  const auto within = [&](std::optional<int64_t> since, std::optional<int64_t> until) {
    return names(good(captures.files("ann", "", {since, until})));
  };
  const Names early{"ann:B", "ann:b", "ann:\xc3\xa4"};
  const Names timed{"ann:B", "ann:b", "ann:\xc3\xa4", "ann:a"};
  CHECK(within({}, {}) == Names{"ann:u", "ann:B", "ann:b", "ann:\xc3\xa4", "ann:a"});
  CHECK(within(-1, {}) == timed);
  CHECK(within(109, {}) == timed);
  CHECK(within(110, {}) == Names{"ann:a"});
  CHECK(within({}, 200) == early);
  CHECK(within({}, 201) == timed);
  CHECK(within({}, 100).empty());
  CHECK(within(110, 200).empty());
  CHECK(within(105, 106) == early);
}

TEST_CASE("catalog: a file by its id, the beginning of it, or its name") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  good(captures.publish(capture("abcd1", 100), "ann", "a.pcap", ""));
  good(captures.publish(capture("abcd2", 200), "ann", "abcd2", ""));
  good(captures.publish(capture("0123", 300), "ann", "a.pcap", ""));
  good(captures.publish(capture("0124", 400), "ann", "beef", ""));
  good(captures.publish(capture("abcd1", 100), "bob", "b.pcap", ""));
  const auto those = [&](const std::string& owner, const std::string& text) {
    std::string ids;
    for (const HeldFile& file : good(captures.resolve(owner, text))) ids += file.file_id.substr(0, 5) + " ";
    return ids;
  };
  CHECK(those("ann", id_of("abcd1")) == "abcd1 ");
  CHECK(those("ann", "abcd") == "abcd1 abcd2 ");
  CHECK(those("ann", "ABCD2") == "abcd2 ");
  CHECK(those("ann", "abc").empty());
  CHECK(those("ann", "abcd3").empty());
  CHECK(those("ann", "beef") == "01240 ");
  CHECK(those("ann", "a.pcap") == "abcd1 01230 ");
  CHECK(those("ann", "A.pcap").empty());
  CHECK(those("ann", "a.pcap ").empty());
  CHECK(those("ann", "b.pcap").empty());
  CHECK(those("bob", "abcd") == "abcd1 ");
  CHECK(those("", "abcd1") == "abcd1 ");
  CHECK(good(captures.resolve("", "abcd1"))[0].owner == "ann");
  CHECK(those("", "b.pcap") == "abcd1 ");
  CHECK(good(captures.find_file("", "abcd1"))->owner == "ann");
  CHECK(!good(captures.find_file("ann", "b.pcap")));
  const auto several = captures.find_file("ann", "a.pcap");
  REQUIRE(!several);
  CHECK(several.error().text ==
        "a.pcap: means several captures: " + id_of("abcd1") + " a.pcap, " + id_of("0123") + " a.pcap");
  CHECK(several.error().exit == base::Exit::usage);
  for (const std::string& hostile :
       {std::string(), std::string("%"), std::string("abc%"), std::string("' or '' = '"), std::string("\xff"),
        std::string("beef\0", 5), std::string(100000, 'a')})
    CHECK(those("ann", hostile).empty());
}

TEST_CASE("catalog: a file goes with the last who has it, and may come back until it is forgotten") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  const std::string id = id_of("aaaa");
  const int64_t start = base::wall_clock_ns();
  const auto later = [] { return base::wall_clock_ns() + base::kSecond; };
  good(captures.publish(capture("aaaa"), "ann", "a", ""));
  good(captures.publish(capture("aaaa"), "bob", "b", ""));
  CHECK(!good(captures.release("carl", id)));
  CHECK(good(captures.release("ann", id)));
  CHECK(!good(captures.release("ann", id)));
  CHECK(good(captures.deleted_before(later())).empty());
  CHECK(!good(captures.forget(id)));
  CHECK(good(captures.release("bob", id)));
  CHECK(good(captures.oldest_first()).empty());
  CHECK(good(captures.resolve("", id)).empty());
  CHECK(good(captures.known()).size() == 1);
  const auto gone = good(captures.deleted_before(later()));
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].deleted >= start);
  CHECK(good(captures.deleted_before(gone[0].deleted)).empty());
  CHECK(!good(captures.release("", id)));
  CHECK(good(captures.deleted_before(later()))[0].deleted == gone[0].deleted);

  CaptureFile anew = capture("aaaa", 100, "2");
  anew.created = 50;
  const Published back = good(captures.publish(anew, "ann", "again", ""));
  CHECK(!back.is_new);
  CHECK(!back.already_present);
  CHECK(back.file.deleted == 0);
  CHECK(back.file.created == 50);
  CHECK(good(captures.oldest_first()).at(0).created == 50);
  CHECK(good(captures.deleted_before(later())).empty());

  good(captures.publish(anew, "bob", "b", ""));
  CHECK(good(captures.release("", id)));
  CHECK(good(captures.files("", "")).empty());
  CHECK(good(captures.forget(id)));
  CHECK(!good(captures.forget(id)));
  CHECK(good(captures.known()).empty());
  CHECK(good(captures.publish(anew, "ann", "a", "")).is_new);
}

TEST_CASE("catalog: the oldest file comes first") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  for (const auto& [id, created] : {std::pair("aaaa", 3), std::pair("bbbb", 1), std::pair("cccc", 2)}) {
    CaptureFile file = capture(id);
    file.created = created;
    good(captures.publish(file, "ann", id, ""));
  }
  std::string order;
  for (const CaptureFile& file : good(captures.oldest_first())) order += file.file_id[0];
  CHECK(order == "bca");
}

TEST_CASE("catalog: one that knew only users learns captures, and keeps its users") {
  const Folder folder;
  {
    const auto db = open_catalog(folder.location());
    REQUIRE(db.has_value());
    for (const std::string table : {"pcap_project_map", "holdings", "projects", "pcap_metadata"})
      test::run(**db, "drop table " + table);
    test::run(**db, "delete from schema_migrations where number > 5");
    REQUIRE(Users(*db).add("kept@x", "hash").has_value());
  }
  Captures captures = captures_of(folder.location());
  CHECK(good(captures.publish(capture("aaaa"), "ann", "a", "")).is_new);
  const auto db = open_catalog(folder.location());
  REQUIRE(db.has_value());
  CHECK(Users(*db).find("kept@x")->value().password == "hash");
  CHECK(ask(**db, "select max(number) from schema_migrations") == kCatalogVersion);
}

TEST_CASE("catalog: one file that several publish at once is one file") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  constexpr int kThreads = 4, kRounds = 20;
  std::atomic<int> failed = 0;
  std::array<std::atomic<int>, kRounds> winners{}, firsts{};
  const Project project = good(captures.add_project("ann", "live"));
  at_once(folder, kThreads, [&](Captures mine, int thread) {
    for (size_t round = 0; round < kRounds; ++round) {
      const CaptureFile file = capture("ab" + std::to_string(10 + round), 100, std::to_string(thread));
      const auto done = mine.publish(file, "ann", "a", project.id);
      failed += !done;
      winners[round] += done && done->is_new;
      firsts[round] += done && !done->already_present;
    }
  });
  CHECK(failed == 0);
  for (size_t round = 0; round < kRounds; ++round) {
    CHECK(winners[round] == 1);
    CHECK(firsts[round] == 1);
  }
  CHECK(good(captures.files("", project.id)).size() == kRounds);
  CHECK(good(captures.known()).size() == kRounds);
}

TEST_CASE("catalog: who publishes has the file, whatever others release and forget meanwhile") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  constexpr int kThreads = 4, kRounds = 25;
  std::atomic<int> failed = 0, lost = 0, forgotten = 0;
  at_once(folder, kThreads, [&](Captures mine, int thread) {
    const std::string owner = "owner" + std::to_string(thread), id = id_of("aaaa");
    for (int round = 0; round < kRounds; ++round) {
      const CaptureFile file = capture("aaaa", 100, std::to_string(thread));
      const auto published = mine.publish(file, owner, "a", "");
      const auto held = mine.files(owner, "");
      const auto released = mine.release(owner, id);
      const auto forgot = mine.forget(id);
      failed += !published || !held || !released || !forgot;
      lost += held && (held->size() != 1 || held->front().deleted != 0);
      lost += released && !*released;
      forgotten += forgot && *forgot;
    }
  });
  CHECK(failed == 0);
  CHECK(lost == 0);
  CHECK(forgotten > 0);
  CHECK(good(captures.known()).empty());
}

TEST_CASE("catalog: a project that goes while files come into it takes none of them along") {
  const Folder folder;
  Captures captures = captures_of(folder.location());
  constexpr int kRounds = 20;
  std::atomic<int> failed = 0;
  at_once(folder, 2, [&](Captures mine, int thread) {
    for (int round = 0; round < kRounds; ++round) {
      if (thread == 1) {
        failed += !mine.delete_project("ann", "live");
        failed += !mine.add_project("ann", "live");
        continue;
      }
      const auto project = mine.find_project("ann", "live");
      const CaptureFile file = capture("ab" + std::to_string(10 + round));
      const std::string into = project && *project ? (*project)->id : "";
      const auto done = mine.publish(file, "ann", "a", into);
      failed += !project || (!done && done.error().exit != base::Exit::no) ||
                (!done && !mine.publish(file, "ann", "a", ""));
    }
  });
  CHECK(failed == 0);
  CHECK(good(captures.files("ann", "")).size() == kRounds);
}
