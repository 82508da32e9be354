#include "apps/learning/soak.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "apps/learning/growth.h"
#include "apps/learning/shares_measures.h"
#include "apps/learning/swapped_stream.h"
#include "apps/report/html_page.h"
#include "apps/report/summary.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "run/workers/stream_worker.h"

namespace ekya::learning {
namespace {

constexpr int kSwaps = 10'000;
constexpr int kStreams = 1000;
constexpr double kFramesPerSecond = 25;
constexpr double kLoad = 0.25;  // Of a core.
// More than a stream's worker takes: else so many swaps take half an hour.
constexpr double kLoadingCores = 1;
constexpr double kSampleSeconds = 1;
constexpr double kAddedFramesPerSecond = 10;
constexpr double kAddedShare = 0.5;
// An added stream has served once it has analysed so many frames.
constexpr int kServed = 2;
constexpr double kPatience = 10;  // Seconds until it has.
constexpr double kLook = 0.005;
constexpr int kNames = 20;  // Of added streams: each has a file of events.

double Now() { return MonotonicClock().Now(); }

int EntriesOf(const char* folder) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

void LookAtProcess(SoakSample* sample) {
  std::ifstream file("/proc/self/statm");
  double pages = 0, resident = 0;
  file >> pages >> resident;
  sample->rss_mib = resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
  sample->descriptors = EntriesOf("/proc/self/fd");
  sample->threads = EntriesOf("/proc/self/task");
}

/// A stream is added, serves and is removed.
Status AddAndRemove(int number, const SwappedStream& served, const Site& site,
                    const std::filesystem::path& out, resources::ShareEnforcer& enforcer) {
  CameraSettings camera;
  camera.id = fmt::format("added-{}", number % kNames);
  camera.url = "scene:intersection";
  camera.seed = static_cast<std::uint64_t>(number);
  camera.frames_per_second = kAddedFramesPerSecond;
  camera.classes = served.camera().classes;
  ModelSettings model;
  model.path = served.weights();
  workers::StreamWorker worker(camera, model, {site, 1, out, MonotonicClock(), enforcer});
  EKYA_RETURN_IF_ERROR([&]() -> Status {
    EKYA_ASSIGN(const auto info, worker.Open());
    static_cast<void>(info);
    return {};
  }());
  EKYA_RETURN_IF_ERROR(worker.SetShare(kAddedShare, resources::Processors() - 1));
  EKYA_RETURN_IF_ERROR(worker.Start(Now()));
  const double latest = Now() + kPatience;
  while (worker.Pulse().analysed < kServed) {
    if (Now() > latest) {
      return Error{ErrorCode::kFailed,
                   fmt::format("experiment soak: added stream {}: found {} analysed frames after "
                               "{:.0f} s, expected {}",
                               number, worker.Pulse().analysed, kPatience, kServed)};
    }
    MonotonicClock().SleepUntil(Now() + kLook);
  }
  worker.Stop();
  return {};
}

report::Figure FigureOf(const std::vector<SoakSample>& samples, const char* title,
                        double (*value)(const SoakSample&)) {
  report::Figure figure;
  figure.title = title;
  figure.x = {.name = "time", .unit = report::Unit::kSeconds};
  figure.y = {.name = title, .low = 0};
  report::Series series{.name = title};
  for (const SoakSample& sample : samples) series.points.push_back({sample.seconds, value(sample)});
  figure.series.push_back(std::move(series));
  return figure;
}

std::string PageOf(const std::vector<SoakSample>& samples, const Growth& growth) {
  report::Page page("Soak");
  const SoakSample& last = samples.back();
  page.Lead(
      fmt::format("{} swaps of a stream that serves, while {} streams were added and removed, "
                  "in {}",
                  last.swaps, last.streams, report::SecondsText(last.seconds)));
  page.Paragraph(fmt::format(
      "The last tenth against the first after a tenth of warm-up: {:+.1f} MiB of resident memory, "
      "{:+.0f} descriptors, {:+.0f} threads, p99 of latency {:.2f} times.",
      growth.rss_mib, growth.descriptors, growth.threads, growth.latency_p99_ratio));
  page.Add(FigureOf(samples, "resident memory, MiB",
                    [](const SoakSample& sample) { return sample.rss_mib; }));
  page.Add(FigureOf(samples, "descriptors", [](const SoakSample& sample) {
    return static_cast<double>(sample.descriptors);
  }));
  page.Add(FigureOf(samples, "threads",
                    [](const SoakSample& sample) { return static_cast<double>(sample.threads); }));
  page.Add(FigureOf(samples, "median latency, ms", [](const SoakSample& sample) {
    return sample.latencies.empty() ? report::kMissing : 1e3 * Quantile(sample.latencies, 0.5);
  }));
  return std::move(page).Html();
}

Status WriteAll(const std::vector<SoakSample>& samples, const std::filesystem::path& out) {
  std::string rows = "seconds,rss_mib,descriptors,threads,swaps,streams,latency_p99_milliseconds\n";
  for (const SoakSample& each : samples) {
    rows += fmt::format("{:.1f},{:.2f},{},{},{},{},{:.2f}\n", each.seconds, each.rss_mib,
                        each.descriptors, each.threads, each.swaps, each.streams,
                        each.latencies.empty() ? 0 : 1e3 * Quantile(each.latencies, 0.99));
  }
  const Growth growth = GrowthOf(samples);
  report::Summary summary;
  summary.figures = {
      {"swaps", samples.back().swaps},     {"streams", samples.back().streams},
      {"seconds", samples.back().seconds}, {"rss_mib", samples.back().rss_mib},
      {"rss_growth_mib", growth.rss_mib},  {"descriptor_growth", growth.descriptors},
      {"thread_growth", growth.threads},   {"latency_p99_growth_ratio", growth.latency_p99_ratio}};
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(out / "samples.csv", rows));
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(out / "summary.json", report::WriteSummary(summary)));
  return WriteFileAtomically(out / "report.html", PageOf(samples, growth));
}

