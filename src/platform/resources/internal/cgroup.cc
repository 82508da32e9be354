#include "platform/resources/internal/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"

namespace ekya::resources {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolderPrefix = "ekya-";
constexpr long kMinimumMicroseconds = 1000;  // The kernel takes neither quota nor period below.

Error SystemError(const std::string& doing, int number) {
  return {number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kFailed,
          fmt::format("{}: {}", doing, std::strerror(number))};
}

/// Control files take one value per write() and refuse it through that call's result.
Status WriteControl(const fs::path& file, const std::string& value) {
  const std::string doing = fmt::format("{}: writing \"{}\"", file.string(), value);
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemError(doing, errno);
  const ssize_t written = ::write(descriptor, value.data(), value.size());
  const int number = errno;
  ::close(descriptor);
  if (written != static_cast<ssize_t>(value.size())) return SystemError(doing, number);
  return {};
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool Contains(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

std::vector<std::string> Words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

const char* ThreadsFile(int version) { return version == 1 ? "tasks" : "cgroup.threads"; }

/// A thread that has just ended still counts as a member for a moment: its exit is seen by others
/// before the kernel takes it out.
void RemoveFolder(const fs::path& folder) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) return;
    if (errno != EBUSY) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  Log(LogLevel::kWarning, "", "{}: this control group could not be removed: {}", folder.string(),
      std::strerror(errno));
}

/// When `process` started, in clock ticks since boot; none when there is no such process. Together
/// with the number it names a process for good: numbers alone are used again.
std::optional<std::string> ProcessStart(const std::string& process) {
  const auto stat = ReadKernelFile(fs::path("/proc") / process / "stat");
  if (!stat.ok()) return std::nullopt;
  // The second field is the program's name in parentheses and may hold anything; the start time is
  // the 22nd field, the 20th after it.
  const std::size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const auto words = Words(stat->substr(name_end + 1));
  if (words.size() < 20) return std::nullopt;
  return words[19];
}

// Times that this process weighs against everything else on the machine. Quotas say what a job may
// use; on a box where something else computes too, only a weight gives it that much. The rest of
// the machine keeps what is not declared, and a sixteenth of what is.
constexpr double kWeightOfEkya = 16;

/// Where more is asked than the machine has, groups get time in proportion to their weights. One
/// core's worth is what a thread outside of any group has.
Status WriteWeight(const CgroupFolder& folder, double cores) {
  if (folder.home().version == 1) {
    const long weight = std::clamp(std::lround(1024 * cores), 2L, 262144L);
    return WriteControl(folder.path() / "cpu.shares", std::to_string(weight));
  }
  const long weight = std::clamp(std::lround(100 * cores), 1L, 10000L);
  return WriteControl(folder.path() / "cpu.weight", std::to_string(weight));
}

/// Lets version 2 hand the cpu controller of `folder` to the groups inside it.
Status DelegateCpu(const fs::path& folder) {
  return WriteControl(folder / "cgroup.subtree_control", "+cpu");
}

}  // namespace

Result<std::string> ReadKernelFile(const fs::path& path) {
  errno = 0;
  std::ifstream file(path);
  std::string content(std::istreambuf_iterator<char>(file), {});
  if (!file.good() && !file.eof()) return SystemError(path.string() + ": reading", errno);
  return content;
}

Result<CgroupHome> FindCgroupHome(const std::string& mountinfo, const std::string& cgroup) {
  // Lines of /proc/self/cgroup: "4:cpu,cpuacct:/path"; version 2 has "0::/path".
  std::optional<std::string> path_v1, path_v2;
  for (const std::string& line : Split(cgroup, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (Contains(Split(controllers, ','), "cpu")) path_v1 = path;
    if (line.starts_with("0::")) path_v2 = path;
  }
  // Lines of mountinfo: "36 35 98:0 /root /mount/point options ... - type source super,options".
  // A group's folder is its path, less the mount's root, at the mount's point.
  const auto folder_of = [](const std::vector<std::string>& words, const std::string& path) {
    const std::string root = words[3] == "/" ? "" : words[3];
    const std::string inside = path.starts_with(root) ? path.substr(root.size()) : path;
    return fs::path(words[4]) / fs::path(inside).relative_path();
  };
  std::optional<CgroupHome> version_2;
  for (const std::string& line : Split(mountinfo, '\n')) {
    const auto words = Words(line);
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 7 || words.end() - dash < 4) continue;
    if (*(dash + 1) == "cgroup" && path_v1 && Contains(Split(*(dash + 3), ','), "cpu")) {
      return CgroupHome{1, folder_of(words, *path_v1)};
    }
    if (*(dash + 1) == "cgroup2" && path_v2 && !version_2) {
      version_2 = CgroupHome{2, folder_of(words, *path_v2)};
    }
  }
  if (version_2) return *version_2;
  return Error{ErrorCode::kNotFound,
               "/proc/self/mountinfo: no control group tree with CPU quotas is mounted"};
}

Quota QuotaFor(double cores) {
  constexpr long kPeriod = 20'000;
  constexpr long kLongestPeriod = 1'000'000;
  cores = std::max(cores, 1.0 * kMinimumMicroseconds / kLongestPeriod);
  const long period =
      std::clamp(std::lround(std::ceil(kMinimumMicroseconds / cores)), kPeriod, kLongestPeriod);
  return {std::max(kMinimumMicroseconds, std::lround(cores * static_cast<double>(period))), period};
}

CgroupFolder::CgroupFolder(CgroupHome home, fs::path path)
    : home_(std::move(home)), path_(std::move(path)) {}

