#include "tools/netsniff/printer.h"

#include <algorithm>

#include "libcommon/ndjson/text.h"
#include "libcommon/record/field_selection.h"
#include "libcommon/record/packet_writer.h"

namespace wl::netsniff {
namespace {

using record::Field;

class RecordPrinter : public Printer {
 public:
  RecordPrinter(const record::FieldSet& fields, base::TimeFormat format, ndjson::Output& out)
      : writer_(fields, format), out_(out) {}
  void print(const record::Packet& packet, const capture::Frame&) override { writer_.write(packet, out_); }

 private:
  record::PacketWriter writer_;
  ndjson::Output& out_;
};

void append_endpoint(std::string& line, const record::Ip& ip, bool has_port, uint16_t port) {
  char text[ndjson::kMaxAddress];
  const bool brackets = ip.version == 6 && has_port;
  char* const end =
      ip.version == 4 ? ndjson::put_ipv4(text, ip.bytes.data()) : ndjson::put_ipv6(text, ip.bytes.data());
  if (brackets) line += '[';
  line.append(text, end);
  if (brackets) line += ']';
  if (has_port) line += ':' + std::to_string(port);
}

void append_mac(std::string& line, const record::Mac& mac) {
  char text[ndjson::kMaxAddress];
  line.append(text, ndjson::put_mac(text, mac.data()));
}

/// "SRC > DST ", by IP address where there is one, else by MAC address.
void append_flow(std::string& line, const record::Packet& packet) {
  if (packet.present.has(Field::src_ip)) {
    const bool ports = packet.present.has(Field::dst_port);
    append_endpoint(line, packet.src_ip, ports, packet.src_port);
    line += " > ";
    append_endpoint(line, packet.dst_ip, ports, packet.dst_port);
    line += ' ';
  } else if (packet.present.has(Field::eth_src)) {
    append_mac(line, packet.eth_src);
    line += " > ";
    append_mac(line, packet.eth_dst);
    line += ' ';
  }
}

constexpr char kHexDigits[] = "0123456789abcdef";

/// Sixteen bytes a row, as tcpdump's -x and -X have them.
void append_hex(std::string& text, std::span<const uint8_t> bytes, bool ascii) {
  constexpr size_t kRow = 16;
  for (size_t at = 0; at < bytes.size(); at += kRow) {
    text += "\t0x";
    for (int shift = 12; shift >= 0; shift -= 4) text += kHexDigits[at >> shift & 15];
    text += ": ";
    const auto row = bytes.subspan(at, std::min(kRow, bytes.size() - at));
    for (size_t i = 0; i < row.size(); ++i) {
      if (i % 2 == 0) text += ' ';
      text += kHexDigits[row[i] >> 4];
      text += kHexDigits[row[i] & 15];
    }
    if (ascii) {
      text.append((kRow - row.size()) * 2 + (kRow - row.size()) / 2 + 2, ' ');
      for (const uint8_t byte : row) text += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
    }
    text += '\n';
  }
}

class LinePrinter : public Printer {
 public:
  LinePrinter(Hex hex, ndjson::Output& out) : hex_(hex), out_(out) {}

  void print(const record::Packet& packet, const capture::Frame& frame) override {
    line_.clear();
    if (packet.has_time) line_ += base::rfc3339(packet.time_ns, packet.time_digits).substr(11) + " ";
    if (packet.present.has(Field::iface)) line_ += std::string(packet.iface) + " ";
    append_flow(line_, packet);
    if (packet.present.has(Field::proto)) line_ += std::string(packet.proto) + " ";
    line_ += std::to_string(packet.len);
    if (packet.present.has(Field::info)) line_ += " " + std::string(packet.info);
    // Control characters that a packet carries must not reach the terminal.
    std::ranges::replace_if(line_, [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; }, '.');
    line_ += '\n';
    if (hex_ != Hex::none) append_hex(line_, frame.data, hex_ == Hex::ascii);
    out_.write(line_);
  }

 private:
  Hex hex_;
  ndjson::Output& out_;
  std::string line_;
};

}  // namespace

std::unique_ptr<Printer> record_printer(const record::FieldSet& fields, base::TimeFormat format,
                                        ndjson::Output& out) {
  return std::make_unique<RecordPrinter>(fields, format, out);
}

std::unique_ptr<Printer> line_printer(Hex hex, ndjson::Output& out) {
  return std::make_unique<LinePrinter>(hex, out);
}

record::FieldSet line_fields() {
  return record::default_fields() | record::FieldSet{Field::eth_src, Field::eth_dst, Field::info,
                                                     Field::tcp_seq, Field::tcp_ack, Field::tcp_window};
}

}  // namespace wl::netsniff