/// The two run beside each other and neither ahead of the other, so that the last tenth of the run
/// does what the first did.
class Course {
 public:
  Course(SwappedStream& stream, const Site& site, std::filesystem::path out,
         resources::ShareEnforcer& enforcer)
      : swapping_([this, &stream] {
          while (swaps < kSwaps && !failed_) {
            if (swaps > (streams + 1) * (kSwaps / kStreams)) {
              MonotonicClock().SleepUntil(Now() + kLook);
              continue;
            }
            Note(stream.Swap(), &swap_failure_);
            ++swaps;
          }
        }),
        adding_([this, &stream, &site, &enforcer, folder = std::move(out)] {
          while (streams < kStreams && !failed_) {
            if (streams > swaps / (kSwaps / kStreams)) {
              MonotonicClock().SleepUntil(Now() + kLook);
              continue;
            }
            Note(AddAndRemove(streams, stream, site, folder, enforcer), &stream_failure_);
            ++streams;
          }
        }) {}
  ~Course() {
    failed_ = true;
    static_cast<void>(Join());
  }

  bool over() const { return failed_ || (swaps == kSwaps && streams == kStreams); }
  Status Join() {
    if (swapping_.joinable()) swapping_.join();
    if (adding_.joinable()) adding_.join();
    return swap_failure_.ok() ? stream_failure_ : swap_failure_;
  }

  std::atomic<int> swaps = 0;
  std::atomic<int> streams = 0;

 private:
  void Note(Status status, Status* failure) {
    if (status.ok()) return;
    *failure = std::move(status);
    failed_ = true;
  }

  std::atomic<bool> failed_ = false;
  Status swap_failure_;    // of its thread until it has ended
  Status stream_failure_;  // as above
  std::thread swapping_;
  std::thread adding_;
};

}  // namespace

Status RunSoak(const ExperimentRequest& request) {
  EKYA_ASSIGN(const auto enforcer, resources::MakeShareEnforcer("auto"));
  // As a stream's worker does.
  if (const Status joined = enforcer->JoinService(); !joined.ok()) {
    Log(LogLevel::kDebug, "soak", "{}", joined.error().message);
  }
  EKYA_ASSIGN(const auto stream, SwappedStream::Make(*enforcer, request.out / "versions",
                                                     kFramesPerSecond, kLoad, kLoadingCores));
  const Site site;
  std::vector<SoakSample> samples;
  const double start = Now();
  Course course(*stream, site, request.out / "streams", *enforcer);
  while (!course.over()) {
    EKYA_ASSIGN(auto stretch, stream->Serve(kSampleSeconds, 0));
    SoakSample sample;
    sample.seconds = Now() - start;
    sample.swaps = course.swaps;
    sample.streams = course.streams;
    sample.latencies = std::move(stretch.latencies);
    LookAtProcess(&sample);
    samples.push_back(std::move(sample));
    if (samples.size() % 30 == 0) {
      Log(LogLevel::kInfo, "soak", "{} swaps, {} streams: {:.0f} MiB, {} descriptors",
          course.swaps.load(), course.streams.load(), samples.back().rss_mib,
          samples.back().descriptors);
    }
  }
  EKYA_RETURN_IF_ERROR(course.Join());
  return WriteAll(samples, request.out);
}

}  // namespace ekya::learning
