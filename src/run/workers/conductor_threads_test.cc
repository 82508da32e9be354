// The loop with real threads behind its ports, as it runs live: fake models train in threads of
// their own and post into an EventTimeline. What the thread sanitizer is for.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "decide/window/conductor.h"
#include "decide/window/fake_world.h"
#include "run/workers/event_timeline.h"

namespace ekya::workers {
namespace {

using namespace ekya::window;  // NOLINT(google-build-using-namespace): the ports are all its own
using ::testing::UnorderedElementsAre;

void Nap() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

// One fake training in its own thread: done after `work` seconds at a whole device.
class TrainingThread {
 public:
  TrainingThread(std::string stream, double work, std::string failure, EventTimeline& timeline)
      : thread_([this, stream = std::move(stream), work, failure = std::move(failure), &timeline] {
          double last = timeline.Now();
          while (!cancelled_ && done_ < work) {
            Nap();
            const double now = timeline.Now();
            done_ = done_ + (now - last) * share_;
            last = now;
          }
          if (cancelled_) return;
          timeline.Post(
              {failure.empty() ? Event::Kind::kRetrainingDone : Event::Kind::kRetrainingFailed,
               stream, failure});
        }) {}
  ~TrainingThread() {
    cancelled_ = true;
    thread_.join();
  }

  void SetShare(double share) { share_ = share; }
  double done() const { return done_; }

