// Classes that appear in front of a camera while it is served are learned.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <numeric>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/random.h"
#include "platform/datasets/png.h"
#include "platform/models/detector.h"
#include "platform/models/learning_detector.h"
#include "platform/registry/model_store.h"
#include "platform/registry/registry.h"
#include "run/workers/live_run.h"

namespace ekya::workers {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;

// How much longer a retraining takes in a build that checks every access.
#ifdef __SANITIZE_ADDRESS__
constexpr double kPace = 4;
#else
constexpr double kPace = 1;
#endif

using Colour = std::array<std::uint8_t, 3>;

/// A box with one camera, `lot`, that names no classes.
class LiveClassesTest : public ::testing::Test {
 protected:
  LiveClassesTest()
      : folder_(fs::temp_directory_path() /
                fmt::format("ekya-classes-{}-{}", getpid(),
                            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::create_directories(folder_);
  }
  ~LiveClassesTest() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& content) const {
    ASSERT_TRUE(WriteFileAtomically(folder_ / name, content).ok());
  }

  /// Runs `text`, a site, until a version that knows three classes serves, and a window of `window`
  /// seconds more; no longer than `most` seconds.
  void RunUntilThreeAreKnown(const std::string& text, double window, double most) {
    auto site = ReadSite(text, (folder_ / "site.yaml").string());
    ASSERT_TRUE(site.ok()) << site.error().message;
    std::atomic<bool> stop{false};
    std::thread watching([&] {
      double seconds_left = most;
      while (seconds_left > 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        seconds_left -= 0.1;
        const auto store = registry::ModelStore::OpenToRead(folder_ / "out" / "models");
        if (!store.ok() || seconds_left <= window) continue;
        const auto serving =
            store->Describe("lot", store->Pointed("lot", registry::Alias::kServing));
        if (serving.ok() && serving->classes.size() == 3) seconds_left = window;
      }
      stop = true;
    });
    LiveOptions options;
    options.scheduler = "uniform:config=some,share=0.5";
    options.data_dir = folder_ / "out";
    options.stop = &stop;
    const auto run = RunLive(*site, options);
    watching.join();
    ASSERT_TRUE(run.ok()) << run.error().message;
    run_ = *run;
  }

  /// That `first` were known from the beginning, and `added`, the third of the camera's classes,
  /// since a version that came later; that the run's records say so; and that it was found in the
  /// last `last_seconds`.
  void ExpectLearned(const std::vector<std::string>& first, const std::string& added,
                     double last_seconds) const {
    std::vector<std::string> all = first;
    all.push_back(added);
    ASSERT_EQ(run_.streams.size(), 1U);
    ASSERT_FALSE(run_.swaps.empty());
    const auto& lot = run_.streams.front();
    EXPECT_EQ(lot.classes, all);
    // Judged from its first frame on, and in the end right about most of what there is.
    EXPECT_EQ(lot.intervals.front().class_counts[2], 0);
    std::vector<double> latest;
    int added_objects = 0;
    for (const auto& interval : lot.intervals) {
      if (interval.from_seconds < lot.intervals.back().to_seconds - last_seconds) continue;
      if (interval.accuracy >= 0) latest.push_back(interval.accuracy);
      added_objects += interval.class_counts[2];
    }
    EXPECT_GT(added_objects, 0);
    EXPECT_GT(std::accumulate(latest.begin(), latest.end(), 0.0),
              0.7 * static_cast<double>(latest.size()));

    const auto store = registry::ModelStore::OpenToRead(folder_ / "out" / "models");
    ASSERT_TRUE(store.ok()) << store.error().message;
    EXPECT_EQ(store->Describe("lot", 1)->classes, first);
    const std::int64_t serving = store->Pointed("lot", registry::Alias::kServing);
    EXPECT_EQ(store->Describe("lot", serving)->classes, all);
    EXPECT_EQ(ReadFile(store->FileOf("lot", serving, "labels.txt")).value(),
              fmt::format("{}\n", fmt::join(all, "\n")));
    const auto told = registry::Registry::Open(folder_ / "out" / "registry.db").value();
    EXPECT_THAT(
        told->Events(1000).value(),
        Contains(::testing::AllOf(
            ::testing::Field(&registry::EventEntry::kind, "classes learned"),
            ::testing::Field(&registry::EventEntry::detail, ::testing::EndsWith(": " + added)))));
    const auto events = ReadFile(folder_ / "out" / "events" / "lot.jsonl");
    ASSERT_TRUE(events.ok()) << events.error().message;
    EXPECT_TRUE(events->find("\"label\":\"" + added + "\"") != std::string::npos);
  }

