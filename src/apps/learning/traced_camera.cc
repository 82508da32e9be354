#include "apps/learning/traced_camera.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "apps/learning/profiling.h"
#include "apps/learning/recording.h"
#include "apps/learning/streams.h"
#include "base/check.h"
#include "base/random.h"
#include "core/scorer.h"
#include "platform/models/detector.h"
#include "platform/models/precision.h"
#include "platform/models/served_classifier.h"
#include "platform/models/served_detector.h"
#include "run/workers/compute_devices.h"
#include "stages/camera/source.h"
#include "stages/inference/inference_profile.h"

namespace ekya::learning {
namespace {

constexpr double kHeldOutFraction = 0.35;
// Judged samples on which a training's course is measured: some 4 points of error are enough.
constexpr int kCurveSamples = 150;
// Frames on which the cost of frame sampling is measured, and how much above it a share must be.
constexpr std::size_t kProfiledFrames = 48;
constexpr double kInferenceHeadroom = 1.2;

RecordingSettings SettingsOf(const CameraSettings& camera, const Site& site,
                             const TraceRequest& request) {
  RecordingSettings settings;
  settings.model = site.camera_models.at(camera.id);
  settings.grid = GridOf(site);
  settings.first.id = "first";
  settings.first.epochs = site.learning.bootstrap_epochs;
  settings.first.learning_rate = site.learning.bootstrap_learning_rate;
  settings.first.augmentation = site.learning.bootstrap_augmentation;
  settings.first.distillation = 0;
  settings.exemplars_per_class = site.learning.exemplars_per_class;
  settings.labelled_per_window = request.samples;
  settings.held_out_fraction = kHeldOutFraction;
  settings.device = workers::DeviceOf(site.compute, -1);
  if (camera.task != "detection") {
    settings.precision = models::PrecisionOf(site.learning.precision, settings.device);
  }
  settings.later = true;
  settings.curve_samples = kCurveSamples;
  settings.seed = request.seed;
  return settings;
}

/// The folder of pictures, a folder of them per class, that `camera` names; empty: it names
/// something else.
std::filesystem::path PicturesOf(const CameraSettings& camera) {
  const std::string prefix = "file:";
  const std::filesystem::path path =
      camera.url.starts_with(prefix) ? camera.url.substr(prefix.size()) : camera.url;
  std::error_code error;
  return std::filesystem::is_directory(path, error) ? path : std::filesystem::path();
}

/// Of a folder of pictures: a stream whose class mix goes round while its light fails.
Result<SampleStream> StreamOfPictures(const CameraSettings& camera,
                                      const std::filesystem::path& folder, const StreamCut& cut,
                                      const TraceRequest& request) {
  EKYA_ASSIGN(const PictureSet set, ReadPictureSet(folder, cut.side));
  if (!camera.classes.empty() && camera.classes != set.classes) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("camera {}: classes: found {}, expected those of {}: {}", camera.id,
                             fmt::join(camera.classes, ", "), folder.string(),
                             fmt::join(set.classes, ", "))};
  }
  std::size_t pictures = 0;
  for (const auto& of_class : set.pictures) pictures += of_class.size();
  DriftSettings drift;
  drift.windows = cut.windows;
  drift.window_seconds = cut.window_seconds;
  // A class that is common for a while needs twice its share.
  drift.samples = static_cast<int>(pictures) / (2 * cut.windows);
  if (request.samples > 0) drift.samples = std::min(drift.samples, request.samples);
  return ClassShiftingStream(set, drift, camera.id, request.seed);
}

/// What `camera` shows, cut into windows and labelled.
template <typename Item>
Result<LabelledStream<Item>> StreamOf(const CameraSettings& camera, const StreamCut& cut,
                                      const TraceRequest& request, models::Model* golden) {
  if constexpr (std::is_same_v<Item, LabelledPicture>) {
    return ReadPictureWindows(camera, cut, request.samples, golden, request.seed);
  } else {
    EKYA_CHECK(golden == nullptr, "the golden model labels pictures alone");
    const std::filesystem::path folder = PicturesOf(camera);
    if (!folder.empty()) return StreamOfPictures(camera, folder, cut, request);
    return ReadSampleStream(camera, cut, request.seed);
  }
}

