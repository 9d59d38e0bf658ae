#include "libcommon/capture/open.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

#include "libcommon/base/signals.h"
#include "libcommon/capture/compressed.h"
#include "libcommon/capture/endian.h"
#include "libcommon/capture/pcap_reader.h"
#include "libcommon/capture/pcapng_options.h"
#include "libcommon/capture/pcapng_reader.h"

namespace wl::capture {
namespace {

bool is_text(const Window& window) {
  const size_t size = std::min(window.size(), kPcapngMagicSize);
  return std::all_of(window.data(), window.data() + size, [](uint8_t c) {
    return (c >= 0x20 && c != 0x7f && c < 0xf8) || c == '\n' || c == '\r' || c == '\t';  // UTF-8 ends at 0xf7
  });
}

std::unexpected<base::Error> not_a_capture(const Window& window) {
  if (window.size() == 0) return window.fail("empty file, not even a capture's header");
  return window.fail(is_text(window) ? "text, not a capture" : "not a capture: neither pcap nor pcapng");
}

/// Whether fewer bytes than any capture has are the first of one.
bool begins_like_a_capture(const Window& window) {
  std::array<uint8_t, kPcapngMagicSize> head{};
  std::copy_n(window.data(), std::min(window.size(), head.size()), head.begin());
  return is_pcap(head.data()) || load<uint32_t>(head.data(), false) == kSectionBlock;
}

/// What a capture's first bytes say it is, step by step as they come.
class Opening {
 public:
  explicit Opening(Window window) : window_(std::move(window)) {}

  /// The reader; null while the bytes that tell are on their way.
  base::Result<std::unique_ptr<Source>> advance() {
    if (!uncompressed_) {
      const auto looked = look_inside();
      if (!looked) return std::unexpected(looked.error());
      if (*looked == Fill::idle) return nullptr;
    }
    auto state = window_->fill(kPcapngMagicSize);
    if (!state) return std::unexpected(state.error());
    if (*state == Fill::idle) return nullptr;
    if (*state == Fill::end) {
      return begins_like_a_capture(*window_) ? window_->fail_cut("the file header") : not_a_capture(*window_);
    }
    if (is_pcapng(window_->data())) return read_pcapng(take());
    if (!is_pcap(window_->data())) return not_a_capture(*window_);
    state = window_->fill(kPcapHeaderSize);
    if (!state) return std::unexpected(state.error());
    if (*state == Fill::idle) return nullptr;
    if (*state == Fill::end) return window_->fail_cut("the file header");
    return read_pcap(take());
  }

 private:
  /// Puts a decompressor between, if the bytes need one.
  base::Result<Fill> look_inside() {
    const auto state = window_->fill(kCompressionMagicSize);
    if (!state || *state == Fill::idle) return state;
    uncompressed_ = true;
    if (!is_compressed(*window_)) return Fill::ready;
    const std::string name = window_->name();
    auto bytes = decompress(take());
    if (!bytes) return std::unexpected(bytes.error());
    window_.emplace(std::move(*bytes), name);
    return Fill::ready;
  }

  Window take() { return *std::exchange(window_, std::nullopt); }

  std::optional<Window> window_;
  bool uncompressed_ = false;
};

/// A pipe: its reader is made when its header has come.
class PipeSource final : public Source {
 public:
  explicit PipeSource(Opening opening) : opening_(std::move(opening)) {}

  base::Result<Next> next(Frame& frame) override {
    if (!reader_) {
      auto reader = opening_.advance();
      if (!reader) return std::unexpected(reader.error());
      if (!*reader) return Next::idle;
      reader_ = std::move(*reader);
    }
    return reader_->next(frame);
  }

  const std::vector<Interface>& interfaces() const override {
    return reader_ ? reader_->interfaces() : none_;
  }

 private:
  Opening opening_;
  std::unique_ptr<Source> reader_;
  const std::vector<Interface> none_;
};

/// Opening a named pipe waits for its writer; the first signal to stop ends that.
base::Result<base::Fd> open_descriptor(const std::string& path, int standard_input) {
  for (;;) {
    const int fd = path == "-" ? ::fcntl(standard_input, F_DUPFD_CLOEXEC, 3)
                               : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0) return base::Fd(fd);
    if (errno != EINTR || base::Signals::stop_requested()) return base::fail(base::errno_text(errno));
  }
}

}  // namespace

base::Result<std::unique_ptr<Source>> open_file(const std::string& path, int standard_input) {
  const std::string name = path == "-" ? "stdin" : path;
  auto fd = open_descriptor(path, standard_input);
  if (!fd) return base::with_context(name, fd.error());
  auto bytes = bytes_of(std::move(*fd));
  if (!bytes) return base::with_context(name, bytes.error());
  return open_bytes(std::move(*bytes), name);
}

base::Result<std::unique_ptr<Source>> open_bytes(std::unique_ptr<ByteSource> bytes, std::string name) {
  const bool pipe = bytes->can_idle();
  Opening opening(Window(std::move(bytes), std::move(name)));
  if (pipe) return std::make_unique<PipeSource>(std::move(opening));
  return opening.advance();
}

}  // namespace wl::capture
