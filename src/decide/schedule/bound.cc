#include "decide/schedule/bound.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ekya::schedule {
namespace {

/// Work, in device seconds, that a replay in floating point forgives.
constexpr double kForgivenWork = 2e-6;

/// Prices stay below this (a quantum that makes all the difference to a stream is worth 1), so that
/// what they add and take off again cancels without loss.
constexpr double kDearest = 1000;
/// What rounding may have taken off a bound, in terms of what was priced.
constexpr double kRounding = 1e-13;

struct InferenceChoice {
  double worth;
  double quanta;
};

/// A retraining that a stream may choose, with the levels it may be served at afterwards.
struct Choice {
  int retraining;  ///< Index in `StreamChoices::retrainings`.
  double work;     ///< Device seconds, which is also the least time that it takes.
  std::vector<InferenceChoice> after;
};

/// A step of the concave hull of work against quanta: dearer and dearer.
struct Step {
  double speed;   ///< Device seconds in a second more...
  double quanta;  ///< ...for so many quanta more.
  double ratio() const { return quanta / speed; }
};

struct Stream {
  std::vector<InferenceChoice> before;
  std::vector<Choice> choices;
  std::vector<Step> steps;  ///< Up to a whole device, together a speed of 1.
};

class Pricing {
 public:
  Pricing(const Problem& problem, const std::vector<double>& cuts, int slots)
      : capacity_(problem.capacity()), window_(problem.window) {
    std::vector<double> times = cuts;
    for (int i = 0; i <= slots; ++i) times.push_back(problem.window * i / slots);
    std::sort(times.begin(), times.end());
    double at = 0;
    for (const double time : times) {
      if (time - at < 1e-4 * problem.window || time > problem.window) continue;
      lengths_.push_back(time - at);
      at = time;
    }
    lengths_.back() += problem.window - at;
    for (int s = 0; s < problem.count(); ++s) {
      const StreamChoices& from = problem.streams[s];
      const StreamState& state = problem.start[s];
      Stream stream;
      stream.before = Levels(problem, from, state.accuracy);
      stream.steps = Steps(from.speed);
      const auto choose = [&](int retraining, double work) {
        stream.choices.push_back({retraining, std::max(0.0, work - kForgivenWork),
                                  Levels(problem, from, from.retrainings[retraining].accuracy)});
      };
      if (state.running >= 0) {
        choose(state.running, state.work_left);
      } else if (!state.retrained) {
        for (const int retraining : from.efficient) {
          choose(retraining, from.retrainings[retraining].device_seconds);
        }
      }
      streams_.push_back(std::move(stream));
    }
  }

  std::size_t slots() const { return lengths_.size(); }
  double length(std::size_t slot) const { return lengths_[slot]; }

