#include "stages/swap/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "core/significance.h"

namespace ekya::swap {
namespace {

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

PairedOutcomes Paired(const Outcomes& served, const Outcomes& candidate,
                      const std::vector<std::vector<int>>& labels) {
  PairedOutcomes paired{served.right, candidate.right, {}, {}, {}, served.loss, candidate.loss};
  struct Found {
    float served = 0;
    float candidate = 0;
    float objects = 0;
  };
  std::size_t object = 0;
  for (const std::vector<int>& of_item : labels) {
    std::map<int, Found> by_class;
    for (const int label : of_item) {
      Found& found = by_class[label];
      found.served += served.found.at(object);
      found.candidate += candidate.found.at(object++);
      ++found.objects;
    }
    for (const auto& [label, found] : by_class) {
      paired.label.push_back(label);
      paired.label_served.push_back(found.served / found.objects);
      paired.label_candidate.push_back(found.candidate / found.objects);
    }
  }
  return paired;
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

}  // namespace ekya::swap
