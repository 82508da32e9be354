#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/situation.h"

namespace ekya::profile {

/// What retraining is expected to give without a trial, from what earlier trials promised and
/// earlier retraining gave, of this stream and of others. A retrained model's accuracy depends
/// little on what was served before it, so a stream with a history is expected to come back to its
/// own level; one without, to gain what others gain. One thread.
class Expectation {
 public:
  /// A whole retraining of `stream`, whose served model had `before`, gave and took `outcome`.
  void Retrained(const std::string& stream, double before, const RetrainingProfile& outcome);
  /// A trial of `stream`, whose served model has `before`, promises `estimate`. Counts for less
  /// than a whole retraining, and the less the more such promises were off.
  void Tried(const std::string& stream, double before, const RetrainingProfile& estimate);
  /// A trial of `stream` took so many device seconds, whatever it told.
  void TrialTook(const std::string& stream, double device_seconds);

  /// What `configuration` (an id) is expected to give and take for `stream`, whose served model has
  /// `accuracy` now; `spread` is how far such expectations were off. Nothing where no retraining
  /// and no trial of any stream tells what it takes.
  std::optional<RetrainingProfile> For(const std::string& stream, const std::string& configuration,
                                       double accuracy) const;

  /// `estimate`, a trial's promise made since, and For, each by how little it was off so far.
  RetrainingProfile Combined(const std::string& stream, double accuracy,
                             const RetrainingProfile& estimate) const;

  /// What a trial of `stream` takes; nothing where none was ever run, of any stream.
  std::optional<double> TrialSeconds(const std::string& stream) const;

  /// Standard deviation of what expectations, and what trials, were off by.
  double ExpectationError() const { return expectation_error_.Deviation(); }
  double TrialError() const { return trial_error_.Deviation(); }

 private:
  /// A mean that forgets.
  struct Mean {
    double sum = 0;
    double weight = 0;
    void Add(double value, double of);
    double Or(double otherwise, double doubt) const {
      return (sum + otherwise * doubt) / (weight + doubt);
    }
  };
  /// Mean square of errors, with a prior.
  struct Errors {
    double squares;
    double weight;
    void Add(double error);
    double Deviation() const;
  };
  struct Stream {
    Mean level;                           // Accuracy after, less the configuration's offset.
    std::map<std::string, Mean> after;    // By configuration.
    std::map<std::string, Mean> seconds;  // Logarithm, by configuration.
    Mean slowness;                        // Logarithm of device seconds over the configuration's.
    std::map<std::string, double> promised;  // By trials since the last retraining.
    Mean trial_seconds;
  };

  void Learn(const std::string& stream, double before, const RetrainingProfile& outcome,
             double weight);
  double Offset(const std::string& configuration) const;

  Mean gain_;
  std::map<std::string, Mean> gains_;    // By configuration.
  std::map<std::string, Mean> seconds_;  // Logarithm, by configuration.
  std::map<std::string, Stream> streams_;
  Mean trial_seconds_;
  Errors expectation_error_{0.02, 2};
  Errors trial_error_{0.01, 2};
};

}  // namespace ekya::profile
