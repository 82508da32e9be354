#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/frame.h"
#include "core/situation.h"
#include "platform/models/model.h"

namespace ekya::inference {

/// What became of one frame of the camera.
struct FrameResult {
  FramePtr frame;
  bool skipped = false;  ///< Not analysed: by frame sampling, or because the job was behind.
  std::vector<Detection> detections;  ///< The last analysed frame's where `skipped`.
  std::int64_t model_version = 0;     ///< Of the model that made the detections.
  double cpu_seconds = 0;             ///< That the analysis took; 0 where skipped.
};

/// Serves one stream: analyses its frames with the slot's model under an inference configuration, in
/// a thread of its own. It keeps up or visibly skips: at most one frame waits, a newer one replaces it.
/// Every frame gives exactly one FrameResult, in the camera's order.
class InferenceJob {
 public:
  struct Hooks {
    std::function<void()> thread_start = [] {};  ///< In the job's thread, first (joins its share).
    /// Before each analysis; may block (pacing); false ends the job.
    std::function<bool()> checkpoint = [] { return true; };
    /// From the job's thread.
    std::function<void(const FrameResult&)> result = [](const FrameResult&) {};
  };

  /// `slot` outlives the job.
  InferenceJob(std::string stream, const models::ModelSlot& slot, Hooks hooks);
  /// Ends the thread and joins it; `checkpoint` must no longer block (release the share first).
  ~InferenceJob();
  InferenceJob(const InferenceJob&) = delete;
  InferenceJob& operator=(const InferenceJob&) = delete;

  /// Any thread; never blocks on the analysis.
  void Offer(FramePtr frame);
  /// From the next frame on. Any thread.
  void Configure(const InferenceConfiguration& configuration);
  /// Waits until every offered frame has its result. Any thread but the job's.
  void Drain();

 private:
  void Run();

  const std::string stream_;
  const models::ModelSlot& slot_;
  const Hooks hooks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<FramePtr> waiting_;  // guarded by mutex_; all but the last will be skipped
  InferenceConfiguration configuration_;  // guarded by mutex_
  bool ending_ = false;  // guarded by mutex_
  bool busy_ = false;    // guarded by mutex_
  std::thread thread_;
};

/// What a stream's serving costs and what frame sampling loses, measured on kept frames: for each
/// configuration the share of one device that keeps up at `frames_per_second`, and the factor by which
/// carrying results over skipped frames lowers the agreement with `truth` (one list per frame;
/// Frame::regions or golden labels). `device_cores`: what a whole device may use of its core. The
/// shares hold `headroom` (such as 1.2) above the mean cost, so that a job at its share keeps up.
Result<std::vector<InferenceProfile>> ProfileInference(
    models::Model& model, const std::vector<FramePtr>& frames,
    const std::vector<std::vector<Detection>>& truth, double frames_per_second,
    double device_cores, double headroom, const std::vector<InferenceConfiguration>& configurations);

}  // namespace ekya::inference
