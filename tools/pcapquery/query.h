#pragma once
// One question: what a verb is given.
#include <functional>
#include <optional>
#include <vector>

#include "libcommon/base/log.h"
#include "libcommon/store/reader.h"
#include "tools/pcapquery/inputs.h"
#include "tools/pcapquery/rows.h"
#include "tools/pcapquery/sink.h"
#include "tools/pcapquery/watch.h"

namespace wl::pcapquery {

/// Where a question comes from, and where its answer goes.
struct Asker {
  Selection selection{};
  base::TimeFormat time = base::TimeFormat::rfc3339;
  bool table = false;          ///< for people
  bool error_records = false;  ///< a failure is a record too
  int in = 0, out = 1;         ///< of serve: requests, answers
  base::Log* log = nullptr;
  std::function<bool()> is_unwanted{};  ///< any thread may ask: nobody waits for the answer any more
};

class Query {
 public:
  /// Both must outlive the object.
  Query(const Asker& asker, Sink& out)
      : asker_(asker), out_(out), watch_(asker.is_unwanted), style_{asker.time} {}

  [[nodiscard]] const Asker& asker() const { return asker_; }
  [[nodiscard]] const Selection& selection() const { return asker_.selection; }
  [[nodiscard]] Sink& out() { return out_; }
  [[nodiscard]] Watch& watch() { return watch_; }
  /// After open(): with the digits of the captures' times.
  [[nodiscard]] const Style& style() const { return style_; }

  /// Finds the captures.
  [[nodiscard]] base::Result<void> find();
  /// The same, and opens their parts; the views have only what --since and --until leave.
  [[nodiscard]] base::Result<void> open(const store::ReaderOptions& options = {});
  /// The same, but with everything in the views: store::PacketQuery wants them whole, and the span().
  [[nodiscard]] base::Result<void> open_whole(const store::ReaderOptions& options = {});
  /// --since and --until; after find().
  [[nodiscard]] const catalog::TimeSpan& span() const { return span_; }
  [[nodiscard]] const std::vector<Input>& inputs() const { return inputs_; }
  [[nodiscard]] store::Reader& reader() { return *reader_; }

  /// SQL: what `sums` makes of the packets of each kind, beside the kind's columns; after open().
  [[nodiscard]] std::string sums_by_kind(const std::string& sums) const;
  /// SQL that orders by capture.
  [[nodiscard]] std::string file_order() const;
  /// Why captures that are in no store could not be read to their end.
  [[nodiscard]] std::vector<std::string> faults() const;
  /// Something could not be done, though the rest was: it is said, and the exit status is 1.
  void fault(std::string text) { faults_.push_back(std::move(text)); }

  /// The rows of `sql` as records of the type.
  [[nodiscard]] base::Result<void> answer(const record::RecordType& type, const std::string& sql,
                                          const std::vector<store::Value>& values = {});
  /// The rows as an array of objects that have these keys.
  [[nodiscard]] base::Result<std::string> list(std::span<const record::KeyInfo> keys, const std::string& sql,
                                               const std::vector<store::Value>& values = {});
  /// Calls `visit` at each row until it says false.
  [[nodiscard]] base::Result<void> rows(const std::string& sql, const std::vector<store::Value>& values,
                                        const std::function<bool(const store::Rows&)>& visit);

 private:
  /// When the captures could not be opened: those whose parts are not all there are left out, and it is said.
  /// Whether others remain to be tried.
  bool leave_damaged();
  base::Result<void> each(std::string_view type, std::span<const record::KeyInfo> keys,
                          const std::string& sql, const std::vector<store::Value>& values,
                          const std::function<bool(std::string)>& take);

  const Asker& asker_;
  Sink& out_;
  std::vector<Input> inputs_;
  catalog::TimeSpan span_;
  std::vector<std::string> faults_;
  std::optional<store::Reader> reader_;
  Watch watch_;  // behind what it watches
  Style style_;
};

}  // namespace wl::pcapquery
