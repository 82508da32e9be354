#include "apps/cli/doctor.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "apps/report/figure.h"
#include "apps/report/terminal_table.h"
#include "base/file.h"
#include "core/json_writer.h"
#include "platform/registry/data_folder.h"
#include "platform/registry/model_store.h"
#include "platform/registry/registry.h"
#include "platform/resources/share.h"

namespace ekya::cli {
namespace {

namespace fs = std::filesystem;
using State = Finding::State;

// Under these, a site of a few cameras will soon be in trouble.
constexpr double kLeastMemory = 2e9;
constexpr rlim_t kLeastFiles = 4096;

/// The value of the first line "key : value" or "key: value"; empty: there is none.
std::string_view ValueOf(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !line.starts_with(key)) continue;
    const std::string_view between = line.substr(key.size(), colon - key.size());
    if (between.find_first_not_of(" \t") != std::string_view::npos) continue;
    const std::size_t first = line.find_first_not_of(" \t", colon + 1);
    return first == std::string_view::npos ? "" : line.substr(first);
  }
  return "";
}

/// Of /proc/meminfo, in bytes; 0: not there.
double MemoryOf(std::string_view meminfo, std::string_view key) {
  const std::string_view value = ValueOf(meminfo, key);
  double kibibytes = 0;
  std::from_chars(value.data(), value.data() + value.size(), kibibytes);
  return 1024 * kibibytes;
}

std::string SizeText(double bytes) {
  return bytes >= 1e9 ? fmt::format("{:.1f} GB", bytes / 1e9)
                      : fmt::format("{:.0f} MB", bytes / 1e6);
}

std::string KernelText(const char* path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Finding SharesFinding() {
  const auto quotas = resources::MakeShareEnforcer("cgroup");
  if (quotas.ok()) {
    return {"shares", State::kGood, fmt::format("kept by the kernel: {}", (*quotas)->mechanism())};
  }
  return {"shares", State::kNote,
          fmt::format("paced between minibatches and frames, which does not hold against other "
                      "programs; quotas cannot be set: {}",
                      quotas.error().message)};
}

/// Starts `program --help` and says how that ends; nothing is printed.
Finding ProgramFinding(const fs::path& program) {
  std::error_code code;
  if (!fs::exists(program, code)) {
    return {"ekya-live", State::kProblem,
            program.string() +
                ": not there; build it: cmake --preset release && cmake --build "
                "build/release"};
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {"ekya-live", State::kProblem, std::strerror(errno)};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::string name = "ekya-live";
  std::string help = "--help";
  char* arguments[] = {name.data(), help.data(), nullptr};
  pid_t process = 0;
  const int number =
      ::posix_spawn(&process, program.c_str(), &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string said;
  if (number == 0) {
    char block[512];
    ssize_t got = 0;
    while ((got = ::read(ends[0], block, sizeof block)) > 0) {
      said.append(block, static_cast<std::size_t>(got));
    }
  }
  ::close(ends[0]);
  int status = 0;
  if (number == 0) ::waitpid(process, &status, 0);
  if (number == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    return {"ekya-live", State::kGood, "starts: LibTorch, FFmpeg and OpenCV are found"};
  }
  if (number != 0) said = std::strerror(number);
  std::ranges::replace(said, '\n', ' ');
  return {"ekya-live", State::kProblem,
          fmt::format("{}: does not start: {}", program.string(), said)};
}

/// What may serve models beside oneDNN: looked for as platform/models does.
Finding EngineFinding(const fs::path& engine) {
  const char* const named = std::getenv("EKYA_ONNXRUNTIME");
  std::vector<std::string> places = {engine.string(), "libonnxruntime.so.1"};
  if (named != nullptr) places = {named};
  for (const std::string& place : places) {
    if (void* const library = ::dlopen(place.c_str(), RTLD_LAZY | RTLD_LOCAL)) {
      const bool right = ::dlsym(library, "OrtGetApiBase") != nullptr;
      ::dlclose(library);
      if (right) return {"engine", State::kGood, "ONNX Runtime: " + place};
    }
  }
  return {"engine", State::kNote,
          "ONNX Runtime, which serves some models faster than oneDNN, was not found (scripts/setup "
          "brings it)"};
}

Finding AcceleratorFinding() {
  std::error_code code;
  if (!fs::exists("/dev/nvidia0", code)) {
    return {"accelerator", State::kGood, "none: everything computes on the processors"};
  }
  const char* const named = std::getenv("CUDA_MPS_PIPE_DIRECTORY");
  const fs::path pipes = named != nullptr ? named : "/tmp/nvidia-mps";
  if (fs::exists(pipes / "control", code)) {
    return {"accelerator", State::kGood, "a CUDA device, shared by the Multi-Process Service"};
  }
  return {
      "accelerator", State::kNote,
      "a CUDA device; shares of it are only paced, since the Multi-Process Service does not run "
      "(nvidia-cuda-mps-control -d)"};
}

Finding FilesFinding() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return {
      "open files", limit.rlim_cur < kLeastFiles ? State::kNote : State::kGood,
      fmt::format("at most {}{}", limit.rlim_cur,
                  limit.rlim_cur < kLeastFiles ? "; tens of cameras need more (ulimit -n)" : "")};
}

Finding ClockFinding() {
  timex clock{};
  const bool set = ::adjtimex(&clock) != TIME_ERROR;
  return {"clock", set ? State::kGood : State::kNote,
          set ? "synchronised"
              : "not synchronised: events may carry the wrong time; nothing else depends on it"};
}

Finding FolderFinding(const fs::path& data_dir) {
  std::error_code code;
  const bool there = fs::is_directory(data_dir, code);
  const fs::path folder = there ? data_dir : fs::absolute(data_dir, code).parent_path();
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return {"data folder", State::kProblem,
            fmt::format("{}: cannot be written: {}", folder.string(), std::strerror(errno))};
  }
  if (!there) return {"data folder", State::kGood, data_dir.string() + ": will be made"};
  const auto registry = registry::Registry::OpenToRead(registry::DataFolder(data_dir).Registry());
  if (registry.ok()) return {"data folder", State::kGood, data_dir.string() + ": has a registry"};
  if (registry.error().code == ErrorCode::kNotFound) {
    return {"data folder", State::kGood, data_dir.string() + ": nothing ran there yet"};
  }
  return {"data folder", State::kNote,
          registry.error().message + "; it will be put aside and a new one begun"};
}

}  // namespace

