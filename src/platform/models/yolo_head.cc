#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "platform/models/detection_head.h"

namespace ekya::models {
namespace {

using torch::Tensor;
namespace F = torch::nn::functional;

// Columns of a place before the class scores: center, size and objectness.
constexpr int kBoxColumns = 5;
// A place whose box overlaps an object by more is not told that nothing is there.
constexpr double kIgnoredOverlap = 0.5;
// exp of more is no box any more.
constexpr float kLargestExponent = 10;

float Sigmoid(float value) { return 1 / (1 + std::exp(-value)); }

class YoloDetectionHead : public DetectionHead {
 public:
  explicit YoloDetectionHead(std::vector<YoloHead> heads) : heads_(std::move(heads)) {}

  std::vector<Detection> Decode(const std::vector<Tensor>& outputs, int index, int input_size,
                                double threshold) const override {
    std::vector<Detection> found;
    for (std::size_t scale = 0; scale < heads_.size(); ++scale) {
      const YoloHead& head = heads_[scale];
      const Tensor values =
          Places(outputs[scale], head)[index].to(torch::kFloat).cpu().contiguous();
      const auto places = values.accessor<float, 4>();  // anchor, column, row, column of the grid
      for (int anchor = 0; anchor < values.size(0); ++anchor) {
        for (int y = 0; y < values.size(2); ++y) {
          for (int x = 0; x < values.size(3); ++x) {
            const auto at = [&](int column) { return places[anchor][column][y][x]; };
            const double objectness = Sigmoid(at(4));
            if (!(objectness >= threshold)) continue;
            int best = 0;
            for (int c = 1; c < head.classes; ++c) {
              if (at(kBoxColumns + c) > at(kBoxColumns + best)) best = c;
            }
            const double score = objectness * Sigmoid(at(kBoxColumns + best));
            if (!(score >= threshold)) continue;
            const Box box = BoxOf(head, anchor, {at(0), at(1), at(2), at(3)}, x, y,
                                  static_cast<double>(input_size) / values.size(3),
                                  static_cast<double>(input_size) / values.size(2));
            found.push_back({box, best, score});
          }
        }
      }
    }
    return found;
  }

  Tensor Loss(const std::vector<Tensor>& outputs, const std::vector<std::vector<Detection>>& truth,
              int input_size) const override {
    Tensor loss = torch::zeros({}, outputs.front().device());
    double objects = 0;
    for (const auto& picture : truth) objects += static_cast<double>(picture.size());
    for (std::size_t scale = 0; scale < heads_.size(); ++scale) {
      loss = loss + ScaleLoss(outputs[scale], scale, truth, input_size);
    }
    return loss / std::max(1.0, objects);
  }

 private:
  /// N x anchors x (5 + classes) x rows x columns.
  static Tensor Places(const Tensor& output, const YoloHead& head) {
    return output.view({output.size(0), static_cast<std::int64_t>(head.anchors.size()),
                        kBoxColumns + head.classes, output.size(2), output.size(3)});
  }

  static Box BoxOf(const YoloHead& head, int anchor, const std::array<float, 4>& values, int x,
                   int y, double stride_x, double stride_y) {
    const auto& [width, height] = head.anchors[static_cast<std::size_t>(anchor)];
    const double leave = (head.center_scale - 1) / 2;
    const double center_x = (head.center_scale * Sigmoid(values[0]) - leave + x) * stride_x;
    const double center_y = (head.center_scale * Sigmoid(values[1]) - leave + y) * stride_y;
    const double box_width = width * std::exp(std::min(values[2], kLargestExponent));
    const double box_height = height * std::exp(std::min(values[3], kLargestExponent));
    return {center_x - box_width / 2, center_y - box_height / 2, box_width, box_height};
  }

  /// The scale and the anchor whose shape fits `box` best.
  std::pair<std::size_t, int> BestAnchor(const Box& box) const {
    std::pair<std::size_t, int> best = {0, 0};
    double best_overlap = -1;
    for (std::size_t scale = 0; scale < heads_.size(); ++scale) {
      for (std::size_t i = 0; i < heads_[scale].anchors.size(); ++i) {
        const auto& [width, height] = heads_[scale].anchors[i];
        const double overlap =
            IntersectionOverUnion({0, 0, width, height}, {0, 0, box.width, box.height});
        if (overlap <= best_overlap) continue;
        best = {scale, static_cast<int>(i)};
        best_overlap = overlap;
      }
    }
    return best;
  }

