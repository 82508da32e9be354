#pragma once

#include <array>

namespace ekya::profile {

/// What trainings still bring from some part of their way to their end, learned from those that
/// have ended: what a running one's last epoch says of where it will get to. Under a learning rate
/// that first rises and then falls the accuracy half way says little, and this knows how little.
/// One thread.
class Course {
 public:
  /// A training that had `part` of its epochs behind it (0..1) then gained `gain` until its end.
  /// Passed over where one of them is not finite.
  void Learn(double part, double gain);

  struct Rest {
    double gain = 0;    ///< Mean of what is still gained.
    double spread = 0;  ///< Its standard deviation.
  };
  /// Of a training with `part` of its epochs behind it.
  Rest After(double part) const;

 private:
  struct Gains {
    double sum = 0;
    double squares = 0;
    double weight = 0;
  };
  std::array<Gains, 4> quarters_;
};

}  // namespace ekya::profile
