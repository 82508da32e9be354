#include "run/simulator/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/log.h"

namespace ekya::simulator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TracedRetraining Retraining(const std::string& id, double accuracy, double device_seconds) {
  TracedRetraining retraining;
  retraining.id = id;
  retraining.accuracy = retraining.estimated_accuracy = accuracy;
  retraining.device_seconds = retraining.estimated_device_seconds = device_seconds;
  return retraining;
}

// Streams that lose 0.2 without retraining; one full-rate inference takes half a device.
Trace SmallTrace(int streams = 1, int windows = 2) {
  Trace trace;
  trace.window_seconds = 100;
  for (int s = 0; s < streams; ++s) {
    TracedStream stream;
    stream.id = "s" + std::to_string(s);
    stream.inference = {{"every-1", 0.5, 1.0}, {"every-2", 0.25, 0.8}};
    for (int w = 0; w < windows; ++w) {
      TracedWindow window;
      window.accuracy = 0.6;
      window.retraining = {Retraining("small", 0.7, 5), Retraining("large", 0.8, 20)};
      stream.windows.push_back(window);
    }
    trace.streams.push_back(stream);
  }
  return trace;
}

SimulationResult Simulated(const Trace& trace, const SimulationSettings& settings) {
  Result<SimulationResult> result = Simulate(trace, settings);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return result.ok() ? *result : SimulationResult{};
}

SimulationSettings With(const std::string& scheduler, int devices = 1) {
  SimulationSettings settings;
  settings.scheduler = scheduler;
  settings.devices = devices;
  settings.weigh_trials = false;  // Accounts are simpler where every candidate has its trial.
  return settings;
}

SimulationSettings Weighing(const std::string& scheduler, int devices = 1) {
  SimulationSettings settings = With(scheduler, devices);
  settings.weigh_trials = true;
  return settings;
}

TEST(Simulate, WithoutRetrainingTheTracesOwnAccuracyComesOut) {
  const SimulationResult result = Simulated(SmallTrace(), With("none"));
  EXPECT_NEAR(result.mean_accuracy, 0.6, 1e-9);
  EXPECT_EQ(result.retrainings, 0);
  EXPECT_NEAR(result.inference_device_seconds, 0.5 * 200, 1e-6);
  EXPECT_DOUBLE_EQ(result.retraining_device_seconds, 0);
}

TEST(Simulate, ARetrainingPaysFromTheMomentItEnds) {
  // Two devices: inference at full rate beside a retraining with a whole one. 20 of 100 seconds at
  // 0.6.
  const SimulationResult result = Simulated(SmallTrace(), With("exact", 2));
  EXPECT_EQ(result.retrainings, 2);
  EXPECT_EQ(result.swaps, 2);
  EXPECT_NEAR(result.mean_accuracy, (20 * 0.6 + 80 * 0.8) / 100, 0.01);
  EXPECT_NEAR(result.retraining_device_seconds, 40, 1e-6);
  EXPECT_NEAR(result.predicted_error, 0, 1e-12);
  EXPECT_THAT(result.warnings, testing::IsEmpty());
}

TEST(Simulate, ProfilingIsLeftOutWhereItCostsMoreThanItBrings) {
  // Serving three streams takes all of the device and more; a trial costs 10 device seconds.
  Trace trace = SmallTrace(3, 4);
  for (TracedStream& stream : trace.streams) {
    for (TracedWindow& window : stream.windows) window.profiling_seconds = 20;
  }
  const double none = Simulated(trace, With("none")).mean_accuracy;
  EXPECT_LT(Simulated(trace, With("planner")).mean_accuracy, none - 0.02);
  for (const char* scheduler : {"planner", "exact"}) {
    EXPECT_GE(Simulated(trace, Weighing(scheduler)).mean_accuracy, none - 0.005) << scheduler;
  }
}

