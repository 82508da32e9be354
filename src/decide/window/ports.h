#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/schedule.h"
#include "core/situation.h"
#include "decide/profile/trial.h"

/// What the loop needs of the world. `run/workers` implements these with cameras, models and cores,
/// `run/simulator` with traces and virtual time. Every call comes from the one thread that conducts
/// the window; a call that takes time returns when it is done (the simulator moves its clock).
namespace ekya::window {

/// Something that makes the loop decide again.
struct Event {
  enum class Kind {
    kRetrainingDone,    ///< The trained model waits in the trainer.
    kRetrainingFailed,  ///< `detail` says why (a NaN loss, a killed worker, no samples).
    /// An epoch of it has ended: Trainer::Progress has news. A trainer need not say so.
    kRetrainingProgress,
    kStreamGone,  ///< Its camera has stopped; the stream takes no compute.
    kStreamBack,
    kStop,  ///< The run is to end now.
  };
  Kind kind;
  std::string stream;
  std::string detail;
};

/// The time of the run, and what happens in it.
class Timeline {
 public:
  virtual ~Timeline() = default;
  /// Seconds on the run's clock.
  virtual double Now() const = 0;
  /// The next event, or nothing when `until` comes first.
  virtual std::optional<Event> WaitForEvent(double until) = 0;
};

/// A stream as it stands at the moment.
struct StreamState {
  bool gone = false;
  /// Of the served model, estimated on labelled samples that it was not trained on, 0..1.
  double accuracy = 0;
  std::vector<InferenceProfile> inference;
  double weight = 1;                             ///< In the mean that is scheduled for.
  std::vector<ThroughputPoint> throughput = {};  ///< Of its retraining, where it was measured.
  bool learns = true;                            ///< Whether its model may be retrained.
};

class StreamMonitor {
 public:
  virtual ~StreamMonitor() = default;
  /// In a fixed order.
  virtual std::vector<std::string> Streams() = 0;
  virtual Result<StreamState> Observe(const std::string& stream) = 0;
};

/// What labelling gave for one stream.
struct LabelSummary {
  int samples = 0;  ///< Labelled in this window.
  /// With the exemplars that are replayed beside them; empty where one class teaches enough.
  std::vector<int> samples_per_class;
  /// Why the labels are not to be trained on; empty: they are.
  std::string doubt = {};
  /// What the model that served the labelled window was right on (F1 for detection), of the labels
  /// whose frames were chosen by time alone: these stand for the window's frames. Negative where
  /// nothing was judged.
  double judged_accuracy = -1;
  int judged = 0;  ///< How many labelled objects it rests on.
  /// What the served model is right on of the samples that were held out; negative: of none.
  double held_out_accuracy = -1;
  int held_out = 0;
};

class LabelSource {
 public:
  virtual ~LabelSource() = default;
  /// Has the streams' frames of the windows before `window` labelled, within the golden budget, in
  /// any order or at once; one result per stream, in the streams' order. Zero samples is a success:
  /// the stream is then not retrained in this window. Begins with none after `until`, on the
  /// timeline, nor when the run is to stop: kCancelled.
  virtual std::vector<Result<LabelSummary>> Label(const std::vector<std::string>& streams,
                                                  int window, double until) = 0;
};

struct TrialRequest {
  std::string stream;
  profile::Trial trial;
  /// Goes on where the stream's last trial of this configuration in this window stopped, up to
  /// `trial.epochs` epochs in all; the result is that of all of them. Without such a trial, and
  /// where the runner keeps none, it is run from its start.
  bool resume = false;
};

class TrialRunner {
 public:
  virtual ~TrialRunner() = default;
  /// Runs all, in any order or at once; one result per request, in the requests' order. Passed over
  /// in silence: kNotFound, the stream has no such configuration; kCancelled, the run is to stop.
  virtual std::vector<Result<profile::TrialResult>> Run(
      int window, const std::vector<TrialRequest>& requests) = 0;
};

/// A model that a retraining has made, by the trainer's own number.
struct TrainedModel {
  std::string stream;
  std::int64_t id = 0;
  double accuracy = 0;        ///< On the held-out samples of its training data, 0..1.
  double device_seconds = 0;  ///< That it took, at a whole device.
  int samples = 0;            ///< Held-out objects that `accuracy` rests on; 0: not known.
};

/// How far a running retraining is.
struct RetrainingProgress {
  double part = 0;            ///< Of its epochs that have ended, 0..1.
  double device_seconds = 0;  ///< That these took, at a whole device.
  double accuracy = -1;       ///< Held-out, after the last of them; negative: not measured.
  int samples = 0;            ///< Held-out objects that `accuracy` rests on.
};

class Trainer {
 public:
  virtual ~Trainer() = default;
  /// Starts retraining in the background with no compute until shares are set.
  virtual Status Start(const std::string& stream, int window,
                       const RetrainingConfiguration& configuration) = 0;
  /// Work done so far, at a whole device. 0 where nothing runs.
  virtual double DeviceSecondsDone(const std::string& stream) const = 0;
  /// As of its last ended epoch; nothing where none has ended, or where the trainer does not look.
  virtual std::optional<RetrainingProgress> Progress(const std::string& stream) const {
    (void)stream;
    return std::nullopt;
  }
  /// Stops and forgets it. No event follows.
  virtual void Cancel(const std::string& stream) = 0;
  /// The model of the stream's last kRetrainingDone.
  virtual Result<TrainedModel> Take(const std::string& stream) = 0;
};

class Swapper {
 public:
  virtual ~Swapper() = default;
  /// Serves `model` from the next frame on, or says why it keeps the old one.
  virtual Status Swap(const TrainedModel& model) = 0;
};

class AllocationSetter {
 public:
  virtual ~AllocationSetter() = default;
  /// Makes these the shares of all jobs, at once. Streams that are not named get nothing.
  virtual Status Apply(const std::vector<Allocation>& allocations) = 0;
  /// What trials may compute with from now on, per device; they run while retraining does not.
  virtual Status ApplyProfiling(const std::vector<Quanta>& per_device) = 0;
};

/// What a served model said of one frame's region or object.
struct ServedResult {
  double time_seconds = 0;   ///< On the run's clock.
  std::int64_t version = 0;  ///< Of the model that said it.
  int class_index = 0;
  double score = 0;  ///< 0..1.
};

/// What tells of drift without labels.
class DriftSource {
 public:
  virtual ~DriftSource() = default;
  /// What `stream` was told between two moments on the run's clock, in order of time: some hundred
  /// results, evenly chosen. Empty where nothing was served.
  virtual Result<std::vector<ServedResult>> Served(const std::string& stream, double from_seconds,
                                                   double to_seconds) = 0;
};

/// The world, borrowed for the conductor's lifetime.
struct Ports {
  Timeline& timeline;
  StreamMonitor& monitor;
  LabelSource& labels;
  TrialRunner& trials;
  Trainer& trainer;
  Swapper& swapper;
  AllocationSetter& allocations;
  DriftSource* drift = nullptr;  ///< Null: nobody watches for drift.
};

}  // namespace ekya::window
