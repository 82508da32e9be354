#include "apps/learning/trace_recording.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "apps/learning/profiling.h"
#include "apps/learning/recording.h"
#include "apps/learning/streams.h"
#include "base/file.h"
#include "base/random.h"
#include "core/scorer.h"
#include "core/site.h"
#include "platform/models/precision.h"
#include "platform/models/served_classifier.h"
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

RecordingSettings SettingsOf(const Site& site, const ModelSettings& model,
                             const TraceRequest& request) {
  RecordingSettings settings;
  settings.shape.architecture = model.architecture;
  settings.shape.width = model.width;
  settings.shape.input_size = model.input_size;
  settings.shape.last_hidden = model.last_hidden;
  settings.grid =
      site.learning.retraining.empty() ? DefaultRetrainingGrid() : site.learning.retraining;
  settings.first.id = "first";
  settings.first.epochs = site.learning.bootstrap_epochs;
  settings.first.learning_rate = site.learning.bootstrap_learning_rate;
  settings.first.augmentation = site.learning.bootstrap_augmentation;
  settings.first.distillation = 0;
  settings.exemplars_per_class = site.learning.exemplars_per_class;
  settings.labelled_per_window = request.samples;
  settings.held_out_fraction = kHeldOutFraction;
  settings.precision = models::PrecisionOf(site.learning.precision);
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

/// What `camera` shows, cut into windows; of a folder of pictures a stream whose class mix goes
/// round while its light fails.
Result<SampleStream> StreamOf(const CameraSettings& camera, const Site& site, int side,
                              const TraceRequest& request) {
  const double window_seconds = site.compute.window_seconds;
  const std::filesystem::path folder = PicturesOf(camera);
  if (folder.empty()) {
    return ReadSampleStream(
        camera, {.window_seconds = window_seconds, .windows = request.windows, .side = side},
        request.seed);
  }
  EKYA_ASSIGN(const PictureSet set, ReadPictureSet(folder, side));
  if (!camera.classes.empty() && camera.classes != set.classes) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("camera {}: classes: found {}, expected those of {}: {}", camera.id,
                             fmt::join(camera.classes, ", "), folder.string(),
                             fmt::join(set.classes, ", "))};
  }
  std::size_t pictures = 0;
  for (const auto& of_class : set.pictures) pictures += of_class.size();
  DriftSettings drift;
  drift.windows = request.windows;
  drift.window_seconds = window_seconds;
  // A class that is common for a while needs twice its share.
  drift.samples = static_cast<int>(pictures) / (2 * request.windows);
  if (request.samples > 0) drift.samples = std::min(drift.samples, request.samples);
  return ClassShiftingStream(set, drift, camera.id, request.seed);
}

/// Frames to profile serving on, with what they show.
struct Shown {
  std::vector<FramePtr> frames;
  std::vector<std::vector<Detection>> expected;
  double frames_per_second = 1;
};

Result<Shown> FramesOf(const CameraSettings& camera, const SampleStream& stream,
                       std::uint64_t seed) {
  Shown shown;
  const auto add = [&](Frame frame) {
    shown.expected.push_back(TruthOf(frame));
    shown.frames.push_back(std::make_shared<const Frame>(std::move(frame)));
  };
  if (!PicturesOf(camera).empty()) {
    // A picture a frame, at the window's pace.
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
      add(std::move(frame));
    }
    return shown;
  }
  EKYA_ASSIGN(const auto source, camera::OpenSource(camera, seed));
  shown.frames_per_second = source->info().frames_per_second;
  while (shown.frames.size() < kProfiledFrames) {
    EKYA_ASSIGN(std::optional<Frame> frame, source->Next());
    if (!frame) break;
    add(std::move(*frame));
  }
  return shown;
}

/// What serving the stream's first model takes and leaves, frame sampling's staleness counted.
Result<std::vector<InferenceProfile>> ProfileServing(const CameraSettings& camera, const Site& site,
                                                     const SampleStream& stream,
                                                     const models::Classifier& model,
                                                     std::uint64_t seed) {
  EKYA_ASSIGN(const Shown shown, FramesOf(camera, stream, seed));
  const auto served = models::MakeServed(model, models::PrecisionOf(site.learning.precision));
  return inference::ProfileInference(
      *served, shown.frames, shown.expected, shown.frames_per_second, site.compute.device_cores,
      kInferenceHeadroom,
      site.learning.inference.empty() ? DefaultInferenceConfigurations() : site.learning.inference);
}

