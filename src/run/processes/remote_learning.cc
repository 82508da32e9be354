#include "run/processes/remote_learning.h"

#include <messages.grpc.pb.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "run/processes/remote.h"

namespace ekya::processes {
namespace {

using Rpc = messages::LearningWorker;

constexpr double kLongestWait = 30;
constexpr double kSecondsBetweenLooks = 0.05;
// A training's progress is waited for; of one without work only that it is still there.
constexpr double kSecondsBetweenPulses = 0.5;
constexpr double kIdleSecondsBetweenPulses = 2;

}  // namespace

RemoteLearning::RemoteLearning(const std::string& name, Supervised::Command command,
                               EventHook event)
    : name_(name),
      process_(name, std::move(command),
               {[this](const auto& channel) { return Ready(channel); },
                [this](const auto& channel) { return TakePulse(channel); },
                [this](int) { Ended(); }, [this] { return Share(); }, std::move(event),
                [this] { return SecondsBetweenPulses(); }}) {}

double RemoteLearning::SecondsBetweenPulses() const {
  const std::lock_guard lock(mutex_);
  return working_ > 0 ? kSecondsBetweenPulses : kIdleSecondsBetweenPulses;
}

double RemoteLearning::Share() const {
  const std::lock_guard lock(mutex_);
  return share_ && share_->first > 0 ? std::min(1.0, share_->first) : 1;
}

Status RemoteLearning::Ready(const std::shared_ptr<grpc::Channel>& channel) {
  messages::Share share;
  {
    const std::lock_guard lock(mutex_);
    if (!share_) return {};
    share.set_cores(share_->first);
    share.set_core(share_->second);
  }
  messages::Nothing nothing;
  return CallOver<Rpc>(channel, name_, &Rpc::Stub::SetShare, share, &nothing, kQuickSeconds);
}

Status RemoteLearning::TakePulse(const std::shared_ptr<grpc::Channel>& channel) {
  messages::LearningPulse reply;
  EKYA_RETURN_IF_ERROR(
      CallOver<Rpc>(channel, name_, &Rpc::Stub::Pulse, messages::Nothing(), &reply, kPulseSeconds));
  const std::lock_guard lock(mutex_);
  pulse_ = Unpack(reply);
  return {};
}

void RemoteLearning::Ended() {
  const std::lock_guard lock(mutex_);
  lost_cpu_seconds_ += pulse_.cpu_seconds;
  pulse_ = {};
}

template <typename Method, typename Request, typename Reply>
Status RemoteLearning::Work(Method method, const Request& request, Reply* reply) {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = released_;
    ++working_;
  }
  std::shared_ptr<grpc::Channel> channel;
  const Status done = [&]() -> Status {
    EKYA_ASSIGN(channel, Channel());
    return CallOver<Rpc>(channel, name_, method, request, reply, kUnbounded);
  }();
  {
    const std::lock_guard lock(mutex_);
    --working_;
  }
  if (done.ok()) {
    const Status told = TakePulse(channel);
    if (!told.ok()) Log(LogLevel::kDebug, name_, "{}", told.error().message);
  }
  return done;
}

Result<std::shared_ptr<grpc::Channel>> RemoteLearning::Channel() const {
  const double latest = MonotonicClock().Now() + kLongestWait;
  while (true) {
    auto channel = process_.WaitForChannel(kSecondsBetweenLooks);
    const std::lock_guard lock(mutex_);
    if (cancelled_) return Error{ErrorCode::kCancelled, "before it began"};
    if (channel.ok()) return channel;
    if (MonotonicClock().Now() >= latest) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("worker {}: it has not started within {} s", name_, kLongestWait)};
    }
  }
}

Status RemoteLearning::SetShare(double cores, int core) {
  {
    const std::lock_guard lock(mutex_);
    share_ = {cores, core};
  }
  messages::Share share;
  share.set_cores(cores);
  share.set_core(core);
  messages::Nothing nothing;
  const Status set = CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::SetShare, share, &nothing,
                                   kQuickSeconds);
  // One that is away has it from its return.
  return !set.ok() && set.error().code == ErrorCode::kUnavailable ? Status{} : set;
}

Result<workers::WindowLabels> RemoteLearning::Label(const workers::Pupil& pupil, int window,
                                                    const std::string& frames) {
  messages::LabelRequest request;
  *request.mutable_pupil() = Pack(pupil);
  request.set_window(window);
  request.set_frames(frames);
  messages::WindowLabels reply;
  EKYA_RETURN_IF_ERROR(Work(&Rpc::Stub::Label, request, &reply));
  return Unpack(reply);
}

Result<workers::TakenIn> RemoteLearning::Take(const workers::Pupil& pupil, int window,
                                              const std::string& frames,
                                              const std::vector<workers::FrameLabel>& labels,
                                              const std::optional<std::string>& served) {
  messages::TakeRequest request;
  *request.mutable_pupil() = Pack(pupil);
  request.set_window(window);
  request.set_frames(frames);
  for (const auto& label : labels) *request.add_labels() = Pack(label);
  if (served) request.set_served(*served);
  messages::TakenIn reply;
  EKYA_RETURN_IF_ERROR(Work(&Rpc::Stub::Take, request, &reply));
  return Unpack(reply);
}

Result<workers::TrainingReport> RemoteLearning::Train(const workers::TrainingJob& job) {
  messages::TrainingReport reply;
  EKYA_RETURN_IF_ERROR(Work(&Rpc::Stub::Train, Pack(job), &reply));
  return Unpack(reply);
}

Result<workers::PairedMeasure> RemoteLearning::Compare(const workers::Pupil& pupil, int window,
                                                       const std::string& served,
                                                       const std::string& candidate) {
  messages::CompareRequest request;
  *request.mutable_pupil() = Pack(pupil);
  request.set_window(window);
  request.set_served(served);
  request.set_candidate(candidate);
  messages::PairedMeasure reply;
  EKYA_RETURN_IF_ERROR(Work(&Rpc::Stub::Compare, request, &reply));
  return Unpack(reply);
}

void RemoteLearning::Cancel() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  End(&Rpc::Stub::Cancel);
}

void RemoteLearning::Release() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = released_ = true;
  }
  End(&Rpc::Stub::Release);
}

template <typename Method>
void RemoteLearning::End(Method method) {
  const auto channel = process_.channel();
  if (channel == nullptr) return;  // Nothing runs in a worker that is away.
  messages::Nothing nothing;
  const Status told = CallOver<Rpc>(channel, name_, method, nothing, &nothing, kQuickSeconds);
  if (!told.ok()) process_.Restart();
}

workers::LearningPulse RemoteLearning::Pulse() const {
  const std::lock_guard lock(mutex_);
  workers::LearningPulse pulse = pulse_;
  pulse.cpu_seconds += lost_cpu_seconds_;
  return pulse;
}

}  // namespace ekya::processes
