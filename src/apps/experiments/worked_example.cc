#include "apps/experiments/worked_example.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "apps/report/html_page.h"
#include "apps/report/summary.h"
#include "base/file.h"
#include "core/schedule.h"
#include "decide/schedule/policy.h"

namespace ekya::experiments {
namespace {

constexpr int kGpus = 3;
constexpr Quanta kQuanta = 20;
constexpr double kWindow = 120;
constexpr double kFloor = 0.4;

struct Choice {
  double accuracy;
  double seconds;
};
struct Stream {
  const char* id;
  double accuracy;
  std::array<std::array<Choice, 2>, 2> windows;
};
constexpr std::array<Stream, 2> kStreams = {{
    {"A", 0.65, {{{{{0.75, 85}, {0.70, 65}}}, {{{0.95, 90}, {0.90, 40}}}}}},
    {"B", 0.50, {{{{{0.90, 80}, {0.85, 50}}}, {{{0.98, 80}, {0.90, 70}}}}}},
}};

// A scheduler's two windows.
struct Course {
  std::string scheduler;
  bool pooled = false;
  std::vector<Situation> situations;
  std::vector<Schedule> schedules;

  std::string Name() const { return pooled ? scheduler + ", GPUs pooled" : scheduler; }
  double MeanAccuracy() const {
    double sum = 0;
    for (const Schedule& schedule : schedules) sum += schedule.mean_accuracy;
    return sum / static_cast<double>(schedules.size());
  }
  bool KeepsFloor() const {
    return std::all_of(schedules.begin(), schedules.end(),
                       [](const Schedule& each) { return each.floor_feasible; });
  }
};

Result<Course> Follow(const std::string& scheduler, bool pooled) {
  Course course{scheduler, pooled, {}, {}};
  EKYA_ASSIGN(const auto policy, schedule::MakePolicy(scheduler));
  for (const int window : {1, 2}) {
    Situation situation = WorkedExample(window, pooled);
    if (window > 1) EKYA_RETURN_IF_ERROR(StartFrom(course.schedules.back(), &situation));
    EKYA_ASSIGN(Schedule schedule, policy->Decide(situation));
    schedule.solve_microseconds = 0;  // The files are the same on every machine.
    course.situations.push_back(std::move(situation));
    course.schedules.push_back(std::move(schedule));
  }
  return course;
}

double FactorOf(const StreamSituation& stream, const std::string& inference) {
  for (const InferenceProfile& profile : stream.inference) {
    if (profile.id == inference) return profile.factor;
  }
  return 0;
}

// Every job's quanta on its device over both windows.
report::Figure Timeline(const Course& course) {
  report::Figure figure;
  figure.kind = report::FigureKind::kGantt;
  figure.title = course.Name() + ": who computes where";
  figure.caption = fmt::format("Mean accuracy {:.4f}; the floor of {:g} {}.", course.MeanAccuracy(),
                               kFloor, course.KeepsFloor() ? "holds throughout" : "is broken");
  figure.x.name = "time";
  figure.x.unit = report::Unit::kSeconds;
  figure.height = 200;
  for (const Stream& stream : kStreams) {
    figure.y.places.push_back(fmt::format("{} inference", stream.id));
    figure.y.places.push_back(fmt::format("{} retraining", stream.id));
  }
  const int devices = course.pooled ? 1 : kGpus;
  for (int device = 0; device < devices; ++device) {
    figure.span_kinds.push_back(
        {course.pooled ? "all GPUs" : fmt::format("GPU {}", device), {}, device});
  }
  for (std::size_t w = 0; w < course.schedules.size(); ++w) {
    const double start = kWindow * static_cast<double>(w);
    for (const Segment& segment : course.schedules[w].timeline) {
      for (std::size_t s = 0; s < segment.jobs.size(); ++s) {
        const Allocation& job = segment.jobs[s];
        const auto add = [&](Quanta quanta, int device, const std::string& what, int row) {
          if (quanta == 0) return;
          figure.span_kinds[static_cast<std::size_t>(device)].spans.push_back(
              {start + segment.from_seconds, start + segment.to_seconds,
               fmt::format("{}: {:g} of a GPU", what, static_cast<double>(quanta) / kQuanta), row});
        };
        const int row = 2 * static_cast<int>(s);
        add(job.inference_quanta, job.inference_device, job.stream + " inference", row);
        add(job.retraining_quanta, job.retraining_device, "retraining " + job.retraining, row + 1);
      }
    }
  }
  figure.mark_kinds.push_back({"window starts", {{0, "window 1"}, {kWindow, "window 2"}}});
  return figure;
}

report::Figure Accuracy(const Course& course) {
  report::Figure figure;
  figure.kind = report::FigureKind::kStep;
  figure.title = course.Name() + ": accuracy";
  figure.x.name = "time";
  figure.x.unit = report::Unit::kSeconds;
  figure.y = {"accuracy", report::Unit::kPercent, 0.0, 1.0, {}};
  figure.reference = kFloor;
  figure.reference_name = "floor";
  for (std::size_t s = 0; s < kStreams.size(); ++s) {
    report::Series series;
    series.name = kStreams[s].id;
    series.color = static_cast<int>(s);
    for (std::size_t w = 0; w < course.schedules.size(); ++w) {
      const StreamSituation& stream = course.situations[w].streams[s];
      double accuracy = stream.accuracy;
      const auto& timeline = course.schedules[w].timeline;
      for (std::size_t i = 0; i < timeline.size(); ++i) {
        const Allocation& job = timeline[i].jobs[s];
        // A retraining is done when it runs no more; only done ones change the outcome.
        const bool ran = i > 0 && timeline[i - 1].jobs[s].retraining_quanta > 0;
        if (ran && job.retraining_quanta == 0) accuracy = course.schedules[w].outcome[s].accuracy;
        series.points.push_back({kWindow * static_cast<double>(w) + timeline[i].from_seconds,
                                 accuracy * FactorOf(stream, job.inference), ""});
      }
    }
    series.points.push_back({2 * kWindow, series.points.back().y, ""});
    figure.series.push_back(std::move(series));
  }
  return figure;
}

std::string MakePage(const std::vector<Course>& courses) {
  report::Page page("The paper's worked example");
  page.Lead("Two streams, three GPUs, two retraining windows of 120 s, accuracy floor 40 %");
  report::Table table;
  table.columns = {{"scheduler", false}, {"window 1", true}, {"window 2", true},
                   {"both", true},       {"bound", true},    {"floor", false}};
  table.caption =
      "Mean accuracy. Each second window starts with the models that its first one leaves.";
  for (const Course& course : courses) {
    double bound = 0;
    bool bounded = true;
    for (const Schedule& schedule : course.schedules) {
      bounded = bounded && schedule.upper_bound.has_value();
      if (bounded) bound += *schedule.upper_bound / 2;
    }
    table.rows.push_back({course.Name(), fmt::format("{:.4f}", course.schedules[0].mean_accuracy),
                          fmt::format("{:.4f}", course.schedules[1].mean_accuracy),
                          fmt::format("{:.4f}", course.MeanAccuracy()),
                          bounded ? fmt::format("{:.4f}", bound) : "",
                          course.KeepsFloor() ? "kept" : "broken"});
  }
  page.Add(table);
  page.Paragraph(
      "The paper's uniform shares give each of four jobs three quarters of a GPU. On three GPUs, "
      "with each job on "
      "one of them, these do not fit: \"GPUs pooled\" leaves placement out, as the paper does.");
  for (const Course& course : courses) {
    page.Heading(course.Name());
    page.Add(Timeline(course));
    page.Add(Accuracy(course));
    for (std::size_t w = 0; w < course.schedules.size(); ++w) {
      std::vector<std::string> texts;
      for (const Explanation& explanation : course.schedules[w].explanations) {
        texts.push_back(explanation.stream + ": " + explanation.text);
      }
      page.Subheading(fmt::format("Why, in window {}", w + 1));
      page.List(texts);
    }
  }
  return std::move(page).Html();
}

}  // namespace

Situation WorkedExample(int window, bool pooled) {
  EKYA_CHECK(window == 1 || window == 2);
  const double gpu = pooled ? 1.0 / kGpus : 1;  // Of a device.
  Situation situation;
  situation.window_seconds = kWindow;
  situation.devices = pooled ? 1 : kGpus;
  situation.quanta_per_device = pooled ? kGpus * kQuanta : kQuanta;
  situation.accuracy_floor = kFloor;
  for (const Stream& from : kStreams) {
    StreamSituation stream;
    stream.id = from.id;
    stream.accuracy = from.accuracy;
    for (int i = 1; i <= kQuanta; ++i) {
      const double part = static_cast<double>(i) / kQuanta;
      stream.inference.push_back({fmt::format("share-{}", i), part * gpu, part});
    }
    int number = 0;
    for (const Choice& choice : from.windows[static_cast<std::size_t>(window - 1)]) {
      stream.retraining.push_back(
          {fmt::format("config-{}", ++number), choice.accuracy, choice.seconds * gpu, 0});
    }
    situation.streams.push_back(std::move(stream));
  }
  return situation;
}

Status RunWorkedExample(const std::filesystem::path& directory) {
  std::vector<Course> courses;
  for (const auto& [scheduler, pooled] :
       std::vector<std::pair<std::string, bool>>{{"planner", false},
                                                 {"exact", false},
                                                 {"thief", false},
                                                 {"none", false},
                                                 {"uniform:config=config-1", false},
                                                 {"uniform:config=config-1", true}}) {
    EKYA_ASSIGN(Course course, Follow(scheduler, pooled));
    courses.push_back(std::move(course));
  }
  report::Summary summary;
  for (const Course& course : courses) {
    report::SummaryRow row;
    row.scheduler = course.Name();
    row.devices = kGpus;
    row.streams = static_cast<int>(kStreams.size());
    row.window_seconds = kWindow;
    row.mean_accuracy = course.MeanAccuracy();
    row.source = "estimated";
    summary.rows.push_back(std::move(row));
    const std::string name = course.scheduler.substr(0, course.scheduler.find(':'));
    for (std::size_t w = 0; w < course.schedules.size(); ++w) {
      EKYA_RETURN_IF_ERROR(WriteFileAtomically(
          directory / fmt::format("{}{}-{}.json", name, course.pooled ? "-pooled" : "", w + 1),
          WriteSchedule(course.schedules[w])));
    }
  }
  summary.figures["planner_accuracy"] = courses.front().MeanAccuracy();
  summary.figures["planner_keeps_floor"] = courses.front().KeepsFloor() ? 1 : 0;
  summary.figures["uniform_accuracy"] = courses.back().MeanAccuracy();
  for (const int window : {1, 2}) {
    for (const bool pooled : {false, true}) {
      EKYA_RETURN_IF_ERROR(WriteFileAtomically(
          directory / fmt::format("window-{}{}.json", window, pooled ? "-pooled" : ""),
          WriteSituation(WorkedExample(window, pooled))));
    }
  }
  EKYA_RETURN_IF_ERROR(
      WriteFileAtomically(directory / "summary.json", report::WriteSummary(summary)));
  return WriteFileAtomically(directory / "report.html", MakePage(courses));
}

}  // namespace ekya::experiments
