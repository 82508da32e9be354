#include "decide/schedule/placement.h"

#include <algorithm>
#include <limits>

namespace ekya::schedule {
namespace {

struct Job {
  int stream;
  bool retraining;
  Quanta quanta;
};

class Placer {
 public:
  Placer(const Problem& problem, const std::vector<StreamState>& states, std::vector<Share>* shares)
      : problem_(problem), states_(states), shares_(*shares) {}

  void Run(bool fill) {
    Trim();
    const std::vector<Share> wished = shares_;
    // Large jobs first packs well; where it fails, inference first (it is what must not go short).
    std::vector<Job> jobs = Jobs();
    std::vector<Job> refused = Attempt(jobs, wished);
    if (!refused.empty()) {
      std::vector<Job> inference_first = jobs;
      std::stable_sort(inference_first.begin(), inference_first.end(),
                       [](const Job& a, const Job& b) { return a.retraining < b.retraining; });
      const Quanta missing = Sum(refused);
      std::vector<Job> again = Attempt(inference_first, wished);
      if (Sum(again) >= missing) {
        again = Attempt(jobs, wished);
      }
      refused = std::move(again);
    }
    for (const Job& job : refused) Shrink(job);
    if (!refused.empty() && problem_.floor_feasible && BreaksFloor()) FloorsFirst(wished);
    if (fill) Fill();
    for (std::size_t s = 0; s < shares_.size(); ++s) {
      Share& share = shares_[s];
      if (share.retraining_quanta == 0 && states_[s].running < 0) share.retraining = -1;
      if (share.retraining_quanta == 0 && states_[s].running >= 0 && share.retraining >= 0) {
        share.retraining_device = states_[s].device;
      }
    }
  }

 private:
  static Quanta Sum(const std::vector<Job>& jobs) {
    Quanta sum = 0;
    for (const Job& job : jobs) sum += job.quanta;
    return sum;
  }

  /// No job has less than nothing or more than a device.
  void Trim() {
    for (std::size_t s = 0; s < shares_.size(); ++s) {
      Share& share = shares_[s];
      share.inference = std::clamp(share.inference, 0, problem_.per_device);
      share.retraining_quanta =
          share.retraining < 0 ? 0 : std::clamp(share.retraining_quanta, 0, problem_.per_device);
    }
  }

  std::vector<Job> Jobs() const {
    std::vector<Job> jobs;
    for (std::size_t s = 0; s < shares_.size(); ++s) {
      const Share& share = shares_[s];
      const int stream = static_cast<int>(s);
      if (share.retraining_quanta > 0 && states_[s].running < 0) {
        jobs.push_back({stream, true, share.retraining_quanta});
      }
      if (share.inference > 0) jobs.push_back({stream, false, share.inference});
    }
    std::stable_sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) {
      return a.quanta != b.quanta ? a.quanta > b.quanta : a.retraining > b.retraining;
    });
    return jobs;
  }

  /// Places started retrainings and then `jobs` in order by best fit; returns what did not fit.
  std::vector<Job> Attempt(const std::vector<Job>& jobs, const std::vector<Share>& wished) {
    shares_ = wished;
    free_.assign(problem_.devices, problem_.per_device);
    for (std::size_t s = 0; s < shares_.size(); ++s) {
      // What is not placed yet is nowhere.
      shares_[s].inference = 0;
      if (states_[s].running < 0) shares_[s].retraining_quanta = 0;
      if (shares_[s].retraining_quanta == 0) continue;
      shares_[s].retraining_device = states_[s].device;
      free_[states_[s].device] -= shares_[s].retraining_quanta;
    }
    for (int device = 0; device < problem_.devices; ++device) {
      for (; free_[device] < 0; ++free_[device]) {
        --shares_[LargestRetrainingOn(device)].retraining_quanta;
      }
    }
    std::vector<Job> refused;
    for (const Job& job : jobs) {
      int best = -1;
      for (int device = 0; device < problem_.devices; ++device) {
        if (free_[device] < job.quanta) continue;
        if (best < 0 || free_[device] < free_[best]) best = device;
      }
      if (best < 0) {
        Quanta& quanta =
            job.retraining ? shares_[job.stream].retraining_quanta : shares_[job.stream].inference;
        quanta = 0;
        refused.push_back(job);
        continue;
      }
      Put(job, best, job.quanta);
    }
    return refused;
  }

  void Put(const Job& job, int device, Quanta quanta) {
    Share& share = shares_[job.stream];
    (job.retraining ? share.retraining_quanta : share.inference) = quanta;
    (job.retraining ? share.retraining_device : share.inference_device) = device;
    free_[device] -= quanta;
  }

  /// The stream with the largest retraining on `device`; -1 where there is none.
  int LargestRetrainingOn(int device) const {
    int largest = -1;
    for (std::size_t s = 0; s < shares_.size(); ++s) {
      if (shares_[s].retraining_quanta == 0 || shares_[s].retraining_device != device) continue;
      if (largest < 0 || shares_[s].retraining_quanta > shares_[largest].retraining_quanta) {
        largest = static_cast<int>(s);
      }
    }
    return largest;
  }

  int Roomiest() const {
    return static_cast<int>(std::max_element(free_.begin(), free_.end()) - free_.begin());
  }

