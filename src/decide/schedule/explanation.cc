#include "decide/schedule/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "decide/schedule/estimate.h"

namespace ekya::schedule {
namespace {

/// A stream's retraining as the timeline has it.
struct Retrained {
  int retraining = -1;  ///< Index in `StreamChoices::retrainings`.
  double from = 0;
  double to = 0;
  bool ends = false;  ///< Within the window.
  Quanta inference = 0;
  Quanta quanta = 0;
  int device = 0;
};

class Explainer {
 public:
  Explainer(const Situation& situation, const Problem& problem, const Schedule& schedule)
      : situation_(situation), problem_(problem), schedule_(schedule), count_(problem.count()) {
    retrained_.resize(count_);
    now_.resize(count_);
    for (int s = 0; s < count_; ++s) Trace(s);
    for (int s = 0; s < count_; ++s) {
      const double now = Worth(s, now_[s].inference, now_[s].quanta);
      double less = -std::numeric_limits<double>::infinity();
      if (now_[s].inference > 0) less = Worth(s, now_[s].inference - 1, now_[s].quanta);
      if (now_[s].quanta > 0) {
        less = std::max(less, Worth(s, now_[s].inference, now_[s].quanta - 1));
      }
      losses_.push_back(std::max(0.0, now - less));
    }
  }

  std::string Text(int s) const {
    std::string text = retrained_[s].retraining >= 0 ? WhyRetrained(s) : WhyNot(s);
    return text + OneMoreQuantum(s);
  }

 private:
  const StreamSituation& From(int s) const { return situation_.streams[problem_.streams[s].index]; }

  int IndexOf(int s, const std::string& id) const {
    const auto& all = From(s).retraining;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.id == id; });
    return found == all.end() ? -1 : static_cast<int>(found - all.begin());
  }

  void Trace(int s) {
    const int index = problem_.streams[s].index;
    bool first = true;
    double work = 0;
    Retrained& retrained = retrained_[s];
    for (const Segment& segment : schedule_.timeline) {
      const Allocation& job = segment.jobs[index];
      if (first && segment.to_seconds > segment.from_seconds) {
        first = false;
        now_[s] = {IndexOf(s, job.retraining), 0, 0, false, job.inference_quanta,
                   job.retraining_quanta,      0};
      }
      if (job.retraining_quanta == 0) continue;
      if (retrained.retraining < 0) {
        retrained = {
            IndexOf(s, job.retraining), segment.from_seconds, 0, false, job.inference_quanta,
            job.retraining_quanta,      job.retraining_device};
      }
      retrained.to = segment.to_seconds;
      work += problem_.streams[s].speed[job.retraining_quanta] *
              (segment.to_seconds - segment.from_seconds);
    }
    if (retrained.retraining >= 0) retrained.ends = work >= Work(s, retrained.retraining) - 1e-5;
  }

  double Work(int s, int retraining) const {
    const StreamState& state = problem_.start[s];
    return state.running == retraining ? state.work_left
                                       : problem_.streams[s].retrainings[retraining].device_seconds;
  }

  std::vector<int> Candidates(int s) const {
    const StreamState& state = problem_.start[s];
    if (state.running >= 0) return {state.running};
    if (state.retrained) return {};
    return problem_.streams[s].efficient;
  }

  /// The stream's estimate over the window with constant shares and the best configuration.
  double Worth(int s, Quanta inference, Quanta quanta) const {
    const StreamChoices& stream = problem_.streams[s];
    const double accuracy = problem_.start[s].accuracy;
    double best = EstimatedWorth(problem_, stream, accuracy, problem_.window, inference, -1, 0, 0);
    for (const int retraining : Candidates(s)) {
      best = std::max(best, EstimatedWorth(problem_, stream, accuracy, problem_.window, inference,
                                           retraining, quanta, Work(s, retraining)));
    }
    return best;
  }

  std::string WhyRetrained(int s) const {
    const Retrained& retrained = retrained_[s];
    const StreamChoices& stream = problem_.streams[s];
    std::string text =
        fmt::format("{} with {} at {:.1f} s on {} of {} quanta (device {})",
                    problem_.start[s].running >= 0 ? "Goes on retraining" : "Retrained",
                    From(s).retraining[retrained.retraining].id, retrained.from, retrained.quanta,
                    problem_.per_device, retrained.device);
    text += retrained.ends ? fmt::format(", done at {:.1f} s: accuracy {:.3f} to {:.3f}.",
                                         retrained.to, problem_.start[s].accuracy,
                                         stream.retrainings[retrained.retraining].accuracy)
                           : std::string(", not done within the window.");
    // What else it could have done with the same shares from then on.
    const double left = problem_.window - retrained.from;
    const auto estimate = [&](int retraining) {
      return EstimatedWorth(problem_, stream, problem_.start[s].accuracy, left, retrained.inference,
                            retraining, retrained.quanta,
                            retraining < 0 ? 0 : Work(s, retraining)) /
             left;
    };
    int second = -1;
    double second_value = estimate(-1);
    for (const int retraining : Candidates(s)) {
      if (retraining == retrained.retraining) continue;
      const double value = estimate(retraining);
      if (value <= second_value) continue;
      second = retraining;
      second_value = value;
    }
    const double ahead = 100 * (estimate(retrained.retraining) - second_value);
    const std::string name = second < 0 ? std::string("not to retrain")
                                        : "to retrain with " + From(s).retraining[second].id;
    if (ahead >= 0) {
      return text +
             fmt::format(" Runner-up: {}, {:.2f} points less with the same shares.", name, ahead);
    }
    return text + fmt::format(
                      " Runner-up: {}, {:.2f} points more with the same shares, but later for "
                      "the others.",
                      name, -ahead);
  }

