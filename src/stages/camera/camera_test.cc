#include "stages/camera/camera.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <variant>
#include <vector>

namespace ekya::camera {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// One thing that a scripted source does.
struct Picture {
  double time = 0;
};
using Act = std::variant<Picture, Error>;

/// Gives what it is told to, then ends.
class ScriptedSource : public Source {
 public:
  explicit ScriptedSource(std::deque<Act> acts, bool live = false) : acts_(std::move(acts)) {
    info_.live = live;
    info_.frames_per_second = 10;
  }
  const SourceInfo& info() const override { return info_; }
  Result<std::optional<Frame>> Next() override {
    if (acts_.empty()) return std::optional<Frame>();
    const Act act = acts_.front();
    acts_.pop_front();
    if (const auto* error = std::get_if<Error>(&act)) return *error;
    Frame frame;
    frame.index = next_++;
    frame.time_seconds = std::get<Picture>(act).time;
    return std::optional<Frame>(std::move(frame));
  }

 private:
  std::deque<Act> acts_;
  SourceInfo info_;
  std::int64_t next_ = 0;
};

/// Waits in Next until it is asked to stop, as a silent network camera does.
class SilentSource : public Source {
 public:
  SilentSource() { info_.live = true; }
  const SourceInfo& info() const override { return info_; }
  void StopWith(std::stop_token stop) override { stop_ = std::move(stop); }
  Result<std::optional<Frame>> Next() override {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    changed.wait(lock, stop_, [] { return false; });
    return Error{ErrorCode::kCancelled, "asked to stop"};
  }

 private:
  SourceInfo info_;
  std::stop_token stop_;
};

std::deque<Act> Pictures(int count, double rate) {
  std::deque<Act> acts;
  for (int i = 0; i < count; ++i) acts.push_back(Picture{i / rate});
  return acts;
}

/// What a camera reported, with the clock's time.
struct Journal {
  explicit Journal(Clock& of) : clock(of) {}
  Camera::Callbacks Callbacks() {
    return {.frame =
                [this](FramePtr frame) {
                  std::lock_guard lock(mutex);
                  frames.push_back(std::move(frame));
                  shown.push_back(clock.Now());
                },
            .gone =
                [this](const std::string& reason) {
                  std::lock_guard lock(mutex);
                  events.push_back("gone: " + reason);
                  when.push_back(clock.Now());
                },
            .back =
                [this] {
                  std::lock_guard lock(mutex);
                  events.push_back("back");
                  when.push_back(clock.Now());
                },
            .ended =
                [this] {
                  std::lock_guard lock(mutex);
                  events.push_back("ended");
                  when.push_back(clock.Now());
                  over = true;
                  changed.notify_all();
                }};
  }
  void WaitForEnd() {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [this] { return over; }));
  }

  Clock& clock;
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  std::vector<FramePtr> frames;
  std::vector<double> shown;
  std::vector<std::string> events;
  std::vector<double> when;
};

CameraSettings Settings() {
  CameraSettings settings;
  settings.id = "lobby";
  return settings;
}

TEST(CameraTest, FramesComeAtTheirTimes) {
  VirtualClock clock;
  clock.SleepUntil(100);
  Journal log(clock);
  {
    Camera camera(Settings(), 1, std::make_unique<ScriptedSource>(Pictures(25, 10)), clock,
                  log.Callbacks());
    camera.Start(105);
    log.WaitForEnd();
  }
  ASSERT_EQ(log.frames.size(), 25U);
  for (std::size_t i = 0; i < 25; ++i) {
    EXPECT_EQ(log.frames[i]->index, static_cast<std::int64_t>(i));
    EXPECT_NEAR(log.frames[i]->time_seconds, 0.1 * static_cast<double>(i), 1e-9);
    EXPECT_NEAR(log.shown[i], 105 + 0.1 * static_cast<double>(i), 1e-9);
  }
  EXPECT_THAT(log.events, ElementsAre("ended"));
}

