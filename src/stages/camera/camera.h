#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "core/frame.h"
#include "core/site.h"
#include "stages/camera/source.h"

namespace ekya::camera {

/// Plays a source at its rate from a thread of its own and keeps it alive: a source that fails or
/// stalls is reported gone, opened again with growing pauses (1 s to 30 s), and reported back.
class Camera {
 public:
  struct Callbacks {
    std::function<void(FramePtr)> frame;  ///< Each frame, at its time.
    std::function<void(const std::string& reason)> gone;
    std::function<void()> back;
    std::function<void()> ended;  ///< The source's end; no more follows.
  };

  /// `source` may be null: the camera then starts gone. Callbacks come from the camera's thread.
  Camera(CameraSettings settings, std::uint64_t seed, std::unique_ptr<Source> source, Clock& clock,
         Callbacks callbacks);
  /// Stops and joins; no callback runs afterwards.
  ~Camera();
  Camera(const Camera&) = delete;
  Camera& operator=(const Camera&) = delete;

  /// Begins to play. Frame times count from `start_seconds` on the clock.
  void Start(double start_seconds);
  /// Asks the thread to end; does not wait.
  void Stop();

 private:
  void Play(double start_seconds);

  const CameraSettings settings_;
  const std::uint64_t seed_;
  std::unique_ptr<Source> source_;
  Clock& clock_;
  const Callbacks callbacks_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace ekya::camera