TEST(Simulate, ARetrainingRunsAsFastAsItsStreamsThroughputSays) {
  // Half of a device serves, so that half trains: 20 device seconds take 40 s, at nine tenths of
  // the speed 22.2 s.
  Trace trace = SmallTrace(1, 1);
  trace.streams[0].inference.resize(1);
  trace.streams[0].windows[0].retraining.erase(trace.streams[0].windows[0].retraining.begin());
  EXPECT_NEAR(Simulated(trace, With("exact")).mean_accuracy, (0.6 * 40 + 0.8 * 60) / 100, 1e-6);
  trace.streams[0].throughput = {{0.5, 0.9}};
  for (const char* scheduler : {"exact", "planner"}) {
    EXPECT_NEAR(Simulated(trace, With(scheduler)).mean_accuracy,
                (0.6 * 20 / 0.9 + 0.8 * (100 - 20 / 0.9)) / 100, 1e-6);
  }
}

TEST(Simulate, TheMeanIsByWeightAndTheHeavyStreamComesFirst) {
  Trace trace = SmallTrace(2, 1);
  for (TracedStream& stream : trace.streams) {
    stream.windows[0].retraining = {Retraining("long", 0.9, 35)};
  }
  trace.streams[1].weight = 4;
  const SimulationResult result = Simulated(trace, With("planner"));
  const double light = result.streams[0].mean_accuracy;
  const double heavy = result.streams[1].mean_accuracy;
  EXPECT_GT(heavy, light + 0.05);
  EXPECT_NEAR(result.mean_accuracy, (light + 4 * heavy) / 5, 1e-12);
}

TEST(Simulate, ProfilingIsDoneWhereItPays) {
  Trace trace = SmallTrace(2, 4);
  for (TracedStream& stream : trace.streams) {
    for (TracedWindow& window : stream.windows) window.profiling_seconds = 4;
  }
  const SimulationResult all = Simulated(trace, With("planner", 3));
  const SimulationResult weighed = Simulated(trace, Weighing("planner", 3));
  EXPECT_GT(weighed.mean_accuracy, Simulated(trace, With("none", 3)).mean_accuracy + 0.05);
  EXPECT_GT(weighed.profiling_device_seconds, 0);
  EXPECT_LT(weighed.profiling_device_seconds, all.profiling_device_seconds);
}

TEST(Simulate, LaterSaysWhatACarriedModelIsWorth) {
  Trace trace = SmallTrace(1, 3);
  for (TracedWindow& window : trace.streams[0].windows) {
    window.retraining.resize(1);
    window.retraining[0].later = {0.72, 0.65};
  }
  // Retrains in no window but the first: nothing later is worth it.
  trace.streams[0].windows[1].retraining[0].estimated_accuracy = 0;
  trace.streams[0].windows[2].retraining[0].estimated_accuracy = 0;
  const SimulationResult result = Simulated(trace, With("exact", 2));
  EXPECT_EQ(result.swaps, 1);
  EXPECT_NEAR(result.streams[0].window_accuracy[1], 0.72, 1e-9);
  EXPECT_NEAR(result.streams[0].window_accuracy[2], 0.65, 1e-9);
  SimulationSettings longer = With("exact", 2);
  longer.windows = 3;
  EXPECT_EQ(Simulated(trace, longer).streams[0].window_accuracy.size(), 3u);
}

TEST(Simulate, TheGateKeepsAWorseModelOut) {
  Trace trace = SmallTrace();
  for (TracedWindow& window : trace.streams[0].windows) {
    for (TracedRetraining& retraining : window.retraining) retraining.accuracy = 0.3;
  }
  const SimulationResult gated = Simulated(trace, With("exact", 2));
  EXPECT_EQ(gated.swaps, 0);
  EXPECT_GT(gated.retrainings, 0);
  EXPECT_NEAR(gated.mean_accuracy, 0.6, 1e-6);
  SimulationSettings open = With("exact", 2);
  open.gate = false;
  EXPECT_LT(Simulated(trace, open).mean_accuracy, 0.5);
}

