#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/site.h"
#include "decide/window/record.h"
#include "platform/resources/notify.h"
#include "run/workers/workers.h"

namespace ekya::workers {

/// A run's state, told twice a second.
struct LiveProgress {
  double elapsed_seconds =
      0;                     ///< Since the first live window's start; negative while bootstrapping.
  double total_seconds = 0;  ///< 0: without end.
  int window = 0;            ///< Live windows so far, from 1.
  struct StreamState {
    std::string id;
    double accuracy = -1;  ///< Of the last few seconds; negative where nothing was judged.
    bool gone = false;
    bool retraining = false;
  };
  std::vector<StreamState> streams;
};

struct LiveOptions {
  std::string scheduler;  ///< As schedule::MakePolicy takes it.
  std::uint64_t seed = 0;
  double for_seconds = 0;  ///< Live seconds; 0: until every source has ended.
  /// Where everything goes that the run keeps (registry::DataFolder). One run at a time.
  std::filesystem::path data_dir;
  /// Goes on with the run that was killed there, and with the models of live cameras whatever came
  /// before: a replay must not begin with models that have seen its end.
  bool resume = false;
  /// Added to every device's number, modulo the machine's: runs side by side then share no device.
  int first_core = 0;
  std::function<void(const LiveProgress&)> progress = [](const LiveProgress&) {};
  /// Makes the run's workers; unset: threads of this process.
  std::function<Result<std::unique_ptr<Workers>>()> workers;
  resources::ServiceNotifier* notifier = nullptr;  ///< Null: nobody asked.
  const std::atomic<bool>* stop = nullptr;  ///< Set (by a signal handler) to end the run early.
};

/// Serves `site` with real cameras, models and shares, and retrains as the scheduler says, until
/// the time is up, every source has ended or `stop` is set; what was measured until then comes
/// back; of a run that goes on, since it does. Errors: a scheduler or model that cannot be made, no
/// camera that opens, another run in the same data folder.
Result<window::RunRecord> RunLive(const Site& site, const LiveOptions& options);

}  // namespace ekya::workers
