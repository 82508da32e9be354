#include <algorithm>
#include <cmath>

#include "platform/models/detection_head.h"

namespace ekya::models {
namespace {

using torch::Tensor;
namespace F = torch::nn::functional;

// torchvision's ssdlite: smallest and largest default box as a part of the input; aspect ratios.
constexpr double kSmallest = 0.2;
constexpr double kLargest = 0.95;
constexpr double kOverlap = 0.5;
constexpr int kBackgroundsPerObject = 3;
// How boxes are told relative to default ones (Girshick's parametrisation).
constexpr double kCenterWeight = 10;
constexpr double kSizeWeight = 5;
constexpr double kLargestExponent = 4;

class SsdDetectionHead : public DetectionHead {
 public:
  explicit SsdDetectionHead(int classes) : classes_(classes) {}

  std::vector<Detection> Decode(const std::vector<Tensor>& outputs, int index, int input_size,
                                double threshold) const override {
    const std::vector<Box> defaults = DefaultBoxes(outputs, input_size);
    const auto [logits, offsets] = Rows(outputs);
    const Tensor scores = logits[index].softmax(1).cpu().contiguous();
    const Tensor picture_offsets = offsets[index].cpu().contiguous();
    const auto score_at = scores.accessor<float, 2>();
    const auto offset_at = picture_offsets.accessor<float, 2>();
    std::vector<Detection> found;
    for (std::size_t i = 0; i < defaults.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      int best = 0;
      for (int c = 1; c < classes_; ++c) {
        if (score_at[row][c + 1] > score_at[row][best + 1]) best = c;
      }
      const double score = score_at[row][best + 1];
      if (!(score >= threshold)) continue;
      const Box& box = defaults[i];
      const double center_x = box.x + box.width / 2 + offset_at[row][0] / kCenterWeight * box.width;
      const double center_y =
          box.y + box.height / 2 + offset_at[row][1] / kCenterWeight * box.height;
      const double width =
          box.width * std::exp(std::min(offset_at[row][2] / kSizeWeight, kLargestExponent));
      const double height =
          box.height * std::exp(std::min(offset_at[row][3] / kSizeWeight, kLargestExponent));
      found.push_back({{center_x - width / 2, center_y - height / 2, width, height}, best, score});
    }
    return found;
  }

  Tensor Loss(const std::vector<Tensor>& outputs, const std::vector<std::vector<Detection>>& truth,
              int input_size) const override {
    const std::vector<Box> defaults = DefaultBoxes(outputs, input_size);
    const auto [logits, offsets] = Rows(outputs);
    const auto pictures = static_cast<std::int64_t>(truth.size());
    const auto places = static_cast<std::int64_t>(defaults.size());
    Tensor labels = torch::zeros({pictures, places}, torch::kLong);  // 0: background
    Tensor targets = torch::zeros({pictures, places, 4});
    auto label_at = labels.accessor<std::int64_t, 2>();
    auto target_at = targets.accessor<float, 3>();
    for (std::int64_t n = 0; n < pictures; ++n) {
      const auto& objects = truth[static_cast<std::size_t>(n)];
      const std::vector<int> owner = Match(defaults, objects);
      for (std::int64_t i = 0; i < places; ++i) {
        if (owner[static_cast<std::size_t>(i)] < 0) continue;
        const Detection& object =
            objects[static_cast<std::size_t>(owner[static_cast<std::size_t>(i)])];
        const Box& box = defaults[static_cast<std::size_t>(i)];
        label_at[n][i] = object.class_index + 1;
        const double center_x = object.box.x + object.box.width / 2 - box.x - box.width / 2;
        const double center_y = object.box.y + object.box.height / 2 - box.y - box.height / 2;
        target_at[n][i][0] = static_cast<float>(kCenterWeight * center_x / box.width);
        target_at[n][i][1] = static_cast<float>(kCenterWeight * center_y / box.height);
        target_at[n][i][2] =
            static_cast<float>(kSizeWeight * std::log(object.box.width / box.width));
        target_at[n][i][3] =
            static_cast<float>(kSizeWeight * std::log(object.box.height / box.height));
      }
    }
    // Written by the processor; goes to where the outputs are at once.
    labels = labels.to(logits.device());
    targets = targets.to(logits.device());
    const Tensor is_object = labels > 0;
    const Tensor counts = is_object.sum(1, /*keepdim=*/true);
    const Tensor cross_entropy =
        F::cross_entropy(logits.reshape({-1, classes_ + 1}), labels.view({-1}),
                         F::CrossEntropyFuncOptions().reduction(torch::kNone))
            .view({pictures, places});
    // The hardest of the rest: by rank of their loss. At least one, where nothing is shown.
    const Tensor rest = cross_entropy.detach().masked_fill(is_object, -1);
    const Tensor rank = std::get<1>(std::get<1>(rest.sort(1, /*descending=*/true)).sort(1));
    const Tensor hard = rank < (kBackgroundsPerObject * counts).clamp_min(kBackgroundsPerObject);
    const Tensor chosen = torch::logical_or(is_object, torch::logical_and(hard, rest >= 0));
    const Tensor box_loss =
        F::smooth_l1_loss(offsets, targets, F::SmoothL1LossFuncOptions().reduction(torch::kNone));
    const Tensor sum = (cross_entropy * chosen).sum() + (box_loss.sum(2) * is_object).sum();
    return sum / counts.sum().clamp_min(1);
  }

