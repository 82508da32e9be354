#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/learning/recorded_task.h"
#include "apps/learning/streams.h"
#include "base/result.h"
#include "core/configuration.h"
#include "core/device.h"
#include "core/site.h"
#include "decide/profile/belief.h"
#include "platform/models/precision.h"

namespace ekya::learning {

/// How a stream's models are made and retrained while it is recorded.
struct RecordingSettings {
  ModelSettings model;
  std::vector<RetrainingConfiguration> grid;
  /// Trains the first model on the first window, from scratch; one that comes from a file is taken
  /// as it is.
  RetrainingConfiguration first;
  int exemplars_per_class = 100;
  int labelled_per_window = 0;  ///< Samples that training may see, evenly spread; 0: all.
  double held_out_fraction = 0.35;
  models::Precision precision = models::Precision::kFloat32;  ///< Of training.
  Device device;  ///< That models are trained and measured on.
  /// Also what each model is worth in later windows, and its accuracy while it trains (on at most
  /// `curve_samples` judged samples; 0: not recorded).
  bool later = false;
  int curve_samples = 0;
  std::uint64_t seed = 0;
};

/// What one whole retraining gave and took.
struct RecordedRetraining {
  std::string id;
  double accuracy = 0;        ///< In the window in which it would serve.
  double device_seconds = 0;  ///< Processor seconds of the training thread, measuring left out.
  std::vector<std::pair<double, double>> curve;  ///< (device seconds, accuracy).
  std::vector<double> later;                     ///< Accuracy in the windows after.
};

/// One retraining window of a stream, every configuration trained.
struct RecordedWindow {
  int window = 0;             ///< From 1: retrained on the samples of the windows before it.
  double accuracy = 0;        ///< In this window, of the model served at its start.
  double first_accuracy = 0;  ///< The same of the stream's first model, never retrained.
  /// Id of the configuration whose model serves from then on; empty: the gate kept the old one.
  std::string chosen;
  std::vector<RecordedRetraining> retraining;  ///< In the grid's order.
};

/// What the models that served in a window showed in it, on all its samples and on those that came
/// to be labelled: the one that was there at its start in the first half, the one that was
/// retrained in all of it.
struct RecordedServing {
  std::vector<profile::Sight> before;
  std::string configuration;  ///< Id of what was retrained; empty: nothing that the gate let pass.
  /// Of what the next window is trained on, in order of time; its last part is `held_out`.
  std::vector<profile::Sight> after;
  profile::Sight held_out;
  double device_seconds = 0;  ///< Of that retraining.
};

/// Trains every configuration of every window of a stream on what a box would have then, from the
/// model that served then. A window is trained on the samples of the window before it (the last
/// part in time held out) with exemplars of the ones before, and judged on its own: `test` where
/// the stream has some, else all its samples. In each window the model of one configuration goes
/// on to serve, drawn by the seed from the grid: what a schedule would have chosen depends on the
/// load, and so every configuration is what a box has measured, now and then.
///
/// Every window is kept in `folder` when it is done: a recording that was interrupted goes on
/// there. What was recorded with other settings or samples is recorded anew. One thread.
/// `Task`: ClassifyingTask or DetectingTask.
template <typename Task>
class RecordingOf {
 public:
  using Item = typename Task::Item;
  using Model = typename Task::Model;
  using Stream = LabelledStream<Item>;

  /// `stream` outlives it and has at least two windows. kInvalid: a setting that makes no sense.
  static Result<std::unique_ptr<RecordingOf>> Open(const Stream& stream,
                                                   const RecordingSettings& settings,
                                                   std::filesystem::path folder);

  int windows() const { return static_cast<int>(stream_.windows.size()); }

  /// Window 1 .. windows() - 1, in order: read where it is kept, else recorded. `progress` is
  /// called after every training and may be empty; false ends with kCancelled.
  Result<RecordedWindow> Record(int window, const std::function<bool()>& progress);

  const Stream& stream() const { return stream_; }
  /// The last recorded window; 0: none yet.
  int window() const { return window_; }
  /// What is known of the window before the last recorded one, now that it is labelled; null where
  /// that was the first one, on which the model was trained.
  const RecordedServing* before() const { return before_ ? &*before_ : nullptr; }
  /// What the last recorded window was trained on and from.
  const typename Task::Set& set() const { return set_; }
  const Model& base() const { return *base_; }
  /// The stream's first model.
  const Model& first() const { return *first_; }
  /// What it was judged on.
  const std::vector<Item>& Judged(int window) const;

 private:
  RecordingOf(const Stream& stream, const RecordingSettings& settings,
              std::filesystem::path folder);

  /// What an earlier recording has kept of `window`, with its model; nothing where there is none.
  std::optional<RecordedWindow> Kept(int window);
  Result<RecordedWindow> Train(int window, const std::function<bool()>& progress);
  /// Fills in what the models showed that served in `window`, `previous` at its start.
  Status Observe(int window, Model& previous);
  std::filesystem::path PathOf(int window, const char* ending) const;

  const Stream& stream_;
  RecordingSettings settings_;
  const std::filesystem::path folder_;
  std::string key_;  // of everything that a recorded window depends on
  int window_ = 0;
  std::optional<RecordedServing> before_;
  std::optional<RecordedServing> last_;  // of window_, its accuracy still open
  typename Task::Set set_;
  std::unique_ptr<Model> first_;
  std::unique_ptr<Model> base_;  // serves at the start of the present window
  std::unique_ptr<Model> next_;  // serves from then on
};

extern template class RecordingOf<ClassifyingTask>;
extern template class RecordingOf<DetectingTask>;

using Recording = RecordingOf<ClassifyingTask>;

}  // namespace ekya::learning