Result<std::shared_ptr<const CgroupFolder>> CgroupFolder::Make(const CgroupHome& home,
                                                               fs::path path) {
  std::error_code code;
  fs::create_directory(path, code);
  if (code) return SystemError(path.string() + ": making this control group", code.value());
  std::shared_ptr<const CgroupFolder> folder(new CgroupFolder(home, std::move(path)));
  if (home.version == 2) {
    // Threads of one process may be in several groups only where these are "threaded".
    EKYA_RETURN_IF_ERROR(WriteControl(folder->path() / "cgroup.type", "threaded"));
  }
  return folder;
}

CgroupFolder::~CgroupFolder() {
  // Not only the threads that joined: a thread starts in the group of the one that made it.
  const auto members = ReadKernelFile(path_ / ThreadsFile(home_.version));
  if (members.ok()) {
    for (const std::string& thread : Words(*members)) {
      const Status moved = WriteControl(home_.folder / ThreadsFile(home_.version), thread);
      if (!moved.ok()) Log(LogLevel::kDebug, "", "{}", moved.error().message);  // It has ended.
    }
  }
  RemoveFolder(path_);
}

CgroupJob::CgroupJob(std::shared_ptr<const CgroupFolder> parent,
                     std::shared_ptr<const CgroupFolder> folder)
    : parent_(std::move(parent)), folder_(std::move(folder)) {}

Status CgroupJob::Limit(double cores) {
  const Quota quota = QuotaFor(cores);
  const std::string quota_text = std::to_string(quota.quota_microseconds);
  const std::string period_text = std::to_string(quota.period_microseconds);
  EKYA_RETURN_IF_ERROR(WriteWeight(*folder_, cores));
  if (folder_->home().version == 2) {
    return WriteControl(path() / "cpu.max", quota_text + " " + period_text);
  }
  if (period_ != quota.period_microseconds) {
    // Two files, one after the other: without a quota in between, no mixture of old and new is
    // refused for asking more than the group above has.
    EKYA_RETURN_IF_ERROR(WriteControl(path() / "cpu.cfs_quota_us", "-1"));
    EKYA_RETURN_IF_ERROR(WriteControl(path() / "cpu.cfs_period_us", period_text));
    period_ = quota.period_microseconds;
  }
  return WriteControl(path() / "cpu.cfs_quota_us", quota_text);
}

Status CgroupJob::Attach(pid_t thread) {
  return WriteControl(path() / ThreadsFile(folder_->home().version), std::to_string(thread));
}

CgroupTree::CgroupTree(std::shared_ptr<const CgroupFolder> folder) : folder_(std::move(folder)) {}

Result<std::unique_ptr<CgroupTree>> CgroupTree::Make(const CgroupHome& home) {
  static std::atomic<int> number = 0;
  if (home.version == 2) {
    const fs::path file = home.folder / "cgroup.controllers";
    EKYA_ASSIGN(const std::string controllers, ReadKernelFile(file));
    if (!Contains(Words(controllers), "cpu")) {
      return Error{
          ErrorCode::kNotFound,
          fmt::format("{}: found \"{}\", expected \"cpu\" among them", file.string(), controllers)};
    }
  }
  RemoveStaleCgroups(home.folder);
  const std::string name = fmt::format("{}{}-{}-{}", kFolderPrefix, ::getpid(),
                                       ProcessStart("self").value_or("0"), number.fetch_add(1));
  EKYA_ASSIGN(auto folder, CgroupFolder::Make(home, home.folder / name));
  if (home.version == 2) {
    EKYA_RETURN_IF_ERROR(DelegateCpu(home.folder));
    EKYA_RETURN_IF_ERROR(DelegateCpu(folder->path()));
  }
  EKYA_RETURN_IF_ERROR(
      WriteWeight(*folder, kWeightOfEkya * std::max(1U, std::thread::hardware_concurrency())));
  std::unique_ptr<CgroupTree> tree(new CgroupTree(std::move(folder)));
  {
    // Being able to make a folder is not yet being able to limit what is in it.
    EKYA_ASSIGN(const auto probe, tree->MakeJob("probe"));
    EKYA_RETURN_IF_ERROR(probe->Limit(0.5));
  }
  return tree;
}

Result<std::unique_ptr<CgroupJob>> CgroupTree::MakeJob(const std::string& name) {
  std::string clean = name.substr(0, 100);
  for (char& c : clean) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '_';
  }
  EKYA_ASSIGN(auto folder,
              CgroupFolder::Make(home(), path() / fmt::format("{}-{}", jobs_++, clean)));
  return std::make_unique<CgroupJob>(folder_, std::move(folder));
}

Status CgroupTree::JoinService() {
  if (service_ == nullptr) {
    EKYA_ASSIGN(service_, CgroupFolder::Make(home(), path() / "service"));
    EKYA_RETURN_IF_ERROR(WriteWeight(*service_, std::max(1U, std::thread::hardware_concurrency())));
  }
  return WriteControl(service_->path() / ThreadsFile(home().version), std::to_string(::gettid()));
}

void RemoveStaleCgroups(const fs::path& home) {
  std::error_code code;
  std::vector<fs::path> stale;
  for (const auto& entry : fs::directory_iterator(home, code)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kFolderPrefix)) continue;
    const auto parts = Split(name.substr(kFolderPrefix.size()), '-');
    if (parts.size() != 3) continue;
    if (ProcessStart(parts[0]) != parts[1]) stale.push_back(entry.path());
  }
  for (const fs::path& folder : stale) {
    for (const auto& entry : fs::directory_iterator(folder, code)) {
      if (entry.is_directory(code)) ::rmdir(entry.path().c_str());
    }
    if (::rmdir(folder.c_str()) == 0) {
      Log(LogLevel::kDebug, "", "{}: removed the control groups of a dead process",
          folder.string());
    }
  }
}

}  // namespace ekya::resources