  const fs::path folder_;
  window::RunRecord run_;
};

TEST_F(LiveClassesTest, AClassifierLearnsOneThatAppearsLater) {
  // Three pictures; of the third kind there are none for the first three windows, then every
  // third.
  const std::array<const char*, 3> labels = {"busy", "free", "snow"};
  const std::array<Colour, 3> colours = {{{254, 0, 0}, {128, 128, 128}, {255, 255, 255}}};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    Image image = {64, 64, {}};
    while (image.pixels.size() < 3U * 64 * 64) {
      image.pixels.insert(image.pixels.end(), colours.at(i).begin(), colours.at(i).end());
    }
    Write(fmt::format("{}.png", i), datasets::PngOf(image));
  }
  constexpr int kRowsPerWindow = 20;
  std::string manifest = "time,slot,label,file\n";
  for (int i = 0; i < 30 * kRowsPerWindow; ++i) {
    const int kind = i < 3 * kRowsPerWindow ? i % 2 : i % 3;
    manifest += fmt::format("{},1,{},{}.png\n", i, labels.at(static_cast<std::size_t>(kind)), kind);
  }
  Write("manifest.csv", manifest);
  const std::string text = fmt::format(R"(
compute: {{devices: [cpu:0], window: {}s}}
learning: {{bootstrap_epochs: 20, bootstrap_learning_rate: 0.05, precision: float32,
           retraining: [{{id: some, epochs: 8, batch_size: 8, learning_rate: 0.05}}]}}
model: {{width: 0.0625, input_size: 16}}
cameras: {{lot: {{url: "folder:manifest.csv", speed: {}, frames_per_second: {}}}}}
)",
                                       2 * kPace, 10 / kPace, 10 / kPace);
  RunUntilThreeAreKnown(text, 2 * kPace, 45 * kPace);
  ExpectLearned({"busy", "free"}, "snow", kPace);
}

