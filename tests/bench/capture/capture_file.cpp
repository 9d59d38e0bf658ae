#include "tests/bench/capture/capture_file.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace wl::bench {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is written in the machine's byte order");
constexpr uint32_t kSnapLength = 262144;
constexpr uint32_t kEthernet = 1;
constexpr size_t kBufferSize = 1U << 20U;

}  // namespace

CaptureFile::CaptureFile(const std::string& path, FileFormat format)
    : path_(path), format_(format), file_(std::fopen(path.c_str(), "wb")) {
  if (!file_) throw std::runtime_error(path + ": " + std::strerror(errno));
  std::setvbuf(file_.get(), nullptr, _IOFBF, kBufferSize);
  if (format == FileFormat::pcap) {
    const std::array<uint32_t, 6> header{0xA1B2C3D4, 0x00040002, 0, 0, kSnapLength, kEthernet};
    put(header.data(), sizeof header);
  } else {
    const std::array<uint32_t, 7> section{0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0xFFFFFFFF, 0xFFFFFFFF, 28};
    const std::array<uint32_t, 5> interface{1, 20, kEthernet, kSnapLength, 20};
    put(section.data(), sizeof section);
    put(interface.data(), sizeof interface);
  }
}

void CaptureFile::put(const void* bytes, size_t size) {
  if (std::fwrite(bytes, 1, size, file_.get()) != size)
    throw std::runtime_error(path_ + ": " + std::strerror(errno));
}

void CaptureFile::add(int64_t time_us, std::string_view frame) {
  const auto size = static_cast<uint32_t>(frame.size());
  const auto time = static_cast<uint64_t>(time_us);
  if (format_ == FileFormat::pcap) {
    const std::array<uint32_t, 4> header{static_cast<uint32_t>(time / 1'000'000),
                                         static_cast<uint32_t>(time % 1'000'000), size, size};
    put(header.data(), sizeof header);
    put(frame.data(), frame.size());
    return;
  }
  const uint32_t padding = (4 - size % 4) % 4;
  const uint32_t block = 32 + size + padding;
  const std::array<uint32_t, 7> header{
      6, block, 0, static_cast<uint32_t>(time >> 32U), static_cast<uint32_t>(time), size, size};
  put(header.data(), sizeof header);
  put(frame.data(), frame.size());
  put("\0\0\0", padding);
  put(&block, sizeof block);
}

void CaptureFile::close() {
  if (std::fclose(file_.release()) != 0) throw std::runtime_error(path_ + ": " + std::strerror(errno));
}

}  // namespace wl::bench