TEST(CameraTest, LateFramesAreDeliveredAtOnceWithTheirTimes) {
  VirtualClock clock;
  clock.SleepUntil(101);  // one second late
  Journal log(clock);
  {
    Camera camera(Settings(), 1, std::make_unique<ScriptedSource>(Pictures(15, 10)), clock,
                  log.Callbacks());
    camera.Start(100);
    log.WaitForEnd();
  }
  ASSERT_EQ(log.frames.size(), 15U);
  EXPECT_DOUBLE_EQ(log.shown[0], 101);
  EXPECT_DOUBLE_EQ(log.shown[10], 101);
  EXPECT_NEAR(log.shown[14], 101.4, 1e-9);
  EXPECT_NEAR(log.frames[4]->time_seconds, 0.4, 1e-9);
}

TEST(CameraTest, ALostSourceIsOpenedAgainWithGrowingPauses) {
  VirtualClock clock;
  Journal log(clock);
  int openings = 0;
  std::vector<double> opened;
  const auto open = [&](const std::stop_token&) -> Result<std::unique_ptr<Source>> {
    opened.push_back(clock.Now());
    if (++openings < 7) return Error{ErrorCode::kUnavailable, "no answer"};
    return std::unique_ptr<Source>(std::make_unique<ScriptedSource>(Pictures(3, 10)));
  };
  auto acts = Pictures(2, 10);
  acts.push_back(Error{ErrorCode::kUnavailable, "no frame for 10 s"});
  {
    Camera camera(Settings(), 1, std::make_unique<ScriptedSource>(std::move(acts)), clock,
                  log.Callbacks(), open);
    camera.Start(0);
    log.WaitForEnd();
  }
  EXPECT_THAT(log.events, ElementsAre("gone: no frame for 10 s", "back", "ended"));
  ASSERT_EQ(opened.size(), 7U);
  const double pauses[] = {1, 2, 4, 8, 16, 30, 30};
  double expected = 0.1;
  for (std::size_t i = 0; i < 7; ++i) {
    expected += pauses[i];
    EXPECT_NEAR(opened[i], expected, 1e-6);
  }
  ASSERT_EQ(log.frames.size(), 5U);
  EXPECT_EQ(log.frames[4]->index, 4);
  EXPECT_NEAR(log.frames[2]->time_seconds, expected, 1e-6);
  EXPECT_NEAR(log.frames[4]->time_seconds, expected + 0.2, 1e-6);
}

TEST(CameraTest, PausesStartAgainAfterAFrame) {
  VirtualClock clock;
  Journal log(clock);
  int openings = 0;
  std::vector<double> opened;
  const auto open = [&](const std::stop_token&) -> Result<std::unique_ptr<Source>> {
    opened.push_back(clock.Now());
    std::deque<Act> acts;
    if (++openings == 1) return Error{ErrorCode::kUnavailable, "no answer"};
    if (openings == 3) return Error{ErrorCode::kNotFound, "no such file"};
    acts.push_back(Picture{0});
    if (openings < 4) acts.push_back(Error{ErrorCode::kUnavailable, "silent"});
    return std::unique_ptr<Source>(std::make_unique<ScriptedSource>(std::move(acts)));
  };
  {
    Camera camera(Settings(), 1, nullptr, clock, log.Callbacks(), open);
    camera.Start(0);
    log.WaitForEnd();
  }
  EXPECT_THAT(log.events, ElementsAre(HasSubstr("gone"), "back", "gone: silent", "back", "ended"));
  EXPECT_THAT(opened, ElementsAre(testing::DoubleNear(1, 1e-6), testing::DoubleNear(3, 1e-6),
                                  testing::DoubleNear(4, 1e-6), testing::DoubleNear(6, 1e-6)));
}

