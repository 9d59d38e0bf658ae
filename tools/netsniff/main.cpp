#include "libcommon/cli/run.h"
#include "tools/netsniff/options.h"
#include "tools/netsniff/sniff.h"

int main(int argc, char** argv) {
  wl::netsniff::Options options;
  return wl::cli::run(
      wl::netsniff::kTool, argc, argv, [&](CLI::App& app) { wl::netsniff::declare(app, options); },
      [&](wl::cli::Context& context) { return wl::netsniff::sniff(options, context); });
}
