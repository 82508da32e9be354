#include "run/simulator/traced_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/random.h"
#include "decide/window/serving.h"

namespace ekya::simulator {
namespace {

// Two moments closer than this are one: sums of shares and times are not exact.
constexpr double kInstant = 1e-9;

const TracedRetraining* FindRetraining(const TracedWindow& window, const std::string& id) {
  for (const TracedRetraining& retraining : window.retraining) {
    if (retraining.id == id) return &retraining;
  }
  return nullptr;
}

}  // namespace

const TracedRetraining* BestRetraining(const TracedWindow& window) {
  const TracedRetraining* best = nullptr;
  for (const TracedRetraining& retraining : window.retraining) {
    if (best == nullptr || retraining.accuracy > best->accuracy) best = &retraining;
  }
  return best;
}

TracedWorld::TracedWorld(const Trace& trace, const SimulationSettings& settings, bool oracle)
    : settings_(settings), oracle_(oracle) {
  for (const TracedStream& traced : trace.streams) {
    Stream stream;
    stream.traced = &traced;
    index_[traced.id] = streams_.size();
    streams_.push_back(stream);
    results_.push_back({traced.id, {}, 0});
  }
}

const TracedWindow& TracedWorld::WindowOf(const Stream& stream, int window) const {
  return stream.traced->windows[static_cast<std::size_t>(window) % stream.traced->windows.size()];
}

std::size_t TracedWorld::IndexOf(const std::string& stream) const {
  const auto found = index_.find(stream);
  EKYA_CHECK(found != index_.end(), stream);
  return found->second;
}

double TracedWorld::AccuracyOf(const Stream& stream) const {
  if (stream.model == nullptr) return WindowOf(stream, window_).accuracy;
  const int age = window_ - stream.model_window;
  if (age == 0) return stream.model->accuracy;
  const std::vector<double>& later = stream.model->later;
  if (later.empty()) return WindowOf(stream, window_).accuracy;
  return later[std::min(static_cast<std::size_t>(age - 1), later.size() - 1)];
}

void TracedWorld::BeginWindow(int window) {
  window_ = window;
  window_end_ = clock_.Now() + settings_.window_seconds;
  for (Stream& stream : streams_) {
    stream.accuracy = AccuracyOf(stream);
    stream.integral = 0;
  }
}

void TracedWorld::EndWindow() {
  Advance(window_end_);
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    SimulatedStream& result = results_[i];
    result.window_accuracy.push_back(streams_[i].integral / settings_.window_seconds);
    double sum = 0;
    for (const double accuracy : result.window_accuracy) sum += accuracy;
    result.mean_accuracy = sum / static_cast<double>(result.window_accuracy.size());
  }
}

void TracedWorld::Advance(double time) {
  const double from = clock_.Now();
  const double passed = time - from;
  if (!(passed > 0)) return;
  clock_.SleepUntil(time);
  for (Stream& stream : streams_) {
    const double down = std::clamp(stream.down_until - from, 0.0, passed);
    stream.integral += stream.accuracy * stream.factor * (passed - down);
    inference_device_seconds_ += stream.share * passed;
    if (!stream.job || stream.job->finished) continue;
    const double still = std::clamp(stream.job->stands_until - from, 0.0, passed);
    stream.job->done += stream.job->speed * (passed - still);
    retraining_device_seconds_ += stream.job->share * passed;
  }
}

std::optional<window::Event> TracedWorld::WaitForEvent(double until) {
  double next = until;
  Stream* first = nullptr;
  for (Stream& stream : streams_) {
    if (!stream.job || stream.job->finished) continue;
    const Job& job = *stream.job;
    const double left = job.truth->device_seconds - job.done;
    double end = std::numeric_limits<double>::infinity();
    if (left <= kInstant) {
      end = Now();
    } else if (job.speed > 0) {
      end = std::max(Now(), job.stands_until) + left / job.speed;
    }
    // A retraining that ends with the wait has ended.
    if (end < next - kInstant || (first == nullptr && end <= next + kInstant)) {
      next = end;
      first = &stream;
    }
  }
  Advance(next);
  if (first == nullptr) return std::nullopt;
  first->job->finished = true;
  first->job->done = first->job->truth->device_seconds;
  return window::Event{window::Event::Kind::kRetrainingDone, first->traced->id, ""};
}

