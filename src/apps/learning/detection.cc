#include "apps/learning/detection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "apps/report/html_page.h"
#include "apps/report/summary.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "core/interval.h"
#include "platform/models/detector.h"
#include "platform/models/learning_detector.h"
#include "stages/camera/source.h"
#include "stages/retrain/score_threshold.h"

namespace ekya::learning {
namespace {

constexpr double kFirstPart = 0.6;
constexpr double kHeldOutOfFirst = 0.25;
constexpr double kDefaultThreshold = 0.3;
constexpr double kIou = 0.3;
// Every 6th of a video's frames or so: what comes between is nearly the same.
constexpr double kClipRate = 4;
constexpr double kSceneRate = 2;
constexpr std::size_t kScenePictures = 160;
// A clip in whose pictures the golden model hardly finds anything has nothing to be learned or
// judged by.
constexpr double kLeastObjects = 0.5;

const std::vector<std::string> kClasses = {"person",     "bicycle", "car",
                                           "motorcycle", "bus",     "truck"};

/// One training of everything; learning rate and epochs were settled on held-out pictures.
RetrainingConfiguration Configuration() {
  RetrainingConfiguration configuration;
  configuration.id = "e12";
  configuration.epochs = 12;
  configuration.batch_size = 8;
  configuration.learning_rate = 0.01;
  return configuration;
}

/// Mean objects per picture.
double Objects(const std::vector<LabelledPicture>& pictures) {
  double objects = 0;
  for (const auto& picture : pictures) objects += static_cast<double>(picture.objects.size());
  return pictures.empty() ? 0 : objects / static_cast<double>(pictures.size());
}

CameraSettings CameraOf(const std::string& id, const std::string& url) {
  CameraSettings camera;
  camera.id = id;
  camera.url = url;
  camera.task = "detection";
  camera.classes = kClasses;
  return camera;
}

struct Group {
  std::string name;
  std::vector<DetectionRun> runs;

