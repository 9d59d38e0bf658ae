#pragma once
// The frame around every tool: command line, configuration, --help, --version, --schema, documents, log, exit
// status. Alone in the house it touches argv, the environment and the standard streams.
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/base/log.h"
#include "libcommon/record/type.h"

namespace CLI {
class App;
}

namespace wl::cli {

/// What a tool is. Everything here is constant text.
struct Tool {
  std::string_view name;     ///< "netsniff"
  std::string_view summary;  ///< one line: "watch packets as NDJSON"
  std::string_view
      manual;  ///< tools/<tool>/manual.txt: the prose of the man page (mdoc source, embedded at build time)
  std::span<const record::RecordType* const> types;  ///< what it writes, for --schema
};

/// What the work is given by run(): the effects of the process.
struct Context {
  base::Log& log;
  std::string_view version;            ///< "0.1.0"
  std::vector<std::string> arguments;  ///< of the command line, without the program's name
  int in = 0;                          ///< standard input
  int out = 1;                         ///< standard output
};

/// The whole life of a program: `declare` puts the tool's options into the app, which parses argv with TOML
/// configuration and WIRELINE_ environment under it (flag over environment over file); `work` then runs and
/// gives the exit status. Usage errors exit 2 with one line; exceptions that escape `work` exit 1 with one
/// line.
[[nodiscard]] int run(const Tool& tool, int argc, char** argv, const std::function<void(CLI::App&)>& declare,
                      const std::function<base::Exit(Context&)>& work);

}  // namespace wl::cli
