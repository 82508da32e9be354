#include "core/situation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/clock.h"
#include "base/file.h"

namespace ekya {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kText[] = R"({"format": "ekya-situation/1", "window_seconds": 200, "devices": 2,
 "quanta_per_device": 10, "accuracy_floor": 0.25,
 "streams": [
  {"id": "zurich", "accuracy": 0.738,
   "inference": [{"id": "every-1", "share": 0.25, "factor": 1.0}],
   "retraining": [{"id": "0/5", "accuracy": 0.82, "device_seconds": 4.75}]},
  {"id": "bern", "accuracy": 0.5,
   "inference": [{"id": "every-1", "share": 0.25, "factor": 1.0}],
   "retraining": []}]})";

/// kText with the first `from` replaced.
std::string With(const std::string& from, const std::string& to) {
  std::string text = kText;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string ErrorOfSituation(const std::string& text) {
  const auto situation = ReadSituation(text, "s.json");
  return situation.ok() ? "no error" : situation.error().message;
}

TEST(SituationTest, Reads) {
  const auto situation = ReadSituation(kText, "s.json");
  ASSERT_TRUE(situation.ok()) << situation.error().message;
  EXPECT_EQ(situation->window_seconds, 200);
  EXPECT_EQ(situation->TotalQuanta(), 20);
  EXPECT_EQ(situation->accuracy_floor, 0.25);
  ASSERT_EQ(situation->streams.size(), 2U);
  EXPECT_EQ(situation->streams[0].id, "zurich");
  EXPECT_EQ(situation->streams[0].inference[0].share, 0.25);
  EXPECT_EQ(situation->streams[0].retraining[0].device_seconds, 4.75);
  EXPECT_TRUE(situation->streams[1].retraining.empty());
  EXPECT_FALSE(situation->streams[1].running);
}

TEST(SituationTest, WhatIsWrittenReadsBackTheSame) {
  Situation situation = *ReadSituation(kText, "s.json");
  situation.streams[0].accuracy = 1.0 / 3;
  situation.streams[0].retraining[0].spread = 0.02;
  situation.streams[0].running = RunningRetraining{"0/5", 1, 2.0 / 3};
  situation.streams[1].retrained = true;
  situation.streams[1].weight = 2.5;
  situation.streams[1].throughput = {{0.1, 0.36}, {0.5, 0.83}};
  const std::string text = WriteSituation(situation);
  const auto back = ReadSituation(text, "s.json");
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->streams[0].accuracy, 1.0 / 3);
  EXPECT_EQ(back->streams[0].retraining[0].spread, 0.02);
  ASSERT_TRUE(back->streams[0].running);
  EXPECT_EQ(back->streams[0].running->id, "0/5");
  EXPECT_EQ(back->streams[0].running->device, 1);
  EXPECT_EQ(back->streams[0].running->device_seconds, 2.0 / 3);
  EXPECT_TRUE(back->streams[1].retrained);
  EXPECT_EQ(back->streams[1].weight, 2.5);
  ASSERT_EQ(back->streams[1].throughput.size(), 2U);
  EXPECT_EQ(back->streams[1].throughput[0].speed, 0.36);
  EXPECT_EQ(WriteSituation(*back), text);
}

TEST(SituationTest, ErrorsNameLineKeyFoundAndExpected) {
  EXPECT_EQ(ErrorOfSituation(With("0.738", "1.5")),
            "s.json:4: streams[0].accuracy: found 1.5, expected a number from 0 to 1");
  EXPECT_EQ(ErrorOfSituation(With("0.738", "\"high\"")),
            "s.json:4: streams[0].accuracy: found \"high\", expected a number from 0 to 1");
  EXPECT_EQ(ErrorOfSituation(With("ekya-situation/1", "ekya-situation/2")),
            "s.json:1: format: found \"ekya-situation/2\", expected \"ekya-situation/1\"");
  EXPECT_EQ(ErrorOfSituation(With("\"accuracy_floor\": 0.25,", "")),
            "s.json:1: accuracy_floor: found nothing, expected a number from 0 to 1");
  EXPECT_EQ(ErrorOfSituation(With("\"share\"", "\"shares\"")),
            "s.json:5: streams[0].inference[0]: unknown key \"shares\", the nearest known one is "
            "\"share\"");
  EXPECT_EQ(ErrorOfSituation(With("\"id\": \"zurich\",", "\"id\": \"zurich\", \"acuracy\": 1,")),
            "s.json:4: streams[0]: unknown key \"acuracy\", the nearest known one is \"accuracy\"");
  EXPECT_EQ(
      ErrorOfSituation(With("bern", "zurich")),
      "s.json:7: streams[1].id: found \"zurich\", expected another id than that of streams[0]");
  EXPECT_EQ(ErrorOfSituation(With("\"retraining\": []",
                                  "\"retraining\": [], \"running\": {\"id\": \"x\", "
                                  "\"device\": 0, \"device_seconds\": 1}")),
            "s.json:9: streams[1].running: found \"x\", expected an id of its retraining");
  EXPECT_THAT(ErrorOfSituation(With("\"retraining\": []", "\"retraining\": [], \"retrained\": 1")),
              HasSubstr("streams[1].retrained: found 1, expected true or false"));
}

TEST(SituationTest, SpeedIsByStraightLinesBetweenWhatWasMeasured) {
  EXPECT_EQ(Speed({}, 0.3), 0.3);
  const std::vector<ThroughputPoint> curve = {{0.1, 0.4}, {0.5, 0.8}};
  EXPECT_EQ(Speed(curve, 0), 0);
  EXPECT_DOUBLE_EQ(Speed(curve, 0.05), 0.2);
  EXPECT_DOUBLE_EQ(Speed(curve, 0.1), 0.4);
  EXPECT_DOUBLE_EQ(Speed(curve, 0.3), 0.6);
  EXPECT_DOUBLE_EQ(Speed(curve, 0.75), 0.9);
  EXPECT_EQ(Speed(curve, 1), 1);
  EXPECT_EQ(Speed({{1, 1}}, 1), 1);
}