  double Gain() const {
    double sum = 0;
    for (const DetectionRun& run : runs) sum += 100 * (run.retrained - run.unretrained);
    return sum / static_cast<double>(runs.size());
  }
};

std::string IntervalText(const DetectionRun& run) {
  const AccuracyInterval interval = IntervalOf(run.retrained_scores, true);
  return fmt::format("{} to {}", report::PercentText(interval.low),
                     report::PercentText(interval.high));
}

report::Table TableOf(const Group& group) {
  report::Table table;
  table.caption = fmt::format("{}: F1 at IoU 0.3 on the later part, mean gain {:+.1f} points.",
                              group.name, group.Gain());
  table.columns = {{"stream"},
                   {"seed", true},
                   {"unretrained, threshold 0.3", true},
                   {"unretrained", true},
                   {"retrained", true},
                   {"95 % interval", true},
                   {"gain, points", true},
                   {"mAP before", true},
                   {"mAP after", true},
                   {"device seconds", true}};
  for (const DetectionRun& run : group.runs) {
    table.rows.push_back(
        {run.stream, std::to_string(run.seed), report::PercentText(run.unretrained_at_default),
         report::PercentText(run.unretrained), report::PercentText(run.retrained),
         IntervalText(run), fmt::format("{:+.1f}", 100 * (run.retrained - run.unretrained)),
         report::PercentText(run.unretrained_map), report::PercentText(run.retrained_map),
         fmt::format("{:.1f}", run.device_seconds)});
  }
  return table;
}

report::Figure FigureOf(const Group& group) {
  report::Figure figure;
  figure.kind = report::FigureKind::kBar;
  figure.title = group.name;
  figure.caption = "Bars are means over seeds, dots single trainings.";
  figure.y = {"F1", report::Unit::kPercent, 0.0, 1.0, {}};
  figure.labels = true;
  figure.series = {{"unretrained", {}, 0}, {"retrained", {}, 1}};
  figure.dots.resize(2);
  for (const DetectionRun& run : group.runs) {
    const auto place = std::find(figure.x.places.begin(), figure.x.places.end(), run.stream);
    const auto at = static_cast<double>(place - figure.x.places.begin());
    if (place == figure.x.places.end()) figure.x.places.push_back(run.stream);
    figure.dots[0].push_back({at, run.unretrained, fmt::format("seed {}", run.seed)});
    figure.dots[1].push_back({at, run.retrained, fmt::format("seed {}", run.seed)});
  }
  for (std::size_t series = 0; series < 2; ++series) {
    for (std::size_t place = 0; place < figure.x.places.size(); ++place) {
      double sum = 0;
      int count = 0;
      for (const report::Point& dot : figure.dots[series]) {
        if (dot.x != static_cast<double>(place)) continue;
        sum += dot.y;
        ++count;
      }
      figure.series[series].points.push_back({static_cast<double>(place), sum / count, ""});
    }
  }
  return figure;
}

std::string CsvOf(const std::vector<Group>& groups) {
  std::string text =
      "group,stream,seed,unretrained_default_f1,unretrained_f1,retrained_f1,unretrained_map,"
      "retrained_map,unretrained_threshold,retrained_threshold,device_seconds\n";
  for (const Group& group : groups) {
    for (const DetectionRun& run : group.runs) {
      text += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", group.name, run.stream, run.seed,
                          run.unretrained_at_default, run.unretrained, run.retrained,
                          run.unretrained_map, run.retrained_map, run.unretrained_threshold,
                          run.retrained_threshold, run.device_seconds);
    }
  }
  return text;
}

Status Write(const ExperimentRequest& request, const std::vector<Group>& groups,
             const std::vector<std::string>& left_out) {
  report::Page page("Retraining a detector on its own camera");
  page.Lead(
      "Yolo-Fastest 1.1 with public weights, retrained on the first 60 % of each stream and judged "
      "on the later 40 %");
  page.Add(std::vector<report::Page::KeyFigure>{
      {fmt::format("{:+.1f} points", groups[0].Gain()), "real clips", "labels of YOLOX nano"},
      {fmt::format("{:+.1f} points", groups[1].Gain()), "drawn crossing", "labels of the scene"}});
  page.Paragraph(
      "Both models give results from the score on that is best for the held-out pictures, the last "
      "quarter of the first part; the unretrained one's F1 from its usual 0.3 on stands beside. "
      "Nothing was trained on or chosen by the later part.");
  for (const std::string& text : left_out) page.Paragraph(text);
  for (const Group& group : groups) {
    page.Heading(group.name);
    page.Add(FigureOf(group));
    page.Add(TableOf(group));
  }
  report::Summary summary;
  summary.figures["f1_gain_clips_points"] = groups[0].Gain();
  summary.figures["f1_gain_scene_points"] = groups[1].Gain();
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(request.out / "detection.csv", CsvOf(groups)));
  EKYA_RETURN_IF_ERROR(
      WriteFileAtomically(request.out / "summary.json", report::WriteSummary(summary)));
  return WriteFileAtomically(request.out / "report.html", std::move(page).Html());
}

}  // namespace

Result<PictureStream> ReadPictureStream(const CameraSettings& camera, double rate, std::size_t most,
                                        models::Model* golden, std::uint64_t seed) {
  EKYA_ASSIGN(const auto source, camera::OpenSource(camera, seed));
  if (golden == nullptr && !source->info().has_truth) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("camera {}: found a source without labels, expected a golden model or "
                             "a source that knows its truth",
                             camera.id)};
  }
  PictureStream stream{camera.id, golden == nullptr ? "truth" : "golden", {}};
  double next = 0;
  while (stream.pictures.size() < most) {
    EKYA_ASSIGN(std::optional<Frame> frame, source->Next());
    if (!frame) break;
    if (frame->time_seconds + 1e-6 < next) continue;
    next = frame->time_seconds + 1 / rate;
    std::vector<Detection> objects;
    if (golden == nullptr) {
      objects = TruthOf(*frame);
    } else {
      EKYA_ASSIGN(objects, golden->Analyze(*frame, 0));
    }
    stream.pictures.push_back({std::move(frame->image), std::move(objects), frame->time_seconds});
  }
  return stream;
}

PictureParts CutInTime(const PictureStream& stream) {
  const auto total = static_cast<double>(stream.pictures.size());
  const auto first = static_cast<std::size_t>(std::llround(kFirstPart * total));
  const auto trained =
      first - static_cast<std::size_t>(std::llround(kHeldOutOfFirst * static_cast<double>(first)));
  PictureParts parts;
  for (std::size_t i = 0; i < stream.pictures.size(); ++i) {
    (i < trained ? parts.first.training
     : i < first ? parts.first.held_out
                 : parts.later)
        .push_back(stream.pictures[i]);
  }
  return parts;
}

