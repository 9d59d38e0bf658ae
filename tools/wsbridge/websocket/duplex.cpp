#include "tools/wsbridge/websocket/duplex.h"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>

#include "tools/wsbridge/process/event.h"

namespace wl::wsbridge::websocket {
namespace {

using boost::asio::awaitable;

class Command final : public Duplex, public std::enable_shared_from_this<Command> {
 public:
  Command(boost::asio::any_io_executor executor, std::shared_ptr<process::Child> child)
      : executor_(std::move(executor)), child_(std::move(child)) {}

  awaitable<bool> write(std::string_view text) override {
    const std::string line = as_line(text);
    co_return co_await child_->write(line);
  }

  awaitable<bool> read(const Each& each) override { co_return co_await lines_.next(each); }

  awaitable<int> status() override { co_return co_await child_->wait(); }

  void close() override { boost::asio::co_spawn(executor_, stop(shared_from_this()), process::rethrow); }

 private:
  static awaitable<void> stop(std::shared_ptr<Command> self) {
    co_await self->child_->stop(std::chrono::seconds(2));
  }

  boost::asio::any_io_executor executor_;
  std::shared_ptr<process::Child> child_;
  process::Lines lines_{*child_};
};

}  // namespace

std::string as_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace(line, '\n', ' ');
  return line += '\n';
}

base::Result<std::shared_ptr<Duplex>> start_command(boost::asio::any_io_executor executor,
                                                    const process::Argv& command, const std::string& name,
                                                    base::Log& log) {
  const process::Ends ends{.write_input = true, .name = name};
  auto child = process::Child::start(executor, std::span(&command, 1), ends, log);
  if (!child) return std::unexpected(std::move(child.error()));
  return std::make_shared<Command>(executor, std::move(*child));
}

}  // namespace wl::wsbridge::websocket