TEST(SituationTest, RefusesWeightsAndThroughputsThatMakeNoSense) {
  for (const char* value : {"0", "-1", "1001", "1e308", "NaN", "null", "[]"}) {
    EXPECT_THAT(ErrorOfSituation(With("0.738,", std::string("0.738, \"weight\": ") + value + ",")),
                StartsWith("s.json:4: "))
        << value;
  }
  const auto curve = [](const std::string& text) {
    return ErrorOfSituation(With("0.738,", "0.738, \"throughput\": " + text + ","));
  };
  EXPECT_EQ(curve("[[0.1, 0.4], [1, 1]]"), "no error");
  EXPECT_EQ(curve("[]"), "no error");
  EXPECT_THAT(curve("[[0.5, 0.6], [0.4, 0.7]]"),
              HasSubstr("streams[0].throughput[1]: found [0.4, 0.7], expected [share above 0.5 up "
                        "to 1, speed from 0.6 up to 1, 1 where the share is]"));
  for (const char* wrong : {"[[0, 0.5]]", "[[0.5, 0]]", "[[0.5, 1.1]]", "[[1, 0.9]]", "[[1.5, 1]]",
                            "[[-1, 0.5]]", "[[0.5, 0.6], [0.6, 0.5]]", "[[0.5]]", "[0.5]", "3",
                            "[[1e308, 1]]", "[[0.5, null]]", "[[0.1, 0.2, 0.3]]"}) {
    EXPECT_THAT(curve(wrong), StartsWith("s.json:4: streams[0].throughput")) << wrong;
  }
}

TEST(SituationTest, RefusesHostileValues) {
  for (const char* value : {"0", "-1", "1e308", "NaN", "1e400", "null", "[]", "\"200\""}) {
    EXPECT_THAT(ErrorOfSituation(With("200", value)), StartsWith("s.json:1: ")) << value;
  }
  for (const char* value : {"0", "-2", "1.5", "1001", "1e300"}) {
    EXPECT_THAT(ErrorOfSituation(With("\"devices\": 2", std::string("\"devices\": ") + value)),
                HasSubstr("expected a whole number from 1 to 1000"));
    EXPECT_THAT(ErrorOfSituation(With("_device\": 10", std::string("_device\": ") + value)),
                HasSubstr("expected a whole number from 1 to 1000"));
  }
  EXPECT_THAT(ErrorOfSituation(With("4.75", "1e308")), HasSubstr("device_seconds: found 1e308"));
  EXPECT_THAT(ErrorOfSituation(With("4.75", "-1")), HasSubstr("device_seconds: found -1"));
  EXPECT_THAT(
      ErrorOfSituation(With("[{\"id\": \"every-1\", \"share\": 0.25, \"factor\": 1.0}]", "[]")),
      HasSubstr("streams[0].inference: found an empty list, expected at least one"));
  EXPECT_THAT(ErrorOfSituation(R"({"format": "ekya-situation/1", "window_seconds": 1, "devices": 1,
                          "quanta_per_device": 1, "accuracy_floor": 0, "streams": []})"),
              HasSubstr("streams: found an empty list, expected at least one"));
  EXPECT_THAT(ErrorOfSituation("[]"), HasSubstr("found an empty list, expected a map"));
  EXPECT_THAT(ErrorOfSituation(""), HasSubstr("is empty"));
  EXPECT_THAT(ErrorOfSituation(std::string(kText).substr(0, 300)),
              HasSubstr("the text ends inside"));
}

TEST(SituationTest, AMillionStreamsAreAnErrorAtOnce) {
  std::string streams;
  for (int i = 0; i < 1'000'000; ++i) streams += "{\"id\": \"a\"},\n";
  const std::string text =
      R"({"format": "ekya-situation/1", "window_seconds": 1, "devices": 1, "quanta_per_device": 1,
          "accuracy_floor": 0, "streams": [)" +
      streams + "{}]}";
  const double start = ThreadCpuSeconds();
  EXPECT_THAT(ErrorOfSituation(text), HasSubstr("streams"));
  EXPECT_LT(ThreadCpuSeconds() - start, 20);  // Half a second, or more where sanitizers look.
}

TEST(SituationTest, QuantaThatAShareNeeds) {
  EXPECT_EQ(QuantaFor(0.15, 20), 3);  // 0.15 * 20 is 3.0000000000000004 or so.
  EXPECT_EQ(QuantaFor(0.151, 20), 4);
  EXPECT_EQ(QuantaFor(0, 20), 0);
  EXPECT_EQ(QuantaFor(1, 7), 7);
  EXPECT_EQ(QuantaFor(1e-12, 7), 0);
  for (int quanta = 1; quanta <= 100; ++quanta) {
    for (int share = 0; share <= quanta; ++share) {
      EXPECT_EQ(QuantaFor(static_cast<double>(share) / quanta, quanta), share);
    }
  }
}

TEST(SituationTest, ReadsEverySharedCase) {
  const std::filesystem::path folder = EKYA_SHARED_DIR "/cases/schedule";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no scheduling cases beside the sources";
  int read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto situation = ReadSituation(*ReadFile(entry.path()), entry.path().string());
    ASSERT_TRUE(situation.ok()) << situation.error().message;
    const std::string text = WriteSituation(*situation);
    EXPECT_EQ(WriteSituation(*ReadSituation(text, "again")), text);
    ++read;
  }
  EXPECT_GT(read, 50);
}

}  // namespace
}  // namespace ekya
