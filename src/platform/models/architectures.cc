#include "platform/models/architectures.h"

namespace ekya::models {

std::span<const Architecture> Architectures() {
  static constexpr Architecture kAll[] = {
      {"resnet18", &MakeResNet18},
      {"mobilenetv2", &MakeMobileNetV2},
      {"shufflenetv2", &MakeShuffleNetV2},
      {"efficientnet-b0", &MakeEfficientNetB0},
  };
  return kAll;
}

}  // namespace ekya::models
