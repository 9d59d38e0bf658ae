#include "tools/wsbridge/options.h"

#include <CLI/CLI.hpp>

#include "libcommon/cli/options.h"
#include "tools/wsbridge/profile/read.h"

namespace wl::wsbridge {
namespace {

using cli::add_text;

void declare_serve(CLI::App& verb, Options& o) {
  ServeOptions& s = o.serve;
  verb.add_option("profiles", s.profiles, "what to serve; several are joined")->type_name("PROFILE");
  cli::add_repeatable(verb, "--listen", s.listen, "ADDRESS",
                      "HOST:PORT, [IPV6]:PORT or unix:PATH; default: 127.0.0.1:8000");
  cli::add_repeatable(
      verb, "--stream", s.streams, "NAME=COMMAND",
      "run a command (or, with -, read standard input) and serve its lines without a profile");
  cli::add_switch(verb, "--lines", s.lines, "lines of --stream that are no JSON travel as text");
  add_text(verb, "--tls-cert", s.certificate, "FILE", "certificate chain: all of --listen speak TLS");
  add_text(verb, "--tls-key", s.key, "FILE", "its private key");
  add_text(verb, "--metrics-listen", s.metrics_listen, "ADDRESS", "answer /metrics there, and only there");
  add_text(verb, "--redis", s.redis, "URL",
           "cache and rate limits are shared by several bridges: redis://HOST:PORT/DB");
  add_text(verb, "--env-file", s.env_file, "FILE",
           "settings by their old names: HOST, PORT, REDIS_HOST, RATE_LIMIT_COMMANDS, …");
  cli::add_duration(verb, "--grace", s.grace, "how long answers may take to finish when it is stopped");
  cli::add_switch(verb, "--access-log", s.access_log, "a line for each request");
}

void declare_connect(CLI::App& verb, Options& o) {
  verb.add_option("url", o.connect.url, "ws:// or wss://")->type_name("WS_URL")->required();
  verb.add_option("command", o.connect.command,
                  "what gets the messages as lines; default: standard input and output")
      ->type_name("COMMAND");
  add_text(verb, "--ca", o.connect.ca_file, "FILE", "who may have signed the server's certificate");
  add_text(verb, "--token-file", o.connect.token_file, "FILE",
           "its first line is the token (else WIRELINE_TOKEN)");
}

void declare_user(CLI::App& verb, Options& o) {
  verb.add_option("action", o.account.action, "add, list, passwd, disable or enable")
      ->type_name("ACTION")
      ->required();
  verb.add_option("email", o.account.email, "whom")->type_name("EMAIL");
  add_text(verb, "--password-file", o.account.password_file, "FILE",
           "its first line; default: it is asked for");
}

void declare_token(CLI::App& verb, Options& o) {
  verb.add_option("action", o.account.action, "create, list or revoke")->type_name("ACTION")->required();
  verb.add_option("id", o.account.id, "of the token to revoke")->type_name("ID");
  add_text(verb, "--user", o.account.email, "EMAIL", "whose");
  add_text(verb, "--name", o.account.name, "TEXT", "what it is for");
  cli::add_duration(verb, "--expires", o.account.token_ns, "how long it is good");
}

void declare_setup(CLI::App& verb, Options& o) {
  add_text(verb, "--url", o.account.url, "URL", "where the bridge is reached");
  cli::add_duration(verb, "--expires", o.account.code_ns, "how long it is good");
}

}  // namespace

void declare_options(CLI::App& app, Options& o) {
  using Run = std::function<base::Exit(cli::Context&)>;
  const auto add_verb = [&app, &o](const char* name, const char* summary, const Run& run) {
    CLI::App* const verb = app.add_subcommand(name, summary);
    verb->callback([&o, run] { o.run = run; });
    return verb;
  };
  using Work = std::function<base::Result<void>(cli::Context&)>;
  const auto with_catalog = [&o, add_verb](const char* name, const char* summary, const Work& work,
                                           void (*declare)(CLI::App&, Options&)) {
    CLI::App& verb = *add_verb(name, summary, [work](cli::Context& context) {
      const auto done = work(context);
      if (!done) context.log.error(done.error());
      return done ? base::Exit::ok : done.error().exit;
    });
    declare(verb, o);
    add_text(
        verb, "--db", o.catalog.db, "URL",
        "the catalog of users: sqlite, sqlite:FILE, postgresql://USER@HOST/NAME, mysql://USER@HOST/NAME");
    add_text(verb, "--db-password-file", o.catalog.password_file, "FILE",
             "its first line is the password of --db (else WIRELINE_DB_PASSWORD)");
    add_text(verb, "--store", o.catalog.store, "DIR", "directory of the sqlite catalog");
  };
  const auto account_verb = [&o](const char* noun) {
    return [&o, noun](cli::Context& context) { return account(noun, o.account, o.catalog, context); };
  };
  app.require_subcommand(1);
  with_catalog(
      "serve", "serve streams, workers and routes",
      [&o](cli::Context& context) { return serve(o.serve, o.catalog, context); }, declare_serve);
  add_verb("check", "say what is wrong with a profile, and who may do what",
           [&o](cli::Context& context) { return check(o.check_profiles, context.log); })
      ->add_option("profiles", o.check_profiles, "the files")
      ->type_name("PROFILE")
      ->required();
  declare_connect(*add_verb("connect", "join a command to a WebSocket elsewhere",
                            [&o](cli::Context& context) { return connect(o.connect, context); }),
                  o);
  with_catalog("user", "make and change users", account_verb("user"), declare_user);
  with_catalog("token", "make and revoke tokens for scripts", account_verb("token"), declare_token);
  with_catalog("setup", "a new one-time link that makes a user", account_verb("setup"), declare_setup);
}

}  // namespace wl::wsbridge
