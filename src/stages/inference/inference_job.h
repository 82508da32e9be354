#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/frame.h"
#include "platform/models/model.h"
#include "stages/inference/inference_profile.h"  // IWYU pragma: export

namespace ekya::inference {

/// What became of one frame of the camera.
struct FrameResult {
  FramePtr frame;
  bool skipped = false;  ///< Not analysed: by frame sampling, or because the job was behind.
  bool due = true;       ///< The first of its sampling interval: an analysis was to begin with it.
  std::vector<Detection> detections;  ///< The last analysed frame's where `skipped`.
  std::int64_t model_version = 0;     ///< Of the model that made the detections.
  double cpu_seconds = 0;             ///< That the analysis took; 0 where skipped.
};

/// Serves one stream: analyses its frames with the slot's model under an inference configuration,
/// in a thread of its own. It keeps up or visibly skips: at most one frame waits, a newer one
/// replaces it. Every frame gives exactly one FrameResult, in the camera's order.
///
/// Frame sampling goes by the frames' indices: of each `frame_interval` consecutive ones at most
/// one is analysed, the first that the job gets to. A frame whose analysis fails counts as skipped,
/// and the reason is logged at most every 10 seconds; so does every frame while the slot is empty.
class InferenceJob {
 public:
  struct Hooks {
    std::function<void()> thread_start = [] {
    };  ///< In the analysing thread, first (joins its share).
    /// Before each analysis, in its thread; may block (pacing); false ends the job: all frames from
    /// then on are skipped.
    std::function<bool()> checkpoint = [] { return true; };
    /// One at a time, from one thread that is the job's own but not the analysing one: a job that
    /// has no share and waits in `checkpoint` goes on telling that its frames are skipped.
    std::function<void(const FrameResult&)> result = [](const FrameResult&) {};
  };

  /// `slot` outlives the job.
  InferenceJob(std::string stream, const models::ModelSlot& slot, Hooks hooks);
  /// Ends the job, tells what became of every frame and joins; `checkpoint` must no longer block
  /// (release the share first). No Offer may be under way.
  ~InferenceJob();
  InferenceJob(const InferenceJob&) = delete;
  InferenceJob& operator=(const InferenceJob&) = delete;

  /// Any thread; never blocks on the analysis.
  void Offer(FramePtr frame);
  /// From the next frame on. Any thread.
  void Configure(const InferenceConfiguration& configuration);
  /// Waits until every offered frame has been told of. Any thread but the job's.
  void Drain();

 private:
  /// A frame on its way through the job.
  struct Entry {
    enum class State { kWaiting, kInWork, kSkipped, kAnalysed };
    FramePtr frame;
    bool due = true;
    State state = State::kWaiting;
    std::vector<Detection> detections;
    std::int64_t model_version = 0;
    double cpu_seconds = 0;
  };

  void Analyse();
  /// One analysis, without mutex_. False: it failed, and the reason was logged.
  bool Work(const Frame& frame, int input_size, Entry& outcome);
  void Tell();
  /// The newest frame if it still waits, else null. mutex_ is held.
  Entry* Waiting();
  bool Due(const Frame& frame) const;
  void Warn(const Frame& frame, const Error& error);

  const std::string stream_;
  const models::ModelSlot& slot_;
  const Hooks hooks_;

  std::mutex mutex_;
  std::condition_variable offered_;  // for Analyse: a frame waits, or the job ends
  std::condition_variable decided_;  // for Tell: the oldest frame is decided, or the job ended
  std::condition_variable told_;     // for Drain
  // Guarded by mutex_. In the camera's order; only the last can wait and only one is in work.
  std::deque<Entry> frames_;
  InferenceConfiguration configuration_;
  std::optional<std::int64_t> last_offered_;  // index of the frame
  bool telling_ = false;                      // a result is being told
  bool ending_ = false;                       // the destructor runs
  bool ended_ = false;                        // nothing is analysed any more

  // Of the analysing thread alone.
  std::optional<std::int64_t> last_analysed_;  // index of the frame
  double next_warning_ = 0;
  std::int64_t failures_unsaid_ = 0;

  std::thread analysing_;
  std::thread result_thread_;
};

}  // namespace ekya::inference
