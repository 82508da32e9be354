#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/site.h"
#include "decide/window/ports.h"
#include "decide/window/record.h"
#include "run/workers/services.h"
#include "run/workers/stream_models.h"
#include "run/workers/stream_tallies.h"
#include "stages/labels/trust.h"
#include "stages/swap/watch.h"

namespace ekya::workers {

/// What all streams of a run share. Outlives them.
struct StreamEnvironment {
  const Site& site;
  std::uint64_t seed;
  std::filesystem::path out;  ///< Material and unpublished weights go below it.
  Clock& clock;
  registry::ModelStore* models;  ///< Null: models are not kept.
  Recorder& recorder;
  /// Where cameras that go and come are told. From the thread that calls Look.
  std::function<void(const window::Event&)> post;
};

/// What the conducting process knows of one camera and its model: the worker that serves it, its
/// versions, its labels, its results. Threads: the conductor's, unless a member says otherwise.
class Stream {
 public:
  /// Opens the stream in its worker. A source that cannot be opened is no error, a model file that
  /// cannot be read is one. `resume`: the newest kept version serves at once.
  static Result<std::unique_ptr<Stream>> Open(const CameraSettings& camera, bool resume,
                                              std::unique_ptr<StreamService> service,
                                              const StreamEnvironment& environment);
  ~Stream();

  /// Has the bootstrap windows read as fast as the source gives them and the first model trained on
  /// their labels by `learning`: the box is not in service yet. Nothing to do for live sources, and
  /// where a model serves already. Any thread, before Start.
  Status Bootstrap(LearningService& learning);

  /// Begins to play and to serve; frame times become run times. `run_start`: on the clock, where
  /// the first live window begins.
  Status Start(double run_start);
  /// As StreamService.
  Status BeginWindow(int window, double from) { return service_->BeginWindow(window, from); }
  /// Ends camera and inference; results stay readable.
  void Stop();
  /// The source's end has come and every frame has its result. Any thread.
  bool ended() const { return ended_; }

  const std::string& id() const { return camera_settings_.id; }
  const CameraSettings& camera() const { return camera_settings_; }
  bool gone() const { return gone_; }
  /// The source says nothing of what its frames show: the golden model judges.
  bool judged_by_golden() const { return !info_.has_truth; }
  bool learns() const { return info_.can_learn && camera_settings_.learn; }

  /// Has the frames kept of `window` labelled by `learning` and, where the stream learns, made
  /// material of, and the served model measured on those held out. Labelling a window twice does
  /// nothing the second time.
  Result<window::LabelSummary> Label(int window, LearningService& learning);

  /// Whom a learning worker works for.
  Pupil pupil() const { return {id(), camera_settings_.classes}; }
  /// The file of the served model's weights; empty: as the stream opened with. Any thread.
  std::string weights() const;
  /// Where files of the stream go that no registry knows.
  std::filesystem::path folder() const;

  window::StreamState Observe() const;

  /// Serves the model saved as `weights` from the next frame on and keeps it; its held-out accuracy
  /// becomes the stream's estimate. kInfeasible: an operator has pinned another version.
  Status Serve(const std::string& weights, const ModelOrigin& origin);
  /// Serves what an operator has ordered since (a pin, a roll-back); returns whether it did. Any
  /// thread.
  bool Obey();
  /// `version` has broken its worker again and again, or cannot be read: it does not serve again,
  /// the newest whole one before it does. Any thread.
  void Quarantine(std::int64_t version, const std::string& why);
  std::int64_t version() const { return version_; }
  /// The newest versions, by the run time that each began to serve at. Any thread.
  std::map<double, std::int64_t> versions() const;

  Status SetShare(double cores, int core) { return service_->SetShare(cores, core); }
  Status Configure(const std::string& inference_configuration) {
    return service_->Configure(inference_configuration);
  }
  /// Some of what it was told between two run times.
  Result<std::vector<window::ServedResult>> Served(double from, double to) const {
    return service_->Served(from, to);
  }

  /// Looks at how the worker is, and posts what has changed. From the ticker's thread.
  void Look();
  /// Closes the interval that began at the last call: run times in seconds, processor seconds per
  /// second of the stream's retraining measured by the caller. From the ticker's thread.
  void EndInterval(double from, double to, double retraining_cores);
  /// Processor seconds of all its inference. Any thread.
  double CpuSeconds() const { return service_->Pulse().cpu_seconds; }
  /// What has been judged so far, of intervals that began at run time `from` or later. Any thread.
  window::StreamRecord Record(double from = 0) const;
  /// As StreamTallies.
  double RecentAccuracy(int intervals) const { return tallies_.RecentAccuracy(intervals); }
  double AccuracySince(double from) const { return tallies_.AccuracySince(from); }

 private:
  Stream(const CameraSettings& camera, std::unique_ptr<StreamService> service,
         const StreamEnvironment& environment, StreamInfo info);
  bool bootstraps() const;
  /// It answers from the next frame on.
  Status PutInService(const ServingVersion& version, double accuracy);
  Status Profile();
  /// Has the frames of `window` in the file `frames` labelled and judges the stream by the labels.
  Result<WindowLabels> LabelFrames(int window, const std::string& frames, LearningService& learning,
                                   window::LabelSummary* summary);
  /// Measures the promoted model and the one before it on what has been labelled since, and goes
  /// back where it is the worse.
  Status WatchPromoted(int window, LearningService& learning);
  /// Makes material of the labels and measures the served model on what is held out.
  Status Learn(int window, const std::string& frames, const WindowLabels& labels,
               LearningService& learning, window::LabelSummary* summary);

  CameraSettings camera_settings_;  // constant after Open
  const StreamEnvironment environment_;
  const StreamInfo info_;
  StreamTallies tallies_;
  labels::GoldenTrust trust_;
  swap::Watch watch_;         // guarded by serving_mutex_
  std::mutex serving_mutex_;  // One change of the served model at a time.
  StreamModels models_;
  std::atomic<std::int64_t> version_{0};
  std::atomic<double> estimated_accuracy_{0};
  int labelled_window_ = -1;
  window::LabelSummary labelled_summary_;
  std::atomic<bool> gone_{false};
  std::atomic<bool> ended_{false};
  std::int64_t analysed_ = 0;  // as of the last Look

  mutable std::mutex mutex_;
  // All below is guarded by mutex_.
  double run_start_ = 0;  // on the clock; 0: not started
  std::map<double, std::int64_t> versions_;
  std::string weights_;  // of the served model
  ServingProfile profile_;

  // Last: its threads tell this stream what they see, until they are joined.
  const std::unique_ptr<StreamService> service_;
};

}  // namespace ekya::workers
