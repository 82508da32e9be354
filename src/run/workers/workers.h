#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/site.h"
#include "run/workers/services.h"

namespace ekya::workers {

/// Whom a worker's fortunes are told. From threads of the worker's.
struct WorkerHooks {
  /// "worker died", "signal 9"; `stream` is empty for learning workers.
  std::function<void(const std::string& stream, const std::string& kind, const std::string& detail)>
      event = [](const std::string&, const std::string&, const std::string&) {};
  /// The model of `version` has broken the stream's worker twice, or cannot be read. The worker is
  /// away meanwhile.
  std::function<void(std::int64_t version, const std::string& why)> broken =
      [](std::int64_t, const std::string&) {};
};

/// Makes a run's workers.
class Workers {
 public:
  virtual ~Workers() = default;
  virtual std::unique_ptr<StreamService> MakeStream(const CameraSettings& camera,
                                                    const ModelSettings& model,
                                                    const WorkerHooks& hooks) = 0;
  /// `name`: of its share and in messages.
  virtual std::unique_ptr<LearningService> MakeLearning(const std::string& name,
                                                        const WorkerHooks& hooks) = 0;
  /// How workers run and how shares are enforced, for people.
  virtual std::string mechanism() const = 0;
};

/// Learning workers that wait for their next job, so that none begins with the start of a process.
/// Any thread.
class LearningPool {
 public:
  /// Keeps at most `idle` of them waiting, and has one at once. `workers` outlives this.
  LearningPool(Workers& workers, std::size_t idle, WorkerHooks hooks);

  std::unique_ptr<LearningService> Take();
  void Give(std::unique_ptr<LearningService> worker);

 private:
  Workers& workers_;
  const std::size_t most_idle_;
  const WorkerHooks hooks_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<std::unique_ptr<LearningService>> idle_;
  int made_ = 0;
};

}  // namespace ekya::workers
