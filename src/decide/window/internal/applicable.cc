#include "decide/window/internal/applicable.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace ekya::window {
namespace {

template <typename Profiles>
bool Knows(const Profiles& profiles, const std::string& id) {
  return std::any_of(profiles.begin(), profiles.end(),
                     [&](const auto& profile) { return profile.id == id; });
}

// What is wrong with one stream's allocation; empty: nothing.
std::string FaultOf(const StreamSituation& stream, const Allocation& job, int devices) {
  if (job.inference_quanta < 0 || job.retraining_quanta < 0) return "negative quanta";
  if (!job.inference.empty() && !Knows(stream.inference, job.inference)) {
    return fmt::format("an unknown inference configuration \"{}\"", job.inference);
  }
  if (job.inference_quanta > 0 && (job.inference_device < 0 || job.inference_device >= devices)) {
    return fmt::format("inference on device {} of {}", job.inference_device, devices);
  }
  if (job.retraining.empty()) {
    return job.retraining_quanta > 0 ? "quanta for a retraining without a configuration" : "";
  }
  if (job.retraining_quanta > 0 &&
      (job.retraining_device < 0 || job.retraining_device >= devices)) {
    return fmt::format("retraining on device {} of {}", job.retraining_device, devices);
  }
  if (stream.running) {
    if (stream.running->id != job.retraining) {
      return fmt::format("a retraining with \"{}\" while \"{}\" runs", job.retraining,
                         stream.running->id);
    }
    if (job.retraining_quanta > 0 && stream.running->device != job.retraining_device) {
      return fmt::format("a retraining moved from device {} to {}", stream.running->device,
                         job.retraining_device);
    }
    return "";
  }
  if (stream.retrained) return "a second retraining in one window";
  if (!Knows(stream.retraining, job.retraining)) {
    return fmt::format("an unknown retraining configuration \"{}\"", job.retraining);
  }
  return "";
}

}  // namespace

Status CheckApplicable(const Situation& situation, const Schedule& schedule) {
  const auto fault = [&](const std::string& what) {
    return Error{ErrorCode::kFailed,
                 fmt::format("scheduler {}: its schedule has {}", schedule.scheduler, what)};
  };
  if (schedule.timeline.empty()) return fault("no segment");
  const Segment& first = schedule.timeline.front();
  if (!(first.to_seconds > 0)) {
    return fault(fmt::format("a first segment that ends at {} s", first.to_seconds));
  }
  std::map<std::string, const StreamSituation*> streams;
  for (const StreamSituation& stream : situation.streams) streams[stream.id] = &stream;
  std::set<std::string> seen;
  std::vector<Quanta> used(static_cast<std::size_t>(situation.devices), 0);
  for (const Allocation& job : first.jobs) {
    const auto stream = streams.find(job.stream);
    if (stream == streams.end()) {
      return fault(fmt::format("an unknown stream \"{}\"", job.stream));
    }
    if (!seen.insert(job.stream).second) {
      return fault(fmt::format("stream \"{}\" twice", job.stream));
    }
    const std::string wrong = FaultOf(*stream->second, job, situation.devices);
    if (!wrong.empty()) return fault(fmt::format("for stream \"{}\" {}", job.stream, wrong));
    if (job.inference_quanta > 0) {
      used[static_cast<std::size_t>(job.inference_device)] += job.inference_quanta;
    }
    if (job.retraining_quanta > 0) {
      used[static_cast<std::size_t>(job.retraining_device)] += job.retraining_quanta;
    }
  }
  for (std::size_t device = 0; device < used.size(); ++device) {
    if (used[device] > situation.quanta_per_device) {
      return fault(fmt::format("{} quanta on device {}, which has {}", used[device], device,
                               situation.quanta_per_device));
    }
  }
  return {};
}

}  // namespace ekya::window
