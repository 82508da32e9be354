#include "run/processes/process.h"

#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>

#include "base/clock.h"

extern char** environ;

namespace ekya::processes {
namespace {

// Where there is no pidfd.
constexpr double kSecondsBetweenLooks = 0.05;

/// As the kernel takes them: with a null at their end.
std::vector<char*> PointersTo(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<Process> Process::Start(const std::string& program,
                               const std::vector<std::string>& arguments,
                               const std::map<std::string, std::string>& environment) {
  std::vector<std::string> words = arguments;
  std::vector<std::string> variables;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string variable = *each;
    if (!environment.contains(variable.substr(0, variable.find('=')))) {
      variables.push_back(variable);
    }
  }
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  pid_t id = 0;
  const int failed = posix_spawn(&id, program.c_str(), nullptr, nullptr, PointersTo(words).data(),
                                 PointersTo(variables).data());
  if (failed != 0) {
    return Error{ErrorCode::kFailed, fmt::format("{}: cannot be started: {}", program,
                                                 std::strerror(failed))};  // NOLINT
  }
  return Process(id, static_cast<int>(syscall(SYS_pidfd_open, id, 0)));
}

Process::Process(Process&& other) noexcept
    : id_(std::exchange(other.id_, 0)),
      handle_(std::exchange(other.handle_, -1)),
      ended_(other.ended_) {}

Process::~Process() {
  if (id_ > 0 && !ended_) {
    Signal(SIGKILL);
    while (!Wait(1)) continue;
  }
  if (handle_ >= 0) close(handle_);
}

void Process::Signal(int number) const {
  if (id_ > 0 && !ended_) kill(id_, number);
}

std::optional<int> Process::Wait(double seconds) {
  const double until = MonotonicClock().Now() + seconds;
  while (!ended_) {
    int status = 0;
    const pid_t ended = waitpid(id_, &status, WNOHANG);
    if (ended == id_ || (ended < 0 && errno == ECHILD)) {
      ended_ = ended == id_ ? status : 0;
      break;
    }
    const double left = until - MonotonicClock().Now();
    if (left <= 0) return std::nullopt;
    pollfd event{handle_, POLLIN, 0};
    const double nap = handle_ >= 0 ? left : std::min(left, kSecondsBetweenLooks);
    poll(&event, handle_ >= 0 ? 1 : 0, static_cast<int>(std::ceil(1000 * nap)));
  }
  return ended_;
}

bool Process::Stopped() const {
  siginfo_t change{};
  // Left for the next look: it is asked how it stands, not what has changed since.
  return waitid(P_PID, static_cast<id_t>(id_), &change, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
         change.si_pid == id_ && change.si_code == CLD_STOPPED;
}

std::string Describe(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("signal {} ({})", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));  // NOLINT(concurrency-mt-unsafe)
  }
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

bool BrokeDown(int status) {
  if (WIFEXITED(status)) return WEXITSTATUS(status) != 0;
  const int number = WTERMSIG(status);
  return number == SIGSEGV || number == SIGABRT || number == SIGBUS || number == SIGFPE ||
         number == SIGILL || number == SIGTRAP;
}

void DieWithParent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
}

}  // namespace ekya::processes
