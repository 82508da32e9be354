#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "decide/window/ports.h"
#include "decide/window/record.h"

namespace ekya::window {

struct DriftSettings {
  /// How often a look at a stream that does not drift says that it does.
  double level = 0.05;
  int stretches = 8;       ///< That each side of a comparison is cut into.
  int least_results = 40;  ///< Of each side; fewer are not compared.
};

/// Says whether the world in front of a camera has changed since its model was last looked after.
/// Two witnesses: what the served model says (classes and scores, without labels), and how often
/// labels that stand for all frames prove it right. Neither has a fixed threshold. Results are
/// compared with those from when it was looked after by a permutation test over stretches of time,
/// since what is seen in one stretch is much alike; and once there are enough comparisons of
/// windows that the labels prove quiet, of any stream, a new one must stand out from these too. One
/// thread.
class DriftWatch {
 public:
  explicit DriftWatch(DriftSettings settings = {}) : settings_(settings) {}

  /// What `stream` was told lately, in order of time. Those of the newest model count; the first of
  /// it are what later ones are compared with, until Settle.
  DriftFinding Look(const std::string& stream, const std::vector<ServedResult>& results);

  /// Labels that stand for the frames of a whole window (that Look has seen the results of) prove
  /// `accuracy` of `samples` right; negative or none: nothing is known.
  DriftFinding Judge(const std::string& stream, double accuracy, int samples);

  /// `stream` has been looked after (retrained, and no better model found): what it was told at the
  /// last look is how it is to be from now on. A new model settles by itself.
  void Settle(const std::string& stream);

 private:
  struct Stream {
    std::int64_t version = -1;
    bool mixed = false;  // Several models have served what was looked at last.
    std::vector<ServedResult> reference;
    std::vector<ServedResult> latest;
    int right = 0;  // Labels of the reference's time.
    int judged = 0;
    std::vector<double> pending;  // p values that no label has proved quiet yet.
  };

  double Permutation(const std::vector<ServedResult>& before,
                     const std::vector<ServedResult>& now) const;
  double AmongQuiet(double p) const;

  const DriftSettings settings_;
  std::map<std::string, Stream> streams_;
  std::deque<double> quiet_;  // p values of looks at what did not drift.
};

}  // namespace ekya::window
