#include "run/workers/live_run.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "platform/models/compute_device.h"

namespace ekya::workers {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;

// How much longer a retraining takes in a build that checks every access.
#ifdef __SANITIZE_ADDRESS__
constexpr double kPace = 4;
#else
constexpr double kPace = 1;
#endif

/// A folder of its own for each test.
class LiveRunTest : public ::testing::Test {
 protected:
  LiveRunTest()
      : folder_(fs::temp_directory_path() /
                fmt::format("ekya-live-{}-{}", getpid(),
                            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::create_directories(folder_);
  }
  ~LiveRunTest() override { fs::remove_all(folder_); }

  /// A site of windows of 2 s on half a core; `cameras` and `learning` are YAML.
  Site MakeSite(const std::string& cameras,
                const std::string& retraining = "{id: short, epochs: 2}") {
    const std::string text = fmt::format(R"(
compute: {{devices: [cpu:0], device_cores: 0.5, window: 2s}}
learning: {{bootstrap_epochs: 2, profiling_fraction: 0.5, profiling_epochs: 1, retraining: [{}]}}
model: {{width: 0.0625, input_size: 16}}
defaults: {{url: "scene:intersection", frames_per_second: 10, stall: 1s}}
cameras:
{})",
                                         retraining, cameras);
    auto site = ReadSite(text, (folder_ / "site.yaml").string());
    EXPECT_TRUE(site.ok()) << site.error().message;
    return *site;
  }

  Result<window::RunRecord> RunFor(const Site& site, double seconds,
                                   const std::string& scheduler = "thief") {
    LiveOptions options;
    options.scheduler = scheduler;
    options.for_seconds = seconds;
    options.data_dir = folder_ / "out";
    return RunLive(site, options);
  }

  /// A manifest of one 64x64 picture per row of `labels`, one row a minute.
  std::string MakeFolder(const std::vector<std::string>& labels) {
    std::ofstream manifest(folder_ / "manifest.csv");
    manifest << "time,slot,label,file\n";
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const std::string file = fmt::format("{}.jpg", i);
      const std::string command =
          fmt::format("ffmpeg -v error -y -f lavfi -i color={}:s=64x64 -frames:v 1 {}",
                      labels[i] == "busy" ? "red" : "gray", (folder_ / file).string());
      EXPECT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
      manifest << fmt::format("2015-07-03T08:{:02},1,{},{}\n", i, labels[i], file);
    }
    return "folder:" + (folder_ / "manifest.csv").string();
  }

  const fs::path folder_;
};

const window::StreamRecord& StreamOf(const window::RunRecord& run, const std::string& id) {
  for (const auto& stream : run.streams) {
    if (stream.id == id) return stream;
  }
  ADD_FAILURE() << "no stream " << id;
  return run.streams.front();
}

TEST_F(LiveRunTest, ServesRetrainsAndSwapsADrawnCamera) {
  Site site = MakeSite("  a: {seed: 1}");
  site.compute.window_seconds *= kPace;
  const auto run = RunFor(site, 7 * kPace, "uniform:config=short,share=0.5");
  ASSERT_TRUE(run.ok()) << run.error().message;
  EXPECT_GE(run->windows.size(), 3U);
  EXPECT_FALSE(run->swaps.empty());
  const auto& stream = StreamOf(*run, "a");
  EXPECT_EQ(stream.accuracy_source, "truth");
  EXPECT_GT(stream.frames, 40);
  EXPECT_GT(stream.mean_accuracy, 0);
  EXPECT_GT(run->retraining_device_seconds, 0);
  EXPECT_TRUE(fs::exists(folder_ / "out/models/a/1/weights.safetensors"));
  EXPECT_TRUE(fs::exists(folder_ / "out/events/a.jsonl"));
}

TEST_F(LiveRunTest, NoneNeverRetrains) {
  const auto run = RunFor(MakeSite("  a: {seed: 1}"), 4, "none");
  ASSERT_TRUE(run.ok()) << run.error().message;
  EXPECT_TRUE(run->swaps.empty());
  EXPECT_EQ(run->retraining_device_seconds, 0);
  EXPECT_GT(StreamOf(*run, "a").frames, 20);
}

