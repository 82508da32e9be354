#include "stages/swap/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"

namespace ekya::swap {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// `count` samples each of: both right, the candidate alone, the served model alone, neither.
PairedOutcomes Outcomes(int both, int candidate, int served, int neither, int label = 0) {
  PairedOutcomes outcomes;
  const auto add = [&](int count, float served_right, float candidate_right) {
    for (int i = 0; i < count; ++i) {
      outcomes.served.push_back(served_right);
      outcomes.candidate.push_back(candidate_right);
      outcomes.label.push_back(label);
      outcomes.label_served.push_back(served_right);
      outcomes.label_candidate.push_back(candidate_right);
    }
  };
  add(both, 1, 1);
  add(candidate, 0, 1);
  add(served, 1, 0);
  add(neither, 0, 0);
  return outcomes;
}

PairedOutcomes operator+(PairedOutcomes a, const PairedOutcomes& b) {
  const auto append = [](auto& to, const auto& more) {
    to.insert(to.end(), more.begin(), more.end());
  };
  append(a.served, b.served);
  append(a.candidate, b.candidate);
  append(a.label, b.label);
  append(a.label_served, b.label_served);
  append(a.label_candidate, b.label_candidate);
  return a;
}

TEST(Gate, PromotesWhatIsBetterBeyondTheNoiseAndSaysAllThatItKnows) {
  const GateResult better = Judge(Outcomes(40, 9, 2, 9));
  EXPECT_TRUE(better.promote);
  EXPECT_EQ(better.samples, 60);
  EXPECT_EQ(better.better, 9);
  EXPECT_EQ(better.worse, 2);
  EXPECT_NEAR(better.candidate, 49 / 60.0, 1e-6);
  EXPECT_NEAR(better.served, 42 / 60.0, 1e-6);
  EXPECT_NEAR(better.p_value, (55 / 2.0 + 11 + 1) / 2048, 1e-9);
  EXPECT_THAT(better.reason,
              AllOf(HasSubstr("0.817"), HasSubstr("0.700"), HasSubstr("60 held-out"),
                    HasSubstr("better on 9 and worse on 2"), HasSubstr("p = 0.019")));
}

TEST(Gate, KeepsTheServedModelInADrawAndWithoutEvidence) {
  EXPECT_FALSE(Judge(Outcomes(50, 0, 0, 3)).promote);
  EXPECT_FALSE(Judge(Outcomes(50, 5, 5, 3)).promote);
  EXPECT_FALSE(Judge(Outcomes(50, 4, 9, 3)).promote);
  EXPECT_THAT(Judge(Outcomes(50, 4, 9, 3)).reason, HasSubstr("not better"));
  EXPECT_FALSE(Judge(PairedOutcomes{}).promote);
  EXPECT_THAT(Judge(PairedOutcomes{}).reason, HasSubstr("no labelled sample"));
  PairedOutcomes broken = Outcomes(5, 5, 0, 0);
  broken.candidate[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(Judge(broken).promote);
  EXPECT_THAT(Judge(broken).reason, HasSubstr("sample 2"));
  // A stricter level asks for more.
  EXPECT_TRUE(Judge(Outcomes(50, 6, 3, 3)).promote);
  EXPECT_FALSE(Judge(Outcomes(50, 6, 3, 3), {.level = 0.05}).promote);
}

/// `outcomes` with models as sure of each sample as said, whether they are right on it or not.
PairedOutcomes Sure(PairedOutcomes outcomes, double served, double candidate) {
  Random random(3);
  for (std::size_t i = 0; i < outcomes.served.size(); ++i) {
    const double chance = 0.02 * random.Uniform();
    outcomes.served_loss.push_back(LossOf(served - chance, outcomes.served[i] > 0.5F));
    outcomes.candidate_loss.push_back(LossOf(candidate - chance, outcomes.candidate[i] > 0.5F));
  }
  return outcomes;
}

TEST(Gate, BreaksADrawByHowSureModelsAreOfWhatIsRight) {
  const GateResult surer = Judge(Sure(Outcomes(60, 0, 0, 0), 0.8, 0.95));
  EXPECT_TRUE(surer.promote);
  EXPECT_LT(surer.loss_p_value, 0.01);
  EXPECT_THAT(surer.reason, HasSubstr("no less right, and surer of it"));
  EXPECT_FALSE(Judge(Sure(Outcomes(60, 0, 0, 0), 0.95, 0.8)).promote);
  EXPECT_FALSE(Judge(Sure(Outcomes(60, 0, 0, 0), 0.9, 0.9)).promote);
  EXPECT_FALSE(Judge(Sure(Outcomes(3, 0, 0, 0), 0.8, 0.95)).promote) << "three tell little";
  // Surer, but less right; or surer of what is wrong.
  EXPECT_FALSE(Judge(Sure(Outcomes(60, 1, 2, 0), 0.8, 0.95)).promote);
  EXPECT_FALSE(Judge(Sure(Outcomes(40, 0, 0, 20), 0.8, 0.95)).promote);
  // It makes up for no class.
  EXPECT_FALSE(
      Judge(Sure(Outcomes(60, 12, 0, 0, 0) + Outcomes(10, 0, 12, 0, 1), 0.8, 0.95)).promote);
}

TEST(Gate, LossesAreLogarithmicAndBounded) {
  EXPECT_FLOAT_EQ(LossOf(1, true), 0);
  EXPECT_NEAR(LossOf(0.5, false), std::log(2.0), 1e-6);
  EXPECT_FLOAT_EQ(LossOf(1, false), 10);
  EXPECT_FLOAT_EQ(LossOf(0, true), 10);
}

TEST(Gate, RejectsACandidateThatLosesAnOldClass) {
  const PairedOutcomes gains = Outcomes(30, 30, 0, 0, 0);
  EXPECT_TRUE(Judge(gains + Outcomes(20, 0, 2, 0, 1)).promote) << "a little, by chance";
  const GateResult lost = Judge(gains + Outcomes(10, 0, 12, 0, 1));
  EXPECT_GT(lost.candidate, lost.served);
  EXPECT_FALSE(lost.promote);
  EXPECT_THAT(lost.reason, AllOf(HasSubstr("loses class 1"), HasSubstr("0.455 against 1.000")));
  // Surely worse on a class, but by little: the shift of a threshold is no loss.
  EXPECT_TRUE(Judge(Outcomes(30, 60, 0, 0, 0) + Outcomes(90, 0, 10, 0, 1)).promote);
  // A class that the served model did not know cannot be lost.
  EXPECT_TRUE(Judge(gains + Outcomes(0, 0, 0, 12, 1)).promote);
}

TEST(Gate, RejectsADetectorThatLosesAnOldClass) {
  // Pictures with two cars and, every other one, a bus: which the candidate finds, and one car
  // less.
  PairedOutcomes pictures;
  for (int i = 0; i < 40; ++i) {
    const bool bus = i % 2 == 1;
    pictures.served.push_back(bus ? 0.8F : 1);
    pictures.candidate.push_back(bus ? 1 : 0.95F);
    pictures.label.push_back(0);
    pictures.label_served.push_back(1);
    pictures.label_candidate.push_back(1);
    if (!bus) continue;
    pictures.label.push_back(1);
    pictures.label_served.push_back(0);
    pictures.label_candidate.push_back(1);
  }
  EXPECT_TRUE(Judge(pictures).promote) << Judge(pictures).reason;
  for (std::size_t i = 0; i < pictures.label.size(); ++i) {
    if (pictures.label[i] == 0) pictures.label_candidate[i] = 0.5F;
  }
  EXPECT_FALSE(Judge(pictures).promote);
  EXPECT_THAT(Judge(pictures).reason, HasSubstr("loses class 0: 0.500 against 1.000 on 40"));
}

TEST(Gate, ComparesPicturesByHowMuchTheyDiffer) {
  PairedOutcomes pictures;
  Random random(4);
  for (int i = 0; i < 40; ++i) {
    const auto f1 = static_cast<float>(random.Uniform(0.3, 0.6));
    pictures.served.push_back(f1);
    pictures.candidate.push_back(f1 + static_cast<float>(random.Uniform(-0.05, 0.15)));
  }
  EXPECT_TRUE(Judge(pictures).promote);
  EXPECT_LT(Judge(pictures).p_value, 0.01);
  std::swap(pictures.served, pictures.candidate);
  EXPECT_FALSE(Judge(pictures).promote);
  EXPECT_GT(Judge(pictures).p_value, 0.99);
}

// Two models of given accuracies that are right together as far as they can, but for `own`: the
// part of the samples on which each is right alone beyond that.
PairedOutcomes Drawn(double served, double candidate, double own, int samples, Random& random) {
  const double alone = std::max(candidate - served, 0.0) + own;
  const double served_alone = std::max(served - candidate, 0.0) + own;
  PairedOutcomes outcomes;
  for (int i = 0; i < samples; ++i) {
    const double x = random.Uniform();
    const double both = candidate - alone;
    outcomes.candidate.push_back(x < candidate ? 1 : 0);
    outcomes.served.push_back(x < both || (x >= candidate && x < candidate + served_alone) ? 1 : 0);
  }
  return outcomes;
}

TEST(Gate, MistakesAreAsRareAsItsLevelSays) {
  Random random(8);
  constexpr int kRounds = 1000;
  for (const int samples : {30, 100}) {
    const auto promoted = [&](double served, double candidate, const GateSettings& settings) {
      int count = 0;
      for (int round = 0; round < kRounds; ++round) {
        count += Judge(Drawn(served, candidate, 0.05, samples, random), settings).promote ? 1 : 0;
      }
      return count / static_cast<double>(kRounds);
    };
    // Equal models: about as often as the level (a mid-p value is right on average).
    EXPECT_LT(promoted(0.8, 0.8, {}), 0.46) << samples;
    EXPECT_LT(promoted(0.8, 0.8, {.level = 0.1}), 0.12) << samples;
    EXPECT_LT(promoted(0.85, 0.75, {}), samples == 30 ? 0.12 : 0.02) << "10 points worse";
    EXPECT_GT(promoted(0.75, 0.85, {}), samples == 30 ? 0.8 : 0.96) << "10 points better";
    // What a usual level would miss of that, and it is why there is another one.
    EXPECT_LT(promoted(0.75, 0.85, {.level = 0.05}), samples == 30 ? 0.4 : 0.75) << samples;
  }
}

// The loop in small: the served model drifts away a little in each window, a candidate comes near
// the best that there is, or is poor. What a rule is worth is the accuracy that is served.
template <typename Rule>
double ServedIn(double drift, double poor, int samples, Rule promotes) {
  Random random(21);
  double served = 0.9;
  double sum = 0;
  constexpr int kWindows = 1200;
  for (int window = 0; window < kWindows; ++window) {
    served = std::max(0.3, served - std::abs(drift + drift * random.Normal()));
    double candidate = std::min(0.97, 0.9 + 0.025 * random.Normal());
    if (random.Uniform() < poor) candidate -= 0.12;
    if (promotes(Drawn(served, candidate, 0.03, samples, random))) served = candidate;
    sum += served;
  }
  return sum / kWindows;
}

TEST(Gate, ServesADriftingWorldBetterThanForgivingOrStrictRules) {
  const auto level = [](double value) {
    return [value](const PairedOutcomes& outcomes) {
      return Judge(outcomes, {.level = value}).promote;
    };
  };
  // Not worse by a standard error of the difference, sample pairs left out of account.
  const auto forgiving = [](const PairedOutcomes& outcomes) {
    const GateResult seen = Judge(outcomes);
    const double variance = seen.served * (1 - seen.served) + seen.candidate * (1 - seen.candidate);
    return seen.candidate >= seen.served - std::sqrt(variance / seen.samples);
  };
  double ours = 0;
  double usual = 0;
  double forgiven = 0;
  for (const double drift : {0.01, 0.03}) {
    for (const double poor : {0.05, 0.3}) {
      for (const int samples : {60, 150}) {
        const double here = ServedIn(drift, poor, samples, level(GateSettings{}.level));
        double best = here;
        for (const double other : {0.1, 0.2, 0.3, 0.49}) {
          best = std::max(best, ServedIn(drift, poor, samples, level(other)));
        }
        EXPECT_GT(here, best - 0.01) << drift << " " << poor << " " << samples;
        ours += here;
        usual += ServedIn(drift, poor, samples, level(0.05));
        forgiven += ServedIn(drift, poor, samples, forgiving);
      }
    }
  }
  EXPECT_GT(ours / 8, usual / 8 + 0.01);
  EXPECT_GT(ours / 8, forgiven / 8);
}

}  // namespace
}  // namespace ekya::swap
