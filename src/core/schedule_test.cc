#include "core/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"

namespace ekya {
namespace {

using ::testing::HasSubstr;

Schedule ExampleSchedule() {
  Schedule schedule;
  schedule.scheduler = "planner";
  schedule.mean_accuracy = 1.0 / 3;
  schedule.upper_bound = 0.5;
  schedule.floor_feasible = false;
  schedule.solve_microseconds = 812.5;
  schedule.timeline = {
      {0, 31.7, {{"zurich", "every-1", 3, 0, "0/5", 6, 1}, {"bern", "", 0, 0, "", 0, 0}}},
      {31.7, 200, {{"zurich", "every-1", 3, 1, "", 0, 0}, {"bern", "free", 0, 0, "x", 0, 0}}}};
  schedule.explanations = {{"zurich", "gains \"8\" points"}};
  schedule.outcome = {{"zurich", 0.82}, {"bern", 1.0 / 7}};
  return schedule;
}

std::string ErrorOfSchedule(const Schedule& schedule) {
  const auto read = ReadSchedule(WriteSchedule(schedule), "s.json");
  return read.ok() ? "no error" : read.error().message;
}

TEST(ScheduleTest, WhatIsWrittenReadsBackTheSame) {
  const std::string text = WriteSchedule(ExampleSchedule());
  const auto back = ReadSchedule(text, "s.json");
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->scheduler, "planner");
  EXPECT_EQ(back->mean_accuracy, 1.0 / 3);
  EXPECT_EQ(back->upper_bound, 0.5);
  EXPECT_EQ(back->static_optimum, std::nullopt);
  EXPECT_FALSE(back->floor_feasible);
  EXPECT_EQ(back->solve_microseconds, 812.5);
  ASSERT_EQ(back->timeline.size(), 2U);
  const Allocation& job = back->timeline[0].jobs[0];
  EXPECT_EQ(job.stream + job.inference + job.retraining, "zurichevery-10/5");
  EXPECT_EQ(job.inference_quanta, 3);
  EXPECT_EQ(job.inference_device, 0);
  EXPECT_EQ(job.retraining_quanta, 6);
  EXPECT_EQ(job.retraining_device, 1);
  EXPECT_TRUE(back->timeline[0].jobs[1].inference.empty());
  EXPECT_EQ(back->timeline[1].jobs[1].retraining, "x");
  EXPECT_EQ(back->explanations[0].text, "gains \"8\" points");
  ASSERT_EQ(back->outcome.size(), 2U);
  EXPECT_EQ(back->outcome[1].stream, "bern");
  EXPECT_EQ(back->outcome[1].accuracy, 1.0 / 7);
  EXPECT_EQ(WriteSchedule(*back), text);
  EXPECT_THAT(text, HasSubstr("\"gap\": 0.1666"));
}

TEST(ScheduleTest, WritesNullWhereAPolicyComputesNoBound) {
  Schedule schedule = ExampleSchedule();
  schedule.upper_bound.reset();
  schedule.static_optimum = 0.25;
  const std::string text = WriteSchedule(schedule);
  EXPECT_THAT(text,
              HasSubstr("\"upper_bound\": null,\n \"gap\": null,\n \"static_optimum\": 0.25"));
  EXPECT_EQ(ReadSchedule(text, "s.json")->upper_bound, std::nullopt);
  EXPECT_EQ(ReadSchedule(text, "s.json")->static_optimum, 0.25);
}

TEST(ScheduleTest, RefusesATimelineThatIsNone) {
  Schedule schedule = ExampleSchedule();
  schedule.timeline[1].from_seconds = 32;
  EXPECT_THAT(ErrorOfSchedule(schedule),
              HasSubstr("timeline[1].from_seconds: found 32, expected 31.7"));
  schedule = ExampleSchedule();
  schedule.timeline[1].to_seconds = 1;
  EXPECT_THAT(ErrorOfSchedule(schedule),
              HasSubstr("timeline[1].to_seconds: found 1, expected at least"));
  schedule = ExampleSchedule();
  schedule.timeline[0].jobs[1].stream = "zurich";
  EXPECT_THAT(ErrorOfSchedule(schedule), HasSubstr("timeline[0].jobs: found \"zurich\" twice"));
  schedule = ExampleSchedule();
  schedule.timeline[0].jobs[0].inference_quanta = -1;
  EXPECT_THAT(ErrorOfSchedule(schedule),
              HasSubstr("inference_quanta: found -1, expected a whole number"));
  schedule = ExampleSchedule();
  schedule.mean_accuracy = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(ErrorOfSchedule(schedule), HasSubstr("mean_accuracy: found null, expected a number"));
}

TEST(ScheduleTest, TheNextWindowStartsWhereOneEnds) {
  Situation next;
  next.streams.resize(2);
  next.streams[0].id = "bern";
  next.streams[1].id = "zurich";
  ASSERT_TRUE(StartFrom(ExampleSchedule(), &next).ok());
  EXPECT_EQ(next.streams[0].accuracy, 1.0 / 7);
  EXPECT_EQ(next.streams[1].accuracy, 0.82);
  next.streams[0].id = "basel";
  EXPECT_THAT(StartFrom(ExampleSchedule(), &next).error().message, HasSubstr("no stream basel"));
}

TEST(ScheduleTest, RefusesHostileValues) {
  const std::string text = WriteSchedule(ExampleSchedule());
  const auto error = [&](const std::string& key, const std::string& value) {
    std::string wrong = text;
    const std::size_t at = wrong.find("\"" + key + "\": ") + key.size() + 4;
    wrong.replace(at, wrong.find_first_of(",\n", at) - at, value);
    const auto schedule = ReadSchedule(wrong, "s.json");
    return schedule.ok() ? "no error" : schedule.error().message;
  };
  for (const char* key : {"mean_accuracy", "upper_bound", "solve_microseconds", "from_seconds",
                          "to_seconds", "inference_quanta", "inference_device", "retraining_quanta",
                          "timeline", "explanations", "outcome", "floor_feasible"}) {
    for (const char* value : {"NaN", "-1", "1e308", "1e400", "{}", "\"x\""}) {
      EXPECT_NE(error(key, value), "no error") << key << " " << value;
    }
  }
}

TEST(ScheduleTest, AMillionJobsAreAnErrorAtOnce) {
  std::string jobs;
  for (int i = 0; i < 1'000'000; ++i) jobs += "{\"stream\": \"a\"},";
  const double start = ThreadCpuSeconds();
  const auto schedule = ReadSchedule(
      R"({"format": "ekya-schedule/1", "scheduler": "x", "mean_accuracy": 0.5, "upper_bound": null,
          "floor_feasible": true, "solve_microseconds": 1, "explanations": [],
          "timeline": [{"from_seconds": 0, "to_seconds": 1, "jobs": [)" +
          jobs + "{}]}]}",
      "s.json");
  ASSERT_FALSE(schedule.ok());
  EXPECT_THAT(schedule.error().message, HasSubstr("jobs"));
  EXPECT_LT(ThreadCpuSeconds() - start, 20);
}

TEST(ScheduleTest, RefusesWhatIsNoSchedule) {
  const auto error = [](std::string_view text) {
    return ReadSchedule(text, "s.json").error().message;
  };
  EXPECT_THAT(error(""), HasSubstr("is empty"));
  EXPECT_THAT(error("{}"), HasSubstr("format: found nothing, expected \"ekya-schedule/1\""));
  EXPECT_THAT(error(WriteSituation({})), HasSubstr("found \"ekya-situation/1\""));
  const std::string text = WriteSchedule(ExampleSchedule());
  for (std::size_t length = 1; length + 2 < text.size(); length += 7) {
    EXPECT_FALSE(ReadSchedule(text.substr(0, length), "s.json").ok()) << length;
  }
  std::string misspelt = text;
  misspelt.replace(misspelt.find("retraining_quanta"), 17, "retraining_quants");
  EXPECT_THAT(error(misspelt), HasSubstr("retraining_quant"));
}

}  // namespace
}  // namespace ekya
