#include "libcommon/store/stored_packets.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include "libcommon/base/utf8.h"
#include "libcommon/packet/decoder.h"
#include "libcommon/packet/info.h"
#include "libcommon/packet/scratch.h"
#include "libcommon/store/packet_bytes.h"
#include "libcommon/store/tables.h"

namespace wl::store {
namespace {

using record::Field;
using record::FieldSet;
using record::Form;

/// What a packet decoded alone may have otherwise than in its place: heads of messages span packets.
const FieldSet& kept_fields() {
  static const FieldSet kFields =
      fields_of(Home::events) | FieldSet{Field::app,          Field::app_port,     Field::layers,
                                         Field::malformed_at, Field::truncated_at, Field::tunnel};
  return kFields;
}

enum Column : uint8_t { kN, kTs, kLen, kCaplen, kOffset, kInterface, kFirstKept };

template <class T>
void put(T value, Field field, record::Packet& packet) {
  std::memcpy(reinterpret_cast<char*>(&packet) + record::info(field).offset, &value, sizeof value);
}

/// "1,5,9"
std::string joined(std::span<const uint64_t> numbers) {
  std::string text;
  for (const uint64_t number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

/// The bytes that base::wire_text() made the text of.
std::string wire_bytes(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const bool escape = text[i] == '\\' && i + 1 < text.size();
    if (escape && text[i + 1] == 'x' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 2, text.data() + i + 4, byte, 16).ec == std::errc{}) {
      bytes += static_cast<char>(byte);
      i += 3;
    } else {
      if (escape) ++i;
      bytes += text[i];
    }
  }
  return bytes;
}

}  // namespace

struct StoredPackets::State {
  State(Reader& asked, const Capture& of, const Options& options, PacketBytes from)
      : reader(asked),
        capture(of),
        local(options.local),
        wanted(options.wanted),
        bytes(std::move(from)),
        decoder({options.wanted - FieldSet{Field::info, Field::app_port}, false, local, nullptr}) {
    const bool all = wanted.has(Field::info);  // which is made of them
    kept = all ? kept_fields() : kept_fields() & wanted;
    file_id = capture.file_id;
    if (file_id.empty()) at_file = base::wire_text(capture.name);
  }

  base::Result<void> read_interfaces();
  base::Result<void> take(const Rows& row);
  void overlay(const Rows& row);
  void put_field(const Rows& row, size_t column, Field field);