TEST(Simulate, AnOracleSeesTheTruth) {
  Trace trace = SmallTrace();
  for (TracedWindow& window : trace.streams[0].windows) {
    window.profiling_seconds = 10;
    window.retraining[0].estimated_accuracy = 0.95;  // The truth is 0.7.
  }
  const SimulationResult fooled = Simulated(trace, With("exact", 2));
  const SimulationResult knowing = Simulated(trace, With("oracle:exact", 2));
  EXPECT_GT(knowing.mean_accuracy, fooled.mean_accuracy + 0.02);
  EXPECT_GT(fooled.predicted_error, 0.1);  // 0.25 at first; it learns.
  EXPECT_NEAR(knowing.predicted_error, 0, 1e-9);
  EXPECT_DOUBLE_EQ(knowing.profiling_device_seconds, 0);
  EXPECT_NEAR(fooled.profiling_device_seconds, 20, 1e-9);
}

TEST(Simulate, PreparationTakesTimeOffTheWindow) {
  Trace trace = SmallTrace();
  for (TracedWindow& window : trace.streams[0].windows) {
    window.labelling_seconds = 15;
    window.profiling_seconds = 15;
  }
  const SimulationResult paid = Simulated(trace, With("exact", 2));
  SimulationSettings free = With("exact", 2);
  free.preparation = 0;
  // 1.5 devices are free beside inference: 20 of 100 seconds at 0.6 instead of 0.8.
  EXPECT_NEAR(Simulated(trace, free).mean_accuracy - paid.mean_accuracy, 0.04, 1e-3);
  EXPECT_NEAR(paid.labelling_device_seconds, 30, 1e-9);
  for (TracedWindow& window : trace.streams[0].windows) window.profiling_seconds = 1000;
  const SimulationResult drowned = Simulated(trace, With("exact", 2));
  EXPECT_EQ(drowned.retrainings, 0);
  EXPECT_THAT(drowned.warnings.front(), HasSubstr("took the whole window"));
}

TEST(Simulate, SwapsAndShareChangesCostWhatTheyAreSaidToCost) {
  const double plain = Simulated(SmallTrace(), With("exact", 2)).mean_accuracy;
  SimulationSettings swaps = With("exact", 2);
  swaps.swap_seconds = 10;
  EXPECT_NEAR(plain - Simulated(SmallTrace(), swaps).mean_accuracy, 0.1 * 0.8, 1e-3);
  SimulationSettings changes = With("exact", 2);
  changes.share_change_seconds = 10;
  EXPECT_NEAR(plain - Simulated(SmallTrace(), changes).mean_accuracy, 0.1 * 0.2, 2e-3);
}

TEST(Simulate, TheSameSeedGivesTheSameBitsAndAnotherOthers) {
  const Trace trace = SmallTrace(4, 3);
  SimulationSettings settings = With("thief", 2);
  settings.noise = 0.2;
  settings.seed = 7;
  const SimulationResult first = Simulated(trace, settings);
  const SimulationResult second = Simulated(trace, settings);
  EXPECT_EQ(first.mean_accuracy, second.mean_accuracy);
  EXPECT_EQ(first.retraining_device_seconds, second.retraining_device_seconds);
  EXPECT_EQ(first.windows.size(), second.windows.size());
  settings.seed = 8;
  EXPECT_NE(Simulated(trace, settings).retraining_device_seconds, first.retraining_device_seconds);
}

TEST(Simulate, NoiseOnTheEstimatesHurts) {
  const Trace trace = SmallTrace(6, 4);
  SimulationSettings settings = With("exact", 2);
  const double clean = Simulated(trace, settings).mean_accuracy;
  double noisy = 0;
  settings.noise = 0.3;
  for (settings.seed = 1; settings.seed <= 5; ++settings.seed) {
    noisy += Simulated(trace, settings).mean_accuracy / 5;
  }
  EXPECT_LT(noisy, clean);
  EXPECT_GT(noisy, clean - 0.1);
}