std::vector<std::string> TracedWorld::Streams() {
  std::vector<std::string> ids;
  for (const Stream& stream : streams_) ids.push_back(stream.traced->id);
  return ids;
}

Result<window::StreamState> TracedWorld::Observe(const std::string& id) {
  const Stream& stream = streams_[IndexOf(id)];
  return window::StreamState{false, stream.accuracy, stream.traced->inference,
                             stream.traced->weight, stream.traced->throughput};
}

void TracedWorld::Spend(double device_seconds) {
  if (!(device_seconds > 0)) return;
  const double end =
      preparation_devices_ > 0 ? Now() + device_seconds / preparation_devices_ : window_end_;
  Advance(std::min(end, std::max(window_end_, Now())));
}

std::vector<Result<window::LabelSummary>> TracedWorld::Label(
    const std::vector<std::string>& streams, int, double until) {
  std::vector<Result<window::LabelSummary>> labels;
  for (const std::string& id : streams) {
    if (Now() >= until) {
      labels.emplace_back(Error{ErrorCode::kCancelled, "there was no time left for its labels"});
      continue;
    }
    const double device_seconds =
        WindowOf(streams_[IndexOf(id)], window_).labelling_seconds * settings_.preparation;
    labelling_device_seconds_ += device_seconds;
    Spend(device_seconds);
    labels.emplace_back(window::LabelSummary{1, {}});
  }
  return labels;
}

double TracedWorld::Noisy(double value, const std::string& what) const {
  if (settings_.noise <= 0) return value;
  Random random(DeriveSeed(settings_.seed, what + "#" + std::to_string(window_)));
  return value * (1 + settings_.noise * random.Normal());
}

Result<profile::TrialResult> TracedWorld::Measure(const window::TrialRequest& request,
                                                  double& device_seconds) {
  const TracedWindow& window = WindowOf(streams_[IndexOf(request.stream)], window_);
  const std::string& id = request.trial.configuration.id;
  const TracedRetraining* retraining = FindRetraining(window, id);
  if (retraining == nullptr) {
    return Error{ErrorCode::kNotFound, "the trace has no such retraining in this window"};
  }
  // A trial that was the whole training: its figures are the estimate, nothing is extrapolated.
  profile::TrialResult result;
  result.trial_samples = 1;
  result.full_samples = 1;
  const std::string what = request.stream + "/" + id;
  result.accuracy = {std::clamp(
      Noisy(oracle_ ? retraining->accuracy : retraining->estimated_accuracy, what), 0.0, 1.0)};
  const double seconds =
      oracle_ ? retraining->device_seconds : retraining->estimated_device_seconds;
  // However wrong, an estimate is of something that takes time.
  result.device_seconds_per_epoch = std::max(Noisy(seconds, what + "/seconds"), 0.05 * seconds);
  if (!oracle_) {
    result.device_seconds = window.profiling_seconds * settings_.preparation /
                            static_cast<double>(window.retraining.size());
  }
  device_seconds += result.device_seconds;
  return result;
}

std::vector<Result<profile::TrialResult>> TracedWorld::Run(
    int, const std::vector<window::TrialRequest>& requests) {
  std::vector<Result<profile::TrialResult>> results;
  results.reserve(requests.size());
  double device_seconds = 0;
  for (const window::TrialRequest& request : requests) {
    results.emplace_back(Measure(request, device_seconds));
  }
  Spend(device_seconds);
  return results;
}

Status TracedWorld::Start(const std::string& id, int,
                          const RetrainingConfiguration& configuration) {
  Stream& stream = streams_[IndexOf(id)];
  const TracedRetraining* truth = FindRetraining(WindowOf(stream, window_), configuration.id);
  if (truth == nullptr) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("the trace has no retraining {} in this window", configuration.id)};
  }
  stream.job = Job{};
  stream.job->truth = truth;
  return {};
}

double TracedWorld::DeviceSecondsDone(const std::string& id) const {
  const Stream& stream = streams_[IndexOf(id)];
  return stream.job ? stream.job->done : 0;
}

void TracedWorld::Cancel(const std::string& id) { streams_[IndexOf(id)].job.reset(); }

Result<window::TrainedModel> TracedWorld::Take(const std::string& id) {
  Stream& stream = streams_[IndexOf(id)];
  if (!stream.job || !stream.job->finished) {
    return Error{ErrorCode::kNotFound, "no retrained model waits"};
  }
  return window::TrainedModel{id, window_, stream.job->truth->accuracy,
                              stream.job->truth->device_seconds};
}

