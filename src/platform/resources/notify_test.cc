#include "platform/resources/notify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

namespace ekya::resources {
namespace {

using testing::HasSubstr;

/// The supervisor's end.
class Supervisor {
 public:
  explicit Supervisor(const std::string& socket) : name_(socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket.data(), socket.size());
    if (socket[0] == '@') address.sun_path[0] = '\0';
    descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const auto length = offsetof(sockaddr_un, sun_path) + socket.size() + (socket[0] == '/');
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(length)),
              0)
        << std::strerror(errno);
  }
  ~Supervisor() {
    ::close(descriptor_);
    if (name_[0] == '/') ::unlink(name_.c_str());
  }

  /// The next message; "" where there is none.
  std::string Heard() const {
    char text[512];
    const ssize_t got = ::recv(descriptor_, text, sizeof text, 0);
    return got > 0 ? std::string(text, static_cast<std::size_t>(got)) : "";
  }

 private:
  const std::string name_;
  int descriptor_ = -1;
};

class NotifyTest : public testing::Test {
 protected:
  NotifyTest() { Clear(); }
  ~NotifyTest() override { Clear(); }
  static void Clear() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }
  static void Set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
  /// Of this process alone.
  const std::string name_ = "ekya-notify-" + std::to_string(::getpid());
};

TEST_F(NotifyTest, SpeaksThroughAPath) {
  const std::string path = (std::filesystem::temp_directory_path() / name_).string();
  const Supervisor supervisor(path);
  Set("NOTIFY_SOCKET", path);
  auto notifier = ServiceNotifier::FromEnvironment();
  ASSERT_TRUE(notifier.ok()) << notifier.error().message;
  EXPECT_TRUE(notifier->told());
  EXPECT_TRUE(notifier->Ready().ok());
  EXPECT_EQ(supervisor.Heard(), "READY=1");
  EXPECT_TRUE(notifier->Say("window 7,\n3 streams").ok());
  EXPECT_EQ(supervisor.Heard(), "STATUS=window 7, 3 streams");
  EXPECT_TRUE(notifier->Stopping().ok());
  EXPECT_EQ(supervisor.Heard(), "STOPPING=1");
  EXPECT_TRUE(notifier->ExtendTimeout(2.5).ok());
  EXPECT_EQ(supervisor.Heard(), "EXTEND_TIMEOUT_USEC=2500000");
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr) << "workers must not speak for their parent";
}

TEST_F(NotifyTest, SpeaksThroughAnAbstractName) {
  const Supervisor supervisor("@" + name_);
  const ServiceNotifier notifier("@" + name_, 0);
  EXPECT_TRUE(notifier.Ready().ok());
  EXPECT_EQ(supervisor.Heard(), "READY=1");
}

TEST_F(NotifyTest, TheWatchdogIsFedFourTimesAsOftenAsItAsks) {
  const Supervisor supervisor("@" + name_);
  Set("NOTIFY_SOCKET", "@" + name_);
  Set("WATCHDOG_USEC", "20000000");
  Set("WATCHDOG_PID", std::to_string(::getpid()));
  auto notifier = ServiceNotifier::FromEnvironment();
  ASSERT_TRUE(notifier.ok()) << notifier.error().message;
  EXPECT_DOUBLE_EQ(notifier->watchdog_seconds(), 20);
  int fed = 0;
  for (int i = 0; i < 2000; ++i) {  // 20 s of a loop that comes round every 10 ms.
    EXPECT_TRUE(notifier->Alive(1000 + 0.01 * i).ok());
    if (supervisor.Heard() == "WATCHDOG=1") ++fed;
  }
  EXPECT_EQ(fed, 4);
}

TEST_F(NotifyTest, AnotherProcessesWatchdogIsNotFed) {
  const Supervisor supervisor("@" + name_);
  Set("NOTIFY_SOCKET", "@" + name_);
  Set("WATCHDOG_USEC", "1000000");
  Set("WATCHDOG_PID", std::to_string(::getppid()));
  auto notifier = ServiceNotifier::FromEnvironment();
  ASSERT_TRUE(notifier.ok());
  EXPECT_EQ(notifier->watchdog_seconds(), 0);
  EXPECT_TRUE(notifier->Alive(1).ok());
  EXPECT_EQ(supervisor.Heard(), "");
  EXPECT_TRUE(notifier->Ready().ok());
  EXPECT_EQ(supervisor.Heard(), "READY=1");
}

TEST_F(NotifyTest, NobodyIsToldWhereNobodyAsked) {
  Set("WATCHDOG_USEC", "1000000");
  auto notifier = ServiceNotifier::FromEnvironment();
  ASSERT_TRUE(notifier.ok());
  EXPECT_FALSE(notifier->told());
  EXPECT_EQ(notifier->watchdog_seconds(), 0);
  EXPECT_TRUE(notifier->Ready().ok());
  EXPECT_TRUE(notifier->Alive(5).ok());
}

TEST_F(NotifyTest, ASupervisorThatIsGoneIsAnErrorAndTriedAgain) {
  ServiceNotifier notifier("@" + name_, 8);
  const Status lost = notifier.Alive(100);
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(lost.error().message, HasSubstr(name_));
  const Supervisor supervisor("@" + name_);
  EXPECT_TRUE(notifier.Alive(100.1).ok());
  EXPECT_EQ(supervisor.Heard(), "WATCHDOG=1");
}

TEST_F(NotifyTest, RefusesWhatIsMalformed) {
  for (const std::string socket : {"relative", "@", "vsock:2:1234", "/"}) {
    Set("NOTIFY_SOCKET", socket);
    const auto notifier = ServiceNotifier::FromEnvironment();
    ASSERT_FALSE(notifier.ok()) << socket;
    EXPECT_THAT(notifier.error().message, HasSubstr("NOTIFY_SOCKET: found \"" + socket));
  }
  Set("NOTIFY_SOCKET", "/" + std::string(200, 'a'));
  EXPECT_FALSE(ServiceNotifier::FromEnvironment().ok());
  for (const char* text : {"0", "-1", "1s", "99999999999999999999999"}) {
    Set("NOTIFY_SOCKET", "@" + name_);
    Set("WATCHDOG_USEC", text);
    const auto notifier = ServiceNotifier::FromEnvironment();
    ASSERT_FALSE(notifier.ok()) << text;
    EXPECT_THAT(notifier.error().message, HasSubstr("WATCHDOG_USEC"));
  }
}

}  // namespace
}  // namespace ekya::resources
