#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "core/frame.h"
#include "core/site.h"
#include "platform/models/model.h"
#include "platform/resources/share.h"
#include "run/workers/learner.h"
#include "run/workers/services.h"

namespace ekya::workers {

/// Replaces what a stream's slot serves while it serves. A model is read, made fit to serve and
/// tried once in a thread and a share of its own, off the core that inference computes on where
/// there is another, so that inference pays neither for the loading nor for an engine's first
/// analysis; what it replaces is taken apart there too. All references outlive it. Any thread; one
/// swap at a time.
class ModelSwap {
 public:
  /// What loading gets of a core. A swap may take longer, a frame may not: more would take weight
  /// from inference even from another core where other programs compute too, since what weighs
  /// against them is Ekya as a whole.
  static constexpr double kCores = 0.25;

  ModelSwap(const CameraSettings& camera, const LearningSettings& learning, const Learner& learner,
            resources::ShareEnforcer& enforcer, models::ModelSlot& slot, double cores = kCores);

  /// `core`: that of inference, as JobShare::Set. Holds from the next model on.
  Status KeepOff(int core);
  /// Serves `version`, on `device`, from the next frame on; errors as LoadLearningModel and
  /// Learner::MakeServed, and those of its first analysis, of `sample` (null: it is not tried):
  /// what served goes on.
  Status Serve(const ServingVersion& version, const FramePtr& sample, const Device& device = {});

 private:
  Status Replace(const ServingVersion& version, const FramePtr& sample, const Device& device);

  const CameraSettings& camera_;
  const LearningSettings& learning_;
  const Learner& learner_;
  models::ModelSlot& slot_;
  const double cores_;
  const std::unique_ptr<resources::JobShare> share_;
  std::mutex mutex_;  // held during a swap
};

}  // namespace ekya::workers
