#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "platform/datasets/dataset.h"

namespace ekya::datasets {

/// What is expected of a box's numbers.
inline constexpr char kBoxExpected[] =
    "a width and height of at least 0 and finite numbers within a million pixels";

/// Whether `box` is what kBoxExpected says. One without width or height is a box, but nothing to
/// see.
bool IsBox(const Box& box);
inline bool IsEmpty(const Box& box) { return box.width == 0 || box.height == 0; }

/// Gathers what a reader finds into a Dataset. One thread.
class DatasetBuilder {
 public:
  explicit DatasetBuilder(const DatasetOptions& options) : options_(options) {}

  /// Whether the stream `name` is to be read. Every stream's name is to be asked for, also where
  /// the answer spares its reading: errors tell what there is.
  bool Wants(const std::string& name);
  /// Adds a frame, whose truths are indices into the layout's own classes, to a stream that is
  /// wanted. An error where the data set has more than memory is there for.
  Status Add(const std::string& stream, LabelledFrame frame);

  /// The data set. `classes` are the layout's own; `source` is for the messages, as are
  /// errors of options that fit nothing.
  Result<Dataset> Finish(const std::string& source, const std::vector<std::string>& classes);

 private:
  static constexpr std::size_t kMostRegions = 50'000'000;
  static constexpr std::size_t kMostFrames = 20'000'000;

  Status TakeClasses(const std::string& source, const std::vector<std::string>& classes,
                     Dataset* dataset) const;

  const DatasetOptions& options_;
  std::map<std::string, bool> wanted_;  // every stream's name
  std::map<std::string, LabelledStream> streams_;
  std::size_t frames_ = 0;
  std::size_t regions_ = 0;
};

}  // namespace ekya::datasets
