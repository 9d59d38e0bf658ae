#include "tools/pcapingest/options.h"

#include <array>

#include <CLI/CLI.hpp>

#include "libcommon/cli/options.h"
#include "libcommon/record/stream_types.h"
#include "libcommon/store/records.h"
#include "tools/pcapingest/add.h"
#include "tools/pcapingest/imports.h"
#include "tools/pcapingest/manage.h"
#include "tools/pcapingest/manual.h"
#include "tools/pcapingest/records.h"
#include "tools/pcapingest/watch.h"

namespace wl::pcapingest {
namespace {

using cli::add_text;

void declare_common(CLI::App& verb, Options& o) {
  add_text(verb, "--store", o.location.store, "DIR", "directory of the store");
  add_text(verb, "--db", o.location.db, "URL",
           "the catalog: sqlite, sqlite:FILE, postgresql://USER@HOST/NAME, mysql://USER@HOST/NAME");
  add_text(verb, "--db-password-file", o.location.password_file, "FILE",
           "its first line is the password of --db (else WIRELINE_DB_PASSWORD)");
  add_text(verb, "--owner", o.owner, "NAME",
           "whose files and projects; default: imports are \"local\"'s, and all are seen");
  cli::add_time(verb, o.time);
  cli::add_quiet(verb, o.quiet);
  cli::add_switch(verb, "--error-records", o.error_records,
                  "failures on standard output too, as records; a capture that is cut is none");
}

void declare_import(CLI::App& verb, Options& o) {
  add_text(verb, "--project", o.project, "NAME", "the project that the files go into; its name or id");
  cli::add_switch(verb, "--no-copy", o.no_copy, "the original stays where it is, and must stay as it is");
  cli::add_count(verb, "--jobs", o.jobs, "how many files at once; default: one", 1, 64);
  cli::add_choice(verb, "--progress", o.progress,
                  {{"auto", Progress::automatic}, {"always", Progress::always}, {"never", Progress::never}},
                  "say on stderr how far it is");
}

void declare_retention(CLI::App& verb, Options& o) {
  // Some take it for "no limit", others for "nothing may stay".
  const CLI::Validator not_zero(
      [](const std::string& text) -> std::string {
        const bool zero = text.starts_with('0') && text.find_first_of("123456789") == std::string::npos;
        return zero ? "0 is no limit (leave it out to keep all; pcapingest delete deletes)" : "";
      },
      "");
  cli::add_size(verb, "--max-store", o.retention.max_bytes,
                "the oldest files go until the store has no more than this")
      ->check(not_zero);
  cli::add_duration(verb, "--max-age", o.retention.max_age_ns,
                    "files go when they came in longer ago than this")
      ->check(not_zero);
  cli::add_duration(verb, "--grace", o.retention.grace_ns,
                    "how long the bytes of deleted files stay, for who reads them");
}

void declare_add(CLI::App& verb, Options& o) {
  verb.add_option("files", o.paths, "captures, directories of captures, or - for standard input")
      ->type_name("FILE")
      ->required();
  declare_import(verb, o);
  add_text(verb, "--name", o.name, "TEXT", "what the file is called; default: the last part of its path");
  cli::add_size(verb, "--roll-size", o.roll_bytes,
                "of standard input: a new file after so many bytes; 0: never");
  cli::add_duration(verb, "--roll-time", o.roll_ns, "of standard input: a new file after so long; 0s: never");
  cli::add_duration(verb, "--wait", o.wait_ns, "of one file: after so long the import goes on by itself");
}

void declare_watch(CLI::App& verb, Options& o) {
  verb.add_option("folders", o.paths, "directories in which captures appear")->type_name("DIR")->required();
  declare_import(verb, o);
  declare_retention(verb, o);
}

void declare_prune(CLI::App& verb, Options& o) {
  declare_retention(verb, o);
  cli::add_switch(verb, "--dry-run", o.dry_run, "only say what would go");
}

void declare_project(CLI::App& verb, Options& o) {
  verb.add_option("action", o.action, "create, list or delete")
      ->type_name("ACTION")
      ->required()
      ->check(CLI::IsMember({"create", "list", "delete"}));
  verb.add_option("name", o.name, "which; delete takes its id too")->type_name("NAME");
}

void declare_delete(CLI::App& verb, Options& o) {
  verb.add_option("files", o.paths, "id, beginning of an id, or name")->type_name("FILE")->required();
  cli::add_switch(verb, "--dry-run", o.dry_run, "only say what would go");
  cli::add_duration(verb, "--grace", o.retention.grace_ns, "how long the bytes stay, for who reads them");
}

void declare_verify(CLI::App& verb, Options& o) {
  verb.add_option("files", o.paths, "id, beginning of an id, or name; default: all")->type_name("FILE");
}

void declare_imports(CLI::App& verb, Options& o) {
  cli::add_switch(verb, "--follow", o.follow, "go on, and tell how each ends");
}

struct Verb {
  const char* name;
  const char* summary;
  void (*declare)(CLI::App& verb, Options& options);
  base::Exit (*run)(const Options& options, cli::Context& context);
};

constexpr std::array<Verb, 7> kVerbs{{
    {"add", "take captures into the store", declare_add, add},
    {"imports", "show what is being taken in", declare_imports, imports},
    {"watch", "take in captures as they appear in a directory", declare_watch, watch},
    {"prune", "delete the oldest captures", declare_prune, prune},
    {"project", "make, list and delete projects", declare_project, manage_projects},
    {"delete", "delete captures", declare_delete, delete_files},
    {"verify", "see whether stored captures are as they were", declare_verify, verify_files},
}};

constexpr std::array<const record::RecordType*, 6> kTypes{&store::kFileType,    &kImportType,
                                                          &store::kProjectType, &kDeletionType,
                                                          &kVerificationType,   &record::kErrorType};

}  // namespace

const cli::Tool kTool{"pcapingest", "take captures into the store", kManual, kTypes};

void declare(CLI::App& app, Options& o) {
  app.require_subcommand(1);
  for (const Verb& row : kVerbs) {
    CLI::App& verb = *app.add_subcommand(row.name, row.summary);
    row.declare(verb, o);
    declare_common(verb, o);
    verb.callback([&o, &row] { o.run = [&o, &row](cli::Context& context) { return row.run(o, context); }; });
  }
}

}  // namespace wl::pcapingest
