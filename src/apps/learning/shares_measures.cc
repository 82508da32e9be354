#include "apps/learning/shares_measures.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/random.h"
#include "platform/datasets/exemplar_memory.h"
#include "platform/models/served_classifier.h"
#include "stages/inference/inference_job.h"

namespace ekya::learning {
namespace {

constexpr int kCore = 0;  // All jobs are on this one.
constexpr int kClassCount = 4;
constexpr int kSampleCount = 256;
constexpr int kPictureSide = 32;
constexpr double kSettleSeconds = 0.3;
constexpr double kFelt = 0.5;  // Seconds after a change in which it is looked for.
constexpr double kFramesPerSecond = 10;
constexpr double kNeeded = 0.8;  // Of inference's share.
constexpr char kRestartedVariable[] = "EKYA_EXPERIMENT_SHARES_RESTARTED";

double Now() { return MonotonicClock().Now(); }
void Sleep(double seconds) { MonotonicClock().SleepUntil(Now() + seconds); }

Image NoisePicture(int width, int height, std::uint64_t seed) {
  Random random(seed);
  Image image{width, height, {}};
  image.pixels.resize(3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(random.Below(256));
  return image;
}

/// It is the measuring that ends it.
RetrainingConfiguration WithoutEnd() {
  RetrainingConfiguration configuration;
  configuration.id = "shares";
  configuration.epochs = 1'000'000;
  configuration.learning_rate = 0.001;
  return configuration;
}

/// A training that goes on until it is destroyed, in a thread that has joined its share.
class TrainingJob : public EndlessTraining {
 public:
  /// When a minibatch began, and what its job had used by then.
  struct Minibatch {
    double time = 0;
    double cpu_seconds = 0;
  };

  TrainingJob(resources::ShareEnforcer& enforcer, const ShareWork& work)
      : share_(enforcer.MakeJob("training")) {
    thread_ = std::thread([this, &work] { Run(work); });
  }
  ~TrainingJob() override {
    share_->Release();
    thread_.join();
  }

  /// Computes with the whole core until the training has begun in earnest.
  Status WarmUp() {
    EKYA_RETURN_IF_ERROR(Set(1));
    while (Log().size() < 8) {
      if (ended_) return failure_;
      Sleep(0.005);
    }
    return {};
  }
  Status Set(double share) override { return share_->Set(share, kCore); }
  double CpuSeconds() const override { return share_->CpuSeconds(); }
  std::vector<Minibatch> Log() const {
    const std::lock_guard lock(mutex_);
    return log_;
  }

 private:
  void Run(const ShareWork& work) {
    failure_ = share_->Join();
    if (failure_.ok()) {
      const double start = ThreadCpuSeconds();
      retrain::TrainingHooks hooks;
      hooks.checkpoint = [&] {
        if (!share_->Checkpoint()) return false;
        const std::lock_guard lock(mutex_);
        log_.push_back({Now(), ThreadCpuSeconds() - start});
        return true;
      };
      const auto outcome = retrain::Train(*work.model, work.set, work.configuration, 1, hooks);
      if (!outcome.ok()) failure_ = outcome.error();
    }
    ended_ = true;
  }

  const std::unique_ptr<resources::JobShare> share_;
  mutable std::mutex mutex_;
  std::vector<Minibatch> log_;  // guarded by mutex_
  Status failure_;              // read when ended_
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

/// The last minibatch of `log` that began at `time` or before it; null: none.
const TrainingJob::Minibatch* LastBefore(const std::vector<TrainingJob::Minibatch>& log,
                                         double time) {
  const auto after = std::ranges::upper_bound(log, time, {}, &TrainingJob::Minibatch::time);
  return after == log.begin() ? nullptr : &*(after - 1);
}

const TrainingJob::Minibatch* FirstAfter(const std::vector<TrainingJob::Minibatch>& log,
                                         double time) {
  const auto after = std::ranges::upper_bound(log, time, {}, &TrainingJob::Minibatch::time);
  return after == log.end() ? nullptr : &*after;
}

std::vector<FramePtr> CameraFrames(int regions, int count) {
  Frame frame;
  frame.image = NoisePicture(320, 180, 3);
  for (int i = 0; i < regions; ++i) frame.regions.push_back({{8.0 * (i % 32), 20, 32, 32}, {}, -1});
  std::vector<FramePtr> frames;
  for (int i = 0; i < count; ++i) {
    frame.index = i;
    frame.time_seconds = i / kFramesPerSecond;
    frames.push_back(std::make_shared<const Frame>(frame));
  }
  return frames;
}

/// Serves a camera for `seconds` at `share` of the core; adds the intervals between analysed frames
/// to `intervals`, those of the first half second apart.
Status Serve(resources::ShareEnforcer& enforcer, const models::ModelSlot& slot, double share,
             int regions, double seconds, std::vector<double>* intervals,
             std::vector<double>* cpu_seconds) {
  const auto job = enforcer.MakeJob("inference");
  EKYA_RETURN_IF_ERROR(job->Set(share, kCore));
  const auto frames = CameraFrames(regions, static_cast<int>(seconds * kFramesPerSecond));
  std::vector<double> told;  // Of the result thread until the job is gone.
  Status joined;
  inference::InferenceJob::Hooks hooks;
  hooks.thread_start = [&] { joined = job->Join(); };
  hooks.checkpoint = [&] { return job->Checkpoint(); };
  hooks.result = [&](const inference::FrameResult& result) {
    if (result.skipped) return;
    told.push_back(Now());
    cpu_seconds->push_back(result.cpu_seconds);
  };
  {
    inference::InferenceJob stream("camera", slot, hooks);
    const double start = Now();
    for (const FramePtr& frame : frames) {
      MonotonicClock().SleepUntil(start + frame->time_seconds);
      stream.Offer(frame);
    }
    stream.Drain();
    job->Release();
  }
  EKYA_RETURN_IF_ERROR(joined);
  const auto first = static_cast<std::size_t>(kFramesPerSecond / 2);
  for (std::size_t i = first + 1; i < told.size(); ++i) {
    intervals->push_back(told[i] - told[i - 1]);
  }
  return {};
}

std::filesystem::path WeightsIn(const std::filesystem::path& folder) {
  return folder / "weights.safetensors";
}
std::filesystem::path SamplesIn(const std::filesystem::path& folder) {
  return folder / "samples.safetensors";
}

/// A process of this program that trains on what is in `folder`, and says on its standard output
/// when a minibatch is done.
class RestartedProcess {
 public:
  static Result<std::unique_ptr<RestartedProcess>> Start(const std::filesystem::path& folder) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return Failed("a pipe cannot be made", errno);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::vector<std::string> words = {"ekya-live", "experiment", "shares", "--out",
                                      folder.string()};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::string mark = std::string(kRestartedVariable) + "=1";
    std::vector<char*> variables = {mark.data()};
    for (char** variable = environ; *variable != nullptr; ++variable) {
      variables.push_back(*variable);
    }
    variables.push_back(nullptr);
    pid_t process = 0;
    const int number = ::posix_spawn(&process, "/proc/self/exe", &actions, nullptr,
                                     arguments.data(), variables.data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (number != 0) {
      ::close(ends[0]);
      return Failed("a process cannot be started", number);
    }
    return std::unique_ptr<RestartedProcess>(new RestartedProcess(process, ends[0]));
  }
  ~RestartedProcess() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    ::close(from_);
  }

  /// Waits for a minibatch.
  Status AwaitMinibatch() {
    char said = 0;
    if (::read(from_, &said, 1) == 1) return {};
    return Error{ErrorCode::kFailed, "experiment shares: the restarted process has ended"};
  }

 private:
  RestartedProcess(pid_t process, int from) : process_(process), from_(from) {}
  static Error Failed(const char* what, int number) {
    return {ErrorCode::kFailed,
            fmt::format("experiment shares: {}: {}", what, std::strerror(number))};
  }

  const pid_t process_;
  const int from_;
};

}  // namespace

Result<ShareWork> MakeShareWork() {
  ShareWork work;
  models::ClassifierShape shape;
  shape.width = 0.25;
  shape.input_size = kPictureSide;
  for (int i = 0; i < kClassCount; ++i) shape.classes.push_back(std::to_string(i));
  EKYA_ASSIGN(work.model, models::Classifier::Create(shape, 1));
  for (int i = 0; i < kSampleCount; ++i) {
    work.set.training.push_back(
        {NoisePicture(kPictureSide, kPictureSide, static_cast<std::uint64_t>(i)), i % kClassCount,
         1.0 * i});
  }
  work.configuration = WithoutEnd();
  return work;
}

Result<std::unique_ptr<EndlessTraining>> TrainInThread(resources::ShareEnforcer& enforcer,
                                                       const ShareWork& work) {
  auto job = std::make_unique<TrainingJob>(enforcer, work);
  EKYA_RETURN_IF_ERROR(job->WarmUp());
  return std::unique_ptr<EndlessTraining>(std::move(job));
}

Result<std::vector<SteadyShare>> MeasureSteadyShares(EndlessTraining& training,
                                                     const std::vector<double>& shares,
                                                     double seconds) {
  std::vector<SteadyShare> measured;
  for (const double share : shares) {
    EKYA_RETURN_IF_ERROR(training.Set(share));
    Sleep(kSettleSeconds);
    const double start = Now();
    const double used = training.CpuSeconds();
    Sleep(seconds);
    measured.push_back({share, (training.CpuSeconds() - used) / (Now() - start)});
  }
  return measured;
}

Result<std::vector<ShareChange>> MeasureChanges(resources::ShareEnforcer& enforcer,
                                                const ShareWork& work,
                                                std::vector<std::pair<double, double>> changes,
                                                std::uint64_t seed, double* minibatch_seconds) {
  Random random(seed);
  random.Shuffle(changes);
  TrainingJob job(enforcer, work);
  EKYA_RETURN_IF_ERROR(job.WarmUp());
  std::vector<ShareChange> measured;
  for (const auto& [from, to] : changes) {
    EKYA_RETURN_IF_ERROR(job.Set(from));
    Sleep(2 * kSettleSeconds + 0.1 * random.Uniform());
    const double time = Now();
    EKYA_RETURN_IF_ERROR(job.Set(to));
    Sleep(kFelt);
    // Until a minibatch begins: between two beginnings what was used is known to the end.
    std::vector<TrainingJob::Minibatch> log;
    const TrainingJob::Minibatch* last = nullptr;
    while (last == nullptr) {
      Sleep(0.01);
      log = job.Log();
      last = FirstAfter(log, time + kFelt);
    }
    const TrainingJob::Minibatch* const first = LastBefore(log, time);
    const double used = last->cpu_seconds - first->cpu_seconds;
    const double expected = from * (time - first->time) + to * (last->time - time);
    measured.push_back(
        {from, to, (used - expected) / (from - to), FirstAfter(log, time)->time - time});
  }
  const auto log = job.Log();
  std::vector<double> minibatches;
  for (std::size_t i = 1; i < log.size(); ++i) {
    minibatches.push_back(log[i].cpu_seconds - log[i - 1].cpu_seconds);
  }
  *minibatch_seconds = Quantile(minibatches, 0.5);
  return measured;
}

Result<ShareCourse> MeasureCourse(resources::ShareEnforcer& enforcer, const ShareWork& work,
                                  const std::vector<double>& shares, double seconds_each) {
  constexpr double kStep = 0.1;
  TrainingJob job(enforcer, work);
  EKYA_RETURN_IF_ERROR(job.WarmUp());
  EKYA_RETURN_IF_ERROR(job.Set(shares.front()));
  Sleep(kSettleSeconds);
  ShareCourse course;
  const double start = Now();
  double before = start;
  double used = job.CpuSeconds();
  for (const double share : shares) {
    EKYA_RETURN_IF_ERROR(job.Set(share));
    for (int i = 0; i < static_cast<int>(seconds_each / kStep); ++i) {
      Sleep(kStep);
      const double now = Now();
      const double now_used = job.CpuSeconds();
      course.seconds.push_back(now - start);
      course.requested.push_back(share);
      course.measured.push_back((now_used - used) / (now - before));
      before = now;
      used = now_used;
    }
  }
  return course;
}

Result<FrameIntervals> MeasureIntervals(resources::ShareEnforcer& enforcer, const ShareWork& work,
                                        double share, int turns, double seconds) {
  FrameIntervals measured;
  measured.share = share;
  models::ModelSlot slot;
  slot.Put({1, models::MakeServed(*work.model)});
  // What a region costs, for the number of them that the share is worth.
  constexpr int kTried = 8;
  std::vector<double> intervals, cpu_seconds;
  EKYA_RETURN_IF_ERROR(Serve(enforcer, slot, 1, kTried, 2, &intervals, &cpu_seconds));
  const double region_seconds = Quantile(cpu_seconds, 0.5) / kTried;
  measured.regions =
      std::max(1, static_cast<int>(kNeeded * share / (kFramesPerSecond * region_seconds)));
  cpu_seconds.clear();
  for (int turn = 0; turn < turns; ++turn) {
    EKYA_RETURN_IF_ERROR(
        Serve(enforcer, slot, share, measured.regions, seconds, &measured.alone, &cpu_seconds));
    TrainingJob training(enforcer, work);
    EKYA_RETURN_IF_ERROR(training.WarmUp());
    EKYA_RETURN_IF_ERROR(training.Set(1 - share));
    EKYA_RETURN_IF_ERROR(
        Serve(enforcer, slot, share, measured.regions, seconds, &measured.beside, &cpu_seconds));
  }
  measured.cpu_seconds = Quantile(cpu_seconds, 0.5);
  return measured;
}

Result<std::vector<double>> MeasureRestarts(const ShareWork& work,
                                            const std::filesystem::path& folder, int restarts) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  EKYA_RETURN_IF_ERROR(work.model->Save(WeightsIn(folder)));
  datasets::ExemplarMemory memory(kSampleCount, 1);
  memory.Add(work.set.training);
  EKYA_RETURN_IF_ERROR(memory.Save(SamplesIn(folder)));
  std::vector<double> seconds;
  EKYA_ASSIGN(auto process, RestartedProcess::Start(folder));
  EKYA_RETURN_IF_ERROR(process->AwaitMinibatch());
  for (int i = 0; i < restarts; ++i) {
    const double start = Now();
    process.reset();
    EKYA_ASSIGN(process, RestartedProcess::Start(folder));
    EKYA_RETURN_IF_ERROR(process->AwaitMinibatch());
    seconds.push_back(Now() - start);
  }
  process.reset();
  std::filesystem::remove_all(folder, code);
  return seconds;
}

bool IsRestarted() { return std::getenv(kRestartedVariable) != nullptr; }

Status TrainUntilKilled(const std::filesystem::path& folder) {
  EKYA_ASSIGN(const auto model, models::Classifier::Load(WeightsIn(folder)));
  datasets::ExemplarMemory memory(kSampleCount, 1);
  EKYA_RETURN_IF_ERROR(memory.Load(SamplesIn(folder)));
  retrain::TrainingSet set;
  set.training = memory.Samples();
  int minibatches = 0;
  retrain::TrainingHooks hooks;
  hooks.checkpoint = [&minibatches] {
    // Called before each: the first is done when the second begins.
    return ++minibatches != 2 || ::write(STDOUT_FILENO, "m", 1) == 1;
  };
  EKYA_ASSIGN(const auto outcome, retrain::Train(*model, set, WithoutEnd(), 1, hooks));
  static_cast<void>(outcome);
  return {};
}

double Quantile(std::vector<double> values, double part) {
  std::ranges::sort(values);
  const auto last = static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(std::lround(std::clamp(part, 0.0, 1.0) * last))];
}

}  // namespace ekya::learning
