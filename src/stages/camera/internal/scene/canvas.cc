#include "stages/camera/internal/scene/canvas.h"

#include "base/check.h"

namespace ekya::camera::scene {
namespace {

/// Most corners of a polygon: a flat polygon gains one when it is cut.
constexpr std::size_t kCorners = 64;

}  // namespace

Canvas::Canvas(int width, int height, const View& view)
    : width_(width),
      height_(height),
      view_(view),
      surface_(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height)),
      cairo_(cairo_create(surface_.get())) {
  EKYA_CHECK(cairo_status(cairo_.get()) == CAIRO_STATUS_SUCCESS, "no memory for a picture");
  cairo_set_antialias(cairo_.get(), CAIRO_ANTIALIAS_FAST);
  cairo_set_line_cap(cairo_.get(), CAIRO_LINE_CAP_ROUND);
  cairo_set_line_join(cairo_.get(), CAIRO_LINE_JOIN_ROUND);
}

void Canvas::Reach(double x, double y, double margin) {
  if (!measure_) return;
  extent_.left = std::min(extent_.left, x - margin);
  extent_.right = std::max(extent_.right, x + margin);
  extent_.top = std::min(extent_.top, y - margin);
  extent_.bottom = std::max(extent_.bottom, y + margin);
}

Box Canvas::extent() const {
  if (extent_.right < extent_.left) return {};
  return {extent_.left, extent_.top, extent_.right - extent_.left, extent_.bottom - extent_.top};
}

bool Canvas::Outline(std::span<const Vec3> corners, bool closed) {
  EKYA_CHECK(corners.size() < kCorners);
  // Cut off what is behind the camera (Sutherland and Hodgman 1974, one plane).
  std::array<Vec3, kCorners + 1> kept;
  std::array<double, kCorners + 1> depth;
  std::size_t count = 0;
  const auto keep = [&](Vec3 point, double at) {
    if (count < kept.size()) {
      kept[count] = point;
      depth[count++] = at;
    }
  };
  const std::size_t first = closed ? 0 : 1;
  if (!closed && view_.Depth(corners[0]) >= View::kNear) keep(corners[0], view_.Depth(corners[0]));
  for (std::size_t i = first; i < corners.size(); ++i) {
    const Vec3 from = corners[i == 0 ? corners.size() - 1 : i - 1];
    const Vec3 to = corners[i];
    const double from_depth = view_.Depth(from);
    const double to_depth = view_.Depth(to);
    if ((from_depth < View::kNear) != (to_depth < View::kNear)) {
      const double t = (View::kNear - from_depth) / (to_depth - from_depth);
      keep(from + t * (to - from), View::kNear);
    }
    if (to_depth >= View::kNear) keep(to, to_depth);
  }
  if (count < 2) return false;
  for (std::size_t i = 0; i < count; ++i) {
    // Cairo counts in 24.8 bits: far outside is outside.
    const double x = std::clamp(view_.X(kept[i], depth[i]), -1e5, 1e5);
    const double y = std::clamp(view_.Y(kept[i], depth[i]), -1e5, 1e5);
    if (i == 0) {
      cairo_move_to(cairo_.get(), x, y);
    } else {
      cairo_line_to(cairo_.get(), x, y);
    }
    Reach(x, y, 0);
  }
  if (closed) cairo_close_path(cairo_.get());
  return true;
}

void Canvas::Fill(std::span<const Vec3> corners, Rgb colour, double alpha) {
  if (!Outline(corners, true)) return;
  cairo_set_source_rgba(cairo_.get(), colour.r, colour.g, colour.b, alpha);
  cairo_fill(cairo_.get());
}

void Canvas::Stroke(std::span<const Vec3> points, double metres, Rgb colour, bool closed) {
  const double depth = std::max(view_.Depth(points[0]), View::kNear);
  const double width = view_.focal() * metres / depth;
  if (!Outline(points, closed)) return;
  // What is thinner than a pixel is fainter instead.
  cairo_set_source_rgba(cairo_.get(), colour.r, colour.g, colour.b, std::min(width / 0.9, 1.0));
  cairo_set_line_width(cairo_.get(), std::max(width, 0.9));
  cairo_stroke(cairo_.get());
}

void Canvas::Ball(Vec3 centre, double radius, Rgb colour, double alpha) {
  const double depth = view_.Depth(centre);
  if (depth < View::kNear) return;
  const double x = view_.X(centre, depth);
  const double y = view_.Y(centre, depth);
  const double pixels = std::max(view_.focal() * radius / depth, 0.5);
  cairo_new_path(cairo_.get());
  cairo_arc(cairo_.get(), x, y, pixels, 0, 2 * std::numbers::pi);
  cairo_set_source_rgba(cairo_.get(), colour.r, colour.g, colour.b, alpha);
  cairo_fill(cairo_.get());
  Reach(x, y, pixels);
}

std::uint8_t* Canvas::Pixels() {
  cairo_surface_flush(surface_.get());
  return cairo_image_surface_get_data(surface_.get());
}

void Canvas::Glow(double x, double y, double radius, Rgb light, double stretch) {
  const double tall = radius * stretch;
  const int left = std::max(0, static_cast<int>(std::ceil(x - radius)));
  const int right = std::min(width_ - 1, static_cast<int>(std::floor(x + radius)));
  const int top = std::max(0, static_cast<int>(std::ceil(y - tall)));
  const int bottom = std::min(height_ - 1, static_cast<int>(std::floor(y + tall)));
  if (left > right || top > bottom) return;
  std::uint8_t* pixels = Pixels();
  const float strength[3] = {static_cast<float>(255 * light.b), static_cast<float>(255 * light.g),
                             static_cast<float>(255 * light.r)};
  for (int row = top; row <= bottom; ++row) {
    const auto dy = static_cast<float>((row - y) / tall);
    std::uint8_t* pixel = pixels + static_cast<std::ptrdiff_t>(row) * stride() + 4L * left;
    for (int column = left; column <= right; ++column, pixel += 4) {
      const auto dx = static_cast<float>((column - x) / radius);
      const float inside = 1 - dx * dx - dy * dy;
      if (inside <= 0) continue;
      const float falloff = inside * inside * inside;
      for (int channel = 0; channel < 3; ++channel) {
        pixel[channel] = static_cast<std::uint8_t>(
            std::min(255.0F, static_cast<float>(pixel[channel]) + falloff * strength[channel]));
      }
    }
  }
  PixelsChanged();
}

}  // namespace ekya::camera::scene