const char* Name(Finding::State state) {
  switch (state) {
    case State::kGood:
      return "good";
    case State::kNote:
      return "note";
    case State::kProblem:
      return "problem";
  }
  return "";
}

Finding ProcessorsFinding(std::string_view cpuinfo, int usable) {
  const std::string_view model = ValueOf(cpuinfo, "model name");
  const std::string flags = " " + std::string(ValueOf(cpuinfo, "flags")) + " ";
  std::string text = fmt::format("{} to use", usable);
  if (!model.empty()) text += fmt::format(": {}", model);
  const auto has = [&](const char* flag) {
    return flags.find(fmt::format(" {} ", flag)) != std::string::npos;
  };
  if (has("avx512_bf16")) {
    text += "; multiplies bfloat16, with which classifiers then train";
  } else if (!has("avx2")) {
    return {"processors", State::kNote, text + "; without AVX2 everything is several times slower"};
  }
  return {"processors", State::kGood, text};
}

Finding MemoryFinding(std::string_view meminfo) {
  const double total = MemoryOf(meminfo, "MemTotal");
  const double available = MemoryOf(meminfo, "MemAvailable");
  const std::string text = fmt::format("{} of {} available", SizeText(available), SizeText(total));
  if (available >= kLeastMemory) return {"memory", State::kGood, text};
  return {"memory", State::kNote,
          text + "; each process that trains takes half a gigabyte and more"};
}

Finding DiskFinding(const fs::path& data_dir, const resources::DiskSpace& space) {
  const resources::WaterMarks marks = resources::MarksFor(space.total_bytes);
  const auto free = static_cast<double>(space.free_bytes);
  const std::string text =
      fmt::format("{} of {} free for {}", SizeText(free),
                  SizeText(static_cast<double>(space.total_bytes)), data_dir.string());
  if (space.free_bytes >= marks.enough_bytes) return {"disk", State::kGood, text};
  const bool low = space.free_bytes < marks.low_bytes;
  return {"disk", low ? State::kProblem : State::kNote,
          fmt::format("{}; under {} nothing is sampled or retrained", text,
                      SizeText(static_cast<double>(marks.low_bytes)))};
}

Finding ModelsFinding(const fs::path& data_dir) {
  const auto store = registry::ModelStore::OpenToRead(registry::DataFolder(data_dir).Models());
  if (!store.ok()) return {"models", State::kGood, "none is kept yet"};
  int whole = 0;
  std::string damaged;
  for (const std::string& stream : store->Streams()) {
    for (const registry::Alias alias : {registry::Alias::kServing, registry::Alias::kPrevious}) {
      const std::int64_t version = store->Pointed(stream, alias);
      if (version == 0) continue;
      const auto model = store->Load(stream, version);
      if (model.ok()) {
        ++whole;
      } else {
        damaged += "; " + model.error().message;
      }
    }
  }
  const std::string text = fmt::format("{} that serve or did before are whole", whole);
  if (damaged.empty()) return {"models", State::kGood, text};
  return {"models", State::kNote, text + damaged + "; such a version is passed over"};
}

std::vector<Finding> Examine(const fs::path& data_dir, const fs::path& program,
                             const fs::path& engine) {
  std::vector<Finding> findings;
  findings.push_back(ProcessorsFinding(KernelText("/proc/cpuinfo"), resources::Processors()));
  findings.push_back(MemoryFinding(KernelText("/proc/meminfo")));
  findings.push_back(SharesFinding());
  findings.push_back(AcceleratorFinding());
  findings.push_back(ProgramFinding(program.parent_path() / "ekya-live"));
  findings.push_back(EngineFinding(engine));
  findings.push_back(FolderFinding(data_dir));
  const auto space = resources::SpaceAt(data_dir);
  findings.push_back(space.ok() ? DiskFinding(data_dir, *space)
                                : Finding{"disk", State::kProblem, space.error().message});
  findings.push_back(ModelsFinding(data_dir));
  findings.push_back(FilesFinding());
  findings.push_back(ClockFinding());
  return findings;
}

std::string FindingsText(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    const char* const mark = finding.state == State::kGood   ? "  "
                             : finding.state == State::kNote ? "- "
                                                             : "! ";
    text += fmt::format("{}{:<12} {}\n", mark, finding.what, finding.text);
  }
  return text;
}

std::string FindingsJson(const std::vector<Finding>& findings) {
  JsonWriter json;
  json.BeginMap().Key("format").Text("ekya-doctor/1").Key("findings").BeginList();
  for (const Finding& finding : findings) {
    json.BeginMap().Key("what").Text(finding.what).Key("state").Text(Name(finding.state));
    json.Key("text").Text(finding.text).EndMap();
  }
  return json.EndList().EndMap().Take();
}

}  // namespace ekya::cli
