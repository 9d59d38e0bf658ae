#include "libcommon/packet/detail.h"

#include <algorithm>
#include <array>
#include <functional>

#include "libcommon/base/utf8.h"
#include "libcommon/packet/detail_fields.h"

namespace wl::packet {
namespace {

/// Where `bytes` begin in `captured`; nothing when they lie elsewhere.
std::optional<size_t> place_of(const ByteReader& bytes, std::span<const uint8_t> captured) {
  const uint8_t* const begin = bytes.bytes().data();
  const uint8_t* const end = captured.data() + captured.size();
  constexpr std::less_equal<const uint8_t*> kInFront;  // of pointers into different memory: `<` says nothing
  if (begin == nullptr || !kInFront(captured.data(), begin) || !kInFront(begin + bytes.size(), end)) {
    return std::nullopt;
  }
  return static_cast<size_t>(begin - captured.data());
}

const Description* find_description(std::string_view name) {
  const std::array all{link_descriptions(),    network_descriptions(),     transport_descriptions(),
                       control_descriptions(), dns_descriptions(),         tls_descriptions(),
                       secure_descriptions(),  application_descriptions(), dhcp_descriptions(),
                       tunnel_descriptions(),  wireless_descriptions(),    plain_descriptions()};
  for (const Descriptions& descriptions : all) {
    const auto found = std::ranges::find(descriptions, name, &Description::name);
    if (found != descriptions.end()) return &*found;
  }
  return nullptr;
}

/// Puts the layers of one packet together.
class Walk {
 public:
  Walk(std::span<const uint8_t> captured, std::span<const Layer> layers)
      : captured_(captured), layers_(layers) {}

  std::vector<DetailLayer> run() && {
    for (size_t i = 0; i < layers_.size(); ++i) describe_layer(i);
    add_rest();
    return std::move(out_);
  }

 private:
  void describe_layer(size_t index) {
    const Layer& layer = layers_[index];
    const auto place = place_of(layer.bytes, captured_);
    DetailLayer& out = out_.emplace_back();
    out.name = out.label = layer.protocol->name;
    out.offset = place.value_or(0);
    Fields fields(layer, place, scratch_, out);
    if (const Description* const found = find_description(layer.protocol->name)) {
      out.label = found->label;
      fields.rows(found->rows);
      if (found->more != nullptr) found->more(fields);
    }
    if (place) out.length = own_length(index, *place, fields);
  }

  /// Up to the layer behind it, unless the layer knows better.
  [[nodiscard]] size_t own_length(size_t index, size_t place, const Fields& fields) const {
    const size_t whole = fields.size();
    if (fields.length()) return std::min(*fields.length(), whole);
    if (index + 1 == layers_.size()) return whole;
    const auto next = place_of(layers_[index + 1].bytes, captured_);
    return next && *next >= place ? std::min(*next - place, whole) : whole;
  }

  /// What the innermost layer carries and nobody reads.
  void add_rest() {
    if (layers_.empty()) return;
    const DetailLayer& last = out_.back();
    const ByteReader& bytes = layers_.back().bytes;
    if (!place_of(bytes, captured_) || last.length >= bytes.size()) return;
    out_.push_back({"data", "Data", last.offset + last.length, bytes.size() - last.length});
  }

  std::span<const uint8_t> captured_;
  std::span<const Layer> layers_;
  Scratch scratch_;
  std::vector<DetailLayer> out_;
};

}  // namespace

std::vector<DetailLayer> describe(std::span<const uint8_t> captured, std::span<const Layer> layers) {
  return Walk(captured, layers).run();
}

DetailLayer describe_comments(std::span<const std::string> comments) {
  DetailLayer frame{"frame", "Frame"};
  for (const std::string& comment : comments.first(std::min(comments.size(), kMaxDetailComments)))
    frame.fields.push_back({"frame.comment", "Comment", std::string(bounded(base::wire_text(comment))), {}});
  return frame;
}

}  // namespace wl::packet
