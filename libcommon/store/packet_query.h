#pragma once
// Which packets of captures are asked for: those that pass a filter, page by page.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/filter/filter.h"
#include "libcommon/store/reader.h"

namespace wl::store {

/// Every packet, where nothing else is said.
struct Selection {
  const filter::Filter* where = nullptr;
  std::optional<int64_t> since_ns{};  ///< not before; a packet without a time is never in between
  std::optional<int64_t> until_ns{};  ///< before
};

/// A selection as parts of a statement: "select … from " + from + " where " + condition.
struct PacketSql {
  std::string from{};  ///< the packets are `p`; behind them what the selection needs: `k` kinds, `f` flows …
  std::string condition{};      ///< never NULL
  std::vector<Value> values{};  ///< of the `?` of both

  /// A filter that asks for what is not stored, as `info`, is refused (Exit::usage). `columns`: keys of the
  /// packet record that the statement uses beside the filter, through column(). `only`: packets of this one
  /// of the reader's captures; null: of all.
  [[nodiscard]] static base::Result<PacketSql> make(Reader& reader, const Selection& selection,
                                                    const record::FieldSet& columns = {},
                                                    const Capture* only = nullptr);
  /// The expression of a key in such a statement; in the types that tables.h says.
  [[nodiscard]] static std::string column(record::Field field);
};

/// Where an answer begins and ends.
struct Page {
  std::string after_file{};  ///< Reader::file_key() of the capture to begin in; empty: the first
  uint64_t after_n = 0;      ///< behind this packet of it
  uint64_t offset = 0;       ///< so many that fit are passed over
  uint64_t limit = 0;        ///< no more than that; 0: all
};

/// Packets of one capture.
struct Hits {
  const Capture* capture = nullptr;
  std::vector<uint64_t> n{};  ///< ascending, never empty
};

/// Finds the packets of a selection: capture by capture in the order that the reader has them, then by n.
/// Other statements may go through the reader between the calls.
class PacketQuery {
 public:
  /// Most hits that next() gives at once: a row group, so that each is read once where all packets are.
  static constexpr size_t kBatch = 122'880;

  /// `reader` and the selection's filter outlive it. A capture of Page::after_file that the reader has not is
  /// a failure (Exit::no), as is what PacketSql::make() refuses.
  [[nodiscard]] static base::Result<PacketQuery> open(Reader& reader, const Selection& selection,
                                                      const Page& page = {});

  /// The next hits; false: there are no more. Memory is bounded.
  [[nodiscard]] base::Result<bool> next(Hits& hits);
  /// How many packets the selection has in all captures, whatever the page.
  [[nodiscard]] base::Result<uint64_t> count();

 private:
  PacketQuery(Reader& reader, const Selection& selection, const Page& page)
      : reader_(&reader), selection_(selection), page_(page) {}
  /// False: there is none left.
  base::Result<bool> begin_capture();
  /// Looks through the next window of the capture.
  base::Result<void> search();
  base::Result<void> count_each();

  Reader* reader_;
  Selection selection_;
  Page page_;
  size_t capture_ = 0;  // which of the reader's
  bool begun_ = false;  // `sql_` and `last_` are of that capture
  PacketSql sql_;
  uint64_t last_ = 0;    // its last n
  uint64_t after_ = 0;   // searched up to this n
  uint64_t window_ = 0;  // how many n are searched at once
  std::vector<uint64_t> found_;
  size_t given_ = 0;  // of `found_`
  uint64_t skipped_ = 0, taken_ = 0;
  std::optional<std::map<std::string, uint64_t>> counts_;  // by Reader::file_key()
};

}  // namespace wl::store
