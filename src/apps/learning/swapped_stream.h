#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "core/site.h"
#include "platform/models/model.h"
#include "platform/resources/share.h"
#include "run/workers/learner.h"
#include "run/workers/model_swap.h"
#include "stages/inference/inference_job.h"

namespace ekya::learning {

/// What one stretch of serving gave.
struct SwapStretch {
  bool swapping = false;
  int frames = 0;   ///< Offered.
  int skipped = 0;  ///< Of these, not analysed: the job was behind.
  int lost = 0;     ///< Of these, without any result.
  int swaps = 0;
  double longest_pause = 0;        ///< Seconds between two results.
  std::vector<double> latencies;   ///< Seconds from offer to result, of analysed frames.
  std::vector<double> swap_times;  ///< Seconds that each swap took.
};

/// A stream of noise served by a small classifier on processor 0, and the saved versions of it
/// that it is swapped among as a stream's worker swaps (workers::ModelSwap).
class SwappedStream {
 public:
  /// Saves the versions in `folder`; finds how many regions of each frame make `load` of a core at
  /// `frames_per_second`. `loading_cores`: as ModelSwap's.
  static Result<std::unique_ptr<SwappedStream>> Make(resources::ShareEnforcer& enforcer,
                                                     const std::filesystem::path& folder,
                                                     double frames_per_second, double load,
                                                     double loading_cores);
  ~SwappedStream();

  /// Offers frames for `seconds` and waits for their results. Meanwhile, in a thread of its own,
  /// swaps as fast as they come, `most_swaps` at most.
  Result<SwapStretch> Serve(double seconds, int most_swaps);
  /// One swap, to the next version.
  Status Swap();

  int regions() const { return regions_; }
  double frame_interval() const { return 1 / frames_per_second_; }
  /// A saved version, and what it is, for other streams.
  const std::string& weights() const { return versions_.front(); }
  const CameraSettings& camera() const { return camera_; }

 private:
  SwappedStream(resources::ShareEnforcer& enforcer, double frames_per_second);
  Status SaveVersions(const std::filesystem::path& folder);
  Status Open(const std::filesystem::path& folder, double loading_cores);
  FramePtr NextFrame();
  void OnResult(const inference::FrameResult& result);

  resources::ShareEnforcer& enforcer_;
  const double frames_per_second_;
  CameraSettings camera_;
  LearningSettings learning_;
  std::vector<std::string> versions_;
  int regions_ = 8;
  FramePtr sample_;
  std::unique_ptr<workers::Learner> learner_;
  models::ModelSlot slot_;
  std::unique_ptr<workers::ModelSwap> swap_;
  std::unique_ptr<resources::JobShare> share_;
  std::unique_ptr<inference::InferenceJob> job_;
  std::int64_t index_ = 0;
  std::int64_t version_ = 1;  // swapping thread

  std::mutex mutex_;
  // Guarded by mutex_; of one stretch.
  std::int64_t first_ = 0;
  std::vector<double> offered_;
  std::vector<double> told_;
  SwapStretch stretch_;
  double cpu_seconds_ = 0;
};

/// The longest of the intervals between `times`; 0 where there is none.
double LongestPause(const std::vector<double>& times);

}  // namespace ekya::learning
