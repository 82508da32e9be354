#include "decide/window/serving.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <string>

namespace ekya::window {
namespace {

// One way to serve a stream; the cheapest for its factor.
struct Option {
  std::string id;
  Quanta quanta = 0;
  double factor = 0;
};

// From no service at all to the best that fits on a device, each step dearer and better.
std::vector<Option> OptionsOf(const StreamSituation& stream, Quanta quanta_per_device) {
  std::vector<Option> all;
  for (const InferenceProfile& profile : stream.inference) {
    const Quanta quanta = QuantaFor(profile.share, quanta_per_device);
    if (quanta <= quanta_per_device) all.push_back({profile.id, quanta, profile.factor});
  }
  std::stable_sort(all.begin(), all.end(), [](const Option& left, const Option& right) {
    return left.quanta != right.quanta ? left.quanta < right.quanta : left.factor > right.factor;
  });
  std::vector<Option> options{{}};
  for (Option& option : all) {
    if (option.factor > options.back().factor) options.push_back(std::move(option));
  }
  return options;
}

class Planner {
 public:
  explicit Planner(const Situation& situation) : situation_(situation) {
    for (const StreamSituation& stream : situation.streams) {
      options_.push_back(OptionsOf(stream, situation.quanta_per_device));
      chosen_.push_back(options_.back().size() - 1);
    }
  }

  Quanta Needed() const {
    Quanta sum = 0;
    for (std::size_t i = 0; i < chosen_.size(); ++i) sum += options_[i][chosen_[i]].quanta;
    return sum;
  }

  // Steps the stream down whose step costs least per quantum; false where no step is left. A gentle
  // step keeps service and floor.
  bool StepDown(bool gentle, std::optional<std::size_t> only = std::nullopt) {
    std::size_t best = chosen_.size();
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      if (chosen_[i] == 0 || (only && *only != i)) continue;
      const Option& now = options_[i][chosen_[i]];
      const Option& next = options_[i][chosen_[i] - 1];
      const double accuracy = situation_.streams[i].accuracy;
      if (gentle && (next.quanta == 0 || accuracy * next.factor < situation_.accuracy_floor)) {
        continue;
      }
      double cost = accuracy * (now.factor - next.factor) / std::max(now.quanta - next.quanta, 1);
      // No service is the last thing to choose, whatever the model is worth.
      if (next.quanta == 0) cost += 1;
      if (cost < least) {
        least = cost;
        best = i;
      }
    }
    if (best == chosen_.size()) return false;
    --chosen_[best];
    return true;
  }

  // Places the largest first, each where it leaves the least room. The stream that fits nowhere, if
  // one does not.
  std::optional<std::size_t> Place(ServingPlan& plan) const {
    plan.allocations.assign(chosen_.size(), {});
    plan.free.assign(static_cast<std::size_t>(situation_.devices), situation_.quanta_per_device);
    std::vector<std::size_t> order(chosen_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
      return options_[left][chosen_[left]].quanta > options_[right][chosen_[right]].quanta;
    });
    for (const std::size_t i : order) {
      const Option& option = options_[i][chosen_[i]];
      Allocation& allocation = plan.allocations[i];
      allocation.stream = situation_.streams[i].id;
      allocation.inference = option.id;
      allocation.inference_quanta = option.quanta;
      if (option.quanta == 0) continue;
      std::size_t best = plan.free.size();
      for (std::size_t device = 0; device < plan.free.size(); ++device) {
        if (plan.free[device] >= option.quanta &&
            (best == plan.free.size() || plan.free[device] < plan.free[best])) {
          best = device;
        }
      }
      if (best == plan.free.size()) return i;
      plan.free[best] -= option.quanta;
      allocation.inference_device = static_cast<int>(best);
    }
    return std::nullopt;
  }

 private:
  const Situation& situation_;
  std::vector<std::vector<Option>> options_;  // Per stream; 0 is no service.
  std::vector<std::size_t> chosen_;
};

}  // namespace

Quanta ServingPlan::TotalFree() const { return std::accumulate(free.begin(), free.end(), 0); }

ServingPlan PlanServing(const Situation& situation, Quanta reserved) {
  Planner planner(situation);
  const Quanta total = situation.TotalQuanta();
  while (planner.Needed() > total - reserved && planner.StepDown(true)) {
  }
  while (planner.Needed() > total && planner.StepDown(false)) {
  }
  ServingPlan plan;
  while (const std::optional<std::size_t> homeless = planner.Place(plan)) {
    planner.StepDown(false, homeless);
  }
  return plan;
}

}  // namespace ekya::window
