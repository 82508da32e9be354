#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/site.h"
#include "decide/window/ports.h"
#include "decide/window/record.h"
#include "platform/datasets/window_store.h"
#include "platform/models/learning_model.h"
#include "platform/models/model.h"
#include "platform/resources/share.h"
#include "run/workers/learner.h"
#include "run/workers/stream_judge.h"
#include "run/workers/stream_models.h"
#include "stages/camera/camera.h"
#include "stages/inference/event_log.h"
#include "stages/inference/inference_job.h"
#include "stages/labels/labeller.h"
#include "stages/labels/trust.h"

namespace ekya::workers {

/// What all streams of a run share. Outlives them.
struct StreamEnvironment {
  const Site& site;
  std::uint64_t seed;
  std::filesystem::path out;
  Clock& clock;
  resources::ShareEnforcer& enforcer;
  labels::Labeller& labeller;
  registry::ModelStore* models;  ///< Null: models are not kept.
  Recorder& recorder;
  /// Where cameras that go and come are told. From camera threads.
  std::function<void(const window::Event&)> post;
};

/// One camera, the model it is served by, and all that is known of it. With b bootstrap windows the
/// first live window is number b; the ones before it are what the first model was trained on.
/// Threads: the conductor's, unless a member says otherwise; the camera's and the inference job's
/// threads reach it through callbacks, whose state sits behind `mutex_`.
class Stream {
 public:
  /// Opens source and model. A source that cannot be opened is no error: the stream starts gone,
  /// with a warning, and its camera keeps trying. A model file that cannot be read is one.
  static Result<std::unique_ptr<Stream>> Open(const CameraSettings& camera,
                                              const ModelSettings& model,
                                              const StreamEnvironment& environment);
  ~Stream();

  /// Reads the bootstrap windows as fast as the source gives them and trains the first model on
  /// their labels, without a share: the box is not in service yet. Nothing to do for live sources
  /// and for models that come from a file. Any thread, before Start.
  Status Bootstrap();

  /// Begins to play and to serve; frame times become run times. `run_start`: on the clock, where
  /// the first live window begins.
  void Start(double run_start);
  /// Ends camera and inference; results stay readable.
  void Stop();
  /// The source's end has come and every frame has its result. Any thread.
  bool ended() const { return ended_; }

  const std::string& id() const { return camera_settings_.id; }
  const CameraSettings& camera() const { return camera_settings_; }
  bool gone() const { return gone_; }
  bool learns() const { return learner_ != nullptr && camera_settings_.learn; }

  /// Labels kept frames of `window` and, where the stream learns, makes samples of them and
  /// measures the served model on those held out. `between` as for Labeller::Label. Labelling a
  /// window twice does nothing the second time.
  Result<window::LabelSummary> Label(int window, const std::function<bool()>& between);

  /// How its model learns and what from; only where it learns.
  const Learner& learner() const { return *learner_; }
  /// The served model's weights; null where it does not learn. Never computes in place: clone it.
  /// Any thread.
  std::shared_ptr<const models::LearningModel> base() const;

  window::StreamState Observe() const;

  /// Serves `model` from the next frame on and keeps its weights; its held-out accuracy becomes the
  /// stream's estimate. kInfeasible: an operator has pinned another version.
  Status Serve(std::unique_ptr<models::LearningModel> model, const ModelOrigin& origin);
  /// Serves what an operator has ordered since (a pin, a roll-back); returns whether it did. Any
  /// thread.
  bool Obey();
  std::int64_t version() const { return version_; }
  /// Versions by the run time that each began to serve at. Any thread.
  std::map<double, std::int64_t> versions() const;

  resources::JobShare& inference_share() { return *inference_share_; }
  void Configure(const std::string& inference_configuration);

  /// Closes the interval that began at the last call: run times in seconds, processor seconds per
  /// second of the stream's retraining measured by the caller. From the ticker's thread.
  void EndInterval(double from, double to, double retraining_cores);
  /// What has been judged so far. Any thread.
  window::StreamRecord Record() const;
  /// As StreamJudge.
  double RecentAccuracy(int intervals) const { return judge_->RecentAccuracy(intervals); }
  double AccuracySince(double from) const { return judge_->AccuracySince(from); }

 private:
  Stream(const CameraSettings& camera, const ModelSettings& model,
         const StreamEnvironment& environment);
  Status OpenModel();
  void OnFrame(const FramePtr& frame);
  void OnResult(const inference::FrameResult& result);
  /// The source's end has come and every frame has its result.
  void End();
  void Keep(int window, const FramePtr& frame);
  Status ProfileInference();
  /// `model`, as version `version_`, answers from the next frame on.
  void PutInService(std::shared_ptr<const models::LearningModel> model, double accuracy);
  /// Scores the results of labelled frames: those chosen by time alone tell the stream's accuracy.
  FrameScore JudgeLabels(const std::vector<FramePtr>& frames,
                         const std::vector<labels::Labeller::Labels>& labels);
  /// Makes samples of the labels and measures the served model on those held out.
  Status Learn(int window, const std::vector<FramePtr>& frames,
               const std::vector<labels::Labeller::Labels>& labels, window::LabelSummary* summary);
  /// Whether the first model is trained from the source's first windows. Before the camera has it.
  bool bootstraps() const;
  int WindowOf(double frame_seconds) const;
  bool detection() const { return camera_settings_.task == "detection"; }

  // Constant after Open.
  CameraSettings camera_settings_;
  const ModelSettings model_settings_;
  const StreamEnvironment environment_;
  double frames_per_second_ = 0;
  std::vector<InferenceConfiguration> inference_configurations_;
  bool truth_known_ = false;
  double frame_origin_ = 0;  // frame time of the run's second 0

  std::unique_ptr<camera::Source> source_;  // until the camera takes it
  std::unique_ptr<camera::Camera> camera_;
  models::ModelSlot slot_;
  std::unique_ptr<resources::JobShare> inference_share_;
  std::unique_ptr<inference::InferenceJob> inference_job_;
  std::unique_ptr<inference::EventLog> events_;  // inference thread
  datasets::WindowStore store_;
  std::unique_ptr<StreamJudge> judge_;
  std::unique_ptr<labels::GoldenTrust> trust_;
  std::unique_ptr<Learner> learner_;  // null where the model cannot learn
  std::mutex serving_mutex_;          // One change of the served model at a time.
  std::unique_ptr<StreamModels> models_;
  std::atomic<std::int64_t> version_{0};
  std::atomic<double> estimated_accuracy_{0};
  int labelled_window_ = -1;
  window::LabelSummary labelled_summary_;
  std::atomic<bool> gone_{false};
  std::atomic<bool> camera_ended_{false};
  std::atomic<bool> ended_{false};

  mutable std::mutex mutex_;
  // All below is guarded by mutex_.
  double run_start_ = 0;  // on the clock; 0: not started
  std::map<double, std::int64_t> versions_;
  std::shared_ptr<const models::LearningModel> base_;  // null where the model cannot learn
  std::string last_source_time_;
  std::map<int, int> frames_seen_;   // by window
  std::deque<FramePtr> recent_;      // consecutive frames at the native rate
  std::int64_t offered_ = 0;         // frames given to inference
  std::int64_t answered_ = 0;        // results that came back
  double analysis_cpu_seconds_ = 0;  // of one frame, moving mean
  double last_inference_cpu_ = 0;
  std::vector<InferenceProfile> inference_profiles_;
  double profiled_cpu_seconds_ = 0;  // of one frame, when the profiles were taken
};

}  // namespace ekya::workers
