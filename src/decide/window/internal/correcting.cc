#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "decide/window/internal/window_run.h"

namespace ekya::window {
namespace {

// A prediction off by more standard deviations than this is wrong, not unlucky (one in twenty).
constexpr double kBeyond = 2;
// A running training whose epochs tell of an end that is off by less than this changes nothing.
constexpr double kLeastAccuracy = 0.02;
constexpr double kLeastLogSeconds = 0.1;

double Above(double x) { return std::erfc(x / std::numbers::sqrt2) / 2; }

// What is left on average of a training that was expected to take `expected`, its logarithm off by
// `deviation` (normally distributed), and has taken `done` without ending.
double MeanLeft(double expected, double deviation, double done) {
  const double least = 0.02 * expected;
  const double z = std::log(std::max(done, 1e-9) / std::max(expected, 1e-9)) / deviation;
  // So late that the distribution says nothing any more: as late again.
  if (!(z < 6)) return std::max(done, least);
  const double whole = expected * std::exp(deviation * deviation / 2);
  return std::max(whole * Above(z - deviation) / Above(z) - done, least);
}

double SamplingError(double accuracy, int samples) {
  if (samples <= 0) return 0;
  const double rate = std::clamp(accuracy, 0.02, 0.98);
  return std::sqrt(rate * (1 - rate) / samples);
}

}  // namespace

double WindowRun::SecondsLeft(const StreamWindow& stream) const {
  const double expected = stream.running->expected.device_seconds;
  const double done = ports_.trainer.DeviceSecondsDone(stream.id);
  if (done < expected) return expected - done;
  return std::max(MeanLeft(expected, memory_.profiler.LogSecondsDeviation(), done), 1e-6);
}

double WindowRun::LatestSeconds(const Running& running) const {
  const double log = kBeyond * memory_.profiler.LogSecondsDeviation();
  return running.expected.device_seconds * std::exp(std::max(log, kLeastLogSeconds));
}

RetrainingProfile* WindowRun::ProfileOf(StreamWindow& stream, const std::string& configuration) {
  const auto found =
      std::find_if(stream.profiles.begin(), stream.profiles.end(),
                   [&](const RetrainingProfile& each) { return each.id == configuration; });
  return found == stream.profiles.end() ? nullptr : &*found;
}

void WindowRun::CorrectSeconds(StreamWindow& stream, double device_seconds) {
  Running& running = *stream.running;
  const double before = running.expected.device_seconds;
  record_.corrections.push_back({ports_.timeline.Now(), stream.id, running.expected.id,
                                 "device_seconds", before, device_seconds});
  running.expected.device_seconds = device_seconds;
  if (RetrainingProfile* const profile = ProfileOf(stream, running.expected.id)) {
    profile->device_seconds = std::max(profile->device_seconds + device_seconds - before, 1e-6);
  }
  reasons_.push_back(fmt::format("retraining of {} takes {:.2g} device seconds, not {:.2g}",
                                 stream.id, device_seconds, before));
}

void WindowRun::CorrectAccuracy(StreamWindow& stream, double accuracy, double spread) {
  RetrainingProfile* const profile = ProfileOf(stream, stream.running->expected.id);
  if (profile == nullptr) return;
  record_.corrections.push_back(
      {ports_.timeline.Now(), stream.id, profile->id, "accuracy", profile->accuracy, accuracy});
  reasons_.push_back(fmt::format("retraining of {} will reach {:.3f}, not {:.3f}", stream.id,
                                 accuracy, profile->accuracy));
  profile->accuracy = accuracy;
  profile->spread = spread;
}

double WindowRun::SecondsUntilLate(const std::vector<Allocation>& jobs) {
  double first = std::numeric_limits<double>::infinity();
  for (const Allocation& job : jobs) {
    const StreamWindow* const stream = Find(job.stream);
    if (stream == nullptr || !stream->running || job.retraining_quanta <= 0) continue;
    const double share = static_cast<double>(job.retraining_quanta) / settings_.quanta_per_device;
    const double left =
        LatestSeconds(*stream->running) - ports_.trainer.DeviceSecondsDone(stream->id);
    // A little later than that moment, so that it has passed.
    first = std::min(first, 1.001 * left / Speed(stream->state.throughput, share));
  }
  // Live, work goes on while shares are decided on: it may be late already.
  return std::max(first, 0.0);
}

void WindowRun::LookAtLateness() {
  for (StreamWindow& stream : streams_) {
    if (!stream.running) continue;
    const double done = ports_.trainer.DeviceSecondsDone(stream.id);
    if (done <= LatestSeconds(*stream.running)) continue;
    CorrectSeconds(stream, done + SecondsLeft(stream));
  }
}

void WindowRun::LookAtProgress(StreamWindow& stream) {
  const std::optional<RetrainingProgress> progress = ports_.trainer.Progress(stream.id);
  if (!progress || !(progress->part > 0 && progress->part <= 1)) return;
  Running& running = *stream.running;
  const RetrainingProgress last = running.last;
  if (progress->part <= last.part) return;
  running.last = *progress;

  // The first epoch pays for what is done once; the next ones tell the pace.
  const bool paced = last.part > 0;
  const double pace =
      paced ? (progress->device_seconds - last.device_seconds) / (progress->part - last.part)
            : progress->device_seconds;
  const double whole = progress->device_seconds + (1 - progress->part) * pace;
  const double beyond =
      std::max(kBeyond * memory_.profiler.LogSecondsDeviation(), kLeastLogSeconds);
  if (paced && whole > 0 &&
      std::abs(std::log(whole / std::max(running.expected.device_seconds, 1e-9))) > beyond) {
    CorrectSeconds(stream, whole);
  }

  if (!(progress->accuracy >= 0 && progress->accuracy <= 1)) return;
  const double part = running.done + (1 - running.done) * progress->part;
  running.course.emplace_back(part, progress->accuracy);
  const RetrainingProfile* const profile = ProfileOf(stream, running.expected.id);
  if (profile == nullptr) return;
  const profile::Course::Rest rest = memory_.course.After(part);
  const double reached = std::clamp(progress->accuracy + rest.gain, 0.0, 1.0);
  const double told = std::hypot(rest.spread, SamplingError(reached, progress->samples));
  const double promised =
      profile->spread > 0 ? profile->spread : memory_.profiler.AccuracyDeviation();
  const double off = std::abs(reached - profile->accuracy);
  if (off <= std::max(kBeyond * std::hypot(told, promised), kLeastAccuracy)) return;
  // Each counts by how sure it is, and a promise so far off was less sure than it said.
  const double doubt = std::max(promised, off / kBeyond);
  const double trust = doubt * doubt / (doubt * doubt + told * told);
  CorrectAccuracy(stream, profile->accuracy + trust * (reached - profile->accuracy),
                  doubt * told / std::hypot(doubt, told));
}

void WindowRun::LearnFrom(StreamWindow& stream, const TrainedModel& model) {
  const Running& running = *stream.running;
  const RetrainingRecord& record = record_.retrainings[running.record];
  for (const auto& [part, accuracy] : running.course) {
    memory_.course.Learn(part, model.accuracy - accuracy);
  }
  const double promised =
      record.predicted_spread > 0 ? record.predicted_spread : memory_.profiler.AccuracyDeviation();
  const double accuracy_beyond = std::max(
      kBeyond * std::hypot(promised, SamplingError(model.accuracy, model.samples)), kLeastAccuracy);
  const double seconds_beyond =
      std::max(kBeyond * memory_.profiler.LogSecondsDeviation(), kLeastLogSeconds);
  const bool other_accuracy =
      std::abs(model.accuracy - record.predicted_accuracy) > accuracy_beyond;
  const bool other_seconds =
      model.device_seconds > 0 && record.predicted_device_seconds > 0 &&
      std::abs(std::log(model.device_seconds / record.predicted_device_seconds)) > seconds_beyond;

  // What it would have taken without the trial that it went on from.
  const RetrainingProfile outcome{
      record.configuration, model.accuracy,
      model.device_seconds + running.done * running.whole_device_seconds, 0};
  memory_.profiler.Measured(stream.id, outcome);
  memory_.expectation.Retrained(stream.id, stream.state.accuracy, outcome);
  if (other_accuracy || other_seconds) BelieveAgain(stream);
}

void WindowRun::BelieveAgain(const StreamWindow& surprising) {
  for (StreamWindow& stream : streams_) {
    if (stream.id == surprising.id || !stream.may_retrain || stream.retrained || stream.running) {
      continue;
    }
    bool any = false;
    for (RetrainingProfile& profile : stream.profiles) {
      const auto promised = stream.promised.find(profile.id);
      if (promised == stream.promised.end()) continue;
      const RetrainingProfile again = Believed(stream, promised->second);
      if (std::abs(again.accuracy - profile.accuracy) > kLeastAccuracy / 4) {
        record_.corrections.push_back({ports_.timeline.Now(), stream.id, profile.id, "accuracy",
                                       profile.accuracy, again.accuracy});
        any = true;
      }
      profile = again;
    }
    if (any) {
      reasons_.push_back("what " + stream.id + " expects is corrected by " + surprising.id);
    }
  }
}

}  // namespace ekya::window
