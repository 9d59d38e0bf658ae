#pragma once
// The capture on disk: pcap or pcapng, Ethernet, microseconds, little-endian.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace wl::bench {

enum class FileFormat : uint8_t { pcap, pcapng };

/// Throws std::runtime_error when the file cannot be written.
class CaptureFile {
 public:
  CaptureFile(const std::string& path, FileFormat format);

  void add(int64_t time_us, std::string_view frame);
  /// Must be called: what fails late (a full disk) is seen here.
  void close();

 private:
  void put(const void* bytes, size_t size);

  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  FileFormat format_;
  std::unique_ptr<std::FILE, Closer> file_;
};

}  // namespace wl::bench
