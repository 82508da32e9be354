#pragma once

#include <grpcpp/channel.h>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "run/processes/spawner.h"

namespace ekya::processes {

/// What happened to a worker, for the registry: "worker started", "worker died: signal 9 (Killed)".
using EventHook = std::function<void(const std::string& kind, const std::string& detail)>;

/// One worker process that is kept alive: started, asked for its pulse, ended when it does not
/// answer, started again within a budget (5 times in 60 s at once, then with growing pauses). Its
/// calls fail with kUnavailable while it is away.
class Supervised {
 public:
  struct Hooks {
    /// The worker answers again: brings it to where the last one was. A failure ends it, and it is
    /// started again. From the supervising thread.
    std::function<Status(const std::shared_ptr<grpc::Channel>&)> ready;
    /// Asks for the pulse; a failure ends it. As above.
    std::function<Status(const std::shared_ptr<grpc::Channel>&)> pulse;
    /// It has ended, as waitpid says.
    std::function<void(int status)> ended = [](int) {};
    /// The part of the device, (0, 1], that it begins with; what a change later cannot lift.
    std::function<double()> share = [] { return 1.0; };
    EventHook event = [](const std::string&, const std::string&) {};
    std::function<double()> seconds_between_pulses = [] { return 0.5; };
  };

  /// What a worker is started as, and by whom; outlives this.
  struct Command {
    Spawner& spawner;
    std::vector<std::string> arguments;  ///< Without its socket.
    std::filesystem::path folder;        ///< Of its socket.
    std::string device = "cpu:0";        ///< That it computes on: says what its environment has.
  };
  /// `name`: in messages.
  Supervised(std::string name, Command command, Hooks hooks);
  /// Asks the worker to end, and kills it where it does not.
  ~Supervised();
  Supervised(const Supervised&) = delete;
  Supervised& operator=(const Supervised&) = delete;

  /// The way to the worker; null while it is away. Any thread.
  std::shared_ptr<grpc::Channel> channel() const;
  /// Waits until it answers, `seconds` at most: kUnavailable. Any thread.
  Result<std::shared_ptr<grpc::Channel>> WaitForChannel(double seconds) const;
  /// Process id; 0 while it is away. Any thread.
  pid_t id() const;
  const std::string& name() const { return name_; }
  /// Ends the worker as if it had not answered: it is started again. Any thread.
  void Restart() const;

 private:
  void Run();
  /// From the start of one process to its end; false: this object ends.
  bool Live(int generation);
  /// Waits; false: this object ends.
  bool Pause(double seconds);

  const std::string name_;
  const Command command_;
  const Hooks hooks_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // Guarded by mutex_.
  bool stopping_ = false;
  std::shared_ptr<grpc::Channel> channel_;
  pid_t id_ = 0;

  std::thread thread_;  // last: begins with everything else in place
};

}  // namespace ekya::processes
