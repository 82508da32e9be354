#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/registry/model_store.h"
#include "run/workers/recorder.h"
#include "run/workers/services.h"

namespace ekya::workers {

/// How a version of a stream's model came to be, and why it serves.
struct ModelOrigin {
  int window = 0;             ///< That it was trained in; the first model: 0.
  std::string configuration;  ///< Retraining configuration; empty: the first model.
  double accuracy = 0;        ///< On held-out samples...
  int samples = 0;            ///< ...of this number.
  double device_seconds = 0;
  std::string reason;                         ///< The gate's.
  std::vector<std::string> classes = {};      ///< That it knows, in its order.
  std::vector<std::string> new_classes = {};  ///< Of these, that the version before did not.
  double temperature = 1;                     ///< Of its scores.
};

/// A kept version as it is to serve.
ServingVersion AsServing(const registry::StoredModel& model);

/// One stream's versions: each model that begins to serve is kept on disk and told to the registry,
/// and what an operator has ordered there is obeyed. Members may be called from any thread, one at
/// a time.
class StreamModels {
 public:
  /// `store`: null where nothing can be kept. Both outlive this. `serving`: the version that the
  /// stream opened with; 0: none.
  StreamModels(registry::ModelStore* store, Recorder& recorder, std::string stream,
               std::string accuracy_source, std::int64_t serving);

  /// Keeps the model saved as `weights` as the version after the last, not yet serving. A disk that
  /// is full costs a warning: it can serve from `weights`, under its number, and is lost with them.
  ServingVersion Keep(const std::string& weights, const ModelOrigin& origin);
  /// It serves now, and does after a restart.
  void Serves(const ServingVersion& kept);
  /// It breaks what serves it and is not to serve again.
  void Quarantine(std::int64_t version, const std::string& why);
  /// One of the kept versions, if it is whole.
  std::optional<registry::StoredModel> Version(std::int64_t version);
  /// `worse` turned out to be worse than `previous`, which serves again.
  void RolledBack(std::int64_t worse, const registry::StoredModel& previous,
                  const std::string& reason);
  /// The version to go on with after a restart; nothing where none is whole.
  std::optional<registry::StoredModel> Newest();

  /// The kept version that is to serve instead of the one that does: pinned, or rolled back to.
  std::optional<registry::StoredModel> Ordered();
  /// What Ordered or Newest gave serves now. `why`: "as ordered".
  void Obeyed(const registry::StoredModel& model, const std::string& why);
  /// The version that the stream is pinned to; 0: none.
  std::int64_t pinned() { return recorder_.Pinned(stream_); }

 private:
  registry::ModelStore* const store_;
  Recorder& recorder_;
  const std::string stream_;
  const std::string accuracy_source_;
  std::int64_t serving_;
  std::string reason_;                    ///< Of the version that was kept last.
  std::vector<std::string> new_classes_;  ///< As above.
  std::int64_t refused_ = 0;              ///< An ordered version that could not be read: said once.
};

}  // namespace ekya::workers
