#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "core/schedule.h"
#include "core/situation.h"

/// For the tests of this module: a judge of schedules that shares no code with what makes them, and
/// random situations for it to judge.
namespace ekya::schedule::internal {

struct Verdict {
  std::string fault;  ///< Empty: the schedule is valid.
  double mean_accuracy = 0;
  bool floor_kept = true;
};

/// A retraining's speed with `share` of a device, by straight lines between what was measured.
inline double SpeedOf(const StreamSituation& stream, double share) {
  std::map<double, double> points{{0, 0}, {1, 1}};
  if (share <= 0 || share >= 1) return share <= 0 ? 0 : 1;
  for (const ThroughputPoint& point : stream.throughput) points[point.share] = point.speed;
  const auto above = points.lower_bound(share);
  const auto below = std::prev(above);
  const double part = (share - below->first) / (above->first - below->first);
  return (1 - part) * below->second + part * above->second;
}

/// Replays `schedule` against `situation`: capacity per device, one device per job, no moving
/// retraining, one retraining per stream, configurations that keep up, work that adds up, the
/// floor, and whether what the schedule claims of itself is true.
inline Verdict Judge(const Situation& situation, const Schedule& schedule) {
  Verdict verdict;
  const auto fault = [&](std::string text) {
    verdict.fault = std::move(text);
    return verdict;
  };
  struct Stream {
    const StreamSituation* from;
    double accuracy;
    double floor;
    std::string chosen = {};
    double work = 0;
    double needed = 0;
    int device = -1;
    bool done = false;
    double total = 0;
  };
  std::map<std::string, Stream> streams;
  for (const StreamSituation& from : situation.streams) {
    double best = 0;
    for (const auto& option : from.inference) best = std::max(best, option.factor);
    Stream stream{&from, from.accuracy, std::min(situation.accuracy_floor, from.accuracy * best)};
    stream.done = from.retrained;
    if (from.running) {
      stream.chosen = from.running->id;
      stream.needed = from.running->device_seconds;
      stream.device = from.running->device;
    }
    streams[from.id] = stream;
  }
  double clock = 0;
  for (const Segment& segment : schedule.timeline) {
    const double length = segment.to_seconds - segment.from_seconds;
    if (std::abs(segment.from_seconds - clock) > 1e-9 || length < 0) return fault("a hole in time");
    if (segment.jobs.size() != situation.streams.size()) return fault("a stream left out");
    std::vector<long> used(situation.devices, 0);
    for (const Allocation& job : segment.jobs) {
      if (streams.count(job.stream) == 0) return fault("unknown stream " + job.stream);
      Stream& stream = streams[job.stream];
      for (const auto& [quanta, device] :
           {std::pair{job.inference_quanta, job.inference_device},
            std::pair{job.retraining_quanta, job.retraining_device}}) {
        if (quanta < 0 || quanta > situation.quanta_per_device) return fault("quanta out of range");
        if (quanta == 0) continue;
        if (device < 0 || device >= situation.devices) return fault("no such device");
        used[device] += quanta;
      }
      double factor = 0;
      if (!job.inference.empty()) {
        const auto option =
            std::find_if(stream.from->inference.begin(), stream.from->inference.end(),
                         [&](const auto& each) { return each.id == job.inference; });
        if (option == stream.from->inference.end()) return fault("unknown inference configuration");
        if (option->share * situation.quanta_per_device > job.inference_quanta + 1e-6) {
          return fault(job.stream + " does not keep up");
        }
        factor = option->factor;
      }
      stream.total += stream.accuracy * factor * length;
      if (length >= 1e-9 && stream.accuracy * factor < stream.floor - 1e-9) {
        verdict.floor_kept = false;
      }
      if (job.retraining_quanta == 0) continue;
      if (stream.done) return fault(job.stream + " is retrained twice");
      const auto option =
          std::find_if(stream.from->retraining.begin(), stream.from->retraining.end(),
                       [&](const auto& each) { return each.id == job.retraining; });
      if (option == stream.from->retraining.end()) return fault("unknown retraining configuration");
      if (stream.chosen.empty()) {
        stream.chosen = job.retraining;
        stream.needed = option->device_seconds;
        stream.device = job.retraining_device;
      }
      if (stream.chosen != job.retraining) return fault(job.stream + " changes its retraining");
      if (stream.device != job.retraining_device)
        return fault(job.stream + " moves its retraining");
      stream.work += length * SpeedOf(*stream.from, static_cast<double>(job.retraining_quanta) /
                                                        situation.quanta_per_device);
      if (stream.work < stream.needed - 1e-6) continue;
      if (stream.work > stream.needed + 1e-3) return fault(job.stream + " retrains past its end");
      stream.done = true;
      stream.accuracy = option->accuracy;
    }
    for (const long quanta : used) {
      if (quanta > situation.quanta_per_device) return fault("a device gives more than it has");
    }
    clock = segment.to_seconds;
  }
  if (std::abs(clock - situation.window_seconds) > 1e-9) return fault("ends before the window");
  double weights = 0;
  for (const auto& [id, stream] : streams) {
    verdict.mean_accuracy += stream.from->weight * stream.total;
    weights += stream.from->weight;
  }
  verdict.mean_accuracy /= situation.window_seconds * weights;
  if (std::abs(verdict.mean_accuracy - schedule.mean_accuracy) > 1e-9) {
    return fault(fmt::format("claims {}, gives {}", schedule.mean_accuracy, verdict.mean_accuracy));
  }
  for (const EndAccuracy& end : schedule.outcome) {
    if (streams.at(end.stream).accuracy != end.accuracy) return fault("a wrong outcome");
  }
  if (schedule.outcome.size() != streams.size()) return fault("an outcome left out");
  if (schedule.floor_feasible && !verdict.floor_kept) return fault("breaks the floor unsaid");
  if (schedule.upper_bound && *schedule.upper_bound < verdict.mean_accuracy - 1e-9) {
    return fault(fmt::format("its bound {} is below its value {}", *schedule.upper_bound,
                             verdict.mean_accuracy));
  }
  return verdict;
}

struct RandomSituationOptions {
  int most_streams = 6;
  int most_devices = 3;
  Quanta most_quanta = 10;
  int most_retrainings = 5;
  bool floors = true;
  bool running = true;
  bool instant = true;  ///< Whether some retrainings take no time.
  bool weights = true;
  bool curves = true;  ///< Whether some streams have a measured throughput.
};

/// A situation with everything that can happen in one: no configurations at all, no benefit, ties,
/// no work, jobs that run already, floors in and out of reach, more streams than compute.
inline Situation RandomSituation(Random& random, const RandomSituationOptions& options = {}) {
  const auto up_to = [&](int most) { return 1 + static_cast<int>(random.Below(most)); };
  Situation situation;
  situation.window_seconds = random.Uniform(5, 300);
  situation.devices = up_to(options.most_devices);
  situation.quanta_per_device = up_to(options.most_quanta);
  if (options.floors && random.Uniform() < 0.5) situation.accuracy_floor = random.Uniform(0, 0.6);
  const int count = up_to(options.most_streams);
  for (int s = 0; s < count; ++s) {
    StreamSituation stream;
    stream.id = fmt::format("s{}", s);
    stream.accuracy = random.Uniform();
    const int levels = static_cast<int>(random.Below(5));
    for (int i = 0; i < levels; ++i) {
      stream.inference.push_back({fmt::format("i{}", i), random.Uniform(), random.Uniform()});
      if (random.Uniform() < 0.1) stream.inference.back().share = 0;
    }
    const int retrainings = static_cast<int>(random.Below(options.most_retrainings + 1));
    for (int i = 0; i < retrainings; ++i) {
      RetrainingProfile profile{fmt::format("r{}", i), random.Uniform(),
                                random.Uniform() * situation.window_seconds, 0};
      if (random.Uniform() < 0.1 && options.instant) profile.device_seconds = 0;
      if (random.Uniform() < 0.1 && i > 0) profile.accuracy = stream.retraining[0].accuracy;
      stream.retraining.push_back(profile);
    }
    if (options.running && random.Uniform() < 0.3) {
      if (retrainings == 0 || random.Uniform() < 0.3) {
        stream.retrained = true;
      } else {
        const RetrainingProfile& profile = stream.retraining[random.Below(retrainings)];
        stream.running =
            RunningRetraining{profile.id, static_cast<int>(random.Below(situation.devices)),
                              profile.device_seconds * random.Uniform()};
      }
    }
    if (options.weights && random.Uniform() < 0.3) stream.weight = random.Uniform(0.1, 5);
    if (options.curves && random.Uniform() < 0.3) {
      double share = 0;
      double speed = 0;
      for (int points = up_to(3); points > 0; --points) {
        share += (1 - share) * random.Uniform(0.05, 0.6);
        // Mostly steep at first, as measured ones are; sometimes the other way round.
        speed += (1 - speed) * random.Uniform(0.1, random.Uniform() < 0.8 ? 0.9 : 0.2);
        stream.throughput.push_back({share, speed});
      }
    }
    situation.streams.push_back(std::move(stream));
  }
  return situation;
}

}  // namespace ekya::schedule::internal