  Reader& reader;
  const Capture& capture;
  const packet::LocalAddresses* local;
  FieldSet wanted, kept;
  PacketBytes bytes;
  packet::Decoder decoder;
  packet::Scratch scratch;
  std::vector<capture::Interface> interfaces;
  std::vector<std::string> interface_texts;  // their names, as records have them
  std::string file_id, at_file;              // one of them is empty
  std::optional<Rows> rows;
  record::Packet packet;
  capture::Frame frame;
  std::array<std::vector<std::string_view>, record::kFieldCount> lists;
};

StoredPackets::StoredPackets(std::unique_ptr<State> state) : state_(std::move(state)) {}
StoredPackets::~StoredPackets() = default;
StoredPackets::StoredPackets(StoredPackets&&) noexcept = default;
StoredPackets& StoredPackets::operator=(StoredPackets&&) noexcept = default;

const record::Packet& StoredPackets::packet() const { return state_->packet; }
const capture::Frame& StoredPackets::frame() const { return state_->frame; }
const std::vector<capture::Interface>& StoredPackets::interfaces() const { return state_->interfaces; }

base::Result<StoredPackets> StoredPackets::open(Reader& reader, const Capture& capture,
                                                const Options& options) {
  auto bytes = PacketBytes::open(capture);
  if (!bytes) return std::unexpected(bytes.error());
  auto state = std::make_unique<State>(reader, capture, options, std::move(*bytes));
  if (const auto read = state->read_interfaces(); !read) return std::unexpected(read.error());
  return StoredPackets(std::move(state));
}

base::Result<void> StoredPackets::State::read_interfaces() {
  auto found = reader.duck().query(
      "select link_type, fraction_digits, name from interfaces where file_id = ? order by interface",
      {Reader::file_key(capture)});
  if (!found) return std::unexpected(found.error());
  for (;;) {
    const auto more = found->next();
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
    capture::Interface interface;
    interface.link_type = static_cast<uint16_t>(found->number(0));
    interface.fraction_digits = found->number(1) == 9 ? 9 : 6;
    interface.name = wire_bytes(found->text(2));
    interfaces.push_back(std::move(interface));
    interface_texts.emplace_back(found->text(2));
  }
}

base::Result<void> StoredPackets::ask(std::span<const uint64_t> n) {
  State& s = *state_;
  s.rows.reset();
  if (n.empty()) return {};
  std::string columns = "p.n, p.ts, p.len, coalesce(p.caplen, p.len), p.at_offset, k.interface";
  s.kept.each([&](Field field) {
    const Home home = home_of(field);
    columns += home == Home::events ? ", e." : home == Home::kinds ? ", k." : ", p.";
    columns += record::info(field).key;
  });
  const bool dense = n.back() - n.front() == n.size() - 1;
  const std::string file = Reader::file_key(s.capture);
  std::vector<Value> values{file, n.front(), n.back(), file};
  std::string from =
      "(from packets where file_id = ? and n between ? and ?) p"
      " left join (from kinds where file_id = ?) k on k.kind = p.kind";
  if (s.kept.intersects(fields_of(Home::events))) {
    from += " left join (from events where file_id = ? and n between ? and ?) e on e.n = p.n";
    values.insert(values.end(), {file, n.front(), n.back()});
  }
  if (!dense) {
    from += " where p.n in (select unnest(string_split(?, ',')::UBIGINT[]))";
    values.emplace_back(joined(n));
  }
  auto rows = s.reader.duck().query("select " + columns + " from " + from + " order by p.n", values);
  if (!rows) return std::unexpected(rows.error());
  s.rows = std::move(*rows);
  return {};
}

base::Result<bool> StoredPackets::next() {
  if (!state_->rows) return false;
  const auto more = state_->rows->next();
  if (!more || !*more) {
    state_->rows.reset();
    return more;
  }
  if (const auto taken = state_->take(*state_->rows); !taken) return std::unexpected(taken.error());
  return true;
}

base::Result<void> StoredPackets::State::take(const Rows& row) {
  const auto caplen = static_cast<uint32_t>(row.number(kCaplen));
  const auto captured = bytes.read(row.unsigned_number(kOffset), caplen);
  if (!captured) return std::unexpected(captured.error());
  const uint64_t number = row.unsigned_number(kInterface);
  if (number >= interfaces.size())
    return base::fail(capture.folder + ": packet " + std::to_string(row.unsigned_number(kN)) +
                          " is of an interface that is not there",
                      "pcapingest verify");
  const capture::Interface& interface = interfaces[number];
  frame = {};
  frame.data = *captured;
  frame.length = std::max(static_cast<uint32_t>(row.number(kLen)), caplen);
  frame.has_time = !row.null(kTs);
  frame.time_ns = row.number(kTs);
  frame.interface = static_cast<uint32_t>(number);
  frame.offset = row.unsigned_number(kOffset);
  decoder.decode(frame.data, frame.length, interface.link_type, packet);
  packet.has_time = frame.has_time;
  packet.time_ns = frame.time_ns;
  packet.time_digits = static_cast<uint8_t>(interface.fraction_digits);
  packet.set_n(row.unsigned_number(kN));
  packet.set_at_offset(frame.offset);
  if (!file_id.empty()) packet.set_file_id(file_id);
  if (!at_file.empty()) packet.set_at_file(at_file);
  if (interfaces.size() > 1 && !interface.name.empty()) packet.set_iface(interface_texts[number]);
  overlay(row);
  return {};
}

void StoredPackets::State::overlay(const Rows& row) {
  packet.present = packet.present - kept;
  size_t column = kFirstKept;
  kept.each([&](Field field) {
    if (!row.null(column)) put_field(row, column, field);
    ++column;
  });
  if (!wanted.has(Field::info)) return;
  scratch.reset();
  packet.set_info(packet::info_text(packet, scratch));
}

void StoredPackets::State::put_field(const Rows& row, size_t column, Field field) {
  switch (record::info(field).form) {
    case Form::u16: put(static_cast<uint16_t>(row.number(column)), field, packet); break;
    case Form::boolean: put(row.number(column) != 0, field, packet); break;
    case Form::text_list: {
      std::vector<std::string_view>& list = lists.at(static_cast<size_t>(field));
      list = row.texts(column);
      put(record::TextList(list), field, packet);
      break;
    }
    default: put(row.text(column), field, packet);  // the others are texts
  }
  packet.present.add(field);
}

}  // namespace wl::store
