#pragma once
// Decoding single packets in tests.
#include <algorithm>
#include <memory>
#include <string_view>

#include "libcommon/packet/decoder.h"
#include "libcommon/record/field_selection.h"
#include "tests/support/packet_samples.h"
#include "tests/support/record_text.h"
#include "tests/support/seeds.h"

namespace wl::test {

/// Decodes packets from memory of their exact size, so that a read past the end is one past the block.
class Decoding {
 public:
  explicit Decoding(bool decap = false) : decap_(decap), decoder_({.wanted = fields(), .decap = decap}) {}

  const record::Packet& operator()(const Bytes& bytes, size_t captured, size_t length, uint16_t link_type) {
    block_ = std::make_unique_for_overwrite<uint8_t[]>(captured);
    std::copy_n(bytes.begin(), captured, block_.get());
    Seed(decap_).add(link_type, {block_.get(), captured}, length);
    decoder_.decode({block_.get(), captured}, static_cast<uint32_t>(length), link_type, packet_);
    return packet_;
  }
  const record::Packet& operator()(const Bytes& bytes, uint16_t link_type) {
    return (*this)(bytes, bytes.size(), bytes.size(), link_type);
  }
  const record::Packet& operator()(const Sample& sample) { return (*this)(sample.bytes, sample.link_type); }
  /// The record of the packet decoded last; good until the next call.
  std::string_view json() { return text_(packet_); }

 private:
  static record::FieldSet fields() { return record::parse_fields("all,info,payload,community_id").value(); }

  bool decap_;
  std::unique_ptr<uint8_t[]> block_;
  packet::Decoder decoder_;
  record::Packet packet_;
  RecordText text_{fields()};
};

}  // namespace wl::test
