#include "run/simulator/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <set>
#include <utility>

#include "base/random.h"
#include "decide/schedule/policy.h"
#include "decide/window/conductor.h"
#include "run/simulator/cached.h"
#include "run/simulator/cloud.h"
#include "run/simulator/traced_world.h"

namespace ekya::simulator {
namespace {

constexpr char kOracle[] = "oracle:";

// Every configuration that a selected stream has in some window, in order of first appearance.
std::vector<RetrainingConfiguration> ConfigurationsOf(const Trace& trace) {
  std::vector<RetrainingConfiguration> configurations;
  std::set<std::string> seen;
  for (const TracedStream& stream : trace.streams) {
    for (const TracedWindow& window : stream.windows) {
      for (const TracedRetraining& retraining : window.retraining) {
        if (!seen.insert(retraining.id).second) continue;
        RetrainingConfiguration configuration;
        configuration.id = retraining.id;
        configuration.epochs = 1;  // The trace's figures are of the whole.
        configurations.push_back(std::move(configuration));
      }
    }
  }
  return configurations;
}

Status Check(const Trace& trace, const SimulationSettings& settings) {
  const auto invalid = [](const std::string& message) {
    return Error{ErrorCode::kInvalid, message};
  };
  if (trace.streams.empty()) return invalid("the trace has no stream");
  std::set<std::string> ids;
  for (const TracedStream& stream : trace.streams) {
    if (!ids.insert(stream.id).second) {
      return invalid(fmt::format("stream {}: the trace has it twice", stream.id));
    }
    if (stream.windows.empty()) {
      return invalid(fmt::format("stream {}: it has no window", stream.id));
    }
    if (stream.inference.empty()) {
      return invalid(fmt::format("stream {}: it has no inference configuration", stream.id));
    }
  }
  if (settings.devices < 1 || settings.quanta_per_device < 1) {
    return invalid(fmt::format("found {} devices of {} quanta, expected at least 1 of each",
                               settings.devices, settings.quanta_per_device));
  }
  if (settings.streams < 0 || settings.windows < 0) {
    return invalid(fmt::format("found {} streams and {} windows, expected none below 0",
                               settings.streams, settings.windows));
  }
  for (const auto& [name, value] : {std::pair{"window_seconds", settings.window_seconds},
                                    {"accuracy_floor", settings.accuracy_floor},
                                    {"noise", settings.noise},
                                    {"preparation", settings.preparation},
                                    {"swap_seconds", settings.swap_seconds},
                                    {"share_change_seconds", settings.share_change_seconds}}) {
    if (!(value >= 0 && std::isfinite(value))) {
      return invalid(fmt::format("{}: found {}, expected a number of at least 0", name, value));
    }
  }
  return {};
}

}  // namespace

Trace SelectStreams(const Trace& trace, int count, std::uint64_t seed) {
  std::vector<std::size_t> order(trace.streams.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (seed != 0) {
    Random random(DeriveSeed(seed, "streams"));
    random.Shuffle(order);
  }
  Trace selected;
  selected.window_seconds = trace.window_seconds;
  const std::size_t total = count == 0 ? order.size() : static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < total && !order.empty(); ++i) {
    TracedStream stream = trace.streams[order[i % order.size()]];
    const std::size_t round = i / order.size();
    if (round > 0 && !stream.windows.empty()) {
      stream.id += "#" + std::to_string(round + 1);
      std::rotate(
          stream.windows.begin(),
          stream.windows.begin() + static_cast<std::ptrdiff_t>(round % stream.windows.size()),
          stream.windows.end());
    }
    selected.streams.push_back(std::move(stream));
  }
  return selected;
}

Status CheckScheduler(const std::string& scheduler) {
  if (IsCached(scheduler)) {
    const auto options = ReadCacheOptions(scheduler);
    return options.ok() ? Status() : options.error();
  }
  if (IsCloud(scheduler)) {
    const auto options = ReadCloudOptions(scheduler);
    return options.ok() ? Status() : options.error();
  }
  const auto policy = schedule::MakePolicy(
      scheduler.starts_with(kOracle) ? scheduler.substr(sizeof(kOracle) - 1) : scheduler);
  return policy.ok() ? Status() : policy.error();
}

Result<SimulationResult> Simulate(const Trace& trace, const SimulationSettings& given) {
  EKYA_RETURN_IF_ERROR(Check(trace, given));
  const Trace selected = SelectStreams(trace, given.streams, given.seed);
  SimulationResult result;
  SimulationSettings& settings = result.settings;
  settings = given;
  settings.streams = static_cast<int>(selected.streams.size());
  if (settings.window_seconds <= 0) settings.window_seconds = trace.window_seconds;
  for (const TracedStream& stream : selected.streams) {
    if (given.windows == 0) {
      settings.windows = std::max(settings.windows, static_cast<int>(stream.windows.size()));
    }
  }

  if (IsCached(settings.scheduler)) return SimulateCached(selected, settings);
  if (IsCloud(settings.scheduler)) return SimulateCloud(selected, settings);
  const bool oracle = settings.scheduler.starts_with(kOracle);
  EKYA_ASSIGN(const std::unique_ptr<schedule::Policy> policy,
              schedule::MakePolicy(oracle ? settings.scheduler.substr(sizeof(kOracle) - 1)
                                          : settings.scheduler));
  window::ConductorSettings conducting;
  conducting.window_seconds = settings.window_seconds;
  conducting.devices = settings.devices;
  conducting.quanta_per_device = settings.quanta_per_device;
  conducting.accuracy_floor = settings.accuracy_floor;
  conducting.retraining = ConfigurationsOf(selected);
  conducting.profiling.share_trials = false;  // The trace has an estimate for each.
  conducting.profiling.sample_fraction = 1;
  conducting.weigh_trials = settings.weigh_trials && !oracle;  // An oracle's cost nothing.
  // What is known for certain needs neither pruning nor correction.
  if (oracle) conducting.profiling.prune_every = 0;
  conducting.profiling.correct = settings.correct && !oracle;

  TracedWorld world(selected, settings, oracle);
  window::Conductor conductor(conducting, *policy, world.ports());
  double error_sum = 0;
  int errors = 0;
  for (int number = 0; number < settings.windows; ++number) {
    world.BeginWindow(number);
    EKYA_ASSIGN(window::WindowRecord record, conductor.Run(number));
    world.EndWindow();
    result.decisions += static_cast<int>(record.decisions.size());
    result.retrainings += static_cast<int>(record.retrainings.size());
    result.profiling_device_seconds += record.profiling_device_seconds;
    for (const window::RetrainingRecord& retraining : record.retrainings) {
      if (retraining.achieved_accuracy <= 0) continue;
      error_sum += std::abs(retraining.achieved_accuracy - retraining.predicted_accuracy);
      ++errors;
    }
    for (const std::string& warning : record.warnings) {
      result.warnings.push_back(fmt::format("window {}: {}", number, warning));
    }
    result.windows.push_back(std::move(record));
  }
  world.Account(result);
  if (errors > 0) result.predicted_error = error_sum / errors;
  return result;
}

}  // namespace ekya::simulator
