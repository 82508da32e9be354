#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace ekya::processes {

/// A child process that this one started and looks after. It is killed with its owner: when this
/// object ends, and, for programs that call DieWithParent, when this process does.
class Process {
 public:
  /// Starts `program` with `arguments` (the first is its name) and this process's environment, but
  /// for the variables in `environment`. kFailed says why not. The calling thread's end counts as
  /// this process's end for DieWithParent: start from one that stays.
  static Result<Process> Start(const std::string& program,
                               const std::vector<std::string>& arguments,
                               const std::map<std::string, std::string>& environment = {});
  /// Kills it and waits.
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;

  pid_t id() const { return id_; }
  void Signal(int number) const;
  /// Returns once it has ended, `seconds` later at the latest; how it ended, or nothing.
  std::optional<int> Wait(double seconds);
  /// Whether somebody has stopped it (SIGSTOP); one that is looked at by a debugger does not count.
  bool Stopped() const;

 private:
  Process(pid_t id, int handle) : id_(id), handle_(handle) {}

  pid_t id_;
  int handle_;                // its pidfd; -1: there is none, and Wait looks again and again
  std::optional<int> ended_;  // as waitpid has it
};

/// "signal 9 (Killed)", "exit status 1": what waitpid's status says, for people.
std::string Describe(int status);

/// Whether a process that ended so has broken down by itself: an illegal access, an abort, a status
/// of its own. One that was killed has not.
bool BrokeDown(int status);

/// For a child: it is killed when the thread that started it ends, however that comes; at once
/// where `parent` is not its parent any more.
void DieWithParent(pid_t parent);

}  // namespace ekya::processes
