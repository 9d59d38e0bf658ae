#pragma once
// Where records go.
#include <memory>
#include <string_view>

#include "libcommon/base/error.h"

namespace wl::pcapquery {

class Sink {
 public:
  Sink() = default;
  virtual ~Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  /// A JSON object with `type` first, without its '\n'. False: nobody reads any more.
  virtual bool record(std::string_view json) = 0;
  /// The same with its '\n'.
  bool line(std::string_view text) { return record(text.substr(0, text.size() - 1)); }
  /// Why there is no answer, as a record.
  bool error(const base::Error& error);
  /// Bytes as they are, in place of records: behind them none is written. False: they cannot go there, or
  /// nobody reads any more.
  virtual bool raw(std::string_view /*bytes*/) { return false; }
  /// Writes out what was held back.
  virtual base::Result<void> flush() = 0;
};

/// One record a line.
[[nodiscard]] std::unique_ptr<Sink> line_sink(int fd);
/// Columns for people, laid out when all is there.
[[nodiscard]] std::unique_ptr<Sink> table_sink(int fd);

}  // namespace wl::pcapquery