/// Frames to profile serving on, with what they show.
struct Shown {
  std::vector<FramePtr> frames;
  std::vector<std::vector<Detection>> expected;
  double frames_per_second = 1;
};

/// Of a stream that is made of pictures: a picture a frame, at the window's pace.
Shown FramesOf(const SampleStream& stream) {
  Shown shown;
  const std::vector<Sample>& samples = stream.windows.front().samples;
  shown.frames_per_second = static_cast<double>(samples.size()) / stream.window_seconds;
  for (std::size_t i = 0; i < std::min(samples.size(), kProfiledFrames); ++i) {
    Frame frame;
    frame.index = static_cast<std::int64_t>(i);
    frame.time_seconds = samples[i].time_seconds;
    frame.image = samples[i].image;
    Region whole;
    whole.box = {0, 0, static_cast<double>(frame.image.width),
                 static_cast<double>(frame.image.height)};
    whole.truth = samples[i].label;
    frame.regions = {whole};
    shown.expected.push_back(TruthOf(frame));
    shown.frames.push_back(std::make_shared<const Frame>(std::move(frame)));
  }
  return shown;
}

Result<Shown> FramesOf(const CameraSettings& camera, models::Model* golden, std::uint64_t seed) {
  Shown shown;
  EKYA_ASSIGN(const auto source, camera::OpenSource(camera, seed));
  shown.frames_per_second = source->info().frames_per_second;
  while (shown.frames.size() < kProfiledFrames) {
    EKYA_ASSIGN(std::optional<Frame> frame, source->Next());
    if (!frame) break;
    if (golden == nullptr) {
      shown.expected.push_back(TruthOf(*frame));
    } else {
      EKYA_ASSIGN(auto found, golden->Analyze(*frame, 0));
      shown.expected.push_back(std::move(found));
    }
    shown.frames.push_back(std::make_shared<const Frame>(std::move(*frame)));
  }
  return shown;
}

/// Adds to `window` what the judged samples show: of which class how large a part, and how many
/// objects a frame.
void Describe(const std::vector<Sample>& judged, TracedWindow* window) {
  for (const Sample& sample : judged) {
    window->class_mix[static_cast<std::size_t>(sample.label)] +=
        1 / static_cast<double>(judged.size());
  }
}
void Describe(const std::vector<LabelledPicture>& judged, TracedWindow* window) {
  const double objects = Objects(judged);
  for (const LabelledPicture& picture : judged) {
    for (const Detection& object : picture.objects) {
      window->class_mix[static_cast<std::size_t>(object.class_index)] += 1 / objects;
    }
  }
  window->objects = objects / static_cast<double>(judged.size());
}

TracedWindow WindowOf(const RecordedWindow& recorded, const MicroProfile& profile,
                      double device_cores) {
  TracedWindow window;
  window.accuracy = recorded.first_accuracy;
  window.profiling_seconds = profile.device_seconds / device_cores;
  for (std::size_t i = 0; i < recorded.retraining.size(); ++i) {
    const RecordedRetraining& from = recorded.retraining[i];
    TracedRetraining& to = window.retraining.emplace_back();
    to.id = from.id;
    to.accuracy = from.accuracy;
    to.device_seconds = from.device_seconds / device_cores;
    for (const auto& [seconds, accuracy] : from.curve) {
      to.curve.emplace_back(seconds / device_cores, accuracy);
    }
    to.later = from.later;
    to.estimated_accuracy = profile.profiles[i].accuracy;
    to.estimated_device_seconds = profile.profiles[i].device_seconds / device_cores;
  }
  return window;
}

template <typename Task>
class TracedCameraOf : public TracedCamera {
 public:
  static Result<std::unique_ptr<TracedCamera>> Open(const CameraSettings& camera, const Site& site,
                                                    const TraceRequest& request,
                                                    std::unique_ptr<models::Model> golden) {
    const StreamCut cut{.window_seconds = site.compute.window_seconds,
                        .windows = request.windows,
                        .side = site.camera_models.at(camera.id).input_size};
    EKYA_ASSIGN(auto stream, StreamOf<typename Task::Item>(camera, cut, request, golden.get()));
    return std::unique_ptr<TracedCamera>(
        new TracedCameraOf(camera, site, request, std::move(golden), std::move(stream)));
  }

