// Packets of one source, of any link type and bytes, cut anywhere.
//
// Input: a byte (1: --decap), then packets: link type, captured size, bytes that the capture cut off (each
// two bytes, the high one first), captured bytes. A size beyond the end stands for what is left.
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "libcommon/packet/byte_reader.h"
#include "libcommon/packet/decoder.h"
#include "libcommon/packet/detail.h"
#include "libcommon/record/field_selection.h"
#include "tests/support/record_text.h"

namespace {

using wl::record::Field;

void demand(bool condition) {
  if (!condition) std::abort();
}

/// What every record must say, whatever the bytes are.
void check(const wl::record::Packet& packet, std::string_view json, size_t captured, size_t length) {
  demand(nlohmann::json::accept(json));
  demand(packet.caplen == captured && packet.len == length);
  const bool decoded = packet.present.has(Field::layers) && !packet.layers.empty();
  demand(packet.present.has(Field::truncated_at) == (decoded && captured < length));
}

/// Packet detail: every field lies in the packet and within the bounds, and is text.
void check_detail(std::span<const uint8_t> captured, std::span<const wl::packet::Layer> layers) {
  for (const wl::packet::DetailLayer& layer : wl::packet::describe(captured, layers)) {
    demand(layer.offset + layer.length <= captured.size());
    demand(layer.fields.size() <= wl::packet::kMaxDetailFields);
    for (const wl::packet::DetailField& field : layer.fields) {
      demand(field.value.size() <= wl::packet::kMaxDetailText);
      demand(field.offset + field.length <= captured.size());
      demand(nlohmann::json::accept(nlohmann::json(field.value).dump()));  // throws where it is not UTF-8
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const wl::record::FieldSet kFields =
      wl::record::parse_fields("all,info,payload,community_id").value();
  static const wl::base::Services kServices = wl::base::Services::load();
  static wl::test::RecordText text(kFields);

  wl::packet::ByteReader input({data, size}, size);
  const bool decap = input.take_u8().value_or(0) == 1;
  wl::packet::Decoder decoder({.wanted = kFields, .decap = decap, .services = &kServices});
  wl::record::Packet packet;
  while (const auto header = input.take<6>()) {
    const auto captured = input.take_reader(header->u16<2>()).bytes();
    const size_t length = captured.size() + header->u16<4>();
    decoder.decode(captured, static_cast<uint32_t>(length), header->u16<0>(), packet);
    check(packet, text(packet), captured.size(), length);
    check_detail(captured, decoder.layers());
  }
  return 0;
}
