#pragma once

#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/frame.h"
#include "core/situation.h"
#include "platform/models/model.h"

namespace ekya::inference {

/// What a stream's serving costs and what frame sampling loses, measured on kept frames: for each
/// configuration the share of one device that keeps up at `frames_per_second`, and the factor by
/// which carrying results over skipped frames lowers the agreement with `truth` (one list per
/// frame; Frame::regions or golden labels). `device_cores`: what a whole device may use of its
/// core. The shares hold `headroom` (such as 1.2) above the mean cost, so that a job at its share
/// keeps up.
///
/// The kept frames need not be consecutive: the agreement is measured as a function of a result's
/// age in native frames (Frame::index), interpolated between the ages that occur, and averaged over
/// the ages 0 .. n-1 that an interval of n brings; it is the accuracy where frames have regions,
/// else F1. The factor is relative to every frame analysed at the model's own input size, at
/// most 1.
/// - Where no kept frame has a truth, or the model finds none of it, the model's own results stand
///   in for the truth.
/// - A tenth of a change is counted beyond those seen, so that skipping frames always costs a
///   little, and what nobody else needs goes to fresher results.
/// - Where not even a whole device keeps up, the share is 1 and the factor that of the frames which
///   a whole device gets to.
/// - A configuration whose input size the model refuses gets share 1 and factor 0, and a warning.
/// Gives one profile per configuration, in their order.
/// kInvalid without frames or configurations, or with a senseless rate; kFailed where the model
/// fails on every frame.
Result<std::vector<InferenceProfile>> ProfileInference(
    models::Model& model, const std::vector<FramePtr>& frames,
    const std::vector<std::vector<Detection>>& truth, double frames_per_second, double device_cores,
    double headroom, const std::vector<InferenceConfiguration>& configurations);

}  // namespace ekya::inference