 private:
  /// By place: class scores and box numbers of all outputs.
  std::pair<Tensor, Tensor> Rows(const std::vector<Tensor>& outputs) const {
    std::vector<Tensor> logits;
    std::vector<Tensor> offsets;
    for (const Tensor& output : outputs) {
      const auto pictures = output.size(0);
      const Tensor rows = output.to(torch::kFloat).permute({0, 2, 3, 1});
      const std::int64_t scores = kSsdBoxes * (classes_ + 1);
      logits.push_back(rows.narrow(3, 0, scores).reshape({pictures, -1, classes_ + 1}));
      offsets.push_back(rows.narrow(3, scores, 4 * kSsdBoxes).reshape({pictures, -1, 4}));
    }
    return {torch::cat(logits, 1), torch::cat(offsets, 1)};
  }

  static std::vector<Box> DefaultBoxes(const std::vector<Tensor>& outputs, int input_size) {
    std::vector<Box> boxes;
    const auto part = [&](std::size_t level) {
      if (outputs.size() < 2) return kSmallest;
      return kSmallest + (kLargest - kSmallest) * static_cast<double>(level) /
                             static_cast<double>(outputs.size() - 1);
    };
    for (std::size_t level = 0; level < outputs.size(); ++level) {
      const double side = part(level) * input_size;
      const double next = level + 1 < outputs.size() ? part(level + 1) * input_size : input_size;
      const double between = std::sqrt(side * next);
      const double two = std::sqrt(2.0);
      const double three = std::sqrt(3.0);
      const std::pair<double, double> shapes[kSsdBoxes] = {{side, side},
                                                           {between, between},
                                                           {side * two, side / two},
                                                           {side / two, side * two},
                                                           {side * three, side / three},
                                                           {side / three, side * three}};
      const auto rows = outputs[level].size(2);
      const auto columns = outputs[level].size(3);
      for (std::int64_t y = 0; y < rows; ++y) {
        for (std::int64_t x = 0; x < columns; ++x) {
          const double center_x =
              (static_cast<double>(x) + 0.5) * input_size / static_cast<double>(columns);
          const double center_y =
              (static_cast<double>(y) + 0.5) * input_size / static_cast<double>(rows);
          for (const auto& [width, height] : shapes) {
            boxes.push_back({center_x - width / 2, center_y - height / 2, width, height});
          }
        }
      }
    }
    return boxes;
  }

  /// For each default box the object it answers for; -1: background. Every object has its best box.
  static std::vector<int> Match(const std::vector<Box>& defaults,
                                const std::vector<Detection>& objects) {
    std::vector<int> owner(defaults.size(), -1);
    std::vector<double> overlap_of(defaults.size(), kOverlap);
    std::vector<std::size_t> best(objects.size(), 0);
    for (std::size_t j = 0; j < objects.size(); ++j) {
      double best_overlap = 0;
      for (std::size_t i = 0; i < defaults.size(); ++i) {
        const double overlap = IntersectionOverUnion(defaults[i], objects[j].box);
        if (overlap > best_overlap) {
          best_overlap = overlap;
          best[j] = i;
        }
        if (overlap < overlap_of[i]) continue;
        overlap_of[i] = overlap;
        owner[i] = static_cast<int>(j);
      }
    }
    for (std::size_t j = 0; j < objects.size(); ++j) {
      if (objects[j].box.width > 0 && objects[j].box.height > 0) {
        owner[best[j]] = static_cast<int>(j);
      }
    }
    return owner;
  }

  const int classes_;
};

}  // namespace

std::unique_ptr<DetectionHead> MakeSsdHead(int classes) {
  return std::make_unique<SsdDetectionHead>(classes);
}

}  // namespace ekya::models