std::vector<double> ClassMix(const std::vector<Sample>& samples, std::size_t classes) {
  std::vector<double> mix(classes);
  for (const Sample& sample : samples) {
    mix[static_cast<std::size_t>(sample.label)] += 1 / static_cast<double>(samples.size());
  }
  return mix;
}

TracedWindow WindowOf(const RecordedWindow& recorded, const MicroProfile& profile,
                      const std::vector<Sample>& judged, std::size_t classes, double device_cores) {
  TracedWindow window;
  window.accuracy = recorded.first_accuracy;
  window.profiling_seconds = profile.device_seconds / device_cores;
  window.class_mix = ClassMix(judged, classes);
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

}  // namespace

Result<Trace> RecordTrace(const TraceRequest& request) {
  EKYA_ASSIGN(const std::string text, ReadFile(request.dataset));
  EKYA_ASSIGN(const Site site, ReadSite(text, request.dataset.string()));
  for (const CameraSettings& camera : site.cameras) {
    if (camera.task != "classification") {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: cameras.{}.task: found {}, expected classification: profiles "
                               "are recorded of classifiers alone",
                               request.dataset.string(), camera.id, camera.task)};
    }
  }
  std::vector<SampleStream> streams;
  streams.reserve(site.cameras.size());  // recordings refer to them
  std::vector<std::unique_ptr<Recording>> recordings;
  std::vector<RecordingSettings> settings;
  std::size_t total = 0;
  for (const CameraSettings& camera : site.cameras) {
    const ModelSettings& model = site.camera_models.at(camera.id);
    EKYA_ASSIGN(SampleStream stream, StreamOf(camera, site, model.input_size, request));
    streams.push_back(std::move(stream));
    settings.push_back(SettingsOf(site, model, request));
    total += (streams.back().windows.size() - 1) * settings.back().grid.size();
  }
  std::size_t done = 0;
  if (request.progress && !request.progress(done, total)) {
    return Error{ErrorCode::kCancelled, "interrupted"};
  }
  Trace trace;
  trace.window_seconds = site.compute.window_seconds;
  // Cameras may have grids of their own one day; today the site has one, and one profiler with it.
  profile::SharedProfiler profiler({}, settings.front().grid);
  std::size_t longest = 0;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    EKYA_ASSIGN(auto recording,
                Recording::Open(streams[i], settings[i], request.parts / streams[i].id));
    recordings.push_back(std::move(recording));
    longest = std::max(longest, streams[i].windows.size());
    TracedStream& traced = trace.streams.emplace_back();
    traced.id = streams[i].id;
    EKYA_ASSIGN(traced.inference, ProfileServing(site.cameras[i], site, streams[i],
                                                 recordings[i]->first(), request.seed));
  }
  for (std::size_t window = 1; window < longest; ++window) {
    for (std::size_t i = 0; i < recordings.size(); ++i) {
      if (window >= streams[i].windows.size()) continue;
      Recording& recording = *recordings[i];
      const auto number = static_cast<int>(window);
      EKYA_ASSIGN(const RecordedWindow recorded, recording.Record(number, [&] {
        return !request.progress || request.progress(++done, total);
      }));
      done = std::max(done, (window - 1) * recordings.size() * settings[i].grid.size() +
                                (i + 1) * settings[i].grid.size());
      const std::uint64_t seed = DeriveSeed(request.seed, streams[i].id + "/trials");
      EKYA_ASSIGN(const MicroProfile profile, request.plain
                                                  ? ProfilePlain(settings[i].grid, recording, seed)
                                                  : ProfileShared(profiler, recording, seed));
      trace.streams[i].windows.push_back(WindowOf(recorded, profile, recording.Judged(number),
                                                  streams[i].classes.size(),
                                                  site.compute.device_cores));
    }
  }
  return trace;
}

}  // namespace ekya::learning
