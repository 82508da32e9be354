#include "stages/camera/camera.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace ekya::camera {
namespace {

constexpr double kFirstPause = 1;
constexpr double kLongestPause = 30;
/// Longest sleep between two looks at the stop request.
constexpr double kSlice = 0.04;

}  // namespace

Camera::Camera(CameraSettings settings, std::uint64_t seed, std::unique_ptr<Source> source,
               Clock& clock, Callbacks callbacks, Opener open)
    : settings_(std::move(settings)),
      callbacks_(std::move(callbacks)),
      open_(open ? std::move(open) : Opener([this, seed](std::stop_token stop) {
        return OpenSource(settings_, seed, std::move(stop));
      })),
      clock_(clock),
      source_(std::move(source)),
      pause_(kFirstPause) {
  if (source_) source_->StopWith(stop_.get_token());
}

Camera::~Camera() {
  Stop();
  if (thread_.joinable()) thread_.join();
}

void Camera::Start(double start_seconds) {
  EKYA_CHECK(!thread_.joinable(), "a camera starts once");
  thread_ = std::thread([this, start_seconds] { Play(start_seconds); });
  pthread_setname_np(thread_.native_handle(), ("cam " + settings_.id).substr(0, 15).c_str());
}

void Camera::Stop() { stop_.request_stop(); }

void Camera::Play(double start_seconds) {
  double due = start_seconds;
  if (!source_) ReportGone("it could not be opened at the start");
  while (!stop_.stop_requested()) {
    if (!source_) {
      if (!Reopen()) return;
      due = clock_.Now();
    }
    const Outcome outcome = PlaySource(start_seconds, due);
    source_.reset();
    if (outcome == Outcome::kEnded && !stop_.stop_requested() && callbacks_.ended)
      callbacks_.ended();
    if (outcome != Outcome::kLost) return;
  }
}

Camera::Outcome Camera::PlaySource(double start_seconds, double due) {
  const bool live = source_->info().live;
  while (true) {
    auto next = source_->Next();
    if (stop_.stop_requested()) return Outcome::kStopped;
    if (!next.ok()) {
      ReportGone(next.error().message);
      const bool again = next.error().code == ErrorCode::kUnavailable || live || settings_.loop;
      return again ? Outcome::kLost : Outcome::kEnded;
    }
    if (!*next) return Outcome::kEnded;

    auto frame = std::make_shared<Frame>(std::move(**next));
    const double time = live ? clock_.Now() : due + frame->time_seconds;
    if (!WaitUntil(time)) return Outcome::kStopped;
    frame->index = frames_++;
    frame->time_seconds = time - start_seconds;
    pause_ = kFirstPause;
    if (gone_) {
      gone_ = false;
      Log(LogLevel::kInfo, settings_.id, "camera is back");
      if (callbacks_.back) callbacks_.back();
    }
    if (callbacks_.frame) callbacks_.frame(std::move(frame));
  }
}

bool Camera::Reopen() {
  while (WaitUntil(clock_.Now() + pause_)) {
    pause_ = std::min(2 * pause_, kLongestPause);
    auto opened = open_(stop_.get_token());
    if (stop_.stop_requested()) return false;
    if (opened.ok()) {
      source_ = std::move(*opened);
      source_->StopWith(stop_.get_token());
      return true;
    }
    Log(LogLevel::kDebug, settings_.id, "camera is still gone: {}", opened.error().message);
  }
  return false;
}

bool Camera::WaitUntil(double time) {
  while (!stop_.stop_requested()) {
    const double now = clock_.Now();
    if (now >= time) return true;
    clock_.SleepUntil(std::min(time, now + kSlice));
  }
  return false;
}

void Camera::ReportGone(const std::string& reason) {
  if (gone_) return;
  gone_ = true;
  Log(LogLevel::kWarning, settings_.id, "camera is gone: {}", reason);
  if (callbacks_.gone) callbacks_.gone(reason);
}

}  // namespace ekya::camera
