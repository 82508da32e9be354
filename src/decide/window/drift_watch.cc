#include "decide/window/drift_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "base/random.h"
#include "core/significance.h"

namespace ekya::window {
namespace {

constexpr std::size_t kMostQuiet = 200;
constexpr int kShuffles = 999;
constexpr std::size_t kMostClasses = 16;
// Scores are told apart by the quarters of all that are compared.
constexpr std::size_t kScoreBins = 4;

using Features = std::vector<double>;  // Of a stretch: parts of classes and of score bins.

// Of stretches of about `length` results each.
std::vector<Features> FeaturesOf(const std::vector<ServedResult>& results, std::size_t length,
                                 const std::vector<double>& quartiles, std::size_t classes) {
  std::vector<Features> list;
  const std::size_t count = results.size();
  const std::size_t parts = count / length;
  for (std::size_t part = 0; part < parts; ++part) {
    Features features(classes + kScoreBins);
    const std::size_t from = part * count / parts;
    const std::size_t to = (part + 1) * count / parts;
    for (std::size_t i = from; i < to; ++i) {
      const std::size_t label =
          std::min(static_cast<std::size_t>(std::max(results[i].class_index, 0)), classes - 1);
      const auto bin = static_cast<std::size_t>(
          std::upper_bound(quartiles.begin(), quartiles.end(), results[i].score) -
          quartiles.begin());
      features[label] += 1.0 / static_cast<double>(to - from);
      features[classes + bin] += 1.0 / static_cast<double>(to - from);
    }
    list.push_back(std::move(features));
  }
  return list;
}

// How far the stretches named first in `order` (`first` of them) lie from the others.
double Distance(const std::vector<Features>& stretches, const std::vector<std::size_t>& order,
                std::size_t first, const Features& variances) {
  double distance = 0;
  const auto before = static_cast<double>(first);
  const double after = static_cast<double>(order.size()) - before;
  for (std::size_t feature = 0; feature < variances.size(); ++feature) {
    if (variances[feature] <= 1e-12) continue;
    double difference = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const double value = stretches[order[i]][feature];
      difference += i < first ? value / before : -value / after;
    }
    distance += difference * difference / variances[feature];
  }
  return distance;
}

std::vector<double> QuartilesOf(const std::vector<ServedResult>& before,
                                const std::vector<ServedResult>& now) {
  std::vector<double> scores;
  for (const auto* side : {&before, &now}) {
    for (const ServedResult& result : *side) scores.push_back(result.score);
  }
  std::sort(scores.begin(), scores.end());
  std::vector<double> quartiles;
  for (std::size_t i = 1; i < kScoreBins; ++i) {
    quartiles.push_back(scores[i * scores.size() / kScoreBins]);
  }
  return quartiles;
}

}  // namespace

