#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ekya {

/// An 8-bit picture, RGB interleaved, rows from the top without padding: 3 * width * height bytes.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;

  bool empty() const { return pixels.empty(); }
};

/// A rectangle in pixels of its frame; may reach past the frame's edges.
struct Box {
  double x = 0;  ///< Left edge.
  double y = 0;  ///< Top edge.
  double width = 0;
  double height = 0;
};

/// Intersection over union, 0..1; 0 where either is empty.
double IntersectionOverUnion(const Box& a, const Box& b);

/// Where a classifier looks in a frame: a fixed region of the site (a parking slot) or one object.
struct Region {
  Box box;
  /// What the region shows, as an index into the stream's classes; absent where nobody knows.
  /// A truth never reaches training or selection but through a label source that says so.
  std::optional<int> truth;
  /// Stays the same while the region or object is followed; -1 where nothing is followed.
  std::int64_t track = -1;
};

/// What a model says of one place in a frame.
struct Detection {
  Box box;
  int class_index = 0;  ///< Index into the stream's classes.
  double score = 0;     ///< The model's confidence, 0..1.
};

/// One picture of a camera. Shared read-only between the stages that need it.
struct Frame {
  std::int64_t index = 0;   ///< Counts every frame of the stream at its native rate, from 0.
  double time_seconds = 0;  ///< On the run's clock, since the camera's start: when it was taken.
  std::string source_time;  ///< When the scene was, as the source says it; may be empty.
  Image image;
  /// Where to classify. Empty for detection, and for a classification frame that shows nothing.
  std::vector<Region> regions;
};

using FramePtr = std::shared_ptr<const Frame>;

/// One labelled picture of one class: what a classifier trains and is measured on.
struct Sample {
  Image image;              ///< The region's crop, not yet resized to a model's input.
  int label = 0;            ///< Index into the stream's classes.
  double time_seconds = 0;  ///< When its frame was taken.
};

/// One labelled picture with the objects it shows: what a detector trains and is measured on.
struct LabelledPicture {
  Image image;
  std::vector<Detection> objects;  ///< In pixels of `image`; classes of the model.
  double time_seconds = 0;         ///< When its frame was taken.
};

}  // namespace ekya
