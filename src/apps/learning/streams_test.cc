#include "apps/learning/streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>

namespace ekya::learning {
namespace {

using testing::HasSubstr;

/// `pictures` single-coloured pictures per class: their red value tells which one it is, their
/// green value the class.
PictureSet MadeSet(std::size_t classes, std::size_t pictures) {
  PictureSet set;
  for (std::size_t label = 0; label < classes; ++label) {
    set.classes.push_back("class-" + std::to_string(label));
    auto& of_class = set.pictures.emplace_back();
    for (std::size_t i = 0; i < pictures; ++i) {
      const auto red = static_cast<std::uint8_t>(100 + i);
      const auto green = static_cast<std::uint8_t>(100 + 10 * label);
      of_class.push_back({1, 1, {red, green, 200}});
    }
  }
  return set;
}

std::string PixelsOf(const Sample& sample) {
  return {sample.image.pixels.begin(), sample.image.pixels.end()};
}

std::vector<int> Counts(const SampleWindow& window, std::size_t classes) {
  std::vector<int> counts(classes);
  for (const Sample& sample : window.samples) ++counts[static_cast<std::size_t>(sample.label)];
  return counts;
}

double Blue(const SampleWindow& window) {
  double sum = 0;
  for (const Sample& sample : window.samples) sum += sample.image.pixels[2];
  return sum / static_cast<double>(window.samples.size());
}

TEST(StreamsTest, AClassShiftingStreamDarkensAndItsMixTurns) {
  const PictureSet set = MadeSet(5, 150);
  const DriftSettings settings{.windows = 6, .samples = 60, .last_brightness = 0.4};
  const auto stream = ClassShiftingStream(set, settings, "s", 1);
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  ASSERT_EQ(stream->windows.size(), 6U);
  EXPECT_EQ(stream->classes, set.classes);
  EXPECT_NEAR(Blue(stream->windows[0]), 200, 0.1);
  EXPECT_NEAR(Blue(stream->windows[5]), 80, 1);
  const auto first = Counts(stream->windows.front(), 5);
  const auto last = Counts(stream->windows.back(), 5);
  const auto common = std::max_element(first.begin(), first.end()) - first.begin();
  EXPECT_LT(last[static_cast<std::size_t>(common)], first[static_cast<std::size_t>(common)] / 2);
}

TEST(StreamsTest, SamplesComeInOrderOfTimeWithinTheirWindow) {
  const auto stream = ClassShiftingStream(MadeSet(5, 150), {.windows = 4, .samples = 50}, "s", 1);
  ASSERT_TRUE(stream.ok());
  for (std::size_t window = 0; window < 4; ++window) {
    double last = 200.0 * static_cast<double>(window);
    for (const Sample& sample : stream->windows[window].samples) {
      EXPECT_GT(sample.time_seconds, last);
      last = sample.time_seconds;
    }
    EXPECT_LT(last, 200.0 * static_cast<double>(window + 1));
  }
}

TEST(StreamsTest, TheSameSeedMakesTheSameStreamAndAnotherIdAnother) {
  const PictureSet set = MadeSet(5, 150);
  const DriftSettings settings{.windows = 2, .samples = 40};
  const auto pixels = [&](const std::string& id, std::uint64_t seed) {
    const auto stream = ClassShiftingStream(set, settings, id, seed);
    std::vector<std::string> all;
    for (const Sample& sample : stream->windows[0].samples) all.push_back(PixelsOf(sample));
    return all;
  };
  EXPECT_EQ(pixels("a", 1), pixels("a", 1));
  EXPECT_NE(pixels("a", 1), pixels("b", 1));
  EXPECT_NE(pixels("a", 1), pixels("a", 2));
}

TEST(StreamsTest, NoPictureIsShownTwiceAndTooFewAreAnError) {
  // Without darkening a sample still tells which picture it is.
  const DriftSettings settings{.windows = 5, .samples = 100, .last_brightness = 1};
  const auto stream = ClassShiftingStream(MadeSet(5, 155), settings, "s", 1);
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  std::set<std::string> seen;
  for (const SampleWindow& window : stream->windows) {
    for (const Sample& sample : window.samples) {
      EXPECT_TRUE(seen.insert(PixelsOf(sample)).second);
    }
  }
  const auto few = ClassShiftingStream(MadeSet(5, 90), settings, "s", 1);
  ASSERT_FALSE(few.ok());
  EXPECT_THAT(few.error().message, HasSubstr("stream s: class class-"));
}

TEST(StreamsTest, AClassIncrementalStreamBringsAClassAWindowAndKeepsTestPicturesBack) {
  const PictureSet set = MadeSet(4, 60);
  const DriftSettings settings{
      .windows = 4, .samples = 40, .last_brightness = 1, .test_per_class = 20};
  const auto stream = ClassIncrementalStream(set, settings, "s", 1);
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  std::set<std::string> trained;
  std::set<std::string> judged;
  std::set<int> shown;
  for (std::size_t window = 0; window < 4; ++window) {
    const SampleWindow& now = stream->windows[window];
    std::set<int> labels;
    for (const Sample& sample : now.samples) {
      labels.insert(sample.label);
      trained.insert(PixelsOf(sample));
    }
    EXPECT_EQ(labels.size(), 2U);
    shown.insert(labels.begin(), labels.end());
    EXPECT_EQ(shown.size(), std::min<std::size_t>(window + 2, 4));
    std::set<int> tested;
    for (const Sample& sample : now.test) {
      tested.insert(sample.label);
      judged.insert(PixelsOf(sample));
    }
    EXPECT_EQ(tested, shown);
    EXPECT_EQ(now.test.size(), 20 * shown.size());
  }
  EXPECT_EQ(judged.size(), 80U);
  for (const auto& pixels : judged) EXPECT_FALSE(trained.contains(pixels));
}

TEST(StreamsTest, DrawnCrossingsBecomeSamples) {
  CameraSettings camera;
  camera.id = "crossing";
  camera.url = "scene:intersection";
  camera.frames_per_second = 1;
  const StreamCut cut{.window_seconds = 12, .windows = 2, .side = 24};
  const auto stream = ReadSampleStream(camera, cut, 3);
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  ASSERT_EQ(stream->windows.size(), 2U);
  EXPECT_GE(stream->classes.size(), 3U);
  for (const SampleWindow& window : stream->windows) {
    ASSERT_FALSE(window.samples.empty());
    EXPECT_EQ(window.samples[0].image.width, 24);
    EXPECT_TRUE(window.test.empty());
  }
}

TEST(StreamsTest, ASourceThatCannotBeLearnedFromIsNamed) {
  CameraSettings camera;
  camera.id = "gate";
  camera.url = "folder:/nowhere/manifest.csv";
  const auto missing = ReadSampleStream(camera, {}, 0);
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("camera gate"));
  EXPECT_FALSE(ReadPictureSet("/nowhere", 32).ok());
}

TEST(StreamsTest, TheParkingLotIsThreeStreamsOfTenHours) {
  const std::filesystem::path folder = EKYA_SHARED_DIR "/data/cnrpark-a";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "needs the data set cnrpark-a";
  const auto streams = ParkingLotStreams(folder, 24);
  ASSERT_TRUE(streams.ok()) << streams.error().message;
  ASSERT_EQ(streams->size(), 3U);
  for (const SampleStream& stream : *streams) {
    ASSERT_EQ(stream.windows.size(), 10U);
    EXPECT_EQ(stream.classes, (std::vector<std::string>{"busy", "free"}));
    for (const SampleWindow& window : stream.windows) EXPECT_EQ(window.samples.size(), 12U * 17);
  }
}

CameraSettings DetectedCrossing() {
  CameraSettings camera;
  camera.id = "crossing";
  camera.url = "scene:intersection";
  camera.task = "detection";
  camera.classes = {"person", "car"};
  camera.frames_per_second = 4;
  return camera;
}

TEST(StreamsTest, PicturesOfADetectionCameraAreSpreadOverEachWindow) {
  const StreamCut cut{.window_seconds = 8, .windows = 3, .side = 64};
  const auto all = ReadPictureWindows(DetectedCrossing(), cut, 0, nullptr, 1);
  ASSERT_TRUE(all.ok()) << all.error().message;
  const auto some = ReadPictureWindows(DetectedCrossing(), cut, 10, nullptr, 1);
  ASSERT_TRUE(some.ok()) << some.error().message;
  ASSERT_EQ(some->windows.size(), 3U);
  EXPECT_EQ(some->classes, DetectedCrossing().classes);
  for (std::size_t window = 0; window < 3; ++window) {
    EXPECT_EQ(all->windows[window].samples.size(), 32U);
    const auto& pictures = some->windows[window].samples;
    ASSERT_EQ(pictures.size(), 10U);
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      EXPECT_EQ(pictures[i].image.width, 64);
      EXPECT_EQ(pictures[i].image.height, 64);
      // The first frame of its tenth of the window.
      const double tenth = 8.0 * static_cast<double>(window) + 0.8 * static_cast<double>(i);
      EXPECT_GE(pictures[i].time_seconds, tenth - 1e-6);
      EXPECT_LT(pictures[i].time_seconds, tenth + 0.25);
    }
  }
}

