#include "core/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/clock.h"
#include "base/file.h"

namespace ekya {
namespace {

using ::testing::HasSubstr;

Trace ExampleTrace() {
  TracedRetraining retraining;
  retraining.id = "0/5";
  retraining.accuracy = 0.8;
  retraining.device_seconds = 4.75;
  retraining.curve = {{0, 0.5}, {2.5, 0.7}, {4.75, 0.8}};
  retraining.estimated_accuracy = 0.85;
  retraining.estimated_device_seconds = 1.0 / 3;
  retraining.later = {0.7, 0.6};
  TracedWindow rich{0.5, 1, 2, {retraining}};
  rich.class_mix = {0.75, 0.25};
  rich.seconds_of_day = 3600.5;
  rich.objects = 4.5;
  rich.location = {-12.5, 7};
  Trace trace;
  trace.window_seconds = 120;
  trace.streams = {{"a", {{"every-1", 0.25, 1}}, {rich, {0.4, 0, 0, {}}}, 2, {{0.5, 0.8}}},
                   {"b", {{"every-1", 0.25, 1}}, {{0.6, 0, 0, {}}}}};
  return trace;
}

std::string ErrorOfTrace(const Trace& trace) {
  const auto read = ReadTrace(WriteTrace(trace), "t.json");
  return read.ok() ? "no error" : read.error().message;
}

TEST(TraceTest, WhatIsWrittenReadsBackTheSame) {
  const std::string text = WriteTrace(ExampleTrace());
  const auto back = ReadTrace(text, "t.json");
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->window_seconds, 120);
  ASSERT_EQ(back->streams.size(), 2U);
  ASSERT_EQ(back->streams[0].windows.size(), 2U);
  const TracedWindow& window = back->streams[0].windows[0];
  EXPECT_EQ(window.accuracy, 0.5);
  EXPECT_EQ(window.labelling_seconds, 1);
  EXPECT_EQ(window.profiling_seconds, 2);
  EXPECT_EQ(window.class_mix, (std::vector{0.75, 0.25}));
  EXPECT_EQ(window.seconds_of_day, 3600.5);
  EXPECT_EQ(window.objects, 4.5);
  EXPECT_EQ(window.location, (std::vector{-12.5, 7.0}));
  EXPECT_FALSE(back->streams[1].windows[0].objects);
  EXPECT_EQ(back->streams[0].weight, 2);
  EXPECT_EQ(back->streams[0].throughput[0].speed, 0.8);
  const TracedRetraining& retraining = window.retraining[0];
  EXPECT_EQ(retraining.accuracy, 0.8);
  EXPECT_EQ(retraining.device_seconds, 4.75);
  EXPECT_EQ(retraining.curve, ExampleTrace().streams[0].windows[0].retraining[0].curve);
  EXPECT_EQ(retraining.estimated_accuracy, 0.85);
  EXPECT_EQ(retraining.estimated_device_seconds, 1.0 / 3);
  EXPECT_EQ(retraining.later, (std::vector{0.7, 0.6}));
  EXPECT_EQ(WriteTrace(*back), text);
}

TEST(TraceTest, RefusesWhatMakesNoTrace) {
  Trace trace = ExampleTrace();
  trace.streams[1].id = "a";
  EXPECT_THAT(ErrorOfTrace(trace), HasSubstr("streams[1].id: found \"a\", expected another id"));
  trace = ExampleTrace();
  trace.streams[1].windows.clear();
  EXPECT_THAT(ErrorOfTrace(trace), HasSubstr("streams[1].windows: found an empty list"));
  trace = ExampleTrace();
  trace.streams.clear();
  EXPECT_THAT(ErrorOfTrace(trace),
              HasSubstr("streams: found an empty list, expected at least one"));
  trace = ExampleTrace();
  trace.streams[0].windows[0].retraining[0].curve[1].first = 9;
  EXPECT_THAT(ErrorOfTrace(trace),
              HasSubstr("retraining[0].curve[2]: found [4.75, 0.8], expected"));
  trace = ExampleTrace();
  trace.streams[0].windows[0].retraining[0].later[1] = 1.01;
  EXPECT_THAT(ErrorOfTrace(trace),
              HasSubstr("later[1]: found 1.01, expected a number from 0 to 1"));
  trace = ExampleTrace();
  trace.streams[0].windows[0].retraining[0].estimated_accuracy = -0.1;
  EXPECT_THAT(ErrorOfTrace(trace), HasSubstr("estimate.accuracy: found -0.1"));
  trace = ExampleTrace();
  trace.window_seconds = 0;
  EXPECT_THAT(ErrorOfTrace(trace), HasSubstr("window_seconds: found 0, expected a number above 0"));
}

TEST(TraceTest, RefusesHostileValues) {
  const std::string text = WriteTrace(ExampleTrace());
  const auto error = [&](const std::string& key, const std::string& value) {
    // The first occurrence of the key with another value.
    std::string wrong = text;
    const std::size_t at = wrong.find("\"" + key + "\": ") + key.size() + 4;
    wrong.replace(at, wrong.find_first_of(",\n", at) - at, value);
    const auto trace = ReadTrace(wrong, "t.json");
    return trace.ok() ? "no error" : trace.error().message;
  };
  for (const char* key :
       {"window_seconds", "share", "factor", "weight", "accuracy", "labelling_seconds",
        "profiling_seconds", "device_seconds", "seconds_of_day", "objects"}) {
    EXPECT_EQ(error(key, "0.5"), "no error") << key;
    for (const char* value : {"NaN", "-1", "1e308", "1e400", "null", "[]", "{}", "\"x\"", "true"}) {
      EXPECT_THAT(error(key, value), ::testing::StartsWith("t.json:")) << key << " " << value;
    }
  }
}

TEST(TraceTest, AMillionStreamsAreAnErrorAtOnce) {
  std::string streams;
  for (int i = 0; i < 1'000'000; ++i) streams += "{\"id\": \"a\"},\n";
  const std::string text =
      R"({"format": "ekya-trace/1", "window_seconds": 1, "streams": [)" + streams + "{}]}";
  const double start = ThreadCpuSeconds();
  const auto trace = ReadTrace(text, "t.json");
  ASSERT_FALSE(trace.ok());
  EXPECT_THAT(trace.error().message, HasSubstr("streams"));
  EXPECT_LT(ThreadCpuSeconds() - start, 20);
}

TEST(TraceTest, RefusesHalfATrace) {
  const std::string text = WriteTrace(ExampleTrace());
  for (std::size_t length = 1; length + 2 < text.size(); length += 7) {
    EXPECT_FALSE(ReadTrace(text.substr(0, length), "t.json").ok()) << length;
  }
  std::string without = text;
  without.replace(without.find("\"estimate\""), 10, "\"estimates\"");
  EXPECT_THAT(ReadTrace(without, "t.json").error().message,
              HasSubstr("unknown key \"estimates\", the nearest known one is \"estimate\""));
}

// What `ekya profile` recorded for the repository: `later` and estimates of every configuration.
TEST(TraceTest, RecordedTracesAreReadAndWhole) {
  int traces = 0;
  for (const auto& entry : std::filesystem::directory_iterator(EKYA_SOURCE_DIR "/traces")) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path());
    ++traces;
    const auto text = ReadFile(entry.path());
    ASSERT_TRUE(text.ok()) << text.error().message;
    const auto trace = ReadTrace(*text, entry.path().string());
    ASSERT_TRUE(trace.ok()) << trace.error().message;
    ASSERT_FALSE(trace->streams.empty());
    for (const TracedStream& stream : trace->streams) {
      EXPECT_FALSE(stream.inference.empty());
      for (std::size_t i = 0; i < stream.windows.size(); ++i) {
        EXPECT_GT(stream.windows[i].profiling_seconds, 0);
        EXPECT_GT(stream.windows[i].retraining.size(), 1U);
        for (const TracedRetraining& retraining : stream.windows[i].retraining) {
          EXPECT_EQ(retraining.later.size(), stream.windows.size() - i - 1);
          EXPECT_FALSE(retraining.curve.empty());
          EXPECT_GT(retraining.device_seconds, 0);
          EXPECT_GT(retraining.estimated_device_seconds, 0);
        }
      }
    }
  }
  EXPECT_GE(traces, 4);
}

}  // namespace
}  // namespace ekya
