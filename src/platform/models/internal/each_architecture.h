#pragma once

// For tests of each of Architectures().
#include <memory>
#include <ostream>
#include <string>

#include "base/check.h"
#include "platform/models/architectures.h"
#include "platform/models/torch_classifier.h"

namespace ekya::models {

/// What a failed test prints of its parameter.
inline void PrintTo(const Architecture& architecture, std::ostream* out) {
  *out << architecture.name;
}

namespace internal {

/// What the test of an architecture is called: without hyphens.
inline constexpr auto kNameOfTest = [](const auto& tested) {
  std::string name = tested.param.name;
  std::erase(name, '-');
  return name;
};

/// Shows noise to the batch norms of `network`, so that they do something, and what it computes
/// depends on the pictures to the end.
inline void SeePictures(Network& network, int side) {
  const torch::NoGradGuard no_grad;
  network.SetTrainedStages(network.stages());
  for (int i = 0; i < 5; ++i) {
    network.Run(torch::randn({8, 3, side, side}, MakeGenerator(7)) * 2 + 0.5);
  }
  network.SetTrainedStages(0);
}

/// A classifier of three classes whose batch norms have seen pictures.
inline std::unique_ptr<Classifier> MakeSeen(const std::string& architecture, int input_size,
                                            double width) {
  ClassifierShape shape;
  shape.architecture = architecture;
  shape.input_size = input_size;
  shape.width = width;
  shape.classes = {"car", "bus", "person"};
  auto made = Classifier::Create(shape, 2);
  EKYA_CHECK(made.ok(), made.ok() ? "" : made.error().message);
  SeePictures(dynamic_cast<TorchClassifier&>(**made).network(), input_size);
  return std::move(*made);
}

}  // namespace internal
}  // namespace ekya::models
