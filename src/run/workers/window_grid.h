#pragma once

#include <cmath>
#include <iterator>
#include <map>

namespace ekya::workers {

/// Which window a moment of the run belongs to: windows of equal length, one after another, but
/// where one began before its time.
class WindowGrid {
 public:
  /// Window `first` begins at second 0; what was before belongs to the windows before it.
  /// `seconds` > 0: of a window.
  WindowGrid(double seconds, int first) : seconds_(seconds) { begun_[0] = first; }

  /// Window `window` begins at `from`, later than the last that was said to begin; those after it
  /// follow in step.
  void Begin(int window, double from) {
    begun_[from] = window;
    // Nobody asks for what is long past.
    if (begun_.size() > kMostKept) begun_.erase(begun_.begin());
  }

  int WindowAt(double seconds) const {
    auto after = begun_.upper_bound(seconds);
    const auto [from, window] = after == begun_.begin() ? *after : *std::prev(after);
    const int number = window + static_cast<int>(std::floor((seconds - from) / seconds_));
    // A window that was cut short is followed by the next, however late that was said.
    return after == begun_.end() || number < after->second ? number : after->second - 1;
  }

  /// Of a window that began last or has not begun yet.
  double StartOf(int window) const {
    const auto [from, begun] = *begun_.rbegin();
    return from + (window - begun) * seconds_;
  }

 private:
  static constexpr std::size_t kMostKept = 16;

  double seconds_;
  std::map<double, int> begun_;  // windows by when they began, where that was said
};

}  // namespace ekya::workers
