// Kills a process (SIGKILL) at many points of training, keeping its state and publishing.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/random.h"
#include "platform/models/classifier.h"
#include "platform/registry/model_store.h"
#include "stages/retrain/retrainer.h"

namespace ekya::learning {
namespace {

constexpr const char* kFolder = "EKYA_CRASH_TEST_FOLDER";
constexpr const char* kStream = "camera";
constexpr const char* kLabels = "dark\ngrey\nbright\n";
constexpr int kVersions = 4;
constexpr int kKills = 20;

retrain::TrainingSet SetOf(int version) {
  Random random(static_cast<std::uint64_t>(version));
  retrain::TrainingSet set;
  for (int i = 0; i < 90; ++i) {
    Sample sample;
    sample.image = {16, 16, {}};
    for (int k = 0; k < 3 * 16 * 16; ++k) {
      sample.image.pixels.push_back(static_cast<std::uint8_t>(60 * (i % 3) + random.Below(60)));
    }
    sample.label = i % 3;
    (i < 60 ? set.training : set.held_out).push_back(std::move(sample));
  }
  return set;
}

std::int64_t NewestVersion(const registry::ModelStore& store) {
  const auto versions = store.Versions(kStream);
  return versions.empty() ? 0 : versions.back();
}

void Say(const std::filesystem::path& folder, const std::string& phase) {
  std::ofstream(folder / "phase") << phase;
}

/// What a worker does: from the newest model on, trains the next one and publishes it.
void Work(const std::filesystem::path& folder, int to_version, bool tell) {
  auto store = registry::ModelStore::Open(folder / "models");
  if (!store.ok()) std::abort();
  RetrainingConfiguration configuration;
  configuration.id = "crash";
  configuration.epochs = 6;
  configuration.batch_size = 8;
  configuration.learning_rate = 0.03;
  for (auto version = NewestVersion(*store); version < to_version;) {
    std::unique_ptr<models::Classifier> base;
    if (version == 0) {
      models::ClassifierShape shape;
      shape.width = 0.05;
      shape.input_size = 16;
      shape.classes = {"dark", "grey", "bright"};
      base = std::move(*models::Classifier::Create(shape, 1));
    } else {
      const auto stored = store->Load(kStream, version);
      base = std::move(*models::Classifier::Load(stored->folder / "weights.safetensors"));
    }
    ++version;
    retrain::TrainingHooks hooks;
    hooks.state_file = folder / "training.safetensors";
    // Every other training may end early: killed or not, it ends after the same epoch.
    if (version % 2 == 0) hooks.patience = 1;
    if (tell) {
      hooks.epoch = [&](const retrain::TrainingProgress&) {
        Say(folder, "training");
        return true;
      };
    }
    auto outcome = retrain::Train(*base, SetOf(static_cast<int>(version)), configuration, 7, hooks);
    if (!outcome.ok()) std::abort();
    if (tell) Say(folder, "publishing");
    registry::Manifest manifest;
    manifest.stream = kStream;
    manifest.version = version;
    manifest.parent = version - 1;
    manifest.verdict = registry::Verdict::kPromoted;
    manifest.accuracy.source = "truth";
    const auto published =
        store->Publish(manifest, [&](const std::filesystem::path& into) -> Status {
          EKYA_RETURN_IF_ERROR(outcome->model->Save(into / "weights.safetensors"));
          return WriteFileAtomically(into / "labels.txt", kLabels);
        });
    if (!published.ok() || !store->Point(kStream, registry::Alias::kServing, version).ok()) {
      std::abort();
    }
    std::filesystem::remove(hooks.state_file);
  }
}

/// The process that is killed.
TEST(Crash, DISABLED_Worker) {
  const char* folder = std::getenv(kFolder);
  ASSERT_NE(folder, nullptr);
  Work(folder, kVersions, true);
}

pid_t StartWorker() {
  const pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", "worker", "--gtest_filter=Crash.DISABLED_Worker",
          "--gtest_also_run_disabled_tests", "--gtest_brief=1", nullptr);
    _exit(127);
  }
  return child;
}

/// Waits until the worker has ended by itself (true), or has said `phase` anew and `after` is over.
bool EndedBefore(pid_t worker, const std::filesystem::path& folder, const std::string& phase,
                 std::chrono::microseconds after) {
  for (;;) {
    int status = 0;
    if (waitpid(worker, &status, WNOHANG) == worker) {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
      return true;
    }
    const auto said = ReadFile(folder / "phase");
    if (said.ok() && *said == phase) break;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  std::this_thread::sleep_for(after);
  return false;
}

TEST(Crash, LeavesWholeModelsAndATrainingThatGoesOn) {
  const auto folder =
      std::filesystem::path(testing::TempDir()) / ("ekya-crash-" + std::to_string(getpid()));
  const auto quiet = folder / "quiet";
  const auto killed = folder / "killed";
  std::filesystem::create_directories(killed);
  Work(quiet, kVersions, false);

  setenv(kFolder, killed.c_str(), 1);
  Random random(3);
  std::int64_t newest = 0;
  int kills = 0;
  int resumable = 0;
  for (bool ended = false; !ended;) {
    std::filesystem::remove(killed / "phase");
    const pid_t worker = StartWorker();
    ASSERT_GT(worker, 0);
    if (kills < kKills) {
      // Some epoch's state, or a model on its way to the disk, is what the kill meets.
      const auto after = std::chrono::microseconds(random.Below(12'000));
      ended = EndedBefore(worker, killed, kills % 2 == 0 ? "training" : "publishing", after);
    } else {
      ended = EndedBefore(worker, killed, "never", {});
    }
    if (!ended) {
      kill(worker, SIGKILL);
      waitpid(worker, nullptr, 0);
      ++kills;
    }
    // The last good model is there, whole, and never goes back: as a reader finds it, and as the
    // next worker does.
    const auto store = registry::ModelStore::OpenToRead(killed / "models");
    const std::int64_t version = store.ok() ? NewestVersion(*store) : 0;
    EXPECT_GE(version, newest);
    newest = version;
    for (std::int64_t i = 1; i <= version; ++i) {
      const auto stored = store->Load(kStream, i);
      ASSERT_TRUE(stored.ok()) << stored.error().message;
      const auto model = models::Classifier::Load(stored->folder / "weights.safetensors");
      EXPECT_TRUE(model.ok()) << model.error().message;
    }
    if (version > 1) {
      const auto serving = store->LoadNewest(kStream);
      ASSERT_TRUE(serving.ok()) << serving.error().message;
      EXPECT_GE(serving->manifest.version, version - 1);
    }
    resumable += std::filesystem::exists(killed / "training.safetensors") ? 1 : 0;
    ASSERT_LT(kills, 200);
    if (newest == kVersions && kills < kKills) {
      // Again, until it has been killed often enough.
      std::filesystem::remove_all(killed / "models");
      newest = 0;
      ended = false;
    }
  }
  EXPECT_GT(resumable, kKills / 4);
  EXPECT_EQ(newest, kVersions);
  // Killed so often, the models are those of a process that nobody killed.
  for (int i = 1; i <= kVersions; ++i) {
    const auto file =
        std::filesystem::path("models") / kStream / std::to_string(i) / "weights.safetensors";
    EXPECT_EQ(*ReadFile(killed / file), *ReadFile(quiet / file)) << i;
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ekya::learning
