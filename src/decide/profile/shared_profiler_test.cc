#include "decide/profile/shared_profiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace ekya::profile {
namespace {

using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

/// A made world: what a training gives and takes is a formula.
struct World {
  double level = 0.7;  ///< Of a model after long training of everything.

  double Accuracy(const RetrainingConfiguration& c) const {
    const TrainingState state = StateAfter(c);
    return level - 0.03 * std::exp2(-state.work / 4) - 0.005 * (5 - c.trained_stages);
  }
  static double Seconds(const RetrainingConfiguration& c, double epochs, double fraction) {
    return fraction * (0.01 + epochs * 0.02 * c.trained_stages);
  }
  /// A trial after `epochs` epochs, measured on held-out samples.
  TrialResult Try(const Trial& trial, int epochs) const {
    TrialResult result;
    RetrainingConfiguration c = trial.configuration;
    c.sample_fraction = trial.sample_fraction;
    for (int i = 1; i <= epochs; ++i) {
      c.epochs = i;
      result.accuracy.push_back(Accuracy(c));
    }
    result.held_out = 400;
    result.full_samples = 1000;
    result.trial_samples = static_cast<int>(1000 * trial.sample_fraction);
    result.device_seconds_once = 0.01 * trial.sample_fraction;
    result.device_seconds_per_epoch =
        0.02 * trial.configuration.trained_stages * trial.sample_fraction;
    result.device_seconds = Seconds(trial.configuration, epochs, trial.sample_fraction);
    return result;
  }
};

const RetrainingConfiguration& Named(const std::vector<RetrainingConfiguration>& grid,
                                     const std::string& id) {
  return *std::find_if(grid.begin(), grid.end(), [&](const auto& c) { return c.id == id; });
}

struct Spent {
  double seconds = 0;
  int trials = 0;
};

/// All trials of one window.
Spent RunTrials(SharedProfiler& profiler, const World& world) {
  std::map<std::size_t, int> epochs;
  std::map<std::size_t, double> seconds;
  for (auto next = profiler.NextTrials(); !next.empty(); next = profiler.NextTrials()) {
    for (const auto& [place, trial] : next) {
      const TrialResult result = world.Try(trial, ++epochs[place]);
      seconds[place] = result.device_seconds;
      profiler.Tried(place, result);
    }
  }
  Spent spent{0, static_cast<int>(epochs.size())};
  for (const auto& [place, took] : seconds) spent.seconds += took;
  return spent;
}

TEST(SharedProfilerTest, LearnsAWorldFromFewTrialsAndOneAchievedAccuracyAWindow) {
  const auto grid = DefaultRetrainingGrid();
  SharedProfiler profiler({}, grid);
  double late_error = 0;
  int count = 0;
  for (int window = 1; window <= 10; ++window) {
    for (const std::string stream : {"a", "b"}) {
      const World world{stream == "a" ? 0.75 : 0.65};
      const auto& chosen = grid[static_cast<std::size_t>(7 * window + 3) % grid.size()];
      if (window > 1) {
        const auto& before = grid[static_cast<std::size_t>(7 * (window - 1) + 3) % grid.size()];
        profiler.Achieved(stream, window - 1, before.id,
                          {LabelledSight(window - 0.75, world.Accuracy(before) - 0.02, 200)},
                          {LabelledSight(window - 0.7, world.Accuracy(before), 400)},
                          World::Seconds(before, before.epochs, before.sample_fraction));
      }
      profiler.Begin(stream, window, LabelledSight(window - 0.2, world.Accuracy(chosen), 400));
      RunTrials(profiler, world);
      const auto profiles = profiler.Estimates();
      ASSERT_THAT(profiles, SizeIs(grid.size()));
      for (std::size_t i = 0; i < grid.size(); ++i) {
        EXPECT_EQ(profiles[i].id, grid[i].id);
        EXPECT_GT(profiles[i].spread, 0);
        if (window < 5) continue;
        late_error += std::abs(profiles[i].accuracy - world.Accuracy(grid[i]));
        ++count;
      }
      profiler.EndWindow();
    }
  }
  EXPECT_LT(late_error / count, 0.035);
}

TEST(SharedProfilerTest, DeviceSecondsAreScaledFromTrialsAndCorrectedByWhatWasTaken) {
  const auto grid = DefaultRetrainingGrid();
  SharedProfiler profiler({}, grid);
  const World world;
  profiler.Begin("a", 1, LabelledSight(1 - 0.2, 0.7, 400));
  RunTrials(profiler, world);
  const auto& longest = Named(grid, "e30-f100-d5");
  const double expected = World::Seconds(longest, 30, 1);
  const auto seconds = [&] {
    const auto profiles = profiler.Estimates();
    return std::find_if(profiles.begin(), profiles.end(),
                        [&](const auto& p) { return p.id == longest.id; })
        ->device_seconds;
  };
  EXPECT_NEAR(seconds(), expected, 0.01 * expected);
  // It takes twice as long, time and again.
  for (int window = 1; window <= 6; ++window) {
    profiler.Achieved("a", window, longest.id, {}, {LabelledSight(window + 0.5, 0.7, 400)},
                      2 * expected);
  }
  EXPECT_GT(seconds(), 1.5 * expected);
}

TEST(SharedProfilerTest, SpreadsAreAsWideAsEstimatesWereOff) {
  const auto grid = DefaultRetrainingGrid();
  // What a belief is unsure of depends on what was measured when, not on what came out.
  const auto last_spread = [&](double off) {
    SharedProfiler profiler({}, grid);
    for (int window = 1;; ++window) {
      if (window > 1) {
        profiler.Achieved("a", window - 1, grid[4].id, {},
                          {LabelledSight(window - 0.7, 0.7 + (window % 2 == 0 ? off : -off), 400)},
                          1);
      }
      profiler.Begin("a", window, LabelledSight(window - 0.2, 0.7, 400));
      const double spread = profiler.Estimates()[4].spread;
      profiler.EndWindow();
      if (window == 30) return spread;
    }
  };
  EXPECT_GT(last_spread(0), 0);
  EXPECT_LT(last_spread(0), 0.7 * last_spread(0.1));
  EXPECT_LT(last_spread(0.1), 0.8 * last_spread(0.2));
}

TEST(SharedProfilerTest, TrialsKeepToTheirPartOfExhaustiveTraining) {
  const auto grid = DefaultRetrainingGrid();
  SharedProfilerSettings settings;
  settings.most_of_exhaustive = 0.005;
  SharedProfiler profiler(settings, grid);
  const World world;
  double exhaustive = 0;
  for (const auto& c : grid) exhaustive += World::Seconds(c, c.epochs, c.sample_fraction);
  profiler.Begin("a", 1, LabelledSight(1 - 0.2, 0.7, 400));
  const Spent first = RunTrials(profiler, world);
  EXPECT_EQ(first.trials, 3);  // one per number of trained stages
  profiler.EndWindow();
  profiler.Begin("a", 2, LabelledSight(2 - 0.2, 0.7, 400));
  EXPECT_THAT(RunTrials(profiler, world).seconds, Le(settings.most_of_exhaustive * exhaustive));
  // No budget, no trials: what is known must do.
  settings.most_of_exhaustive = 0;
  SharedProfiler frugal(settings, grid);
  frugal.Begin("a", 1, LabelledSight(1 - 0.2, 0.7, 400));
  RunTrials(frugal, world);
  frugal.Begin("a", 2, LabelledSight(2 - 0.2, 0.7, 400));
  EXPECT_THAT(frugal.NextTrials(), IsEmpty());
  EXPECT_NEAR(frugal.Estimates()[0].accuracy, 0.68, 0.1);
}

TEST(SharedProfilerTest, PruningLeavesFewerTrialsButEstimatesOfAll) {
  // Training the head alone gives the same for less.
  std::vector<RetrainingConfiguration> grid = DefaultRetrainingGrid();
  SharedProfilerSettings settings;
  settings.trials.prune_fraction = 0.5;
  settings.trials.keep_at_least = 1;
  settings.belief.rate = -0.1;  // what is new is the worse
  settings.belief.rate_spread = 0;
  SharedProfiler profiler(settings, grid);
  const World world;
  std::size_t tried = 0;
  for (int window = 1; window <= 10; ++window) {
    profiler.Begin("a", window, LabelledSight(window - 0.2, 0.7, 400));
    const auto next = profiler.NextTrials();
    tried = next.size();
    for (const auto& [place, trial] : next) {
      TrialResult result = world.Try(trial, 1);
      result.accuracy = {trial.configuration.trained_stages == 1 ? 0.75 : 0.6};
      profiler.Tried(place, result);
    }
    EXPECT_THAT(profiler.Estimates(), SizeIs(grid.size()));
    profiler.EndWindow();
  }
  EXPECT_EQ(tried, 1U);
}

TEST(SharedProfilerTest, ATrialThatFailedIsPassedOver) {
  SharedProfiler profiler({}, DefaultRetrainingGrid());
  profiler.Begin("a", 1, LabelledSight(1 - 0.2, 0.8, 400));
  const auto next = profiler.NextTrials();
  ASSERT_FALSE(next.empty());
  for (const auto& [place, trial] : next) {
    profiler.Tried(place, Error{ErrorCode::kFailed, "a NaN loss"});
  }
  EXPECT_THAT(profiler.NextTrials(), IsEmpty());
  EXPECT_NEAR(profiler.Estimates()[0].accuracy, 0.8, 0.1);
}

}  // namespace
}  // namespace ekya::profile
