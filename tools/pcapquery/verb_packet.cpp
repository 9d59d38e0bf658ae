#include <array>

#include <CLI/CLI.hpp>

#include "libcommon/cli/options.h"
#include "libcommon/packet/decoder.h"
#include "libcommon/packet/detail.h"
#include "libcommon/record/packet_writer.h"
#include "libcommon/store/comments.h"
#include "libcommon/store/files.h"
#include "tools/pcapquery/dissect.h"
#include "tools/pcapquery/packet_source.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {
namespace {

using record::Field;
using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 6> kFieldKeys{{
    {"key", Kind::text, "", "Wireshark's name of the field", true},
    {"label", Kind::text, "", "what it is", true},
    {"value", Kind::text, "", "what the packet says", true},
    {"meaning", Kind::text, "", "what a number stands for"},
    {"offset", Kind::u64, "bytes", "where it begins in the captured bytes", true},
    {"length", Kind::u64, "bytes", "how many it takes; 0: its bytes are not in this packet", true},
}};
constexpr std::array<KeyInfo, 5> kLayerKeys{{
    {"name", Kind::text, "", "as in the record's layers", true},
    {"label", Kind::text, "", "its name for people", true},
    {"offset", Kind::u64, "bytes", "where it begins in the captured bytes", true},
    {"length", Kind::u64, "bytes", "without the layers that it carries", true},
    {"fields", Kind::object_list, "", "its fields in the order of their bytes", true, kFieldKeys},
}};
constexpr std::array<KeyInfo, 5> kDetailKeys{{
    {"file_id", Kind::text, "", "the capture"},
    {"at_file", Kind::text, "", "path of a capture that is in no store"},
    {"n", Kind::u64, "", "ordinal of the packet in its source, from 1", true},
    {"tree", Kind::object_list, "", "its layers, outermost first", true, kLayerKeys},
    {"hex", Kind::text, "", "--hex: its captured bytes, two digits each"},
}};
constexpr record::RecordType kDetailType{"detail", "the headers of one packet, field by field", kDetailKeys};
constexpr std::array<KeyInfo, 2> kDissectionKeys{{
    {"program", Kind::text, "", "who says it", true},
    {"text", Kind::text, "", "what it says, line by line", true},
}};
constexpr record::RecordType kDissectionType{
    "dissection", "--dissect: the packet as another program shows it", kDissectionKeys};
constexpr std::array<const record::RecordType*, 3> kTypes{&record::kPacketType, &kDetailType,
                                                          &kDissectionType};

record::FieldSet all_fields() {
  record::FieldSet fields;
  for (size_t i = 0; i < record::kFieldCount; ++i) fields.add(static_cast<Field>(i));
  fields.remove(Field::payload);
  return fields;
}

std::string field_object(const packet::DetailField& field, const Style& style) {
  Object object(style);
  object.text("key", field.key);
  object.text("label", field.label);
  object.text("value", field.value);
  if (!field.meaning.empty()) object.text("meaning", field.meaning);
  object.number("offset", field.offset);
  object.number("length", field.length);
  return object.take();
}

std::string layer_object(const packet::DetailLayer& layer, const Style& style) {
  std::vector<std::string> fields;
  for (const packet::DetailField& field : layer.fields) fields.push_back(field_object(field, style));
  Object object(style);
  object.text("name", layer.name);
  object.text("label", layer.label);
  object.number("offset", layer.offset);
  object.number("length", layer.length);
  object.json("fields", json_array(fields));
  return object.take();
}

class Packet final : public Verb {
 public:
  void declare(CLI::App& app, Selection& selection) override {
    add_file(app, selection);
    app.add_option("n", n_, "which packet of it, from 1")->type_name("N")->required();
    cli::add_switch(app, "--hex", hex_, "its bytes too");
    cli::add_choice(app, "--dissect", dissects_, {{"own", false}, {"tshark", true}},
                    "who takes it apart: tshark, if it is installed, knows more protocols");
  }

  base::Result<void> run(Query& query) override {
    if (const auto opened = query.open(); !opened) return opened;
    const store::Capture& capture = query.reader().captures().front();
    auto packets = store::StoredPackets::open(query.reader(), capture, {all_fields(), nullptr});
    if (!packets) return std::unexpected(packets.error());
    if (const auto asked = packets->ask(std::array{n_}); !asked) return asked;
    const auto found = packets->next();
    if (!found) return std::unexpected(found.error());
    if (!*found)
      return base::fail(capture.name + ": has no packet " + std::to_string(n_),
                        "pcapquery files says how many", base::Exit::no);
    record::PacketWriter writer(all_fields(), query.style().time);
    query.out().line(writer.line(packets->packet()));
    const auto comments = store::packet_comments(capture, packets->frame());
    if (!comments) return std::unexpected(comments.error());
    query.out().record(detail(*packets, *comments, query.style()));
    return dissects_ ? dissect(query, *packets, *comments) : base::Result<void>();
  }

 private:
  [[nodiscard]] std::string detail(const store::StoredPackets& packets,
                                   const std::vector<std::string>& comments, const Style& style) const {
    packet::Decoder decoder({all_fields(), false, nullptr, nullptr});
    record::Packet again;
    const capture::Frame& frame = packets.frame();
    decoder.decode(frame.data, frame.length, packets.interfaces()[frame.interface].link_type, again);
    std::vector<std::string> layers;
    if (!comments.empty()) layers.push_back(layer_object(packet::describe_comments(comments), style));
    for (const packet::DetailLayer& layer : packet::describe(frame.data, decoder.layers()))
      layers.push_back(layer_object(layer, style));
    const record::Packet& packet = packets.packet();
    Object object(style, kDetailType.name);
    if (packet.present.has(Field::file_id)) object.text("file_id", packet.file_id);
    if (packet.present.has(Field::at_file)) object.text("at_file", packet.at_file);
    object.number("n", packet.n);
    object.json("tree", json_array(layers));
    if (hex_) object.text("hex", store::hexadecimal(frame.data));
    return object.take();
  }

  static base::Result<void> dissect(Query& query, const store::StoredPackets& packets,
                                    const std::vector<std::string>& comments) {
    capture::Frame frame = packets.frame();
    frame.comments = comments;
    const auto text = dissect_with_tshark(frame, packets.interfaces());
    if (!text) return std::unexpected(text.error());
    Object object(query.style(), kDissectionType.name);
    object.text("program", "tshark");
    object.text("text", *text);
    query.out().record(object.take());
    return {};
  }

  uint64_t n_ = 0;
  bool hex_ = false, dissects_ = false;
};

}  // namespace

extern const VerbInfo kPacket;
const VerbInfo kPacket{"packet", "one packet, header by header", Takes::owner, kTypes, make_verb<Packet>};

}  // namespace wl::pcapquery
