#include "stages/inference/inference_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/clock.h"
#include "base/log.h"
#include "core/scorer.h"

namespace ekya::inference {
namespace {

// A result is at an object's place from this overlap on (paper, section 6.1).
constexpr double kMatchIou = 0.3;
// What is taken to have changed in addition to what was seen: no scene stands still for good.
constexpr double kUnseenChanges = 0.1;

using Lists = std::vector<std::vector<Detection>>;

/// What one input size gives on all frames.
struct Pass {
  Lists detections;
  double cpu_seconds_per_frame = 0;
};

Result<Pass> Analyze(models::Model& model, const std::vector<FramePtr>& frames, int input_size) {
  Pass pass;
  // The first analysis allocates and warms caches: it is not counted.
  EKYA_RETURN_IF_ERROR([&]() -> Status {
    const Result<std::vector<Detection>> first = model.Analyze(*frames.front(), input_size);
    return first.ok() ? Status() : Status(first.error());
  }());
  const double start = ThreadCpuSeconds();
  for (const FramePtr& frame : frames) {
    EKYA_ASSIGN(auto detections, model.Analyze(*frame, input_size));
    pass.detections.push_back(std::move(detections));
  }
  pass.cpu_seconds_per_frame = (ThreadCpuSeconds() - start) / static_cast<double>(frames.size());
  return pass;
}

/// How well results agree with the truth of frames that are `age` native frames younger, 0..1, by
/// age, for the ages that occur among the frames up to `max_age` and the first one above it.
std::map<std::int64_t, double> AgreementByAge(const std::vector<FramePtr>& frames,
                                              const Lists& detections, const Lists& truth,
                                              std::int64_t max_age) {
  bool has_regions = false;
  std::map<std::int64_t, FrameScore> scores;
  for (std::size_t now = 0; now < frames.size(); ++now) {
    has_regions |= !frames[now]->regions.empty();
    for (std::size_t then = now + 1; then-- > 0;) {
      const std::int64_t age = frames[now]->index - frames[then]->index;
      if (age < 0) break;
      scores[age] += ScoreFrame(detections[then], truth[now], kMatchIou);
      if (age > max_age) break;
    }
  }
  std::map<std::int64_t, double> agreement;
  double younger = 1;  // A result gets no better with age, whatever chance says.
  for (const auto& [age, score] : scores) {
    const double value = has_regions ? score.Accuracy() : score.F1();
    if (value >= 0) younger = agreement[age] = std::min(value, younger);
  }
  return agreement;
}

/// `agreement` at `age`, linear between the ages that were measured and constant outside of them.
double At(const std::map<std::int64_t, double>& agreement, std::int64_t age) {
  const auto above = agreement.lower_bound(age);
  if (above == agreement.end()) return std::prev(above)->second;
  if (above->first == age || above == agreement.begin()) return above->second;
  const auto below = std::prev(above);
  const double part =
      static_cast<double>(age - below->first) / static_cast<double>(above->first - below->first);
  return below->second + part * (above->second - below->second);
}

/// Mean agreement when every `interval`-th frame is analysed: ages 0 .. interval - 1, equally
/// often; the last one in part where `interval` is no whole number.
double MeanAgreement(const std::map<std::int64_t, double>& agreement, double interval) {
  double sum = 0;
  for (std::int64_t age = 0; static_cast<double>(age) < interval; ++age) {
    sum += std::min(1.0, interval - static_cast<double>(age)) * At(agreement, age);
  }
  return sum / interval;
}

/// What is left of the agreement, 0..1, when every `interval`-th frame is analysed, for the changes
/// that `frames` may have missed.
double Freshness(const std::vector<FramePtr>& frames, double interval) {
  const auto span = static_cast<double>(1 + frames.back()->index - frames.front()->index);
  const double mean_age = (interval - 1) / 2;
  return 1 - std::min(0.5, kUnseenChanges * mean_age / std::max(1.0, span));
}

}  // namespace

Result<std::vector<InferenceProfile>> ProfileInference(
    models::Model& model, const std::vector<FramePtr>& frames,
    const std::vector<std::vector<Detection>>& truth, double frames_per_second, double device_cores,
    double headroom, const std::vector<InferenceConfiguration>& configurations) {
  EKYA_CHECK(truth.size() == frames.size(), "one truth list per frame");
  const auto invalid = [](const std::string& text) {
    return Error{ErrorCode::kInvalid, "inference profile: " + text};
  };
  if (frames.empty()) return invalid("found no frame, expected at least one to measure on");
  if (configurations.empty()) return invalid("found no inference configuration, expected some");
  for (const auto& [name, value] : {std::pair{"frames per second", frames_per_second},
                                    {"device cores", device_cores},
                                    {"headroom", headroom}}) {
    if (!(value > 0) || !std::isfinite(value)) {
      return invalid(fmt::format("{}: found {}, expected a number above 0", name, value));
    }
  }

  double longest = 1;
  for (const InferenceConfiguration& configuration : configurations) {
    if (configuration.frame_interval < 1) {
      return invalid(fmt::format("{}: found frame interval {}, expected at least 1",
                                 configuration.id, configuration.frame_interval));
    }
    longest = std::max(longest, static_cast<double>(configuration.frame_interval));
  }

  std::map<int, Pass> passes;  // by input size
  EKYA_ASSIGN(passes[0], Analyze(model, frames, 0));
  for (const InferenceConfiguration& configuration : configurations) {
    const int size = configuration.input_size;
    if (passes.contains(size)) continue;
    Result<Pass> pass = Analyze(model, frames, size);
    if (pass.ok()) {
      passes[size] = std::move(*pass);
    } else {
      Log(LogLevel::kWarning, "", "inference configuration {} cannot be served: {}",
          configuration.id, pass.error().message);
    }
  }

  // Share that the mean cost asks for, without headroom; above 1 a device falls behind.
  const auto load = [&](const InferenceConfiguration& configuration) {
    return passes.at(configuration.input_size).cpu_seconds_per_frame * frames_per_second /
           configuration.frame_interval / device_cores;
  };
  for (const InferenceConfiguration& configuration : configurations) {
    if (!passes.contains(configuration.input_size)) continue;
    longest = std::max(longest, configuration.frame_interval * load(configuration));
  }
  const auto max_age = static_cast<std::int64_t>(std::min(longest, 1e6));

  // What to agree with: the truth, or what the model itself says where the truth cannot tell.
  const auto best = [&](const Lists& reference) {
    const auto agreement = AgreementByAge(frames, passes.at(0).detections, reference, 0);
    return agreement.contains(0) ? agreement.at(0) : 0.0;
  };
  const Lists* reference = &truth;
  if (best(truth) <= 0) reference = &passes.at(0).detections;
  const double whole = best(*reference);

  std::map<int, std::map<std::int64_t, double>> agreements;  // by input size
  for (const auto& [size, pass] : passes) {
    agreements[size] = AgreementByAge(frames, pass.detections, *reference, max_age);
  }

  std::vector<InferenceProfile> profiles;
  for (const InferenceConfiguration& configuration : configurations) {
    if (!passes.contains(configuration.input_size)) {
      profiles.push_back({configuration.id, 1, 0});
      continue;
    }
    const double needed = load(configuration);
    InferenceProfile profile;
    profile.id = configuration.id;
    profile.share = std::min(1.0, needed * headroom);
    const double interval = std::min(configuration.frame_interval * std::max(1.0, needed), 1e6);
    profile.factor = Freshness(frames, interval);
    if (whole > 0) {
      const auto& agreement = agreements.at(configuration.input_size);
      profile.factor *=
          agreement.empty() ? 0 : std::clamp(MeanAgreement(agreement, interval) / whole, 0.0, 1.0);
    }
    profiles.push_back(profile);
  }
  return profiles;
}

}  // namespace ekya::inference
