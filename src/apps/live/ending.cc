#include "apps/live/ending.h"

#include <csignal>
#include <cstdio>

namespace ekya::live {
namespace {

std::atomic<bool> g_interrupted{false};

void OnSignal(int) { g_interrupted = true; }

}  // namespace

void CatchSignals() {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

const std::atomic<bool>& Interrupted() { return g_interrupted; }

int Say(const Error& error) {
  std::fprintf(stderr, "ekya: %s\n", error.message.c_str());
  return error.code == ErrorCode::kInvalid || error.code == ErrorCode::kNotFound ? kBadConfiguration
                                                                                 : kFailed;
}

}  // namespace ekya::live
