#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/trace.h"
#include "run/simulator/sweep.h"

namespace ekya::experiments {

struct SchedulingSettings {
  int streams = 10;  ///< Where they are not what is varied.
  int devices = 4;   ///< The same.
  int windows = 10;  ///< Retraining windows of every run.
  int seeds = 3;     ///< Runs per setting: other streams of the trace, other noise.
  int threads = 0;   ///< 0: one per processor.
  /// Part of each axis that is run, from 1 (all of it) down: for tests.
  std::size_t every = 1;
  std::function<void(std::size_t done, std::size_t total)> progress;
};

/// The paper's uniform baselines for `trace` (section 6.1): the configurations at the ends of the
/// Pareto front of accuracy against device seconds of a hold-out stream (the last one), each with
/// the paper's parts for inference.
std::vector<std::string> UniformBaselines(const Trace& trace);

/// The smallest number of devices, between those that `accuracy` (by devices) was measured at by
/// straight lines, that reaches `target`; 0 where none does.
double DevicesFor(const std::map<double, double>& accuracy, double target);

/// `ekya experiment scheduling`: all schedulers on recorded profiles, against devices, streams,
/// noise on the estimates, window length and quantum. Writes report.html, summary.json and one CSV
/// file per section into `directory`; interrupted, it goes on there.
Status RunScheduling(const Trace& trace, const std::filesystem::path& directory,
                     const SchedulingSettings& settings);

}  // namespace ekya::experiments
