#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/models/classifier.h"
#include "platform/resources/share.h"
#include "stages/retrain/retrainer.h"

namespace ekya::learning {

/// What the shares are measured on: a small classifier, and pictures of noise to train it on.
struct ShareWork {
  std::unique_ptr<models::Classifier> model;
  retrain::TrainingSet set;
  RetrainingConfiguration configuration;
};
Result<ShareWork> MakeShareWork();

/// A training that has begun and goes on until it is destroyed.
class EndlessTraining {
 public:
  virtual ~EndlessTraining() = default;
  /// Processor seconds per second, of one core that all trainings are on.
  virtual Status Set(double share) = 0;
  /// Since some moment.
  virtual double CpuSeconds() const = 0;
};
/// In a thread of this process; `enforcer` and `work` outlive it.
Result<std::unique_ptr<EndlessTraining>> TrainInThread(resources::ShareEnforcer& enforcer,
                                                       const ShareWork& work);

/// One stretch of a training job at one share.
struct SteadyShare {
  double requested = 0;  ///< Processor seconds per second.
  double measured = 0;
};
/// Each of `shares`, for `seconds`.
Result<std::vector<SteadyShare>> MeasureSteadyShares(EndlessTraining& training,
                                                     const std::vector<double>& shares,
                                                     double seconds);

/// One change of a training job's share.
struct ShareChange {
  double from = 0;
  double to = 0;
  /// For how long the job went on as if nothing had changed: what it used from the last minibatch
  /// that began before the change to the first that began half a second after it, as time at the
  /// old share and time at the new one. Negative: it was ahead.
  double late_seconds = 0;
  double next_minibatch_seconds = 0;  ///< From the change until a minibatch began.
};
/// `changes`, pairs of shares one after the other, in an order and at instants that `seed` gives.
/// `minibatch_seconds` becomes the median processor seconds of a minibatch.
Result<std::vector<ShareChange>> MeasureChanges(resources::ShareEnforcer& enforcer,
                                                const ShareWork& work,
                                                std::vector<std::pair<double, double>> changes,
                                                std::uint64_t seed, double* minibatch_seconds);

/// What a training job used in each tenth of a second while its share went up and down.
struct ShareCourse {
  std::vector<double> seconds;  ///< Ends of the tenths, from the course's start.
  std::vector<double> requested;
  std::vector<double> measured;
};
Result<ShareCourse> MeasureCourse(resources::ShareEnforcer& enforcer, const ShareWork& work,
                                  const std::vector<double>& shares, double seconds_each);

/// Inference at a share, alone on its core and beside a training job that has the rest.
struct FrameIntervals {
  double share = 0;           ///< Of inference.
  int regions = 0;            ///< Classified in each frame.
  double cpu_seconds = 0;     ///< Of one frame's analysis, the median.
  std::vector<double> alone;  ///< Seconds between two analysed frames.
  std::vector<double> beside;
};
/// In turns. The camera gives 10 frames a second, with so many regions that four fifths of the
/// share are needed.
Result<FrameIntervals> MeasureIntervals(resources::ShareEnforcer& enforcer, const ShareWork& work,
                                        double share, int turns, double seconds);

/// What the research code does for a change of share: seconds from the kill of a training process
/// until the first minibatch of the one that is started in its place, a process of this program
/// that reads model and samples from `folder`.
Result<std::vector<double>> MeasureRestarts(const ShareWork& work,
                                            const std::filesystem::path& folder, int restarts);

/// Whether this process is one that MeasureRestarts started: then all it has to do is TrainOn.
bool IsRestarted();
/// Trains on what MeasureRestarts left in `folder` until it is killed.
Status TrainUntilKilled(const std::filesystem::path& folder);

/// The value below which `part` (0..1) of `values` lie; at least one value.
double Quantile(std::vector<double> values, double part);

}  // namespace ekya::learning
