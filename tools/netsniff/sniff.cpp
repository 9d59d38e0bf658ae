#include "tools/netsniff/sniff.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include <time.h>

#include "libcommon/base/services.h"
#include "libcommon/base/signals.h"
#include "libcommon/base/utf8.h"
#include "libcommon/capture/bpf.h"
#include "libcommon/capture/live.h"
#include "libcommon/capture/open.h"
#include "libcommon/capture/writer.h"
#include "libcommon/filter/filter.h"
#include "libcommon/packet/decoder.h"
#include "libcommon/record/stream_writer.h"
#include "tools/netsniff/counts.h"
#include "tools/netsniff/interfaces.h"
#include "tools/netsniff/own_addresses.h"
#include "tools/netsniff/pacer.h"
#include "tools/netsniff/printer.h"
#include "tools/netsniff/privileges.h"

namespace wl::netsniff {
namespace {

using base::Exit;
using base::Result;
using record::Field;

/// Packets between two looks at the clock and the signals: some 100 µs of work.
constexpr uint64_t kPacketsPerTick = 256;
/// Longest sleep of --replay between two looks at the signals.
constexpr int64_t kMaxSleepNs = 50 * base::kMillisecond;
/// --on-slow drop: what is held for a reader that stalls, some 20,000 records.
constexpr size_t kHeldBytes = size_t{4} << 20;
/// Room that must be free for a record to be made then; few are larger.
constexpr size_t kRecordRoom = size_t{16} << 10;

capture::WriterOptions writer_options(const Options& options, const cli::Context& context) {
  const auto ends_with = [&](std::string_view end) { return options.write.ends_with(end); };
  const bool pcap = options.format == RawFormat::pcap ||
                    (options.format == RawFormat::by_name && (ends_with(".pcap") || ends_with(".cap")));
  capture::WriterOptions writer;
  writer.path = options.write;
  writer.standard_output = context.out;
  writer.format = pcap ? capture::Format::pcap : capture::Format::pcapng;
  writer.application = "netsniff (wireline) " + std::string(context.version);
  writer.rotation.bytes = options.rotate_bytes;
  writer.rotation.seconds = options.rotate_ns / base::kSecond;
  writer.rotation.files = static_cast<uint32_t>(options.rotate_files);
  writer.read = options.files;
  return writer;
}

class Sniffer {
 public:
  Sniffer(const Options& options, cli::Context& context)
      : options_(options), context_(context), out_(context.out), stream_(out_, options.time) {}

  /// Everything that can be refused before the first packet.
  Result<void> prepare();
  Exit run();

 private:
  Result<void> prepare_records();
  Result<void> prepare_decoder(const record::FieldSet& printed);
  Result<void> prepare_filter();
  Result<void> open_live(std::string filter);
  void catch_signals() const;
  /// What follows the clock ends in good order; what reads standard input goes on to its end.
  [[nodiscard]] bool stops_on_signal() const { return options_.live() || options_.replay != Replay::max; }

  void read_files();
  /// Reads a source to its end; a failure is reported, and what was read before it stays.
  void read(capture::Source& source);
  void handle(const capture::Frame& frame, capture::Source& source);
  [[nodiscard]] bool passes(const capture::Frame& frame, const capture::Source& source);
  void wait_until_due(const capture::Frame& frame, capture::Source& source);
  bool write_raw(const capture::Frame& frame, const capture::Source& source);
  void flush_raw(const capture::Source& source);
  void give_up_raw(const base::Error& error);
  void decode(const capture::Frame& frame, const capture::Source& source);
  void print(const capture::Frame& frame, const capture::Source& source);
  const std::string& interface_text(uint32_t index, const capture::Source& source);
  void note_source(const capture::Frame& frame, const capture::Source& source);
  void tick(capture::Source& source);

  /// Ends the run at once. The first reason stands.
  void stop(std::string_view reason) {
    if (reason_.empty()) reason_ = reason;
    done_ = true;
  }
  /// Ends the run when what the source still holds is read.
  void drain(std::string_view reason, capture::Source& source) {
    if (!options_.live()) return stop(reason);
    if (reason_.empty()) reason_ = reason;
    source.stop();
  }
  void fail(const base::Error& error) {
    context_.log.error(error);
    status_ = Exit::failed;
  }
  Exit finish();

