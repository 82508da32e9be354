#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/site.h"
#include "platform/datasets/window_store.h"
#include "platform/models/learning_model.h"
#include "platform/models/model.h"
#include "platform/resources/share.h"
#include "run/workers/compute_devices.h"
#include "run/workers/learner.h"
#include "run/workers/model_swap.h"
#include "run/workers/services.h"
#include "run/workers/stream_judge.h"
#include "run/workers/window_grid.h"
#include "stages/camera/camera.h"
#include "stages/inference/event_log.h"
#include "stages/inference/inference_job.h"

namespace ekya::workers {

/// What a stream's worker works with. Outlives it.
struct StreamPlace {
  const Site& site;
  std::uint64_t seed = 0;
  std::filesystem::path out;  ///< Events go below it.
  Clock& clock;
  resources::ShareEnforcer& enforcer;
};

/// StreamService in this process: plays the camera, analyses its frames in the stream's share,
/// judges the results and keeps frames to be labelled. With b bootstrap windows the first live
/// window is number b. The camera's and the inference job's threads reach it through callbacks.
class StreamWorker : public StreamService {
 public:
  StreamWorker(const CameraSettings& camera, const ModelSettings& model, const StreamPlace& place);
  ~StreamWorker() override;

  Result<StreamInfo> Open() override;
  Status ReadAhead() override;
  Result<ServingProfile> Profile() override;
  Status Start(double run_start) override;
  Status BeginWindow(int window, double from) override;
  void Stop() override;
  Status Serve(const ServingVersion& version) override;
  Status Configure(const std::string& inference_configuration) override;
  Status SetShare(double cores, int core) override;
  Result<int> WriteFrames(int window, const std::string& file) override;
  Result<JudgedLabels> Judge(const std::vector<FrameLabel>& labels, std::int64_t last) override;
  Result<IntervalTally> EndInterval(double from, double to) override;
  Result<std::vector<window::ServedResult>> Served(double from, double to) override;
  StreamPulse Pulse() const override;

 private:
  /// What labels may say where neither the camera nor its source names classes.
  std::vector<std::string> GoldenClasses() const;
  Status OpenModel();
  void OnFrame(const FramePtr& frame);
  void OnResult(const inference::FrameResult& result);
  /// Leaves out what the source would have shown since `run_start`, where that is long past.
  void SkipPast(double run_start);
  void End();
  void SetGone(bool gone, const std::string& why);
  void Keep(int window, const FramePtr& frame);
  /// Some frames of a source that can be read ahead, read apart from those that will be served.
  std::vector<FramePtr> FirstFrames() const;
  bool bootstraps() const;
  /// Where LibTorch computes what is loaded next.
  Device device() const { return DeviceOf(place_.site.compute, number_); }
  int WindowOf(double frame_seconds) const;
  bool detection() const { return camera_settings_.task == "detection"; }
  const std::string& id() const { return camera_settings_.id; }

  const CameraSettings site_camera_;  // as the site has it
  // Constant after Open.
  CameraSettings camera_settings_;  // its classes are the stream's
  const ModelSettings model_settings_;
  const StreamPlace place_;
  double frames_per_second_ = 0;
  std::vector<InferenceConfiguration> inference_configurations_;
  bool truth_known_ = false;
  bool live_ = false;
  double frame_origin_ = 0;  // frame time of the run's second 0
  double read_ahead_ = 0;    // frame time up to which it was read before the start

  std::unique_ptr<camera::Source> source_;  // until the camera takes it
  std::unique_ptr<camera::Camera> camera_;
  models::ModelSlot slot_;
  std::unique_ptr<resources::JobShare> share_;
  std::unique_ptr<inference::InferenceJob> inference_job_;
  std::unique_ptr<inference::EventLog> events_;  // inference thread
  datasets::WindowStore store_;
  std::unique_ptr<StreamJudge> judge_;
  std::unique_ptr<Learner> learner_;  // null where the model cannot learn
  std::unique_ptr<ModelSwap> swap_;   // as learner_
  std::atomic<int> number_{-1};       // of the device, as SetShare takes it
  double last_cpu_seconds_ = 0;       // of inference, when the last interval ended

  mutable std::mutex mutex_;
  // All below is guarded by mutex_.
  WindowGrid windows_;
  bool gone_ = true;
  bool camera_ended_ = false;
  bool ended_ = false;
  std::string why_;
  std::string last_source_time_;
  std::map<int, int> frames_seen_;   // by window
  std::deque<FramePtr> recent_;      // consecutive frames at the native rate
  std::int64_t offered_ = 0;         // frames given to inference
  std::int64_t answered_ = 0;        // results that came back
  std::int64_t analysed_ = 0;        // of these, those of an analysis
  double analysis_cpu_seconds_ = 0;  // of one frame, moving mean
};

}  // namespace ekya::workers
