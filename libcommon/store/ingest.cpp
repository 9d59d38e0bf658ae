#include "libcommon/store/ingest.h"

#include <algorithm>
#include <thread>

#include "libcommon/base/services.h"
#include "libcommon/base/time.h"
#include "libcommon/capture/open.h"
#include "libcommon/packet/decoder.h"
#include "libcommon/packet/dispatch.h"
#include "libcommon/store/flows.h"
#include "libcommon/store/original.h"
#include "libcommon/store/part_writer.h"
#include "libcommon/store/tables.h"

namespace wl::store {
namespace {

using record::Field;

constexpr uint64_t kPacketsPerLook = 4096;
constexpr int64_t kProgressNs = 100 * base::kMillisecond;

/// One capture, packet by packet, into the tables.
class Ingest {
 public:
  explicit Ingest(const IngestOptions& options)
      : options_(options),
        services_(base::Services::load()),
        decoder_(packet::Decoder::Options{stored_fields(), false, nullptr, &services_}),
        flows_(services_),
        writer_(options.folder) {}

  base::Result<Ingested> run(const std::string& path) {
    auto original = Original::open(path, options_.copy, options_.copy_only_compressed);
    if (!original) return std::unexpected(original.error());
    original_ = std::move(*original);
    if (const auto read = read_all(path); !read) return std::unexpected(read.error());
    base::Result<void> finished;
    std::jthread disk([&] {
      finished = original_->finish([this] { return is_unwanted(original_->size()); });
    });  // waits for the disk; the last parts do not
    const auto flushed = flush_all();
    disk.join();
    if (!finished) return std::unexpected(finished.error());
    if (!flushed) return std::unexpected(flushed.error());
    return result();
  }

 private:
  base::Result<void> read_all(const std::string& path) {
    const auto source = capture::open_bytes(original_->bytes(), path);
    if (!source) {
      base::Error error = source.error();
      error.exit = base::Exit::usage;
      return std::unexpected(std::move(error));
    }
    capture::Frame frame;
    for (;;) {
      const auto next = (*source)->next(frame);
      if (!next) done_.fault = next.error().text;
      if (!next || *next == capture::Next::end) break;
      if (const auto added = add(frame, **source); !added) return added;
      if (packet_.n % kPacketsPerLook == 0 && is_unwanted(packet_.at_offset))
        return base::fail(path + ": interrupted");
    }
    interfaces_ = (*source)->interfaces();
    return {};
  }

  base::Result<void> add(const capture::Frame& frame, const capture::Source& source) {
    decoder_.decode(frame.data, frame.length, source.interfaces()[frame.interface].link_type, packet_);
    packet_.has_time = frame.has_time;
    packet_.time_ns = frame.time_ns;
    packet_.set_n(++done_.packets);
    packet_.set_at_offset(frame.offset);
    count(frame);
    const auto found = flows_.find(packet_);
    const base::Hash kind = kinds_.find(packet_, frame.interface);
    const FlowRef flow = flows_.add(found, packet_);
    const FlowRef inner = packet_.present.has(Field::tunnel) ? flows_.add_inner(packet_) : FlowRef{};
    packets_.add(packet_, kinds_.add(kind, packet_, frame.interface), flow, inner);
    timeline_.add(packet_);
    if (EventRows::wants(packet_)) events_.add(packet_, flow);
    return flush_full();
  }

  void count(const capture::Frame& frame) {
    done_.data_bytes += frame.length;
    if (!frame.has_time) return;
    done_.first_ns = done_.timed ? std::min(done_.first_ns, frame.time_ns) : frame.time_ns;
    done_.last_ns = done_.timed ? std::max(done_.last_ns, frame.time_ns) : frame.time_ns;
    done_.timed = true;
  }

  /// Several may be full at the same packet.
  base::Result<void> flush_full() {
    base::Result<void> written;
    const auto flush = [&](Table table, Batch& batch, bool full) {
      if (full && written) written = writer_.write(table, batch);
    };
    flush(Table::packets, packets_.batch(), packets_.batch().full());
    flush(Table::kinds, kinds_.batch(), kinds_.batch().full());
    flush(Table::flows, flows_.batch(), flows_.full());
    flush(Table::events, events_.batch(), events_.batch().full());
    flush(Table::timeline, timeline_.batch(), timeline_.batch().full());
    return written;
  }

  /// Each table has a part, even where that has no rows. Packets after the large ones: a part of theirs may
  /// still be being written.
  base::Result<void> flush_all() {
    flows_.finish();
    timeline_.finish();
    Batch interfaces = interface_rows(interfaces_);
    for (const auto& [table, batch] :
         {std::pair{Table::flows, &flows_.batch()}, std::pair{Table::events, &events_.batch()},
          std::pair{Table::packets, &packets_.batch()}, std::pair{Table::kinds, &kinds_.batch()},
          std::pair{Table::timeline, &timeline_.batch()}, std::pair{Table::interfaces, &interfaces}})
      if (batch->rows() != 0 || writer_.parts(table) == 0)
        if (const auto written = writer_.write(table, *batch); !written) return written;
    auto parts = writer_.finish();
    if (!parts) return std::unexpected(parts.error());
    done_.parts = std::move(*parts);
    return {};
  }

  base::Result<Ingested> result() {
    done_.sha256 = original_->sha256();
    done_.bytes = original_->size();
    done_.compressed = original_->compressed();
    if (done_.fault.empty()) done_.fault = original_->cut();
    for (const capture::Interface& interface : interfaces_) {
      const std::string_view name = packet::by_link_type(interface.link_type).name;
      const std::string text = name.empty() ? std::to_string(interface.link_type) : std::string(name);
      if (("," + done_.links + ",").find("," + text + ",") != std::string::npos) continue;
      done_.links += (done_.links.empty() ? "" : ",") + text;
    }
    for (const Part& part : done_.parts) done_.stored_bytes += part.bytes;
    if (original_->copied()) done_.stored_bytes += done_.bytes;
    return done_;
  }

  bool is_unwanted(uint64_t bytes) {
    if (!options_.progress) return false;
    const int64_t now = base::steady_clock_ns();
    if (now < next_progress_ns_) return false;
    next_progress_ns_ = now + kProgressNs;
    return options_.progress(bytes, done_.packets);
  }

  const IngestOptions& options_;
  base::Services services_;
  packet::Decoder decoder_;
  record::Packet packet_;
  PacketRows packets_;
  KindRows kinds_;
  FlowTable flows_;
  EventRows events_;
  TimelineRows timeline_;
  PartWriter writer_;
  std::shared_ptr<Original> original_;
  std::vector<capture::Interface> interfaces_;
  Ingested done_;
  int64_t next_progress_ns_ = 0;
};

}  // namespace

base::Result<Ingested> ingest(const std::string& path, const IngestOptions& options) {
  const auto run = std::make_unique<Ingest>(options);
  return run->run(path);
}

}  // namespace wl::store
