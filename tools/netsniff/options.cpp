#include "tools/netsniff/options.h"

#include <array>
#include <fstream>
#include <string>

#include <CLI/CLI.hpp>

#include "libcommon/base/units.h"
#include "libcommon/cli/options.h"
#include "libcommon/record/field_selection.h"
#include "libcommon/record/stream_types.h"
#include "tools/netsniff/interfaces.h"
#include "tools/netsniff/manual.h"

namespace wl::netsniff {
namespace {

constexpr const char* kSource = "Where packets come from";
constexpr const char* kChoice = "Which packets";
constexpr const char* kRecords = "What is written of them";
constexpr const char* kRaw = "Raw capture";
constexpr const char* kHabits = "";  // accepted, not shown

constexpr uint64_t kMostPayload = 65535;  // no IP packet holds more

constexpr std::array<const record::RecordType*, 5> kTypes{
    &record::kPacketType, &kInterfaceType, &record::kMetaType, &record::kStatsType, &record::kEndType};

void declare_source(CLI::App& app, Options& options) {
  cli::add_text(app, "-i,--interface", options.interface, "IFACE", "capture live; \"any\": all interfaces")
      ->group(kSource);
  cli::add_repeatable(app, "-r,--read", options.files, "FILE",
                      "read a capture (pcap, pcapng; gzip, zstd, lz4, xz); \"-\": standard input")
      ->group(kSource);
  cli::add_switch(app, "-D,--list-interfaces", options.list_interfaces,
                  "write an interface record for each interface, and end")
      ->group(kSource);
  cli::add_size(app, "-s,--snaplen", options.snaplen, "bytes of each packet that are captured")
      ->group(kSource);
  cli::add_switch(app, "-p,--no-promiscuous", options.not_promiscuous, "leave the interface's mode as it is")
      ->group(kSource);
  cli::add_size(app, "-B,--buffer", options.buffer_bytes, "the kernel's buffer; a bare number counts KiB",
                1024)
      ->group(kSource);
  cli::add_text(app, "--user", options.user, "NAME", "drop privileges to this user once all is open")
      ->group(kSource);
  cli::add_choice(app, "--replay", options.replay,
                  {{"max", Replay::max}, {"1x", Replay::real}, {"10x", Replay::tenfold}},
                  "pace of a file: as fast as it goes, as it happened, or ten times that")
      ->group(kSource);
}

void declare_choice(CLI::App& app, Options& options) {
  app.add_option("words", options.words, "BPF expression, as tcpdump's")->type_name("BPF");
  cli::add_text(app, "-f,--filter", options.filter, "BPF", "the expression as one argument")->group(kChoice);
  cli::add_text(app, "-Y,--where", options.where, "FILTER",
                "a display filter of Wireshark's language: 'dns.flags.rcode == 3 and ip.addr == 10.0.0.0/8'")
      ->group(kChoice);
  cli::add_text(app, "-F,--filter-file", options.filter_file, "FILE", "the expression from a file")
      ->group(kChoice);
  cli::add_count(app, "-c,--limit", options.limit, "end after so many packets", 1)->group(kChoice);
  cli::add_duration(app, "--duration", options.duration_ns, "end after this time")->group(kChoice);
}

void declare_records(CLI::App& app, Options& options) {
  cli::add_fields(app, options.fields,
                  "groups (core app link ip tcp tunnel at), keys, \"all\"; +x and -x change the default "
                  "core,app,tunnel")
      ->group(kRecords);
  cli::add_time(app, options.time)->group(kRecords);
  cli::add_optional(
      app, "--payload", std::to_string(kMostPayload), "N",
      [&options](const std::string& value) -> base::Result<void> {
        const auto bytes = base::parse_number(value, kMostPayload);
        if (!bytes) return std::unexpected(bytes.error());
        options.payload_bytes = static_cast<uint32_t>(*bytes);
        return {};
      },
      "the bytes behind the transport header as base64, all or the first N of them")
      ->group(kRecords);
  cli::add_switch(app, "--decap", options.decap, "the innermost flow of a tunnel in the plain keys")
      ->group(kRecords);
  cli::add_local(app, options.local)->group(kRecords);
  cli::add_table(app, options.table)->group(kRecords);
  app.add_flag_callback(
         "-x", [&options] { options.hex = Hex::bytes; }, "with -t: the bytes in hex")
      ->group(kRecords);
  app.add_flag_callback(
         "-X", [&options] { options.hex = Hex::ascii; }, "with -t: the bytes in hex and ASCII")
      ->group(kRecords);
  cli::add_meta(app, options.meta)->group(kRecords);
  cli::add_quiet(app, options.quiet)->group(kRecords);
  cli::add_choice(app, "--on-slow", options.on_slow, {{"block", OnSlow::block}, {"drop", OnSlow::drop}},
                  "a reader that stalls makes the kernel drop packets, or netsniff itself; both are counted")
      ->group(kRecords);
}

void declare_raw(CLI::App& app, Options& options) {
  cli::add_text(app, "-w,--write", options.write, "FILE",
                "write the packets themselves (\"-\": standard output), and no records")
      ->group(kRaw);
  cli::add_choice(app, "--format", options.format,
                  {{"auto", RawFormat::by_name}, {"pcapng", RawFormat::pcapng}, {"pcap", RawFormat::pcap}},
                  "auto: pcap for names in .pcap or .cap, else pcapng")
      ->group(kRaw);
  cli::add_switch(app, "--print", options.print, "with -w: write records too")->group(kRaw);
  cli::add_size(app, "-C,--rotate-size", options.rotate_bytes,
                "begin a new file at this size; a bare number counts 1,000,000 bytes", 1'000'000)
      ->group(kRaw);
  cli::add_duration(app, "-G,--rotate-time", options.rotate_ns,
                    "begin a new file after this time; the name may hold strftime's % codes")
      ->group(kRaw);
  cli::add_count(app, "-W,--rotate-count", options.rotate_files,
                 "keep so many files: with -C a ring, with -G alone the end", 1)
      ->group(kRaw);
}

/// tcpdump's flags that are the rule here.
void declare_habits(CLI::App& app) {
  for (const char* const name : {"-n", "-l", "-U"})
    app.add_flag_callback(name, [] {}, "accepted; it is always so")->group(kHabits);
}

base::Error usage(std::string text, std::string hint) {
  return {std::move(text), std::move(hint), base::Exit::usage};
}

}  // namespace

const cli::Tool kTool{"netsniff", "packets of an interface or a capture as NDJSON", kManual, kTypes};

void declare(CLI::App& app, Options& options) {
  declare_source(app, options);
  declare_choice(app, options);
  declare_records(app, options);
  declare_raw(app, options);
  declare_habits(app);
}

base::Result<void> check(const Options& options) {
  const auto refuse = [](std::string text, std::string hint) {
    return std::unexpected(usage(std::move(text), std::move(hint)));
  };
  if (options.list_interfaces) return {};
  if (options.live() && !options.files.empty())
    return refuse("-i and -r exclude each other", "give one of them");
  if (!options.live() && options.files.empty()) {
    return refuse("no source", "name an interface with -i or a capture with -r; -D lists interfaces");
  }
  if (options.live() && options.replay != Replay::max)
    return refuse("--replay paces files", "give it with -r");
  if (!options.live() && options.on_slow == OnSlow::drop) {
    return refuse("--on-slow drop is for live capture", "a file waits for its reader");
  }
  if (options.write.empty() &&
      (options.rotate_bytes != 0 || options.rotate_ns != 0 || options.rotate_files != 0)) {
    return refuse("-C, -G and -W rotate files", "name one with -w");
  }
  if (options.write == "-" && options.print) {
    return refuse("-w - and --print would mix on standard output", "write the capture to a file");
  }
  if (options.write == "-" && (options.rotate_bytes != 0 || options.rotate_ns != 0)) {
    return refuse("standard output cannot be rotated", "name a file with -w");
  }
  if (options.hex != Hex::none && !options.table) return refuse("-x and -X belong to -t", "add -t");
  if (options.meta && (options.table || !options.prints_records())) {
    return refuse("--meta is for NDJSON", "leave it out, or write records");
  }
  return {};
}

base::Result<record::FieldSet> selected_fields(const Options& options) {
  record::FieldSet fields = record::default_fields();
  if (!options.fields.empty()) {
    const auto parsed = record::parse_fields(options.fields);
    if (!parsed) return parsed;
    fields = *parsed;
  }
  if (options.payload_bytes) fields.add(record::Field::payload);
  return fields;
}

base::Result<std::string> filter_expression(const Options& options) {
  std::string expression = options.filter;
  for (const std::string& word : options.words) expression += (expression.empty() ? "" : " ") + word;
  if (options.filter_file.empty()) return expression;
  if (!expression.empty()) {
    return std::unexpected(
        usage("-F and an expression on the command line exclude each other", "give one of them"));
  }
  std::ifstream file(options.filter_file, std::ios::binary);
  if (file) std::getline(file, expression, '\0');
  if (!file.is_open() || file.bad()) {
    return base::fail(options.filter_file + ": " + base::errno_text(errno), "", base::Exit::usage);
  }
  return expression;
}

}  // namespace wl::netsniff
