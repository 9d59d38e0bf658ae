// describe_packets FILE [LIMIT]: the detail of each packet as a line of JSON, for test_detail.py.
#include <cstdio>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "libcommon/capture/open.h"
#include "libcommon/packet/decoder.h"
#include "libcommon/packet/detail.h"

namespace {

using nlohmann::json;

json to_json(const wl::packet::DetailLayer& layer) {
  json fields = json::array();
  for (const auto& field : layer.fields) {
    fields.push_back({field.key, field.value, field.offset, field.length});
  }
  return {{"name", layer.name},
          {"offset", layer.offset},
          {"length", layer.length},
          {"fields", std::move(fields)}};
}

bool describe_next(wl::capture::Source& source, wl::packet::Decoder& decoder) {
  wl::capture::Frame frame;
  const auto next = source.next(frame);
  if (!next || *next == wl::capture::Next::end) return false;
  if (*next == wl::capture::Next::idle) return true;
  wl::record::Packet packet;
  decoder.decode(frame.data, frame.length, source.interfaces()[frame.interface].link_type, packet);
  json layers = json::array();
  for (const auto& layer : wl::packet::describe(frame.data, decoder.layers()))
    layers.push_back(to_json(layer));
  std::puts(layers.dump().c_str());
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  auto source = wl::capture::open_file(arguments[1]);
  if (!source) return 1;
  wl::packet::Decoder decoder({.wanted = {wl::record::Field::layers}});
  long left = count > 2 ? std::atol(arguments[2]) : -1;
  while (left != 0 && describe_next(**source, decoder)) --left;
  return 0;
}
