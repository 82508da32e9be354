#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "decide/profile/trial.h"
#include "platform/models/learning_model.h"

namespace ekya::workers {

/// The models that a window's trials have made, for the retrainings that go on from them: what a
/// trial has learned is not learned again. Any thread.
class TrialModels {
 public:
  /// A model to go on from.
  struct Start {
    std::unique_ptr<models::LearningModel> model;
    int epochs_left = 0;  ///< Whole epochs; 0: the trial was the whole training.
  };

  /// `epochs`: how many `trial` has trained `model`.
  void Keep(const std::string& stream, profile::Trial trial, int epochs,
            std::unique_ptr<models::LearningModel> model);
  /// The model of the trial that speaks for `configuration` of `stream`, which is then gone; none
  /// where there was no such trial.
  std::optional<Start> Take(const std::string& stream,
                            const RetrainingConfiguration& configuration);
  /// Forgets the last window's.
  void Clear();

 private:
  struct Kept {
    std::string stream;
    profile::Trial trial;
    int epochs;
    std::unique_ptr<models::LearningModel> model;
  };

  std::mutex mutex_;
  std::vector<Kept> kept_;  // guarded by mutex_
};

}  // namespace ekya::workers
