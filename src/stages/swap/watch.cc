#include "stages/swap/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/check.h"

namespace ekya::swap {
namespace {

// Mean of what the stakes have become.
template <typename Logs>
double Worth(const Logs& logs) {
  double sum = 0;
  for (const double log : logs) sum += std::exp(std::min(log, 300.0));
  return sum / static_cast<double>(logs.size());
}

}  // namespace

Watch::Watch(double level) : level_(level) { EKYA_CHECK(level > 0 && level < 1, "a probability"); }

void Watch::Promoted(std::int64_t version, std::int64_t previous) {
  version_ = previous == 0 ? 0 : version;
  previous_ = previous;
  on_previous_.fill(0);
  on_promoted_.fill(0);
  samples_ = 0;
  served_ = 0;
  before_ = 0;
}

Watch::Verdict Watch::Add(std::int64_t version, const PairedOutcomes& outcomes) {
  EKYA_CHECK(outcomes.served.size() == outcomes.candidate.size(), "outcomes come in pairs");
  Verdict verdict;
  if (version_ == 0 || version != version_) return verdict;
  for (std::size_t i = 0; i < outcomes.served.size(); ++i) {
    const double loss = outcomes.candidate[i] - outcomes.served[i];
    if (!(loss >= -1 && loss <= 1)) continue;
    ++samples_;
    served_ += outcomes.served[i];
    before_ += outcomes.candidate[i];
    for (std::size_t stake = 0; stake < kStakes.size(); ++stake) {
      on_previous_[stake] += std::log1p(kStakes[stake] * loss);
      on_promoted_[stake] += std::log1p(-kStakes[stake] * loss);
    }
  }
  verdict.evidence = Worth(on_previous_);
  verdict.samples = samples_;
  verdict.roll_back = verdict.evidence >= 1 / level_;
  verdict.settled = !verdict.roll_back && Worth(on_promoted_) >= 1 / level_;
  const double count = std::max(samples_, 1);
  verdict.reason = fmt::format(
      "version {} {:.3f} against version {} {:.3f} on {} samples since it serves: {} (evidence "
      "{:.3g}, {:.3g} is enough)",
      version_, served_ / count, previous_, before_ / count, samples_,
      verdict.roll_back ? "worse"
      : verdict.settled ? "better"
                        : "not known to be worse",
      verdict.evidence, 1 / level_);
  if (verdict.roll_back || verdict.settled) version_ = previous_ = 0;
  return verdict;
}

}  // namespace ekya::swap