  Tensor ScaleLoss(const Tensor& output, std::size_t scale,
                   const std::vector<std::vector<Detection>>& truth, int input_size) const {
    const YoloHead& head = heads_[scale];
    const Tensor places = Places(output, head);
    const Tensor known = places.detach().to(torch::kFloat).cpu().contiguous();
    const auto values = known.accessor<float, 5>();
    const auto pictures = known.size(0);
    const auto anchors = known.size(1);
    const auto rows = known.size(3);
    const auto columns = known.size(4);
    const double stride_x = static_cast<double>(input_size) / static_cast<double>(columns);
    const double stride_y = static_cast<double>(input_size) / static_cast<double>(rows);

    // What each place is told; and, for the places of objects, their numbers in one row each.
    Tensor told = torch::ones({pictures, anchors, rows, columns});
    Tensor objectness = torch::zeros({pictures, anchors, rows, columns});
    auto told_at = told.accessor<float, 4>();
    auto objectness_at = objectness.accessor<float, 4>();
    std::vector<std::int64_t> indices;
    std::vector<float> targets;
    std::vector<float> sizes;
    for (std::int64_t n = 0; n < pictures; ++n) {
      const auto& objects = truth[static_cast<std::size_t>(n)];
      if (!objects.empty()) {
        for (int a = 0; a < anchors; ++a) {
          for (int y = 0; y < rows; ++y) {
            for (int x = 0; x < columns; ++x) {
              const auto& place = values[n][a];
              const Box box =
                  BoxOf(head, a, {place[0][y][x], place[1][y][x], place[2][y][x], place[3][y][x]},
                        x, y, stride_x, stride_y);
              for (const Detection& object : objects) {
                if (IntersectionOverUnion(box, object.box) <= kIgnoredOverlap) continue;
                told_at[n][a][y][x] = 0;
                break;
              }
            }
          }
        }
      }
      for (const Detection& object : objects) {
        const auto [best_scale, anchor] = BestAnchor(object.box);
        if (best_scale != scale || !(object.box.width > 0) || !(object.box.height > 0)) continue;
        const double center_x = (object.box.x + object.box.width / 2) / stride_x;
        const double center_y = (object.box.y + object.box.height / 2) / stride_y;
        const auto x = static_cast<std::int64_t>(std::floor(center_x));
        const auto y = static_cast<std::int64_t>(std::floor(center_y));
        if (x < 0 || y < 0 || x >= columns || y >= rows) continue;
        told_at[n][anchor][y][x] = 1;
        objectness_at[n][anchor][y][x] = 1;
        indices.push_back(((n * anchors + anchor) * rows + y) * columns + x);
        const auto& [width, height] = head.anchors[static_cast<std::size_t>(anchor)];
        const double leave = (head.center_scale - 1) / 2;
        const auto inside = [&](double offset) {
          return static_cast<float>(std::clamp((offset + leave) / head.center_scale, 0.0, 1.0));
        };
        targets.push_back(inside(center_x - static_cast<double>(x)));
        targets.push_back(inside(center_y - static_cast<double>(y)));
        targets.push_back(static_cast<float>(std::log(object.box.width / width)));
        targets.push_back(static_cast<float>(std::log(object.box.height / height)));
        for (int c = 0; c < head.classes; ++c) {
          targets.push_back(c == object.class_index ? 1.0F : 0.0F);
        }
        // Small boxes count for more: the same error is more of them.
        sizes.push_back(static_cast<float>(2 - object.box.width * object.box.height /
                                                   (1.0 * input_size * input_size)));
      }
    }
    const auto sum = [](const Tensor& weight) {
      return F::BinaryCrossEntropyWithLogitsFuncOptions().weight(weight).reduction(torch::kSum);
    };
    // What is told is written by the processor, and goes to where the outputs are at once.
    const torch::Device device = output.device();
    const Tensor float_places = places.to(torch::kFloat);
    Tensor loss = F::binary_cross_entropy_with_logits(float_places.select(2, 4),
                                                      objectness.to(device), sum(told.to(device)));
    if (indices.empty()) return loss;
    const auto count = static_cast<std::int64_t>(indices.size());
    const Tensor wanted = torch::tensor(targets).view({count, 4 + head.classes}).to(device);
    const Tensor size = torch::tensor(sizes).unsqueeze(1).to(device);
    const Tensor chosen = float_places.permute({0, 1, 3, 4, 2})
                              .reshape({-1, kBoxColumns + head.classes})
                              .index_select(0, torch::tensor(indices).to(device));
    loss = loss + F::binary_cross_entropy_with_logits(
                      chosen.narrow(1, 0, 2), wanted.narrow(1, 0, 2), sum(size.expand({count, 2})));
    loss = loss + (size * (chosen.narrow(1, 2, 2) - wanted.narrow(1, 2, 2)).square()).sum() / 2;
    return loss + F::binary_cross_entropy_with_logits(chosen.narrow(1, kBoxColumns, head.classes),
                                                      wanted.narrow(1, 4, head.classes),
                                                      sum(Tensor()));
  }

  const std::vector<YoloHead> heads_;
};

}  // namespace

std::unique_ptr<DetectionHead> MakeYoloHead(const std::vector<YoloHead>& heads) {
  return std::make_unique<YoloDetectionHead>(heads);
}

}  // namespace ekya::models