  const Options& options_;
  cli::Context& context_;
  ndjson::Output out_;
  record::StreamWriter stream_;
  base::Services services_;
  packet::LocalAddresses local_;
  std::optional<OwnAddresses> own_addresses_;
  std::optional<capture::Bpf> filter_;  // of files; a live source has it in the kernel
  std::optional<filter::Filter> where_;
  std::unique_ptr<capture::Source> live_;
  std::unique_ptr<capture::Writer> writer_;
  std::unique_ptr<packet::Decoder> decoder_;
  std::unique_ptr<Printer> printer_;
  std::optional<Pacer> pacer_;
  std::set<uint16_t> unfit_links_;  // of the file's link types those that the filter does not go with
  uint64_t unfit_packets_ = 0;

  record::Packet packet_;
  std::string file_;       // being read
  std::string file_text_;  // the same as text of a record
  std::vector<std::string> interface_texts_;
  uint64_t ordinal_ = 0;  // of the packet in its source
  Counts counts_;
  uint64_t since_tick_ = 0;
  int64_t next_stats_ns_ = 0;
  int64_t deadline_ns_ = INT64_MAX;
  std::string_view reason_ = "";  // why it stops
  bool done_ = false;
  Exit status_ = Exit::ok;
};

Result<void> Sniffer::prepare() {
  if (const auto ready = prepare_records(); !ready) return ready;
  if (const auto ready = prepare_filter(); !ready) return ready;
  if (!options_.write.empty()) {
    auto writer = capture::Writer::open(writer_options(options_, context_));
    if (!writer) return std::unexpected(writer.error());
    writer_ = std::move(*writer);
  }
  if (!options_.user.empty()) {
    if (const auto dropped = drop_privileges(options_.user); !dropped) return dropped;
  }
  if (options_.replay != Replay::max) pacer_.emplace(options_.replay == Replay::real ? 1 : 10);
  if (options_.duration_ns != 0) deadline_ns_ = base::steady_clock_ns() + options_.duration_ns;
  catch_signals();
  return {};
}

Result<void> Sniffer::prepare_records() {
  const auto selected = selected_fields(options_);
  if (!selected) return std::unexpected(selected.error());
  const record::FieldSet fields = options_.table ? line_fields() : *selected;
  for (const std::string& text : options_.local) {
    const auto network = packet::parse_network(text);
    if (!network) return base::with_context("--local", network.error());
    local_.add(*network);
  }
  if (const auto ready = prepare_decoder(fields); !ready || !options_.prints_records()) return ready;
  printer_ = options_.table ? line_printer(options_.hex, out_) : record_printer(fields, options_.time, out_);
  if (options_.on_slow == OnSlow::drop) out_.set_nonblocking(kHeldBytes);
  return {};
}

/// What is printed and what --where asks about has to be decoded.
Result<void> Sniffer::prepare_decoder(const record::FieldSet& printed) {
  record::FieldSet fields = options_.prints_records() ? printed : record::FieldSet{};
  if (!options_.where.empty()) {
    auto where = filter::Filter::parse(options_.where);
    if (!where) return base::with_context("-Y", where.error());
    where_ = std::move(*where);
    fields = fields | where_->fields();
  } else if (!options_.prints_records()) {
    return {};
  }
  const bool follows_interface = options_.live() && options_.local.empty();
  if (follows_interface) own_addresses_.emplace(options_.interface, local_);
  if (fields.has(Field::app_port)) services_ = base::Services::load();
  decoder_ = std::make_unique<packet::Decoder>(packet::Decoder::Options{
      fields, options_.decap, local_.empty() && !follows_interface ? nullptr : &local_, &services_});
  return {};
}

Result<void> Sniffer::prepare_filter() {
  auto expression = filter_expression(options_);
  if (!expression) return std::unexpected(expression.error());
  if (options_.live()) return open_live(std::move(*expression));
  if (expression->empty()) return {};
  auto filter = capture::Bpf::parse(std::move(*expression));
  if (!filter) return std::unexpected(filter.error());
  filter_ = std::move(*filter);
  return {};
}

Result<void> Sniffer::open_live(std::string filter) {
  capture::LiveOptions live;
  live.interface = options_.interface;
  live.snaplen = static_cast<uint32_t>(options_.snaplen);
  live.promiscuous = !options_.not_promiscuous;
  live.buffer_bytes = options_.buffer_bytes;
  live.filter = std::move(filter);
  auto source = capture::open_live(live);
  if (!source) return std::unexpected(source.error());
  live_ = std::move(*source);
  return {};
}

void Sniffer::catch_signals() const {
  base::Signals::catch_counts();
  const bool reads_stdin = std::ranges::find(options_.files, "-") != options_.files.end();
  if (stops_on_signal()) {
    base::Signals::catch_stop();
  } else if (reads_stdin) {
    base::Signals::ignore_first_stop();
  }
}

Exit Sniffer::run() {
  if (options_.meta) {
    const std::vector<std::string> live{options_.interface};
    stream_.meta(kTool.name, context_.version, options_.live() ? live : options_.files, context_.arguments);
  }
  if (live_) {
    read(*live_);
    counts_.drops = live_->drops();
  } else {
    read_files();
  }
  return finish();
}

void Sniffer::read_files() {
  for (const std::string& file : options_.files) {
    if (done_) return;
    auto source = capture::open_file(file, context_.in);
    if (!source) {
      fail(source.error());
      continue;
    }
    file_ = file;
    file_text_ = base::wire_text(file);
    interface_texts_.clear();
    ordinal_ = 0;
    unfit_links_.clear();
    read(**source);
    flush_raw(**source);
    if (writer_) writer_->next_source();
  }
}

void Sniffer::read(capture::Source& source) {
  capture::Frame frame;
  while (!done_) {
    const auto next = source.next(frame);
    if (!next) return fail(next.error());
    if (*next == capture::Next::packet) {
      handle(frame, source);
      if (++since_tick_ < kPacketsPerTick) continue;
    } else if (*next == capture::Next::end) {
      return;
    } else {
      out_.flush();
      flush_raw(source);
    }
    tick(source);
  }
}

void Sniffer::handle(const capture::Frame& frame, capture::Source& source) {
  ++ordinal_;
  if (filter_ && !passes(frame, source)) return;
  if (pacer_ && frame.has_time) wait_until_due(frame, source);
  if (done_) return;
  if (where_) {
    decode(frame, source);
    if (!where_->matches(packet_)) return;
  }
  if (options_.on_slow == OnSlow::drop && !out_.has_room(kRecordRoom)) {
    ++counts_.reader_dropped;
    return;
  }
  if (writer_ && !write_raw(frame, source)) return;
  ++counts_.packets;
  counts_.bytes += frame.length;
  if (printer_) print(frame, source);
  if (counts_.packets == options_.limit) stop("limit");
}

bool Sniffer::passes(const capture::Frame& frame, const capture::Source& source) {
  const auto matches = filter_->matches(frame, source.interfaces());
  if (matches) return *matches;
  ++unfit_packets_;
  const bool new_link = unfit_links_.insert(source.interfaces()[frame.interface].link_type).second;
  if (new_link) context_.log.error(base::with_context(file_, matches.error()).error());
  return false;
}

void Sniffer::wait_until_due(const capture::Frame& frame, capture::Source& source) {
  while (!done_) {
    const int64_t wait = pacer_->wait_ns(frame.time_ns, base::steady_clock_ns());
    if (wait == 0) return;
    out_.flush();
    flush_raw(source);
    const timespec pause{0, std::min(wait, kMaxSleepNs)};
    ::nanosleep(&pause, nullptr);
    tick(source);
  }
}

/// False: it could not be written, or need not be, and this was the last one.
bool Sniffer::write_raw(const capture::Frame& frame, const capture::Source& source) {
  if (const auto written = writer_->write(frame, source.interfaces()); !written) {
    give_up_raw(written.error());
  } else if (writer_->finished()) {
    stop("limit");
  } else if (writer_->reader_gone()) {
    stop("reader");
  } else {
    return true;
  }
  return false;
}

void Sniffer::flush_raw(const capture::Source& source) {
  if (!writer_) return;
  if (const auto flushed = writer_->flush(source.interfaces()); !flushed) give_up_raw(flushed.error());
}

/// What could not be written is said once.
void Sniffer::give_up_raw(const base::Error& error) {
  writer_.reset();
  fail(error);
  stop("error");
}

void Sniffer::decode(const capture::Frame& frame, const capture::Source& source) {
  decoder_->decode(frame.data, frame.length, source.interfaces()[frame.interface].link_type, packet_);
  note_source(frame, source);
}

/// What --where has asked about is decoded.
void Sniffer::print(const capture::Frame& frame, const capture::Source& source) {
  if (!where_) decode(frame, source);
  printer_->print(packet_, frame);
  ++counts_.records;
}

/// The interface's name, which may be any bytes, as text of a record.
const std::string& Sniffer::interface_text(uint32_t index, const capture::Source& source) {
  while (interface_texts_.size() <= index)
    interface_texts_.push_back(base::wire_text(source.interfaces()[interface_texts_.size()].name));
  return interface_texts_[index];
}

void Sniffer::note_source(const capture::Frame& frame, const capture::Source& source) {
  const capture::Interface& interface = source.interfaces()[frame.interface];
  packet_.has_time = frame.has_time;
  packet_.time_ns = frame.time_ns;
  packet_.time_digits = static_cast<uint8_t>(interface.fraction_digits);
  packet_.set_n(ordinal_);
  if (!options_.live()) {
    packet_.set_at_offset(frame.offset);
    packet_.set_at_file(file_text_);
  }
  if (source.interfaces().size() > 1 && !interface.name.empty())
    packet_.set_iface(interface_text(frame.interface, source));
  if (options_.payload_bytes && packet_.present.has(Field::payload)) {
    packet_.payload =
        packet_.payload.first(std::min<size_t>(packet_.payload.size(), *options_.payload_bytes));
  }
}

void Sniffer::tick(capture::Source& source) {
  since_tick_ = 0;
  const int64_t now = base::steady_clock_ns();
  if (options_.live()) counts_.drops = source.drops();
  if (options_.meta && now >= next_stats_ns_) {
    if (next_stats_ns_ != 0) stream_.stats(counts_.stream(options_.live()));
    next_stats_ns_ = now + base::kSecond;
  }
  if (own_addresses_) own_addresses_->refresh(now);
  out_.tick(now);
  if (!out_.good()) stop("reader");
  if (base::Signals::take_counts_request()) context_.log.info(counts_.line(options_.live()));
  if (now >= deadline_ns_) drain("duration", source);
  if (stops_on_signal() && base::Signals::stop_requested()) drain("signal", source);
}

Exit Sniffer::finish() {
  if (writer_) {
    static const std::vector<capture::Interface> kNone;
    const auto closed = writer_->close(live_ ? live_->interfaces() : kNone);
    if (!closed) fail(closed.error());
  }
  if (unfit_packets_ != 0) {
    context_.log.error(packets_text(unfit_packets_) +
                       " passed over, whose link type the filter does not fit");
    status_ = Exit::failed;
  }
  if (options_.meta) {
    stream_.end(reason_.empty() ? "end" : reason_, status_, counts_.stream(options_.live()));
  }
  out_.finish();
  if (out_.state() == ndjson::WriteState::failed) fail(out_.error());
  const bool worth_saying = options_.live() || !options_.write.empty();
  if (worth_saying && !options_.quiet) context_.log.info(counts_.line(options_.live()));
  return status_;
}

Result<void> list(cli::Context& context) {
  ndjson::Output out(context.out);
  const auto written = write_interfaces(out);
  out.finish();
  if (!written) return written;
  if (out.state() == ndjson::WriteState::failed) return std::unexpected(out.error());
  return {};
}

}  // namespace

Exit sniff(const Options& options, cli::Context& context) {
  const auto report = [&](const base::Error& error) {
    context.log.error(error);
    return error.exit;
  };
  if (const auto checked = check(options); !checked) return report(checked.error());
  if (options.list_interfaces) {
    const auto listed = list(context);
    return listed ? Exit::ok : report(listed.error());
  }
  Sniffer sniffer(options, context);
  if (const auto prepared = sniffer.prepare(); !prepared) return report(prepared.error());
  return sniffer.run();
}

}  // namespace wl::netsniff
