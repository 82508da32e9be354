#include "apps/learning/continual.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

#include "apps/report/html_page.h"
#include "apps/report/summary.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "platform/datasets/exemplar_memory.h"
#include "stages/retrain/retrainer.h"

namespace ekya::learning {
namespace {

constexpr int kSide = 32;
constexpr int kSamples = 400;  // a window
constexpr int kExemplarsPerClass = 50;
constexpr double kWidth = 0.125;
constexpr double kLearningRate = 0.05;
constexpr int kFirstEpochs = 8;

double MeanOf(const std::vector<double>& values) {
  return values.empty() ? 0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

/// The stream's classes in the order in which they come: as the last layer grows.
class ClassOrder {
 public:
  /// Gives the classes of `samples` that are new their places; returns their names.
  std::vector<std::string> Meet(const std::vector<Sample>& samples,
                                const std::vector<std::string>& classes) {
    std::vector<std::string> met;
    for (const auto& sample : samples) {
      if (!places_.try_emplace(sample.label, static_cast<int>(places_.size())).second) continue;
      met.push_back(classes.at(static_cast<std::size_t>(sample.label)));
    }
    return met;
  }
  std::vector<Sample> Relabel(std::vector<Sample> samples) const {
    for (auto& sample : samples) sample.label = places_.at(sample.label);
    return samples;
  }

 private:
  std::map<int, int> places_;
};

Status Judge(models::Classifier& model, const std::vector<Sample>& test, ContinualCourse* course) {
  std::map<int, std::vector<Sample>> by_class;
  for (const auto& sample : test) by_class[sample.label].push_back(sample);
  auto& of_class = course->of_class.emplace_back();
  std::vector<double> all;
  for (const auto& [label, samples] : by_class) {
    EKYA_ASSIGN(of_class[label], retrain::MeasureAccuracy(model, samples));
    all.push_back(of_class[label]);
  }
  course->accuracy.push_back(MeanOf(all));
  return {};
}

/// One method's courses, one per seed.
struct Learned {
  const ContinualMethod* method;
  std::vector<ContinualCourse> courses;

  template <typename Value>
  double Mean(Value value) const {
    std::vector<double> values;
    for (const auto& course : courses) values.push_back(value(course));
    return MeanOf(values);
  }
  double Accuracy() const {
    return Mean([](const auto& course) { return course.MeanAccuracy(); });
  }
  double Forgetting() const {
    return Mean([](const auto& course) { return course.Forgetting(); });
  }
};

report::Figure FigureOf(const std::vector<Learned>& all) {
  report::Figure figure;
  figure.title = "Accuracy after each window";
  figure.caption =
      "On pictures kept back, of all classes shown so far, in the window's light; "
      "means over seeds.";
  figure.x = {"window", report::Unit::kNumber, {}, {}, {}};
  figure.y = {"accuracy", report::Unit::kPercent, 0.0, 1.0, {}};
  for (const auto& learned : all) {
    auto& series = figure.series.emplace_back();
    series.name = learned.method->title;
    for (std::size_t i = 0; i < learned.courses.front().accuracy.size(); ++i) {
      const double mean = learned.Mean([i](const auto& course) { return course.accuracy[i]; });
      series.points.push_back({static_cast<double>(i + 1), mean, ""});
    }
  }
  return figure;
}

report::Table TableOf(const std::vector<Learned>& all, std::uint64_t first_seed) {
  report::Table table;
  table.columns = {
      {"method"},           {"seed", true},          {"mean accuracy", true}, {"last window", true},
      {"forgetting", true}, {"device seconds", true}};
  for (const auto& learned : all) {
    for (std::size_t i = 0; i < learned.courses.size(); ++i) {
      const auto& course = learned.courses[i];
      table.rows.push_back({learned.method->title, std::to_string(first_seed + i),
                            report::PercentText(course.MeanAccuracy()),
                            report::PercentText(course.accuracy.back()),
                            report::PercentText(course.Forgetting()),
                            fmt::format("{:.1f}", course.DeviceSeconds())});
    }
    table.rows.push_back({learned.method->title, "mean", report::PercentText(learned.Accuracy()),
                          report::PercentText(learned.Mean(
                              [](const auto& course) { return course.accuracy.back(); })),
                          report::PercentText(learned.Forgetting()),
                          fmt::format("{:.1f}", learned.Mean([](const auto& course) {
                            return course.DeviceSeconds();
                          }))});
  }
  return table;
}

std::string CsvOf(const std::vector<Learned>& all, std::uint64_t first_seed) {
  std::string text = "method,seed,window,accuracy,device_seconds\n";
  for (const auto& learned : all) {
    for (std::size_t i = 0; i < learned.courses.size(); ++i) {
      const auto& course = learned.courses[i];
      for (std::size_t window = 0; window < course.accuracy.size(); ++window) {
        text += fmt::format("{},{},{},{},{}\n", learned.method->name, first_seed + i, window,
                            course.accuracy[window], course.device_seconds[window]);
      }
    }
  }
  return text;
}

Status Write(const ExperimentRequest& request, const std::vector<Learned>& all) {
  report::Page page("Learning classes one after the other while the light fails");
  page.Lead(
      "Ten windows of CIFAR-10's pictures, two classes a window and a new one in each, the last at "
      "40 % of the first one's light; one small ResNet18 that grows by a class a window");
  std::vector<report::Page::KeyFigure> key_figures;
  report::Summary summary;
  for (const auto& learned : all) {
    const std::string name = learned.method->name;
    summary.figures["accuracy_" + name] = learned.Accuracy();
    summary.figures["forgetting_" + name] = learned.Forgetting();
    key_figures.push_back({report::PercentText(learned.Accuracy()), learned.method->title,
                           "forgets " + report::PercentText(learned.Forgetting())});
  }
  page.Add(key_figures);
  page.Paragraph(
      "Accuracy is the mean, over windows, of that after each of them: on pictures kept back from "
      "all training, of every class shown so far, each counting the same, in the window's light. "
      "Forgetting is the mean, over the classes of earlier windows, of the best accuracy after an "
      "earlier window less the one after the last.");
  page.Add(FigureOf(all));
  page.Add(TableOf(all, request.seed));
  EKYA_RETURN_IF_ERROR(
      WriteFileAtomically(request.out / "continual.csv", CsvOf(all, request.seed)));
  EKYA_RETURN_IF_ERROR(
      WriteFileAtomically(request.out / "summary.json", report::WriteSummary(summary)));
  return WriteFileAtomically(request.out / "report.html", std::move(page).Html());
}

}  // namespace

const std::vector<ContinualMethod>& ContinualMethods() {
  static const std::vector<ContinualMethod> methods = {
      {"finetune", "fine-tuning", false, false, false, 0, 8},
      {"replay", "plain replay", true, false, false, 0, 4},
      {"ours", "ours", true, true, true, 0.3, 3},
  };
  return methods;
}

double ContinualCourse::MeanAccuracy() const { return MeanOf(accuracy); }

double ContinualCourse::DeviceSeconds() const {
  return std::accumulate(device_seconds.begin(), device_seconds.end(), 0.0);
}

double ContinualCourse::Forgetting() const {
  std::vector<double> lost;
  for (std::size_t i = 0; !of_class.empty() && i < of_class.back().size(); ++i) {
    const auto label = static_cast<int>(i);
    double best = -1;
    for (std::size_t window = 0; window + 1 < of_class.size(); ++window) {
      const auto earlier = of_class[window].find(label);
      if (earlier != of_class[window].end()) best = std::max(best, earlier->second);
    }
    if (best >= 0) lost.push_back(best - of_class.back().at(label));
  }
  return MeanOf(lost);
}

Result<ContinualCourse> LearnContinually(const SampleStream& stream, const ContinualMethod& method,
                                         std::uint64_t seed) {
  ContinualCourse course;
  ClassOrder order;
  datasets::ExemplarMemory memory(kExemplarsPerClass, DeriveSeed(seed, "exemplars"));
  std::unique_ptr<models::Classifier> model;
  for (std::size_t window = 0; window < stream.windows.size(); ++window) {
    const auto met = order.Meet(stream.windows[window].samples, stream.classes);
    retrain::TrainingSet set;
    set.training = order.Relabel(stream.windows[window].samples);
    RetrainingConfiguration configuration;
    configuration.id = method.name;
    configuration.epochs = method.epochs;
    configuration.learning_rate = kLearningRate;
    configuration.balanced = method.balanced;
    configuration.distillation = method.distillation;
    if (model) {
      set.new_classes = met;
    } else {
      // Nothing is known yet that could be forgotten: the same for all methods.
      models::ClassifierShape shape;
      shape.width = kWidth;
      shape.input_size = kSide;
      shape.classes = met;
      EKYA_ASSIGN(model, models::Classifier::Create(shape, DeriveSeed(seed, "weights")));
      configuration.epochs = kFirstEpochs;
      configuration.distillation = 0;
    }
    if (method.replays) set.exemplars = memory.Samples();
    const double start = ThreadCpuSeconds();
    EKYA_ASSIGN(auto outcome,
                retrain::Train(*model, set, configuration,
                               DeriveSeed(seed, fmt::format("window-{}", window)), {}));
    model = std::move(outcome.model);
    if (method.herds) {
      EKYA_RETURN_IF_ERROR(memory.Herd(set.training, [&](const std::vector<Sample>& samples) {
        return retrain::FeaturesOf(*model, samples);
      }));
    } else if (method.replays) {
      memory.Add(set.training);
    }
    course.device_seconds.push_back(ThreadCpuSeconds() - start);
    EKYA_RETURN_IF_ERROR(Judge(*model, order.Relabel(stream.windows[window].test), &course));
  }
  return course;
}

Status RunContinual(const ExperimentRequest& request) {
  EKYA_ASSIGN(const PictureSet pictures, ReadPictureSet(request.data / "cifar10-jpeg", kSide));
  std::vector<Learned> all;
  for (const auto& method : ContinualMethods()) all.push_back({&method, {}});
  for (int i = 0; i < request.seeds; ++i) {
    const std::uint64_t seed = request.seed + static_cast<std::uint64_t>(i);
    DriftSettings drift;
    drift.samples = kSamples;
    EKYA_ASSIGN(const SampleStream stream,
                ClassIncrementalStream(pictures, drift, "continual", seed));
    for (auto& learned : all) {
      EKYA_ASSIGN(auto course, LearnContinually(stream, *learned.method, seed));
      Log(LogLevel::kInfo, "continual",
          "seed {}, {}: accuracy {:.1f} %, forgetting {:.1f} %, {:.1f} device seconds", seed,
          learned.method->title, 100 * course.MeanAccuracy(), 100 * course.Forgetting(),
          course.DeviceSeconds());
      learned.courses.push_back(std::move(course));
    }
  }
  return Write(request, all);
}

}  // namespace ekya::learning
