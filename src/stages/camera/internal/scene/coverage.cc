#include "stages/camera/internal/scene/coverage.h"

#include <algorithm>
#include <cmath>

namespace ekya::camera::scene {
namespace {

/// How far `point` is outside the edge from `a` to `b` of an anticlockwise plan.
double Outside(Vec3 a, Vec3 b, Vec3 point) {
  return (b.y - a.y) * (point.x - a.x) - (b.x - a.x) * (point.y - a.y);
}

/// Whether `a` can hide nothing of `b`: some edge of either has `a` on its far side from the eye.
bool Behind(const Footprint& a, const Footprint& b, Vec3 eye) {
  constexpr double kTouch = 0.05;
  for (std::size_t i = 0; i < 4; ++i) {
    const Vec3 from = b.corners[i];
    const Vec3 to = b.corners[(i + 1) % 4];
    if (Outside(from, to, eye) >= 0) continue;
    if (std::all_of(a.corners.begin(), a.corners.end(),
                    [&](Vec3 corner) { return Outside(from, to, corner) > -kTouch; })) {
      return true;
    }
  }
  for (std::size_t i = 0; i < 4; ++i) {
    const Vec3 from = a.corners[i];
    const Vec3 to = a.corners[(i + 1) % 4];
    if (Outside(from, to, eye) <= 0) continue;
    if (std::all_of(b.corners.begin(), b.corners.end(),
                    [&](Vec3 corner) { return Outside(from, to, corner) > -kTouch; })) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<std::size_t> FarToNear(const std::vector<Footprint>& prints, Vec3 eye) {
  std::vector<std::size_t> waiting(prints.size());
  for (std::size_t i = 0; i < waiting.size(); ++i) waiting[i] = i;
  const auto distance = [&](std::size_t i) {
    const Vec3 to = prints[i].middle - eye;
    return to.x * to.x + to.y * to.y;
  };
  std::sort(waiting.begin(), waiting.end(),
            [&](std::size_t a, std::size_t b) { return distance(a) > distance(b); });
  std::vector<std::size_t> order;
  order.reserve(prints.size());
  while (!waiting.empty()) {
    // The farthest that nothing else must be painted before; in a circle, the farthest.
    auto next = std::find_if(waiting.begin(), waiting.end(), [&](std::size_t candidate) {
      return std::all_of(waiting.begin(), waiting.end(), [&](std::size_t other) {
        return other == candidate || Behind(prints[candidate], prints[other], eye) ||
               !Behind(prints[other], prints[candidate], eye);
      });
    });
    if (next == waiting.end()) next = waiting.begin();
    order.push_back(*next);
    waiting.erase(next);
  }
  return order;
}

Coverage::Coverage(int width, int height)
    : width_(width),
      height_(height),
      columns_((width + kCell - 1) / kCell),
      rows_((height + kCell - 1) / kCell),
      owner_(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows_), 0) {}

void Coverage::Add(int id, const Box& box) {
  if (box.width <= 0 || box.height <= 0) return;
  added_.push_back({id, box});
  const int mark = static_cast<int>(added_.size());
  // Objects fill their boxes but for the corners: an ellipse somewhat larger than the inscribed
  // one.
  const double middle_x = box.x + box.width / 2;
  const double middle_y = box.y + box.height / 2;
  const int top = std::max(0, static_cast<int>(box.y / kCell));
  const int bottom = std::min(rows_ - 1, static_cast<int>((box.y + box.height) / kCell));
  for (int row = top; row <= bottom; ++row) {
    const double dy = ((row + 0.5) * kCell - middle_y) / (0.56 * box.height);
    if (dy * dy >= 1) continue;
    const double half = std::min(0.56 * box.width * std::sqrt(1 - dy * dy), box.width / 2);
    const int left = std::max(0, static_cast<int>(std::ceil((middle_x - half) / kCell - 0.5)));
    const int right =
        std::min(columns_ - 1, static_cast<int>(std::floor((middle_x + half) / kCell - 0.5)));
    for (int column = left; column <= right; ++column) {
      owner_[static_cast<std::size_t>(row * columns_ + column)] = mark;
    }
  }
}

std::vector<Coverage::Seen> Coverage::Visible() const {
  std::vector<int> cells(added_.size() + 1, 0);
  for (const int mark : owner_) ++cells[static_cast<std::size_t>(mark)];
  std::vector<Seen> seen;
  for (std::size_t i = 0; i < added_.size(); ++i) {
    const Box& box = added_[i].box;
    // The ellipse's area, cut at the box's sides, is nine tenths of the box's.
    const double whole = 0.9 * box.width * box.height / (kCell * kCell);
    Seen one;
    one.id = added_[i].id;
    one.visible = std::min(1.0, cells[i + 1] / std::max(whole, 1.0));
    const double left = std::max(0.0, box.x);
    const double top = std::max(0.0, box.y);
    one.box = {left, top, std::min<double>(width_, box.x + box.width) - left,
               std::min<double>(height_, box.y + box.height) - top};
    if (one.box.width > 0 && one.box.height > 0) seen.push_back(one);
  }
  return seen;
}

}  // namespace ekya::camera::scene
