#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "platform/registry/registry.h"
#include "run/workers/recorder.h"

namespace ekya::workers {

/// Since when a run goes on that was killed, and with which windows; all 0 of one that begins.
struct Resumption {
  double elapsed_seconds = 0;  ///< Since the run's second 0.
  /// The window that begins after the last whole one, and when that one ended; none: the first has
  /// not ended.
  std::optional<std::pair<int, double>> next_window;
};

/// The last run of `recorder`'s registry, if it was killed and was this one: another scheduler's or
/// seed's is not, whose models may have seen what this one is judged by. What is recorded from here
/// on is of that run.
std::optional<registry::RunEntry> TakeUpKilled(const std::string& scheduler, std::uint64_t seed,
                                               Recorder& recorder);

/// How `killed`, which `recorder` goes on with, stands.
Resumption Resume(const registry::RunEntry& killed, Recorder& recorder);

}  // namespace ekya::workers
