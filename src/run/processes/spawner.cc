#include "run/processes/spawner.h"

#include <future>
#include <utility>

namespace ekya::processes {

Spawner::Spawner()
    : thread_([this] {
        std::unique_lock lock(mutex_);
        while (true) {
          changed_.wait(lock, [&] { return stopping_ || !requests_.empty(); });
          if (requests_.empty()) return;
          const auto requests = std::exchange(requests_, {});
          lock.unlock();
          for (const auto& request : requests) request();
          lock.lock();
        }
      }) {}

Spawner::~Spawner() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Result<Process> Spawner::Start(const std::string& program,
                               const std::vector<std::string>& arguments,
                               const std::map<std::string, std::string>& environment) {
  std::promise<Result<Process>> promise;
  auto started = promise.get_future();
  {
    const std::lock_guard lock(mutex_);
    requests_.emplace_back(
        [&] { promise.set_value(Process::Start(program, arguments, environment)); });
  }
  changed_.notify_all();
  return started.get();
}

}  // namespace ekya::processes
