#include "run/simulator/cloud.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "decide/schedule/options.h"
#include "run/simulator/traced_world.h"

namespace ekya::simulator {
namespace {

constexpr char kCloudName[] = "cloud";

// When `megabits` sent from `begin` on are through.
double Sent(const CloudOptions& options, double begin, double megabits, double rate) {
  double left = megabits / rate;
  if (!(options.outage_every > 0) || !(options.outage_for > 0)) return begin + left;
  double now = begin;
  while (true) {
    // Outages begin at every multiple of the interval but 0.
    const double since = now - std::floor(now / options.outage_every) * options.outage_every;
    const bool first = now < options.outage_every;
    double wait = 0;
    if (!first && since < options.outage_for) wait = options.outage_for - since;
    now += wait;
    const double next = (std::floor(now / options.outage_every) + 1) * options.outage_every;
    if (now + left <= next) return now + left;
    left -= next - now;
    now = next;
  }
}

}  // namespace

bool IsCloud(const std::string& scheduler) {
  return scheduler == kCloudName || scheduler.starts_with(std::string(kCloudName) + ":");
}

Result<CloudOptions> ReadCloudOptions(const std::string& scheduler) {
  EKYA_ASSIGN(schedule::Options options, schedule::Options::Parse(scheduler));
  CloudOptions cloud;
  options.Read("up", &cloud.up, 1e-3, 1e6);
  options.Read("down", &cloud.down, 1e-3, 1e6);
  options.Read("video", &cloud.video, 1e-3, 1e6);
  options.Read("sampled", &cloud.sampled, 0, 1);
  options.Read("model", &cloud.model, 0, 1e6);
  options.Read("outage_every", &cloud.outage_every, 0, 1e6);
  options.Read("outage_for", &cloud.outage_for, 0, 1e6);
  EKYA_RETURN_IF_ERROR(options.Finish());
  if (cloud.outage_every > 0 && cloud.outage_for >= cloud.outage_every) {
    return Error{ErrorCode::kInvalid,
                 "scheduler " + scheduler + ": outage_for: expected less than outage_every"};
  }
  return cloud;
}

std::vector<double> CloudArrivals(const CloudOptions& options, int streams, double start_seconds,
                                  double window_seconds) {
  std::vector<double> arrivals;
  const double end = start_seconds + window_seconds;
  const double samples = options.video * options.sampled * window_seconds;
  double up = start_seconds;
  double down = start_seconds;
  for (int i = 0; i < streams; ++i) {
    up = Sent(options, up, samples, options.up);
    down = Sent(options, std::max(up, down), options.model, options.down);
    if (!(down < end)) break;
    arrivals.push_back(down - start_seconds);
  }
  return arrivals;
}

Result<SimulationResult> SimulateCloud(const Trace& selected, const SimulationSettings& settings) {
  EKYA_ASSIGN(const CloudOptions options, ReadCloudOptions(settings.scheduler));
  SimulationResult result;
  result.settings = settings;
  TracedWorld world(selected, settings, /*oracle=*/true);
  for (int number = 0; number < settings.windows; ++number) {
    world.BeginWindow(number);
    const double start = world.Now();
    EKYA_RETURN_IF_ERROR(world.ServeAll());
    const std::vector<double> arrivals =
        CloudArrivals(options, settings.streams, start, settings.window_seconds);
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
      // Every window another stream goes first: none is always the last.
      const auto count = selected.streams.size();
      const TracedStream& stream = selected.streams[(i + static_cast<std::size_t>(number)) % count];
      const TracedRetraining* best =
          BestRetraining(stream.windows[static_cast<std::size_t>(number) % stream.windows.size()]);
      if (best == nullptr) continue;
      world.WaitForEvent(start + arrivals[i]);
      ++result.retrainings;
      world.Receive(stream.id, *best);
      EKYA_RETURN_IF_ERROR(world.ServeAll());
    }
    world.EndWindow();
  }
  world.Account(result);
  return result;
}

}  // namespace ekya::simulator
