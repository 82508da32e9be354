#pragma once

// For tests of each of Architectures().
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>

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

/// A classifier of three classes whose batch norms have seen pictures, so that they do something.
inline std::unique_ptr<Classifier> MakeSeen(const std::string& architecture, int input_size,
                                            double width) {
  ClassifierShape shape;
  shape.architecture = architecture;
  shape.input_size = input_size;
  shape.width = width;
  shape.classes = {"car", "bus", "person"};
  auto made = Classifier::Create(shape, 2);
  EXPECT_TRUE(made.ok());
  auto& network = dynamic_cast<TorchClassifier&>(**made).network();
  const torch::NoGradGuard no_grad;
  network.SetTrainedStages(network.stages());
  for (int i = 0; i < 5; ++i) {
    network.Forward(torch::randn({8, 3, input_size, input_size}, MakeGenerator(7)) * 2 + 0.5);
  }
  network.SetTrainedStages(0);
  return std::move(*made);
}

}  // namespace internal
}  // namespace ekya::models