TEST_F(LiveClassesTest, ADetectorLearnsOneThatAppearsLater) {
#ifdef EKYA_FAKE_MODELS
  GTEST_SKIP() << "the detector that is made for tests tells no classes apart";
#endif
  // A box in each picture: a red or a blue one in the first two windows, then green ones too. A
  // second of the data set is a picture.
  constexpr int kPerWindow = 40;
  constexpr std::size_t kSide = 32;
  constexpr std::size_t kBox = 16;
  const std::array<Colour, 3> colours = {{{230, 30, 20}, {20, 30, 230}, {20, 230, 20}}};
  Random random(1);
  std::string images;
  std::string annotations;
  for (int i = 0; i < 20 * kPerWindow; ++i) {
    Image image = {kSide, kSide, std::vector<std::uint8_t>(3 * kSide * kSide, 120)};
    const auto kind = random.Below(i < 2 * kPerWindow ? 2 : 3);
    const auto left = random.Below(kSide - kBox);
    const auto top = random.Below(kSide - kBox);
    for (std::size_t y = top; y < top + kBox; ++y) {
      for (std::size_t x = left; x < left + kBox; ++x) {
        std::ranges::copy(colours.at(kind), image.pixels.data() + 3 * (kSide * y + x));
      }
    }
    annotations += fmt::format(
        R"({{"id": {0}, "image_id": {0}, "category_id": {1}, "bbox": [{2}, {3}, {4}, {4}]}},)", i,
        kind, left, top, kBox);
    images += fmt::format(R"({{"id": {0}, "file_name": "{0}.png"}},)", i);
    Write(fmt::format("{}.png", i), datasets::PngOf(image));
  }
  images.pop_back();
  annotations.pop_back();
  Write("labels.json",
        fmt::format(R"({{"categories": [{{"id": 0, "name": "red"}}, {{"id": 1, "name": "blue"}},
                                        {{"id": 2, "name": "green"}}],
                        "images": [{}], "annotations": [{}]}})",
                    images, annotations));
  const std::string text = fmt::format(R"(
compute: {{devices: [cpu:0], window: {}s}}
learning: {{bootstrap_epochs: 40, bootstrap_learning_rate: 0.03,
           retraining: [{{id: some, epochs: 30, batch_size: 8, learning_rate: 0.03}}]}}
model: {{architecture: tiny-yolov3, width: 0.2, input_size: {}}}
cameras: {{lot: {{url: "coco:labels.json", task: detection, speed: {}, frames_per_second: {}}}}}
)",
                                       4 * kPace, kSide, 10 / kPace, 10 / kPace);
  RunUntilThreeAreKnown(text, 4 * kPace, 70 * kPace);
  ExpectLearned({"red", "blue"}, "green", 2 * kPace);
}

TEST_F(LiveClassesTest, AGoldenDetectorSaysWhatItKnowsToADetectorThatGrows) {
#ifdef EKYA_FAKE_MODELS
  GTEST_SKIP() << "the detector that is made for tests tells no classes apart";
#endif
  const fs::path shared = EKYA_SHARED_DIR;
  if (!fs::exists(shared / "data/clips/street_c.mp4")) {
    GTEST_SKIP() << "needs ../shared/data/clips and ../shared/models";
  }
  models::DetectorShape shape;
  shape.width = 0.0625;
  shape.input_size = 64;
  shape.classes = {"person", "dog"};
  ASSERT_TRUE((*models::LearningDetector::Create(shape, 1))->Save(folder_ / "start").ok());
  const auto classes = [&](const std::string& learning) {
    const std::string text = fmt::format(R"(
compute: {{devices: [cpu:0], window: {0}s}}
golden: {{source: model, detector: {1}/models/yolox_nano.onnx, budget: 25%}}
learning: {{new_classes: {2}, retraining: [{{id: some, epochs: 1, trained_stages: 1}}]}}
model: {{architecture: tiny-yolov3, path: start}}
cameras: {{lot: {{url: {1}/data/clips/street_c.mp4, task: detection, frames_per_second: 8}}}}
)",
                                         2 * kPace, shared.string(), learning);
    auto site = ReadSite(text, (folder_ / "site.yaml").string());
    EXPECT_TRUE(site.ok()) << site.error().message;
    LiveOptions options;
    options.scheduler = "uniform:config=some,share=0.5";
    options.for_seconds = 5 * kPace;
    options.data_dir = folder_ / ("new_classes-" + learning);
    const auto run = RunLive(*site, options);
    EXPECT_TRUE(run.ok()) << run.error().message;
    const auto& lot = run->streams.front();
    const auto car = std::ranges::find(lot.classes, "car") - lot.classes.begin();
    int cars = 0;
    for (const auto& interval : lot.intervals) {
      if (std::cmp_less(car, interval.class_counts.size())) {
        cars += interval.class_counts[static_cast<std::size_t>(car)];
      }
    }
    EXPECT_EQ(cars > 0, learning == "true") << "cars pass, and count where they can be learned";
    return lot.classes;
  };
  EXPECT_EQ(classes("true"), models::CocoNames());
  EXPECT_EQ(classes("false"), shape.classes);
}

}  // namespace
}  // namespace ekya::workers
