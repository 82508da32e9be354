#include "run/workers/ports.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "run/workers/thread_workers.h"

namespace ekya::workers {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

/// Trains nothing, and takes `seconds` for it.
class IdleLearning : public LearningService {
 public:
  IdleLearning(double seconds, std::vector<TrainingJob>* jobs) : seconds_(seconds), jobs_(*jobs) {}
  Status SetShare(double, int) override { return {}; }
  Result<WindowLabels> Label(const Pupil&, int, const std::string&) override { return None(); }
  Result<TakenIn> Take(const Pupil&, int, const std::string&, const std::vector<FrameLabel>&,
                       const std::optional<std::string>&) override {
    return None();
  }
  Result<TrainingReport> Train(const TrainingJob& job) override {
    jobs_.push_back(job);
    MonotonicClock().SleepUntil(MonotonicClock().Now() + seconds_);
    TrainingReport report;
    report.accuracy = {0.5};
    report.whole = false;
    return report;
  }
  Result<PairedMeasure> Compare(const Pupil&, int, const std::string&,
                                const std::string&) override {
    return None();
  }
  void Cancel() override {}
  void Release() override {}
  LearningPulse Pulse() const override { return {}; }

 private:
  static Error None() { return {ErrorCode::kInvalid, "not asked for here"}; }

  const double seconds_;
  std::vector<TrainingJob>& jobs_;
};

class IdleWorkers : public Workers {
 public:
  IdleWorkers(double seconds, std::vector<TrainingJob>* jobs) : seconds_(seconds), jobs_(jobs) {}
  std::unique_ptr<StreamService> MakeStream(const CameraSettings&, const ModelSettings&,
                                            const WorkerHooks&) override {
    return nullptr;
  }
  std::unique_ptr<LearningService> MakeLearning(const std::string&, const WorkerHooks&) override {
    return std::make_unique<IdleLearning>(seconds_, jobs_);
  }
  std::string mechanism() const override { return "idle workers"; }

 private:
  const double seconds_;
  std::vector<TrainingJob>* const jobs_;
};

class LiveTrialRunnerTest : public testing::Test {
 protected:
  LiveTrialRunnerTest()
      : folder_(fs::temp_directory_path() / fmt::format("ekya-ports-{}", getpid())) {
    site_.compute.window_seconds = 3;
    site_.model.width = 0.0625;
    site_.model.input_size = 32;
    CameraSettings camera;
    camera.url = "scene:intersection";
    camera.classes = {"person", "car"};
    for (const char* id : {"a", "b", "c"}) {
      camera.id = id;
      site_.cameras.push_back(camera);
    }
    for (const CameraSettings& each : site_.cameras) {
      auto stream =
          Stream::Open(each, false, threads_->MakeStream(each, site_.model, {}), environment_);
      EXPECT_TRUE(stream.ok()) << stream.error().message;
      streams_.Add(std::move(*stream));
      window::TrialRequest request;
      request.stream = each.id;
      request.trial.configuration.id = "short";
      requests_.push_back(request);
    }
  }
  ~LiveTrialRunnerTest() override { fs::remove_all(folder_); }

  /// The streams that two windows' trials came to, each of which takes `seconds`; nothing stands
  /// after each window. All trials of one have `longest`.
  std::vector<std::string> TwoWindows(double seconds, double longest) {
    IdleWorkers workers(seconds, &jobs_);
    ProfilingCompute compute(workers, {}, {0}, 1, 10);
    EXPECT_TRUE(compute.SetQuanta({10}).ok());
    TrialModels models;
    LiveTrialRunner runner(streams_, models, compute, MonotonicClock(), 1, longest, 1);
    std::vector<std::string> order;
    for (int window = 1; window <= 2; ++window) {
      jobs_.clear();
      EXPECT_EQ(runner.Run(window, requests_).size(), requests_.size());
      for (const TrainingJob& job : jobs_) order.push_back(job.pupil.stream);
      order.emplace_back();
    }
    return order;
  }

  const fs::path folder_;
  Site site_;
  Recorder recorder_{folder_ / "registry.db"};
  const std::unique_ptr<resources::ShareEnforcer> enforcer_ =
      *resources::MakeShareEnforcer("pacing");
  const std::unique_ptr<Workers> threads_ =
      MakeThreadWorkers(site_, 1, folder_, MonotonicClock(), *enforcer_);
  const StreamEnvironment environment_{
      site_, 1, folder_, MonotonicClock(), nullptr, recorder_, [](const window::Event&) {}};
  StreamSet streams_;
  std::vector<window::TrialRequest> requests_;
  std::vector<TrainingJob> jobs_;  // of the last window
};

TEST_F(LiveTrialRunnerTest, StreamsThatWereNotComeToAreFirstInTheNextWindow) {
  // The first takes all the time there is.
  EXPECT_THAT(TwoWindows(1.2, 1), ElementsAre("a", "", "b", ""));
}

TEST_F(LiveTrialRunnerTest, EachTrialHasAnEqualPartOfTheTimeThatIsLeft) {
  EXPECT_THAT(TwoWindows(0, 5), ElementsAre("a", "b", "c", "", "a", "b", "c", ""));
  ASSERT_EQ(jobs_.size(), 3U);
  const double end = jobs_[0].deadline;
  // A third, a half and all of what those before have left, which is hardly less than there was.
  EXPECT_LT(end - jobs_[0].turn_end, 5 * 2.0 / 3 + 1e-6);
  EXPECT_LT(end - jobs_[1].turn_end, 5 / 2.0 + 1e-6);
  EXPECT_LT(jobs_[0].turn_end, jobs_[1].turn_end);
  EXPECT_LT(jobs_[1].turn_end, jobs_[2].turn_end);
  EXPECT_NEAR(jobs_[2].turn_end, end, 1e-6);
}

}  // namespace
}  // namespace ekya::workers