 private:
  std::atomic<double> share_{0};
  std::atomic<double> done_{0};
  std::atomic<bool> cancelled_{false};
  std::thread thread_;
};

// Ports of streams whose models are numbers. What serving threads read is guarded.
class ThreadedWorld : public StreamMonitor,
                      public LabelSource,
                      public TrialRunner,
                      public Trainer,
                      public Swapper,
                      public AllocationSetter {
 public:
  ThreadedWorld(std::vector<std::string> streams, EventTimeline& timeline)
      : streams_(std::move(streams)), timeline_(timeline) {
    for (const std::string& id : streams_) accuracy_[id] = 0.6;
    for (const std::string& id : streams_) {
      serving_.emplace_back([this, id] {
        while (!ended_) {
          served_ += Accuracy(id);
          Nap();
        }
      });
    }
  }
  ~ThreadedWorld() override {
    ended_ = true;
    for (std::thread& thread : serving_) thread.join();
  }

  Ports ports() { return {timeline_, *this, *this, *this, *this, *this, *this}; }
  void SetFailure(const std::string& stream, const std::string& why) { failures_[stream] = why; }
  double served() const { return served_; }

  std::vector<std::string> Streams() override { return streams_; }
  Result<StreamState> Observe(const std::string& stream) override {
    return StreamState{false, Accuracy(stream), {{"every-1", 0.1, 1.0}}};
  }
  std::vector<Result<LabelSummary>> Label(const std::vector<std::string>& streams, int,
                                          double) override {
    return {streams.size(), LabelSummary{100, {50, 50}}};
  }
  std::vector<Result<profile::TrialResult>> Run(
      int, const std::vector<TrialRequest>& requests) override {
    // All at once, a thread each.
    std::vector<profile::TrialResult> measured(requests.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      threads.emplace_back([&, i] {
        Nap();
        measured[i].accuracy = {0.9};
        measured[i].trial_samples = 100 * requests[i].trial.configuration.epochs;
        measured[i].full_samples = 100;
        measured[i].device_seconds_per_epoch = kWork;
      });
    }
    for (std::thread& thread : threads) thread.join();
    return {measured.begin(), measured.end()};
  }
  Status Start(const std::string& stream, int, const RetrainingConfiguration&) override {
    jobs_[stream] = std::make_unique<TrainingThread>(stream, kWork, failures_[stream], timeline_);
    return {};
  }
  double DeviceSecondsDone(const std::string& stream) const override {
    const auto job = jobs_.find(stream);
    return job == jobs_.end() ? 0 : job->second->done();
  }
  void Cancel(const std::string& stream) override { jobs_.erase(stream); }
  Result<TrainedModel> Take(const std::string& stream) override {
    const double done = DeviceSecondsDone(stream);
    jobs_.erase(stream);
    return TrainedModel{stream, 1, 0.9, done};
  }
  Status Swap(const TrainedModel& model) override {
    const std::lock_guard lock(mutex_);
    accuracy_[model.stream] = model.accuracy;
    return {};
  }
  Status Apply(const std::vector<Allocation>& allocations) override {
    for (const auto& [stream, job] : jobs_) job->SetShare(0);
    for (const Allocation& allocation : allocations) {
      if (const auto job = jobs_.find(allocation.stream); job != jobs_.end()) {
        job->second->SetShare(allocation.retraining_quanta / 10.0);
      }
    }
    return {};
  }
  Status ApplyProfiling(const std::vector<Quanta>&) override { return {}; }

 private:
  static constexpr double kWork = 0.02;  // Device seconds of a retraining.

  double Accuracy(const std::string& stream) {
    const std::lock_guard lock(mutex_);
    return accuracy_[stream];
  }

  const std::vector<std::string> streams_;
  EventTimeline& timeline_;
  std::map<std::string, std::string> failures_;                  // Conducting thread.
  std::map<std::string, std::unique_ptr<TrainingThread>> jobs_;  // Conducting thread.
  std::mutex mutex_;
  std::map<std::string, double> accuracy_;  // Guarded by mutex_.
  std::atomic<double> served_{0};
  std::atomic<bool> ended_{false};
  std::vector<std::thread> serving_;
};

ConductorSettings Settings(double window_seconds) {
  ConductorSettings settings;
  settings.window_seconds = window_seconds;
  settings.quanta_per_device = 10;
  RetrainingConfiguration configuration;
  configuration.id = "e15";
  settings.retraining = {configuration};
  return settings;
}

TEST(ConductorThreads, RetrainsEveryStreamWhileTheyAreServed) {
  Clock& clock = MonotonicClock();
  EventTimeline timeline(clock, clock.Now());
  ThreadedWorld world({"a", "b", "c"}, timeline);
  world.SetFailure("b", "loss is NaN");
  OneAtATime policy;
  Conductor conductor(Settings(1.0), policy, world.ports());
  const Result<WindowRecord> record = conductor.Run(1);
  ASSERT_TRUE(record.ok());
  std::vector<std::string> outcomes;
  for (const RetrainingRecord& retraining : record->retrainings) {
    outcomes.push_back(retraining.stream + " " + retraining.outcome);
  }
  EXPECT_THAT(outcomes, UnorderedElementsAre("a swapped", "b failed: loss is NaN", "c swapped"));
  EXPECT_GE(record->end_seconds, 1.0);
  EXPECT_GT(world.served(), 0);
}

TEST(ConductorThreads, CamerasComeAndGoFromTheirOwnThreads) {
  Clock& clock = MonotonicClock();
  EventTimeline timeline(clock, clock.Now());
  ThreadedWorld world({"a", "b", "c"}, timeline);
  OneAtATime policy;
  Conductor conductor(Settings(0.5), policy, world.ports());
  std::atomic<bool> ended{false};
  std::vector<std::thread> cameras;
  for (const char* stream : {"a", "b"}) {
    cameras.emplace_back([&timeline, &ended, stream] {
      while (!ended) {
        timeline.Post({Event::Kind::kStreamGone, stream, ""});
        Nap();
        timeline.Post({Event::Kind::kStreamBack, stream, ""});
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
  }
  for (int window = 1; window <= 2; ++window) {
    const Result<WindowRecord> record = conductor.Run(window);
    ASSERT_TRUE(record.ok());
    EXPECT_GT(record->decisions.size(), 1u);
  }
  ended = true;
  for (std::thread& camera : cameras) camera.join();
}

TEST(ConductorThreads, AStopFromAnotherThreadEndsAnHoursWindow) {
  Clock& clock = MonotonicClock();
  EventTimeline timeline(clock, clock.Now());
  ThreadedWorld world({"a"}, timeline);
  OneAtATime policy;
  Conductor conductor(Settings(3600), policy, world.ports());
  std::thread stopper([&] {
    Nap();
    timeline.Post({Event::Kind::kStop, "", ""});
  });
  const Result<WindowRecord> record = conductor.Run(1);
  stopper.join();
  ASSERT_TRUE(record.ok());
  EXPECT_TRUE(record->stopped);
  EXPECT_LT(record->end_seconds, 60);
}

}  // namespace
}  // namespace ekya::workers
