#include "apps/learning/recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "apps/learning/profiling.h"
#include "apps/learning/trace_recording.h"
#include "base/file.h"
#include "base/random.h"

namespace ekya::learning {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

/// Pictures of two classes, brighter at the top or at the bottom, in light that fails.
SampleStream MadeStream(int windows, int samples) {
  Random random(3);
  SampleStream stream{"made", {"top", "bottom"}, 10, {}};
  for (int window = 0; window < windows; ++window) {
    auto& shown = stream.windows.emplace_back().samples;
    for (int i = 0; i < samples; ++i) {
      Sample sample{{8, 8, std::vector<std::uint8_t>(3 * 8 * 8)}, i % 2, 10.0 * window + 0.01 * i};
      for (std::size_t at = 0; at < sample.image.pixels.size(); ++at) {
        const bool bright = (at < sample.image.pixels.size() / 2) == (sample.label == 0);
        const double value = (bright ? 200 : 60) / (1.0 + 0.3 * window) + 25 * random.Normal();
        sample.image.pixels[at] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
      }
      shown.push_back(std::move(sample));
    }
  }
  return stream;
}

RecordingSettings SmallSettings() {
  RecordingSettings settings;
  settings.model.width = 0.02;
  settings.model.input_size = 8;
  for (const int epochs : {1, 3}) {
    RetrainingConfiguration configuration;
    configuration.id = "e" + std::to_string(epochs);
    configuration.epochs = epochs;
    settings.grid.push_back(configuration);
  }
  settings.first.id = "first";
  settings.first.epochs = 3;
  settings.first.learning_rate = 0.05;
  settings.first.distillation = 0;
  settings.exemplars_per_class = 4;
  settings.later = true;
  settings.curve_samples = 10;
  return settings;
}

class RecordingTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / "recording_test";
};

TEST_F(RecordingTest, TrainsEveryConfigurationAndTellsWhatItIsWorthLater) {
  const SampleStream stream = MadeStream(4, 40);
  auto recording = Recording::Open(stream, SmallSettings(), folder_);
  ASSERT_TRUE(recording.ok()) << recording.error().message;
  const auto recorded = (*recording)->Record(1, {});
  ASSERT_TRUE(recorded.ok()) << recorded.error().message;
  ASSERT_THAT(recorded->retraining, SizeIs(2));
  for (std::size_t i = 0; i < 2; ++i) {
    const RecordedRetraining& retraining = recorded->retraining[i];
    EXPECT_GT(retraining.device_seconds, 0);
    EXPECT_THAT(retraining.curve, SizeIs(i == 0 ? 1 : 3));
    EXPECT_THAT(retraining.later, SizeIs(2));
  }
  EXPECT_EQ(recorded->accuracy, recorded->first_accuracy);
  EXPECT_EQ((*recording)->before(), nullptr);
  // Trained on the window before, judged on its own.
  for (const Sample& sample : (*recording)->set().training) EXPECT_LT(sample.time_seconds, 10);
  for (const Sample& sample : (*recording)->set().held_out) EXPECT_LT(sample.time_seconds, 10);
  for (const Sample& sample : (*recording)->Judged(1)) EXPECT_GE(sample.time_seconds, 10);

  ASSERT_TRUE((*recording)->Record(2, {}).ok());
  ASSERT_NE((*recording)->before(), nullptr);
  EXPECT_EQ((*recording)->before()->configuration, recorded->chosen);
  // Every sample of window 1 once, the last ones apart: they are held out of what is trained on.
  const RecordedServing& serving = *(*recording)->before();
  ASSERT_THAT(serving.after, SizeIs(2));
  EXPECT_EQ(serving.after[0].labelled + serving.after[1].labelled + serving.held_out.labelled, 40);
  EXPECT_EQ(serving.held_out.labelled, static_cast<int>((*recording)->set().held_out.size()));
  EXPECT_EQ(serving.before[0].labelled, 20);
  EXPECT_GT(serving.held_out.time, serving.after[1].time);
  EXPECT_GT(serving.after[1].time, serving.after[0].time);
  EXPECT_LT(serving.held_out.time, 2);
  for (const profile::Sight& sight : serving.after) {
    EXPECT_GT(sight.mean_score, 0);
    EXPECT_LE(sight.mean_score, 1);
  }
}

