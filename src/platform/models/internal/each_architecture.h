#pragma once

// For tests of each of Architectures().
#include <ostream>
#include <string>

#include "platform/models/architectures.h"

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

}  // namespace internal
}  // namespace ekya::models
