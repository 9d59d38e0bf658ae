#include "libcommon/cli/run.h"

#include <exception>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "libcommon/base/signals.h"
#include "libcommon/cli/options.h"
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

void add_answers(CLI::App& app, const Tool& tool) {
  app.set_help_flag();
  const auto answer = [&app](const std::string& name, const std::string& text,
                             std::function<std::string()> f) {
    app.add_flag_callback(
           name, [f = std::move(f)] { throw Answer{f()}; }, text)
        ->trigger_on_parse()
        ->configurable(false)
        ->group("Help");
  };
  answer("-h,--help", "this text", [&app] { return app.help(); });
  answer("--version", "the version",
         [&tool] { return std::string(tool.name) + " (wireline) " WIRELINE_VERSION "\n"; });
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

}  // namespace

int run(const Tool& tool, int argc, char** argv, const std::function<void(CLI::App&)>& declare,
        const std::function<base::Exit(Context&)>& work) {
  fill_standard_descriptors();
  base::Signals::ignore_pipe();
  base::Log log{std::string(tool.name)};
  Context context{log, WIRELINE_VERSION};
  const auto finish = [](base::Exit exit) { return static_cast<int>(exit); };

  CLI::App app{std::string(tool.summary), std::string(tool.name)};
  base::LogOptions log_options;
  declare(app);
  add_log_options(app, log_options);
  add_answers(app, tool);
  try {
    app.parse(argc, argv);
  } catch (const Answer& answer) {
    return finish(print(answer.text, log, context.out));
  } catch (const CLI::ParseError& error) {
    log.error(std::string(error.what()) + " (see " + std::string(tool.name) + " --help)");
    return finish(base::Exit::usage);
  }
  if (const auto configured = log.configure(log_options); !configured) {
    log.error(configured.error());
    return finish(base::Exit::usage);
  }
  return finish(run_work(context, work));
}

}  // namespace wl::cli
