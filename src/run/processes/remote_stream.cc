#include "run/processes/remote_stream.h"

#include <messages.grpc.pb.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "run/processes/remote.h"

namespace ekya::processes {
namespace {

using Rpc = messages::StreamWorker;

// A model that has broken its worker so often does not serve again.
constexpr int kMostBreakdowns = 2;
constexpr double kLongestOpening = 60;
// Streams are many, their pulses most of what looking after them costs, and what these say (a
// camera that is gone, a source at its end) can wait; a training's progress cannot.
constexpr double kSecondsBetweenPulses = 2;
// While it comes back, which somebody waits for.
constexpr double kFirstSecondsBetweenPulses = 0.2;
constexpr double kFirstSeconds = 10;

messages::Share ShareOf(double cores, int core) {
  messages::Share share;
  share.set_cores(cores);
  share.set_core(core);
  return share;
}

messages::Interval IntervalOf(double from, double to) {
  messages::Interval interval;
  interval.set_from_seconds(from);
  interval.set_to_seconds(to);
  return interval;
}

messages::WindowStart WindowStartOf(int window, double from) {
  messages::WindowStart start;
  start.set_window(window);
  start.set_from_seconds(from);
  return start;
}

}  // namespace

RemoteStream::RemoteStream(const std::string& name, Supervised::Command command, Hooks hooks)
    : name_(name),
      hooks_(std::move(hooks)),
      process_(name, std::move(command),
               {[this](const auto& channel) { return Ready(channel); },
                [this](const auto& channel) { return TakePulse(channel); },
                [this](int status) { Ended(status); }, [this] { return Share(); }, hooks_.event,
                [this] { return SecondsBetweenPulses(); }}) {}

double RemoteStream::Share() const {
  const std::lock_guard lock(mutex_);
  return wanted_.share_set && wanted_.cores > 0 ? std::min(1.0, wanted_.cores) : 1;
}

Status RemoteStream::Ready(const std::shared_ptr<grpc::Channel>& channel) {
  Wanted wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted = wanted_;
    began_ = MonotonicClock().Now();
  }
  if (!wanted.opened) return {};
  messages::Nothing nothing;
  messages::StreamInfo info;
  EKYA_RETURN_IF_ERROR(
      CallOver<Rpc>(channel, name_, &Rpc::Stub::Open, nothing, &info, kLongestOpening));
  if (!wanted.serving.weights.empty()) {
    const Status served = CallOver<Rpc>(channel, name_, &Rpc::Stub::Serve, Pack(wanted.serving),
                                        &nothing, kLongestOpening);
    // Its file is damaged: another version is to serve, from the next process on.
    if (!served.ok() && served.error().code != ErrorCode::kUnavailable) {
      hooks_.broken(wanted.serving.version, served.error().message);
    }
    EKYA_RETURN_IF_ERROR(served);
  }
  if (wanted.share_set) {
    EKYA_RETURN_IF_ERROR(CallOver<Rpc>(channel, name_, &Rpc::Stub::SetShare,
                                       ShareOf(wanted.cores, wanted.core), &nothing,
                                       kQuickSeconds));
  }
  if (wanted.window >= 0) {
    EKYA_RETURN_IF_ERROR(CallOver<Rpc>(channel, name_, &Rpc::Stub::BeginWindow,
                                       WindowStartOf(wanted.window, wanted.window_from), &nothing,
                                       kQuickSeconds));
  }
  if (!wanted.started) return {};
  messages::StartRequest start;
  start.set_run_start(wanted.run_start);
  EKYA_RETURN_IF_ERROR(
      CallOver<Rpc>(channel, name_, &Rpc::Stub::Start, start, &nothing, kLongestOpening));
  if (wanted.configuration.empty()) return {};
  messages::ConfigureRequest configuration;
  configuration.set_inference_configuration(wanted.configuration);
  return CallOver<Rpc>(channel, name_, &Rpc::Stub::Configure, configuration, &nothing,
                       kQuickSeconds);
}

Status RemoteStream::TakePulse(const std::shared_ptr<grpc::Channel>& channel) {
  messages::StreamPulse reply;
  EKYA_RETURN_IF_ERROR(
      CallOver<Rpc>(channel, name_, &Rpc::Stub::Pulse, messages::Nothing(), &reply, kPulseSeconds));
  const std::lock_guard lock(mutex_);
  pulse_ = Unpack(reply);
  return {};
}

double RemoteStream::SecondsBetweenPulses() const {
  const std::lock_guard lock(mutex_);
  return MonotonicClock().Now() < began_ + kFirstSeconds ? kFirstSecondsBetweenPulses
                                                         : kSecondsBetweenPulses;
}

void RemoteStream::Ended(int status) {
  std::int64_t broken = 0;
  {
    const std::lock_guard lock(mutex_);
    lost_cpu_seconds_ += std::exchange(pulse_.cpu_seconds, 0);
    pulse_.analysed = 0;
    const workers::ServingVersion& serving = wanted_.serving;
    if (BrokeDown(status) && serving.version > 0 && !serving.weights.empty() &&
        ++breakdowns_[serving.version] == kMostBreakdowns) {
      broken = serving.version;
    }
  }
  if (broken > 0) hooks_.broken(broken, "it broke its worker twice");
}

