#pragma once

#include <memory>

#include "platform/models/network.h"

namespace ekya::models {

/// ResNet18 (He 2016) of `shape`: its channels times shape.width, rounded, at least one. For inputs
/// up to 64 pixels the stem is a 3x3 convolution of stride 1 without pooling, else torchvision's
/// 7x7. Five stages: stem and layer1, layer2, layer3, layer4, head. In evaluation mode; torch's own
/// initial weights.
std::shared_ptr<Network> MakeResNet18(const ClassifierShape& shape);

}  // namespace ekya::models
