#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/frame.h"
#include "core/scorer.h"
#include "core/situation.h"
#include "decide/window/ports.h"
#include "stages/swap/gate.h"

/// What the worker processes of a run do for the process that conducts it. The interfaces know no
/// transport: a worker may be an object of this process (StreamWorker, LearningWorker), as in tests
/// under the thread sanitizer, or a process of its own behind a socket (RemoteStream,
/// RemoteLearning). Pictures and weights never pass through them: they name files.
namespace ekya::workers {

/// What a stream's worker has found when it opened camera and model.
struct StreamInfo {
  bool camera_open = false;
  bool live = false;       ///< The source paces itself; nothing of it can be read ahead.
  bool has_truth = false;  ///< The source knows what its frames show.
  double frames_per_second = 0;
  /// Whatever its labels may say and its model's versions may know: of all results and labels the
  /// classes are places among these.
  std::vector<std::string> classes;
  bool can_learn = false;  ///< The model is of a kind that is trained here.
  bool serves = false;     ///< The model came from a file, and answers as version 1.
};

/// A version of a stream's model, as it is to serve.
struct ServingVersion {
  std::int64_t version = 0;
  std::string weights;     ///< Its file.
  double temperature = 1;  ///< Of its scores: registry::Manifest.
};

/// How a stream is, told several times a second.
struct StreamPulse {
  bool gone = true;
  bool ended = false;            ///< The source's end has come and every frame has its result.
  std::string why;               ///< It is gone.
  double cpu_seconds = 0;        ///< Of all inference so far.
  double frame_cpu_seconds = 0;  ///< Of one analysis, moving mean; 0: none yet.
  std::int64_t version = 0;      ///< Of the served model.
  std::int64_t analysed = 0;     ///< Frames, since the worker began.
};

/// What serving costs and what skipping frames loses.
struct ServingProfile {
  std::vector<InferenceProfile> profiles;  ///< By configuration; empty: nothing to measure on yet.
  double frame_cpu_seconds = 0;            ///< Of one analysis when they were taken.
};

/// One short interval of a stream's results, as counts.
struct IntervalTally {
  double from_seconds = 0;  ///< On the run's clock.
  double to_seconds = 0;
  FrameScore score;  ///< Over the frames that could be judged so far.
  int frames = 0;
  int frames_skipped = 0;
  int analyses_due = 0;           ///< By frame sampling.
  std::vector<int> class_counts;  ///< Judged objects.
  double inference_cores = 0;     ///< Processor seconds per second.
};

/// What a frame shows, by whoever labels: the source's truth or the golden model.
struct FrameLabel {
  std::int64_t index = 0;  ///< Frame::index.
  std::vector<Detection> objects;
  bool uniform = true;  ///< Chosen by its time alone: stands for the frames about it.
};

/// How the results of labelled frames compare with their labels.
struct JudgedLabels {
  FrameScore score;  ///< Of the frames chosen by their time alone.
  std::vector<IntervalTally> changed;
};

/// One camera and the model that answers for its frames. Any thread, one call at a time but for
/// Pulse. kUnavailable: the worker is gone or silent; it is being started again.
class StreamService {
 public:
  virtual ~StreamService() = default;

  /// Opens source and model; first. A source that cannot be opened is no error: the stream starts
  /// gone, and its camera keeps trying. A model file that cannot be read is one.
  virtual Result<StreamInfo> Open() = 0;
  /// Reads the bootstrap windows of a source that can be read ahead, as fast as it gives them, and
  /// keeps frames of each. Before Start.
  virtual Status ReadAhead() = 0;
  /// Measures on the frames that it has seen lately.
  virtual Result<ServingProfile> Profile() = 0;
  /// Begins to play; frame times become run times. `run_start`: on the machine's monotonic clock,
  /// where the first live window begins. In the past: what would have been shown since is left out.
  virtual Status Start(double run_start) = 0;
  /// Window `window` began at run time `from`, before its time; frames from then on are its own.
  virtual Status BeginWindow(int window, double from) = 0;
  /// Ends camera and inference.
  virtual void Stop() = 0;

  /// Answers from the next frame on with that version, its temperature included. The one that
  /// serves goes on where it cannot be read.
  virtual Status Serve(const ServingVersion& version) = 0;
  virtual Status Configure(const std::string& inference_configuration) = 0;
  /// As JobShare::Set: the share of inference. Where the site's devices are CUDA devices, `core` is
  /// the number of the one that versions serve on from the next on; no processor is kept to.
  virtual Status SetShare(double cores, int core) = 0;

  /// Writes the frames kept of `window` to `file` (datasets::SaveFrames); how many.
  virtual Result<int> WriteFrames(int window, const std::string& file) = 0;
  /// Labels of kept frames have come; none will for other frames up to `last`, by index.
  virtual Result<JudgedLabels> Judge(const std::vector<FrameLabel>& labels, std::int64_t last) = 0;
  /// Closes the interval that began at the last call, in run times. What it tallied.
  virtual Result<IntervalTally> EndInterval(double from, double to) = 0;
  /// window::DriftSource: some results between two run times.
  virtual Result<std::vector<window::ServedResult>> Served(double from, double to) = 0;

