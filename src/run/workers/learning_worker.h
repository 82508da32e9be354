#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/site.h"
#include "platform/models/learning_model.h"
#include "platform/resources/share.h"
#include "run/workers/learner.h"
#include "run/workers/services.h"
#include "stages/labels/labeller.h"

namespace ekya::workers {

/// What a learning worker works with. Outlives it.
struct LearningPlace {
  const Site& site;
  std::uint64_t seed = 0;
  std::filesystem::path out;  ///< Streams' material is below it.
  resources::ShareEnforcer& enforcer;
};

/// LearningService in this process. Each job runs in a thread of its own that joins the worker's
/// share, one job at a time.
class LearningWorker : public LearningService {
 public:
  /// `name`: of its share.
  LearningWorker(const std::string& name, const LearningPlace& place);

  Status SetShare(double cores, int core) override;
  Result<WindowLabels> Label(const Pupil& pupil, int window, const std::string& frames) override;
  Result<TakenIn> Take(const Pupil& pupil, int window, const std::string& frames,
                       const std::vector<FrameLabel>& labels,
                       const std::optional<std::string>& served) override;
  Result<TrainingReport> Train(const TrainingJob& job) override;
  Result<PairedMeasure> Compare(const Pupil& pupil, int window, const std::string& served,
                                const std::string& candidate) override;
  void Cancel() override;
  void Release() override;
  LearningPulse Pulse() const override;

 private:
  using Checkpoint = std::function<bool()>;

  /// Runs `work` in a thread in the worker's share and waits for it. `work` gets the checkpoint.
  template <typename T>
  Result<T> Run(const std::function<Result<T>(const Checkpoint&)>& work);
  /// Where the box serves: keeps labelled frames for `ekya labels export`.
  void KeepForExport(const Pupil& pupil, int window, const std::vector<FramePtr>& frames,
                     const labels::Labeller::Round& round) const;
  /// Who labels for the stream: its task's golden model, opened when it is first asked, or truth.
  Result<labels::Labeller*> LabellerOf(const Pupil& pupil);
  /// The stream's learner; kept until another stream's is asked for.
  Result<OpenedLearner*> LearnerOf(const Pupil& pupil);
  /// The model saved as `weights`, where jobs compute; empty: the one that the stream opened with.
  Result<std::shared_ptr<const models::LearningModel>> Weights(const OpenedLearner& opened,
                                                               const Pupil& pupil,
                                                               const std::string& weights) const;
  Result<TrainingReport> TrainNow(const TrainingJob& job, const Checkpoint& checkpoint);
  CameraSettings CameraOf(const Pupil& pupil) const;

  const LearningPlace place_;
  const std::unique_ptr<resources::JobShare> share_;
  std::atomic<int> number_{-1};  // of the device, as SetShare takes it
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> released_{false};

  std::mutex job_mutex_;  // one job at a time
  // Guarded by job_mutex_.
  /// By task and classes: a golden model knows one task, and names classes by their places.
  std::map<std::pair<std::string, std::vector<std::string>>, std::unique_ptr<labels::Labeller>>
      labellers_;
  std::string pupil_;
  std::optional<OpenedLearner> opened_;

  mutable std::mutex pulse_mutex_;
  LearningPulse pulse_;  // guarded by pulse_mutex_; its cpu_seconds are the share's
};

}  // namespace ekya::workers
