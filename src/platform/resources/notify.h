#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace ekya::resources {

/// Tells the service supervisor of the box (systemd, or whatever set NOTIFY_SOCKET) how this
/// process is: the sd_notify protocol, datagrams of lines `KEY=value`. Does nothing where no
/// supervisor asked. Members may be called from any thread; none of them waits.
class ServiceNotifier {
 public:
  /// What the environment says: NOTIFY_SOCKET (a path, or "@name" in the abstract namespace),
  /// WATCHDOG_USEC and WATCHDOG_PID. Removes the three, so that worker processes do not speak for
  /// this one: call it once, before there are threads. kInvalid where one of them is malformed;
  /// nobody is told anything then.
  static Result<ServiceNotifier> FromEnvironment();
  /// Tells nobody.
  ServiceNotifier() = default;
  /// `socket` as NOTIFY_SOCKET; empty: tells nobody. `watchdog_seconds` 0: nobody watches.
  ServiceNotifier(std::string socket, double watchdog_seconds)
      : socket_(std::move(socket)), watchdog_seconds_(watchdog_seconds) {}
  ServiceNotifier(ServiceNotifier&& other) noexcept;
  ServiceNotifier& operator=(ServiceNotifier&& other) noexcept;

  /// Serving has begun.
  Status Ready() const { return Send("READY=1"); }
  /// Draining has begun. The supervisor kills at its own time limit.
  Status Stopping() const { return Send("STOPPING=1"); }
  /// One line for `systemctl status`; line breaks in `text` become spaces.
  Status Say(std::string_view text) const;
  /// Draining goes on and takes at most `seconds` more.
  Status ExtendTimeout(double seconds) const;
  /// The loop that matters has come round at `now` (seconds of a clock that does not go back).
  /// Sends at most once in a quarter of the time that is watched, so that a loop may call it each
  /// round. To be called from that loop, never from a thread of its own: that one would live on
  /// where the loop hangs.
  Status Alive(double now);

  /// Without a sign of life for so long the supervisor kills and restarts; 0: nobody watches.
  double watchdog_seconds() const { return watchdog_seconds_; }
  bool told() const { return !socket_.empty(); }

 private:
  Status Send(const std::string& message) const;

  std::string socket_;
  double watchdog_seconds_ = 0;
  std::atomic<double> alive_ = -1e300;  // When Alive sent last.
};

/// The address in `socket` (as NOTIFY_SOCKET) is one that can be sent to.
Status CheckNotifySocket(const std::string& socket);

}  // namespace ekya::resources
