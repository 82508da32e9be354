#include "platform/datasets/exemplar_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <span>

#include "base/file.h"
#include "core/safetensors.h"

namespace ekya::datasets {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A sample that its time tells apart.
Sample MakeSample(int label, double time, int side = 2) {
  Sample sample;
  sample.image = {side, side + 1, {}};
  sample.image.pixels.assign(static_cast<std::size_t>(3 * side * (side + 1)),
                             static_cast<std::uint8_t>(time));
  sample.label = label;
  sample.time_seconds = time;
  return sample;
}

std::filesystem::path Scratch(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) / (std::to_string(getpid()) + "-" + name);
}

TEST(ExemplarMemory, IsBoundedPerClass) {
  ExemplarMemory memory(5, 1);
  EXPECT_TRUE(memory.Samples().empty());
  std::vector<Sample> samples;
  for (int i = 0; i < 100; ++i) samples.push_back(MakeSample(i < 3 ? 2 : 0, i));
  memory.Add(samples);
  int of_class[3] = {};
  for (const auto& sample : memory.Samples()) ++of_class[sample.label];
  EXPECT_EQ(of_class[0], 5);
  EXPECT_EQ(of_class[1], 0);
  EXPECT_EQ(of_class[2], 3);
}

TEST(ExemplarMemory, KeepsWindowsInProportion) {
  // Ten windows of 30 samples through a memory of 20, often: each window has its tenth.
  int of_window[10] = {};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    ExemplarMemory memory(20, seed);
    for (int window = 0; window < 10; ++window) {
      std::vector<Sample> samples;
      for (int i = 0; i < 30; ++i) samples.push_back(MakeSample(0, 30 * window + i, 1));
      memory.Add(samples);
    }
    for (const auto& sample : memory.Samples()) {
      ++of_window[static_cast<int>(sample.time_seconds) / 30];
    }
  }
  for (const int count : of_window) EXPECT_NEAR(count, 400, 80);  // 4 standard deviations
}

TEST(ExemplarMemory, KeepsNothingWhereItsBoundIsZero) {
  ExemplarMemory memory(0, 1);
  memory.Add({MakeSample(0, 1), MakeSample(1, 2)});
  EXPECT_TRUE(memory.Samples().empty());
}

