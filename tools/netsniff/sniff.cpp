#include "tools/netsniff/sniff.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <poll.h>

#include "libcommon/base/services.h"
#include "libcommon/base/signals.h"
#include "libcommon/capture/open.h"
#include "libcommon/packet/decoder.h"
#include "libcommon/record/stream_writer.h"
#include "tools/netsniff/interfaces.h"
#include "tools/netsniff/pacer.h"
#include "tools/netsniff/printer.h"

namespace wl::netsniff {
namespace {

using record::Field;

/// Packets between two looks at the clock and the signals: some 100 µs of work.
constexpr uint64_t kPacketsPerTick = 256;
/// Longest sleep of --replay between two looks at the signals.
constexpr int64_t kMaxSleepNs = 50 * base::kMillisecond;

class Sniffer {
 public:
  Sniffer(const Options& options, cli::Context& context)
      : options_(options), context_(context), out_(context.out), stream_(out_, options.time) {}

  base::Result<void> prepare();
  base::Exit run();

 private:
  /// Reads one source to its end; a failure is reported, and what was read before it stays.
  void read(capture::Source& source, const std::string& name);
  void handle(const capture::Frame& frame, const capture::Source& source);
  void wait_until_due(const capture::Frame& frame);
  void note_source(const capture::Frame& frame, const capture::Source& source);
  void tick();
  [[nodiscard]] bool done() const { return !reason_.empty(); }
  void stop(std::string_view reason) {
    if (reason_.empty()) reason_ = reason;
  }
  [[nodiscard]] record::StreamCounts counts() const;
  base::Exit finish();

  const Options& options_;
  cli::Context& context_;
  ndjson::Output out_;
  record::StreamWriter stream_;
  base::Services services_;
  packet::LocalAddresses local_;
  record::FieldSet fields_;
  std::unique_ptr<packet::Decoder> decoder_;
  std::unique_ptr<Printer> printer_;
  std::optional<Pacer> pacer_;

  record::Packet packet_;
  std::string source_name_;
  uint64_t ordinal_ = 0;  // of the packet in its source
  uint64_t taken_ = 0;    // packets that passed the filter
  uint64_t bytes_ = 0;
  uint64_t records_ = 0;
  uint64_t since_tick_ = 0;
  int64_t next_stats_ns_ = 0;
  int64_t deadline_ns_ = INT64_MAX;
  std::string_view reason_;  // why it stops; empty: it goes on
  base::Exit status_ = base::Exit::ok;
};

base::Result<void> Sniffer::prepare() {
  const auto fields = selected_fields(options_);
  if (!fields) return std::unexpected(fields.error());
  fields_ = options_.table ? line_fields() : *fields;
  for (const std::string& text : options_.local) {
    const auto network = packet::parse_network(text);
    if (!network) return base::with_context("--local", network.error());
    local_.add(*network);
  }
  if (fields_.has(Field::app_port)) services_ = base::Services::load();
  decoder_ = std::make_unique<packet::Decoder>(
      packet::Decoder::Options{fields_, options_.decap, local_.empty() ? nullptr : &local_, &services_});
  if (options_.prints_records()) {
    printer_ =
        options_.table ? line_printer(options_.hex, out_) : record_printer(fields_, options_.time, out_);
  }
  if (options_.replay != Replay::max) pacer_.emplace(options_.replay == Replay::real ? 1 : 10);
  if (options_.duration_ns != 0) deadline_ns_ = base::steady_clock_ns() + options_.duration_ns;
  return {};
}

base::Exit Sniffer::run() {
  if (options_.meta) stream_.meta(kTool.name, context_.version, options_.files, {});
  for (const std::string& file : options_.files) {
    if (done()) break;
    auto source = capture::open_file(file, context_.in);
    if (!source) {
      context_.log.error(source.error());
      status_ = base::Exit::failed;
      continue;
    }
    read(**source, file);
  }
  return finish();
}

void Sniffer::read(capture::Source& source, const std::string& name) {
  source_name_ = name;
  ordinal_ = 0;
  capture::Frame frame;
  while (!done()) {
    const auto next = source.next(frame);
    if (!next) {
      context_.log.error(next.error());
      status_ = base::Exit::failed;
      return;
    }
    if (*next == capture::Next::end) return;
    if (*next == capture::Next::idle) {
      out_.flush();
      tick();
      continue;
    }
    handle(frame, source);
    if (++since_tick_ >= kPacketsPerTick) tick();
  }
}

void Sniffer::handle(const capture::Frame& frame, const capture::Source& source) {
  ++ordinal_;
  if (pacer_ && frame.has_time) wait_until_due(frame);
  ++taken_;
  bytes_ += frame.length;
  if (printer_) {
    decoder_->decode(frame.data, frame.length, source.interfaces()[frame.interface].link_type, packet_);
    note_source(frame, source);
    printer_->print(packet_, frame);
    ++records_;
  }
  if (taken_ == options_.limit) stop("limit");
}

void Sniffer::note_source(const capture::Frame& frame, const capture::Source& source) {
  const capture::Interface& interface = source.interfaces()[frame.interface];
  packet_.has_time = frame.has_time;
  packet_.time_ns = frame.time_ns;
  packet_.time_digits = static_cast<uint8_t>(interface.fraction_digits);
  packet_.set_n(ordinal_);
  packet_.set_at_offset(frame.offset);
  packet_.set_at_file(source_name_);
  if (source.interfaces().size() > 1) packet_.set_iface(interface.name);
  if (options_.payload_bytes && packet_.present.has(Field::payload)) {
    packet_.payload =
        packet_.payload.first(std::min<size_t>(packet_.payload.size(), *options_.payload_bytes));
  }
}

void Sniffer::wait_until_due(const capture::Frame& frame) {
  while (!done()) {
    const int64_t wait = pacer_->wait_ns(frame.time_ns, base::steady_clock_ns());
    if (wait == 0) return;
    out_.flush();
    const timespec pause{0, std::min(wait, kMaxSleepNs)};
    ::nanosleep(&pause, nullptr);
    tick();
  }
}

void Sniffer::tick() {
  since_tick_ = 0;
  const int64_t now = base::steady_clock_ns();
  if (options_.meta && now >= next_stats_ns_) {
    if (next_stats_ns_ != 0) stream_.stats(counts());
    next_stats_ns_ = now + base::kSecond;
  }
  out_.tick(now);
  if (now >= deadline_ns_) stop("duration");
  if (base::Signals::stop_requested()) stop("signal");
  if (!out_.good()) stop("closed");
}

record::StreamCounts Sniffer::counts() const {
  record::StreamCounts counts;
  counts.records = records_;
  counts.packets = taken_;
  counts.bytes = bytes_;
  return counts;
}

base::Exit Sniffer::finish() {
  if (options_.meta) stream_.end(reason_.empty() ? "end" : reason_, status_, counts());
  out_.finish();
  if (out_.state() == ndjson::WriteState::failed) {
    context_.log.error(out_.error());
    return base::Exit::failed;
  }
  return status_;
}

}  // namespace

base::Exit sniff(const Options& options, cli::Context& context) {
  if (const auto checked = check(options); !checked) {
    context.log.error(checked.error());
    return checked.error().exit;
  }
  Sniffer sniffer(options, context);
  if (const auto prepared = sniffer.prepare(); !prepared) {
    context.log.error(prepared.error());
    return prepared.error().exit;
  }
  return sniffer.run();
}

}  // namespace wl::netsniff