TEST(Simulate, SchedulersRankAsTheyShould) {
  const Trace trace = SmallTrace(4, 3);
  const double none = Simulated(trace, With("none", 3)).mean_accuracy;
  const double uniform = Simulated(trace, With("uniform:config=large,share=0.5", 3)).mean_accuracy;
  const double thief = Simulated(trace, With("thief", 3)).mean_accuracy;
  EXPECT_GT(thief, none + 0.05);
  EXPECT_GE(thief, uniform - 1e-9);
}

TEST(Simulate, EstimatesThatAreOffAreCorrectedInTheWindowAndAfterIt) {
  for (const char* scheduler : {"thief", "exact", "planner"}) {
    Trace trace = SmallTrace(3, 8);
    for (TracedStream& stream : trace.streams) {
      for (TracedWindow& window : stream.windows) {
        for (TracedRetraining& retraining : window.retraining) {
          retraining.estimated_device_seconds = retraining.device_seconds / 2.5;
          retraining.estimated_accuracy = std::min(1.0, retraining.accuracy + 0.15);
        }
      }
    }
    const SimulationResult result = Simulated(trace, With(scheduler, 2));
    int late = 0;
    double first_off = 0;
    double last_off = 0;
    for (const window::WindowRecord& window : result.windows) {
      EXPECT_NEAR(window.end_seconds - window.start_seconds, 100, 1e-6) << scheduler;
      EXPECT_LT(window.decisions.size(), 40u) << scheduler;
      for (const window::CorrectionRecord& correction : window.corrections) {
        EXPECT_GT(correction.corrected, 0) << scheduler;
        late += correction.what == "device_seconds" && window.window == 0 ? 1 : 0;
      }
      for (const window::RetrainingRecord& retraining : window.retrainings) {
        if (retraining.outcome != "swapped") continue;
        const double off =
            std::log(retraining.device_seconds / retraining.predicted_device_seconds);
        if (window.window == 0) first_off = std::max(first_off, off);
        if (window.window == 7) last_off = std::max(last_off, off);
      }
    }
    EXPECT_GT(late, 0) << scheduler << ": a retraining went on beyond what was promised";
    EXPECT_GT(first_off, 0.8) << scheduler;
    EXPECT_LT(last_off, first_off / 2) << scheduler;
  }
}

TEST(Simulate, RefusesWhatMakesNoSense) {
  const auto message = [](const Trace& trace, const SimulationSettings& settings) {
    const Result<SimulationResult> result = Simulate(trace, settings);
    return result.ok() ? "accepted" : result.error().message;
  };
  EXPECT_THAT(message(SmallTrace(), With("clairvoyant")), HasSubstr("clairvoyant"));
  EXPECT_THAT(message({}, With("none")), HasSubstr("no stream"));
  EXPECT_THAT(message(SmallTrace(), With("none", 0)), HasSubstr("0 devices"));
  SimulationSettings noise = With("none");
  noise.noise = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(message(SmallTrace(), noise), HasSubstr("noise: found nan"));
  Trace empty = SmallTrace();
  empty.streams[0].windows.clear();
  EXPECT_THAT(message(empty, With("none")), HasSubstr("no window"));
  Trace twice = SmallTrace(2);
  twice.streams[1].id = "s0";
  EXPECT_THAT(message(twice, With("none")), HasSubstr("twice"));
}

TEST(SelectStreams, KeepsTheOrderForSeedZeroAndRepeatsWithOtherWindows) {
  Trace trace = SmallTrace(2, 2);
  trace.streams[0].windows[1].accuracy = 0.1;
  const Trace more = SelectStreams(trace, 5, 0);
  std::vector<std::string> ids;
  for (const TracedStream& stream : more.streams) ids.push_back(stream.id);
  EXPECT_THAT(ids, ElementsAre("s0", "s1", "s0#2", "s1#2", "s0#3"));
  EXPECT_DOUBLE_EQ(more.streams[2].windows[0].accuracy, 0.1);
  EXPECT_DOUBLE_EQ(more.streams[4].windows[0].accuracy, 0.6);
  EXPECT_EQ(SelectStreams(SmallTrace(8), 3, 1).streams.size(), 3u);
}

}  // namespace
}  // namespace ekya::simulator
