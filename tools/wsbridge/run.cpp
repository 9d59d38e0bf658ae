#include "tools/wsbridge/run.h"

#include "tools/wsbridge/check.h"
#include "tools/wsbridge/serve.h"

namespace wl::wsbridge {

base::Exit run(const Options& options, cli::Context& context) {
  const auto account = [&](const char* noun) {
    const auto done = wsbridge::account(noun, options.account, options.catalog, context.out);
    if (!done) context.log.error(done.error());
    return done ? base::Exit::ok : done.error().exit;
  };
  switch (options.verb) {
    case Verb::serve: return serve(options.serve, options.catalog, context);
    case Verb::check: return check(options.check_profiles, context.log);
    case Verb::connect: return connect(options.connect, context);
    case Verb::user: return account("user");
    case Verb::token: return account("token");
    case Verb::setup: return account("setup");
    case Verb::none: break;
  }
  context.log.error("a verb is needed (see wsbridge --help)");
  return base::Exit::usage;
}

}  // namespace wl::wsbridge
