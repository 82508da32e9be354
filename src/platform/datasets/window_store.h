#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "core/frame.h"

namespace ekya::datasets {

/// The frames that a stream keeps of each retraining window, waiting for labels. Frames are taken
/// evenly over the window and at most `frames_per_window` are kept. Of the windows, the newest
/// `windows_kept` are. Any thread.
class WindowStore {
 public:
  WindowStore(int frames_per_window, int windows_kept);

  /// Offers a frame of `window`; keeps it or not.
  void Offer(int window, const FramePtr& frame);
  /// The kept frames of `window`, in order of time.
  std::vector<FramePtr> Frames(int window) const;
  /// They are kept elsewhere by now: pictures are what a stream's memory goes into.
  void Forget(int window);

 private:
  struct Window {
    std::vector<FramePtr> frames;
    int stride = 1;  // every stride-th offered frame is kept; doubles when the window is full
    int offered = 0;
  };
  /// The place of `window`, made if need be; null where it is older than all that are kept. Under
  /// mutex_.
  Window* Open(int window);

  const int frames_per_window_;
  const int windows_kept_;
  mutable std::mutex mutex_;
  std::map<int, Window> windows_;  // guarded by mutex_
};

}  // namespace ekya::datasets
