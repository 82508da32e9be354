#pragma once

#include <span>

#include "platform/models/classifier.h"
#include "platform/models/layer_graph.h"

namespace ekya::models {

/// A kind of classifier and how it is built.
struct Architecture {
  const char* name;
  LayerGraph (*make)(const ClassifierShape& shape);
};

/// Every classifier that `model.architecture` may name (core/site.cc lists the same names).
std::span<const Architecture> Architectures();

// Each has five stages, the head last, and torchvision's state-dict names. At the shape of
// torchvision (input above 64 pixels, no hidden layer before the last) its tensors have
// torchvision's shapes too. For inputs up to 64 pixels the two first reductions of the picture are
// left out, so that the last convolutions still see more than one pixel. Neither dropout nor
// stochastic depth: what is retrained often and briefly is not held back further.

/// He 2016: stem and layer1, layer2, layer3, layer4, head. For small inputs the stem is a 3x3
/// convolution without pooling instead of the 7x7 one.
LayerGraph MakeResNet18(const ClassifierShape& shape);
/// Sandler 2018. Stages end at 1/4, 1/8 and 1/16 of the picture.
LayerGraph MakeMobileNetV2(const ClassifierShape& shape);
/// Ma 2018 (the paper's "ShuffleNet"). Widths 0.5, 1, 1.5 and 2 are the published ones, others
/// scale those of 1.
LayerGraph MakeShuffleNetV2(const ClassifierShape& shape);
/// Tan 2019: B0, with squeeze and excitation.
LayerGraph MakeEfficientNetB0(const ClassifierShape& shape);

/// Up to this input size, pixels, the first reductions are left out.
inline constexpr int kLargestSmallInput = 64;

}  // namespace ekya::models
