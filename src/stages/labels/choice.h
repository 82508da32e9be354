#pragma once

#include <cstddef>
#include <vector>

namespace ekya::labels {

/// What is known of a frame before it is labelled.
struct FrameNews {
  /// How unsure the served model was of it, 0..1.
  double uncertainty = 0.5;
  /// A few numbers by which pictures are compared; equally many of every frame.
  std::vector<float> look;
};

struct ChosenFrame {
  std::size_t frame = 0;
  /// Chosen by its time alone: what is measured on such frames holds for all frames.
  bool uniform = true;
};

/// Part of the labelled frames that is chosen by time alone, and measures.
inline constexpr double kUniformPart = 0.7;
/// Part of a window in which the others are chosen. What comes later is held out from training.
inline constexpr double kChosenUntil = 0.5;

/// At most `count` of `frames`, which are in order of time, in that order. kUniformPart of them are
/// spread evenly. The others, of the first kChosenUntil, are those of which the served model is
/// unsure and that look like no other chosen one, one after the other: uncertainty times the
/// distance to the nearest chosen look (the farthest-first choice of Gonzalez 1985, weighted).
/// Where `count` takes all frames, all are uniform.
std::vector<ChosenFrame> ChooseFrames(const std::vector<FrameNews>& frames, std::size_t count);

}  // namespace ekya::labels
