#pragma once

#include <cairo.h>

#include <cstdint>
#include <memory>
#include <span>

#include "core/frame.h"
#include "stages/camera/internal/scene/geometry.h"

namespace ekya::camera::scene {

/// A picture that is painted in the scene's coordinates, as a view sees them. One thread.
class Canvas {
 public:
  Canvas(int width, int height, const View& view);

  int width() const { return width_; }
  int height() const { return height_; }
  const View& view() const { return view_; }
  void SetView(const View& view) { view_ = view; }
  cairo_t* cairo() { return cairo_.get(); }

  /// A flat polygon.
  void Fill(std::span<const Vec3> corners, Rgb colour, double alpha = 1);
  /// The outline of a polygon, or a line where it is not closed, `metres` thick.
  void Stroke(std::span<const Vec3> points, double metres, Rgb colour, bool closed = false);
  /// A ball.
  void Ball(Vec3 centre, double radius, Rgb colour, double alpha = 1);
  /// Adds light around a pixel, `radius` pixels wide at a `stretch` times that height.
  void Glow(double x, double y, double radius, Rgb light, double stretch = 1);

  /// From here on, notes how far what is painted reaches.
  void StartExtent() { extent_ = {}; }
  /// The smallest box around what was painted since StartExtent, glows left out.
  Box extent() const;
  /// Whether painting widens the extent; shadows do not.
  void MeasureExtent(bool measure) { measure_ = measure; }

  /// The pixels as Cairo has them: 4 bytes each, blue first. Finish painting before, and say when
  /// they were changed.
  std::uint8_t* Pixels();
  int stride() const { return cairo_image_surface_get_stride(surface_.get()); }
  void PixelsChanged() { cairo_surface_mark_dirty(surface_.get()); }

 private:
  struct Free {
    void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
    void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
  };
  struct Extent {
    double left = 1e9, top = 1e9, right = -1e9, bottom = -1e9;
  };

  /// The outline as Cairo's path; false where nothing is in front of the camera.
  bool Outline(std::span<const Vec3> corners, bool closed);
  void Reach(double x, double y, double margin);

  int width_;
  int height_;
  View view_;
  std::unique_ptr<cairo_surface_t, Free> surface_;
  std::unique_ptr<cairo_t, Free> cairo_;
  Extent extent_;
  bool measure_ = true;
};

}  // namespace ekya::camera::scene