Result<workers::StreamInfo> RemoteStream::Open() {
  EKYA_ASSIGN(const auto channel, process_.WaitForChannel(kLongestOpening));
  messages::StreamInfo info;
  EKYA_RETURN_IF_ERROR(
      CallOver<Rpc>(channel, name_, &Rpc::Stub::Open, messages::Nothing(), &info, kLongestOpening));
  const std::lock_guard lock(mutex_);
  wanted_.opened = true;
  pulse_.gone = !info.camera_open();
  pulse_.version = info.serves() ? 1 : 0;
  return Unpack(info);
}

Status RemoteStream::ReadAhead() {
  messages::Nothing nothing;
  return CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::ReadAhead, nothing, &nothing,
                       kUnbounded);
}

Result<workers::ServingProfile> RemoteStream::Profile() {
  messages::ServingProfile reply;
  EKYA_RETURN_IF_ERROR(CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::Profile,
                                     messages::Nothing(), &reply, kUnbounded));
  return Unpack(reply);
}

Status RemoteStream::Start(double run_start) {
  {
    const std::lock_guard lock(mutex_);
    wanted_.started = true;
    wanted_.run_start = run_start;
  }
  messages::StartRequest request;
  request.set_run_start(run_start);
  messages::Nothing nothing;
  const Status started = CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::Start, request,
                                       &nothing, kLongestOpening);
  // A worker that is away starts when it is back.
  return !started.ok() && started.error().code == ErrorCode::kUnavailable ? Status{} : started;
}

Status RemoteStream::BeginWindow(int window, double from) {
  {
    const std::lock_guard lock(mutex_);
    wanted_.window = window;
    wanted_.window_from = from;
  }
  messages::Nothing nothing;
  const Status done = CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::BeginWindow,
                                    WindowStartOf(window, from), &nothing, kQuickSeconds);
  return !done.ok() && done.error().code == ErrorCode::kUnavailable ? Status{} : done;
}

void RemoteStream::Stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    wanted_.started = false;
  }
  messages::Nothing nothing;
  const Status stopped =
      CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::Stop, nothing, &nothing, 10);
  if (!stopped.ok()) Log(LogLevel::kDebug, name_, "{}", stopped.error().message);
  if (const auto channel = process_.channel()) {
    const Status last = TakePulse(channel);  // What it has used, for the record.
    if (!last.ok()) Log(LogLevel::kDebug, name_, "{}", last.error().message);
  }
}

Status RemoteStream::Serve(const workers::ServingVersion& version) {
  messages::Nothing nothing;
  const Status served = CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::Serve, Pack(version),
                                      &nothing, kLongestOpening);
  if (!served.ok() && served.error().code != ErrorCode::kUnavailable) return served;
  const std::lock_guard lock(mutex_);
  wanted_.serving = version;
  pulse_.version = version.version;
  return {};
}

Status RemoteStream::Configure(const std::string& inference_configuration) {
  {
    const std::lock_guard lock(mutex_);
    wanted_.configuration = inference_configuration;
  }
  messages::ConfigureRequest request;
  request.set_inference_configuration(inference_configuration);
  messages::Nothing nothing;
  const Status done = CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::Configure, request,
                                    &nothing, kQuickSeconds);
  return !done.ok() && done.error().code == ErrorCode::kUnavailable ? Status{} : done;
}

Status RemoteStream::SetShare(double cores, int core) {
  {
    const std::lock_guard lock(mutex_);
    wanted_.cores = cores;
    wanted_.core = core;
    wanted_.share_set = true;
  }
  messages::Nothing nothing;
  const Status done = CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::SetShare,
                                    ShareOf(cores, core), &nothing, kQuickSeconds);
  return !done.ok() && done.error().code == ErrorCode::kUnavailable ? Status{} : done;
}

Result<int> RemoteStream::WriteFrames(int window, const std::string& file) {
  messages::WriteFramesRequest request;
  request.set_window(window);
  request.set_file(file);
  messages::WriteFramesReply reply;
  EKYA_RETURN_IF_ERROR(CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::WriteFrames, request,
                                     &reply, kUnbounded));
  return reply.frames();
}

Result<workers::JudgedLabels> RemoteStream::Judge(const std::vector<workers::FrameLabel>& labels,
                                                  std::int64_t last) {
  messages::JudgeRequest request;
  for (const auto& label : labels) *request.add_labels() = Pack(label);
  request.set_last(last);
  messages::JudgedLabels reply;
  EKYA_RETURN_IF_ERROR(
      CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::Judge, request, &reply, kUnbounded));
  return Unpack(reply);
}

Result<workers::IntervalTally> RemoteStream::EndInterval(double from, double to) {
  messages::IntervalTally reply;
  EKYA_RETURN_IF_ERROR(CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::EndInterval,
                                     IntervalOf(from, to), &reply, kQuickSeconds));
  return Unpack(reply);
}

Result<std::vector<window::ServedResult>> RemoteStream::Served(double from, double to) {
  messages::ServedResults reply;
  EKYA_RETURN_IF_ERROR(CallOver<Rpc>(process_.channel(), name_, &Rpc::Stub::Served,
                                     IntervalOf(from, to), &reply, kQuickSeconds));
  return Unpack(reply);
}

workers::StreamPulse RemoteStream::Pulse() const {
  const std::lock_guard lock(mutex_);
  workers::StreamPulse pulse = pulse_;
  pulse.cpu_seconds += lost_cpu_seconds_;
  return pulse;
}

}  // namespace ekya::processes
