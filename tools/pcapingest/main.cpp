#include "libcommon/cli/run.h"
#include "tools/pcapingest/options.h"

int main(int argc, char** argv) {
  wl::pcapingest::Options options;
  return wl::cli::run(
      wl::pcapingest::kTool, argc, argv, [&](CLI::App& app) { wl::pcapingest::declare(app, options); },
      [&](wl::cli::Context& context) { return options.run(context); });
}
