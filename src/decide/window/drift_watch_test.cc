#include "decide/window/drift_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace ekya::window {
namespace {

using testing::HasSubstr;

// A camera whose results come in stretches that are alike: cars come in groups, and the score goes
// up and down with the light.
struct Scene {
  explicit Scene(std::uint64_t seed, double alike) : random(seed), alikeness(alike) {}

  // One window of 100 s with `cars` of the results of class 1 and scores about `score`.
  std::vector<ServedResult> Window(double cars, double score, std::int64_t version = 1) {
    std::vector<ServedResult> results;
    for (int i = 0; i < 240; ++i) {
      if (i % 6 == 0) {
        mood = alikeness * mood + std::sqrt(1 - alikeness * alikeness) * random.Normal();
      }
      ServedResult result;
      result.time_seconds = time += 100 / 240.0;
      result.version = version;
      result.class_index = random.Uniform() + 0.1 * mood < cars ? 1 : 0;
      result.score = std::clamp(score + 0.03 * mood + 0.1 * random.Normal(), 0.0, 1.0);
      results.push_back(result);
    }
    return results;
  }

  Random random;
  double alikeness;
  double mood = 0;
  double time = 0;
};

TEST(DriftWatch, SeldomCriesWhereNothingDrifts) {
  int alarms = 0;
  int looks = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Scene scene(seed, 0.3);
    DriftWatch watch;
    for (int window = 0; window < 6; ++window) {
      const DriftFinding finding = watch.Look("lobby", scene.Window(0.4, 0.7));
      if (finding.p_served < 0) continue;
      ++looks;
      alarms += finding.drifted ? 1 : 0;
    }
  }
  EXPECT_EQ(looks, 300);
  EXPECT_LT(alarms / static_cast<double>(looks), 0.06);
}

TEST(DriftWatch, LearnsHowMuchAQuietWorldMoves) {
  // A world whose mood lasts longer than a stretch fools a permutation of stretches; labels that
  // prove it quiet teach what is usual there.
  int early = 0;
  int late = 0;
  constexpr int kWindows = 80;
  constexpr int kRounds = 10;
  for (std::uint64_t seed = 1; seed <= kRounds; ++seed) {
    Scene scene(seed, 0.97);
    DriftWatch watch;
    for (int window = 0; window < kWindows; ++window) {
      const DriftFinding finding = watch.Look("lobby", scene.Window(0.4, 0.7));
      watch.Judge("lobby", 0.85, 100);
      watch.Settle("lobby");
      (window < 20 ? early : late) += finding.drifted ? 1 : 0;
      watch.Look("lobby", scene.Window(0.4, 0.7));
      watch.Judge("lobby", 0.85, 100);
      watch.Judge("lobby", 0.85, 100);
    }
  }
  EXPECT_GT(early / (20.0 * kRounds), 0.05) << "the world does fool the test at first";
  EXPECT_LT(late / ((kWindows - 20.0) * kRounds), 0.06);
}

TEST(DriftWatch, SeesAnotherMixOfClassesAndOtherScores) {
  int mix = 0;
  int scores = 0;
  constexpr int kRounds = 40;
  for (std::uint64_t seed = 1; seed <= kRounds; ++seed) {
    Scene scene(seed, 0.3);
    DriftWatch watch;
    watch.Look("lobby", scene.Window(0.4, 0.7));
    watch.Look("door", scene.Window(0.4, 0.7));
    mix += watch.Look("lobby", scene.Window(0.7, 0.7)).drifted ? 1 : 0;
    const DriftFinding finding = watch.Look("door", scene.Window(0.4, 0.6));
    scores += finding.drifted ? 1 : 0;
    if (finding.drifted) {
      EXPECT_THAT(finding.reason, HasSubstr("classes and scores"));
    }
  }
  EXPECT_GT(mix, kRounds * 9 / 10);
  EXPECT_GT(scores, kRounds * 9 / 10);
}

TEST(DriftWatch, HearsWhatLabelsSay) {
  Scene scene(1, 0.3);
  DriftWatch watch;
  watch.Look("lobby", scene.Window(0.4, 0.7));
  EXPECT_LT(watch.Judge("lobby", 0.9, 100).p_golden, 0) << "nothing to compare with";
  watch.Look("lobby", scene.Window(0.4, 0.7));
  const DriftFinding quiet = watch.Judge("lobby", 0.88, 100);
  EXPECT_GT(quiet.p_golden, 0.1);
  EXPECT_FALSE(quiet.drifted);
  watch.Look("lobby", scene.Window(0.4, 0.7));
  const DriftFinding worse = watch.Judge("lobby", 0.7, 100);
  EXPECT_TRUE(worse.drifted);
  EXPECT_THAT(worse.reason, HasSubstr("right on 0.700 of 100 labels, before on 0.890 of 200"));
  EXPECT_FALSE(watch.Judge("lobby", -1, 0).drifted);
}

TEST(DriftWatch, ANewModelAndASettledStreamBeginAnew) {
  Scene scene(2, 0.3);
  DriftWatch watch;
  watch.Look("lobby", scene.Window(0.4, 0.7, 1));
  EXPECT_LT(watch.Look("lobby", scene.Window(0.8, 0.9, 2)).p_served, 0) << "another model";
  EXPECT_GE(watch.Look("lobby", scene.Window(0.8, 0.9, 2)).p_served, 0);
  EXPECT_TRUE(watch.Look("lobby", scene.Window(0.2, 0.5, 2)).drifted);
  EXPECT_TRUE(watch.Look("lobby", scene.Window(0.2, 0.5, 2)).drifted) << "until it is looked after";
  watch.Settle("lobby");
  EXPECT_FALSE(watch.Look("lobby", scene.Window(0.2, 0.5, 2)).drifted);
  // Little tells nothing.
  std::vector<ServedResult> few = scene.Window(0.9, 0.2, 2);
  few.resize(20);
  EXPECT_LT(watch.Look("lobby", few).p_served, 0);
  EXPECT_LT(watch.Look("lobby", {}).p_served, 0);
}

}  // namespace
}  // namespace ekya::window