  virtual StreamPulse Pulse() const = 0;
};

/// The labels of a window, and what the golden model said when it looked twice.
struct WindowLabels {
  std::vector<FrameLabel> labels;
  std::vector<std::vector<Detection>> first_looks;
  std::vector<std::vector<Detection>> second_looks;  ///< One for each of the first.
  std::int64_t last = -1;                            ///< Index of the window's last kept frame.
};

/// What a stream's learner has after a window's labels.
struct TakenIn {
  int samples = 0;
  std::vector<int> samples_per_class;  ///< With exemplars; empty where one class teaches enough.
  int held_out = 0;                    ///< Objects.
  double served_accuracy = -1;         ///< On these; negative: nothing serves, or none are.
};

/// Whom a learning worker works for: it keeps nothing of any stream but files.
struct Pupil {
  std::string stream;
  std::vector<std::string> classes;  ///< As StreamInfo::classes.
};

/// One training: a trial, a whole retraining, or a stream's first model.
struct TrainingJob {
  Pupil pupil;
  int window = 0;        ///< Whose labels it learns from.
  bool first = false;    ///< From those of all windows up to it, with nothing held out.
  bool trial = false;    ///< Ends on a plateau.
  std::string base;      ///< Weights to start from; empty: those that the stream opened with.
  std::string served;    ///< What the outcome is compared with; empty: as above.
  bool compare = false;  ///< The outcome is measured against `served`, item by item.
  RetrainingConfiguration configuration;
  double deadline = 0;             ///< On the machine's monotonic clock: cancelled then; 0: none.
  double turn_end = 0;             ///< As above, of a trial: begins no epoch that would outlast it.
  std::int64_t most_held_out = 0;  ///< To measure on after each epoch; 0: all there are.
  std::uint64_t seed = 0;
  std::string state_file;  ///< As retrain::TrainingHooks::state_file; removed at the end.
  std::string out;         ///< Where the weights go.
};

/// Two models on the same held-out items: samples, or pictures.
struct PairedMeasure {
  swap::PairedOutcomes outcomes;  ///< Item by item.
  double served_accuracy = 0;     ///< Over all; F1 for detection.
  double candidate_accuracy = 0;  ///< As above.
  int objects = 0;                ///< In the items.
  /// By which the candidate's logits are to be divided so that its scores on these items mean what
  /// they say (swap::Calibration).
  double temperature = 1;
};

struct TrainingReport {
  std::vector<double> accuracy;   ///< Held-out, after each epoch.
  double start_accuracy = 0;      ///< Of `base`.
  int samples_per_epoch = 0;      ///< 0 where it did not come to its end.
  int full_samples = 0;           ///< Per epoch of all samples, with exemplars.
  int held_out = 0;               ///< Objects.
  double once_cpu_seconds = 0;    ///< Before the first epoch.
  double epochs_cpu_seconds = 0;  ///< Of all epochs.
  double cpu_seconds = 0;         ///< All told, with measuring.
  bool whole = true;              ///< False: cancelled on the way; there are no weights.
  std::int64_t parameters = 0;
  std::vector<std::string> classes;  ///< That the outcome knows, in its order.
  // Where a comparison was asked for:
  PairedMeasure comparison;              ///< The outcome is its candidate.
  std::vector<std::string> new_classes;  ///< That the served model does not know.
};

/// How far a learning worker's job is.
struct LearningPulse {
  double cpu_seconds = 0;  ///< Of all its jobs so far.
  int epochs = 0;          ///< Ended, of the job that runs.
  double epochs_cpu_seconds = 0;
  double accuracy = -1;  ///< After the last of them; negative: not measured.
  int held_out = 0;      ///< Objects that it rests on.
};

/// Labels, trains and measures for any stream, one job at a time, each in the share that is set.
/// Any thread; Cancel, SetShare and Pulse while a job runs. A job that was cancelled ends with
/// kCancelled; kUnavailable: the worker died under it.
class LearningService {
 public:
  virtual ~LearningService() = default;

  /// As JobShare::Set. Where the site's devices are CUDA devices, `core` is the number of the one
  /// that jobs compute on from the next on; no processor is kept to.
  virtual Status SetShare(double cores, int core) = 0;
  /// Labels the frames of `window` in `frames` (datasets::SaveFrames) within the golden budget.
  virtual Result<WindowLabels> Label(const Pupil& pupil, int window, const std::string& frames) = 0;
  /// Makes material of them to learn from (Learner::Take) and measures the model saved as `served`
  /// on what is held out; empty: that which the stream opened with; nothing: none serves.
  virtual Result<TakenIn> Take(const Pupil& pupil, int window, const std::string& frames,
                               const std::vector<FrameLabel>& labels,
                               const std::optional<std::string>& served) = 0;
  virtual Result<TrainingReport> Train(const TrainingJob& job) = 0;
  /// Two saved models on what is held out of `window`.
  virtual Result<PairedMeasure> Compare(const Pupil& pupil, int window, const std::string& served,
                                        const std::string& candidate) = 0;
  /// The job that runs ends at its next checkpoint; jobs that follow run.
  virtual void Cancel() = 0;
  /// All jobs, present and future, end: the run is over.
  virtual void Release() = 0;
  virtual LearningPulse Pulse() const = 0;
};

}  // namespace ekya::workers
