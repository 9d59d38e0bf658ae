#include "tools/pcapingest/pipe.h"

#include <filesystem>

#include "libcommon/base/time.h"
#include "libcommon/capture/open.h"
#include "libcommon/capture/writer.h"

namespace wl::pcapingest {
namespace {

/// "live-20261120T090300Z", of the first packet's time, or of the clock's.
std::string name_at(const std::string& base, int64_t ns) {
  std::string time = base::rfc3339(ns, 6);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return base + "-" + time.substr(0, time.find('.')) + "Z";
}

class Pipe {
 public:
  Pipe(const Options& options, store::Store::Incoming incoming, Importer& importer, std::string application)
      : options_(options),
        incoming_(std::make_shared<store::Store::Incoming>(std::move(incoming))),
        importer_(importer),
        application_(std::move(application)) {}

  base::Result<void> read(capture::Source& source) {
    capture::Frame frame;
    for (;;) {
      const auto next = source.next(frame);
      if (!next) {
        if (auto rolled = roll(source); !rolled) return rolled;
        return std::unexpected(next.error());
      }
      if (*next == capture::Next::end) return roll(source);
      const auto done = *next == capture::Next::packet ? take(frame, source) : base::Result<void>();
      if (!done) return done;
      if (writer_ && is_due()) {
        if (auto rolled = roll(source); !rolled) return rolled;
      }
    }
  }

 private:
  base::Result<void> take(const capture::Frame& frame, const capture::Source& source) {
    if (!writer_) {
      name_next(frame.has_time ? frame.time_ns : base::wall_clock_ns());
      path_ = incoming_->folder() + "/" + std::to_string(++number_) + ".pcapng";
      auto writer = capture::Writer::open({.path = path_, .application = application_});
      if (!writer) return std::unexpected(writer.error());
      writer_ = std::move(*writer);
      begun_ns_ = base::steady_clock_ns();
      bytes_ = 0;
    }
    bytes_ += frame.data.size();
    return writer_->write(frame, source.interfaces());
  }

  [[nodiscard]] bool is_due() const {
    return (options_.roll_bytes != 0 && bytes_ >= options_.roll_bytes) ||
           (options_.roll_ns != 0 && base::steady_clock_ns() - begun_ns_ >= options_.roll_ns);
  }

  /// Files of one second are told apart by a number.
  void name_next(int64_t ns) {
    const std::string stem = name_at(options_.name.empty() ? "stdin" : options_.name, ns);
    of_second_ = stem == stem_ ? of_second_ + 1 : 1;
    stem_ = stem;
    name_ = stem + (of_second_ == 1 ? "" : "-" + std::to_string(of_second_)) + ".pcapng";
  }

  /// What was written so far goes into the store; the directory lives until the last of them is there.
  base::Result<void> roll(const capture::Source& source) {
    if (!writer_) return {};
    const auto closed = writer_->close(source.interfaces());
    writer_.reset();
    if (!closed) return closed;
    importer_.add({.path = path_, .name = name_, .remove = true, .done = [keep = incoming_] {}});
    return {};
  }

  const Options& options_;
  std::shared_ptr<store::Store::Incoming> incoming_;
  Importer& importer_;
  std::string application_;
  std::unique_ptr<capture::Writer> writer_;
  std::string path_, name_, stem_;
  uint64_t number_ = 0, of_second_ = 0, bytes_ = 0;
  int64_t begun_ns_ = 0;
};

}  // namespace

base::Result<void> read_pipe(store::Store& store, const Options& options, cli::Context& context,
                             Importer& importer) {
  auto source = capture::open_file("-", context.in);
  if (!source) return std::unexpected(source.error());
  auto incoming = store.begin();
  if (!incoming) return std::unexpected(incoming.error());
  Pipe pipe(options, std::move(*incoming), importer, "pcapingest (wireline) " + std::string(context.version));
  return pipe.read(**source);
}

}  // namespace wl::pcapingest