TEST(CameraTest, ADamagedFileIsGoneAndEndedUnlessItLoops) {
  for (const bool loop : {false, true}) {
    VirtualClock clock;
    Journal log(clock);
    CameraSettings settings = Settings();
    settings.loop = loop;
    auto acts = Pictures(2, 10);
    acts.push_back(Error{ErrorCode::kFailed, "clip.mp4: is truncated"});
    const auto open = [&](const std::stop_token&) -> Result<std::unique_ptr<Source>> {
      return std::unique_ptr<Source>(std::make_unique<ScriptedSource>(Pictures(1, 10)));
    };
    {
      Camera camera(settings, 1, std::make_unique<ScriptedSource>(std::move(acts)), clock,
                    log.Callbacks(), open);
      camera.Start(0);
      log.WaitForEnd();
    }
    if (loop) {
      EXPECT_THAT(log.events, ElementsAre("gone: clip.mp4: is truncated", "back", "ended"));
    } else {
      EXPECT_THAT(log.events, ElementsAre("gone: clip.mp4: is truncated", "ended"));
    }
  }
}

/// How long stopping and destroying take, in seconds.
double SecondsToStop(std::unique_ptr<Source> source, Camera::Opener open) {
  Journal log(MonotonicClock());
  auto camera = std::make_unique<Camera>(Settings(), 1, std::move(source), MonotonicClock(),
                                         log.Callbacks(), std::move(open));
  camera->Start(MonotonicClock().Now());
  MonotonicClock().SleepUntil(MonotonicClock().Now() + 0.1);
  const double start = MonotonicClock().Now();
  camera->Stop();
  camera.reset();
  return MonotonicClock().Now() - start;
}

TEST(CameraTest, StopsAtOnceWhateverItWaitsFor) {
  const auto never = [](const std::stop_token&) -> Result<std::unique_ptr<Source>> {
    return Error{ErrorCode::kUnavailable, "no answer"};
  };
  // A picture that is due in an hour, a silent network camera, a pause before opening again. The
  // bound leaves room for a busy machine.
  EXPECT_LT(SecondsToStop(std::make_unique<ScriptedSource>(std::deque<Act>{Picture{3600}}), never),
            0.5);
  EXPECT_LT(SecondsToStop(std::make_unique<SilentSource>(), never), 0.5);
  EXPECT_LT(SecondsToStop(nullptr, never), 0.5);
  const auto silent = [](const std::stop_token&) -> Result<std::unique_ptr<Source>> {
    return std::unique_ptr<Source>(std::make_unique<SilentSource>());
  };
  EXPECT_LT(SecondsToStop(nullptr, silent), 0.5);
}

TEST(CameraTest, WaitingCostsNoProcessorTime) {
  class CountingClock : public Clock {
   public:
    double Now() const override { return MonotonicClock().Now(); }
    void SleepUntil(double time) override {
      ++sleeps;
      MonotonicClock().SleepUntil(time);
    }
    std::atomic<int> sleeps{0};
  };
  CountingClock clock;
  Journal log(clock);
  Camera camera(Settings(), 1, std::make_unique<ScriptedSource>(std::deque<Act>{Picture{3600}}),
                clock, log.Callbacks());
  camera.Start(clock.Now());
  MonotonicClock().SleepUntil(MonotonicClock().Now() + 0.4);
  camera.Stop();
  EXPECT_GE(clock.sleeps, 1);
  EXPECT_LE(clock.sleeps, 15);
}

TEST(CameraTest, StopMayBeCalledFromACallback) {
  VirtualClock clock;
  int frames = 0;
  Camera* playing = nullptr;
  std::atomic<bool> ended{false};
  Camera::Callbacks callbacks;
  callbacks.frame = [&](const FramePtr&) {
    if (++frames == 3) playing->Stop();
  };
  callbacks.ended = [&] { ended = true; };
  auto camera = std::make_unique<Camera>(
      Settings(), 1, std::make_unique<ScriptedSource>(Pictures(100, 10)), clock, callbacks);
  playing = camera.get();
  camera->Start(0);
  const double start = MonotonicClock().Now();
  while (MonotonicClock().Now() < start + 0.1) MonotonicClock().SleepUntil(start + 0.1);
  camera.reset();
  EXPECT_EQ(frames, 3);
  EXPECT_FALSE(ended);
}

}  // namespace
}  // namespace ekya::camera
