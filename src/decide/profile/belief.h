#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/configuration.h"

namespace ekya::profile {

/// How far a model was trained: what its accuracy is believed to depend on.
struct TrainingState {
  int trained_stages = 0;
  double work = 0;  ///< Effective epochs over all samples; 0: the model that serves.
};

/// The state that a whole retraining under `configuration` ends in.
TrainingState StateAfter(const RetrainingConfiguration& configuration);

/// What an accuracy is made of, as standard deviations (0..1) around nothing in common. A Gaussian
/// process (Rasmussen and Williams 2006, chapter 2) of their sum: what was measured of one
/// configuration, window or stream tells about others as far as they share parts.
struct BeliefSettings {
  double stream = 0.2;          ///< Of a stream, in all its windows.
  double window = 0.05;          ///< Of a window, in all streams.
  double stream_window = 0.06;   ///< Of a stream's window; fades over `memory`.
  double memory = 6;             ///< Windows over which levels fade.
  double gain = 0.03;            ///< Of training at all, everywhere.
  double stages = 0.02;          ///< Of the trained stages, everywhere.
  double stale = 0.05;           ///< Of the served model's lag in one window, before training.
  double stale_stages = 0.01;    ///< The same, as far as the trained stages leave it.
  double training = 0.015;       ///< Of one training: another seed would give another model.
  double drift = 0.015;           ///< Of held-out samples against the window's own, everywhere.
  double drift_window = 0.01;   ///< The same in one stream's window.
  double shared_sampling = 0.9;  ///< Part of the sampling variance that models judged on the
                                 ///< same samples have in common.
  double half_work = 5;          ///< Effective epochs that bring half of what training brings.
  std::size_t most = 120;        ///< Measurements that are kept; the oldest go first.
};

/// What is believed of the accuracies of all configurations, from everything that was measured. One
/// thread.
class Belief {
 public:
  explicit Belief(BeliefSettings settings = {}) : settings_(settings) {}

  /// A model of `stream`, which serves in `window` (`state`: what was trained in it), was right on
  /// `accuracy` of `samples` labelled samples of that window.
  void Judged(const std::string& stream, int window, TrainingState state, double accuracy,
              int samples);
  /// The same on samples held out of what `window` was trained on, which are the same for all of
  /// one stream and window.
  void HeldOut(const std::string& stream, int window, TrainingState state, double accuracy,
               int samples);

  struct Accuracy {
    double mean = 0;    ///< 0..1.
    double spread = 0;  ///< Standard deviation.
  };
  /// What models of `stream` trained to `states` in `window` would be right on.
  std::vector<Accuracy> For(const std::string& stream, int window,
                            const std::vector<TrainingState>& states) const;

 private:
  struct Measurement {
    std::string stream;
    int window = 0;
    TrainingState state;
    bool held_out = false;
    double accuracy = 0;
    double samples = 0;
  };

  void Add(Measurement measurement);
  double Shared(const Measurement& a, const Measurement& b) const;
  double Sampling(const Measurement& a) const;

  BeliefSettings settings_;
  std::vector<Measurement> measurements_;
};

}  // namespace ekya::profile
