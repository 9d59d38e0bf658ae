#include "libcommon/base/services.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

namespace wl::base {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlank));
  line.remove_prefix(word.size());
  return word;
}

bool is_plain(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

}  // namespace

Services Services::load(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

Services Services::parse(std::string_view text) {
  Services services;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const std::string_view name = take_word(line);
    const std::string_view port_text = take_word(line);
    uint16_t port = 0;
    const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
    if (!is_plain(name) || error != std::errc{}) continue;
    const std::string_view transport(end, static_cast<size_t>(port_text.data() + port_text.size() - end));
    if (transport != "/tcp" && transport != "/udp") continue;
    uint16_t& index = (*services.ports_)[transport == "/tcp" ? 0 : 1][port];
    if (index != 0 || services.names_.size() > UINT16_MAX) continue;
    index = static_cast<uint16_t>(services.names_.size());
    services.names_.emplace_back(name);
  }
  return services;
}

uint16_t Services::service_port(bool tcp, uint16_t source, uint16_t destination, bool syn, bool ack) const {
  if (syn) return ack ? source : destination;
  const auto& named = (*ports_)[tcp ? 0 : 1];
  if ((named[source] != 0) != (named[destination] != 0)) return named[source] != 0 ? source : destination;
  return std::min(source, destination);
}

}  // namespace wl::base
