#include "decide/window/conductor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "decide/window/fake_world.h"

namespace ekya::window {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

RetrainingConfiguration Configuration(const std::string& id, int epochs, int stages = 5) {
  RetrainingConfiguration configuration;
  configuration.id = id;
  configuration.epochs = epochs;
  configuration.trained_stages = stages;
  return configuration;
}

FakeStream Stream(const std::string& id) {
  FakeStream stream;
  stream.id = id;
  return stream;
}

ConductorSettings Settings() {
  ConductorSettings settings;
  settings.window_seconds = 100;
  settings.devices = 1;
  settings.quanta_per_device = 10;
  settings.retraining = {Configuration("e15", 15)};
  return settings;
}

// A world of two streams, a policy and a conductor.
struct Case {
  explicit Case(std::vector<FakeStream> streams = {Stream("lobby"), Stream("door")},
                ConductorSettings settings = Settings())
      : world(std::move(streams)), conductor(std::move(settings), policy, world.ports()) {}

  WindowRecord Run(int window = 1) {
    Result<WindowRecord> record = conductor.Run(window);
    EXPECT_TRUE(record.ok()) << (record.ok() ? "" : record.error().message);
    return record.ok() ? *record : WindowRecord{};
  }

  FakeWorld world;
  OneAtATime policy;
  Conductor conductor;
};

std::vector<std::string> Outcomes(const WindowRecord& record) {
  std::vector<std::string> outcomes;
  for (const RetrainingRecord& retraining : record.retrainings) {
    outcomes.push_back(retraining.stream + " " + retraining.outcome);
  }
  return outcomes;
}

std::vector<std::string> Reasons(const WindowRecord& record) {
  std::vector<std::string> reasons;
  for (const Decision& decision : record.decisions) reasons.push_back(decision.reason);
  return reasons;
}

TEST(Conductor, LabelsProfilesRetrainsSwapsAndDecidesAgain) {
  Case test;
  test.world.Find("door").trial_accuracy = 0.95;
  const WindowRecord record = test.Run();
  EXPECT_THAT(
      test.world.calls,
      ElementsAre("apply", "profiling", "label lobby", "label door", "trial lobby e15",
                  "trial door e15", "profiling", "start door e15", "apply", "take door",
                  "swap door", "start lobby e15", "apply", "take lobby", "swap lobby", "apply"));
  EXPECT_THAT(Outcomes(record), ElementsAre("door swapped", "lobby swapped"));
  EXPECT_THAT(Reasons(record),
              ElementsAre("window start", "retraining of door done", "retraining of lobby done"));
  EXPECT_THAT(record.warnings, IsEmpty());
  EXPECT_DOUBLE_EQ(record.end_seconds, 100);
  EXPECT_DOUBLE_EQ(record.profiling_seconds, 2);
  EXPECT_DOUBLE_EQ(record.profiling_device_seconds, 1);
  EXPECT_FALSE(record.stopped);

  const RetrainingRecord& first = record.retrainings[0];
  EXPECT_DOUBLE_EQ(first.start_seconds, 2);
  EXPECT_NEAR(first.end_seconds, 2 + 10 / 0.6, 1e-6);
  EXPECT_DOUBLE_EQ(first.predicted_accuracy, 0.95);
  EXPECT_DOUBLE_EQ(first.achieved_accuracy, 0.95);
  EXPECT_NEAR(first.predicted_device_seconds, 10, 1e-9);
  EXPECT_DOUBLE_EQ(first.device_seconds, 10);

  // The second decision knows the new model and that door has had its retraining.
  const StreamSituation& door = test.policy.asked[1].streams[1];
  EXPECT_TRUE(door.retrained);
  EXPECT_THAT(door.retraining, IsEmpty());
  EXPECT_DOUBLE_EQ(door.accuracy, 0.95);
  EXPECT_NEAR(test.policy.asked[1].window_seconds, 98 - 10 / 0.6, 1e-6);
  EXPECT_FALSE(test.policy.asked[1].streams[0].retrained);
}

TEST(Conductor, WhileTrialsRunTheStreamsAreServedAndTrialsHaveTheRest) {
  Case test;
  test.Run();
  const std::vector<Allocation>& serving = test.world.applied.front();
  ASSERT_THAT(serving, SizeIs(2));
  for (const Allocation& allocation : serving) {
    EXPECT_EQ(allocation.inference, "every-1");
    EXPECT_EQ(allocation.inference_quanta, 2);
    EXPECT_EQ(allocation.retraining_quanta, 0);
  }
  EXPECT_THAT(test.world.profiling, ElementsAre(ElementsAre(6), ElementsAre(0)));
}

TEST(Conductor, APolicyThatNeverRetrainsCausesNoLabelAndNoTrial) {
  Case test;
  test.policy.needs = schedule::ProfileNeeds{{}, false};
  const WindowRecord record = test.Run();
  EXPECT_THAT(test.world.calls, ElementsAre("apply"));
  EXPECT_THAT(record.retrainings, IsEmpty());
  EXPECT_DOUBLE_EQ(record.end_seconds, 100);
}

TEST(Conductor, AFixedConfigurationIsTriedOnceAndThenKnown) {
  ConductorSettings settings = Settings();
  settings.retraining = {Configuration("short", 5, 1), Configuration("long", 30)};
  Case test({Stream("lobby")}, settings);
  test.policy.needs = schedule::ProfileNeeds{{"long"}, false};
  test.Run(1);
  EXPECT_TRUE(test.world.Called("trial lobby long"));
  EXPECT_FALSE(test.world.Called("trial lobby short"));
  test.world.calls.clear();
  test.policy.asked.clear();
  test.Run(2);
  EXPECT_TRUE(test.world.Called("label lobby"));
  EXPECT_FALSE(test.world.Called("trial lobby long"));
  ASSERT_THAT(test.policy.asked.front().streams[0].retraining, SizeIs(1));
  EXPECT_DOUBLE_EQ(test.policy.asked.front().streams[0].retraining[0].device_seconds, 10);
}

TEST(Conductor, ProfilesComeInTheConfigurationsOrder) {
  ConductorSettings settings = Settings();
  settings.retraining = {Configuration("a", 5, 1), Configuration("b", 5, 5),
                         Configuration("c", 30, 1), Configuration("d", 30, 5)};
  Case test({Stream("lobby")}, settings);
  const WindowRecord record = test.Run();
  std::vector<std::string> ids;
  for (const auto& profile : record.profiles.at("lobby")) ids.push_back(profile.id);
  EXPECT_THAT(ids, ElementsAre("a", "b", "c", "d"));
}

TEST(Conductor, AFailedRetrainingKeepsTheOldModelAndIsNotTriedAgain) {
  Case test;
  test.world.Find("lobby").failure = "loss is NaN in epoch 3";
  const WindowRecord record = test.Run();
  EXPECT_THAT(Outcomes(record),
              ElementsAre("lobby failed: loss is NaN in epoch 3", "door swapped"));
  EXPECT_THAT(record.warnings, ElementsAre(AllOf(HasSubstr("lobby"), HasSubstr("NaN"))));
  EXPECT_DOUBLE_EQ(test.policy.asked.back().streams[0].accuracy, 0.6);
  EXPECT_THAT(test.policy.asked.back().streams[0].retraining, IsEmpty());
  EXPECT_EQ(std::count(test.world.calls.begin(), test.world.calls.end(), "start lobby e15"), 1);
}

TEST(Conductor, ARetrainingThatCannotStartIsLeftAndTheOthersGoOn) {
  Case test;
  test.world.Find("lobby").start_error = Error{ErrorCode::kFailed, "no memory"};
  const WindowRecord record = test.Run();
  EXPECT_THAT(Outcomes(record), ElementsAre("door swapped"));
  EXPECT_THAT(record.warnings, ElementsAre(AllOf(HasSubstr("lobby"), HasSubstr("no memory"))));
}

TEST(Conductor, ARefusedSwapKeepsTheOldModel) {
  Case test({Stream("lobby")});
  test.world.Find("lobby").swap_error = Error{ErrorCode::kInfeasible, "0.5 against 0.6"};
  const WindowRecord record = test.Run();
  EXPECT_THAT(Outcomes(record), ElementsAre("lobby kept old: 0.5 against 0.6"));
  EXPECT_THAT(record.warnings, IsEmpty());
  EXPECT_TRUE(test.policy.asked.back().streams[0].retrained);
  EXPECT_DOUBLE_EQ(test.policy.asked.back().streams[0].accuracy, 0.6);
}

TEST(Conductor, AStreamThatGoesLosesItsRetrainingAndItsShares) {
  Case test;
  test.world.At(10, {Event::Kind::kStreamGone, "lobby", ""});
  const WindowRecord record = test.Run();
  EXPECT_THAT(Outcomes(record), ElementsAre("lobby cancelled: the stream is gone", "door swapped"));
  EXPECT_TRUE(test.world.Called("cancel lobby"));
  EXPECT_NEAR(record.retrainings[0].device_seconds, 8 * 0.6, 1e-6);
  ASSERT_THAT(test.policy.asked[1].streams, SizeIs(1));
  EXPECT_EQ(test.policy.asked[1].streams[0].id, "door");
}

TEST(Conductor, AStreamThatComesBackIsServedAndMayStillRetrain) {
  Case test;
  test.world.At(10, {Event::Kind::kStreamGone, "lobby", ""});
  test.world.At(40, {Event::Kind::kStreamBack, "lobby", ""});
  const WindowRecord record = test.Run();
  EXPECT_THAT(Outcomes(record),
              ElementsAre("lobby cancelled: the stream is gone", "door swapped", "lobby swapped"));
  EXPECT_THAT(Reasons(record), ElementsAre("window start", "lobby gone", "retraining of door done",
                                           "lobby back", "retraining of lobby done"));
}

TEST(Conductor, AnEventBesideARunningRetrainingTellsThePolicyWhatIsLeft) {
  Case test;
  test.world.At(10, {Event::Kind::kStreamGone, "door", ""});
  test.Run();
  const StreamSituation& lobby = test.policy.asked[1].streams[0];
  ASSERT_TRUE(lobby.running.has_value());
  EXPECT_EQ(lobby.running->id, "e15");
  EXPECT_NEAR(lobby.running->device_seconds, 10 - 8 * 0.6, 1e-6);
  EXPECT_THAT(lobby.retraining, SizeIs(1));
}

TEST(Conductor, AnUnderestimatedRetrainingGoesOnUntilItIsDone) {
  Case test({Stream("lobby")});
  test.world.Find("lobby").estimate_factor = 0.3;
  const WindowRecord record = test.Run();
  EXPECT_THAT(Outcomes(record), ElementsAre("lobby swapped"));
  EXPECT_GT(record.decisions.size(), 2u);
  EXPECT_LT(record.decisions.size(), 20u);
  EXPECT_NEAR(record.retrainings[0].predicted_device_seconds, 3, 1e-9);
  EXPECT_DOUBLE_EQ(record.retrainings[0].device_seconds, 10);
  // The next window expects it to take longer.
  EXPECT_GT(test.Run(2).retrainings[0].predicted_device_seconds, 5);
}

TEST(Conductor, WhatStillRunsAtTheEndIsCancelled) {
  Case test({Stream("lobby")});
  test.world.Find("lobby").retraining_device_seconds = 1000;
  const WindowRecord record = test.Run();
  EXPECT_THAT(Outcomes(record), ElementsAre("lobby cancelled: the window ended"));
  EXPECT_DOUBLE_EQ(record.end_seconds, 100);
  EXPECT_DOUBLE_EQ(record.retrainings[0].end_seconds, 100);
  EXPECT_THAT(test.world.jobs, IsEmpty());
}

TEST(Conductor, AStopEndsTheWindowAtOnce) {
  Case test;
  test.world.At(5, {Event::Kind::kStop, "", ""});
  const WindowRecord record = test.Run();
  EXPECT_TRUE(record.stopped);
  EXPECT_DOUBLE_EQ(record.end_seconds, 5);
  EXPECT_THAT(Outcomes(record), ElementsAre("lobby cancelled: the run was stopped"));
}

TEST(Conductor, AStopDuringLabellingRunsNoTrial) {
  Case test;
  test.world.Find("lobby").labelling_seconds = 3;
  test.world.At(2, {Event::Kind::kStop, "", ""});
  const WindowRecord record = test.Run();
  EXPECT_TRUE(record.stopped);
  EXPECT_FALSE(test.world.Called("label door"));
  EXPECT_FALSE(test.world.Called("trial lobby e15"));
  EXPECT_DOUBLE_EQ(record.end_seconds, 3);
}

TEST(Conductor, AStreamWithoutSamplesOrWithOneClassIsNotRetrained) {
  Case test({Stream("empty"), Stream("single"), Stream("unlabelled"), Stream("good")});
  test.world.Find("empty").labels = LabelSummary{0, {0, 0}};
  test.world.Find("single").labels = LabelSummary{40, {0, 40}};
  test.world.Find("unlabelled").labels = Error{ErrorCode::kFailed, "golden.onnx: truncated"};
  const WindowRecord record = test.Run();
  EXPECT_THAT(Outcomes(record), ElementsAre("good swapped"));
  EXPECT_THAT(record.warnings,
              ElementsAre(AllOf(HasSubstr("empty"), HasSubstr("no labelled sample")),
                          AllOf(HasSubstr("single"), HasSubstr("single class")),
                          AllOf(HasSubstr("unlabelled"), HasSubstr("golden.onnx: truncated"))));
  EXPECT_FALSE(test.world.Called("trial empty e15"));
  EXPECT_FALSE(test.world.Called("trial single e15"));
}

TEST(Conductor, DoubtfulLabelsAreSaidAndNotTrainedOn) {
  Case test({Stream("doubted"), Stream("good")});
  test.world.Find("doubted").labels = LabelSummary{0, {0, 0}, "the golden model guesses"};
  const WindowRecord record = test.Run();
  EXPECT_THAT(Outcomes(record), ElementsAre("good swapped"));
  EXPECT_THAT(record.warnings, ElementsAre("doubted: the golden model guesses"));
  EXPECT_FALSE(test.world.Called("trial doubted e15"));
}

TEST(Conductor, AStreamThatDoesNotLearnIsLabelledAndLeftInPeace) {
  Case test({Stream("fixed"), Stream("good")});
  test.world.Find("fixed").learns = false;
  test.world.Find("fixed").labels = LabelSummary{0, {}};
  const WindowRecord record = test.Run();
  EXPECT_TRUE(test.world.Called("label fixed"));
  EXPECT_FALSE(test.world.Called("trial fixed e15"));
  EXPECT_THAT(Outcomes(record), ElementsAre("good swapped"));
  EXPECT_THAT(record.warnings, IsEmpty());
}

TEST(Conductor, AFailedTrialCostsThatStreamItsRetraining) {
  Case test;
  test.world.Find("lobby").trial_error = Error{ErrorCode::kFailed, "loss is NaN"};
  const WindowRecord record = test.Run();
  EXPECT_THAT(Outcomes(record), ElementsAre("door swapped"));
  EXPECT_THAT(record.warnings, ElementsAre(AllOf(HasSubstr("lobby"), HasSubstr("e15"))));
}

TEST(Conductor, ATrialThatMeasuredNonsenseIsRefused) {
  Case test({Stream("lobby")});
  test.world.Find("lobby").trial_accuracy = std::numeric_limits<double>::quiet_NaN();
  const WindowRecord record = test.Run();
  EXPECT_THAT(record.retrainings, IsEmpty());
  EXPECT_THAT(record.warnings, SizeIs(1));
}

TEST(Conductor, PreparationThatTakesTheWholeWindowIsToldAndNothingIsDecided) {
  Case test;
  test.world.Find("lobby").labelling_seconds = 45;
  test.world.Find("door").trial_seconds = 60;
  const WindowRecord record = test.Run();
  EXPECT_THAT(record.decisions, IsEmpty());
  EXPECT_THAT(record.warnings, ElementsAre(HasSubstr("took the whole window")));
  EXPECT_DOUBLE_EQ(record.labelling_seconds, 45);
  EXPECT_DOUBLE_EQ(record.profiling_seconds, 61);
}

TEST(Conductor, LabelsLeaveHalfOfTheWindowAndTakeTurns) {
  Case test;
  test.world.Find("lobby").labelling_seconds = test.world.Find("door").labelling_seconds = 60;
  const WindowRecord first = test.Run();
  EXPECT_THAT(first.warnings, ElementsAre(HasSubstr("1 of 2 streams were not labelled")));
  ASSERT_EQ(first.labels.size(), 1U);
  EXPECT_TRUE(first.labels.contains("lobby"));
  EXPECT_THAT(first.retrainings, SizeIs(1));
  const WindowRecord second = test.Run();
  ASSERT_EQ(second.labels.size(), 1U);
  EXPECT_TRUE(second.labels.contains("door")) << "it was not reached the last time";
  EXPECT_FALSE(test.Run().labels.contains("door"));
}

TEST(Conductor, NoStreamAtAllPassesTheWindow) {
  Case none(std::vector<FakeStream>{});
  EXPECT_DOUBLE_EQ(none.Run().end_seconds, 100);
  Case gone;
  gone.world.Find("lobby").gone = gone.world.Find("door").gone = true;
  gone.world.At(50, {Event::Kind::kStreamBack, "door", ""});
  const WindowRecord record = gone.Run();
  EXPECT_DOUBLE_EQ(record.end_seconds, 100);
  EXPECT_THAT(record.retrainings, IsEmpty());
  EXPECT_THAT(gone.world.applied.front(), IsEmpty());
}

TEST(Conductor, AnUnknownStreamsEventIsIgnoredWithAWarning) {
  Case test;
  test.world.At(5, {Event::Kind::kRetrainingDone, "cellar", ""});
  const WindowRecord record = test.Run();
  EXPECT_THAT(record.warnings, ElementsAre(HasSubstr("cellar")));
  EXPECT_THAT(Outcomes(record), ElementsAre("lobby swapped", "door swapped"));
}

TEST(Conductor, AnEventThatCrossedItsCancellationIsIgnored) {
  Case test({Stream("lobby")});
  test.world.Find("lobby").gone = true;
  test.world.At(5, {Event::Kind::kRetrainingDone, "lobby", ""});
  test.world.At(6, {Event::Kind::kRetrainingFailed, "lobby", ""});
  const WindowRecord record = test.Run();
  EXPECT_THAT(record.warnings, IsEmpty());
  EXPECT_FALSE(test.world.Called("take lobby"));
}

TEST(Conductor, ServingThatNeedsEverythingLeavesNoTrialAndSaysSo) {
  FakeStream heavy = Stream("lobby");
  heavy.inference = {{"every-1", 1.0, 1.0}};
  Case test({heavy});
  test.policy.needs = schedule::ProfileNeeds{{"e15"}, true};
  const WindowRecord record = test.Run();
  EXPECT_THAT(record.warnings, ElementsAre(HasSubstr("no trial was run")));
  EXPECT_THAT(record.retrainings, IsEmpty());
}

TEST(Conductor, APolicyThatCannotDecideIsAnErrorAndNothingRunsOn) {
  Case test;
  test.policy.override_decision =
      [&](const Situation& situation) -> std::optional<Result<Schedule>> {
    if (!situation.streams[0].retrained) return std::nullopt;
    return Result<Schedule>(Error{ErrorCode::kInvalid, "no idea"});
  };
  const Result<WindowRecord> record = test.conductor.Run(3);
  ASSERT_FALSE(record.ok());
  EXPECT_THAT(record.error().message, AllOf(HasSubstr("window 3"), HasSubstr("no idea")));
  EXPECT_THAT(test.world.jobs, IsEmpty());
}

TEST(Conductor, AScheduleThatCannotBeAppliedIsAnError) {
  const std::vector<std::function<void(Schedule&)>> faults = {
      [](Schedule& schedule) { schedule.timeline.clear(); },
      [](Schedule& schedule) { schedule.timeline[0].to_seconds = 0; },
      [](Schedule& schedule) { schedule.timeline[0].jobs[0].inference_quanta = 99; },
      [](Schedule& schedule) { schedule.timeline[0].jobs[0].inference_quanta = -1; },
      [](Schedule& schedule) { schedule.timeline[0].jobs[0].inference_device = 1; },
      [](Schedule& schedule) { schedule.timeline[0].jobs[0].inference = "every-9"; },
      [](Schedule& schedule) { schedule.timeline[0].jobs[0].stream = "cellar"; },
      [](Schedule& schedule) { schedule.timeline[0].jobs[0].stream = "door"; },
      [](Schedule& schedule) { schedule.timeline[0].jobs[0].retraining = "e99"; },
      [](Schedule& schedule) { schedule.timeline[0].jobs[0].retraining = ""; },
      [](Schedule& schedule) { schedule.timeline[0].jobs[0].retraining_device = 3; },
  };
  for (std::size_t i = 0; i < faults.size(); ++i) {
    Case test;
    OneAtATime inner;
    test.policy.override_decision =
        [&](const Situation& situation) -> std::optional<Result<Schedule>> {
      Schedule schedule = *inner.Decide(situation);
      faults[i](schedule);
      return Result<Schedule>(schedule);
    };
    const Result<WindowRecord> record = test.conductor.Run(1);
    ASSERT_FALSE(record.ok()) << i;
    EXPECT_EQ(record.error().code, ErrorCode::kFailed) << i;
  }
}

TEST(Conductor, ASchedulerMayStopOrPauseWhatRuns) {
  for (const bool pause : {false, true}) {
    Case test({Stream("lobby")});
    OneAtATime inner;
    test.policy.override_decision =
        [&](const Situation& situation) -> std::optional<Result<Schedule>> {
      Schedule schedule = *inner.Decide(situation);
      const StreamSituation& lobby = situation.streams[0];
      if (!lobby.running && !lobby.retrained) {
        // Asks to be asked again five seconds after the start.
        Segment first = schedule.timeline[0];
        first.to_seconds = 5;
        schedule.timeline[0].from_seconds = 5;
        schedule.timeline.insert(schedule.timeline.begin(), first);
      } else if (lobby.running && lobby.running->device_seconds > 5 &&
                 situation.window_seconds > 90) {
        Segment first = schedule.timeline[0];
        first.jobs[0].retraining = "";
        first.jobs[0].retraining_quanta = 0;
        first.to_seconds = pause ? 10 : situation.window_seconds;
        if (!pause) schedule.timeline.clear();
        schedule.timeline.insert(schedule.timeline.begin(), first);
      }
      return Result<Schedule>(schedule);
    };
    const WindowRecord record = test.Run();
    EXPECT_THAT(Outcomes(record),
                ElementsAre(pause ? "lobby swapped" : "lobby cancelled: the scheduler stopped it"));
  }
}

TEST(Conductor, OffersWhatATrialHasLeftToDo) {
  ConductorSettings settings = Settings();
  settings.profiling.sample_fraction = 1;
  settings.profiling.epochs = 3;
  Case test({Stream("lobby")}, settings);
  test.world.Find("lobby").trial_epochs = 3;  // Of 15: a fifth is done.
  const WindowRecord record = test.Run();
  EXPECT_NEAR(test.policy.asked[0].streams[0].retraining[0].device_seconds, 8, 1e-9);
  ASSERT_EQ(record.retrainings.size(), 1u);
  EXPECT_NEAR(record.retrainings[0].predicted_device_seconds, 8, 1e-9);
  EXPECT_NEAR(record.profiles.at("lobby")[0].device_seconds, 10, 1e-9) << "of the whole";

  settings.retraining = {Configuration("e3", 3)};
  Case whole({Stream("lobby")}, settings);
  whole.world.Find("lobby").trial_epochs = 3;
  whole.Run();
  EXPECT_NEAR(whole.policy.asked[0].streams[0].retraining[0].device_seconds, 0.5, 1e-9)
      << "a trial that was the whole training has but to be handed over";
}

TEST(Conductor, BehindAGateAnUncertainPromiseIsWorthMore) {
  ConductorSettings settings = Settings();
  settings.gated = true;
  Case test({Stream("lobby")}, settings);
  FakeStream& lobby = test.world.Find("lobby");
  lobby.accuracy = 0.6;
  lobby.trial_accuracy = 0.5;
  test.Run();
  const RetrainingProfile& offered = test.policy.asked[0].streams[0].retraining[0];
  EXPECT_GE(offered.accuracy, 0.6) << "the served model would stay";
  EXPECT_LT(offered.accuracy, 0.65);
  EXPECT_EQ(test.policy.asked[0].streams[0].accuracy, 0.6);
}

TEST(Conductor, WindowsFollowEachOtherOnOneClock) {
  Case test;
  test.Run(1);
  const WindowRecord second = test.Run(2);
  EXPECT_EQ(second.window, 2);
  EXPECT_DOUBLE_EQ(second.start_seconds, 100);
  EXPECT_DOUBLE_EQ(second.end_seconds, 200);
  EXPECT_THAT(Outcomes(second), ElementsAre("lobby swapped", "door swapped"));
}

}  // namespace
}  // namespace ekya::window
