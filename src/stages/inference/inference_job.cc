#include "stages/inference/inference_job.h"

#include <pthread.h>

#include <utility>

#include "base/clock.h"
#include "base/log.h"

namespace ekya::inference {
namespace {

constexpr double kSecondsBetweenWarnings = 10;

// Shown by `top -H`; the kernel keeps 15 characters.
void NameThread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace

InferenceJob::InferenceJob(std::string stream, const models::ModelSlot& slot, Hooks hooks)
    : stream_(std::move(stream)), slot_(slot), hooks_(std::move(hooks)) {
  analysing_ = std::thread([this] { Analyse(); });
  result_thread_ = std::thread([this] { Tell(); });
}

InferenceJob::~InferenceJob() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  offered_.notify_one();
  decided_.notify_one();
  analysing_.join();
  result_thread_.join();
}

void InferenceJob::Offer(FramePtr frame) {
  EKYA_CHECK(frame != nullptr, stream_);
  {
    std::lock_guard lock(mutex_);
    if (Entry* older = Waiting()) older->state = Entry::State::kSkipped;
    Entry entry;
    const int interval = configuration_.frame_interval;
    entry.due = !last_offered_ || frame->index / interval != *last_offered_ / interval;
    last_offered_ = frame->index;
    entry.frame = std::move(frame);
    if (ended_) entry.state = Entry::State::kSkipped;
    frames_.push_back(std::move(entry));
  }
  offered_.notify_one();
  decided_.notify_one();
}

void InferenceJob::Configure(const InferenceConfiguration& configuration) {
  EKYA_CHECK(configuration.frame_interval >= 1, stream_ + ": " + configuration.id);
  std::lock_guard lock(mutex_);
  configuration_ = configuration;
}

void InferenceJob::Drain() {
  std::unique_lock lock(mutex_);
  told_.wait(lock, [&] { return frames_.empty() && !telling_; });
}

InferenceJob::Entry* InferenceJob::Waiting() {
  if (frames_.empty() || frames_.back().state != Entry::State::kWaiting) return nullptr;
  return &frames_.back();
}

bool InferenceJob::Due(const Frame& frame) const {
  const int interval = configuration_.frame_interval;
  return !last_analysed_ || frame.index / interval != *last_analysed_ / interval;
}

void InferenceJob::Warn(const Frame& frame, const Error& error) {
  const double now = MonotonicClock().Now();
  if (now < next_warning_) {
    ++failures_unsaid_;
    return;
  }
  next_warning_ = now + kSecondsBetweenWarnings;
  if (failures_unsaid_ == 0) {
    Log(LogLevel::kWarning, stream_, "frame {} is skipped: {}", frame.index, error.message);
  } else {
    Log(LogLevel::kWarning, stream_, "frame {} is skipped, as were {} others lately: {}",
        frame.index, failures_unsaid_, error.message);
  }
  failures_unsaid_ = 0;
}

void InferenceJob::Analyse() {
  NameThread("infer " + stream_);
  hooks_.thread_start();

  std::unique_lock lock(mutex_);
  while (true) {
    offered_.wait(lock, [&] { return ending_ || Waiting() != nullptr; });
    if (ending_) break;
    if (!Due(*Waiting()->frame)) {
      Waiting()->state = Entry::State::kSkipped;
      decided_.notify_one();
      continue;
    }

    // The slot is looked at without the lock: a model that was just replaced may end with this
    // copy.
    lock.unlock();
    const bool serving = slot_.Get().model != nullptr;
    const bool go_on = !serving || hooks_.checkpoint();
    lock.lock();
    if (!go_on || ending_) break;
    // While the checkpoint held the job up, newer frames may have come: the newest wins. There is
    // one, since Offer replaces what waits and only this thread takes it.
    Entry& entry = *Waiting();
    if (!serving) {
      entry.state = Entry::State::kSkipped;
      decided_.notify_one();
      continue;
    }
    entry.state = Entry::State::kInWork;
    const FramePtr frame = entry.frame;
    const int input_size = configuration_.input_size;

    lock.unlock();
    Entry outcome;
    const bool done = Work(*frame, input_size, outcome);
    lock.lock();
    last_analysed_ = frame->index;
    entry.detections = std::move(outcome.detections);
    entry.model_version = outcome.model_version;
    entry.cpu_seconds = outcome.cpu_seconds;
    entry.state = done ? Entry::State::kAnalysed : Entry::State::kSkipped;
    decided_.notify_one();
  }

  ended_ = true;
  if (Entry* last = Waiting()) last->state = Entry::State::kSkipped;
  decided_.notify_one();
}

bool InferenceJob::Work(const Frame& frame, int input_size, Entry& outcome) {
  const models::ServedModel served = slot_.Get();
  if (served.model == nullptr) return false;  // emptied just now
  const double cpu_start = ThreadCpuSeconds();
  Result<std::vector<Detection>> detections = served.model->Analyze(frame, input_size);
  outcome.cpu_seconds = ThreadCpuSeconds() - cpu_start;
  outcome.model_version = served.version;
  if (!detections.ok()) {
    Warn(frame, detections.error());
    return false;
  }
  outcome.detections = std::move(*detections);
  return true;
}

void InferenceJob::Tell() {
  NameThread("tell " + stream_);
  const auto decided = [](const Entry& entry) {
    return entry.state == Entry::State::kSkipped || entry.state == Entry::State::kAnalysed;
  };
  FrameResult result;

  std::unique_lock lock(mutex_);
  while (true) {
    decided_.wait(lock,
                  [&] { return frames_.empty() ? ending_ && ended_ : decided(frames_.front()); });
    if (frames_.empty()) return;
    Entry entry = std::move(frames_.front());
    frames_.pop_front();
    telling_ = true;
    lock.unlock();

    result.frame = std::move(entry.frame);
    result.due = entry.due;
    result.skipped = entry.state == Entry::State::kSkipped;
    result.cpu_seconds = result.skipped ? 0 : entry.cpu_seconds;
    if (!result.skipped) {
      result.detections = std::move(entry.detections);
      result.model_version = entry.model_version;
    }
    hooks_.result(result);
    result.frame.reset();

    lock.lock();
    telling_ = false;
    told_.notify_all();
  }
}

}  // namespace ekya::inference
