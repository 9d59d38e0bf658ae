#include "tools/wsbridge/shape/program.h"

#include <algorithm>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <mutex>
#include <thread>

extern "C" {
#include <jq.h>
}

#include "libcommon/base/time.h"

namespace wl::wsbridge::shape {

namespace {

// Before every program, on its first line so that jq's line numbers stay true. Behind `(` jq takes no import.
// jq 1.6 aborts the process on what `implode` cannot take.
constexpr std::string_view kBefore =
    "def env: {}; def stderr: .; def modulemeta: error(\"there are no modules\"); def _implode: implode; "
    "def implode: if all(type == \"number\" and . >= 0 and . < 1114112 and (. < 55296 or . > 57343)) then "
    "_implode "
    "else error(\"implode: no code points\") end; {} as $ENV | (";
constexpr std::string_view kBehind = "\n)";

/// A value of libjq, which counts references by hand.
class Value {
 public:
  explicit Value(jv value) : value_(value) {}
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  ~Value() { jv_free(value_); }
  [[nodiscard]] jv copy() const { return jv_copy(value_); }
  [[nodiscard]] jv_kind kind() const { return jv_get_kind(value_); }
  [[nodiscard]] bool valid() const { return kind() != JV_KIND_INVALID; }
  /// Of a string; lives as long as this.
  [[nodiscard]] std::string_view text() const {
    return {jv_string_value(value_), static_cast<size_t>(jv_string_length_bytes(copy()))};
  }
  /// As a message: a string as it is, else JSON.
  [[nodiscard]] std::string message() const {
    return std::string(kind() == JV_KIND_STRING ? text() : Value(jv_dump_string(copy(), 0)).text());
  }

 private:
  jv value_;
};

/// What an invalid value says of itself.
std::string reason_of(const Value& invalid, std::string_view otherwise) {
  const Value message(jv_invalid_get_msg(invalid.copy()));
  std::string text = message.kind() == JV_KIND_NULL ? std::string(otherwise) : message.message();
  std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text.substr(0, 300);
}

base::Result<jv> parse(std::string_view json) {
  if (json.size() > INT_MAX) return base::fail("jq: JSON of more than 2 GB");
  const Value value(jv_parse_sized(json.data(), static_cast<int>(json.size())));
  if (!value.valid()) return base::fail("jq: " + reason_of(value, "no JSON"));
  return value.copy();
}

/// jq reports an error with the program behind it, and says how many errors there were: the first line of the
/// first.
void keep_first_error(void* into, jv message) {
  auto& kept = *static_cast<std::string*>(into);
  std::string text = Value(message).message();
  if (!kept.empty()) return;
  text.resize(std::min(text.find('\n'), text.size()));
  for (const std::string_view noise : {"jq: error: ", " (Unix shell quoting issues?)", " at <top-level>"}) {
    if (const size_t at = text.find(noise); at != std::string::npos) text.erase(at, noise.size());
  }
  if (text.ends_with(':')) text.pop_back();
  kept = text;
}

/// The thread that stops programs that run too long: jq looks at its halt flag before each step.
class Watchdog {
 public:
  struct Watched {
    std::mutex mutex;
    jq_state* jq = nullptr;
    int64_t until_ns = 0;  // 0: does not run
    bool stopped = false;
  };

  /// The one that all programs share; it ends with the last of them.
  static std::shared_ptr<Watchdog> shared() {
    static std::mutex mutex;
    static std::weak_ptr<Watchdog> current;
    const std::lock_guard lock(mutex);
    auto watchdog = current.lock();
    if (!watchdog) current = watchdog = std::make_shared<Watchdog>();
    return watchdog;
  }
  void add(Watched& program) {
    const std::lock_guard lock(mutex_);
    programs_.push_back(&program);
  }
  void remove(Watched& program) {
    const std::lock_guard lock(mutex_);
    std::erase(programs_, &program);
  }

