#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "decide/profile/trial.h"

namespace ekya::workers {

/// The models that a window's trials have made, for the retrainings that go on from them: what a
/// trial has learned is not learned again. Any thread.
class TrialModels {
 public:
  /// A trial that has run, and the file that its model waits in.
  struct Kept {
    std::string stream;
    profile::Trial trial;
    profile::TrialResult result;  ///< Of all its epochs so far.
    std::string weights;
  };
  /// A model to go on from.
  struct Start {
    std::string weights;
    int epochs_left = 0;  ///< Whole epochs; 0: the trial was the whole training.
  };

  void Keep(Kept kept);
  /// The model of the trial that speaks for `configuration` of `stream`, which then is the
  /// caller's; none where there was no such trial.
  std::optional<Start> Take(const std::string& stream,
                            const RetrainingConfiguration& configuration);
  /// The trial of just this configuration, to be gone on with; taken out as by Take.
  std::optional<Kept> Resume(const std::string& stream, const profile::Trial& trial);
  /// Forgets the last window's, files and all.
  void Clear();

 private:
  std::mutex mutex_;
  std::vector<Kept> kept_;  // guarded by mutex_
};

}  // namespace ekya::workers