TEST(ExemplarMemory, ComesBackFromItsFileAndGoesOn) {
  const auto path = Scratch("exemplars.safetensors");
  ExemplarMemory memory(3, 1);
  memory.Add({MakeSample(0, 1.5, 4), MakeSample(2, 200'000.125, 7), MakeSample(0, 3, 1)});
  ASSERT_TRUE(memory.Save(path).ok());

  ExemplarMemory loaded(3, 1);
  const auto status = loaded.Load(path);
  ASSERT_TRUE(status.ok()) << status.error().message;
  const auto before = memory.Samples();
  const auto after = loaded.Samples();
  ASSERT_EQ(after.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(after[i].label, before[i].label);
    EXPECT_NEAR(after[i].time_seconds, before[i].time_seconds, 1e-6);
    EXPECT_EQ(after[i].image.width, before[i].image.width);
    EXPECT_EQ(after[i].image.pixels, before[i].image.pixels);
  }
  // It has not forgotten how many it stands for: a late sample rarely enters.
  int entered = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    ExemplarMemory old(1, seed);
    std::vector<Sample> many(99, MakeSample(0, 1, 1));
    old.Add(many);
    ASSERT_TRUE(old.Save(path).ok());
    ExemplarMemory reborn(1, seed + 1000);
    ASSERT_TRUE(reborn.Load(path).ok());
    reborn.Add({MakeSample(0, 2, 1)});
    if (reborn.Samples()[0].time_seconds > 1.5) ++entered;
  }
  EXPECT_LT(entered, 6);  // 0.4 expected
  std::filesystem::remove(path);
}

TEST(ExemplarMemory, LoadsIntoASmallerBound) {
  const auto path = Scratch("large.safetensors");
  ExemplarMemory memory(10, 1);
  for (int i = 0; i < 10; ++i) memory.Add({MakeSample(0, i)});
  ASSERT_TRUE(memory.Save(path).ok());
  ExemplarMemory small(4, 1);
  ASSERT_TRUE(small.Load(path).ok());
  EXPECT_EQ(small.Samples().size(), 4U);
  std::filesystem::remove(path);
}

TEST(ExemplarMemory, RefusesABrokenFileAndKeepsWhatItHas) {
  const auto path = Scratch("broken.safetensors");
  ExemplarMemory memory(3, 1);
  memory.Add({MakeSample(0, 1), MakeSample(1, 2)});
  ASSERT_TRUE(memory.Save(path).ok());
  const auto bytes = *ReadFile(path);
  const auto good = *ParseSafetensors(bytes, "good");

  const auto refusal = [&](const TensorFile& content) {
    EXPECT_TRUE(WriteFileAtomically(path, FormatSafetensors(content)).ok());
    ExemplarMemory target(3, 1);
    target.Add({MakeSample(0, 77)});
    const auto status = target.Load(path);
    EXPECT_EQ(target.Samples().size(), 1U);
    if (status.ok()) return std::string("loaded");
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(status.error().message, HasSubstr(path.string()));
    return status.error().message;
  };
  const auto numbers = [](std::vector<std::int64_t> values, std::vector<std::int64_t> shape) {
    return StoreTensor(std::span<const std::int64_t>(values), std::move(shape));
  };
  auto content = good;
  content.tensors["labels"] = numbers({0, 9}, {2});
  EXPECT_THAT(refusal(content), AllOf(HasSubstr("'labels'"), HasSubstr("found 9")));
  content = good;
  content.tensors["labels"] = numbers({0}, {1});
  EXPECT_THAT(refusal(content), AllOf(HasSubstr("'sizes'"), HasSubstr("I64 [2, 2]")));
  content = good;
  content.tensors["sizes"] = numbers({2, 3, 1'000'000'000, 1'000'000'000}, {2, 2});
  EXPECT_THAT(refusal(content), HasSubstr("found 1000000000 x 1000000000 for sample 1"));
  content = good;
  content.tensors["sizes"] = numbers({2, 3, 16384, 16384}, {2, 2});
  EXPECT_THAT(refusal(content), HasSubstr("within the 18 bytes"));
  content = good;
  content.tensors["sizes"] = numbers({2, 3, 2, 2}, {2, 2});
  EXPECT_THAT(refusal(content), AllOf(HasSubstr("'pixels'"), HasSubstr("found 36 bytes")));
  content = good;
  content.tensors["seen"] = numbers({0, 1}, {2});
  EXPECT_THAT(refusal(content), HasSubstr("'seen'"));
  content = good;
  content.tensors.erase("times");
  EXPECT_THAT(refusal(content), HasSubstr("'times'"));

  for (std::size_t size = 0; size < bytes.size(); size += 13) {
    ASSERT_TRUE(WriteFileAtomically(path, bytes.substr(0, size)).ok());
    EXPECT_EQ(memory.Load(path).error().code, ErrorCode::kInvalid);
  }
  EXPECT_EQ(memory.Samples().size(), 2U);
  std::filesystem::remove(path);
  EXPECT_EQ(memory.Load(path).error().code, ErrorCode::kNotFound);
}

/// A sample whose only feature is its first pixel, beside a constant one.
Sample Feature(int value, int label) {
  Sample sample;
  sample.image = {1, 1, {static_cast<std::uint8_t>(value), 0, 0}};
  sample.label = label;
  return sample;
}

Result<std::vector<std::vector<float>>> PixelFeatures(const std::vector<Sample>& samples) {
  std::vector<std::vector<float>> rows;
  for (const auto& sample : samples) {
    const float angle = static_cast<float>(sample.image.pixels[0]) / 255.0F;
    rows.push_back({std::cos(angle), std::sin(angle)});
  }
  return rows;
}

double MeanFeature(const std::vector<Sample>& samples) {
  double sum = 0;
  for (const auto& sample : samples) sum += sample.image.pixels[0];
  return sum / static_cast<double>(samples.size());
}

TEST(ExemplarMemory, HerdsTowardsTheMeanOfAllThatWasSeen) {
  ExemplarMemory memory(5, 1);
  std::vector<Sample> window;
  for (int value = 0; value <= 100; ++value) window.push_back(Feature(value, 0));
  window.push_back(Feature(200, 1));
  ASSERT_TRUE(memory.Herd(window, PixelFeatures).ok());
  auto kept = memory.Samples();
  ASSERT_EQ(kept.size(), 6U);
  EXPECT_EQ(kept.back().image.pixels[0], 200);
  kept.pop_back();
  // The first alone comes nearest; so does each longer beginning of what is kept.
  EXPECT_NEAR(kept[0].image.pixels[0], 50, 1);
  for (std::size_t count = 2; count <= 5; ++count) {
    EXPECT_NEAR(MeanFeature({kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(count)}), 50,
                2);
  }
  // The five stand for a hundred: a window of as many others moves the mean half way.
  window.clear();
  for (int value = 150; value <= 250; ++value) window.push_back(Feature(value, 0));
  ASSERT_TRUE(memory.Herd(window, PixelFeatures).ok());
  kept = memory.Samples();
  ASSERT_EQ(kept.size(), 6U);
  kept.pop_back();
  EXPECT_NEAR(MeanFeature(kept), 125, 15);
}

TEST(ExemplarMemory, KeepsWhatItHasWhereThereAreNoFeatures) {
  ExemplarMemory memory(5, 1);
  ASSERT_TRUE(memory.Herd({Feature(3, 0)}, PixelFeatures).ok());
  const auto failed = memory.Herd({Feature(4, 0)}, [](const auto&) {
    return Result<std::vector<std::vector<float>>>(Error{ErrorCode::kFailed, "no features"});
  });
  ASSERT_FALSE(failed.ok());
  ASSERT_EQ(memory.Samples().size(), 1U);
  EXPECT_EQ(memory.Samples()[0].image.pixels[0], 3);
}

}  // namespace
}  // namespace ekya::datasets
