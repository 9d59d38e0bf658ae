// make_capture --packets N --seed S --out FILE [--format pcap|pcapng]: a capture of our own making, the same
// for the same seed: for the benchmark 2,000,000 packets, for the demonstration 3,000.
#include <cstdio>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libcommon/base/units.h"
#include "tests/bench/capture/capture_file.h"
#include "tests/bench/capture/frame.h"
#include "tests/bench/capture/plan.h"

namespace {

constexpr uint64_t kMostPackets = 50'000'000;  // the plan is held in memory
constexpr std::string_view kUsage =
    "usage: make_capture --packets N [--seed S] [--format pcap|pcapng] --out FILE\n";

struct Options {
  uint64_t packets = 0;
  uint64_t seed = 1;
  std::string out{};
  wl::bench::FileFormat format = wl::bench::FileFormat::pcap;
};

std::optional<Options> parse(std::span<char*> arguments) {
  Options options;
  for (size_t i = 1; i + 1 < arguments.size(); i += 2) {
    const std::string_view flag = arguments[i];
    const std::string_view value = arguments[i + 1];
    if (flag == "--packets") {
      options.packets = wl::base::parse_number(value, kMostPackets).value_or(0);
    } else if (flag == "--seed") {
      const auto seed = wl::base::parse_number(value);
      if (!seed) return std::nullopt;
      options.seed = *seed;
    } else if (flag == "--out") {
      options.out = value;
    } else if (flag == "--format" && value == "pcapng") {
      options.format = wl::bench::FileFormat::pcapng;
    } else if (flag != "--format" || value != "pcap") {
      return std::nullopt;
    }
  }
  if (arguments.size() % 2 == 0 || options.packets == 0 || options.out.empty()) return std::nullopt;
  return options;
}

void write(const Options& options) {
  const wl::bench::Plan plan = wl::bench::make_plan(options.packets, options.seed);
  wl::bench::FrameWriter writer(plan, options.seed);
  wl::bench::CaptureFile file(options.out, options.format);
  uint64_t bytes = 0;
  uint64_t heads = 0;
  for (const wl::bench::Packet& packet : plan.packets) {
    const std::string& frame = writer.frame(packet);
    bytes += frame.size();
    heads += packet.body == wl::bench::Body::head ? 1 : 0;
    file.add(packet.time_us, frame);
  }
  file.close();
  std::fprintf(stderr, "make_capture: %s: %zu packets, %zu flows, %llu bytes on the wire, %llu heads\n",
               options.out.c_str(), plan.packets.size(), plan.flows.size(),
               static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(heads));
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Options> options = parse({argv, static_cast<size_t>(argc)});
  if (!options) {
    std::fputs(kUsage.data(), stderr);
    return 2;
  }
  try {
    write(*options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_capture: %s\n", error.what());
    return 1;
  }
  return 0;
}
