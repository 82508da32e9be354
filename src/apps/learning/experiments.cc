#include "apps/learning/experiments.h"

#include "apps/learning/detection.h"

namespace ekya::learning {

const std::vector<Experiment>& Experiments() {
  static const std::vector<Experiment> experiments = {
      {"detection",
       "a small detector retrained on its own camera, on real clips and a drawn crossing",
       RunDetection},
  };
  return experiments;
}

}  // namespace ekya::learning
