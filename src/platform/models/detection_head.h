#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "core/frame.h"
#include "platform/models/detector_architectures.h"

namespace ekya::models {

/// What a detector's outputs mean: how they become boxes and how wrong they are. Boxes are in
/// pixels of the network's input. Any thread.
class DetectionHead {
 public:
  virtual ~DetectionHead() = default;

  /// The boxes of picture `index` of the batch whose score is at least `threshold`, overlapping
  /// ones included.
  virtual std::vector<Detection> Decode(const std::vector<torch::Tensor>& outputs, int index,
                                        int input_size, double threshold) const = 0;
  /// The loss of a batch against what each of its pictures shows; a number with a gradient.
  virtual torch::Tensor Loss(const std::vector<torch::Tensor>& outputs,
                             const std::vector<std::vector<Detection>>& truth,
                             int input_size) const = 0;
};

/// YOLOv3's (Redmon 2018). An object trains the place and the anchor whose shape fits it best;
/// elsewhere nothing is to be found, but where a box overlaps an object by more than half nothing
/// is said.
std::unique_ptr<DetectionHead> MakeYoloHead(const std::vector<YoloHead>& heads);

/// SSD's (Liu 2016): softmax over the classes and a background, boxes relative to default ones,
/// which objects train that overlap them by half, three hardest others for each of them. Each
/// output has, for each of kSsdBoxes default boxes a place, the classes' scores (background first),
/// then for each the 4 numbers of its box.
std::unique_ptr<DetectionHead> MakeSsdHead(int classes);

}  // namespace ekya::models
