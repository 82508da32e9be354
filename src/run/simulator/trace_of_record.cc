#include "run/simulator/trace_of_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "core/schedule.h"
#include "decide/window/serving.h"

namespace ekya::simulator {
namespace {

using window::Decision;
using window::RunRecord;
using window::StreamInterval;
using window::StreamRecord;
using window::WindowRecord;

// A window that was cut shorter than this part of its length is no window.
constexpr double kWholeWindow = 0.5;
// What is served with less tells nothing about the model.
constexpr double kLeastFactor = 0.05;
// As the conductor has it by default.
constexpr double kPreparationShare = 0.25;

const StreamSituation* FindSituation(const Situation& situation, const std::string& stream) {
  for (const StreamSituation& each : situation.streams) {
    if (each.id == stream) return &each;
  }
  return nullptr;
}

// The means of all that decisions were told of a stream's inference configurations.
std::vector<InferenceProfile> InferenceOf(const RunRecord& run, const std::string& stream) {
  struct Sum {
    InferenceProfile profile;
    int count = 0;
  };
  std::vector<Sum> sums;
  for (const WindowRecord& window : run.windows) {
    for (const Decision& decision : window.decisions) {
      const StreamSituation* const situation = FindSituation(decision.situation, stream);
      if (situation == nullptr) continue;
      for (const InferenceProfile& profile : situation->inference) {
        auto sum = std::find_if(sums.begin(), sums.end(),
                                [&](const Sum& each) { return each.profile.id == profile.id; });
        if (sum == sums.end()) sum = sums.insert(sums.end(), Sum{{profile.id, 0, 0}, 0});
        sum->profile.share += profile.share;
        sum->profile.factor += profile.factor;
        ++sum->count;
      }
    }
  }
  std::vector<InferenceProfile> profiles;
  for (Sum& sum : sums) {
    sum.profile.share = std::min(sum.profile.share / sum.count, 1.0);
    sum.profile.factor = std::min(sum.profile.factor / sum.count, 1.0);
    profiles.push_back(sum.profile);
  }
  return profiles;
}

double FactorOf(const std::vector<InferenceProfile>& profiles, const std::string& id) {
  for (const InferenceProfile& profile : profiles) {
    if (profile.id == id) return profile.factor;
  }
  return 0;
}

double FactorIn(const std::vector<Allocation>& jobs, const std::string& stream,
                const std::vector<InferenceProfile>& profiles) {
  for (const Allocation& job : jobs) {
    if (job.stream == stream) return FactorOf(profiles, job.inference);
  }
  return 0;
}

// (From when on, factor) of what `stream` was served with in `window`.
std::vector<std::pair<double, double>> FactorsOf(const WindowRecord& window,
                                                 const std::string& stream,
                                                 const std::vector<InferenceProfile>& profiles) {
  std::vector<std::pair<double, double>> factors;
  const Situation& first = window.decisions.front().situation;
  const auto reserved =
      static_cast<Quanta>(std::ceil(kPreparationShare * first.TotalQuanta() - 1e-9));
  const window::ServingPlan plan = window::PlanServing(first, reserved);
  factors.emplace_back(window.start_seconds, FactorIn(plan.allocations, stream, profiles));
  for (const Decision& decision : window.decisions) {
    if (decision.schedule.timeline.empty()) continue;
    factors.emplace_back(decision.time_seconds,
                         FactorIn(decision.schedule.timeline.front().jobs, stream, profiles));
  }
  return factors;
}

double FactorAt(const std::vector<std::pair<double, double>>& factors, double time) {
  double factor = factors.front().second;
  for (const auto& [from, value] : factors) {
    if (from <= time) factor = value;
  }
  return factor;
}

// A mean over judged frames.
struct FrameMean {
  double sum = 0;
  double frames = 0;
  void Add(double accuracy, double count) {
    sum += accuracy * count;
    frames += count;
  }
  std::optional<double> Value() const {
    return frames > 0 ? std::optional(std::clamp(sum / frames, 0.0, 1.0)) : std::nullopt;
  }
};

// What was measured of one stream in one window.
struct Measured {
  FrameMean whole;
  FrameMean before;
  FrameMean after;
  std::vector<const StreamInterval*> intervals;
};

Measured Measure(const StreamRecord& stream, const WindowRecord& window,
                 const std::vector<std::pair<double, double>>& factors, double swap) {
  Measured measured;
  for (const StreamInterval& interval : stream.intervals) {
    const double middle = (interval.from_seconds + interval.to_seconds) / 2;
    if (middle < window.start_seconds || middle >= window.end_seconds) continue;
    if (interval.accuracy < 0 || interval.frames <= 0) continue;
    measured.intervals.push_back(&interval);
    measured.whole.Add(interval.accuracy, interval.frames);
    const double factor = FactorAt(factors, middle);
    if (factor < kLeastFactor) continue;
    const bool swapped = swap >= 0 && interval.from_seconds >= swap;
    const bool straddles = swap >= 0 && !swapped && interval.to_seconds > swap;
    if (straddles) continue;
    (swapped ? measured.after : measured.before).Add(interval.accuracy / factor, interval.frames);
  }
  return measured;
}

// The model that a stream was served by in the window, made by a retraining of it, began at this
// moment of the run; negative: none.
double SwapOf(const RunRecord& run, const WindowRecord& window, const std::string& stream) {
  for (const window::SwapRecord& swap : run.swaps) {
    if (swap.stream == stream && swap.time_seconds >= window.start_seconds &&
        swap.time_seconds < window.end_seconds) {
      return swap.time_seconds;
    }
  }
  return -1;
}

class StreamTracer {
 public:
  StreamTracer(const RunRecord& run, const StreamRecord& stream, RecordedTrace& into)
      : run_(run), stream_(stream), into_(into) {}

