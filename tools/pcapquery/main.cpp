#include "libcommon/cli/run.h"
#include "tools/pcapquery/command_line.h"

int main(int argc, char** argv) {
  wl::pcapquery::CommandLine line;
  return wl::cli::run(
      wl::pcapquery::tool(), argc, argv, [&](CLI::App& app) { line.declare(app); },
      [&](wl::cli::Context& context) { return wl::pcapquery::run(line, context); });
}