/// Finds one and the same object in every picture.
class OneCar : public models::Model {
 public:
  const std::vector<std::string>& classes() const override { return classes_; }
  Result<std::vector<Detection>> Analyze(const Frame& frame, int) override {
    ++looks;
    return std::vector<Detection>{
        {{0, 0, frame.image.width / 2.0, frame.image.height / 2.0}, 1, 1}};
  }
  int looks = 0;

 private:
  const std::vector<std::string> classes_ = {"person", "car"};
};

TEST(StreamsTest, AGoldenModelLabelsPicturesThatAreKept) {
  OneCar golden;
  const auto stream = ReadPictureWindows(
      DetectedCrossing(), {.window_seconds = 8, .windows = 2, .side = 64}, 5, &golden, 1);
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  EXPECT_EQ(golden.looks, 10);  // and no others
  for (const auto& window : stream->windows) {
    for (const LabelledPicture& picture : window.samples) {
      ASSERT_EQ(picture.objects.size(), 1U);
      EXPECT_EQ(picture.objects[0].class_index, 1);
      EXPECT_NEAR(picture.objects[0].box.width, 32, 1e-6);  // of the picture that is kept
    }
  }
}

TEST(StreamsTest, AWindowWithoutAnObjectIsRefused) {
  class Nothing : public OneCar {
    Result<std::vector<Detection>> Analyze(const Frame&, int) override {
      return std::vector<Detection>{};
    }
  } golden;
  const auto stream = ReadPictureWindows(
      DetectedCrossing(), {.window_seconds = 8, .windows = 2, .side = 64}, 5, &golden, 1);
  ASSERT_FALSE(stream.ok());
  EXPECT_EQ(
      stream.error().message,
      "camera crossing: window 0: found nothing labelled, expected at least one object in 8 s");
}

}  // namespace
}  // namespace ekya::learning