  Status Trace() {
    traced_.id = stream_.id;
    traced_.inference = InferenceOf(run_, stream_.id);
    if (traced_.inference.empty()) return Nothing("no decision was made about it");
    for (const WindowRecord& window : run_.windows) {
      if (window.decisions.empty() ||
          window.end_seconds - window.start_seconds < kWholeWindow * run_.window_seconds) {
        continue;
      }
      EKYA_RETURN_IF_ERROR(TraceWindow(window));
    }
    if (traced_.windows.empty()) return Nothing("no whole window was recorded");
    into_.trace.streams.push_back(std::move(traced_));
    return {};
  }

 private:
  Error Nothing(const std::string& why) const {
    return Error{ErrorCode::kInvalid, "stream " + stream_.id + ": " + why};
  }

  Status TraceWindow(const WindowRecord& window) {
    const Situation& first = window.decisions.front().situation;
    const StreamSituation* const told = FindSituation(first, stream_.id);
    if (told != nullptr) {
      traced_.weight = told->weight;
      traced_.throughput = told->throughput;
    }
    const auto factors = FactorsOf(window, stream_.id, traced_.inference);
    const double swap = SwapOf(run_, window, stream_.id);
    const Measured measured = Measure(stream_, window, factors, swap);

    TracedWindow traced;
    const double fallback = told != nullptr ? told->accuracy : last_accuracy_;
    traced.accuracy = measured.before.Value().value_or(fallback);
    if (measured.intervals.empty() && told == nullptr && traced_.windows.empty()) {
      return Nothing("nothing was judged in its first window");
    }
    last_accuracy_ = traced.accuracy;
    const auto streams = static_cast<double>(run_.streams.size());
    traced.labelling_seconds = window.labelling_seconds * window.preparation_devices / streams;
    traced.profiling_seconds = window.profiling_seconds * window.preparation_devices / streams;

    RecordedWindow recorded;
    recorded.stream = stream_.id;
    recorded.window = static_cast<int>(traced_.windows.size());
    recorded.before = recorded.after = traced.accuracy;
    recorded.accuracy = measured.whole.Value().value_or(traced.accuracy);
    if (swap >= 0) {
      recorded.swap_seconds = swap - window.start_seconds;
      recorded.after = measured.after.Value().value_or(traced.accuracy);
    }
    TraceRetrainings(window, told, traced, recorded);
    recorded.replayed = Replayed(measured, factors, swap, recorded);
    into_.windows.push_back(std::move(recorded));
    traced_.windows.push_back(std::move(traced));
    return {};
  }

