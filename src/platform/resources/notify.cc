#include "platform/resources/notify.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

namespace ekya::resources {
namespace {

constexpr double kMostWatchdogSeconds = 366 * 86400.0;

/// The variable, which is then no more; absent: it was not set, or to nothing.
std::optional<std::string> TakeVariable(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string text = value;
  ::unsetenv(name);
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

Result<std::uint64_t> NumberOf(const char* name, const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() || number == 0) {
    return Error{
        ErrorCode::kInvalid,
        fmt::format("environment: {}: found \"{}\", expected a positive number", name, text)};
  }
  return number;
}

}  // namespace

Status CheckNotifySocket(const std::string& socket) {
  if (socket.size() < 2 || (socket[0] != '/' && socket[0] != '@')) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("environment: NOTIFY_SOCKET: found \"{}\", expected a path from / or "
                             "@ and a name",
                             socket)};
  }
  // A path needs room for the zero that ends it; an abstract name does not.
  const std::size_t most = sizeof(sockaddr_un::sun_path) - (socket[0] == '/' ? 1 : 0);
  if (socket.size() > most) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("environment: NOTIFY_SOCKET: found {} characters, expected at most {}",
                             socket.size(), most)};
  }
  return {};
}

Result<ServiceNotifier> ServiceNotifier::FromEnvironment() {
  const auto socket = TakeVariable("NOTIFY_SOCKET");
  const auto watched = TakeVariable("WATCHDOG_USEC");
  const auto process = TakeVariable("WATCHDOG_PID");
  if (!socket) return ServiceNotifier();
  EKYA_RETURN_IF_ERROR(CheckNotifySocket(*socket));
  double seconds = 0;
  if (watched) {
    EKYA_ASSIGN(const std::uint64_t microseconds, NumberOf("WATCHDOG_USEC", *watched));
    seconds = 1e-6 * static_cast<double>(microseconds);
    if (seconds > kMostWatchdogSeconds) seconds = 0;  // systemd's "infinity".
  }
  if (process) {
    EKYA_ASSIGN(const std::uint64_t watched_process, NumberOf("WATCHDOG_PID", *process));
    if (watched_process != static_cast<std::uint64_t>(::getpid())) seconds = 0;
  }
  return ServiceNotifier(*socket, seconds);
}

ServiceNotifier::ServiceNotifier(ServiceNotifier&& other) noexcept
    : socket_(std::move(other.socket_)),
      watchdog_seconds_(other.watchdog_seconds_),
      alive_(other.alive_.load()) {}

ServiceNotifier& ServiceNotifier::operator=(ServiceNotifier&& other) noexcept {
  socket_ = std::move(other.socket_);
  watchdog_seconds_ = other.watchdog_seconds_;
  alive_ = other.alive_.load();
  return *this;
}

Status ServiceNotifier::Say(std::string_view text) const {
  std::string line = "STATUS=" + std::string(text);
  std::ranges::replace_if(
      line, [](char c) { return c == '\n' || c == '\r' || c == '\0'; }, ' ');
  return Send(line);
}

Status ServiceNotifier::ExtendTimeout(double seconds) const {
  return Send(fmt::format("EXTEND_TIMEOUT_USEC={}", std::llround(std::max(0.0, seconds) * 1e6)));
}

Status ServiceNotifier::Alive(double now) {
  if (watchdog_seconds_ <= 0) return {};
  double last = alive_;
  if (now - last < watchdog_seconds_ / 4) return {};
  if (!alive_.compare_exchange_strong(last, now)) return {};  // Another thread just has.
  Status sent = Send("WATCHDOG=1");
  if (!sent.ok()) alive_ = -1e300;  // The next round tries again.
  return sent;
}

Status ServiceNotifier::Send(const std::string& message) const {
  if (socket_.empty()) return {};
  EKYA_RETURN_IF_ERROR(CheckNotifySocket(socket_));
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) {
    return Error{ErrorCode::kFailed,
                 fmt::format("{}: cannot make a socket: {}", socket_, std::strerror(errno))};
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  std::size_t length = offsetof(sockaddr_un, sun_path) + socket_.size();
  if (socket_[0] == '@') {
    address.sun_path[0] = '\0';  // The abstract namespace: the name has no end but its length.
  } else {
    ++length;
  }
  ssize_t sent = 0;
  do {
    sent = ::sendto(descriptor, message.data(), message.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length));
  } while (sent < 0 && errno == EINTR);
  const int number = errno;
  ::close(descriptor);
  if (sent != static_cast<ssize_t>(message.size())) {
    return Error{ErrorCode::kUnavailable, fmt::format("{}: cannot tell \"{}\": {}", socket_,
                                                      message, std::strerror(number))};
  }
  return {};
}

}  // namespace ekya::resources
