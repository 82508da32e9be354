#include "platform/datasets/window_store.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace ekya::datasets {

WindowStore::WindowStore(int frames_per_window, int windows_kept)
    : frames_per_window_(frames_per_window), windows_kept_(windows_kept) {
  EKYA_CHECK(frames_per_window > 0 && windows_kept > 0);
}

WindowStore::Window* WindowStore::Open(int window) {
  if (windows_.size() == static_cast<std::size_t>(windows_kept_) && !windows_.contains(window)) {
    // A straggler of a window that is gone must not push out a newer one.
    if (window < windows_.begin()->first) return nullptr;
    windows_.erase(windows_.begin());
  }
  return &windows_[window];
}

void WindowStore::Offer(int window, const FramePtr& frame) {
  const std::lock_guard lock(mutex_);
  auto* kept = Open(window);
  if (!kept || kept->offered++ % kept->stride != 0) return;
  auto& frames = kept->frames;
  if (frames.size() == static_cast<std::size_t>(frames_per_window_)) {
    // Full: keep every second one, and take in half as many from now on. So the frames stay evenly
    // spread over the window however long it turns out to be.
    std::size_t next = 0;
    for (std::size_t i = 0; i < frames.size(); i += 2) frames[next++] = std::move(frames[i]);
    frames.resize(next);
    kept->stride *= 2;
    if ((kept->offered - 1) % kept->stride != 0) return;
    if (next == static_cast<std::size_t>(frames_per_window_)) return;  // room for one frame alone
  }
  frames.push_back(frame);
}

std::vector<FramePtr> WindowStore::Frames(int window) const {
  const std::lock_guard lock(mutex_);
  const auto it = windows_.find(window);
  return it == windows_.end() ? std::vector<FramePtr>() : it->second.frames;
}

void WindowStore::Forget(int window) {
  const std::lock_guard lock(mutex_);
  const auto it = windows_.find(window);
  if (it != windows_.end()) it->second.frames.clear();
}

}  // namespace ekya::datasets
