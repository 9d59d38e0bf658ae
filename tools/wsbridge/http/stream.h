#pragma once
// A connection of bytes, whatever lies under it: TCP, TLS, a unix socket.
#include <span>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

namespace wl::wsbridge::http {

/// One reader and one writer at a time. Errors come as error codes, never as exceptions.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Waits for some bytes; 0 with `error` set at the end or on failure.
  virtual boost::asio::awaitable<size_t> read_some(std::span<char> into,
                                                   boost::system::error_code& error) = 0;
  /// Writes all of `parts` with as few system calls as there can be. What they point to must live until then.
  virtual boost::asio::awaitable<void> write(std::span<const boost::asio::const_buffer> parts,
                                             boost::system::error_code& error) = 0;
  /// Ends both directions at once: waiting calls come back with an error.
  virtual void close() = 0;
  [[nodiscard]] virtual boost::asio::any_io_executor executor() = 0;
  /// The other side has closed, as far as can be known without reading.
  [[nodiscard]] virtual bool peer_gone() const = 0;
};

}  // namespace wl::wsbridge::http
