#include "tools/wsbridge/stream/lines.h"

#include "tools/wsbridge/process/event.h"

namespace wl::wsbridge::stream {
namespace {

class Lines final : public http::BodySource {
 public:
  Lines(boost::asio::any_io_executor executor, std::shared_ptr<View> view, size_t history)
      : wake_(std::move(executor)),
        subscription_(
            Subscription::join(std::move(view), Framing::lines, history, [this] { wake_.notify(); })) {}

  boost::asio::awaitable<std::optional<std::string>> next() override {
    Batch batch;
    while (subscription_ && !gone_ && subscription_->take(kMaxPiece, batch)) {
      if (batch.bytes != 0) co_return batch.text();
      if (subscription_->ended()) break;
      co_await wake_.wait();
    }
    co_return std::nullopt;
  }

  void gone() override {
    gone_ = true;
    wake_.notify();
  }

 private:
  process::Event wake_;
  bool gone_ = false;
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace

http::Response answer_lines(boost::asio::any_io_executor executor, std::shared_ptr<View> view,
                            size_t history) {
  return {.headers = {{"Content-Type", "application/x-ndjson"}, {"Cache-Control", "no-store"}},
          .body = std::make_unique<Lines>(std::move(executor), std::move(view), history)};
}

}  // namespace wl::wsbridge::stream