  void TraceRetrainings(const WindowRecord& window, const StreamSituation* told,
                        TracedWindow& traced, RecordedWindow& recorded) const {
    const auto profiles = window.profiles.find(stream_.id);
    if (profiles == window.profiles.end()) return;
    // How much the served model's estimate says too little.
    const double off = told != nullptr ? traced.accuracy - told->accuracy : 0;
    for (const RetrainingProfile& profile : profiles->second) {
      if (!std::isfinite(profile.accuracy) || !std::isfinite(profile.device_seconds)) continue;
      TracedRetraining retraining;
      retraining.id = profile.id;
      // What a trial had done already was offered for less, what a gate protects for more.
      RetrainingProfile seen = profile;
      if (told != nullptr) {
        for (const RetrainingProfile& offered : told->retraining) {
          if (offered.id == profile.id) seen = offered;
        }
      }
      retraining.estimated_accuracy = std::clamp(seen.accuracy + off, 0.0, 1.0);
      retraining.estimated_device_seconds = seen.device_seconds;
      // The gate would keep out what is worse.
      retraining.accuracy = std::clamp(profile.accuracy + off, traced.accuracy, 1.0);
      retraining.device_seconds = retraining.estimated_device_seconds;
      for (const window::RetrainingRecord& ran : window.retrainings) {
        if (ran.stream != stream_.id || ran.configuration != profile.id) continue;
        const bool swapped = ran.outcome == "swapped";
        if (swapped || ran.outcome.starts_with("kept old")) {
          recorded.configuration = ran.configuration;
          retraining.device_seconds = ran.device_seconds;
          retraining.accuracy = swapped ? recorded.after : traced.accuracy;
        } else {
          retraining.device_seconds = std::max(retraining.device_seconds, ran.device_seconds);
        }
      }
      traced.retraining.push_back(std::move(retraining));
    }
  }

  static double Replayed(const Measured& measured,
                         const std::vector<std::pair<double, double>>& factors, double swap,
                         const RecordedWindow& recorded) {
    FrameMean mean;
    for (const StreamInterval* const interval : measured.intervals) {
      const double middle = (interval->from_seconds + interval->to_seconds) / 2;
      const double model = swap >= 0 && middle >= swap ? recorded.after : recorded.before;
      mean.Add(model * FactorAt(factors, middle), interval->frames);
    }
    return mean.Value().value_or(recorded.accuracy);
  }

  const RunRecord& run_;
  const StreamRecord& stream_;
  RecordedTrace& into_;
  TracedStream traced_;
  double last_accuracy_ = 0;
};

}  // namespace

Result<RecordedTrace> TraceOfRecord(const RunRecord& run) {
  RecordedTrace recorded;
  recorded.trace.window_seconds = run.window_seconds;
  if (run.streams.empty()) return Error{ErrorCode::kInvalid, "the run has no stream"};
  for (const StreamRecord& stream : run.streams) {
    EKYA_RETURN_IF_ERROR(StreamTracer(run, stream, recorded).Trace());
  }
  SimulationSettings& settings = recorded.settings;
  settings.scheduler = run.scheduler;
  settings.devices = run.devices;
  settings.quanta_per_device = run.quanta_per_device;
  settings.window_seconds = run.window_seconds;
  settings.gate = false;  // What it did is in the trace.
  settings.weigh_trials = false;
  settings.correct = false;
  for (const WindowRecord& window : run.windows) {
    if (!window.decisions.empty()) {
      settings.accuracy_floor = window.decisions.front().situation.accuracy_floor;
    }
  }
  for (const TracedStream& stream : recorded.trace.streams) {
    settings.windows = std::max(settings.windows, static_cast<int>(stream.windows.size()));
  }
  return recorded;
}

}  // namespace ekya::simulator
