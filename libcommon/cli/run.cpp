#include "libcommon/cli/run.h"

#include <algorithm>
#include <cerrno>
#include <exception>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "libcommon/base/edit_distance.h"
#include "libcommon/base/signals.h"
#include "libcommon/cli/layers.h"
#include "libcommon/cli/options.h"
#include "libcommon/cli/reference.h"
#include "libcommon/ndjson/output.h"
#include "libcommon/record/schema.h"

namespace wl::cli {
namespace {

/// Thrown out of the parser by options that are answered in place of the work: --help, --version, --schema.
struct Answer {
  std::string text;
};

/// A file opened later must not become standard output: descriptors 0 to 2 that are closed become /dev/null,
/// opened so that writing to it fails.
void fill_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", O_RDONLY);
  }
}

using Generator = std::function<std::string()>;

CLI::Option* add_answer(CLI::App& app, const std::string& name, const std::string& text, Generator answer) {
  return app.add_flag_callback(
                name, [answer = std::move(answer)] { throw Answer{answer()}; }, text)
      ->configurable(false)
      ->group("Help");
}

/// An option whose words each stand for a document. It is answered after the others were read, so that what
/// they say is known.
CLI::Option* add_documents(CLI::App& app, const std::string& name, const std::string& text,
                           const std::vector<std::pair<std::string, Generator>>& documents) {
  std::string words;
  for (const auto& [word, _] : documents) words += (words.empty() ? "" : "|") + word;
  const auto take = [words, documents](const std::string& value) -> base::Result<void> {
    for (const auto& [word, document] : documents) {
      if (word == value) throw Answer{document()};
    }
    return base::fail("\"" + value + "\" is not one of " + words);
  };
  return add_optional(app, name, documents.front().first, words, take, text)->configurable(false);
}

void add_help(CLI::App& app) {
  app.set_help_flag();
  add_answer(app, "-h,--help", "show this text", [&app] {
    return help_text(describe(app));
  })->trigger_on_parse();
}

void add_answers(CLI::App& app, const Tool& tool) {
  add_help(app);
  for (CLI::App* const verb : app.get_subcommands([](CLI::App*) { return true; })) {
    verb->fallthrough();  // what every tool has may stand behind the verb too
    add_help(*verb);
  }
  add_answer(app, "--version", "show the version", [&tool] {
    return std::string(tool.name) + " (wireline) " WIRELINE_VERSION "\n";
  })->trigger_on_parse();
  const auto schema = [&tool](record::SchemaLanguage language) {
    return [&tool, language] { return record::schema(language, tool.name, tool.types); };
  };
  add_documents(app, "--schema",
                "show what the records look like: JSON Schema, or a statement that loads them",
                {{"json", schema(record::SchemaLanguage::json)},
                 {"duckdb", schema(record::SchemaLanguage::duckdb)},
                 {"clickhouse", schema(record::SchemaLanguage::clickhouse)}})
      ->group("Help");
  add_documents(app, "--generate", "documents made of these declarations",
                {{"man", [&app, &tool] { return man_page(describe(app), {WIRELINE_VERSION, tool.manual}); }},
                 {"bash", [&app] { return bash_completion(describe(app)); }},
                 {"zsh", [&app] { return zsh_completion(describe(app)); }},
                 {"fish", [&app] { return fish_completion(describe(app)); }}})
      ->group("");
}

void add_log_options(CLI::App& app, base::LogOptions& log) {
  add_choice(app, "--log-format", log.json, {{"text", false}, {"json", true}}, "lines on standard error")
      ->group("Log");
  add_choice(app, "--log-level", log.level,
             {{"error", base::LogLevel::error},
              {"warning", base::LogLevel::warning},
              {"info", base::LogLevel::info},
              {"debug", base::LogLevel::debug}},
             "the least that is written")
      ->group("Log");
  add_text(app, "--log-file", log.file, "FILE", "in place of standard error; opened anew at SIGHUP")
      ->group("Log");
}

base::Exit print(const std::string& text, base::Log& log, int fd) {
  ndjson::Output out(fd);
  out.write(text);
  out.flush();
  if (out.state() != ndjson::WriteState::failed) return base::Exit::ok;
  log.error(out.error());
  return base::Exit::failed;
}

