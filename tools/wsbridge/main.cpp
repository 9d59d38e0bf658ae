#include "libcommon/cli/run.h"
#include "tools/wsbridge/manual.h"
#include "tools/wsbridge/options.h"

int main(int argc, char** argv) {
  wl::wsbridge::Options options;
  return wl::cli::run(
      {"wsbridge", "turn commands into WebSocket and REST", wl::wsbridge::kManual, wl::wsbridge::kTypes},
      argc, argv, [&](CLI::App& app) { wl::wsbridge::declare_options(app, options); },
      [&](wl::cli::Context& context) { return options.run(context); });
}
