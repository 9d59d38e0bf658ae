#include "tools/wsbridge/run.h"

#include <array>
#include <string_view>
#include <utility>

#include "tools/wsbridge/check.h"
#include "tools/wsbridge/serve.h"

namespace wl::wsbridge {
namespace {

template <class Given>
using Action = std::pair<std::string_view, base::Exit (*)(const Given&, cli::Context&)>;

base::Exit enable_user(const UserOptions& options, cli::Context& context) {
  UserOptions other_way = options;
  other_way.enable = true;
  return disable_user(other_way, context);
}

constexpr std::array<Action<UserOptions>, 5> kUserActions{{{"add", add_user},
                                                           {"list", list_users},
                                                           {"passwd", change_password},
                                                           {"disable", disable_user},
                                                           {"enable", enable_user}}};
constexpr std::array<Action<TokenOptions>, 3> kTokenActions{
    {{"create", create_token}, {"list", list_tokens}, {"revoke", revoke_token}}};

template <class Given, size_t Count>
base::Exit act(const std::array<Action<Given>, Count>& actions, const std::string& name, Given given,
               const Options& options, cli::Context& context) {
  given.catalog = options.catalog;
  std::string known;
  for (const auto& [word, action] : actions) {
    if (word == name) return action(given, context);
    known += (known.empty() ? "" : ", ") + std::string(word);
  }
  context.log.error(name + ": not one of " + known);
  return base::Exit::usage;
}

}  // namespace

base::Exit run(const Options& options, cli::Context& context) {
  switch (options.verb) {
    case Verb::serve: return serve(options.serve, options.catalog, context);
    case Verb::check: return check(options.check_profiles, context.log);
    case Verb::connect: return connect(options.connect, context);
    case Verb::user: return act(kUserActions, options.action, options.user, options, context);
    case Verb::token: return act(kTokenActions, options.action, options.token, options, context);
    case Verb::setup: {
      SetupOptions setup = options.setup;
      setup.catalog = options.catalog;
      return make_setup_link(setup, context);
    }
    case Verb::none: break;
  }
  context.log.error("a verb is needed (see wsbridge --help)");
  return base::Exit::usage;
}

}  // namespace wl::wsbridge
