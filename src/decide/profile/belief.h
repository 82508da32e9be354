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

/// A model of a stream, as far as its accuracy is believed to depend on it.
struct BelievedModel {
  std::string stream;
  int number = 0;  ///< Measurements of one model share what its training happened to give.
  /// When the samples were seen that it learned from, in windows: 2.5 is the middle of window 2.
  double learned_at = 0;
};

/// What a model was right on, or sure of, in a stretch of a window: some labelled samples, and the
/// scores of all that it looked at, labelled or not.
struct Sight {
  double time = 0;  ///< Of its middle, in windows.
  int labelled = 0;
  double accuracy = 0;  ///< On those, 0..1.
  int seen = 0;
  double mean_score = 0;       ///< Of the best class, 0..1.
  double score_deviation = 0;  ///< Standard deviation of one score.
};

/// Of labelled samples alone.
Sight LabelledSight(double time, double accuracy, int samples);

/// What an accuracy is made of, as standard deviations of its angle: the arc sine of its square
/// root, in which few samples scatter alike wherever it is. A Gaussian process (Rasmussen
/// and Williams 2006, chapter 2) of their sum, in time: what was measured of one model, time or
/// stream tells about others as far as they share parts. Times are in windows.
struct BeliefSettings {
  double stream = 0.04;       ///< Of a stream, at all times.
  double level = 0.15;        ///< Of a stream's difficulty, which moves.
  double level_memory = 2;    ///< How fast (a Matern process of order 3/2).
  double rate = 0.06;         ///< What a model loses with each window that its samples are old.
  double rate_spread = 0.15;  ///< How much that differs between streams and times.
  double rate_memory = 2;
  double training = 0.02;         ///< Of one training: another seed would give another model.
  double sure_stream = 0.03;      ///< How much scores say too much or little, in a stream.
  double sure_model = 0.05;       ///< The same of one model.
  double flattery = 0.06;         ///< How much held-out samples say too much, in a stream.
  double alike = 1.3;             ///< Samples of a stream that tell as much as an independent one.
  double shared_sampling = 0.25;  ///< Part of the sampling variance that models measured on the
                                  ///< same samples have in common.
  double half_work = 4;           ///< Effective epochs that bring half of what training brings.
  double head = 0.3;              ///< Part of it that training the last stage alone brings.
  std::size_t most = 320;         ///< Measurements that are kept; the oldest quarter goes at once.
};

/// What is believed of the accuracies of models, from everything that was measured. One thread.
class Belief {
 public:
  explicit Belief(BeliefSettings settings = {}) : settings_(settings) {}

  /// `base`, trained to `state` on samples seen at `learned_at`, as a model of its own.
  BelievedModel Trained(const BelievedModel& base, TrainingState state, double learned_at) const;

  /// `model` was right on `accuracy` of `samples` labelled samples at `time`. `group` >= 0: they
  /// are held-out samples, the same for all models of one group. Nonsense is passed over.
  void Right(const BelievedModel& model, double time, double accuracy, int samples, int group = -1);
  /// Everything that a sight tells.
  void Saw(const BelievedModel& model, const Sight& sight, int group = -1);

  struct Accuracy {
    double mean = 0;    ///< 0..1.
    double spread = 0;  ///< Standard deviation.
  };
  /// What `models` would be right on at `time`.
  std::vector<Accuracy> At(const std::vector<BelievedModel>& models, double time) const;

 private:
  struct Measurement {
    std::string stream;
    int model = 0;
    double time = 0;
    double age = 0;  // of what the model learned from
    bool of_scores = false;
    int group = -1;
    double value = 0;  // angle, less what is expected beforehand
    double noise = 0;  // variance
  };

  static Measurement Of(const BelievedModel& model, double time);
  double Shared(const Measurement& a, const Measurement& b) const;
  void Add(Measurement measurement);
  /// Grows the factor and the solution by the last measurement.
  void Grow();
  /// Solves L x = b in place, L the factor.
  void SolveLower(std::vector<double>& b) const;

  BeliefSettings settings_;
  std::vector<Measurement> measurements_;
  std::vector<std::vector<double>> factor_;  // Cholesky's, of all measurements, by rows
  std::vector<double> solved_;               // of the values
};

}  // namespace ekya::profile
