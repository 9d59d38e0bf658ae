// What a worker writes, line by line, what is written to it, and commands as a profile has them. An accepted
// answer is whole, and read the same whatever lines were read before it; a request is one line of JSON.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "libcommon/base/utf8.h"
#include "tools/wsbridge/worker/pool.h"

namespace {

using namespace wl;
using namespace wl::wsbridge;

void check(bool good) {
  if (!good) ::abort();
}

/// `line` in memory of its own, so that a read beyond its padding is seen.
struct Padded {
  explicit Padded(std::string_view line) : bytes(line), size(line.size()) {
    bytes.append(ndjson::kPadding, '\0');
  }
  [[nodiscard]] std::string_view text() const { return {bytes.data(), size}; }
  std::string bytes;
  size_t size;
};

void answer(ndjson::Fields& used, std::string_view line) {
  const Padded padded(line);
  ndjson::Fields fresh = worker::answer_fields();
  const auto first = worker::read_answer(padded.text(), fresh);
  const auto second = worker::read_answer(padded.text(), used);
  check(first.has_value() == second.has_value());
  if (!first) return;
  check(first->id == second->id && first->record == second->record && first->end == second->end);
  check(first->status == second->status && first->status >= 0 && first->status <= 3);
  check(first->end || !first->record.empty());
  if (first->record.empty()) return;
  const Padded record(first->record);
  ndjson::Fields object{{}};
  check(object.read(record.text()));
}

void request(const Argv& words) {
  const std::string line = worker::request_line(7, words, words.empty() ? "" : words.front());
  check(line.find('\n') == line.size() - 1);
  const auto parsed = nlohmann::json::parse(line);
  check(parsed.at("id") == "7" && parsed.at("argv").size() == words.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  ndjson::Fields used = worker::answer_fields();
  Argv words;
  for (size_t at = 0; at < input.size();) {
    const size_t end = std::min(input.find('\n', at), input.size());
    answer(used, input.substr(at, end - at));
    words.emplace_back(input.substr(at, end - at));
    at = end + 1;
  }
  request(words);
  if (const auto pipeline = process::split_command(input)) {
    check(!pipeline->empty());
    for (const Argv& argv : *pipeline) check(!argv.empty());
  }
  return 0;
}
