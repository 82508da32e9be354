#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "run/processes/process.h"

namespace ekya::processes {

/// Starts processes from one thread, for others. Children die with the thread that started them
/// (DieWithParent), and begin in its control group: this one stays, and stays where it began.
class Spawner {
 public:
  Spawner();
  /// Every process that it started is to have ended.
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  /// As Process::Start. Any thread.
  Result<Process> Start(const std::string& program, const std::vector<std::string>& arguments,
                        const std::map<std::string, std::string>& environment = {});

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool stopping_ = false;
  std::vector<std::function<void()>> requests_;

  std::thread thread_;  // last: begins with everything else in place
};

}  // namespace ekya::processes
