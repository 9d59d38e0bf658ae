#include "tools/wsbridge/options.h"

#include <CLI/CLI.hpp>

#include "libcommon/cli/options.h"

namespace wl::wsbridge {
namespace {

/// A verb, which remembers that it was chosen.
CLI::App& add_verb(CLI::App& app, Options& o, const std::string& name, Verb verb,
                   const std::string& summary) {
  CLI::App* const made = app.add_subcommand(name, summary);
  made->callback([&o, verb] { o.verb = verb; });
  return *made;
}

void add_catalog(CLI::App& verb, catalog::Location& where) {
  cli::add_text(
      verb, "--db", where.db, "URL",
      "the catalog of users: sqlite, sqlite:FILE, postgresql://USER@HOST/NAME, mysql://USER@HOST/NAME");
  cli::add_text(verb, "--db-password-file", where.password_file, "FILE",
                "its first line is the password of --db (else WIRELINE_DB_PASSWORD)");
  cli::add_text(verb, "--store", where.store, "DIR", "directory of the sqlite catalog");
}

void add_serve(CLI::App& app, Options& o) {
  CLI::App& verb = add_verb(app, o, "serve", Verb::serve, "serve streams, workers and routes");
  ServeOptions& s = o.serve;
  verb.add_option("profiles", s.profiles, "what to serve; several are joined")->type_name("PROFILE");
  cli::add_repeatable(verb, "--listen", s.listen, "ADDRESS",
                      "HOST:PORT, [IPV6]:PORT or unix:PATH; default: 127.0.0.1:8000");
  cli::add_repeatable(
      verb, "--stream", s.streams, "NAME=COMMAND",
      "run a command (or, with -, read standard input) and serve its lines without a profile");
  cli::add_switch(verb, "--lines", s.lines, "lines of --stream that are no JSON travel as text");
  cli::add_text(verb, "--tls-cert", s.certificate, "FILE", "certificate chain: all of --listen speak TLS");
  cli::add_text(verb, "--tls-key", s.key, "FILE", "its private key");
  cli::add_text(verb, "--metrics-listen", s.metrics_listen, "ADDRESS",
                "answer /metrics there, and only there");
  cli::add_text(verb, "--redis", s.redis, "URL",
                "cache and rate limits are shared by several bridges: redis://HOST:PORT/DB");
  cli::add_text(verb, "--env-file", s.env_file, "FILE",
                "settings by their old names: HOST, PORT, REDIS_HOST, RATE_LIMIT_COMMANDS, …");
  cli::add_duration(verb, "--grace", s.grace, "how long answers may take to finish when it is stopped");
  cli::add_switch(verb, "--access-log", s.access_log, "a line for each request");
  add_catalog(verb, o.catalog);
}

void add_connect(CLI::App& app, Options& o) {
  CLI::App& verb = add_verb(app, o, "connect", Verb::connect, "join a command to a WebSocket elsewhere");
  ConnectOptions& c = o.connect;
  verb.add_option("url", c.url, "ws:// or wss://")->type_name("WS_URL")->required();
  verb.add_option("command", c.command, "what gets the messages as lines; default: standard input and output")
      ->type_name("COMMAND");
  cli::add_text(verb, "--ca", c.ca_file, "FILE", "who may have signed the server's certificate");
  cli::add_text(verb, "--token-file", c.token_file, "FILE",
                "its first line is the token (else WIRELINE_TOKEN)");
}

void add_accounts(CLI::App& app, Options& o) {
  AccountOptions& a = o.account;
  CLI::App& user = add_verb(app, o, "user", Verb::user, "make and change users");
  user.add_option("action", a.action, "add, list, passwd, disable or enable")
      ->type_name("ACTION")
      ->required();
  user.add_option("email", a.email, "whom")->type_name("EMAIL");
  cli::add_text(user, "--password-file", a.password_file, "FILE", "its first line; default: it is asked for");
  add_catalog(user, o.catalog);

  CLI::App& token = add_verb(app, o, "token", Verb::token, "make and revoke tokens for scripts");
  token.add_option("action", a.action, "create, list or revoke")->type_name("ACTION")->required();
  token.add_option("id", a.id, "of the token to revoke")->type_name("ID");
  cli::add_text(token, "--user", a.email, "EMAIL", "whose");
  cli::add_text(token, "--name", a.name, "TEXT", "what it is for");
  cli::add_duration(token, "--expires", a.token_ns, "how long it is good");
  add_catalog(token, o.catalog);

  CLI::App& setup = add_verb(app, o, "setup", Verb::setup, "a new one-time link that makes a user");
  cli::add_text(setup, "--url", a.url, "URL", "where the bridge is reached");
  cli::add_duration(setup, "--expires", a.code_ns, "how long it is good");
  add_catalog(setup, o.catalog);
}

}  // namespace

void declare_options(CLI::App& app, Options& o) {
  app.require_subcommand(1);
  add_serve(app, o);
  CLI::App& check =
      add_verb(app, o, "check", Verb::check, "say what is wrong with a profile, and who may do what");
  check.add_option("profiles", o.check_profiles, "the files")->type_name("PROFILE")->required();
  add_connect(app, o);
  add_accounts(app, o);
}

}  // namespace wl::wsbridge
