#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.h"

namespace ekya::learning {

/// What `ekya experiment NAME` was asked for.
struct ExperimentRequest {
  std::filesystem::path out;     ///< Folder of the results.
  std::filesystem::path data;    ///< Folder of public data sets, each below its own name.
  std::filesystem::path models;  ///< Folder of public models, golden ones among them.
  std::uint64_t seed = 0;        ///< The first one.
  int seeds = 3;                 ///< Repetitions, each with the next seed.
};

/// A comparison that trains models: writes report.html, summary.json and the data behind them as
/// CSV into `request.out`. What `summary.json` has under `figures` is what it exists to show.
struct Experiment {
  const char* name;
  const char* summary;  ///< A line for `--help`.
  Status (*run)(const ExperimentRequest& request);
};

/// All of them. A new one is a file pair here, a line in experiments.cc and its name in the table
/// of apps/cli/experiment_command.cc.
const std::vector<Experiment>& Experiments();

}  // namespace ekya::learning
