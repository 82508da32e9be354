#include "run/simulator/trace_of_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "decide/window/serving.h"

namespace ekya::simulator {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A world in which retraining pays, differently for each stream.
Trace RecordedWorld() {
  Trace trace;
  trace.window_seconds = 100;
  Random random(9);
  for (int s = 0; s < 3; ++s) {
    TracedStream stream;
    stream.id = "s" + std::to_string(s);
    stream.inference = {{"every-1", 0.3, 1.0}, {"every-2", 0.15, 0.85}};
    for (int w = 0; w < 6; ++w) {
      TracedWindow window;
      window.accuracy = random.Uniform(0.5, 0.8);
      window.labelling_seconds = 0.5;
      window.profiling_seconds = 1;
      for (const char* id : {"short", "long"}) {
        TracedRetraining retraining;
        retraining.id = id;
        retraining.accuracy = random.Uniform(0.6, 0.95);
        retraining.device_seconds = id[0] == 's' ? 5 : 20;
        retraining.estimated_accuracy = retraining.accuracy + random.Uniform(-0.05, 0.05);
        retraining.estimated_device_seconds = retraining.device_seconds * 1.1;
        window.retraining.push_back(retraining);
      }
      stream.windows.push_back(window);
    }
    trace.streams.push_back(stream);
  }
  return trace;
}

// The record that a live run in the world of `trace` would have left, from what its simulation did.
window::RunRecord RecordOf(const Trace& trace, const SimulationResult& result) {
  window::RunRecord run;
  run.scheduler = result.settings.scheduler;
  run.devices = result.settings.devices;
  run.quanta_per_device = result.settings.quanta_per_device;
  run.window_seconds = result.settings.window_seconds;
  run.windows = result.windows;
  for (const TracedStream& stream : trace.streams) {
    window::StreamRecord record;
    record.id = stream.id;
    record.accuracy_source = "truth";
    for (std::size_t w = 0; w < result.windows.size(); ++w) {
      const window::WindowRecord& window = result.windows[w];
      double swap = 1e9;
      double after = 0;
      for (const auto& retraining : window.retrainings) {
        if (retraining.stream != stream.id || retraining.outcome != "swapped") continue;
        swap = retraining.end_seconds;
        after = retraining.achieved_accuracy;
        run.swaps.push_back({swap, stream.id, static_cast<std::int64_t>(w) + 2});
      }
      const auto factor_of = [&](const std::vector<Allocation>& jobs) {
        for (const Allocation& job : jobs) {
          if (job.stream == stream.id) return job.inference == "every-1" ? 1.0 : 0.85;
        }
        return 0.0;
      };
      const Situation& first = window.decisions.front().situation;
      for (int i = 0; i < 200; ++i) {
        const double from = window.start_seconds + i * 0.5;
        const double middle = from + 0.25;
        double factor =
            factor_of(window::PlanServing(first, (first.TotalQuanta() + 3) / 4).allocations);
        for (const window::Decision& decision : window.decisions) {
          if (decision.time_seconds <= middle) {
            factor = factor_of(decision.schedule.timeline.front().jobs);
          }
        }
        window::StreamInterval interval;
        interval.from_seconds = from;
        interval.to_seconds = from + 0.5;
        interval.frames = 10;
        interval.accuracy = factor * (middle >= swap ? after : stream.windows[w].accuracy);
        record.intervals.push_back(interval);
      }
    }
    run.streams.push_back(std::move(record));
  }
  return run;
}

SimulationSettings RecordedSettings(const std::string& scheduler) {
  SimulationSettings settings;
  settings.scheduler = scheduler;
  settings.weigh_trials = false;
  settings.correct = false;
  return settings;
}

TEST(TraceOfRecord, SimulatesToWhatWasRecorded) {
  for (const char* scheduler : {"thief", "exact", "planner"}) {
    const Trace world = RecordedWorld();
    const auto lived = Simulate(world, RecordedSettings(scheduler));
    ASSERT_TRUE(lived.ok()) << lived.error().message;
    ASSERT_GT(lived->swaps, 3) << scheduler;
    const auto recorded = TraceOfRecord(RecordOf(world, *lived));
    ASSERT_TRUE(recorded.ok()) << recorded.error().message;
    EXPECT_EQ(recorded->settings.windows, 6);
    EXPECT_EQ(recorded->settings.scheduler, scheduler);
    const auto again = Simulate(recorded->trace, recorded->settings);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_NEAR(again->mean_accuracy, lived->mean_accuracy, 0.005) << scheduler;
    EXPECT_EQ(again->retrainings, lived->retrainings) << scheduler;
    EXPECT_FALSE(recorded->settings.gate) << "it is in the trace";
    EXPECT_NEAR(again->retraining_device_seconds, lived->retraining_device_seconds,
                0.02 * lived->retraining_device_seconds);
    EXPECT_NEAR(again->labelling_device_seconds, lived->labelling_device_seconds, 0.1);
    EXPECT_NEAR(again->profiling_device_seconds, lived->profiling_device_seconds, 0.2);
    // The trace is one: what was written is read back.
    const auto back = ReadTrace(WriteTrace(recorded->trace), "trace.json");
    ASSERT_TRUE(back.ok()) << back.error().message;
  }
}

TEST(TraceOfRecord, TakesTruthWhereItWasMeasuredAndPromisesElsewhere) {
  const Trace world = RecordedWorld();
  const auto lived = Simulate(world, RecordedSettings("thief"));
  ASSERT_TRUE(lived.ok());
  const auto recorded = TraceOfRecord(RecordOf(world, *lived));
  ASSERT_TRUE(recorded.ok());
  int swapped = 0;
  for (std::size_t s = 0; s < world.streams.size(); ++s) {
    for (std::size_t w = 0; w < 6; ++w) {
      const TracedWindow& truth = world.streams[s].windows[w];
      const TracedWindow& made = recorded->trace.streams[s].windows[w];
      EXPECT_NEAR(made.accuracy, truth.accuracy, 1e-6);
      const RecordedWindow& told = recorded->windows[s * 6 + w];
      EXPECT_EQ(told.stream, world.streams[s].id);
      EXPECT_NEAR(told.replayed, told.accuracy, 0.004);
      for (std::size_t c = 0; c < made.retraining.size(); ++c) {
        EXPECT_NEAR(made.retraining[c].estimated_accuracy, truth.retraining[c].estimated_accuracy,
                    1e-6);
        if (told.swap_seconds < 0 || told.configuration != made.retraining[c].id) continue;
        ++swapped;
        EXPECT_NEAR(made.retraining[c].accuracy, truth.retraining[c].accuracy, 1e-6);
        EXPECT_NEAR(made.retraining[c].device_seconds, truth.retraining[c].device_seconds, 1e-6);
      }
    }
  }
  EXPECT_EQ(swapped, lived->swaps);
}

TEST(TraceOfRecord, SaysWhatIsMissing) {
  const auto message = [](const window::RunRecord& run) {
    const auto recorded = TraceOfRecord(run);
    return recorded.ok() ? "no error" : recorded.error().message;
  };
  window::RunRecord run;
  EXPECT_THAT(message(run), HasSubstr("no stream"));
  const Trace world = RecordedWorld();
  const auto lived = Simulate(world, RecordedSettings("thief"));
  ASSERT_TRUE(lived.ok());
  run = RecordOf(world, *lived);
  run.streams.push_back(run.streams.front());
  run.streams.back().id = "cellar";
  EXPECT_THAT(message(run), AllOf(HasSubstr("cellar"), HasSubstr("no decision")));
  run = RecordOf(world, *lived);
  for (auto& window : run.windows) window.end_seconds = window.start_seconds + 1;
  EXPECT_THAT(message(run), HasSubstr("no whole window"));
}

}  // namespace
}  // namespace ekya::simulator