Result<DetectionRun> RetrainAndJudge(const models::LearningDetector& base,
                                     const PictureParts& parts,
                                     const RetrainingConfiguration& configuration,
                                     std::uint64_t seed) {
  EKYA_ASSIGN(const auto outcome,
              retrain::TrainDetector(base, parts.first, configuration, seed, {}));
  DetectionRun run;
  run.seed = seed;
  run.device_seconds = outcome.cpu_seconds;
  const std::unique_ptr<models::LearningDetector> unretrained = base.Clone();
  for (models::LearningDetector* model : {unretrained.get(), outcome.model.get()}) {
    const bool before = model == unretrained.get();
    EKYA_ASSIGN(const auto held_out, retrain::FindInPictures(*model, parts.first.held_out));
    EKYA_ASSIGN(const auto later, retrain::FindInPictures(*model, parts.later));
    const double threshold = retrain::BestThreshold(held_out, kDefaultThreshold);
    const double f1 = retrain::F1From(later, threshold);
    const double map = std::max(0.0, MeanAveragePrecision(later, kIou));
    (before ? run.unretrained_threshold : run.retrained_threshold) = threshold;
    (before ? run.unretrained : run.retrained) = f1;
    (before ? run.unretrained_map : run.retrained_map) = map;
    if (before) {
      run.unretrained_at_default = retrain::F1From(later, kDefaultThreshold);
      continue;
    }
    for (const JudgedPicture& picture : later) {
      std::vector<Detection> given;
      for (const Detection& each : picture.detections) {
        if (each.score >= threshold) given.push_back(each);
      }
      run.retrained_scores.push_back(ScoreFrame(given, picture.truth, kIou));
    }
  }
  return run;
}

Status RunDetection(const ExperimentRequest& request) {
  EKYA_ASSIGN(const auto base,
              models::LearningDetector::LoadDarknet(request.models / "yolo-fastest-1.1.cfg",
                                                    models::CocoNames(), kClasses));
  models::DetectorOptions options;
  options.keep = kClasses;
  EKYA_ASSIGN(const auto golden, models::OpenDetector(request.models / "yolox_nano.onnx",
                                                      models::CocoNames(), options));
  std::vector<Group> groups = {{"real clips", {}}, {"drawn crossing", {}}};
  std::vector<std::string> left_out;
  const auto learn = [&](const PictureStream& stream, std::uint64_t seed, Group* group) -> Status {
    EKYA_ASSIGN(DetectionRun run, RetrainAndJudge(*base, CutInTime(stream), Configuration(), seed));
    run.stream = stream.id;
    Log(LogLevel::kInfo, stream.id,
        "seed {}: F1 {:.1f} % unretrained, {:.1f} % retrained, {:.1f} s", seed,
        100 * run.unretrained, 100 * run.retrained, run.device_seconds);
    group->runs.push_back(std::move(run));
    return {};
  };
  for (const char* file : {"highway_a.avi", "road_b.avi", "street_c.mp4", "car_d.mp4"}) {
    const auto camera = CameraOf(std::filesystem::path(file).stem().string(),
                                 (request.data / "clips" / file).string());
    EKYA_ASSIGN(const PictureStream stream,
                ReadPictureStream(camera, kClipRate, SIZE_MAX, golden.get(), 0));
    const double objects = Objects(stream.pictures);
    if (objects < kLeastObjects) {
      left_out.push_back(fmt::format(
          "{} is left out: the golden model finds {:.2f} objects a picture in it, and from {:g} on "
          "there is something to learn.",
          stream.id, objects, kLeastObjects));
      continue;
    }
    for (int i = 0; i < request.seeds; ++i) {
      EKYA_RETURN_IF_ERROR(learn(stream, request.seed + static_cast<std::uint64_t>(i), &groups[0]));
    }
  }
  for (int i = 0; i < request.seeds; ++i) {
    // Another seed is another crossing.
    const std::uint64_t seed = request.seed + static_cast<std::uint64_t>(i);
    auto camera = CameraOf("crossing", "scene:intersection");
    camera.frames_per_second = kSceneRate;
    EKYA_ASSIGN(const PictureStream stream,
                ReadPictureStream(camera, kSceneRate, kScenePictures, nullptr, seed));
    EKYA_RETURN_IF_ERROR(learn(stream, seed, &groups[1]));
  }
  return Write(request, groups, left_out);
}

}  // namespace ekya::learning