Status TracedWorld::Swap(const window::TrainedModel& model) {
  Stream& stream = streams_[IndexOf(model.stream)];
  EKYA_CHECK(stream.job && stream.job->finished, model.stream);
  const TracedRetraining* truth = stream.job->truth;
  stream.job.reset();
  return Promote(stream, *truth);
}

Status TracedWorld::Promote(Stream& stream, const TracedRetraining& truth) {
  if (settings_.gate && truth.accuracy < stream.accuracy) {
    return Error{ErrorCode::kInfeasible,
                 fmt::format("accuracy {:.3f} against {:.3f}", truth.accuracy, stream.accuracy)};
  }
  stream.model = &truth;
  stream.model_window = window_;
  stream.accuracy = truth.accuracy;
  stream.down_until = Now() + settings_.swap_seconds;
  ++swaps_;
  return {};
}

void TracedWorld::Receive(const std::string& id, const TracedRetraining& retraining) {
  // A model that is worse stays in the box's drawer: no error.
  (void)Promote(streams_[IndexOf(id)], retraining).ok();
}

void TracedWorld::Reuse(const std::string& id, const TracedRetraining& retraining, int window) {
  Stream& stream = streams_[IndexOf(id)];
  if (stream.model == &retraining && stream.model_window == window) return;
  stream.model = &retraining;
  stream.model_window = window;
  stream.accuracy = AccuracyOf(stream);
  stream.down_until = Now() + settings_.swap_seconds;
  ++swaps_;
}

Status TracedWorld::ServeAll() {
  Situation situation;
  situation.window_seconds = settings_.window_seconds;
  situation.devices = settings_.devices;
  situation.quanta_per_device = settings_.quanta_per_device;
  situation.accuracy_floor = settings_.accuracy_floor;
  for (const Stream& served : streams_) {
    StreamSituation stream;
    stream.id = served.traced->id;
    stream.accuracy = served.accuracy;
    stream.inference = served.traced->inference;
    situation.streams.push_back(std::move(stream));
  }
  return Apply(window::PlanServing(situation, 0).allocations);
}

void TracedWorld::Account(SimulationResult& result) const {
  result.streams = results_;
  result.worst_stream_accuracy = 1;
  double weights = 0;
  for (std::size_t i = 0; i < results_.size(); ++i) {
    const double weight = streams_[i].traced->weight;
    result.mean_accuracy += weight * results_[i].mean_accuracy;
    weights += weight;
    result.worst_stream_accuracy =
        std::min(result.worst_stream_accuracy, results_[i].mean_accuracy);
  }
  result.mean_accuracy /= weights;
  result.swaps = swaps_;
  result.inference_device_seconds = inference_device_seconds_;
  result.retraining_device_seconds = retraining_device_seconds_;
  result.labelling_device_seconds = labelling_device_seconds_;
}

Status TracedWorld::Apply(const std::vector<Allocation>& allocations) {
  const double quantum = 1.0 / settings_.quanta_per_device;
  std::vector<double> shares(streams_.size(), 0.0);
  for (Stream& stream : streams_) stream.factor = stream.share = 0;
  for (const Allocation& allocation : allocations) {
    const std::size_t index = IndexOf(allocation.stream);
    Stream& stream = streams_[index];
    shares[index] = allocation.retraining_quanta * quantum;
    for (const InferenceProfile& inference : stream.traced->inference) {
      // Given too little it does not keep up and has accuracy 0.
      if (inference.id == allocation.inference &&
          QuantaFor(inference.share, settings_.quanta_per_device) <= allocation.inference_quanta) {
        stream.factor = inference.factor;
        stream.share = inference.share;
      }
    }
  }
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    std::optional<Job>& job = streams_[i].job;
    if (!job || job->share == shares[i]) continue;
    job->share = shares[i];
    job->speed = Speed(streams_[i].traced->throughput, shares[i]);
    job->stands_until = Now() + settings_.share_change_seconds;
  }
  return {};
}

Status TracedWorld::ApplyProfiling(const std::vector<Quanta>& per_device) {
  double quanta = 0;
  for (const Quanta free : per_device) quanta += free;
  preparation_devices_ = quanta / settings_.quanta_per_device;
  return {};
}

}  // namespace ekya::simulator
