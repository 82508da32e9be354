#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "core/site.h"
#include "platform/models/model.h"
#include "stages/labels/trust.h"

namespace ekya::labels {

/// Says what frames show, for training and for measuring: from the data set's truth or by the
/// golden model, and never for more frames than the budget allows. Any thread: streams share one
/// labeller, and the golden model looks at one frame at a time.
class Labeller {
 public:
  struct Labels {
    std::size_t frame = 0;  ///< Index into the frames that were given.
    std::vector<Detection> objects;
    /// Chosen by its time alone: accuracy measured on such frames holds for all.
    bool uniform = true;
  };
  struct Round {
    std::vector<Labels> labels;            ///< In the frames' order.
    std::vector<SecondLook> second_looks;  ///< Of a golden model, at some of these frames.
  };

  virtual ~Labeller() = default;
  /// "truth" or "golden".
  virtual std::string source() const = 0;
  /// Labels at most `budget` x `seen` of `frames` (all kept frames of a window that had `seen`), as
  /// ChooseFrames chooses them; a golden model spends an eighth of that on second looks.
  /// `uncertainty` of the served model, 0..1: one per frame. `between` runs between two frames;
  /// false ends the work early with what there is. Frames that cannot be labelled (no truth for any
  /// region, no picture) do not count. A frame on which the golden model fails is left out with a
  /// warning; its error where it fails on all.
  virtual Result<Round> Label(const std::vector<FramePtr>& frames,
                              const std::vector<double>& uncertainty, int seen,
                              const std::function<bool()>& between) = 0;
};

/// `golden` is the opened model where settings say "model", else null. kInvalid names the key.
Result<std::unique_ptr<Labeller>> MakeLabeller(const GoldenSettings& settings,
                                               std::shared_ptr<models::Model> golden);

/// How unsure a model was of what it found in a frame, 0..1: scores of 0 and 1 are sure. One half
/// where it found nothing, since nobody knows what it missed.
double UncertaintyOf(const std::vector<Detection>& results);

/// The crops of labelled frames as classification samples of `size` x `size` pixels, by time. An
/// object that is wholly outside of its picture gives none.
std::vector<Sample> MakeSamples(const std::vector<FramePtr>& frames,
                                const std::vector<Labeller::Labels>& labels, int size);
/// Labelled frames as whole pictures of `size` x `size` pixels, stretched, by time. Objects that
/// are wholly outside are left out, pictures without an object kept.
std::vector<LabelledPicture> MakePictures(const std::vector<FramePtr>& frames,
                                          const std::vector<Labeller::Labels>& labels, int size);

}  // namespace ekya::labels
