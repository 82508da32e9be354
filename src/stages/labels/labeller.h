#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "core/site.h"
#include "platform/models/model.h"

namespace ekya::labels {

/// Says what frames show, for training and for measuring: from the data set's truth or by the
/// golden model, and never for more frames than the budget allows. Any thread: streams share one
/// labeller, and the golden model looks at one frame at a time.
class Labeller {
 public:
  struct Labels {
    std::size_t frame = 0;  ///< Index into the frames that were given.
    std::vector<Detection> objects;
  };

  virtual ~Labeller() = default;
  /// "truth" or "golden".
  virtual std::string source() const = 0;
  /// Labels at most `budget` x `seen` of `frames` (all kept frames of a window that had `seen`),
  /// spread evenly. `between` runs between two frames; false ends the work early with what there
  /// is. Frames that cannot be labelled (no truth for any region, no picture) do not count. A frame
  /// on which the golden model fails is left out with a warning; its error where it fails on all.
  virtual Result<std::vector<Labels>> Label(const std::vector<FramePtr>& frames, int seen,
                                            const std::function<bool()>& between) = 0;
};

/// `golden` is the opened model where settings say "model", else null. kInvalid names the key.
Result<std::unique_ptr<Labeller>> MakeLabeller(const GoldenSettings& settings,
                                               std::shared_ptr<models::Model> golden);

/// The crops of labelled frames as classification samples of `size` x `size` pixels, by time. An
/// object that is wholly outside of its picture gives none.
std::vector<Sample> MakeSamples(const std::vector<FramePtr>& frames,
                                const std::vector<Labeller::Labels>& labels, int size);

}  // namespace ekya::labels
