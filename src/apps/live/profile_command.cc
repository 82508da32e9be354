#include "apps/live/profile_command.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

#include "apps/learning/trace_recording.h"
#include "base/file.h"

namespace ekya::live {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kBadConfiguration = 78;
constexpr int kInterrupted = 130;

std::atomic<bool> g_interrupted{false};

void OnSignal(int) { g_interrupted = true; }

}  // namespace

int Profile(const ProfileRequest& request) {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // a second one ends the process at once
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);

  learning::TraceRequest wanted;
  wanted.dataset = request.dataset;
  wanted.parts = request.out.string() + ".parts";
  wanted.windows = request.windows;
  wanted.samples = request.samples;
  wanted.plain = request.plain;
  wanted.seed = request.seed;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  wanted.progress = [&](std::size_t done, std::size_t total) {
    if (terminal) {
      std::fprintf(stderr, "\r%zu of %zu trainings", done, total);
    } else if (done % 100 == 0) {
      std::fprintf(stderr, "%zu of %zu trainings\n", done, total);
    }
    return !g_interrupted;
  };
  const Result<Trace> trace = learning::RecordTrace(wanted);
  if (terminal) std::fputc('\n', stderr);
  Status status = trace.ok() ? WriteFileAtomically(request.out, WriteTrace(*trace)) : trace.error();
  if (status.ok()) {
    std::printf("%s\n", request.out.c_str());
    return kDone;
  }
  if (status.error().code == ErrorCode::kCancelled) {
    std::fprintf(stderr, "ekya: interrupted; the same command goes on from %s\n",
                 wanted.parts.c_str());
    return kInterrupted;
  }
  std::fprintf(stderr, "ekya: %s\n", status.error().message.c_str());
  return status.error().code == ErrorCode::kInvalid || status.error().code == ErrorCode::kNotFound
             ? kBadConfiguration
             : kFailed;
}

}  // namespace ekya::live
