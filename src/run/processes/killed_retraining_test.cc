// A retraining whose worker process is killed, through sockets and with a real training.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "run/processes/remote_learning.h"
#include "run/processes/worker.h"
#include "run/workers/learning_worker.h"
#include "run/workers/thread_workers.h"
#include "run/workers/trainer.h"

namespace ekya::processes {
namespace {

namespace fs = std::filesystem;
using workers::StreamSet;

constexpr int kEpochs = 12;

Site TestSite() {
  Site site;
  site.compute.window_seconds = 3;
  site.compute.enforcement = "pacing";
  site.learning.bootstrap_windows = 2;
  site.learning.bootstrap_epochs = 1;
  CameraSettings camera;
  camera.id = "a";
  camera.url = "scene:intersection";
  camera.frames_per_second = 5;
  camera.classes = {"person", "car"};
  site.cameras = {camera};
  site.model.width = 0.0625;
  site.model.input_size = 32;
  return site;
}

/// What follows `name` on this process's command line.
std::string Argument(const std::string& name) {
  std::ifstream file("/proc/self/cmdline");
  for (std::string word; std::getline(file, word, '\0');) {
    if (word == name && std::getline(file, word, '\0')) return word;
  }
  return "";
}

/// The process that is killed.
TEST(KilledRetraining, DISABLED_Worker) {
  WorkerRequest request;
  request.learning = true;
  request.name = Argument("--name");
  request.socket = Argument("--socket");
  request.out = Argument("--out");
  request.seed = 1;
  request.parent = std::stoi(Argument("--parent"));
  const Status ran = RunWorker(TestSite(), request);
  EXPECT_TRUE(ran.ok()) << ran.error().message;
}

/// Learning workers as processes of this test.
class TestWorkers : public workers::Workers {
 public:
  explicit TestWorkers(fs::path folder) : folder_(std::move(folder)) {}
  std::unique_ptr<workers::StreamService> MakeStream(const CameraSettings&, const ModelSettings&,
                                                     const workers::WorkerHooks&) override {
    return nullptr;
  }
  std::unique_ptr<workers::LearningService> MakeLearning(
      const std::string& name, const workers::WorkerHooks& hooks) override {
    Supervised::Command command{spawner_,
                                {"worker", "--gtest_filter=KilledRetraining.DISABLED_Worker",
                                 "--gtest_also_run_disabled_tests", "--gtest_brief=1", "--name",
                                 name, "--out", folder_.string()},
                                folder_};
    return std::make_unique<RemoteLearning>(
        name, command, [hooks](const std::string& kind, const std::string& detail) {
          hooks.event("", kind, detail);
        });
  }
  std::string mechanism() const override { return "processes of a test"; }

 private:
  const fs::path folder_;
  Spawner spawner_;
};

TEST(KilledRetraining, GoesOnFromItsLastEpochInAnotherWorker) {
#ifdef EKYA_FAKE_MODELS
  GTEST_SKIP() << "models made for tests keep no state of a training";
#endif
  const fs::path folder = fs::temp_directory_path() / fmt::format("ekya-killed-{}", getpid());
  fs::create_directories(folder);
  const Site site = TestSite();
  const auto enforcer = *resources::MakeShareEnforcer("pacing");
  workers::Recorder recorder(folder / "registry.db");
  const workers::StreamEnvironment environment{
      site, 1, folder, MonotonicClock(), nullptr, recorder, [](const window::Event&) {}};
  const auto threads = workers::MakeThreadWorkers(site, 1, folder, MonotonicClock(), *enforcer);
  StreamSet streams;
  {
    auto stream = workers::Stream::Open(
        site.cameras[0], false, threads->MakeStream(site.cameras[0], site.model, {}), environment);
    ASSERT_TRUE(stream.ok()) << stream.error().message;
    streams.Add(std::move(*stream));
    const auto learning = threads->MakeLearning("labels", {});
    const Status first = streams.Get("a").Bootstrap(*learning);
    ASSERT_TRUE(first.ok()) << first.error().message;
  }

  std::mutex mutex;
  std::vector<pid_t> started;
  std::vector<std::string> died;
  std::optional<window::Event> ended;
  workers::WorkerHooks hooks;
  hooks.event = [&](const std::string&, const std::string& kind, const std::string& detail) {
    const std::lock_guard lock(mutex);
    if (kind == "worker started") started.push_back(std::stoi(detail.substr(detail.find(' '))));
    if (kind == "worker died") died.push_back(detail);
  };
  {
    TestWorkers workers(folder);
    workers::LearningPool pool(workers, 2, hooks);
    workers::TrialModels trials;
    workers::LiveTrainer trainer(streams, trials, pool, 1, 1, [&](const window::Event& event) {
      const std::lock_guard lock(mutex);
      ended = event;
    });
    RetrainingConfiguration configuration;
    configuration.id = "long";
    configuration.epochs = kEpochs;
    configuration.batch_size = 4;
    ASSERT_TRUE(trainer.Start("a", site.learning.bootstrap_windows, configuration).ok());
    // Slow enough to be seen at several epochs.
    ASSERT_TRUE(trainer.SetShare("a", 0.3, -1).ok());

    const auto epochs = [&] {
      const auto progress = trainer.Progress("a");
      return progress ? static_cast<int>(progress->part * kEpochs + 0.5) : 0;
    };
    const auto over = [&] {
      const std::lock_guard lock(mutex);
      return ended.has_value();
    };
    const double latest = MonotonicClock().Now() + 300;
    const auto wait_until = [&](const std::function<bool()>& done) {
      while (!done() && MonotonicClock().Now() < latest) {
        MonotonicClock().SleepUntil(MonotonicClock().Now() + 0.01);
      }
      return done();
    };
    ASSERT_TRUE(wait_until([&] { return epochs() >= kEpochs / 2 || over(); }));
    ASSERT_FALSE(over()) << "it ended before it could be killed";
    const int before = epochs();
    {
      const std::lock_guard lock(mutex);
      ASSERT_EQ(started.size(), 1U);
      ASSERT_EQ(kill(started[0], SIGKILL), 0);
    }
    // Epochs that are told of from now on: none is done again.
    ASSERT_TRUE(wait_until([&] {
      const std::lock_guard lock(mutex);
      return !died.empty();
    }));
    int least = kEpochs;
    ASSERT_TRUE(wait_until([&] {
      if (const int now = epochs(); now > 0) least = std::min(least, now);
      return over();
    }));
    EXPECT_GE(least, before);
    EXPECT_LT(least, kEpochs) << "what was left was seen";
    EXPECT_EQ(ended->kind, window::Event::Kind::kRetrainingDone);
    const auto trained = trainer.Take("a");
    ASSERT_TRUE(trained.ok()) << trained.error().message;
    EXPECT_GT(trained->samples, 0);
    const std::lock_guard lock(mutex);
    ASSERT_FALSE(died.empty());
    EXPECT_NE(died[0].find("signal 9"), std::string::npos) << died[0];
    EXPECT_GE(started.size(), 2U);
  }
  streams.Get("a").Stop();
  fs::remove_all(folder);
}

}  // namespace
}  // namespace ekya::processes
