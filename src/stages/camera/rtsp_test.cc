// A camera on the network: tests/rtsp_server.py serves a clip on loopback and is stopped, continued
// and ended here.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "stages/camera/camera.h"
#include "stages/camera/internal/picture_fixture.h"

extern char** environ;

namespace ekya::camera {
namespace {

using testing::HasSubstr;

/// The test server as a process of ours.
class RtspServer {
 public:
  /// `port` 0: any free one.
  RtspServer(const std::string& clip, int port) {
    // A Python of the user's own may come first in PATH and lack GStreamer's modules.
    for (const std::string python : {"/usr/bin/python3", "python3"}) {
      Launch(python, clip, port);
      if (port_ > 0) return;
      End();
    }
  }
  ~RtspServer() { End(); }
  RtspServer(const RtspServer&) = delete;
  RtspServer& operator=(const RtspServer&) = delete;

  bool running() const { return port_ > 0; }
  int port() const { return port_; }
  void Signal(int signal) const { kill(process_, signal); }
  void End() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = -1;
  }

 private:
  void Launch(const std::string& python, const std::string& clip, int port) {
    int pipes[2];
    ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
    const std::string script = std::string(EKYA_SOURCE_DIR) + "/tests/rtsp_server.py";
    const std::string number = std::to_string(port);
    std::string arguments[] = {python, script, clip, number};
    char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(),
                    arguments[3].data(), nullptr};
    if (posix_spawnp(&process_, python.c_str(), &actions, nullptr, argv, environ) != 0) {
      process_ = -1;
    }
    posix_spawn_file_actions_destroy(&actions);
    close(pipes[1]);
    std::string line;
    char c = 0;
    while (process_ > 0 && read(pipes[0], &c, 1) == 1 && c != '\n') line += c;
    close(pipes[0]);
    port_ = line.empty() ? 0 : std::atoi(line.c_str());
  }

  pid_t process_ = -1;
  int port_ = 0;
};

/// What a camera reports, to wait for.
class Reports {
 public:
  Camera::Callbacks Callbacks() {
    return {.frame =
                [this](FramePtr frame) {
                  std::lock_guard lock(mutex_);
                  frames_.push_back(std::move(frame));
                  changed_.notify_all();
                },
            .gone = [this](const std::string& reason) { Event("gone: " + reason); },
            .back = [this] { Event("back"); },
            .ended = [this] { Event("ended"); }};
  }
  bool WaitForFrames(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return frames_.size() >= count; });
  }
  bool WaitForEvents(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return events_.size() >= count; });
  }
  std::vector<FramePtr> frames() {
    std::lock_guard lock(mutex_);
    return frames_;
  }
  std::vector<std::string> events() {
    std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  static constexpr std::chrono::seconds kPatience{30};
  void Event(const std::string& event) {
    std::lock_guard lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<FramePtr> frames_;
  std::vector<std::string> events_;
};

class RtspTest : public testing::Test {
 protected:
  RtspTest()
      : clip_(testing::TempDir() + "/rtsp_" + std::to_string(getpid()) + "_" +
              testing::UnitTest::GetInstance()->current_test_info()->name() + ".mp4") {
    WriteClip(clip_, 96, 64, 20 * 120, 20);
    settings_.id = "gate";
    settings_.stall_seconds = 1;
  }
  ~RtspTest() override { std::filesystem::remove(clip_); }

  void Point(int port) {
    settings_.url = "rtsp://watcher:pa55word@127.0.0.1:" + std::to_string(port) + "/clip";
  }

  const std::string clip_;
  CameraSettings settings_;
};

#define EKYA_NEED_SERVER(server) \
  if (!(server).running()) GTEST_SKIP() << "GStreamer's RTSP server for Python is not installed."

TEST_F(RtspTest, FramesComeAsTheCameraSendsThem) {
  RtspServer server(clip_, 0);
  EKYA_NEED_SERVER(server);
  Point(server.port());
  settings_.stall_seconds = 10;
  auto source = OpenSource(settings_, 1);
  ASSERT_TRUE(source.ok()) << source.error().message;
  EXPECT_TRUE((*source)->info().live);
  EXPECT_EQ((*source)->info().width, 96);
  Reports reports;
  Camera camera(settings_, 1, std::move(*source), MonotonicClock(), reports.Callbacks());
  camera.Start(MonotonicClock().Now());
  ASSERT_TRUE(reports.WaitForFrames(40));
  const auto frames = reports.frames();
  for (std::size_t i = 1; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i]->index, static_cast<std::int64_t>(i));
    EXPECT_GE(frames[i]->time_seconds, frames[i - 1]->time_seconds);
    EXPECT_EQ(frames[i]->image.width, 96);
  }
  // 39 intervals at 20 a second; the first frames may come at once.
  EXPECT_GT(frames[39]->time_seconds - frames[0]->time_seconds, 0.5);
  EXPECT_TRUE(reports.events().empty());
}

