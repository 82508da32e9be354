#include "decide/schedule/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decide/schedule/policy.h"

namespace ekya::schedule {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Explain, SaysWhyOfEveryStream) {
  Situation situation;
  situation.window_seconds = 100;
  situation.quanta_per_device = 10;
  situation.streams.push_back(
      {"gains", 0.4, {{"i", 0.2, 1}}, {{"fast", 0.8, 10, 0}, {"slow", 0.81, 60, 0}}, {}, false});
  situation.streams.push_back({"good", 0.9, {{"i", 0.2, 1}}, {{"fast", 0.8, 10, 0}}, {}, false});
  situation.streams.push_back({"long", 0.5, {{"i", 0.2, 1}}, {{"slow", 0.9, 500, 0}}, {}, false});
  situation.streams.push_back({"bare", 0.5, {{"i", 0.2, 1}}, {}, {}, false});
  situation.streams.push_back({"done", 0.5, {{"i", 0.2, 1}}, {{"fast", 0.8, 10, 0}}, {}, true});
  const Schedule schedule = (*MakePolicy("planner"))->Decide(situation).value();
  ASSERT_EQ(schedule.explanations.size(), 5u);
  for (std::size_t s = 0; s < 5; ++s) {
    EXPECT_EQ(schedule.explanations[s].stream, situation.streams[s].id);
  }
  EXPECT_THAT(schedule.explanations[0].text,
              AllOf(HasSubstr("Retrained with fast"), HasSubstr("0.400 to 0.800"),
                    HasSubstr("Runner-up"), HasSubstr("One more quantum")));
  EXPECT_THAT(schedule.explanations[1].text,
              HasSubstr("expected to beat the served model's 0.900"));
  EXPECT_THAT(schedule.explanations[2].text, HasSubstr("needs 500.0 device seconds"));
  EXPECT_THAT(schedule.explanations[3].text, HasSubstr("no profile"));
  EXPECT_THAT(schedule.explanations[4].text, HasSubstr("is done"));
  EXPECT_GT(schedule.solve_microseconds, 0);
}

// The thief starts from equal shares and looks one quantum ahead: no quantum alone brings a long
// retraining into the window.
TEST(Explain, SaysWhereASchedulerLeftRetrainingUndoneBesideAnIdleDevice) {
  Situation situation;
  situation.window_seconds = 100;
  situation.quanta_per_device = 20;
  situation.devices = 2;
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) {
    situation.streams.push_back({id, 0.5, {{"i", 0.05, 1}}, {{"long", 0.9, 70, 0}}, {}, false});
  }
  const Schedule stuck = (*MakePolicy("thief"))->Decide(situation).value();
  EXPECT_THAT(stuck.explanations.front().text,
              AllOf(HasSubstr("takes 70.0 device seconds; device 1 has"),
                    HasSubstr("this scheduler did not take")));
  const Schedule full = (*MakePolicy("planner"))->Decide(situation).value();
  EXPECT_THAT(full.explanations.back().text, HasSubstr("worth more elsewhere"));
}

}  // namespace
}  // namespace ekya::schedule