 private:
  void look(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      wake_.wait_for(lock, stop, std::chrono::milliseconds(Program::kMaxMs / 4), [] { return false; });
      const int64_t now = base::steady_clock_ns();
      for (Watched* program : programs_) {
        const std::lock_guard one(program->mutex);
        if (program->until_ns == 0 || now < program->until_ns || jq_halted(program->jq) != 0) continue;
        program->stopped = true;
        jq_halt(program->jq, jv_null(), jv_null());
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Watched*> programs_;
  std::jthread thread_{[this](const std::stop_token& stop) { look(stop); }};  // last: ends before the rest
};

}  // namespace

struct Program::State {
  State() {
    watched.jq = jq_init();
    watchdog->add(watched);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    watchdog->remove(watched);
    jq_teardown(&watched.jq);
  }

  std::string error{};  // of jq while it compiles
  std::shared_ptr<Watchdog> watchdog = Watchdog::shared();
  Watchdog::Watched watched{};
  int64_t rests_until_ns = 0;
};

Program::Program(std::unique_ptr<State> state) : state_(std::move(state)) {}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;

base::Result<Program> Program::compile(const std::string& text,
                                       const std::vector<std::pair<std::string, std::string>>& variables) {
  if (text.find('\0') != std::string::npos) return base::fail("jq: a NUL in the program");
  auto state = std::make_unique<State>();
  jq_state* jq = state->watched.jq;
  if (jq == nullptr) return base::fail("jq: out of memory");
  jq_set_error_cb(jq, keep_first_error, &state->error);
  // jq_init() of 1.6 leaves these two to chance.
  jq_set_input_cb(jq, [](jq_state*, void*) { return jv_invalid(); }, nullptr);
  jq_set_debug_cb(jq, [](void*, jv message) { jv_free(message); }, nullptr);
  jq_set_attr(jq, jv_string("JQ_LIBRARY_PATH"), jv_array());  // without it ~/.jq may trip an assertion
  jv arguments = jv_object();
  for (const auto& [name, json] : variables) {
    const auto value = parse(json);
    if (!value) return jv_free(arguments), base::with_context("$" + name, value.error());
    arguments = jv_object_set(arguments, jv_string(name.c_str()), *value);
  }
  const std::string whole = std::string(kBefore) + text + std::string(kBehind);
  if (jq_compile_args(jq, whole.c_str(), jv_copy(arguments)) == 0) {
    // What jq says of the text alone is clearer, if it has something to say.
    std::string error = std::exchange(state->error, {});
    if (jq_compile_args(jq, text.c_str(), jv_copy(arguments)) == 0) error = state->error;
    jv_free(arguments);
    return base::fail("jq: " + error);
  }
  jv_free(arguments);
  return Program(std::move(state));
}

base::Result<void> Program::run(std::string_view json,
                                const std::function<void(std::string_view result)>& each) {
  auto& watched = state_->watched;
  const int64_t start = base::steady_clock_ns();
  if (start < state_->rests_until_ns) return base::fail("jq: the program rests, it took too long before");
  auto input = parse(json);
  if (!input) return std::unexpected(std::move(input.error()));
  jq_start(watched.jq, *input, 0);
  {
    const std::lock_guard lock(watched.mutex);
    watched.until_ns = start + kMaxMs * base::kMillisecond;
    watched.stopped = false;
  }
  base::Result<void> outcome{};
  for (size_t results = 0;; ++results) {
    const Value result(jq_next(watched.jq));
    if (!result.valid()) {
      const Value end(jq_halted(watched.jq) != 0 ? jv_invalid_with_msg(jq_get_error_message(watched.jq))
                                                 : result.copy());
      const Value message(jv_invalid_get_msg(end.copy()));
      if (message.valid() && message.kind() != JV_KIND_NULL)
        outcome = base::fail("jq: " + reason_of(end, ""));
      break;
    }
    if (results == kMaxResults) {
      outcome = base::fail("jq: more than " + std::to_string(kMaxResults) + " results");
      break;
    }
    each(Value(jv_dump_string(result.copy(), 0)).text());
  }
  const std::lock_guard lock(watched.mutex);
  watched.until_ns = 0;
  if (watched.stopped) {
    const int64_t now = base::steady_clock_ns();
    state_->rests_until_ns = now + kRestFactor * (now - start);
    outcome = base::fail("jq: stopped, it took longer than " + std::to_string(kMaxMs) + " ms");
  }
  return outcome;
}

}  // namespace wl::wsbridge::shape
