#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "core/frame.h"
#include "core/site.h"
#include "stages/camera/source.h"

namespace ekya::camera {

/// Plays a source at its rate from a thread of its own and keeps it alive: a source that fails for
/// the moment (kUnavailable: a silent or closed connection) is reported gone, opened again with
/// growing pauses (1 s to 30 s), and reported back with its first frame. One that is damaged for
/// good (a truncated file) is reported gone, then ended, unless it loops: then it is opened again
/// too.
///
/// A frame that is late is delivered at once, never dropped: whoever takes it decides what to skip.
class Camera {
 public:
  struct Callbacks {
    std::function<void(FramePtr)> frame;  ///< Each frame, at its time.
    std::function<void(const std::string& reason)> gone;
    std::function<void()> back;
    std::function<void()> ended;  ///< The source's end; no more follows.
  };
  /// Opens the source anew; ends with kCancelled when the token asks for it.
  using Opener = std::function<Result<std::unique_ptr<Source>>(std::stop_token)>;

  /// `source` may be null: the camera then starts gone. Callbacks come from the camera's thread;
  /// those that are not set are not called. `open` stands in for OpenSource where it is set.
  Camera(CameraSettings settings, std::uint64_t seed, std::unique_ptr<Source> source, Clock& clock,
         Callbacks callbacks, Opener open = {});
  /// Stops and joins; no callback runs afterwards.
  ~Camera();
  Camera(const Camera&) = delete;
  Camera& operator=(const Camera&) = delete;

  /// Begins to play. Frame times count from `start_seconds` on the clock. Once.
  void Start(double start_seconds);
  /// Asks the thread to end, which takes 0.1 s or so; does not wait. Any thread, a callback's too.
  void Stop();

 private:
  enum class Outcome { kStopped, kEnded, kLost };

  void Play(double start_seconds);
  /// Shows the source's frames until it ends or fails. Its first one is due at `due` on the clock.
  Outcome PlaySource(double start_seconds, double due);
  /// Opens the source again and again until it is there; false: asked to stop.
  bool Reopen();
  /// Returns at `time` on the clock, or false as soon as asked to stop. Never spins.
  bool WaitUntil(double time);
  void ReportGone(const std::string& reason);

  const CameraSettings settings_;
  const Callbacks callbacks_;
  const Opener open_;
  Clock& clock_;
  std::stop_source stop_;

  // Of the camera's thread.
  std::unique_ptr<Source> source_;
  std::int64_t frames_ = 0;  // shown so far
  bool gone_ = false;
  double pause_ = 0;  // before the next opening, seconds

  std::thread thread_;
};

}  // namespace ekya::camera
