#include "apps/report/html_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "apps/report/internal/sample_run.h"

namespace ekya::report {
namespace {

using testing::HasSubstr;
using testing::Not;
using window::RunRecord;

/// The page without its style and scripts, which speak of much.
std::string Body(const std::string& html) {
  const std::size_t begin = html.find("<body>");
  return html.substr(begin, html.find("</main>") - begin);
}

TEST(HtmlReport, SaysWhatIsAsked) {
  const std::string body = Body(MakeHtmlReport("Gates", {SampleRun("thief", 1)}));
  for (const char* expected :
       {"Gates", "3 streams", "2 devices", "8 retraining windows", "thief", "seed 1",
        "Accuracy over time", "Shares of the devices", "Class mix", "Retrainings",
        "Why each decision was taken", "Warnings", "retraining gains 21.4 points", "truth",
        "kept old: 0.610", "no schedule reaches more than 93.0&nbsp;%", "90",
        "e15-f50-d3 93.0 % for 8.5 s", "ramp: the camera gave no frame for 4 s"}) {
    EXPECT_THAT(body, HasSubstr(expected));
  }
  EXPECT_THAT(body, Not(HasSubstr("Schedulers")));
}

TEST(HtmlReport, SaysWhatWasKnownWhereThePolicyGivesNoReason) {
  RunRecord run = SampleRun("thief", 1, 1);
  for (auto& decision : run.windows[0].decisions) decision.schedule.explanations.clear();
  // In the first decision "ramp" is retrained; of the others, one runs and one has ended.
  auto& streams = run.windows[0].decisions[0].situation.streams;
  streams[0].retrained = true;
  streams[2].running = RunningRetraining{"e5-f50-d1", 0, 1.5};
  const std::string body = Body(MakeHtmlReport("x", {run}));
  EXPECT_THAT(body, HasSubstr("<td>e15-f50-d3 would bring 93.0 % for 8.5 s of a device</td>"));
  EXPECT_THAT(body, HasSubstr("<td>its retraining of this window has ended</td>"));
  EXPECT_THAT(body, HasSubstr("<td>e5-f50-d1 has 1.5 s of a device left"));
  EXPECT_THAT(body, HasSubstr("<td>the best, e15-f50-d3, would bring 93.0 %"));

  // Where nothing was profiled there is nothing to say, and no column for it.
  for (auto& decision : run.windows[0].decisions) {
    for (auto& stream : decision.situation.streams) {
      stream.retraining.clear();
      stream.running.reset();
      stream.retrained = false;
    }
  }
  EXPECT_THAT(Body(MakeHtmlReport("x", {run})), Not(HasSubstr("Why</th>")));
}

TEST(HtmlReport, SaysWhatALongRunHasOnlyTheSumsOf) {
  RunRecord run = SampleRun("thief", 1);
  run.earlier = {700, 21'000, {{"ramp", 500}}, {{"ramp", 400}}, 3};
  const std::string body = Body(MakeHtmlReport("x", {run}));
  EXPECT_THAT(body, HasSubstr("708 retraining windows"));
  EXPECT_THAT(body, HasSubstr("700 earlier ones, until 5:50:00, stand in the registry"));
  EXPECT_THAT(body, HasSubstr("3 earlier warnings that the registry has"));
}

TEST(HtmlReport, ComparesSeveralRuns) {
  const std::string body = Body(MakeHtmlReport("x", {SampleRun("thief", 1), SampleRun("none", 1)}));
  EXPECT_THAT(body, HasSubstr("Schedulers"));
  EXPECT_THAT(body, HasSubstr("points above none"));
  EXPECT_THAT(body, HasSubstr("thief_minus_none_points"));
  EXPECT_THAT(body, HasSubstr(">none, seed 1</button>"));
}

TEST(HtmlReport, IsTheSameForTheSameRuns) {
  EXPECT_EQ(MakeHtmlReport("x", {SampleRun("thief", 1)}),
            MakeHtmlReport("x", {SampleRun("thief", 1)}));
}

TEST(HtmlReport, SurvivesHostileNames) {
  const std::string hostile = "</script><svg onload=alert(1)>\"'`${1}\xFF";
  RunRecord run = SampleRun(hostile, 1, 2);
  run.streams[0].id = hostile;
  run.streams[0].classes = {hostile, "b"};
  run.streams[0].accuracy_source = hostile;
  run.warnings = {hostile};
  run.figures[hostile] = 1;
  run.windows[0].retrainings[0].stream = hostile;
  run.windows[0].retrainings[0].configuration = hostile;
  run.windows[0].retrainings[0].outcome = hostile;
  run.windows[0].decisions[0].reason = hostile;
  run.windows[0].decisions[0].schedule.explanations[0].text = hostile;
  run.windows[0].labels[hostile] = {};
  const std::string html = MakeHtmlReport(hostile, {run, SampleRun("none", 1, 1)});
  EXPECT_THAT(html, Not(HasSubstr("<svg onload")));
  EXPECT_EQ(html.find('\xFF'), std::string::npos);
}

TEST(HtmlReport, SurvivesNumbersThatAreNone) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double huge = std::numeric_limits<double>::max();
  for (const double bad : {nan, huge, -huge, std::numeric_limits<double>::infinity()}) {
    RunRecord run = SampleRun("thief", 1, 2);
    run.window_seconds = bad;
    run.device_cores = bad;
    run.inference_device_seconds = bad;
    run.streams[0].mean_accuracy = bad;
    run.figures["bad"] = bad;
    run.swaps[0].time_seconds = bad;
    for (auto& interval : run.streams[1].intervals) {
      interval.accuracy = bad;
      interval.from_seconds = bad;
      interval.inference_cores = bad;
    }
    auto& window = run.windows[0];
    window.labelling_seconds = bad;
    window.start_seconds = bad;
    window.decisions[0].time_seconds = bad;
    window.decisions[0].schedule.mean_accuracy = bad;
    window.retrainings[0].predicted_accuracy = bad;
    window.retrainings[0].device_seconds = bad;
    window.retrainings[0].end_seconds = bad;
    const std::string body = Body(MakeHtmlReport("x", {run, SampleRun("none", 1, 1)}));
    EXPECT_THAT(body, HasSubstr("Why each decision was taken"));
    EXPECT_THAT(body, Not(HasSubstr("nan")));
  }
}

TEST(HtmlReport, OfNothingSaysSo) {
  EXPECT_THAT(MakeHtmlReport("x", {}), HasSubstr("no run was given"));
  RunRecord empty;
  empty.windows.resize(1);
  EXPECT_THAT(Body(MakeHtmlReport("x", {empty})), HasSubstr("Nothing was decided."));
}

TEST(HtmlReport, ShowsOnlySomeOfManyRunsInDetail) {
  std::vector<RunRecord> runs;
  for (std::uint64_t seed = 0; seed < 20; ++seed) runs.push_back(SampleRun("thief", seed, 1));
  const std::string body = Body(MakeHtmlReport("x", runs));
  EXPECT_THAT(body, HasSubstr("1 of 20 runs in detail"));
  EXPECT_THAT(body, Not(HasSubstr(">thief, seed 7</button>")));
}

TEST(HtmlReport, StaysSmallForLongRuns) {
  RunRecord run = SampleRun("none", 1, 1);
  for (auto& stream : run.streams) {
    const auto interval = stream.intervals[0];
    stream.intervals.clear();
    for (int i = 0; i < 100'000; ++i) {
      stream.intervals.push_back(interval);
      stream.intervals.back().from_seconds = i;
      stream.intervals.back().to_seconds = i + 1;
    }
  }
  EXPECT_LT(Body(MakeHtmlReport("x", {run})).size(), 300'000u);
}

}  // namespace
}  // namespace ekya::report
