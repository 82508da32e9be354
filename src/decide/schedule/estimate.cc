#include "decide/schedule/estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace ekya::schedule {
namespace {

/// Accuracies this close below the floor count as at it: the replay that judges schedules does so.
constexpr double kFloorSlack = 5e-10;

Error Wrong(const std::string& stream, const std::string& what, double found,
            const std::string& expected) {
  return {ErrorCode::kInvalid,
          fmt::format("stream {}: {}: found {}, expected {}", stream, what, found, expected)};
}

bool InRange(double value, double low, double high) { return value >= low && value <= high; }

Status Check(const Situation& situation) {
  const auto invalid = [](std::string text) { return Error{ErrorCode::kInvalid, std::move(text)}; };
  if (!(situation.window_seconds > 0 && std::isfinite(situation.window_seconds))) {
    return invalid(fmt::format("window_seconds: found {}, expected a positive number",
                               situation.window_seconds));
  }
  if (situation.devices < 1 || situation.quanta_per_device < 1 ||
      situation.quanta_per_device > 60000 ||
      situation.devices > 1'000'000'000 / situation.quanta_per_device) {
    return invalid(fmt::format(
        "found {} devices of {} quanta, expected at least one of each and at most 60000 a device",
        situation.devices, situation.quanta_per_device));
  }
  if (!InRange(situation.accuracy_floor, 0, 1)) {
    return invalid(fmt::format("accuracy_floor: found {}, expected a number from 0 to 1",
                               situation.accuracy_floor));
  }
  if (situation.streams.empty()) return invalid("streams: found none, expected at least one");
  for (const StreamSituation& stream : situation.streams) {
    if (!InRange(stream.accuracy, 0, 1)) {
      return Wrong(stream.id, "accuracy", stream.accuracy, "a number from 0 to 1");
    }
    for (const InferenceProfile& profile : stream.inference) {
      if (!InRange(profile.share, 0, 1)) {
        return Wrong(stream.id, "share of " + profile.id, profile.share, "a number from 0 to 1");
      }
      if (!InRange(profile.factor, 0, 1)) {
        return Wrong(stream.id, "factor of " + profile.id, profile.factor, "a number from 0 to 1");
      }
    }
    if (!(stream.weight > 0 && stream.weight <= kMaxWeight)) {
      return Wrong(stream.id, "weight", stream.weight,
                   fmt::format("a number above 0 up to {}", kMaxWeight));
    }
    ThroughputPoint before;
    for (const ThroughputPoint& point : stream.throughput) {
      if (!(point.share > before.share && InRange(point.share, 0, 1))) {
        return Wrong(stream.id, "throughput", point.share, "shares that rise, up to 1");
      }
      if (!InRange(point.speed, before.speed, 1) || point.speed <= 0 ||
          (point.share >= 1 && point.speed < 1)) {
        return Wrong(stream.id, "throughput", point.speed,
                     "speeds above 0 that do not fall, 1 at a share of 1");
      }
      before = point;
    }
    for (const RetrainingProfile& profile : stream.retraining) {
      if (!InRange(profile.accuracy, 0, 1)) {
        return Wrong(stream.id, "accuracy of " + profile.id, profile.accuracy,
                     "a number from 0 to 1");
      }
      if (!(profile.device_seconds >= 0 && std::isfinite(profile.device_seconds))) {
        return Wrong(stream.id, "device_seconds of " + profile.id, profile.device_seconds,
                     "a number of at least 0");
      }
      if (!(profile.spread >= 0 && std::isfinite(profile.spread))) {
        return Wrong(stream.id, "spread of " + profile.id, profile.spread,
                     "a number of at least 0");
      }
    }
    if (!stream.running) continue;
    const RunningRetraining& running = *stream.running;
    const bool known = std::any_of(stream.retraining.begin(), stream.retraining.end(),
                                   [&](const auto& profile) { return profile.id == running.id; });
    if (!known) {
      return invalid(fmt::format(
          "stream {}: running: found {}, expected the id of one of its retraining configurations",
          stream.id, running.id));
    }
    if (running.device < 0 || running.device >= situation.devices) {
      return Wrong(stream.id, "device of the running retraining", running.device,
                   fmt::format("a device from 0 to {}", situation.devices - 1));
    }
    if (!(running.device_seconds >= 0 && std::isfinite(running.device_seconds))) {
      return Wrong(stream.id, "device_seconds of the running retraining", running.device_seconds,
                   "a number of at least 0");
    }
  }
  return {};
}

std::vector<Level> Levels(const StreamSituation& stream, Quanta per_device) {
  std::vector<Level> all{{0, 0, -1}};
  for (std::size_t i = 0; i < stream.inference.size(); ++i) {
    const InferenceProfile& profile = stream.inference[i];
    const Quanta quanta = QuantaFor(profile.share, per_device);
    if (quanta <= per_device) all.push_back({quanta, profile.factor, static_cast<int>(i)});
  }
  std::stable_sort(all.begin(), all.end(), [](const Level& a, const Level& b) {
    return a.quanta != b.quanta ? a.quanta < b.quanta : a.factor > b.factor;
  });
  std::vector<Level> kept;
  for (const Level& level : all) {
    // A factor of zero is still better served than not served, when it costs nothing.
    if (kept.empty() || level.factor > kept.back().factor) kept.push_back(level);
  }
  return kept;
}

void FindFloors(Problem* problem) {
  std::vector<Quanta> sizes;
  std::int64_t total = 0;
  for (const StreamChoices& stream : problem->streams) {
    sizes.push_back(stream.floor_quanta);
    total += stream.floor_quanta;
  }
  problem->floors_fit = total <= problem->capacity();
  problem->floor_feasible =
      problem->floors_fit && Pack(sizes, problem->devices, problem->per_device).has_value();
}

}  // namespace

