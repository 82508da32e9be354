#include "apps/live/run_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>

#include "apps/live/ending.h"
#include "apps/report/progress_line.h"
#include "apps/report/report.h"
#include "apps/report/run_record_file.h"
#include "apps/report/terminal_table.h"
#include "base/file.h"
#include "base/log.h"
#include "platform/resources/notify.h"
#include "run/processes/process_workers.h"
#include "run/workers/live_run.h"

extern char** environ;

namespace ekya::live {
namespace {

/// The site's text and the file that it is from: what relative paths in it are relative to.
struct SiteText {
  std::string text;
  std::string file;
};

Result<SiteText> LoadSite(const RunRequest& request) {
  if (request.site_file.empty()) return SiteText{request.site_text, "demo site"};
  EKYA_ASSIGN(std::string text, ReadFile(request.site_file));
  return SiteText{std::move(text),
                  request.site_name.empty() ? request.site_file.string() : request.site_name};
}

/// The live line: rewritten in place on a terminal, a plain line every few seconds elsewhere.
class ProgressLine {
 public:
  ProgressLine() : terminal_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() {
    if (terminal_ && shown_) std::fputs("\n", stderr);
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Show(const workers::LiveProgress& progress) {
    report::Progress line;
    line.elapsed_seconds = std::max(0.0, progress.elapsed_seconds);
    if (progress.total_seconds > 0) {
      line.done = std::min(1.0, line.elapsed_seconds / progress.total_seconds);
      line.left_seconds = std::max(0.0, progress.total_seconds - line.elapsed_seconds);
    }
    line.window = progress.window;
    int judged = 0;
    double sum = 0;
    int retraining = 0;
    int gone = 0;
    for (const auto& stream : progress.streams) {
      if (stream.accuracy >= 0) {
        sum += stream.accuracy;
        ++judged;
      }
      retraining += stream.retraining ? 1 : 0;
      gone += stream.gone ? 1 : 0;
    }
    if (judged > 0) line.accuracy = sum / judged;
    if (retraining > 0) line.phase = fmt::format("{} retraining", retraining);
    if (gone > 0) line.phase += fmt::format("{}{} gone", line.phase.empty() ? "" : ", ", gone);
    if (terminal_) {
      std::fprintf(stderr, "\r\033[K%s", report::ProgressLine(line, 100).c_str());
      std::fflush(stderr);
    } else if (progress.elapsed_seconds >= next_) {
      std::fprintf(stderr, "%s\n", report::ProgressLine(line, 200).c_str());
      next_ = progress.elapsed_seconds + kPlainSeconds;
    }
    shown_ = true;
  }

 private:
  static constexpr double kPlainSeconds = 10;
  const bool terminal_;
  bool shown_ = false;
  double next_ = 0;
};

/// `text`: the site's, of which the workers read a copy.
Result<window::RunRecord> RunHere(const Site& site, const SiteText& text, const RunRequest& request,
                                  resources::ServiceNotifier& notifier) {
  workers::LiveOptions options;
  const std::filesystem::path copy = request.out / "site.yaml";
  if (!request.child) EKYA_RETURN_IF_ERROR(WriteFileAtomically(copy, text.text));
  options.workers = [&] {
    return processes::MakeProcessWorkers({request.child ? request.site_file : copy, text.file,
                                          options.data_dir, request.seed,
                                          site.compute.devices.front()});
  };
  options.scheduler =
      request.schedulers.empty() ? site.compute.scheduler : request.schedulers.front();
  options.seed = request.seed;
  options.for_seconds = request.for_seconds;
  // Runs that are compared share nothing.
  const bool serves = !request.child && !site.server.data_dir.empty();
  options.data_dir = serves ? std::filesystem::path(site.server.data_dir) : request.out;
  options.resume = serves;
  options.notifier = &notifier;
  options.first_core = request.first_core;
  options.stop = &Interrupted();
  ProgressLine line;
  if (!request.child) {
    options.progress = [&line](const workers::LiveProgress& progress) { line.Show(progress); };
  }
  return workers::RunLive(site, options);
}

/// One of several runs, as a process.
struct Child {
  std::string scheduler;
  std::uint64_t seed = 0;
  std::filesystem::path out;
};

/// A scheduler's specification as a folder's name.
std::string FolderName(const std::string& scheduler, std::uint64_t seed) {
  std::string name = scheduler;
  for (char& c : name) {
    if (std::strchr("/:=,", c) != nullptr) c = '_';
  }
  return fmt::format("{}-seed-{}", name, seed);
}

Result<pid_t> Start(const Child& child, int first_core, const RunRequest& request,
                    const std::filesystem::path& site_copy, const std::string& site_name) {
  std::vector<std::string> words = {"ekya-live",
                                    "run",
                                    site_copy.string(),
                                    "--site-name",
                                    site_name,
                                    "--scheduler",
                                    child.scheduler,
                                    "--seed",
                                    std::to_string(child.seed),
                                    "--out",
                                    child.out.string(),
                                    "--first-core",
                                    std::to_string(first_core),
                                    "--child"};
  if (request.for_seconds > 0) {
    words.push_back("--for");
    words.push_back(fmt::format("{}s", request.for_seconds));
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  std::error_code code;
  std::filesystem::create_directories(child.out, code);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log = (child.out / "log.txt").string();
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  pid_t pid = -1;
  const int failed =
      posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return Error{ErrorCode::kFailed, fmt::format("cannot start a run: {}", std::strerror(failed))};
  }
  return pid;
}

/// The last lines of a child's log, for its error message.
std::string TailOf(const std::filesystem::path& file) {
  auto text = ReadFile(file);
  if (!text.ok()) return text.error().message;
  while (!text->empty() && text->back() == '\n') text->pop_back();
  const auto last = text->rfind('\n');
  return last == std::string::npos ? *text : text->substr(last + 1);
}

/// Runs all children, at most `at_once` together; an interruption is handed on and waited for.
Status RunChildren(const std::vector<Child>& children, int devices, const RunRequest& request,
                   const std::filesystem::path& site_copy, const std::string& site_name) {
  struct Place {
    const Child* child = nullptr;
    int slot = 0;  // Which of the runs at the same time: fixes its cores.
  };
  std::map<pid_t, Place> running;
  const auto free_slot = [&running] {
    int slot = 0;
    while (std::any_of(running.begin(), running.end(),
                       [slot](const auto& each) { return each.second.slot == slot; })) {
      ++slot;
    }
    return slot;
  };
  std::size_t next = 0;
  Status status;
  bool told = false;
  while (!running.empty() || (next < children.size() && status.ok() && !Interrupted())) {
    while (next < children.size() && status.ok() && !Interrupted() &&
           static_cast<int>(running.size()) < request.at_once) {
      const int slot = free_slot();
      auto pid = Start(children[next], slot * devices, request, site_copy, site_name);
      if (!pid.ok()) {
        status = pid.error();
        break;
      }
      Log(LogLevel::kInfo, "", "run {} of {}: {}, seed {}", next + 1, children.size(),
          children[next].scheduler, children[next].seed);
      running[*pid] = {&children[next++], slot};
    }
    if (Interrupted() && !told) {
      for (const auto& [pid, place] : running) kill(pid, SIGTERM);
      told = true;
    }
    int code = 0;
    const pid_t ended = waitpid(-1, &code, WNOHANG);
    if (ended <= 0) {
      usleep(100'000);
      continue;
    }
    const auto found = running.find(ended);
    if (found == running.end()) continue;
    if (!(WIFEXITED(code) && WEXITSTATUS(code) == kDone) && status.ok() && !Interrupted()) {
      status = Error{
          ErrorCode::kFailed,
          fmt::format("the run of {}, seed {} failed: {}", found->second.child->scheduler,
                      found->second.child->seed, TailOf(found->second.child->out / "log.txt"))};
    }
    running.erase(found);
  }
  return status;
}

Status Finish(const RunRequest& request, const std::vector<window::RunRecord>& runs) {
  EKYA_RETURN_IF_ERROR(report::WriteReport(request.out, request.title, runs));
  if (request.json) {
    EKYA_ASSIGN(const std::string summary, ReadFile(request.out / "summary.json"));
    std::fputs(summary.c_str(), stdout);
  } else {
    std::fputs(report::EndOfRunTable(runs).c_str(), stdout);
    std::printf("report: %s\n", (request.out / "report.html").c_str());
  }
  return {};
}

}  // namespace

int Run(const RunRequest& request) {
  CatchSignals();
  auto notifier = resources::ServiceNotifier::FromEnvironment();
  if (!notifier.ok()) {
    Log(LogLevel::kWarning, "", "{}", notifier.error().message);
    notifier = resources::ServiceNotifier();
  }
  const auto loaded = LoadSite(request);
  if (!loaded.ok()) return Say(loaded.error());
  const auto site = ReadSite(loaded->text, loaded->file);
  if (!site.ok()) return Say(site.error());
  std::vector<std::string> schedulers = request.schedulers;
  if (schedulers.empty()) schedulers = {site->compute.scheduler};

  if (schedulers.size() == 1 && request.repeat == 1) {
    auto run = RunHere(*site, *loaded, request, *notifier);
    if (!run.ok()) return Say(run.error());
    if (const auto saved = report::SaveRunRecord(request.out, *run); !saved.ok()) {
      return Say(saved.error());
    }
    if (!request.child) {
      if (const Status finished = Finish(request, {*run}); !finished.ok()) {
        return Say(finished.error());
      }
    }
    return Interrupted() && !request.child ? kInterrupted : kDone;
  }

  // All runs read what was read here, whoever edits the file meanwhile.
  const std::filesystem::path site_copy = request.out / "site.yaml";
  if (const Status written = WriteFileAtomically(site_copy, loaded->text); !written.ok()) {
    return Say(written.error());
  }
  std::vector<Child> children;
  for (int i = 0; i < request.repeat; ++i) {
    for (const std::string& scheduler : schedulers) {
      const std::uint64_t seed = request.seed + static_cast<std::uint64_t>(i);
      children.push_back({scheduler, seed, request.out / "runs" / FolderName(scheduler, seed)});
    }
  }
  const Status ran = RunChildren(children, static_cast<int>(site->compute.devices.size()), request,
                                 site_copy, loaded->file);
  if (!ran.ok()) return Say(ran.error());
  const auto runs = report::LoadRunRecords({request.out / "runs"});
  if (!runs.ok()) return Interrupted() ? kInterrupted : Say(runs.error());
  if (const Status finished = Finish(request, *runs); !finished.ok()) return Say(finished.error());
  return Interrupted() ? kInterrupted : kDone;
}

}  // namespace ekya::live
