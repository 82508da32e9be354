#include "run/processes/supervised.h"

#include <fmt/format.h>
#include <grpcpp/create_channel_posix.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "platform/resources/mps.h"
#include "platform/resources/restart_budget.h"

namespace ekya::processes {
namespace {

// Whether it has been stopped is seen without asking it.
constexpr double kSecondsBetweenLooks = 0.5;
// One that is stopped for so long is missed.
constexpr double kLongestStop = 1;
// A process that has loaded its libraries listens within a second; a busy box takes its time.
constexpr double kLongestStart = 60;
// To end in order, and take its control groups away.
constexpr double kLongestEnd = 3;
constexpr double kSecondsBetweenKnocks = 0.02;

/// The way to whoever listens at `path`; null: nobody does yet. One connection, which is never made
/// again: each process has a path of its own. So gRPC has nothing to wait for by the system's
/// clock.
std::shared_ptr<grpc::Channel> Connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return nullptr;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return nullptr;
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(descriptor);
    return nullptr;
  }
  grpc::ChannelArguments settings;
  settings.SetMaxReceiveMessageSize(-1);
  // Nothing is to be found out about a socket's bandwidth: a ping with each call cost as much as
  // it.
  settings.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  return grpc::CreateCustomInsecureChannelFromFd("worker", descriptor, settings);
}

}  // namespace

Supervised::Supervised(std::string name, Command command, Hooks hooks)
    : name_(std::move(name)),
      command_(std::move(command)),
      hooks_(std::move(hooks)),
      thread_([this] { Run(); }) {}

Supervised::~Supervised() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (id_ > 0) kill(id_, SIGTERM);
  }
  changed_.notify_all();
  thread_.join();
}

std::shared_ptr<grpc::Channel> Supervised::channel() const {
  const std::lock_guard lock(mutex_);
  return channel_;
}

Result<std::shared_ptr<grpc::Channel>> Supervised::WaitForChannel(double seconds) const {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                         [&] { return channel_ != nullptr || stopping_; }) ||
      channel_ == nullptr) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("worker {}: it has not started within {:.0f} s", name_, seconds)};
  }
  return channel_;
}

pid_t Supervised::id() const {
  const std::lock_guard lock(mutex_);
  return id_;
}

void Supervised::Restart() const {
  const std::lock_guard lock(mutex_);
  if (id_ > 0) kill(id_, SIGKILL);
}

bool Supervised::Pause(double seconds) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                            [&] { return stopping_; });
}

void Supervised::Run() {
  pthread_setname_np(pthread_self(), ("for " + name_).substr(0, 15).c_str());
  resources::RestartBudget budget;
  for (int generation = 0; Live(generation); ++generation) {
    const double now = MonotonicClock().Now();
    const double wait = budget.Ended(now) - now;
    if (wait <= 0) continue;
    const std::string detail =
        fmt::format("{} times lately; next start in {:.0f} s", budget.ends(), wait);
    Log(LogLevel::kError, name_, "its worker keeps ending: {}", detail);
    hooks_.event("worker backs off", detail);
    if (!Pause(wait)) return;
  }
}

bool Supervised::Live(int generation) {
  // A socket of its own for each process: nothing is ever told to one that is thought dead.
  const std::string socket = (command_.folder / fmt::format("{}-{}", name_, generation)).string();
  std::vector<std::string> arguments = command_.arguments;
  for (const std::string& word :
       {std::string("--socket"), socket, std::string("--parent"), std::to_string(getpid())}) {
    arguments.push_back(word);
  }
  auto process = [&]() -> Result<Process> {
    EKYA_ASSIGN(const auto environment,
                resources::DeviceEnvironment(command_.device, hooks_.share()));
    return command_.spawner.Start("/proc/self/exe", arguments, environment);
  }();
  if (!process.ok()) {
    Log(LogLevel::kError, name_, "{}", process.error().message);
    hooks_.event("worker not started", process.error().message);
    return Pause(0);
  }
  {
    const std::lock_guard lock(mutex_);
    id_ = process->id();
    if (stopping_) return false;
  }
  // Until it listens or is no more.
  const double started = MonotonicClock().Now();
  std::shared_ptr<grpc::Channel> channel;
  while (channel == nullptr && !process->Wait(kSecondsBetweenKnocks) &&
         MonotonicClock().Now() < started + kLongestStart) {
    channel = Connect(socket);
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
  }
  Status alive = channel != nullptr
                     ? hooks_.ready(channel)
                     : Status(Error{ErrorCode::kUnavailable, "it did not come to listen"});
  if (alive.ok()) {
    hooks_.event("worker started", fmt::format("process {}", process->id()));
    {
      const std::lock_guard lock(mutex_);
      channel_ = channel;
    }
    changed_.notify_all();
    double asked = MonotonicClock().Now();
    double went_on = asked;
    const auto nap = [&] {
      return std::min(kSecondsBetweenLooks, hooks_.seconds_between_pulses());
    };
    while (alive.ok() && !process->Wait(nap())) {
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) break;
      }
      const double now = MonotonicClock().Now();
      if (process->Stopped()) {
        if (now < went_on + kLongestStop) continue;
        alive = Error{ErrorCode::kUnavailable, "worker " + name_ + ": it was stopped"};
        continue;
      }
      went_on = now;
      // Some naps make a pause, as near as can be.
      if (now < asked + hooks_.seconds_between_pulses() - nap() / 2) continue;
      asked = now;
      alive = hooks_.pulse(channel);
    }
  }
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    stopping = stopping_;
    channel_ = nullptr;
    id_ = 0;
  }
  // It may have ended just now, and that is then the reason.
  const auto own_end = process->Wait(stopping ? kLongestEnd : alive.ok() ? 0 : 0.1);
  if (!own_end) process->Signal(SIGKILL);
  std::optional<int> status = own_end;
  while (!status) status = process->Wait(1);
  std::error_code failed;
  std::filesystem::remove(socket, failed);
  if (stopping) {
    // What ended by itself just before, or on the way, is told all the same.
    if (own_end && *own_end != 0 && !(WIFSIGNALED(*own_end) && WTERMSIG(*own_end) == SIGTERM)) {
      hooks_.event("worker died", fmt::format("process {}: {}", process->id(), Describe(*own_end)));
    }
    return false;
  }
  hooks_.ended(own_end ? *own_end : SIGKILL);
  const std::string why = own_end ? Describe(*own_end) : "ended, since " + alive.error().message;
  Log(LogLevel::kWarning, name_, "its worker (process {}) died: {}", process->id(), why);
  hooks_.event("worker died", fmt::format("process {}: {}", process->id(), why));
  return true;
}

}  // namespace ekya::processes
