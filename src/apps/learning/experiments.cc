#include "apps/learning/experiments.h"

namespace ekya::learning {

const std::vector<Experiment>& Experiments() {
  static const std::vector<Experiment> experiments = {};
  return experiments;
}

}  // namespace ekya::learning
