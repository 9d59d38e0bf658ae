#include "tests/support/seeds.h"

#include <cstdlib>
#include <fstream>
#include <functional>

namespace wl::test {
namespace {

// What a file of the corpus may have: beyond that libFuzzer is slow and finds no more.
constexpr size_t kMaxSeed = 8192;

void put16(std::string& to, size_t value) {
  to.push_back(static_cast<char>(value >> 8));
  to.push_back(static_cast<char>(value));
}

}  // namespace

Seed::Seed(bool decap) : decap_(decap) {
  if (const char* const folder = std::getenv("WIRELINE_SEEDS")) folder_ = folder;
}

Seed::~Seed() {
  if (folder_.empty() || bytes_.size() > kMaxSeed || bytes_.empty()) return;
  const std::string name = folder_ + "/" + std::to_string(std::hash<std::string>{}(bytes_));
  std::ofstream(name, std::ios::binary) << bytes_;
}

void Seed::add(uint16_t link_type, std::span<const uint8_t> captured, size_t length) {
  if (folder_.empty() || captured.size() > 0xffff) return;
  if (bytes_.empty()) bytes_.push_back(decap_ ? '\1' : '\0');
  put16(bytes_, link_type);
  put16(bytes_, captured.size());
  put16(bytes_, length - captured.size());
  bytes_.append(reinterpret_cast<const char*>(captured.data()), captured.size());
}

}  // namespace wl::test
