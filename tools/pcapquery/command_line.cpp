#include "tools/pcapquery/command_line.h"

#include <csignal>

#include <CLI/CLI.hpp>

#include "libcommon/base/signals.h"
#include "libcommon/cli/options.h"
#include "tools/pcapquery/manual.h"
#include "tools/pcapquery/verbs.h"

namespace wl::pcapquery {
namespace {

constexpr const char* kWritten = "What is written";

std::vector<const record::RecordType*> all_types() {
  std::vector<const record::RecordType*> types;
  for (const VerbInfo* const verb : verbs())
    for (const record::RecordType* const type : verb->types)
      if (std::ranges::find(types, type) == types.end()) types.push_back(type);
  return types;
}

void declare_captures(CLI::App& verb, Selection& selection) {
  verb.add_option("files", selection.files,
                  "file_id, its beginning, name, or the path of a capture that is in no store; none: all "
                  "that are in the store")
      ->type_name("FILE");
  cli::add_text(verb, "--project", selection.project, "PROJECT", "the captures of a project: its name or id")
      ->group(kWhich);
  cli::add_text(verb, "--since", selection.since, "TIME",
                "packets from then on: 2026-11-20T09:03:00Z, 2026-11-20, or how long ago: 2h")
      ->group(kWhich);
  cli::add_text(verb, "--until", selection.until, "TIME", "packets before then")->group(kWhich);
  add_stored(verb, selection);
}

void declare_store(CLI::App& verb, Selection& selection) {
  cli::add_text(verb, "--store", selection.catalog.store, "DIR", "the store")->group(kWhich);
  cli::add_text(verb, "--db", selection.catalog.db, "URL",
                "its catalog: sqlite, sqlite:FILE, postgresql://USER@HOST/NAME, mysql://USER@HOST/NAME")
      ->group(kWhich);
  cli::add_text(verb, "--db-password-file", selection.catalog.password_file, "FILE",
                "its first line is the password of --db (else WIRELINE_DB_PASSWORD)")
      ->group(kWhich);
}

}  // namespace

const cli::Tool& tool() {
  static const std::vector<const record::RecordType*> kTypes = all_types();
  static const cli::Tool kTool{"pcapquery", "ask captures", kManual, kTypes};
  return kTool;
}

void CommandLine::declare(CLI::App& app) {
  app.require_subcommand(1);
  for (const VerbInfo* const info : verbs()) {
    Verb* const verb = verbs_.emplace_back(info->make()).get();
    CLI::App* const command = app.add_subcommand(info->name, info->summary);
    command->callback([this, verb, info] {
      chosen_ = verb;
      answers_afar_ = info->answers_afar;
    });
    verb->declare(*command, asker_.selection);
    declare_shared(*command, info->takes);
  }
}

bool CommandLine::may_be_asked_from_afar() const {
  const Selection& selection = asker_.selection;
  const catalog::Location& place = selection.catalog;
  return answers_afar_ && selection.owner.empty() && !asker_.table && place.db.empty() &&
         place.store.empty() && place.password_file.empty();
}

void CommandLine::declare_shared(CLI::App& verb, Takes takes) {
  if (takes == Takes::captures) declare_captures(verb, asker_.selection);
  if (takes != Takes::store)
    cli::add_text(verb, "--owner", asker_.selection.owner, "NAME",
                  "see what this owner has; default: everything")
        ->group(kWhich);
  declare_store(verb, asker_.selection);
  if (takes == Takes::store) return;
  cli::add_time(verb, asker_.time)->group(kWritten);
  cli::add_table(verb, asker_.table)->group(kWritten);
  cli::add_switch(verb, "--error-records", asker_.error_records,
                  "a failure on standard output too, as a record")
      ->group(kWritten);
}

base::Exit run(CommandLine& line, cli::Context& context) {
  base::Signals::catch_stop();
  base::Exit exit = base::Exit::ok;
  {
    Asker& asker = line.asker();
    asker.is_unwanted = base::Signals::stop_requested;
    asker.log = &context.log;
    asker.in = context.in;
    asker.out = context.out;
    const auto out = asker.table ? table_sink(context.out) : line_sink(context.out);
    Query query(asker, *out);
    const auto answered = line.answer(query);
    if (!answered && asker.error_records) out->error(answered.error());
    const auto written = out->flush();
    for (const std::string& fault : query.faults()) {
      context.log.error(fault);
      exit = base::Exit::failed;
    }
    if (!answered || !written) {
      const base::Error& error = answered ? written.error() : answered.error();
      if (!base::Signals::stop_requested()) context.log.error(error);
      exit = error.exit;
    }
  }
  if (const int stop =
          base::Signals::stop_signal()) {  // as if nobody had caught it, but nothing is left over
    (void)std::signal(stop, SIG_DFL);
    (void)std::raise(stop);
  }
  return exit;
}

}  // namespace wl::pcapquery