  const std::string& id() const override { return stream_.id; }
  std::size_t windows() const override { return stream_.windows.size(); }

  Result<std::vector<InferenceProfile>> Begin() override {
    EKYA_ASSIGN(recording_,
                RecordingOf<Task>::Open(stream_, settings_, request_.parts / stream_.id));
    EKYA_ASSIGN(const Shown shown, FramesShown());
    const auto served = Served(recording_->first());
    const LearningSettings& learning = site_.learning;
    return inference::ProfileInference(
        *served, shown.frames, shown.expected, shown.frames_per_second, site_.compute.device_cores,
        kInferenceHeadroom,
        learning.inference.empty() ? DefaultInferenceConfigurations() : learning.inference);
  }

  Result<TracedWindow> Record(int window, profile::SharedProfiler& profiler,
                              const std::function<bool()>& progress) override {
    EKYA_ASSIGN(const RecordedWindow recorded, recording_->Record(window, progress));
    const std::uint64_t seed = DeriveSeed(request_.seed, id() + "/trials");
    EKYA_ASSIGN(const MicroProfile profile, request_.plain
                                                ? ProfilePlain(settings_.grid, *recording_, seed)
                                                : ProfileShared(profiler, *recording_, seed));
    TracedWindow traced = WindowOf(recorded, profile, site_.compute.device_cores);
    traced.class_mix.resize(stream_.classes.size());
    Describe(recording_->Judged(window), &traced);
    return traced;
  }

 private:
  TracedCameraOf(const CameraSettings& camera, const Site& site, const TraceRequest& request,
                 std::unique_ptr<models::Model> golden, LabelledStream<typename Task::Item> stream)
      : camera_(camera),
        site_(site),
        request_(request),
        golden_(std::move(golden)),
        stream_(std::move(stream)),
        settings_(SettingsOf(camera, site, request)) {}

  Result<Shown> FramesShown() {
    if constexpr (std::is_same_v<Task, ClassifyingTask>) {
      if (!PicturesOf(camera_).empty()) return FramesOf(stream_);
    }
    return FramesOf(camera_, golden_.get(), request_.seed);
  }

  std::shared_ptr<models::Model> Served(const models::Classifier& model) const {
    return models::MakeServed(model, ServingPrecision());
  }
  std::shared_ptr<models::Model> Served(const models::LearningDetector& model) const {
    return models::MakeServed(model, ServingPrecision());
  }
  models::ServingPrecision ServingPrecision() const {
    return models::ServingPrecisionOf(ModelOf(site_, camera_.id).serving_precision);
  }

  const CameraSettings& camera_;
  const Site& site_;
  const TraceRequest& request_;
  const std::unique_ptr<models::Model> golden_;  // null: the source's own labels
  const LabelledStream<typename Task::Item> stream_;
  const RecordingSettings settings_;
  std::unique_ptr<RecordingOf<Task>> recording_;
};

}  // namespace

std::vector<RetrainingConfiguration> GridOf(const Site& site) {
  return site.learning.retraining.empty() ? DefaultRetrainingGrid() : site.learning.retraining;
}

Result<std::unique_ptr<TracedCamera>> OpenTracedCamera(const CameraSettings& camera,
                                                       const Site& site,
                                                       const TraceRequest& request) {
  if (camera.task != "detection") {
    return TracedCameraOf<ClassifyingTask>::Open(camera, site, request, nullptr);
  }
  std::unique_ptr<models::Model> golden;
  if (site.golden.source == "model") {
    if (camera.classes.empty()) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("camera {}: classes: found none, expected the names of what the "
                               "golden model is to find",
                               camera.id)};
    }
    models::DetectorOptions options;
    options.keep = camera.classes;
    EKYA_ASSIGN(golden, models::OpenDetector(GoldenModelOf(site.golden, camera.task),
                                             models::CocoNames(), options));
  }
  return TracedCameraOf<DetectingTask>::Open(camera, site, request, std::move(golden));
}

}  // namespace ekya::learning
