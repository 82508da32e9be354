#include "core/configuration.h"

#include <fmt/format.h>

namespace ekya {

std::vector<RetrainingConfiguration> DefaultRetrainingGrid() {
  std::vector<RetrainingConfiguration> grid;
  for (const int trained_stages : {1, 3, 5}) {
    for (const double fraction : {0.5, 1.0}) {
      for (const int epochs : {5, 15, 30}) {
        RetrainingConfiguration configuration;
        configuration.id = fmt::format("e{}-f{:.0f}-d{}", epochs, 100 * fraction, trained_stages);
        configuration.epochs = epochs;
        configuration.sample_fraction = fraction;
        configuration.trained_stages = trained_stages;
        grid.push_back(configuration);
      }
    }
  }
  return grid;
}

std::vector<InferenceConfiguration> DefaultInferenceConfigurations() {
  std::vector<InferenceConfiguration> configurations;
  for (const int interval : {1, 2, 4, 8}) {
    configurations.push_back({fmt::format("every-{}", interval), interval, 0});
  }
  return configurations;
}

}  // namespace ekya