base::Exit run_work(Context& context, const std::function<base::Exit(Context&)>& work) {
  try {
    return work(context);
  } catch (const std::bad_alloc&) {
    context.log.error("out of memory");
  } catch (const std::exception& error) {
    context.log.error(error.what());
  }
  return base::Exit::failed;
}

/// "unknown option --limt (did you mean --limit?)"
std::string unknown_word(const CLI::App& app, const std::string& word) {
  if (!word.starts_with('-')) return "unexpected argument " + word;
  const std::string name = word.substr(0, std::min<size_t>(word.find('='), 64));
  std::string nearest;
  const auto look_into = [&](const CLI::App& declared) {
    for (const OptionGroup& group : describe(declared).groups) {
      for (const OptionEntry& option : group.options) {
        const std::string& known = option.names.back();
        if (nearest.empty() || base::edit_distance(name, known) < base::edit_distance(name, nearest))
          nearest = known;
      }
    }
  };
  look_into(app);
  for (const CLI::App* const verb : app.get_subcommands()) look_into(*verb);
  constexpr size_t kTypingError = 2;
  const bool near = name.starts_with("--") && base::edit_distance(name, nearest) <= kTypingError;
  return "unknown option " + name + (near ? " (did you mean " + nearest + "?)" : "");
}

/// "a verb is needed: serve, check"
std::string verbs_text(const CLI::App& app) {
  std::string text;
  for (const Command& verb : describe(app).verbs)
    text += (text.empty() ? "a verb is needed: " : ", ") + verb.name;
  return text;
}

/// What CLI11 says, in the house's words.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = error.what();
  const auto extras = app.remaining(true);
  switch (static_cast<CLI::ExitCodes>(error.get_exit_code())) {
    case CLI::ExitCodes::ExtrasError: return unknown_word(app, extras.at(0));
    case CLI::ExitCodes::ArgumentMismatch: return text.substr(0, text.find(": ")) + ": needs a value";
    case CLI::ExitCodes::FileError: {
      const auto path = app.get_config_ptr()->as<std::string>();
      return path + ": " + base::errno_text(::access(path.c_str(), R_OK) == 0 ? EISDIR : errno);
    }
    case CLI::ExitCodes::RequiredError:
      if (!extras.empty() && extras[0].starts_with('-')) return unknown_word(app, extras[0]);
      if (app.get_subcommands().empty() && !describe(app).verbs.empty()) return verbs_text(app);
      return text;
    default: return text;
  }
}

/// The line behind which the tool gives up before it began.
base::Error as_usage(std::string text, const Tool& tool) {
  const bool has_next_step = text.ends_with(')');
  return {std::move(text), has_next_step ? "" : "see " + std::string(tool.name) + " --help",
          base::Exit::usage};
}

base::Result<void> parse(CLI::App& app, const Tool& tool, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return {};
  } catch (const CLI::ParseError& error) {
    return std::unexpected(as_usage(usage_error(app, error), tool));
  } catch (const LayerError& error) {
    return std::unexpected(as_usage(error.what(), tool));
  }
}

}  // namespace

int run(const Tool& tool, int argc, char** argv, const std::function<void(CLI::App&)>& declare,
        const std::function<base::Exit(Context&)>& work) {
  fill_standard_descriptors();
  base::Signals::ignore_pipe();
  base::Log log{std::string(tool.name)};
  Context context{log, WIRELINE_VERSION, std::vector<std::string>(argv + 1, argv + argc)};
  const auto finish = [](base::Exit exit) { return static_cast<int>(exit); };

  CLI::App app{std::string(tool.summary), std::string(tool.name)};
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  base::LogOptions log_options;
  declare(app);
  add_log_options(app, log_options);
  add_layers(app);
  add_answers(app, tool);
  try {
    const auto parsed = parse(app, tool, argc, argv);
    const auto configured = parsed ? log.configure(log_options) : parsed;
    if (!configured) {
      log.error(configured.error());
      return finish(base::Exit::usage);
    }
  } catch (const Answer& answer) {
    return finish(print(answer.text, log, context.out));
  }
  return finish(run_work(context, work));
}

}  // namespace wl::cli
