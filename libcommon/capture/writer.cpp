#include "libcommon/capture/writer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "libcommon/base/time.h"
#include "libcommon/capture/encoder.h"
#include "libcommon/capture/link_types.h"
#include "libcommon/ndjson/output.h"

namespace wl::capture {
namespace {

constexpr size_t kMaxName = 4096;

/// The pattern filled in with a local time, as `date +PATTERN` does it.
base::Result<std::string> dated(const std::string& pattern, int64_t time_ns) {
  const time_t seconds = time_ns / base::kSecond;
  tm local{};
  ::localtime_r(&seconds, &local);
  std::array<char, kMaxName> text{};
  const size_t size = ::strftime(text.data(), text.size(), pattern.c_str(), &local);
  if (size == 0) return base::fail(pattern + ": a file name of no length or too long");
  return std::string(text.data(), size);
}

/// How many digits the numbers of `files` files take: 0 … files - 1.
size_t digits_of(uint32_t files) { return files > 1 ? std::to_string(files - 1).size() : 0; }

/// Whether the regular file is one of them, by whatever name.
bool is_one_of(const std::string& path, const std::vector<std::string>& others) {
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) return false;
  return std::ranges::any_of(others, [&](const std::string& other) {
    struct stat known{};
    return ::stat(other == "-" ? "/dev/stdin" : other.c_str(), &known) == 0 && known.st_dev == file.st_dev &&
           known.st_ino == file.st_ino;
  });
}

}  // namespace

/// One file that is being written.
struct OpenFile {
  OpenFile(base::Fd owned_fd, int target, const std::string& name)
      : owned(std::move(owned_fd)), output(target, name) {}

  base::Fd owned;  // none for standard output
  ndjson::Output output;
  std::unique_ptr<Encoder> encoder;
};

struct Writer::State {
  explicit State(WriterOptions wanted) : options(std::move(wanted)) {}

  base::Result<void> open_next(int64_t time_ns);
  base::Result<void> close_file();
  base::Result<void> rotate(const Frame& frame);
  base::Result<std::string> file_name(int64_t time_ns) const;
  base::Result<void> outcome() const;
  bool by_time() const { return options.rotation.seconds > 0; }
  bool by_size() const { return options.rotation.bytes > 0; }

  WriterOptions options;
  std::optional<OpenFile> file;
  uint32_t number = 0;       // of the file among those by size
  uint32_t periods = 0;      // files by time so far
  int64_t period_start = 0;  // time of the packet that began the file
  bool finished = false;
  bool reader_gone = false;
};

base::Result<std::string> Writer::State::file_name(int64_t time_ns) const {
  std::string name = options.path;
  if (by_time()) {
    auto text = dated(options.path, time_ns);
    if (!text) return text;
    name = std::move(*text);
  }
  const size_t width = by_size() ? digits_of(options.rotation.files) : 0;
  if (number == 0 && width == 0) return name;
  const std::string digits = std::to_string(number);
  if (digits.size() < width) name.append(width - digits.size(), '0');
  return name + digits;
}

base::Result<void> Writer::State::open_next(int64_t time_ns) {
  period_start = time_ns;
  if (options.path == "-") {
    file.emplace(base::Fd(), options.standard_output, "standard output");
  } else {
    const auto name = file_name(time_ns);
    if (!name) return std::unexpected(name.error());
    if (is_one_of(*name, options.read))
      return base::fail(*name + ": is what is read", "write another file", base::Exit::usage);
    base::Fd fd(::open(name->c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666));
    if (!fd) return base::fail(*name + ": " + base::errno_text(errno));
    const int target = fd.get();
    file.emplace(std::move(fd), target, *name);
  }
  file->encoder = options.format == Format::pcap ? encode_pcap(file->output, options.path)
                                                 : encode_pcapng(file->output, options.application);
  return {};
}

/// What became of everything that was written so far.
base::Result<void> Writer::State::outcome() const {
  if (!file || file->output.state() != ndjson::WriteState::failed) return {};
  return std::unexpected(file->output.error());
}

base::Result<void> Writer::State::close_file() {
  if (!file) return {};
  file->output.flush();
  auto result = outcome();
  reader_gone = reader_gone || file->output.state() == ndjson::WriteState::closed;
  // A network file system tells only now that the disk is full.
  if (result && file->owned && ::close(file->owned.release()) != 0 && errno != EINTR) {
    result = base::fail(options.path + ": " + base::errno_text(errno));
  }
  file.reset();
  return result;
}

/// Begins a new file where this packet must not go into the current one.
base::Result<void> Writer::State::rotate(const Frame& frame) {
  if (!file) return open_next(frame.time_ns);
  const bool late = by_time() && frame.has_time &&
                    frame.time_ns / base::kSecond - period_start / base::kSecond >= options.rotation.seconds;
  if (late) {
    ++periods;
    if (!by_size() && options.rotation.files > 0 && periods >= options.rotation.files) {
      finished = true;
      return {};
    }
    number = 0;
  } else if (by_size() && file->output.written() + file->output.buffered() > options.rotation.bytes) {
    ++number;
    if (options.rotation.files > 0 && number >= options.rotation.files) number = 0;
  } else {
    return {};
  }
  const auto closed = close_file();
  if (!closed) return closed;
  return open_next(late ? frame.time_ns : period_start);
}

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Writer::~Writer() { (void)state_->close_file(); }

base::Result<std::unique_ptr<Writer>> Writer::open(WriterOptions options) {
  if (options.path == "-" && (options.rotation.bytes > 0 || options.rotation.seconds > 0)) {
    return base::fail("standard output cannot be written in turns", "give a file name", base::Exit::usage);
  }
  auto state = std::make_unique<State>(std::move(options));
  if (!state->by_time()) {
    const auto opened = state->open_next(0);
    if (!opened) return std::unexpected(opened.error());
  }
  return std::unique_ptr<Writer>(new Writer(std::move(state)));
}

base::Result<void> Writer::write(const Frame& frame, const std::vector<Interface>& interfaces) {
  if (interfaces[frame.interface].link_type == kLinkCustomBlock || state_->finished || reader_gone())
    return {};
  const auto rotated = state_->rotate(frame);
  if (!rotated || state_->finished) return rotated;
  Encoder& encoder = *state_->file->encoder;
  auto written = encoder.begin(interfaces);
  if (written) written = encoder.packet(frame, interfaces);
  return written ? state_->outcome() : written;
}

void Writer::next_source() {
  if (state_->file) state_->file->encoder->next_source();
}

base::Result<void> Writer::flush(const std::vector<Interface>& interfaces) {
  if (!state_->file) return {};
  if (!interfaces.empty()) {  // those of a pipe are not known before its header comes
    const auto begun = state_->file->encoder->begin(interfaces);
    if (!begun) return begun;
  }
  state_->file->output.flush();
  return state_->outcome();
}

base::Result<void> Writer::close(const std::vector<Interface>& interfaces) {
  if (!state_->file && !state_->finished) {
    const auto opened = state_->open_next(base::wall_clock_ns());
    if (!opened) return opened;
  }
  if (state_->file) {
    const auto begun = state_->file->encoder->begin(interfaces);
    if (!begun) return begun;
  }
  return state_->close_file();
}

bool Writer::finished() const { return state_->finished; }

bool Writer::reader_gone() const {
  return state_->reader_gone || (state_->file && state_->file->output.state() == ndjson::WriteState::closed);
}

}  // namespace wl::capture