TEST_F(LiveRunTest, AMissingCameraLeavesTheOthersRunning) {
  const auto run = RunFor(
      MakeSite(
          "  a: {seed: 1}\n  lost: {url: /nowhere/clip.mp4, classes: [car, bus], learn: false}"),
      4);
  ASSERT_TRUE(run.ok()) << run.error().message;
  EXPECT_GT(StreamOf(*run, "a").frames, 20);
  EXPECT_EQ(StreamOf(*run, "lost").frames, 0);
}

TEST_F(LiveRunTest, NoCameraAtAllIsAnError) {
  const auto run =
      RunFor(MakeSite("  lost: {url: /nowhere/clip.mp4, classes: [car, bus], learn: false}"), 4);
  ASSERT_FALSE(run.ok());
  EXPECT_THAT(run.error().message, HasSubstr("cameras could be opened"));
}

TEST_F(LiveRunTest, ANanLossCostsTheRetrainingOnly) {
  Site site = MakeSite("  a: {seed: 1}");
  site.learning.retraining.front().learning_rate = 1e30;  // more than a site file may say
  const auto run = RunFor(site, 6, "uniform:config=short,share=0.5");
  ASSERT_TRUE(run.ok()) << run.error().message;
  EXPECT_TRUE(run->swaps.empty());
  EXPECT_GT(StreamOf(*run, "a").frames, 40);
  std::vector<std::string> outcomes;
  for (const auto& window : run->windows) {
    for (const auto& retraining : window.retrainings) outcomes.push_back(retraining.outcome);
    outcomes.insert(outcomes.end(), window.warnings.begin(), window.warnings.end());
  }
  EXPECT_THAT(outcomes, Contains(HasSubstr("loss")));
}

TEST_F(LiveRunTest, AWindowOfOneClassIsNotTrainedOn) {
  const std::string url = MakeFolder(std::vector<std::string>(10, "free"));
  // 60 scene seconds in 1 s: two pictures a window, and never anything but free.
  const auto run = RunFor(MakeSite(fmt::format("  lot: {{url: \"{}\", classes: [busy, free], "
                                               "speed: 60, frames_per_second: 5}}",
                                               url)),
                          6);
  ASSERT_TRUE(run.ok()) << run.error().message;
  std::vector<std::string> warnings;
  for (const auto& window : run->windows) {
    warnings.insert(warnings.end(), window.warnings.begin(), window.warnings.end());
  }
  EXPECT_THAT(warnings, Contains(HasSubstr("class")));
  EXPECT_GT(StreamOf(*run, "lot").frames, 20);
}

TEST_F(LiveRunTest, EndsWithItsLastSource) {
  const std::string clip = (folder_ / "clip.avi").string();
  const std::string command =
      fmt::format("ffmpeg -v error -y -f lavfi -i testsrc=s=96x64:r=20:d=5 {}", clip);
  ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
  for (const bool whole : {true, false}) {
    if (!whole) fs::resize_file(clip, fs::file_size(clip) * 4 / 5);
    const auto run = RunFor(
        MakeSite(fmt::format("  road: {{url: {}, classes: [car, bus], learn: false}}", clip)), 60,
        "none");
    ASSERT_TRUE(run.ok()) << run.error().message;
    EXPECT_LT(run->windows.back().end_seconds, 40);
    EXPECT_GT(StreamOf(*run, "road").frames, 5);
  }
}

TEST_F(LiveRunTest, StopsWhenAsked) {
  std::atomic<bool> stop{true};
  LiveOptions options;
  options.scheduler = "none";
  options.data_dir = folder_ / "out";
  options.stop = &stop;
  const auto run = RunLive(MakeSite("  a: {seed: 1}"), options);
  ASSERT_TRUE(run.ok()) << run.error().message;
  ASSERT_EQ(run->windows.size(), 1U);
  EXPECT_TRUE(run->windows.front().stopped);
}

TEST_F(LiveRunTest, UnknownSchedulerNamesTheKnownOnes) {
  const auto run = RunFor(MakeSite("  a: {seed: 1}"), 2, "theif");
  ASSERT_FALSE(run.ok());
  EXPECT_THAT(run.error().message, HasSubstr("thief"));
}

