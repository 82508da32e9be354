#include "run/workers/model_swap.h"

#include <sys/resource.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/log.h"

namespace ekya::workers {
namespace {

// Where shares are paced nothing but this keeps a loading thread behind inference.
constexpr int kNiceness = 10;
// Seconds: no frame takes longer, and if one does, its thread takes the old model apart.
constexpr double kLongestFrame = 1;
constexpr double kLook = 0.001;

}  // namespace

ModelSwap::ModelSwap(const CameraSettings& camera, const LearningSettings& learning,
                     const Learner& learner, resources::ShareEnforcer& enforcer,
                     models::ModelSlot& slot, double cores)
    : camera_(camera),
      learning_(learning),
      learner_(learner),
      slot_(slot),
      cores_(cores),
      share_(enforcer.MakeJob(camera.id + "-loading")) {
  if (const Status set = KeepOff(-1); !set.ok()) {
    Log(LogLevel::kWarning, camera_.id, "loading: {}", set.error().message);
  }
}

Status ModelSwap::KeepOff(int core) {
  return share_->Set(cores_, core < 0 ? core : (core + 1) % resources::Processors());
}

Status ModelSwap::Serve(const ServingVersion& version, const FramePtr& sample,
                        const Device& device) {
  const std::lock_guard lock(mutex_);
  // Nothing answers yet, and nobody is to be kept waiting: as after a worker's restart.
  if (slot_.Get().model == nullptr) return Replace(version, sample, device);
  Status status;
  std::thread loading([&] {
    if (const Status joined = share_->Join(); !joined.ok()) {
      Log(LogLevel::kWarning, camera_.id, "loading: {}", joined.error().message);
    }
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness);
    status = Replace(version, sample, device);
  });
  loading.join();
  return status;
}

Status ModelSwap::Replace(const ServingVersion& version, const FramePtr& sample,
                          const Device& device) {
  std::shared_ptr<models::Model> next;
  {
    EKYA_ASSIGN(const auto model, LoadLearningModel(camera_, learning_, version.weights, device));
    auto served = learner_.MakeServed(*model, version.temperature);
    if (!served.ok()) return served.error().Within(version.weights);
    next = std::move(*served);
  }
  if (sample != nullptr) {
    if (const auto tried = next->Analyze(*sample, 0); !tried.ok()) {
      return tried.error().Within(version.weights);
    }
  }
  const models::ServedModel before = slot_.Get();
  slot_.Put({version.version, std::move(next)});
  // A frame in work still has it: wait, and it is not that frame's thread that takes it apart.
  const double latest = MonotonicClock().Now() + kLongestFrame;
  while (before.model.use_count() > 1 && MonotonicClock().Now() < latest) {
    MonotonicClock().SleepUntil(MonotonicClock().Now() + kLook);
  }
  return {};
}

}  // namespace ekya::workers
