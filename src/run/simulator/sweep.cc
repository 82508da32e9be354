#include "run/simulator/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

#include "base/file.h"
#include "base/random.h"

namespace ekya::simulator {
namespace {

SweepRow RowOf(const SimulationSettings& asked, const SimulationResult& result) {
  SweepRow row;
  row.settings = asked;
  row.streams = result.settings.streams;
  row.windows = result.settings.windows;
  row.window_seconds = result.settings.window_seconds;
  row.mean_accuracy = result.mean_accuracy;
  row.worst_stream_accuracy = result.worst_stream_accuracy;
  row.decisions = result.decisions;
  row.retrainings = result.retrainings;
  row.swaps = result.swaps;
  row.warnings = static_cast<int>(result.warnings.size());
  row.predicted_error = result.predicted_error;
  row.inference_device_seconds = result.inference_device_seconds;
  row.retraining_device_seconds = result.retraining_device_seconds;
  row.profiling_device_seconds = result.profiling_device_seconds;
  row.labelling_device_seconds = result.labelling_device_seconds;
  return row;
}

// A journal line is "key numbers... end"; {} prints a double so that it reads back the same.
std::string JournalLine(const std::string& key, const SweepRow& row) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} end\n", key, row.streams,
                     row.windows, row.window_seconds, row.mean_accuracy, row.worst_stream_accuracy,
                     row.decisions, row.retrainings, row.swaps, row.warnings, row.predicted_error,
                     row.inference_device_seconds, row.retraining_device_seconds,
                     row.profiling_device_seconds, row.labelling_device_seconds);
}

std::optional<std::pair<std::string, SweepRow>> ReadJournalLine(const std::string& line) {
  std::istringstream in(line);
  std::string key;
  std::string end;
  SweepRow row;
  in >> key >> row.streams >> row.windows >> row.window_seconds >> row.mean_accuracy >>
      row.worst_stream_accuracy >> row.decisions >> row.retrainings >> row.swaps >> row.warnings >>
      row.predicted_error >> row.inference_device_seconds >> row.retraining_device_seconds >>
      row.profiling_device_seconds >> row.labelling_device_seconds >> end;
  if (!in || end != "end") return std::nullopt;
  return std::pair{key, row};
}

// Finished runs on disk.
class Journal {
 public:
  static Result<std::unique_ptr<Journal>> Open(const std::filesystem::path& path) {
    auto journal = std::make_unique<Journal>();
    if (path.empty()) return journal;
    std::error_code ignored;
    if (!path.parent_path().empty()) {
      std::filesystem::create_directories(path.parent_path(), ignored);
    }
    bool whole = true;
    if (std::filesystem::exists(path, ignored)) {
      EKYA_ASSIGN(const std::string text, ReadFile(path));
      std::istringstream lines(text);
      for (std::string line; std::getline(lines, line);) {
        if (auto entry = ReadJournalLine(line)) journal->rows_.insert(std::move(*entry));
      }
      whole = text.empty() || text.back() == '\n';
    }
    journal->path_ = path.string();
    journal->file_.reset(std::fopen(path.c_str(), "ab"));
    if (!journal->file_) return journal->WriteError();
    // A cut-off line must not swallow the next one.
    if (!whole) std::fputc('\n', journal->file_.get());
    return journal;
  }

  const SweepRow* Find(const std::string& key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : &found->second;
  }

  Status Append(const std::string& key, const SweepRow& row) {
    if (!file_) return {};
    const std::string line = JournalLine(key, row);
    if (std::fwrite(line.data(), 1, line.size(), file_.get()) != line.size() ||
        std::fflush(file_.get()) != 0) {
      return WriteError();
    }
    return {};
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  Error WriteError() const {
    return {ErrorCode::kFailed, fmt::format("{}: cannot write: {}", path_, std::strerror(errno))};
  }

  std::string path_;
  std::map<std::string, SweepRow> rows_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace

std::string Describe(const SimulationSettings& settings) {
  return fmt::format(
      "{} devices={} quanta={} streams={} windows={} window_seconds={} floor={} seed={} noise={} "
      "weigh_trials={} preparation={} swap_seconds={} share_change_seconds={} gate={}",
      settings.scheduler, settings.devices, settings.quanta_per_device, settings.streams,
      settings.windows, settings.window_seconds, settings.accuracy_floor, settings.seed,
      settings.noise, settings.weigh_trials, settings.preparation, settings.swap_seconds,
      settings.share_change_seconds, settings.gate);
}

Result<std::vector<SweepRow>> Sweep(const Trace& trace, const std::vector<SimulationSettings>& runs,
                                    const SweepSettings& settings) {
  EKYA_ASSIGN(const std::unique_ptr<Journal> journal, Journal::Open(settings.journal));
  const std::uint64_t content = DeriveSeed(0, WriteTrace(trace));
  std::vector<std::string> keys;
  std::vector<SweepRow> rows(runs.size());
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::string text = Describe(runs[i]);
    keys.push_back(
        fmt::format("{:016x}{:016x}", DeriveSeed(content, text), DeriveSeed(~content, text)));
    if (const SweepRow* known = journal->Find(keys[i])) {
      rows[i] = *known;
      rows[i].settings = runs[i];
    } else {
      open.push_back(i);
    }
  }

  std::mutex mutex;  // Guards what follows, the journal and the rows.
  std::size_t done = runs.size() - open.size();
  std::optional<std::pair<std::size_t, Error>> failure;
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    while (true) {
      const std::size_t place = next++;
      if (place >= open.size()) return;
      const std::size_t i = open[place];
      const Result<SimulationResult> result = Simulate(trace, runs[i]);
      const std::lock_guard lock(mutex);
      Status status;
      if (result.ok()) {
        rows[i] = RowOf(runs[i], *result);
        status = journal->Append(keys[i], rows[i]);
      } else {
        status = result.error().Within(Describe(runs[i]));
      }
      // Of several failures the first in the order of the runs, whichever came first in time.
      if (!status.ok() && (!failure || i < failure->first)) failure.emplace(i, status.error());
      if (failure) {
        next = open.size();
        return;
      }
      if (settings.progress) settings.progress(++done, runs.size());
    }
  };
  const unsigned processors = std::max(std::thread::hardware_concurrency(), 1U);
  const std::size_t threads = std::min<std::size_t>(
      settings.threads > 0 ? static_cast<std::size_t>(settings.threads) : processors, open.size());
  std::vector<std::thread> pool;
  for (std::size_t i = 1; i < threads; ++i) pool.emplace_back(work);
  work();
  for (std::thread& thread : pool) thread.join();
  if (failure) return failure->second;
  return rows;
}

}  // namespace ekya::simulator
