#include "run/workers/live_world.h"

#include "platform/resources/free_space.h"

namespace ekya::workers {
namespace {

// The part of a window that trials may take.
constexpr double kLongestProfiling = 0.4;

}  // namespace

LiveWorld::LiveWorld(const StreamEnvironment& environment, const StreamSet& streams,
                     Workers& workers, const WorkerHooks& hooks, const std::vector<int>& cores,
                     EventTimeline& timeline, double start)
    : streams_(streams),
      timeline_(timeline),
      device_cores_(environment.site.compute.device_cores),
      profiling_(workers, hooks, cores, device_cores_, environment.site.compute.quanta_per_device),
      pool_(workers, cores.size() + 1, hooks),
      trainer_(streams, trial_models_, pool_, device_cores_, environment.seed, environment.post),
      monitor_(streams),
      labels_(streams, profiling_, start, resources::FreeSpace::Of(environment.out)),
      trials_(streams, trial_models_, profiling_, environment.clock, device_cores_,
              kLongestProfiling * environment.site.compute.window_seconds, environment.seed),
      swapper_(streams, trainer_,
               [this](const std::string& stream, std::int64_t version) {
                 swaps_.push_back({timeline_.Now(), stream, version});
               }),
      allocations_(streams, trainer_, profiling_, cores, device_cores_,
                   environment.site.compute.quanta_per_device),
      drift_(streams) {}

window::Ports LiveWorld::ports() {
  return {timeline_, monitor_, labels_, trials_, trainer_, swapper_, allocations_, &drift_};
}

void LiveWorld::Account(window::RunRecord* record) const {
  for (const std::string& id : streams_.ids()) {
    record->inference_device_seconds += streams_.Get(id).CpuSeconds() / device_cores_;
    record->retraining_device_seconds += trainer_.CpuSeconds(id) / device_cores_;
  }
  record->labelling_device_seconds = labels_.cpu_seconds() / device_cores_;
  record->profiling_device_seconds =
      profiling_.CpuSeconds() / device_cores_ - record->labelling_device_seconds;
}

}  // namespace ekya::workers
