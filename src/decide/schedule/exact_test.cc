#include "decide/schedule/exact.h"

#include <gtest/gtest.h>

#include <optional>

#include "decide/schedule/internal/judge.h"

namespace ekya::schedule {
namespace {

/// One stream's value under constant shares, straight from the definition; nothing where the floor
/// is broken.
std::optional<double> ValueOf(const Situation& situation, const StreamSituation& stream,
                              Quanta inference, Quanta retraining_quanta,
                              const RetrainingProfile* retraining) {
  const auto factor = [&](Quanta quanta) {
    double best = 0;
    for (const InferenceProfile& option : stream.inference) {
      if (option.share * situation.quanta_per_device <= quanta + 1e-9) {
        best = std::max(best, option.factor);
      }
    }
    return best;
  };
  double most = 0;
  for (const InferenceProfile& option : stream.inference) most = std::max(most, option.factor);
  const double floor = std::min(situation.accuracy_floor, stream.accuracy * most) - 1e-9;
  const double before = stream.accuracy * factor(inference);
  if (before < floor) return std::nullopt;
  if (retraining == nullptr || retraining_quanta == 0) return before;
  double work = retraining->device_seconds;
  if (stream.running) work = stream.running->device_seconds;
  const double ends = work / internal::SpeedOf(stream, static_cast<double>(retraining_quanta) /
                                                           situation.quanta_per_device);
  if (ends >= situation.window_seconds) return before;
  const Quanta later = std::min(inference + retraining_quanta, situation.quanta_per_device);
  const double after = retraining->accuracy * factor(later);
  if (after < floor) return std::nullopt;
  return (before * ends + after * (situation.window_seconds - ends)) / situation.window_seconds;
}

/// The best weighted sum from `stream` on with `quanta` left, by trying everything.
std::optional<double> BruteForce(const Situation& situation, std::size_t index, Quanta quanta) {
  if (index == situation.streams.size()) return 0.0;
  const StreamSituation& stream = situation.streams[index];
  std::vector<const RetrainingProfile*> choices{nullptr};
  for (const RetrainingProfile& profile : stream.retraining) {
    if (stream.retrained) break;
    if (stream.running && stream.running->id != profile.id) continue;
    choices.push_back(&profile);
  }
  std::optional<double> best;
  const Quanta device = situation.quanta_per_device;
  for (Quanta inference = 0; inference <= std::min(quanta, device); ++inference) {
    for (Quanta share = 0; share <= std::min(quanta - inference, device); ++share) {
      std::optional<double> own;
      for (const RetrainingProfile* choice : choices) {
        const auto value = ValueOf(situation, stream, inference, share, choice);
        if (value && (!own || *value > *own)) own = value;
      }
      if (!own) continue;
      const auto others = BruteForce(situation, index + 1, quanta - inference - share);
      const double weighted = stream.weight * *own;
      if (others && (!best || weighted + *others > *best)) best = weighted + *others;
    }
  }
  return best;
}

TEST(Exact, EqualsBruteForceOnSmallSituations) {
  Random random(2);
  int without = 0;
  for (int round = 0; round < 200; ++round) {
    const Situation situation = internal::RandomSituation(random, {.most_streams = 3,
                                                                   .most_devices = 2,
                                                                   .most_quanta = 4,
                                                                   .most_retrainings = 4,
                                                                   .instant = false});
    const auto schedule = (*MakePolicy("exact"))->Decide(situation);
    ASSERT_TRUE(schedule.ok());
    const auto expected = BruteForce(situation, 0, situation.TotalQuanta());
    ASSERT_EQ(schedule->static_optimum.has_value(), expected.has_value())
        << WriteSituation(situation);
    if (!expected) {
      ++without;
      continue;
    }
    double weights = 0;
    for (const StreamSituation& stream : situation.streams) weights += stream.weight;
    EXPECT_NEAR(*schedule->static_optimum, *expected / weights, 1e-9) << WriteSituation(situation);
  }
  EXPECT_GT(without, 0);  // Floors out of reach are among them.
}

TEST(Offers, RiseStrictlyAndStayWithinTwoDevices) {
  Random random(3);
  for (int round = 0; round < 100; ++round) {
    const Situation situation = internal::RandomSituation(random);
    const Problem problem = Prepare(situation).value();
    for (int s = 0; s < problem.count(); ++s) {
      const auto offers = Offers(problem, problem.streams[s], problem.start[s], problem.window);
      ASSERT_FALSE(offers.empty());
      EXPECT_EQ(offers.front().quanta, 0);
      for (std::size_t i = 0; i < offers.size(); ++i) {
        EXPECT_EQ(offers[i].inference + offers[i].retraining_quanta, offers[i].quanta);
        EXPECT_LE(offers[i].inference, problem.per_device);
        EXPECT_LE(offers[i].retraining_quanta, problem.per_device);
        if (i == 0) continue;
        EXPECT_GT(offers[i].quanta, offers[i - 1].quanta);
        EXPECT_GT(offers[i].worth, offers[i - 1].worth);
      }
    }
  }
}

TEST(Exact, DecidesAgainWhenARetrainingEnds) {
  // One device; both streams gain by retraining, b's is short. Once it is done its quanta are worth
  // more in a's retraining than in its own inference.
  Situation situation;
  situation.window_seconds = 100;
  situation.quanta_per_device = 10;
  situation.streams.push_back({"a", 0.2, {{"all", 0.1, 1}}, {{"r", 0.9, 40, 0}}, {}, false});
  situation.streams.push_back({"b", 0.2, {{"all", 0.1, 1}}, {{"r", 0.9, 10, 0}}, {}, false});
  const auto schedule = (*MakePolicy("exact"))->Decide(situation).value();
  EXPECT_GT(schedule.mean_accuracy, *schedule.static_optimum + 0.01);
  EXPECT_GE(schedule.timeline.size(), 3u);
}

}  // namespace
}  // namespace ekya::schedule
