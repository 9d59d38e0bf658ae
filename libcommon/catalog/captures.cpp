#include "libcommon/catalog/captures.h"

#include <algorithm>
#include <limits>
#include <ranges>

#include "libcommon/base/time.h"
#include "libcommon/base/utf8.h"
#include "libcommon/catalog/rows.h"

namespace wl::catalog {
namespace {

struct StoreRow {
  std::string id{};
  static constexpr const char* kColumns = "id";
  auto fields() { return std::tie(id); }
};

bool is_text(const std::string& text) { return base::is_utf8(text) && text.find('\0') == std::string::npos; }

void insert(soci::session& sql, CaptureFile file) {
  const std::string text = std::string("insert into pcap_metadata (") + CaptureFile::kColumns +
                           ") values (:a, :b, :c, :d, :e, :f, :g, :h, :i, :j, :k, :l, :m, :n, :o, :p)";
  std::apply([&](const auto&... values) { run(sql, text, values...); }, file.fields());
}

std::vector<CaptureFile> row_of(soci::session& sql, const std::string& file_id) {
  return rows<CaptureFile>(sql, "pcap_metadata where file_id = :id", file_id);
}

/// Whether this owner had it before.
bool hold(soci::session& sql, const std::string& owner, const std::string& file_id, const std::string& name) {
  const std::string held = "select count(*) from holdings where owner = :owner and file_id = :id";
  if (number(sql, held, owner, file_id) != 0) return true;
  const int64_t now = base::wall_clock_ns();
  run(sql, "insert into holdings (owner, file_id, name, added) values (:o, :i, :n, :a)", owner, file_id, name,
      now);
  return false;
}

void link(soci::session& sql, const std::string& project_id, const std::string& file_id) {
  const std::string linked = "select count(*) from pcap_project_map where project_id = :p and file_id = :f";
  if (number(sql, linked, project_id, file_id) == 0)
    run(sql, "insert into pcap_project_map (project_id, file_id) values (:p, :f)", project_id, file_id);
}

/// What an owner has of what `condition` names.
template <class... Values>
base::Result<std::vector<HeldFile>> held(Db& db, const std::string& owner, const std::string& condition,
                                         const Values&... values) {
  return select<HeldFile>(
      db, "pcap_metadata join holdings using (file_id) where " + seen_by(owner) + " and " + condition, owner,
      values...);
}

/// Here, for each database has an order of its own.
void sort(std::vector<HeldFile>& files) {
  std::ranges::sort(files, {}, [](const HeldFile& file) {
    return std::tie(file.first_ns, file.name, file.file_id, file.owner);
  });
}

/// The digits in lower case; empty: too few or too many, or others among them.
std::string id_prefix(const std::string& text) {
  constexpr size_t kLeast = 4, kMost = 32;
  if (text.size() < kLeast || text.size() > kMost) return {};
  std::string digits;
  for (const char c : text) {
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    if (!(lower >= '0' && lower <= '9') && !(lower >= 'a' && lower <= 'f')) return {};
    digits += lower;
  }
  return digits;
}

}  // namespace

base::Result<Published> Captures::publish(const CaptureFile& file, const std::string& owner,
                                          const std::string& name, const std::string& project_id) {
  if (owner.empty() || owner.size() > kMaxOwner || !is_text(owner))
    return base::fail("owner: who has the file is not said", {}, base::Exit::usage);
  if (name.empty() || name.size() > kMaxFileName || !is_text(name) || !is_text(file.reference))
    return base::fail("file name: has 1 to 1020 bytes of UTF-8", {}, base::Exit::usage);
  const auto done = db_->transaction([&](soci::session& sql) -> std::optional<Published> {
    one_writer(sql);
    const std::string project = "select count(*) from projects where id = :id and owner = :owner";
    if (!project_id.empty() && number(sql, project, project_id, owner) == 0) return std::nullopt;
    auto known = row_of(sql, file.file_id);
    if (known.empty()) {
      known.push_back(file);
      known.front().deleted = 0;
      insert(sql, known.front());
    } else if (known.front().deleted != 0) {
      known.front().deleted = 0;
      known.front().created = file.created;  // else retention would take it for an old one
      run(sql, "update pcap_metadata set deleted = 0, created = :created where file_id = :id", file.created,
          file.file_id);
    }
    const bool already_present = hold(sql, owner, file.file_id, name);
    if (!project_id.empty()) link(sql, project_id, file.file_id);
    return Published{known.front().ingest == file.ingest, already_present, known.front()};
  });
  if (!done) return std::unexpected(done.error());
  if (!*done) return base::fail("project " + project_id + ": there is none", {}, base::Exit::no);
  return **done;
}

base::Result<std::vector<HeldFile>> Captures::files(const std::string& owner, const std::string& project_id,
                                                    const TimeSpan& span) {
  const int64_t always = span.since || span.until ? 0 : 1;
  const int64_t since = span.since.value_or(std::numeric_limits<int64_t>::min());
  const int64_t until = span.until.value_or(std::numeric_limits<int64_t>::max());
  const std::string in_span = "(:always = 1 or (timed = 1 and last_ns >= :since and first_ns < :until))";
  const std::string in_project =
      " and (:any = '' or exists (select 1 from pcap_project_map join projects on projects.id = project_id"
      " where pcap_project_map.file_id = holdings.file_id and projects.owner = holdings.owner"
      " and projects.id = :project))";
  auto found = held(*db_, owner, in_span + in_project, always, since, until, project_id, project_id);
  if (found) sort(*found);
  return found;
}

base::Result<std::vector<HeldFile>> Captures::resolve(const std::string& owner, const std::string& text) {
  base::Result<std::vector<HeldFile>> found;
  const std::string prefix = id_prefix(text), end = prefix + 'g';  // 'g' is behind all digits
  if (!prefix.empty()) found = held(*db_, owner, "file_id >= :begin and file_id < :end", prefix, end);
  if (found && found->empty() && is_text(text)) found = held(*db_, owner, "name = :name", text);
  if (!found) return found;
  // Several may have one file.
  std::ranges::sort(*found, {},
                    [](const HeldFile& file) { return std::tie(file.file_id, file.added, file.owner); });
  const auto again = std::ranges::unique(*found, {}, &HeldFile::file_id);
  found->erase(again.begin(), again.end());
  sort(*found);
  return found;
}

base::Result<std::optional<HeldFile>> Captures::find_file(const std::string& owner, const std::string& text) {
  constexpr size_t kShown = 5;
  const auto found = resolve(owner, text);
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return std::nullopt;
  if (found->size() == 1) return found->front();
  std::string files;
  for (const HeldFile& file : *found | std::views::take(kShown))
    files += (files.empty() ? "" : ", ") + file.file_id + " " + file.name;
  return base::fail(
      base::utf8_text(text) + ": means several captures: " + files + (found->size() > kShown ? ", …" : ""),
      "give more of the file_id", base::Exit::usage);
}

base::Result<bool> Captures::present(const std::string& owner, const std::string& file_id) {
  const auto found = held(*db_, owner, "file_id = :id", file_id);
  if (!found) return std::unexpected(found.error());
  return !found->empty();
}

base::Result<bool> Captures::release(const std::string& owner, const std::string& file_id) {
  return db_->transaction([&](soci::session& sql) {
    one_writer(sql);
    run(sql,
        "delete from pcap_project_map where file_id = :id and project_id in (select id from projects where " +
            seen_by(owner) + ")",
        file_id, owner);
    const bool had =
        run(sql, "delete from holdings where file_id = :id and " + seen_by(owner), file_id, owner) > 0;
    const int64_t now = base::wall_clock_ns();
    run(sql,
        "update pcap_metadata set deleted = :now where file_id = :id and deleted = 0"
        " and not exists (select 1 from holdings where holdings.file_id = pcap_metadata.file_id)",
        now, file_id);
    return had;
  });
}

base::Result<std::vector<CaptureFile>> Captures::deleted_before(int64_t ns) {
  return select<CaptureFile>(*db_, "pcap_metadata where deleted <> 0 and deleted < :ns order by deleted", ns);
}

base::Result<bool> Captures::forget(const std::string& file_id) {
  return db_->transaction([&](soci::session& sql) {
    one_writer(sql);
    return run(sql,
               "delete from pcap_metadata where file_id = :id and deleted <> 0"
               " and not exists (select 1 from holdings where holdings.file_id = pcap_metadata.file_id)",
               file_id) == 1;
  });
}

base::Result<bool> Captures::refer(const CaptureFile& file) {
  return db_->transaction([&](soci::session& sql) {
    one_writer(sql);
    return run(sql,
               "update pcap_metadata set reference = :path, reference_ns = :ns, stored_bytes = :bytes"
               " where file_id = :id",
               file.reference, file.reference_ns, file.stored_bytes, file.file_id) == 1;
  });
}

base::Result<std::string> Captures::claimed() {
  const auto store = find<StoreRow>(*db_, "stores");
  if (!store) return std::unexpected(store.error());
  return *store ? (*store)->id : std::string();
}

base::Result<std::string> Captures::claim(const std::string& store_id) {
  return db_->transaction([&](soci::session& sql) {
    one_writer(sql);
    const auto claimed = rows<StoreRow>(sql, "stores");
    if (!claimed.empty()) return claimed.front().id;
    run(sql, "insert into stores (id) values (:id)", store_id);
    return store_id;
  });
}

base::Result<std::vector<KnownFile>> Captures::known() { return select<KnownFile>(*db_, "pcap_metadata"); }

base::Result<std::vector<CaptureFile>> Captures::oldest_first() {
  return select<CaptureFile>(*db_, "pcap_metadata where deleted = 0 order by created, file_id");
}

}  // namespace wl::catalog
