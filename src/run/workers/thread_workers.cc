#include "run/workers/thread_workers.h"

#include "run/workers/learning_worker.h"
#include "run/workers/stream_worker.h"

namespace ekya::workers {
namespace {

class ThreadWorkers : public Workers {
 public:
  ThreadWorkers(const StreamPlace& streams, const LearningPlace& learning)
      : streams_(streams), learning_(learning) {}

  std::unique_ptr<StreamService> MakeStream(const CameraSettings& camera,
                                            const ModelSettings& model,
                                            const WorkerHooks&) override {
    return std::make_unique<StreamWorker>(camera, model, streams_);
  }
  std::unique_ptr<LearningService> MakeLearning(const std::string& name,
                                                const WorkerHooks&) override {
    return std::make_unique<LearningWorker>(name, learning_);
  }
  std::string mechanism() const override { return "workers are threads"; }

 private:
  const StreamPlace streams_;
  const LearningPlace learning_;
};

}  // namespace

std::unique_ptr<Workers> MakeThreadWorkers(const Site& site, std::uint64_t seed,
                                           const std::filesystem::path& out, Clock& clock,
                                           resources::ShareEnforcer& enforcer) {
  return std::make_unique<ThreadWorkers>(StreamPlace{site, seed, out, clock, enforcer},
                                         LearningPlace{site, seed, out, enforcer});
}

}  // namespace ekya::workers