  /// Puts a job that does not fit where it loses least.
  void Shrink(const Job& job) {
    if (job.retraining) {
      const int device = Roomiest();
      if (free_[device] > 0) Put(job, device, std::min(job.quanta, free_[device]));
      return;
    }
    // The level and device that lose least, where quanta may be taken from a retraining: one of R
    // quanta that gives x takes R / (R - x) times as long, and its gain waits.
    const StreamChoices& stream = problem_.streams[job.stream];
    const double accuracy = states_[job.stream].accuracy;
    const Level* best_level = nullptr;
    int best_device = 0;
    double best_worth = 0;
    for (int device = 0; device < problem_.devices; ++device) {
      const int giver = LargestRetrainingOn(device);
      for (const Level& level : stream.levels) {
        if (level.quanta > job.quanta) break;
        double worth = problem_.Worth(stream, accuracy, level);
        const Quanta missing = level.quanta - free_[device];
        if (missing > 0) {
          if (giver < 0 || shares_[giver].retraining_quanta <= missing) break;
          const StreamChoices& other = problem_.streams[giver];
          const double gain =
              other.retrainings[shares_[giver].retraining].accuracy * other.levels.back().factor -
              states_[giver].accuracy * problem_.LevelAt(other, shares_[giver].inference).factor;
          const Quanta had = shares_[giver].retraining_quanta;
          // What is left may do no work at all.
          const double slower = other.speed[had] / std::max(other.speed[had - missing], 1e-6) - 1;
          worth -= other.weight * std::max(gain, 0.0) * slower;
        }
        if (best_level != nullptr && worth <= best_worth) continue;
        best_level = &level;
        best_device = device;
        best_worth = worth;
      }
    }
    if (best_level == nullptr || best_level->quanta == 0) return;
    const Quanta missing = best_level->quanta - free_[best_device];
    if (missing > 0) {
      shares_[LargestRetrainingOn(best_device)].retraining_quanta -= missing;
      free_[best_device] += missing;
    }
    Put(job, best_device, best_level->quanta);
  }

  /// The least inference that keeps the stream's floor with the model that it has now.
  Quanta FloorQuanta(std::size_t s) const {
    const StreamChoices& stream = problem_.streams[s];
    for (const Level& level : stream.levels) {
      if (problem_.KeepsFloor(stream, states_[s].accuracy, level)) return level.quanta;
    }
    return stream.levels.back().quanta;
  }

  bool BreaksFloor() const {
    for (std::size_t s = 0; s < shares_.size(); ++s) {
      if (shares_[s].inference < FloorQuanta(s)) return true;
    }
    return false;
  }

  /// Packs every stream's floor and gives the rest to the retrainings, the largest wish first.
  void FloorsFirst(const std::vector<Share>& wished) {
    std::vector<Quanta> sizes;
    for (std::size_t s = 0; s < wished.size(); ++s) sizes.push_back(FloorQuanta(s));
    const auto devices = Pack(sizes, problem_.devices, problem_.per_device);
    if (!devices) return;
    free_.assign(problem_.devices, problem_.per_device);
    std::vector<Job> retrainings;
    for (std::size_t s = 0; s < wished.size(); ++s) {
      shares_[s].retraining_quanta = 0;
      Put({static_cast<int>(s), false, sizes[s]}, (*devices)[s], sizes[s]);
      if (wished[s].retraining_quanta > 0) {
        retrainings.push_back({static_cast<int>(s), true, wished[s].retraining_quanta});
      }
    }
    std::stable_sort(retrainings.begin(), retrainings.end(),
                     [](const Job& a, const Job& b) { return a.quanta > b.quanta; });
    for (const Job& job : retrainings) {
      const int home = states_[job.stream].running >= 0 ? states_[job.stream].device : Roomiest();
      if (free_[home] > 0) Put(job, home, std::min(job.quanta, free_[home]));
    }
  }

  /// Gives what is left of each device to the jobs on it: first inference that gains, then
  /// retraining.
  void Fill() {
    for (int device = 0; device < problem_.devices; ++device) {
      while (free_[device] > 0) {
        int best = -1;
        double best_gain = 0;
        for (std::size_t s = 0; s < shares_.size(); ++s) {
          const Share& share = shares_[s];
          const bool here = share.inference_device == device || share.inference == 0;
          if (!here) continue;
          const StreamChoices& stream = problem_.streams[s];
          const Level& now = problem_.LevelAt(stream, share.inference);
          const Level& then = problem_.LevelAt(
              stream, std::min(share.inference + free_[device], problem_.per_device));
          const double gain = stream.weight * states_[s].accuracy * (then.factor - now.factor);
          if (gain > best_gain) {
            best = static_cast<int>(s);
            best_gain = gain;
          }
        }
        if (best < 0) break;
        Share& share = shares_[best];
        const Level& level = problem_.LevelAt(
            problem_.streams[best], std::min(share.inference + free_[device], problem_.per_device));
        free_[device] -= level.quanta - share.inference;
        share.inference = level.quanta;
        share.inference_device = device;
      }
      for (Share& share : shares_) {
        if (share.retraining_quanta == 0 || share.retraining_device != device) continue;
        const Quanta more = std::min(free_[device], problem_.per_device - share.retraining_quanta);
        share.retraining_quanta += more;
        free_[device] -= more;
      }
    }
  }

  const Problem& problem_;
  const std::vector<StreamState>& states_;
  std::vector<Share>& shares_;
  std::vector<Quanta> free_;
};

}  // namespace

void Place(const Problem& problem, const std::vector<StreamState>& states,
           std::vector<Share>* shares, bool fill) {
  Placer(problem, states, shares).Run(fill);
}

}  // namespace ekya::schedule