TEST_F(LiveRunTest, ADeviceThatTheMachineLacksIsNamed) {
  Site site = MakeSite("  a: {seed: 1}");
  for (const Device device :
       {Device{Device::Kind::kCpu, 4095}, Device{Device::Kind::kCuda, models::CudaDevices()}}) {
    site.compute.devices = {Name(device)};
    const auto run = RunFor(site, 2);
    ASSERT_FALSE(run.ok());
    EXPECT_THAT(run.error().message,
                HasSubstr("compute.devices: found \"" + Name(device) + "\", expected "));
  }
}

TEST_F(LiveRunTest, ACudaDeviceServesAndTrains) {
  if (models::CudaDevices() == 0) GTEST_SKIP() << "needs a CUDA device, and LibTorch sees none";
  Site site = MakeSite("  a: {seed: 1}");
  site.compute.devices = {"cuda:0"};
  const auto run = RunFor(site, 2);
  ASSERT_TRUE(run.ok()) << run.error().message;
  EXPECT_GT(run->inference_device_seconds, 0);
}

TEST_F(LiveRunTest, ADetectorLearnsFromADrawnCamera) {
  const std::string text = fmt::format(R"(
compute: {{devices: [cpu:0], window: {}s}}
learning: {{bootstrap_epochs: 1, profiling_fraction: 1, profiling_epochs: 1,
           retraining: [{{id: short, epochs: 1, batch_size: 8}}]}}
model: {{architecture: tiny-yolov3, width: 0.0625, input_size: 64}}
defaults: {{url: "scene:intersection", task: detection, classes: [person, car], frames_per_second: 5}}
cameras: {{a: {{seed: 1}}}}
)",
                                       4 * kPace);
  auto site = ReadSite(text, (folder_ / "site.yaml").string());
  ASSERT_TRUE(site.ok()) << site.error().message;
  const auto run = RunFor(*site, 14 * kPace, "uniform:config=short,share=0.5");
  ASSERT_TRUE(run.ok()) << run.error().message;
  const auto& stream = StreamOf(*run, "a");
  EXPECT_EQ(stream.accuracy_source, "truth");
  EXPECT_GT(stream.frames, 20);
  int started = 0;
  for (const auto& window : run->windows) started += static_cast<int>(window.retrainings.size());
  EXPECT_GT(started, 0);
  EXPECT_TRUE(fs::exists(folder_ / "out/models/a/1/weights.safetensors"));
}

TEST_F(LiveRunTest, RealVideoIsServedLabelledJudgedAndLearnedFrom) {
  const fs::path shared = EKYA_SHARED_DIR;
  if (!fs::exists(shared / "data/clips/street_c.mp4")) {
    GTEST_SKIP() << "needs ../shared/data/clips and ../shared/models";
  }
  for (const bool learn : {false, true}) {
    const std::string text = fmt::format(R"(
compute: {{devices: [cpu:0], window: 3s}}
golden: {{source: model, model: {0}/models/yolox_nano.onnx, budget: 25%}}
model: {{architecture: yolo-fastest, path: {0}/models/yolo-fastest-1.1.cfg}}
learning: {{retraining: [{{id: head, epochs: 1, trained_stages: 1, batch_size: 4}}]}}
defaults: {{task: detection, classes: [person, car], learn: {1}, frames_per_second: 8}}
cameras: {{street: {{url: {0}/data/clips/street_c.mp4}}}}
)",
                                         shared.string(), learn);
    auto site = ReadSite(text, (folder_ / "site.yaml").string());
    ASSERT_TRUE(site.ok()) << site.error().message;
    const auto run = RunFor(*site, 9, "uniform:config=head,share=0.5");
    ASSERT_TRUE(run.ok()) << run.error().message;
    const auto& street = StreamOf(*run, "street");
    EXPECT_EQ(street.accuracy_source, "golden");
    EXPECT_GT(street.frames, 40);
    EXPECT_GT(street.mean_accuracy, 0.1);
    EXPECT_LT(street.accuracy_low, street.mean_accuracy);
    EXPECT_GE(street.accuracy_high, street.mean_accuracy);
    EXPECT_GT(run->labelling_device_seconds, 0);
    EXPECT_GT(fs::file_size(folder_ / "out/events/street.jsonl"), 100U);
    std::size_t retrainings = 0;
    for (const auto& window : run->windows) retrainings += window.retrainings.size();
    EXPECT_EQ(retrainings > 0, learn);
  }
}

}  // namespace
}  // namespace ekya::workers
