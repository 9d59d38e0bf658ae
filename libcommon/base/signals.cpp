#include "libcommon/base/signals.h"

#include <atomic>

#include <unistd.h>

namespace wl::base {
namespace {

// Handlers can reach nothing but objects of static storage.
volatile std::sig_atomic_t stops = 0;  // the first signal
std::atomic<int> counts_requests{0};
std::atomic<int> reopen_requests{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_stop(int number) {
  if (stops != 0) ::_exit(128 + number);
  stops = number;
}

void on_user(int number) { (number == SIGUSR1 ? counts_requests : reopen_requests).store(1); }

void install(int number, void (*handler)(int), int flags) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(number, &action, nullptr);
}

}  // namespace

void Signals::catch_stop() {
  install(SIGINT, on_stop, 0);
  install(SIGTERM, on_stop, 0);
}

void Signals::ignore_first_stop() {
  install(SIGINT, on_stop, SA_RESTART);
  install(SIGTERM, on_stop, SA_RESTART);
}

void Signals::catch_counts() { install(SIGUSR1, on_user, SA_RESTART); }
void Signals::catch_reopen() { install(SIGHUP, on_user, SA_RESTART); }

void Signals::ignore_pipe() { install(SIGPIPE, SIG_IGN, 0); }

int Signals::stop_signal() { return stops; }
bool Signals::take_counts_request() { return counts_requests.exchange(0) != 0; }
bool Signals::take_reopen_request() { return reopen_requests.exchange(0) != 0; }

SignalsBlocked::SignalsBlocked() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsBlocked::~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

}  // namespace wl::base
