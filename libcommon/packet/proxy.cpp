#include "libcommon/packet/proxy.h"

#include "libcommon/packet/application.h"

namespace wl::packet {
namespace {

constexpr std::string_view kVersion1 = "PROXY ";
constexpr std::string_view kVersion2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr size_t kLongestLine = 107;
constexpr size_t kHeader2 = 16;

/// Length of the header in front of `in`; 0 when it does not end.
size_t header_size(const ByteReader& in) {
  if (!in.text().starts_with(kVersion2)) return in.text().substr(0, kLongestLine).find('\n') + 1;
  const auto header = in.peek<kHeader2>();
  return header ? kHeader2 + header->u16<14>() : 0;
}

Next decode_proxy(ByteReader in, Context& context) {
  const size_t size = header_size(in);
  if (size == 0) return in.cut() ? context.cut() : Next{};
  if (!in.skip(size)) return context.ended_early(in, size);
  return in.empty() ? Next{} : application(Transport::tcp, in, context);
}

}  // namespace

bool is_proxy(const ByteReader& payload) {
  const std::string_view text = payload.text();
  return text.starts_with(kVersion1) || text.starts_with(kVersion2);
}

const Protocol kProxy{"proxy", decode_proxy};

}  // namespace wl::packet