TEST_F(RecordingTest, GoesOnWhereItWasInterruptedAndEndsTheSame) {
  const SampleStream stream = MadeStream(3, 40);
  const auto accuracies = [&](const std::filesystem::path& folder, bool interrupt) {
    std::vector<double> all;
    int trainings = 0;
    while (all.empty()) {
      auto recording = Recording::Open(stream, SmallSettings(), folder);
      for (int window = 1; window < 3; ++window) {
        const auto recorded =
            (*recording)->Record(window, [&] { return !interrupt || ++trainings != 3; });
        if (!recorded.ok()) {
          EXPECT_EQ(recorded.error().code, ErrorCode::kCancelled);
          all.clear();
          break;
        }
        for (const auto& retraining : recorded->retraining) all.push_back(retraining.accuracy);
      }
    }
    // Of window 2 the first one twice.
    EXPECT_EQ(trainings, interrupt ? 5 : 0);
    return all;
  };
  EXPECT_EQ(accuracies(folder_ / "interrupted", true), accuracies(folder_ / "whole", false));
}

TEST_F(RecordingTest, WhatWasRecordedWithOtherSettingsIsRecordedAnew) {
  const SampleStream stream = MadeStream(2, 40);
  const auto trainings = [&](const RecordingSettings& settings) {
    int count = 0;
    auto recording = Recording::Open(stream, settings, folder_);
    const auto recorded = (*recording)->Record(1, [&] {
      ++count;
      return true;
    });
    EXPECT_TRUE(recorded.ok());
    return count;
  };
  RecordingSettings settings = SmallSettings();
  EXPECT_EQ(trainings(settings), 2);
  EXPECT_EQ(trainings(settings), 0);
  settings.grid[0].learning_rate = 0.02;
  EXPECT_EQ(trainings(settings), 2);
  // A damaged file is no recording.
  ASSERT_TRUE(WriteFileAtomically(folder_ / "window-1.json", "{\"format\": 1").ok());
  EXPECT_EQ(trainings(settings), 2);
}

TEST_F(RecordingTest, AStreamOfOneWindowIsRefused) {
  const auto recording = Recording::Open(MadeStream(1, 40), SmallSettings(), folder_);
  ASSERT_FALSE(recording.ok());
  EXPECT_THAT(recording.error().message, HasSubstr("stream made: found 1 windows"));
}

TEST_F(RecordingTest, BothWaysToProfileGiveAnEstimateOfEveryConfiguration) {
  const SampleStream stream = MadeStream(3, 60);
  const RecordingSettings settings = SmallSettings();
  auto recording = Recording::Open(stream, settings, folder_);
  profile::SharedProfiler profiler({}, settings.grid);
  for (int window = 1; window < 3; ++window) {
    ASSERT_TRUE((*recording)->Record(window, {}).ok());
    const auto shared = ProfileShared(profiler, **recording, 1);
    const auto plain = ProfilePlain(settings.grid, **recording, 1);
    for (const auto* profile : {&shared, &plain}) {
      ASSERT_TRUE(profile->ok()) << profile->error().message;
      EXPECT_THAT((*profile)->profiles, SizeIs(2));
      EXPECT_GT((*profile)->device_seconds, 0);
      for (const auto& estimate : (*profile)->profiles) {
        EXPECT_GE(estimate.accuracy, 0);
        EXPECT_LE(estimate.accuracy, 1);
        EXPECT_GT(estimate.device_seconds, 0);
      }
    }
  }
}

TEST_F(RecordingTest, AnotherPrecisionIsAnotherRecording) {
  const SampleStream stream = MadeStream(2, 40);
  RecordingSettings settings = SmallSettings();
  const auto trainings = [&] {
    int count = 0;
    auto recording = Recording::Open(stream, settings, folder_);
    EXPECT_TRUE((*recording)->Record(1, [&] { return ++count > 0; }).ok());
    return count;
  };
  EXPECT_EQ(trainings(), 2);
  settings.precision = models::Precision::kBfloat16;
  EXPECT_EQ(trainings(), 2);
  EXPECT_EQ(trainings(), 0);
}

