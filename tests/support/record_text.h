#pragma once
// The JSON line of a packet record, without a file descriptor behind it.
#include <string>
#include <string_view>

#include "libcommon/ndjson/output.h"
#include "libcommon/record/packet_writer.h"

namespace wl::test {

class RecordText {
 public:
  explicit RecordText(const record::FieldSet& fields)
      : writer_(fields, base::TimeFormat::rfc3339), out_(-1) {}

  /// The line with its '\n'; good until the next call.
  std::string_view operator()(const record::Packet& packet) {
    const char* const begin = out_.reserve(kRoom);
    writer_.write(packet, out_);
    char* const end = out_.reserve(0);
    const std::string_view line(begin, static_cast<size_t>(end - begin));
    out_.commit(end - line.size());  // nothing is ever written out
    return line;
  }

 private:
  /// No record of the tests is larger, so that the buffer never moves between the two looks at it.
  static constexpr size_t kRoom = size_t{1} << 20;

  record::PacketWriter writer_;
  ndjson::Output out_;
};

}  // namespace wl::test
