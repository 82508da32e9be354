#include "run/simulator/cached.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>
#include <vector>

#include "decide/schedule/options.h"
#include "run/simulator/traced_world.h"

namespace ekya::simulator {
namespace {

constexpr char kCachedName[] = "cached";
constexpr double kDay = 86400;

struct CachedModel {
  const TracedRetraining* retraining;
  int window;
};

double Distance(const std::vector<double>& a, const std::vector<double>& b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(squares);
}

}  // namespace

bool IsCached(const std::string& scheduler) {
  return scheduler == kCachedName || scheduler.starts_with(std::string(kCachedName) + ":");
}

Result<CacheOptions> ReadCacheOptions(const std::string& scheduler) {
  EKYA_ASSIGN(schedule::Options options, schedule::Options::Parse(scheduler));
  CacheOptions cache;
  std::string by = "classes";
  double models = cache.models;
  options.Read("by", &by);
  options.Read("models", &models, 1, 1e6);
  EKYA_RETURN_IF_ERROR(options.Finish());
  cache.models = static_cast<int>(models);
  const std::vector<std::pair<std::string, Likeness>> known = {{"classes", Likeness::kClasses},
                                                               {"time", Likeness::kTime},
                                                               {"objects", Likeness::kObjects},
                                                               {"location", Likeness::kLocation}};
  for (const auto& [name, likeness] : known) {
    if (by != name) continue;
    cache.by = likeness;
    return cache;
  }
  return Error{ErrorCode::kInvalid,
               fmt::format("scheduler {}: by: found \"{}\", expected classes, time, objects or "
                           "location",
                           scheduler, by)};
}

Result<double> Unlikeness(Likeness by, const TracedWindow& a, const TracedWindow& b) {
  const auto missing = [](const char* key) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: found none, or lists of different length, expected it in every "
                             "window",
                             key)};
  };
  switch (by) {
    case Likeness::kClasses:
      if (a.class_mix.empty() || a.class_mix.size() != b.class_mix.size()) {
        return missing("class_mix");
      }
      return Distance(a.class_mix, b.class_mix);
    case Likeness::kTime: {
      if (!a.seconds_of_day || !b.seconds_of_day) return missing("seconds_of_day");
      const double apart = std::abs(*a.seconds_of_day - *b.seconds_of_day);
      return std::min(apart, kDay - apart);
    }
    case Likeness::kObjects:
      if (!a.objects || !b.objects) return missing("objects");
      return std::abs(*a.objects - *b.objects);
    case Likeness::kLocation:
      if (a.location.empty() || a.location.size() != b.location.size()) return missing("location");
      return Distance(a.location, b.location);
  }
  return 0.0;
}

Result<SimulationResult> SimulateCached(const Trace& selected, const SimulationSettings& settings) {
  EKYA_ASSIGN(const CacheOptions options, ReadCacheOptions(settings.scheduler));
  SimulationResult result;
  result.settings = settings;
  TracedWorld world(selected, settings, /*oracle=*/true);
  std::vector<std::deque<CachedModel>> caches(selected.streams.size());
  const auto window_of = [](const TracedStream& stream, int number) -> const TracedWindow& {
    return stream.windows[static_cast<std::size_t>(number) % stream.windows.size()];
  };
  for (int number = 0; number < settings.windows; ++number) {
    world.BeginWindow(number);
    for (std::size_t s = 0; s < selected.streams.size(); ++s) {
      const TracedStream& stream = selected.streams[s];
      const TracedWindow& window = window_of(stream, number);
      const CachedModel* likest = nullptr;
      double least = std::numeric_limits<double>::infinity();
      for (const CachedModel& cached : caches[s]) {
        const Result<double> unlike =
            Unlikeness(options.by, window_of(stream, cached.window), window);
        if (!unlike.ok()) return unlike.error().Within("stream " + stream.id);
        if (*unlike > least) continue;
        least = *unlike;
        likest = &cached;
      }
      if (likest != nullptr) world.Reuse(stream.id, *likest->retraining, likest->window);
      const TracedRetraining* const best = BestRetraining(window);
      if (best == nullptr) continue;
      if (best->later.empty() && number + 1 < settings.windows) {
        return Error{ErrorCode::kInvalid,
                     fmt::format("stream {}: later: found none, expected what the models of a "
                                 "window are worth in the next ones",
                                 stream.id)};
      }
      caches[s].push_back({best, number});
      if (caches[s].size() > static_cast<std::size_t>(options.models)) caches[s].pop_front();
    }
    EKYA_RETURN_IF_ERROR(world.ServeAll());
    world.EndWindow();
  }
  world.Account(result);
  return result;
}

}  // namespace ekya::simulator