double DriftWatch::Permutation(const std::vector<ServedResult>& before,
                               const std::vector<ServedResult>& now) const {
  std::size_t classes = 1;
  for (const auto* side : {&before, &now}) {
    for (const ServedResult& result : *side) {
      classes = std::max(classes, static_cast<std::size_t>(std::max(result.class_index, 0)) + 1);
    }
  }
  classes = std::min(classes, kMostClasses);
  const std::vector<double> quartiles = QuartilesOf(before, now);
  // Stretches of one length on both sides: what a short one shows scatters more.
  const std::size_t length = std::max<std::size_t>(
      std::min(before.size(), now.size()) / static_cast<std::size_t>(settings_.stretches), 1);
  std::vector<Features> stretches = FeaturesOf(before, length, quartiles, classes);
  const std::size_t first = stretches.size();
  for (Features& features : FeaturesOf(now, length, quartiles, classes)) {
    stretches.push_back(std::move(features));
  }
  Features variances(classes + kScoreBins);
  for (std::size_t feature = 0; feature < variances.size(); ++feature) {
    double sum = 0;
    double squares = 0;
    for (const Features& features : stretches) {
      sum += features[feature];
      squares += features[feature] * features[feature];
    }
    const auto count = static_cast<double>(stretches.size());
    variances[feature] = squares / count - sum * sum / count / count;
  }
  std::vector<std::size_t> order(stretches.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const double seen = Distance(stretches, order, first, variances);
  Random random(17);
  double above = 0.5;  // What was seen is one of the orders.
  for (int shuffle = 0; shuffle < kShuffles; ++shuffle) {
    random.Shuffle(order);
    const double distance = Distance(stretches, order, first, variances);
    if (std::abs(distance - seen) < 1e-9 * std::max(1.0, seen)) {
      above += 0.5;
    } else if (distance > seen) {
      above += 1;
    }
  }
  return above / (kShuffles + 1);
}

double DriftWatch::AmongQuiet(double p) const {
  // Too few to have one in as many as the level says.
  if (static_cast<double>(quiet_.size() + 1) * settings_.level / 2 < 1) return p;
  const auto as_low = std::count_if(quiet_.begin(), quiet_.end(), [&](double q) { return q <= p; });
  return std::max(p, static_cast<double>(as_low + 1) / static_cast<double>(quiet_.size() + 1));
}

DriftFinding DriftWatch::Look(const std::string& id, const std::vector<ServedResult>& results) {
  Stream& stream = streams_[id];
  DriftFinding finding;
  if (results.empty()) return finding;
  const std::int64_t newest = results.back().version;
  std::vector<ServedResult> own;
  for (const ServedResult& result : results) {
    if (result.version == newest) own.push_back(result);
  }
  stream.mixed = own.size() < results.size();
  if (newest != stream.version) {
    const bool mixed = stream.mixed;
    stream = {};
    stream.version = newest;
    stream.mixed = mixed;
  }
  if (own.size() < static_cast<std::size_t>(settings_.least_results)) return finding;
  stream.latest = own;
  if (stream.reference.empty()) {
    stream.reference = std::move(own);
    return finding;
  }
  // Not what is in the reference itself.
  std::erase_if(own, [&](const ServedResult& result) {
    return result.time_seconds <= stream.reference.back().time_seconds;
  });
  if (own.size() < static_cast<std::size_t>(settings_.least_results)) return finding;
  const double p = Permutation(stream.reference, own);
  stream.pending.push_back(p);
  finding.p_served = AmongQuiet(p);
  finding.drifted = finding.p_served <= settings_.level / 2;
  if (finding.drifted) {
    finding.reason =
        fmt::format("classes and scores are others than before (p = {:.2g})", finding.p_served);
  }
  return finding;
}

DriftFinding DriftWatch::Judge(const std::string& id, double accuracy, int samples) {
  Stream& stream = streams_[id];
  DriftFinding finding;
  if (!(accuracy >= 0 && accuracy <= 1) || samples <= 0 || stream.mixed) {
    stream.pending.clear();
    return finding;
  }
  const int right = static_cast<int>(std::lround(accuracy * samples));
  if (stream.judged == 0) {
    stream.right = right;
    stream.judged = samples;
    return finding;
  }
  finding.p_golden = FewerTest(stream.right, stream.judged, right, samples);
  finding.drifted = finding.p_golden <= settings_.level / 2;
  if (finding.drifted) {
    finding.reason = fmt::format(
        "right on {:.3f} of {} labels, before on {:.3f} of {} (p = {:.2g})", accuracy, samples,
        static_cast<double>(stream.right) / stream.judged, stream.judged, finding.p_golden);
  } else {
    stream.right += right;
    stream.judged += samples;
    quiet_.insert(quiet_.end(), stream.pending.begin(), stream.pending.end());
    while (quiet_.size() > kMostQuiet) quiet_.pop_front();
  }
  stream.pending.clear();
  return finding;
}

void DriftWatch::Settle(const std::string& id) {
  Stream& stream = streams_[id];
  stream.reference = stream.latest;
  stream.right = 0;
  stream.judged = 0;
}

}  // namespace ekya::window