  /// The Lagrangian at `prices` (per quantum and second, by slot), which is a bound; `use` receives
  /// the quanta-seconds that the answers take in each slot, `order` the retrainings in them by
  /// their ends.
  double Value(const std::vector<double>& prices, std::vector<double>* use,
               std::vector<PlannedRetraining>* order) {
    prices_ = &prices;
    use->assign(slots(), 0.0);
    double value = 0;
    for (std::size_t j = 0; j < slots(); ++j) value += prices[j] * lengths_[j] * capacity_;
    value += kRounding * (value + window_ * static_cast<double>(streams_.size()));
    std::vector<std::pair<double, PlannedRetraining>> ends;
    for (std::size_t s = 0; s < streams_.size(); ++s) {
      PlannedRetraining chosen{static_cast<int>(s), -1};
      double end = 0;
      value += Answer(streams_[s], use, order == nullptr ? nullptr : &chosen.retraining, &end);
      if (chosen.retraining >= 0) ends.emplace_back(end, chosen);
    }
    if (order == nullptr) return value;
    std::stable_sort(ends.begin(), ends.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    order->clear();
    for (const auto& [end, chosen] : ends) order->push_back(chosen);
    return value;
  }

  double capacity() const { return capacity_; }

 private:
  /// The levels that a model of `accuracy` may be served at.
  static std::vector<InferenceChoice> Levels(const Problem& problem, const StreamChoices& stream,
                                             double accuracy) {
    std::vector<InferenceChoice> levels;
    for (const Level& level : stream.levels) {
      const double worth = problem.floor_feasible ? problem.Worth(stream, accuracy, level)
                                                  : stream.weight * accuracy * level.factor;
      if (worth >= 0) levels.push_back({worth, static_cast<double>(level.quanta)});
    }
    return levels;
  }

  static std::vector<Step> Steps(const std::vector<double>& speed) {
    // The straight line is one step, whatever rounding says of its parts.
    const double device = static_cast<double>(speed.size() - 1);
    bool straight = true;
    for (std::size_t quanta = 1; quanta < speed.size(); ++quanta) {
      straight = straight && std::abs(speed[quanta] - static_cast<double>(quanta) / device) < 1e-12;
    }
    if (straight) return {{1, device}};
    std::vector<Step> steps;
    for (std::size_t quanta = 1; quanta < speed.size(); ++quanta) {
      Step step{speed[quanta] - speed[quanta - 1], 1};
      while (!steps.empty() &&
             step.speed * steps.back().quanta >= steps.back().speed * step.quanta) {
        step.speed += steps.back().speed;
        step.quanta += steps.back().quanta;
        steps.pop_back();
      }
      steps.push_back(step);
    }
    // A device's last quanta may do nothing.
    while (!steps.empty() && !(steps.back().speed > 0)) steps.pop_back();
    return steps;
  }

  /// The best level at `price`.
  static const InferenceChoice& Best(const std::vector<InferenceChoice>& levels, double price) {
    const InferenceChoice* best = &levels[0];
    double most = best->worth - price * best->quanta;
    for (std::size_t i = 1; i < levels.size(); ++i) {
      const double worth = levels[i].worth - price * levels[i].quanta;
      if (worth > most) {
        most = worth;
        best = &levels[i];
      }
    }
    return *best;
  }

  static double Net(const std::vector<InferenceChoice>& levels, double price) {
    double most = levels[0].worth - price * levels[0].quanta;
    for (std::size_t i = 1; i < levels.size(); ++i) {
      most = std::max(most, levels[i].worth - price * levels[i].quanta);
    }
    return most;
  }

  /// A stream's best plan at the prices: its value; its use of compute is added to `use`.
  double Answer(const Stream& stream, std::vector<double>* use, int* retraining, double* end) {
    const std::vector<double>& prices = *prices_;
    before_.resize(slots());
    double none = 0;
    for (std::size_t j = 0; j < slots(); ++j) {
      before_[j] = Net(stream.before, prices[j]);
      none += before_[j] * lengths_[j];
    }
    const double cheapest = *std::min_element(prices.begin(), prices.end());
    double best = none;
    const Choice* chosen = nullptr;
    Stop stop;
    for (const Choice& choice : stream.choices) {
      if (choice.after.empty()) continue;
      difference_.resize(slots());
      for (std::size_t j = 0; j < slots(); ++j) {
        difference_[j] = Net(choice.after, prices[j]) - before_[j];
      }
      double after = 0;
      double most = -choice.work * stream.steps.front().ratio() * cheapest;
      for (std::size_t j = 0; j < slots(); ++j) {
        after += difference_[j] * lengths_[j];
        most += std::max(0.0, difference_[j]) * lengths_[j];
      }
      if (none + most <= best) continue;
      const Stop at = BestEnd(stream.steps, choice.work, after, Stop{}, nullptr);
      if (at.gain > 0 && none + at.gain > best) {
        best = none + at.gain;
        chosen = &choice;
        stop = at;
      }
    }
    if (chosen != nullptr) {
      if (retraining != nullptr) {
        *retraining = chosen->retraining;
        *end = stop.into;
        for (std::size_t j = 0; j < stop.slot; ++j) *end += lengths_[j];
      }
      for (std::size_t j = 0; j < slots(); ++j) {
        difference_[j] = Net(chosen->after, prices[j]) - before_[j];
      }
      BestEnd(stream.steps, chosen->work, 0, stop, use);
    }
    for (std::size_t j = 0; j < slots(); ++j) {
      double waits = lengths_[j];
      if (chosen != nullptr) {
        waits = j < stop.slot ? lengths_[j] : j == stop.slot ? stop.into : 0;
        (*use)[j] += (lengths_[j] - waits) * Best(chosen->after, prices[j]).quanta;
      }
      (*use)[j] += waits * Best(stream.before, prices[j]).quanta;
    }
    return best;
  }

  /// When a retraining ends: `into` seconds into `slot`.
  struct Stop {
    std::size_t slot = 0;
    double into = 0;
    double gain = -std::numeric_limits<double>::infinity();
  };

  struct Bought {
    double price;    ///< Per device second of work.
    double seconds;  ///< Device seconds of work.
    std::size_t slot;
    double ratio;  ///< Quanta seconds per device second of work.
  };

  /// The best end of a retraining of `work`. For an end at T its compute is bought in the cheapest
  /// seconds before T, by `steps` of a device; as T grows, newer seconds replace the dearest.
  /// `after` is the gain of a retrained model over the whole window; what is lost until T comes
  /// off. The gain is linear in T between the moments at which something bought runs out, so only
  /// these are looked at. With `use`, stops at `until` and adds what is bought then.
  Stop BestEnd(const std::vector<Step>& steps, double work, double after, const Stop& until,
               std::vector<double>* use) {
    bought_.clear();  // From the dearest at `first` to the cheapest.
    std::size_t first = 0;
    double missing = work;
    double cost = 0;
    double gain = after;
    Stop best;
    for (std::size_t j = 0; j < slots(); ++j) {
      const double price = (*prices_)[j];
      double left = lengths_[j];
      if (use != nullptr) {
        if (j > until.slot) break;
        if (j == until.slot) left = until.into;
      }
      double spent = 0;
      const auto look = [&] {
        if (gain - cost <= best.gain) return;
        best = {j, spent, gain - cost};
      };
      const auto pass = [&](double seconds) {
        gain -= difference_[j] * seconds;
        left -= seconds;
        spent += seconds;
      };
      added_.assign(steps.size(), 0.0);
      if (missing > 0) {
        const double passed = std::min(missing, left);
        missing -= passed;
        for (std::size_t k = 0; k < steps.size(); ++k) {
          added_[k] = steps[k].speed * passed;
          cost += price * steps[k].quanta * passed;
        }
        pass(passed);
        if (missing > 0) {
          for (std::size_t k = 0; k < steps.size(); ++k) {
            Insert({price * steps[k].ratio(), added_[k], j, steps[k].ratio()}, first);
          }
          continue;
        }
      }
      look();
      while (left > 0) {
        // The dearest work bought, before this slot or in it.
        std::size_t own = steps.size();
        while (own > 0 && !(added_[own - 1] > 0)) --own;
        double dearest = own > 0 ? price * steps[own - 1].ratio() : -1;
        double* stock = own > 0 ? &added_[own - 1] : nullptr;
        const bool before = first < bought_.size() && bought_[first].price >= dearest;
        if (before) {
          dearest = bought_[first].price;
          stock = &bought_[first].seconds;
        }
        double speed = 0;
        double change = 0;  // Of the cost, per second.
        std::size_t cheaper = 0;
        for (; cheaper < steps.size() && price * steps[cheaper].ratio() < dearest; ++cheaper) {
          speed += steps[cheaper].speed;
          change += price * steps[cheaper].quanta - dearest * steps[cheaper].speed;
        }
        if (cheaper == 0) break;
        const double passed = std::min(*stock / speed, left);
        cost += change * passed;
        for (std::size_t k = 0; k < cheaper; ++k) added_[k] += steps[k].speed * passed;
        const bool out = *stock <= speed * passed;
        *stock = out ? 0 : *stock - speed * passed;
        if (out && before) ++first;
        pass(passed);
        look();
      }
      if (left > 0) {
        pass(left);
        look();
      }
      for (std::size_t k = 0; k < steps.size(); ++k) {
        if (added_[k] > 0) {
          Insert({price * steps[k].ratio(), added_[k], j, steps[k].ratio()}, first);
        }
      }
    }
    if (use != nullptr) {
      for (std::size_t i = first; i < bought_.size(); ++i) {
        (*use)[bought_[i].slot] += bought_[i].seconds * bought_[i].ratio;
      }
    }
    return best;
  }

  void Insert(const Bought& seconds, std::size_t first) {
    bought_.push_back(seconds);
    for (std::size_t i = bought_.size() - 1; i > first && bought_[i - 1].price < seconds.price;
         --i) {
      std::swap(bought_[i - 1], bought_[i]);
    }
  }

  const double capacity_;
  const double window_;
  std::vector<double> lengths_;
  std::vector<Stream> streams_;
  const std::vector<double>* prices_ = nullptr;
  std::vector<double> before_;
  std::vector<double> difference_;
  std::vector<Bought> bought_;
  std::vector<double> added_;  ///< Device seconds bought in the present slot, by step.
};

}  // namespace

Relaxation Relax(const Problem& problem, const std::vector<double>& cuts, double value,
                 const BoundOptions& options) {
  Pricing pricing(problem, cuts, options.slots);
  const std::size_t slots = pricing.slots();
  Relaxation best;
  best.bound = std::numeric_limits<double>::infinity();
  std::vector<double> prices(slots, 0.0);
  std::vector<double> use(slots);
  double step = 1;
  int since = 0;
  for (int i = 0; i < options.iterations; ++i) {
    const double bound = pricing.Value(prices, &use, nullptr);
    if (bound < best.bound) {
      best.bound = bound;
      best.prices = prices;
      since = 0;
    } else if (++since >= 10) {
      // Polyak's step aims at `value`, which lies below the least bound: shorten it and go back.
      step *= 0.7;
      since = 0;
      prices = best.prices;
      continue;
    }
    double norm = 0;
    for (std::size_t j = 0; j < slots; ++j) {
      double slope = use[j] - pricing.capacity() * pricing.length(j);
      if (prices[j] <= 0 && slope < 0) slope = 0;
      norm += slope * slope / pricing.length(j);
    }
    // Where the answers use what there is, no price changes anything.
    const double nothing = 1e-9 * pricing.capacity();
    if (norm <= nothing * nothing * problem.window || bound <= value) break;
    const double scale = step * (bound - value) / norm;
    for (std::size_t j = 0; j < slots; ++j) {
      const double slope = use[j] - pricing.capacity() * pricing.length(j);
      prices[j] = std::clamp(prices[j] + scale * slope / pricing.length(j), 0.0, kDearest);
    }
  }
  pricing.Value(best.prices, &use, &best.order);
  double end = 0;
  for (std::size_t j = 0; j < slots; ++j) best.ends.push_back(end += pricing.length(j));
  return best;
}

void Certify(const Situation& situation, Schedule* schedule, const BoundOptions& options) {
  Result<Problem> problem = Prepare(situation);
  if (!problem.ok()) return;
  if (!schedule->floor_feasible) problem->floor_feasible = false;
  const double total = problem->window * problem->count();
  std::vector<double> cuts;
  for (const Segment& segment : schedule->timeline) cuts.push_back(segment.to_seconds);
  schedule->upper_bound =
      Relax(*problem, cuts, schedule->mean_accuracy * total, options).bound / total;
}

}  // namespace ekya::schedule