TEST_F(RtspTest, OfAFastCameraNoMoreFramesAreTakenThanAskedFor) {
  RtspServer server(clip_, 0);
  EKYA_NEED_SERVER(server);
  Point(server.port());
  settings_.stall_seconds = 10;
  settings_.frames_per_second = 5;  // of 20
  auto source = OpenSource(settings_, 1);
  ASSERT_TRUE(source.ok()) << source.error().message;
  EXPECT_DOUBLE_EQ((*source)->info().frames_per_second, 5);
  Reports reports;
  Camera camera(settings_, 1, std::move(*source), MonotonicClock(), reports.Callbacks());
  camera.Start(MonotonicClock().Now());
  ASSERT_TRUE(reports.WaitForFrames(12));
  const auto frames = reports.frames();
  // 11 intervals of 0.2 s, of which a burst at the start or after a pause may save one.
  EXPECT_GT(frames[11]->time_seconds - frames[0]->time_seconds, 9.5 * 0.2);
}

TEST_F(RtspTest, ASilentCameraIsGoneAndComesBack) {
  RtspServer server(clip_, 0);
  EKYA_NEED_SERVER(server);
  Point(server.port());
  settings_.stall_seconds = 3;
  auto source = OpenSource(settings_, 1);
  ASSERT_TRUE(source.ok()) << source.error().message;
  Reports reports;
  Camera camera(settings_, 1, std::move(*source), MonotonicClock(), reports.Callbacks());
  camera.Start(MonotonicClock().Now());
  ASSERT_TRUE(reports.WaitForFrames(10));
  const double start = MonotonicClock().Now();
  server.Signal(SIGSTOP);
  ASSERT_TRUE(reports.WaitForEvents(1));
  EXPECT_GT(MonotonicClock().Now() - start, 1.5);
  EXPECT_THAT(reports.events()[0], HasSubstr("gone: camera gate: rtsp://***@127.0.0.1"));
  EXPECT_THAT(reports.events()[0], HasSubstr("no frame for 3 s"));
  EXPECT_THAT(reports.events()[0], Not(HasSubstr("pa55word")));
  const auto before = reports.frames();
  server.Signal(SIGCONT);
  ASSERT_TRUE(reports.WaitForEvents(2));
  EXPECT_EQ(reports.events()[1], "back");
  ASSERT_TRUE(reports.WaitForFrames(before.size() + 10));
  const auto frames = reports.frames();
  EXPECT_EQ(frames[before.size()]->index, static_cast<std::int64_t>(before.size()));
  EXPECT_GT(frames[before.size()]->time_seconds, before.back()->time_seconds + 1.5);
}

TEST_F(RtspTest, ACameraThatEndsIsGoneAndComesBack) {
  auto server = std::make_unique<RtspServer>(clip_, 0);
  EKYA_NEED_SERVER(*server);
  const int port = server->port();
  Point(port);
  settings_.stall_seconds = 10;
  auto source = OpenSource(settings_, 1);
  ASSERT_TRUE(source.ok()) << source.error().message;
  Reports reports;
  Camera camera(settings_, 1, std::move(*source), MonotonicClock(), reports.Callbacks());
  camera.Start(MonotonicClock().Now());
  ASSERT_TRUE(reports.WaitForFrames(10));
  server->End();
  ASSERT_TRUE(reports.WaitForEvents(1));
  EXPECT_THAT(reports.events()[0], HasSubstr("gone: camera gate: rtsp://***@127.0.0.1"));
  server = std::make_unique<RtspServer>(clip_, port);
  ASSERT_TRUE(server->running());
  ASSERT_TRUE(reports.WaitForEvents(2));
  EXPECT_EQ(reports.events()[1], "back");
}

TEST_F(RtspTest, StopsAtOnceWhileACameraIsSilent) {
  RtspServer server(clip_, 0);
  EKYA_NEED_SERVER(server);
  Point(server.port());
  settings_.stall_seconds = 60;
  auto source = OpenSource(settings_, 1);
  ASSERT_TRUE(source.ok()) << source.error().message;
  Reports reports;
  auto camera = std::make_unique<Camera>(settings_, 1, std::move(*source), MonotonicClock(),
                                         reports.Callbacks());
  camera->Start(MonotonicClock().Now());
  ASSERT_TRUE(reports.WaitForFrames(5));
  server.Signal(SIGSTOP);
  MonotonicClock().SleepUntil(MonotonicClock().Now() + 1);  // what was on its way has come
  const std::size_t before = reports.frames().size();
  const double start = MonotonicClock().Now();
  camera->Stop();
  camera.reset();
  EXPECT_LT(MonotonicClock().Now() - start, 1);
  EXPECT_LE(reports.frames().size(), before + 1);
  EXPECT_TRUE(reports.events().empty());
}

TEST_F(RtspTest, AnAddressWithoutACameraIsUnavailable) {
  Point(1);
  const auto source = OpenSource(settings_, 1);
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(source.error().message, HasSubstr("camera gate: rtsp://***@127.0.0.1:1/clip"));
  EXPECT_THAT(source.error().message, Not(HasSubstr("pa55word")));

  settings_.stall_seconds = 0;
  const auto senseless = OpenSource(settings_, 1);
  ASSERT_FALSE(senseless.ok());
  EXPECT_THAT(senseless.error().message, HasSubstr("stall_seconds: found 0"));
}

}  // namespace
}  // namespace ekya::camera
