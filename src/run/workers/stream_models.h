#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/models/learning_model.h"
#include "platform/registry/model_store.h"
#include "run/workers/recorder.h"

namespace ekya::workers {

/// How a version of a stream's model came to be, and why it serves.
struct ModelOrigin {
  int window = 0;             ///< That it was trained in; the first model: 0.
  std::string configuration;  ///< Retraining configuration; empty: the first model.
  double accuracy = 0;        ///< On held-out samples...
  int samples = 0;            ///< ...of this number.
  double device_seconds = 0;
  std::string reason;  ///< The gate's.
};

/// One stream's versions: each model that begins to serve is kept on disk and told to the registry,
/// and what an operator has ordered there is obeyed. Members may be called from any thread, one at
/// a time.
class StreamModels {
 public:
  /// `store`: null where nothing can be kept. Both outlive this.
  StreamModels(registry::ModelStore* store, Recorder& recorder, std::string stream,
               std::string accuracy_source);

  /// Keeps `model` as the version after the last and makes it the serving one; its number. A disk
  /// that is full costs a warning: the model serves, under its number, and is lost with the
  /// process.
  std::int64_t Begin(const models::LearningModel& model, const std::vector<std::string>& classes,
                     const ModelOrigin& origin);

  /// The kept version that is to serve instead of the one that does: pinned, or rolled back to.
  std::optional<registry::StoredModel> Ordered();
  /// What Ordered gave serves now.
  void Obeyed(const registry::StoredModel& model);
  /// The version that the stream is pinned to; 0: none.
  std::int64_t pinned() { return recorder_.Pinned(stream_); }

 private:
  registry::ModelStore* const store_;
  Recorder& recorder_;
  const std::string stream_;
  const std::string accuracy_source_;
  std::int64_t serving_ = 0;
  std::int64_t refused_ = 0;  ///< An ordered version that could not be read: said once.
};

}  // namespace ekya::workers
