#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "decide/window/internal/window_run.h"

namespace ekya::window {

bool WindowRun::Start(StreamWindow& stream, const Allocation& job) {
  const auto configuration = std::find_if(
      settings_.retraining.begin(), settings_.retraining.end(),
      [&](const RetrainingConfiguration& known) { return known.id == job.retraining; });
  const auto profile =
      std::find_if(stream.profiles.begin(), stream.profiles.end(),
                   [&](const RetrainingProfile& known) { return known.id == job.retraining; });
  EKYA_CHECK(configuration != settings_.retraining.end() && profile != stream.profiles.end(),
             job.retraining);
  const Status started = ports_.trainer.Start(stream.id, window_, *configuration);
  if (!started.ok()) {
    Warn(stream.id,
         "its retraining could not start, the old model serves on: " + started.error().message);
    stream.may_retrain = false;
    stream.retrained = true;
    reasons_.push_back("retraining of " + stream.id + " could not start");
    return false;
  }
  RetrainingRecord record;
  record.stream = stream.id;
  record.configuration = job.retraining;
  record.start_seconds = ports_.timeline.Now();
  const RetrainingProfile offered = AsOffered(stream, *profile);
  const auto done = stream.done.find(job.retraining);
  record.predicted_accuracy = profile->accuracy;
  record.predicted_device_seconds = offered.device_seconds;
  record.predicted_spread = profile->spread;
  record_.retrainings.push_back(std::move(record));
  Running running;
  running.record = record_.retrainings.size() - 1;
  running.expected = offered;
  running.done = done == stream.done.end() ? 0 : done->second;
  running.whole_device_seconds = profile->device_seconds;
  running.device = job.retraining_device;
  stream.running = std::move(running);
  return true;
}

void WindowRun::Close(StreamWindow& stream, std::string outcome, double device_seconds) {
  RetrainingRecord& record = record_.retrainings[stream.running->record];
  record.end_seconds = ports_.timeline.Now();
  record.device_seconds = device_seconds;
  record.outcome = std::move(outcome);
  stream.running.reset();
}

void WindowRun::Finish(StreamWindow& stream) {
  const double done = ports_.trainer.DeviceSecondsDone(stream.id);
  const Result<TrainedModel> model = ports_.trainer.Take(stream.id);
  if (!model.ok()) {
    Fail(stream, model.error().message);
    return;
  }
  record_.retrainings[stream.running->record].achieved_accuracy = model->accuracy;
  LearnFrom(stream, *model);
  const double whole =
      model->device_seconds + stream.running->done * stream.running->whole_device_seconds;
  const Status swapped = ports_.swapper.Swap(*model);
  if (swapped.ok()) RememberSwap(record_.retrainings[stream.running->record], whole);
  Close(stream, swapped.ok() ? "swapped" : "kept old: " + swapped.error().message,
        std::max(model->device_seconds, done));
  stream.retrained = true;
  if (swapped.ok()) Observe(stream);
  reasons_.push_back("retraining of " + stream.id + " done");
}

void WindowRun::Fail(StreamWindow& stream, const std::string& why) {
  Warn(stream.id, "its retraining failed, the old model serves on: " + why);
  const double done = ports_.trainer.DeviceSecondsDone(stream.id);
  Close(stream, "failed: " + why, done);
  stream.may_retrain = false;
  stream.retrained = true;
  reasons_.push_back("retraining of " + stream.id + " failed");
}

void WindowRun::Cancel(StreamWindow& stream, const std::string& why) {
  if (!stream.running) return;
  const double done = ports_.trainer.DeviceSecondsDone(stream.id);
  ports_.trainer.Cancel(stream.id);
  Close(stream, "cancelled: " + why, done);
}

}  // namespace ekya::window
