#include "libcommon/cli/run.h"
#include "tools/netwindow/manual.h"
#include "tools/netwindow/options.h"
#include "tools/netwindow/run.h"
#include "tools/netwindow/types.h"

int main(int argc, char** argv) {
  wl::netwindow::Options options;
  return wl::cli::run(
      {"netwindow", "sum up NDJSON records by windows of time", wl::netwindow::kManual,
       wl::netwindow::kTypes},
      argc, argv, [&](CLI::App& app) { wl::netwindow::declare_options(app, options); },
      [&](wl::cli::Context& context) { return wl::netwindow::run(options, context); });
}
