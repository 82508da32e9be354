#include "apps/learning/trace_recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "apps/learning/traced_camera.h"
#include "base/file.h"
#include "core/site.h"

namespace ekya::learning {
namespace {

/// Cameras whose models take equal time for equal samples: they tell about each other.
std::string KindOf(const CameraSettings& camera, const Site& site) {
  const ModelSettings& model = site.camera_models.at(camera.id);
  return fmt::format("{} {} {} {} {} {}", camera.task, model.architecture, model.width,
                     model.input_size, model.last_hidden, model.path);
}

}  // namespace

Result<Trace> RecordTrace(const TraceRequest& request) {
  EKYA_ASSIGN(const std::string text, ReadFile(request.dataset));
  EKYA_ASSIGN(const Site site, ReadSite(text, request.dataset.string()));
  const std::vector<RetrainingConfiguration> grid = GridOf(site);
  struct Recorded {
    std::unique_ptr<TracedCamera> camera;
    profile::SharedProfiler* profiler;
  };
  std::map<std::string, profile::SharedProfiler> profilers;  // by kind of model
  std::vector<Recorded> cameras;
  std::size_t total = 0;
  for (const CameraSettings& settings : site.cameras) {
    EKYA_ASSIGN(auto camera, OpenTracedCamera(settings, site, request));
    if (camera->windows() > 0) total += (camera->windows() - 1) * grid.size();
    auto& profiler =
        profilers
            .try_emplace(KindOf(settings, site),
                         profile::SharedProfiler(profile::SharedProfilerSettings{}, grid))
            .first->second;
    cameras.push_back({std::move(camera), &profiler});
  }
  std::size_t done = 0;
  if (request.progress && !request.progress(done, total)) {
    return Error{ErrorCode::kCancelled, "interrupted"};
  }
  Trace trace;
  trace.window_seconds = site.compute.window_seconds;
  std::size_t longest = 0;
  for (const Recorded& each : cameras) {
    TracedStream& traced = trace.streams.emplace_back();
    traced.id = each.camera->id();
    longest = std::max(longest, each.camera->windows());
    EKYA_ASSIGN(traced.inference, each.camera->Begin());
  }
  for (std::size_t window = 1; window < longest; ++window) {
    for (std::size_t i = 0; i < cameras.size(); ++i) {
      if (window >= cameras[i].camera->windows()) continue;
      EKYA_ASSIGN(auto traced,
                  cameras[i].camera->Record(static_cast<int>(window), *cameras[i].profiler, [&] {
                    return !request.progress || request.progress(++done, total);
                  }));
      // What an earlier recording has kept was not counted training by training.
      done = std::max(done, ((window - 1) * cameras.size() + i + 1) * grid.size());
      trace.streams[i].windows.push_back(std::move(traced));
    }
  }
  return trace;
}

}  // namespace ekya::learning