TEST_F(RecordingTest, AFolderOfPicturesPerClassMakesAStream) {
  const std::filesystem::path shared = std::filesystem::path(EKYA_SHARED_DIR) / "data/cifar10-jpeg";
  if (!std::filesystem::exists(shared)) GTEST_SKIP() << "without " << shared << " no pictures";
  for (const char* name : {"cat", "dog"}) {
    std::filesystem::create_directories(folder_ / "pictures" / name);
    int count = 0;
    for (const auto& picture : std::filesystem::directory_iterator(shared / name)) {
      if (++count > 60) break;
      std::filesystem::copy(picture.path(),
                            folder_ / "pictures" / name / picture.path().filename());
    }
  }
  const auto site = [&](const std::string& camera) {
    return WriteFileAtomically(folder_ / "site.yaml",
                               "compute: {window: 8s}\n"
                               "model: {width: 0.02, input_size: 16}\n"
                               "learning: {bootstrap_epochs: 1, precision: float32, retraining: "
                               "[{id: short, epochs: 1}]}\n"
                               "cameras:\n  made: {" +
                                   camera + "}\n")
        .ok();
  };
  ASSERT_TRUE(site("url: 'file:pictures', learn: false, classes: [cat, dog]"));
  TraceRequest request;
  request.dataset = folder_ / "site.yaml";
  request.parts = folder_ / "parts";
  request.windows = 3;
  request.samples = 0;
  const auto trace = RecordTrace(request);
  ASSERT_TRUE(trace.ok()) << trace.error().message;
  ASSERT_THAT(trace->streams, SizeIs(1));
  ASSERT_THAT(trace->streams[0].windows, SizeIs(2));
  EXPECT_THAT(trace->streams[0].windows[0].class_mix, SizeIs(2));
  EXPECT_THAT(trace->streams[0].inference, SizeIs(4));

  ASSERT_TRUE(site("url: 'file:pictures', learn: false, classes: [dog, cat]"));
  const auto other = RecordTrace(request);
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(other.error().message,
              HasSubstr("camera made: classes: found dog, cat, expected those of"));
}

/// Pictures with a white car on grey, left or right, and its box.
PictureWindows MadePictures(int windows, int pictures) {
  PictureWindows stream{"made", {"car"}, 10, {}};
  Random random(5);
  for (int window = 0; window < windows; ++window) {
    for (int i = 0; i < pictures; ++i) {
      LabelledPicture picture{{64, 64, std::vector<std::uint8_t>(3 * 64 * 64, 90)},
                              {},
                              10.0 * window + 10.0 * i / pictures};
      const int left = static_cast<int>(random.Below(40));
      const int top = static_cast<int>(random.Below(40));
      for (int y = top; y < top + 22; ++y) {
        auto* row = picture.image.pixels.data() + 3 * (64 * y + left);
        std::fill(row, row + 3 * 22, std::uint8_t{230});
      }
      picture.objects.push_back({{1.0 * left, 1.0 * top, 22, 22}, 0, 1});
      stream.windows.resize(static_cast<std::size_t>(window) + 1);
      stream.windows.back().samples.push_back(std::move(picture));
    }
  }
  return stream;
}

RecordingSettings DetectorSettings() {
  RecordingSettings settings = SmallSettings();
  settings.model.architecture = "tiny-yolov3";
  settings.model.width = 0.1;
  settings.model.input_size = 64;
  for (auto& configuration : settings.grid) configuration.batch_size = 4;
  settings.first.epochs = 20;
  settings.first.batch_size = 4;
  return settings;
}