std::optional<Problem> OnFewerDevices(const Problem& problem, int devices) {
  for (const StreamState& state : problem.start) {
    if (state.running >= 0 && state.device >= devices) return std::nullopt;
  }
  Problem fewer = problem;
  fewer.devices = devices;
  FindFloors(&fewer);
  if (fewer.floor_feasible != problem.floor_feasible) return std::nullopt;
  return fewer;
}

double Problem::Penalty(double shortfall) const {
  if (shortfall <= kFloorSlack) return 0;
  // Where every floor can be kept, breaking one is out of the question; where not, the sum of what
  // is missing comes first.
  return floor_feasible ? 1e9 : 1e3 * shortfall;
}

Result<Problem> Prepare(const Situation& situation, double risk) {
  EKYA_RETURN_IF_ERROR(Check(situation));
  Problem problem;
  problem.window = situation.window_seconds;
  problem.devices = situation.devices;
  problem.per_device = situation.quanta_per_device;
  std::vector<int> order(situation.streams.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return situation.streams[a].id < situation.streams[b].id; });
  double weights = 0;  // Summed in order: rounding must not depend on the input's.
  for (const int index : order) weights += situation.streams[index].weight;
  for (const int index : order) {
    const StreamSituation& from = situation.streams[index];
    StreamChoices stream;
    stream.index = index;
    stream.weight = from.weight / weights * static_cast<double>(situation.streams.size());
    for (Quanta quanta = 0; quanta <= problem.per_device; ++quanta) {
      stream.speed.push_back(
          Speed(from.throughput, static_cast<double>(quanta) / problem.per_device));
    }
    stream.levels = Levels(from, problem.per_device);
    stream.level_at.resize(problem.per_device + 1);
    for (Quanta quanta = 0, level = 0; quanta <= problem.per_device; ++quanta) {
      while (level + 1 < static_cast<int>(stream.levels.size()) &&
             stream.levels[level + 1].quanta <= quanta) {
        ++level;
      }
      stream.level_at[quanta] = static_cast<std::uint16_t>(level);
    }
    stream.floor = std::min(situation.accuracy_floor, from.accuracy * stream.levels.back().factor);
    for (const Level& level : stream.levels) {
      if (from.accuracy * level.factor < stream.floor - kFloorSlack) continue;
      stream.floor_quanta = level.quanta;
      break;
    }
    StreamState state;
    state.accuracy = from.accuracy;
    state.retrained = from.retrained;
    for (std::size_t i = 0; i < from.retraining.size(); ++i) {
      const RetrainingProfile& profile = from.retraining[i];
      stream.retrainings.push_back(
          {std::max(0.0, profile.accuracy - risk * profile.spread), profile.device_seconds});
      if (from.running && !from.retrained && from.running->id == profile.id) {
        state.running = static_cast<int>(i);
        state.work_left = from.running->device_seconds;
        state.device = from.running->device;
      }
    }
    std::vector<int> by_cost(stream.retrainings.size());
    std::iota(by_cost.begin(), by_cost.end(), 0);
    std::stable_sort(by_cost.begin(), by_cost.end(), [&](int a, int b) {
      const Retraining& left = stream.retrainings[a];
      const Retraining& right = stream.retrainings[b];
      if (left.device_seconds != right.device_seconds) {
        return left.device_seconds < right.device_seconds;
      }
      return left.accuracy > right.accuracy;
    });
    double best = from.accuracy;
    for (const int i : by_cost) {
      if (stream.retrainings[i].accuracy <= best) continue;
      best = stream.retrainings[i].accuracy;
      stream.efficient.push_back(i);
    }
    problem.streams.push_back(std::move(stream));
    problem.start.push_back(state);
  }
  FindFloors(&problem);
  return problem;
}

