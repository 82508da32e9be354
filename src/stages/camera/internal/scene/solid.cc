#include "stages/camera/internal/scene/solid.h"

namespace ekya::camera::scene {
namespace {

/// Corners of each face, anticlockwise from outside, from its lower left.
constexpr int kQuads[5][4] = {
    {4, 5, 6, 7},  // top: from the back right
    {1, 2, 6, 5},  // front
    {3, 0, 4, 7},  // back
    {2, 3, 7, 6},  // left
    {0, 1, 5, 4},  // right
};

Vec3 Cross(Vec3 a, Vec3 b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

}  // namespace

Solid::Solid(const Place& place, const Block& block) {
  const double x0 = block.x0 + block.back_slope;
  const double x1 = block.x1 - block.front_slope;
  const double half = block.half - block.side_slope;
  corners_ = {place.Point(block.x0, -block.half, block.z0),
              place.Point(block.x1, -block.half, block.z0),
              place.Point(block.x1, block.half, block.z0),
              place.Point(block.x0, block.half, block.z0),
              place.Point(x0, -half, block.z1),
              place.Point(x1, -half, block.z1),
              place.Point(x1, half, block.z1),
              place.Point(x0, half, block.z1)};
  for (int face = 0; face < 5; ++face) {
    const int* quad = kQuads[face];
    const Vec3 normal =
        Cross(corners_[quad[1]] - corners_[quad[0]], corners_[quad[3]] - corners_[quad[0]]);
    normals_[face] = (1 / std::max(Length(normal), 1e-9)) * normal;
  }
}

std::array<Vec3, 4> Solid::Quad(Face face) const {
  const int* quad = kQuads[face];
  return {corners_[quad[0]], corners_[quad[1]], corners_[quad[2]], corners_[quad[3]]};
}

bool Solid::Faces(const Canvas& canvas, Face face) const {
  return Dot(normals_[face], canvas.view().eye() - corners_[kQuads[face][0]]) > 0;
}

void Solid::Paint(Canvas& canvas, const Light& light, Rgb colour) const {
  for (const Face face : {kFront, kBack, kLeft, kRight, kTop}) {
    if (!Faces(canvas, face)) continue;
    const auto quad = Quad(face);
    canvas.Fill(quad, light.Shade(colour, normals_[face], Length(quad[0] - canvas.view().eye())));
  }
}

std::array<Vec3, 4> Solid::Part(Face face, double u0, double v0, double u1, double v1) const {
  const auto quad = Quad(face);
  const auto at = [&quad](double u, double v) {
    const Vec3 low = quad[0] + u * (quad[1] - quad[0]);
    const Vec3 high = quad[3] + u * (quad[2] - quad[3]);
    return low + v * (high - low);
  };
  return {at(u0, v0), at(u1, v0), at(u1, v1), at(u0, v1)};
}

void Solid::PaintPart(Canvas& canvas, const Light& light, Face face, double u0, double v0,
                      double u1, double v1, Rgb colour) const {
  if (!Faces(canvas, face)) return;
  const auto part = Part(face, u0, v0, u1, v1);
  canvas.Fill(part, light.Shade(colour, normals_[face], Length(part[0] - canvas.view().eye())));
}

void Solid::PaintShining(Canvas& canvas, const Light& light, Face face, double u0, double v0,
                         double u1, double v1, Rgb colour) const {
  if (!Faces(canvas, face)) return;
  const auto part = Part(face, u0, v0, u1, v1);
  canvas.Fill(part, light.Through(colour, Length(part[0] - canvas.view().eye())));
}

std::vector<Vec3> Hull(std::vector<Vec3> points) {
  std::sort(points.begin(), points.end(),
            [](Vec3 a, Vec3 b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  const auto left_of = [](Vec3 o, Vec3 a, Vec3 b) {
    return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x) > 0;
  };
  std::vector<Vec3> hull;
  for (int pass = 0; pass < 2; ++pass) {
    const std::size_t start = hull.size();
    for (const Vec3 point : points) {
      while (hull.size() >= start + 2 && !left_of(hull[hull.size() - 2], hull.back(), point)) {
        hull.pop_back();
      }
      hull.push_back(point);
    }
    hull.pop_back();
    std::reverse(points.begin(), points.end());
  }
  return hull;
}

}  // namespace ekya::camera::scene
