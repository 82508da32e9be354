#include "apps/live/profile_command.h"

#include <unistd.h>

#include <cstdio>

#include "apps/learning/trace_recording.h"
#include "apps/live/ending.h"
#include "base/file.h"

namespace ekya::live {
int Profile(const ProfileRequest& request) {
  CatchSignals();
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
    return !Interrupted();
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
  return Say(status.error());
}

}  // namespace ekya::live
