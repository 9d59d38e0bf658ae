#pragma once
// Something that takes lines and gives lines.
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libcommon/base/error.h"
#include "libcommon/base/log.h"
#include "tools/wsbridge/process/child.h"

namespace wl::wsbridge::websocket {

/// One reader and one writer at a time. I/O thread only.
class Duplex {
 public:
  virtual ~Duplex() = default;
  /// Writes `text` as one line (line ends inside become blanks); false: it takes no more.
  virtual boost::asio::awaitable<bool> write(std::string_view text) = 0;
  /// Waits for lines and calls `each` for all that are there; false: the end (there may have been some).
  using Each = std::function<void(std::string_view line)>;
  virtual boost::asio::awaitable<bool> read(const Each& each) = 0;
  /// After the end of read(): its exit status.
  virtual boost::asio::awaitable<int> status() = 0;
  /// Ends it: read() then comes to its end.
  virtual void close() = 0;
};

/// `text` as a line.
[[nodiscard]] std::string as_line(std::string_view text);

/// A command whose stdin and stdout these are.
[[nodiscard]] base::Result<std::shared_ptr<Duplex>> start_command(boost::asio::any_io_executor executor,
                                                                  const process::Argv& command,
                                                                  const std::string& name, base::Log& log);

}  // namespace wl::wsbridge::websocket