TEST_F(RecordingTest, ADetectorIsRecordedOnWholePictures) {
  const PictureWindows stream = MadePictures(3, 30);
  const RecordingSettings settings = DetectorSettings();
  auto recording = RecordingOf<DetectingTask>::Open(stream, settings, folder_);
  ASSERT_TRUE(recording.ok()) << recording.error().message;
  profile::SharedProfiler profiler({}, settings.grid);
  for (int window = 1; window < 3; ++window) {
    const auto recorded = (*recording)->Record(window, {});
    ASSERT_TRUE(recorded.ok()) << recorded.error().message;
    ASSERT_THAT(recorded->retraining, SizeIs(2));
    for (const RecordedRetraining& retraining : recorded->retraining) {
      EXPECT_GT(retraining.accuracy, 0.3) << "F1 where one object a picture is to be found";
      EXPECT_GT(retraining.device_seconds, 0);
      EXPECT_THAT(retraining.curve, SizeIs(retraining.id == "e1" ? 1 : 3));
    }
    for (const auto& profile :
         {ProfileShared(profiler, **recording, 1), ProfilePlain(settings.grid, **recording, 1)}) {
      ASSERT_TRUE(profile.ok()) << profile.error().message;
      for (const auto& estimate : profile->profiles) {
        EXPECT_GE(estimate.accuracy, 0);
        EXPECT_LE(estimate.accuracy, 1);
        EXPECT_GT(estimate.device_seconds, 0);
      }
    }
  }
  const RecordedServing& serving = *(*recording)->before();
  EXPECT_EQ(serving.after[0].labelled + serving.after[1].labelled + serving.held_out.labelled, 30);
  EXPECT_GT(serving.after[1].time, serving.after[0].time);

  // Kept: read again, the model's score threshold with it.
  auto again = RecordingOf<DetectingTask>::Open(stream, settings, folder_);
  int trained = 0;
  const auto count = [&] { return ++trained > 0; };
  for (int window = 1; window < 3; ++window) ASSERT_TRUE((*again)->Record(window, count).ok());
  EXPECT_EQ(trained, 0);
  EXPECT_EQ((*again)->base().score_threshold(), (*recording)->base().score_threshold());
  EXPECT_EQ((*again)->first().score_threshold(), (*recording)->first().score_threshold());
}

TEST_F(RecordingTest, AModelFromAFileIsTheFirstModelAsItIs) {
  const PictureWindows stream = MadePictures(2, 12);
  RecordingSettings settings = DetectorSettings();
  models::DetectorShape shape{"tiny-yolov3", 0.1, 64, {"car"}, ""};
  const auto model = models::LearningDetector::Create(shape, 9);
  ASSERT_TRUE(model.ok());
  (*model)->SetScoreThreshold(0.41);
  settings.model.path = folder_ / "car.safetensors";
  std::filesystem::create_directories(folder_);
  ASSERT_TRUE((*model)->Save(settings.model.path).ok());
  const auto recording = RecordingOf<DetectingTask>::Open(stream, settings, folder_ / "parts");
  ASSERT_TRUE(recording.ok()) << recording.error().message;
  EXPECT_EQ((*recording)->first().score_threshold(), 0.41);

  PictureWindows other = stream;
  other.classes = {"bus"};
  const auto refused = RecordingOf<DetectingTask>::Open(other, settings, folder_ / "other");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(
      refused.error().message,
      HasSubstr("car.safetensors: found the classes car, expected those of the camera: bus"));
}

TEST_F(RecordingTest, ATraceOfADrawnSceneIsWhole) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "scene.yaml",
                                  "compute: {window: 8s}\n"
                                  "model: {width: 0.02, input_size: 16}\n"
                                  "learning:\n"
                                  "  bootstrap_epochs: 1\n"
                                  "  retraining:\n"
                                  "    - {id: short, epochs: 1}\n"
                                  "cameras:\n"
                                  "  crossing: {url: 'scene:intersection', frames_per_second: 1}\n")
                  .ok());
  TraceRequest request;
  request.dataset = folder_ / "scene.yaml";
  request.parts = folder_ / "parts";
  request.windows = 3;
  request.samples = 40;
  std::size_t calls = 0;
  request.progress = [&](std::size_t, std::size_t total) {
    EXPECT_EQ(total, 2U);
    ++calls;
    return true;
  };
  const auto trace = RecordTrace(request);
  ASSERT_TRUE(trace.ok()) << trace.error().message;
  EXPECT_EQ(calls, 3U);
  ASSERT_THAT(trace->streams, SizeIs(1));
  EXPECT_THAT(trace->streams[0].inference, SizeIs(4));
  ASSERT_THAT(trace->streams[0].windows, SizeIs(2));
  EXPECT_THAT(trace->streams[0].windows[0].retraining[0].later, SizeIs(1));
  const auto again = ReadTrace(WriteTrace(*trace), "trace.json");
  ASSERT_TRUE(again.ok()) << again.error().message;

  request.dataset = folder_ / "none.yaml";
  const auto missing = RecordTrace(request);
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("none.yaml"));
}

}  // namespace
}  // namespace ekya::learning