double EstimatedWorth(const Problem& problem, const StreamChoices& stream, double accuracy,
                      double seconds, Quanta quanta, int retraining, Quanta retraining_quanta,
                      double work) {
  const double before = problem.Worth(stream, accuracy, problem.LevelAt(stream, quanta));
  if (retraining < 0 || retraining_quanta == 0) return before * seconds;
  // An equal share may be more than a device; a job uses no more than one.
  const double ends = work / stream.speed[std::min(retraining_quanta, problem.per_device)];
  if (ends >= seconds) return before * seconds;
  const double after = problem.Worth(stream, stream.retrainings[retraining].accuracy,
                                     problem.LevelAt(stream, quanta + retraining_quanta));
  return before * ends + after * (seconds - ends);
}

std::optional<std::vector<int>> Pack(const std::vector<Quanta>& sizes, int devices,
                                     Quanta per_device) {
  std::vector<int> items(sizes.size());
  std::iota(items.begin(), items.end(), 0);
  std::stable_sort(items.begin(), items.end(), [&](int a, int b) { return sizes[a] > sizes[b]; });
  std::vector<int> device_of(sizes.size(), 0);
  std::vector<Quanta> free(devices, per_device);
  int budget = 20000;
  const std::function<bool(std::size_t)> place = [&](std::size_t next) {
    // Items of no size, which come last, are at home anywhere.
    if (next == items.size() || sizes[items[next]] == 0) return true;
    const Quanta size = sizes[items[next]];
    // The fullest device that still holds it first; devices that are equally full are alike.
    for (Quanta tried = -1;;) {
      int best = -1;
      for (int device = 0; device < devices; ++device) {
        if (free[device] < size || free[device] <= tried) continue;
        if (best < 0 || free[device] < free[best]) best = device;
      }
      if (best < 0 || --budget < 0) return false;
      tried = free[best];
      free[best] -= size;
      device_of[items[next]] = best;
      if (place(next + 1)) return true;
      free[best] += size;
    }
  };
  if (!place(0)) return std::nullopt;
  return device_of;
}

}  // namespace ekya::schedule
