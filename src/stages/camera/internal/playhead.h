#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace ekya::camera {

/// Says which of a source's pictures shows at each of its frames: the latest whose time has come,
/// so that a gap keeps the former one. The last stays for the usual gap, and for one frame at
/// least.
class Playhead {
 public:
  struct Pace {
    double speed = 1;              ///< Scene seconds per second; above 0.
    double frames_per_second = 1;  ///< Above 0.
    bool loop = false;
    /// A picture also shows when its time comes within this part of a frame: for times that are
    /// not exact. 0 to 0.5.
    double slack = 0;
  };
  /// `times` are the pictures' in scene seconds, ascending from 0; at least one.
  Playhead(std::vector<double> times, const Pace& pace);

  /// The picture of frame `index`, from 0, which ascends from call to call; nothing after the end.
  std::optional<std::size_t> At(std::int64_t index);

 private:
  const std::vector<double> times_;
  const Pace pace_;
  double end_ = 0;  // of the last picture, in scene seconds
  std::size_t picture_ = 0;
};

}  // namespace ekya::camera
