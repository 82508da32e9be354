#include "apps/report/internal/sample_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/random.h"

namespace ekya::report {
namespace {

using window::Decision;
using window::RetrainingRecord;
using window::RunRecord;
using window::StreamInterval;
using window::StreamRecord;
using window::WindowRecord;

constexpr double kWindow = 30;
constexpr std::array<const char*, 3> kStreams = {"gate", "ramp", "yard & <b>dock</b>"};

Decision Decide(const std::string& scheduler, const WindowRecord& window, double time,
                const std::string& reason, int retraining, const std::array<double, 3>& accuracy) {
  Decision decision;
  decision.time_seconds = time;
  decision.reason = reason;
  decision.situation = {window.end_seconds - time, 2, 20, 0.4, {}};
  decision.schedule.scheduler = scheduler;
  decision.schedule.mean_accuracy = 0.9;
  if (scheduler != "none") decision.schedule.upper_bound = 0.93;
  decision.schedule.solve_microseconds = 340;
  Segment segment{0, window.end_seconds - time, {}};
  for (int i = 0; i < 3; ++i) {
    StreamSituation stream;
    stream.id = kStreams[i];
    stream.accuracy = accuracy[i];
    stream.inference = {{"every-1", 0.5, 1}, {"every-2", 0.25, 0.95}};
    stream.retraining = {{"e5-f50-d1", 0.85, 3.5, 0.02}, {"e15-f50-d3", 0.93, 8.5, 0.02}};
    decision.situation.streams.push_back(stream);
    Allocation job;
    job.stream = kStreams[i];
    job.inference = "every-1";
    job.inference_quanta = 10;
    if (i == retraining) {
      job.inference = "every-2";
      job.inference_quanta = 6;
      job.retraining = "e15-f50-d3";
      job.retraining_quanta = 12;
      job.retraining_device = 1;
    }
    segment.jobs.push_back(job);
    decision.schedule.explanations.push_back(
        {kStreams[i],
         i == retraining ? "retraining gains 21.4 points for the rest of the window; next best was "
                           "e5-f50-d1 with 14.0 points"
                         : "retraining now would gain less than it takes from the others"});
  }
  decision.schedule.timeline = {segment};
  return decision;
}

WindowRecord SampleWindow(RunRecord* run, int w, Random& random, std::array<double, 3>* accuracy) {
  WindowRecord window;
  window.window = w;
  window.start_seconds = kWindow * (w - 1);
  window.end_seconds = kWindow * w;
  if (run->scheduler == "none") {
    window.decisions.push_back(
        Decide(run->scheduler, window, window.start_seconds, "window start", -1, *accuracy));
    return window;
  }
  window.labelling_seconds = 1.1;
  window.profiling_seconds = 2.3;
  window.profiling_device_seconds = 3.9;
  double time = window.start_seconds + 3.4;
  std::string reason = "window start";
  for (const int stream : {w % 3, (w + 1) % 3}) {
    window.labels[kStreams[stream]] = {90, {60, 30}};
    window.profiles[kStreams[stream]] = {{"e5-f50-d1", 0.85, 3.5, 0.02},
                                         {"e15-f50-d3", 0.93, 8.5, 0.02}};
    window.decisions.push_back(Decide(run->scheduler, window, time, reason, stream, *accuracy));
    RetrainingRecord retraining;
    retraining.stream = kStreams[stream];
    retraining.configuration = "e15-f50-d3";
    retraining.start_seconds = time;
    retraining.end_seconds = time + 9 + 2 * random.Uniform();
    retraining.predicted_accuracy = 0.9 + 0.06 * random.Uniform();
    retraining.predicted_device_seconds = 5.2;
    retraining.achieved_accuracy = retraining.predicted_accuracy - 0.05 + 0.07 * random.Uniform();
    retraining.device_seconds = 4.6 + 1.6 * random.Uniform();
    retraining.outcome = "swapped";
    if (w == 5 && stream == 0) {
      retraining.achieved_accuracy = 0.61;
      retraining.outcome = "kept old: 0.610 is below the served model's 0.822";
      window.warnings.emplace_back("gate: the retrained model is worse than the served one");
    } else {
      run->swaps.push_back({retraining.end_seconds, kStreams[stream], w});
    }
    time = retraining.end_seconds;
    reason = fmt::format("retraining of {} done", kStreams[stream]);
    window.retrainings.push_back(retraining);
  }
  window.decisions.push_back(Decide(run->scheduler, window, time, reason, -1, *accuracy));
  return window;
}

StreamRecord SampleStream(const RunRecord& run, int s, Random& random) {
  StreamRecord stream;
  stream.id = kStreams[s];
  stream.accuracy_source = "truth";
  stream.classes = {"car", "person", "bicycle"};
  const double end = run.windows.back().end_seconds;
  double accuracy = 0.95;
  double sum = 0;
  for (int second = 0; second < end; ++second) {
    const double time = second;
    accuracy = std::max(0.55, accuracy - 0.0022 - 0.001 * s);
    bool retraining = false;
    for (const window::SwapRecord& swap : run.swaps) {
      if (swap.stream == stream.id && swap.time_seconds >= time && swap.time_seconds < time + 1) {
        accuracy = run.scheduler == "uniform" ? 0.91 : 0.955;
      }
    }
    for (const WindowRecord& window : run.windows) {
      for (const RetrainingRecord& each : window.retrainings) {
        retraining = retraining || (each.stream == stream.id && each.start_seconds <= time &&
                                    time < each.end_seconds);
      }
    }
    StreamInterval interval;
    interval.from_seconds = time;
    interval.to_seconds = time + 1;
    interval.frames = 25;
    interval.frames_skipped = retraining ? 12 : 0;
    interval.accuracy =
        std::clamp(accuracy - (retraining ? 0.03 : 0) + 0.03 * random.Uniform(), 0.0, 1.0);
    if (s == 1 && time > 100 && time < 108) interval.accuracy = -1;  // Nothing to judge.
    const int cars = static_cast<int>(20 + 18 * std::sin(time / 40 + s));
    interval.class_counts = {cars, 22 - cars / 2, static_cast<int>(3 + 3 * random.Uniform())};
    interval.inference_cores = retraining ? 0.29 : 0.46 + 0.04 * random.Uniform();
    interval.retraining_cores = retraining ? 0.55 + 0.05 * random.Uniform() : 0;
    stream.frames += interval.frames;
    stream.frames_skipped += interval.frames_skipped;
    sum += std::max(0.0, interval.accuracy);
    stream.intervals.push_back(interval);
  }
  stream.mean_accuracy = sum / static_cast<double>(stream.intervals.size());
  return stream;
}

}  // namespace

RunRecord SampleRun(const std::string& scheduler, std::uint64_t seed, int windows) {
  RunRecord run;
  run.scheduler = scheduler;
  run.seed = seed;
  run.devices = 2;
  run.window_seconds = kWindow;
  Random random(seed);
  std::array<double, 3> accuracy = {0.82, 0.79, 0.85};
  for (int w = 1; w <= windows; ++w) {
    run.windows.push_back(SampleWindow(&run, w, random, &accuracy));
  }
  for (int s = 0; s < 3; ++s) run.streams.push_back(SampleStream(run, s, random));
  run.inference_device_seconds = 310;
  if (scheduler != "none") {
    run.retraining_device_seconds = 82;
    run.profiling_device_seconds = 31.2;
    run.labelling_device_seconds = 9.5;
    run.warnings = {"ramp: the camera gave no frame for 4 s"};
  }
  return run;
}

TEST(SampleRun, IsTheSameForTheSameSeed) {
  const RunRecord one = SampleRun("thief", 3);
  const RunRecord two = SampleRun("thief", 3);
  ASSERT_EQ(one.streams.size(), 3u);
  EXPECT_EQ(one.streams[0].mean_accuracy, two.streams[0].mean_accuracy);
  EXPECT_GT(one.streams[0].mean_accuracy, SampleRun("none", 3).streams[0].mean_accuracy);
}

}  // namespace ekya::report
