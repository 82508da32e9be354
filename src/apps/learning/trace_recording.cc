#include "apps/learning/trace_recording.h"

#include <fmt/format.h>

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
  settings.later = true;
  settings.curve_samples = kCurveSamples;
  settings.seed = request.seed;
  return settings;
}

/// What serving the stream's first model takes and leaves, frame sampling's staleness counted.
Result<std::vector<InferenceProfile>> ProfileServing(const CameraSettings& camera, const Site& site,
                                                     const models::Classifier& model,
                                                     std::uint64_t seed) {
  EKYA_ASSIGN(const auto source, camera::OpenSource(camera, seed));
  std::vector<FramePtr> frames;
  std::vector<std::vector<Detection>> expected;
  while (frames.size() < kProfiledFrames) {
    EKYA_ASSIGN(std::optional<Frame> frame, source->Next());
    if (!frame) break;
    expected.push_back(TruthOf(*frame));
    frames.push_back(std::make_shared<const Frame>(std::move(*frame)));
  }
  const auto served = models::MakeServed(model);
  return inference::ProfileInference(
      *served, frames, expected, source->info().frames_per_second, site.compute.device_cores,
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
    EKYA_ASSIGN(SampleStream stream,
                ReadSampleStream(camera,
                                 {.window_seconds = site.compute.window_seconds,
                                  .windows = request.windows,
                                  .side = model.input_size},
                                 request.seed));
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
    EKYA_ASSIGN(traced.inference,
                ProfileServing(site.cameras[i], site, recordings[i]->first(), request.seed));
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
