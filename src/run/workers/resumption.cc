#include "run/workers/resumption.h"

#include "base/log.h"

namespace ekya::workers {

std::optional<registry::RunEntry> TakeUpKilled(const std::string& scheduler, std::uint64_t seed,
                                               Recorder& recorder) {
  auto killed = recorder.Killed();
  if (!killed || killed->scheduler != scheduler || killed->seed != seed) return std::nullopt;
  recorder.Continue(*killed);
  return killed;
}

Resumption Resume(const registry::RunEntry& killed, Recorder& recorder) {
  Resumption resumption;
  resumption.elapsed_seconds = recorder.Elapsed();
  const auto windows = recorder.registry()->Windows(1, std::nullopt);
  if (windows.ok() && !windows->empty() && windows->front().run == killed.id) {
    resumption.next_window = {windows->front().window + 1,
                              windows->front().end_seconds - killed.started_seconds};
  }
  Log(LogLevel::kInfo, "", "goes on with the run that was killed, {:.0f} s after its start",
      resumption.elapsed_seconds);
  return resumption;
}

}  // namespace ekya::workers