  std::string WhyNot(int s) const {
    const StreamChoices& stream = problem_.streams[s];
    const double accuracy = problem_.start[s].accuracy;
    if (problem_.start[s].retrained) return "Its retraining of this window is done.";
    if (stream.retrainings.empty()) return "Not retrained: no profile to retrain by.";
    if (schedule_.scheduler == "none") return "Not retrained: this scheduler never does.";
    const std::vector<int> candidates = Candidates(s);
    if (candidates.empty()) {
      return fmt::format(
          "Not retrained: none of {} configurations is expected to beat the served model's {:.3f}.",
          stream.retrainings.size(), accuracy);
    }
    int best = -1;
    double most = 0;
    for (const int retraining : candidates) {
      const double work = Work(s, retraining);
      if (work >= problem_.window) continue;
      const double gain = (stream.retrainings[retraining].accuracy - accuracy) *
                          stream.levels.back().factor * (problem_.window - work);
      if (gain > most) {
        best = retraining;
        most = gain;
      }
    }
    if (best < 0) {
      return fmt::format(
          "Not retrained: the cheapest configuration that helps needs {:.1f} device seconds of the "
          "{:.1f} s left.",
          Work(s, candidates.front()), problem_.window);
    }
    const double needed = Work(s, best);
    std::string text = fmt::format(
        "Not retrained: its best, {}, would bring {:.2f} points on a whole device, and takes "
        "{:.1f} device seconds",
        From(s).retraining[best].id, 100 * most / problem_.window, needed);
    const std::vector<double> idle = IdleSeconds();
    const auto most_idle = std::max_element(idle.begin(), idle.end());
    if (*most_idle < needed) return text + " that are worth more elsewhere.";
    // A heuristic that looks one quantum ahead may be stuck beside them.
    return text + fmt::format(
                      "; device {} has {:.1f} that nobody uses, which this scheduler did "
                      "not take.",
                      most_idle - idle.begin(), *most_idle);
  }

  /// What each device leaves unused, in device seconds.
  std::vector<double> IdleSeconds() const {
    std::vector<double> idle(static_cast<std::size_t>(problem_.devices));
    for (const Segment& segment : schedule_.timeline) {
      std::vector<Quanta> unused(idle.size(), problem_.per_device);
      for (const Allocation& job : segment.jobs) {
        if (job.inference_quanta > 0) {
          unused[static_cast<std::size_t>(job.inference_device)] -= job.inference_quanta;
        }
        if (job.retraining_quanta > 0) {
          unused[static_cast<std::size_t>(job.retraining_device)] -= job.retraining_quanta;
        }
      }
      for (std::size_t d = 0; d < idle.size(); ++d) {
        idle[d] += (segment.to_seconds - segment.from_seconds) * unused[d] / problem_.per_device;
      }
    }
    return idle;
  }

  std::string OneMoreQuantum(int s) const {
    const Retrained& now = now_[s];
    const double worth = Worth(s, now.inference, now.quanta);
    double more = worth;
    if (now.inference < problem_.per_device) {
      more = std::max(more, Worth(s, now.inference + 1, now.quanta));
    }
    if (now.quanta < problem_.per_device) {
      more = std::max(more, Worth(s, now.inference, now.quanta + 1));
    }
    const double points = 100 / problem_.window;
    if ((more - worth) * points < 0.005)
      return " One more quantum all along would bring it nothing.";
    int giver = -1;
    for (int other = 0; other < count_; ++other) {
      if (other == s || now_[other].inference + now_[other].quanta == 0) continue;
      // By weight it is the one whom it would cost the mean least.
      if (giver < 0 || From(other).weight * losses_[other] < From(giver).weight * losses_[giver]) {
        giver = other;
      }
    }
    std::string text = fmt::format(" One more quantum all along would bring it {:.2f} points",
                                   (more - worth) * points);
    if (giver >= 0) {
      text += fmt::format("; {} has it, who would lose {:.2f}", From(giver).id,
                          losses_[giver] * points);
    }
    return text + ".";
  }

  const Situation& situation_;
  const Problem& problem_;
  const Schedule& schedule_;
  const int count_;
  std::vector<Retrained> retrained_;
  std::vector<Retrained> now_;  ///< Shares of the first segment.
  std::vector<double> losses_;  ///< By stream: what one quantum less costs it.
};

}  // namespace

void Explain(const Situation& situation, Schedule* schedule) {
  Result<Problem> problem = Prepare(situation);
  if (!problem.ok()) return;
  // Points are points of the stream's accuracy: neither a floor nor a weight has a price here.
  for (StreamChoices& stream : problem->streams) {
    stream.floor = 0;
    stream.weight = 1;
  }
  const Explainer explainer(situation, *problem, *schedule);
  schedule->explanations.assign(situation.streams.size(), {});
  for (int s = 0; s < problem->count(); ++s) {
    const int index = problem->streams[s].index;
    schedule->explanations[index] = {situation.streams[index].id, explainer.Text(s)};
  }
}

}  // namespace ekya::schedule
