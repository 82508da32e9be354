#include "decide/window/internal/worthwhile.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <string>

namespace ekya::window {
namespace {

// What is learned now helps in so many windows.
constexpr double kHorizon = 3;
// Where nothing is known of a configuration it is taken to cost so much of a device's window:
// little, so that something is tried at all.
constexpr double kUnknownCost = 0.03;
// The window with this part less of it tells what a second is worth.
constexpr double kStep = 0.05;
// Of the window on a whole device: what the first trials are taken to cost before one was run.
constexpr double kUnknownTrial = 0.005;

double Factor(const StreamSituation& stream, const std::vector<Allocation>& allocations) {
  for (const Allocation& job : allocations) {
    if (job.stream != stream.id) continue;
    for (const InferenceProfile& profile : stream.inference) {
      if (profile.id == job.inference) return profile.factor;
    }
  }
  return 0;
}

// Accuracy of all streams together, per second.
double Rate(const Situation& situation, const std::vector<Allocation>& allocations) {
  double rate = 0;
  for (const StreamSituation& stream : situation.streams) {
    rate += stream.accuracy * Factor(stream, allocations);
  }
  return rate;
}

// What the policy expects of the window, in accuracy times seconds of all streams.
double Value(schedule::Policy& policy, const Situation& situation) {
  const Result<Schedule> schedule = policy.Decide(situation);
  if (!schedule.ok()) return 0;
  return schedule->mean_accuracy * situation.window_seconds *
         static_cast<double>(situation.streams.size());
}

// Mean of what a standard normal variable exceeds `x` by.
double UnitLoss(double x) {
  const double density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
  const double above = std::erfc(x / std::numbers::sqrt2) / 2;
  return density - x * above;
}

struct Prospect {
  double value = 0;      // Of retraining so, less what its compute is worth to serving.
  double deviation = 0;  // That a trial would move the value by.
};

}  // namespace

std::vector<TrialRequest> WorthwhileTrials(const Situation& situation, const ServingPlan& serving,
                                           schedule::Policy& policy,
                                           const profile::Expectation& expectation, double most,
                                           std::vector<TrialRequest> requests) {
  const double window = situation.window_seconds;
  const double devices = static_cast<double>(serving.TotalFree()) / situation.quanta_per_device;
  if (!(devices > 0)) return {};
  const ServingPlan all = PlanServing(situation, 0);
  const double prepared_rate = Rate(situation, serving.allocations);
  // What serving makes of a device second.
  const double price = std::max(0.0, (Rate(situation, all.allocations) - prepared_rate) / devices);
  Situation shorter = situation;
  shorter.window_seconds = window * (1 - kStep);
  // What a second of preparation keeps from the window.
  const double second = std::max(
      0.0, (Value(policy, situation) - Value(policy, shorter)) / (kStep * window) - prepared_rate);

  const double known = expectation.ExpectationError();
  const double told = expectation.TrialError();
  const double moved = known * known / std::hypot(known, told);
  std::map<std::string, std::map<std::string, Prospect>> prospects;
  std::map<std::string, const StreamSituation*> streams;
  for (const StreamSituation& stream : situation.streams) streams[stream.id] = &stream;
  for (const TrialRequest& request : requests) {
    const StreamSituation& stream = *streams.at(request.stream);
    const std::string& id = request.trial.configuration.id;
    const auto expected = expectation.For(stream.id, id, stream.accuracy);
    const double seconds = expected ? expected->device_seconds : kUnknownCost * window;
    const double served = Factor(stream, all.allocations) * std::max(0.0, window - seconds);
    const double gain = expected ? expected->accuracy - stream.accuracy : 0;
    prospects[stream.id][id] = {gain * served - price * seconds, moved * served};
  }

  struct Choice {
    std::size_t index;
    double worth;  // Per second of preparation.
    double seconds;
  };
  std::vector<Choice> choices;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto& of_stream = prospects[requests[i].stream];
    const std::string& id = requests[i].trial.configuration.id;
    const Prospect& own = of_stream.at(id);
    double other = 0;
    for (const auto& [name, prospect] : of_stream) {
      if (name != id) other = std::max(other, prospect.value);
    }
    if (!(own.deviation > 0)) continue;
    const double worth =
        kHorizon * own.deviation * UnitLoss(std::abs(own.value - other) / own.deviation);
    const double seconds =
        expectation.TrialSeconds(requests[i].stream).value_or(kUnknownTrial * window) / devices;
    choices.push_back({i, worth, seconds});
  }
  // What was chosen already tells something of the same configuration and of the same stream.
  std::map<std::string, int> of_stream;
  std::map<std::string, int> of_configuration;
  std::vector<bool> chosen(requests.size(), false);
  double left = most * window;
  while (true) {
    const Choice* best = nullptr;
    double best_ratio = second;
    for (const Choice& choice : choices) {
      if (chosen[choice.index] || choice.seconds > left) continue;
      const TrialRequest& request = requests[choice.index];
      const double ratio = choice.worth / std::max(choice.seconds, 1e-9) /
                           (1 + of_stream[request.stream]) /
                           (1 + of_configuration[request.trial.configuration.id]);
      if (ratio <= best_ratio) continue;
      best = &choice;
      best_ratio = ratio;
    }
    if (best == nullptr) break;
    chosen[best->index] = true;
    left -= best->seconds;
    ++of_stream[requests[best->index].stream];
    ++of_configuration[requests[best->index].trial.configuration.id];
  }
  std::vector<TrialRequest> kept;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (chosen[i]) kept.push_back(std::move(requests[i]));
  }
  return kept;
}

}  // namespace ekya::window
