#include "stages/swap/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "base/check.h"
#include "core/significance.h"

namespace ekya::swap {
namespace {

/// Of an accuracy measured on `samples`; half a sample of either outcome added, or a model that was
/// right (or wrong) every time would seem certain.
double Variance(double accuracy, int samples) {
  const double count = samples + 1.0;
  const double smooth = (accuracy * samples + 0.5) / count;
  return smooth * (1 - smooth) / count;
}

// Flips are drawn the same way for the same samples.
constexpr std::uint64_t kFlipSeed = 7;

double Mean(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

// Of the candidate's losses being no smaller.
double LossTest(const PairedOutcomes& outcomes) {
  const std::size_t samples = outcomes.served.size();
  if (outcomes.served_loss.size() != samples || outcomes.candidate_loss.size() != samples) {
    return 0.5;
  }
  std::vector<double> gains;
  for (std::size_t i = 0; i < samples; ++i) {
    gains.push_back(outcomes.served_loss[i] - outcomes.candidate_loss[i]);
    if (!std::isfinite(gains.back())) return 0.5;
  }
  return SignFlipTest(gains, kFlipSeed);
}

// What the candidate loses, in words; empty: no class.
std::string LostClass(const PairedOutcomes& outcomes, const GateSettings& settings) {
  struct OfClass {
    std::vector<double> losses;
    double served = 0;
    double candidate = 0;
  };
  std::map<int, OfClass> classes;
  for (std::size_t i = 0; i < outcomes.label.size(); ++i) {
    OfClass& own = classes[outcomes.label[i]];
    own.losses.push_back(outcomes.label_served[i] - outcomes.label_candidate[i]);
    own.served += outcomes.label_served[i];
    own.candidate += outcomes.label_candidate[i];
  }
  for (const auto& [label, own] : classes) {
    const auto count = static_cast<double>(own.losses.size());
    if (own.served - own.candidate < settings.class_loss * count) continue;
    const double p = SignFlipTest(own.losses, kFlipSeed);
    if (p * static_cast<double>(classes.size()) > settings.class_level) continue;
    return fmt::format("it loses class {}: {:.3f} against {:.3f} on {} of its samples (p = {:.2g})",
                       label, own.candidate / count, own.served / count, own.losses.size(), p);
  }
  return "";
}

}  // namespace

float LossOf(double score, bool right) {
  constexpr double kMostLoss = 10;
  const double sure = std::clamp(right ? score : 1 - score, std::exp(-kMostLoss), 1.0);
  return static_cast<float>(-std::log(sure));
}

GateResult Judge(const PairedOutcomes& outcomes, const GateSettings& settings) {
  EKYA_CHECK(outcomes.served.size() == outcomes.candidate.size(), "outcomes come in pairs");
  EKYA_CHECK(outcomes.label.size() == outcomes.label_served.size() &&
                 outcomes.label.size() == outcomes.label_candidate.size(),
             "outcomes of classes come in pairs");
  GateResult result;
  result.samples = static_cast<int>(outcomes.served.size());
  result.served = Mean(outcomes.served);
  result.candidate = Mean(outcomes.candidate);
  if (result.samples == 0) {
    result.reason = "no labelled sample to compare on: kept the served model";
    return result;
  }
  std::vector<double> gains;
  for (std::size_t i = 0; i < outcomes.served.size(); ++i) {
    const double gain = outcomes.candidate[i] - outcomes.served[i];
    if (!std::isfinite(gain)) {
      result.reason = fmt::format("sample {} was measured as {} against {}: kept the served model",
                                  i, outcomes.candidate[i], outcomes.served[i]);
      return result;
    }
    gains.push_back(gain);
    result.better += gain > 0 ? 1 : 0;
    result.worse += gain < 0 ? 1 : 0;
  }
  result.p_value = SignFlipTest(gains, kFlipSeed);
  const auto compared = fmt::format(
      "candidate {:.3f} against served {:.3f} on {} held-out samples, better on {} and worse on {} "
      "(p = {:.2g})",
      result.candidate, result.served, result.samples, result.better, result.worse, result.p_value);
  std::string verdict = "better";
  if (!(result.p_value <= settings.level)) {
    if (result.candidate >= result.served) result.loss_p_value = LossTest(outcomes);
    if (!(result.loss_p_value <= settings.loss_level)) {
      result.reason = fmt::format(
          "{}: {}", compared,
          result.candidate > result.served ? "not better beyond the noise" : "not better");
      return result;
    }
    verdict = fmt::format("no less right, and surer of it (p = {:.2g})", result.loss_p_value);
  }
  if (const std::string lost = LostClass(outcomes, settings); !lost.empty()) {
    result.reason = compared + ": " + lost;
    return result;
  }
  result.promote = true;
  result.reason = compared + ": " + verdict;
  return result;
}

GateResult Judge(double served_accuracy, double candidate_accuracy, int samples) {
  if (!std::isfinite(candidate_accuracy)) {
    return {.promote = false,
            .reason = fmt::format("candidate's accuracy is {}: kept the served model",
                                  candidate_accuracy)};
  }
  if (samples <= 0) {
    return {.promote = true,
            .reason =
                fmt::format("no held-out sample to compare on: took the candidate, which has seen "
                            "the newer world")};
  }
  const auto compared = fmt::format("candidate {:.3f} against served {:.3f} on {} held-out samples",
                                    candidate_accuracy, served_accuracy, samples);
  if (!std::isfinite(served_accuracy)) return {.promote = true, .reason = compared};
  const double error =
      std::sqrt(Variance(served_accuracy, samples) + Variance(candidate_accuracy, samples));
  const bool promote = candidate_accuracy >= served_accuracy - error;
  return {.promote = promote,
          .reason = fmt::format("{}: {} (one standard error is {:.3f})", compared,
                                candidate_accuracy >= served_accuracy ? "not worse"
                                : promote                             ? "within the error"
                                                                      : "worse",
                                error)};
}

}  // namespace ekya::swap
