#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"

// Labelled data sets: read from the layouts in which they are published into one value, so that who
// trains or plays them need not know the layout. docs/datasets.md shows each layout.
namespace ekya::datasets {

/// Where a frame's picture is. It is not decoded here.
struct Picture {
  std::filesystem::path file;     ///< A JPEG or PNG, a file that holds some, or a video.
  std::uint64_t offset = 0;       ///< Of the picture's first byte in the file.
  std::uint64_t bytes = 0;        ///< The picture's size; 0: the whole file.
  std::int64_t video_frame = -1;  ///< Counts a video's frames, from 0; -1: the file is no video.
};

/// One labelled frame of a data set.
struct LabelledFrame {
  double seconds = 0;  ///< When it was taken, on the layout's own scale.
  std::string time;    ///< What the layout says of that; may be empty.
  Picture picture;
  int width = 0;  ///< Of the picture, in pixels; 0: the layout does not say.
  int height = 0;
  /// All that is labelled. `truth` is an index into Dataset::classes; a box without width and
  /// height means the whole picture.
  std::vector<Region> regions;
};

/// What one camera of a data set has seen: a camera, a city, a segment, a place.
struct LabelledStream {
  std::string name;
  std::vector<LabelledFrame> frames;  ///< By time. At least one.
};

struct Dataset {
  std::vector<std::string> classes;
  std::vector<LabelledStream> streams;  ///< By name. At least one.
};

struct DatasetOptions {
  /// Streams to be read, as names with '*' and '?' for what may be anything; empty: all.
  std::vector<std::string> streams;
  /// Classes to be read, in the order that they are to have; objects of others are left out. Empty:
  /// all. For a layout that numbers its classes and does not name them (a samplelist without a file
  /// `classes.txt`): their names, from number 0.
  std::vector<std::string> classes;
};

/// Reads the data set at `path`, a file or a folder, whose layout is one of DatasetLayouts
/// (core/url.h). Labels are read as they are needed, and only they: files may be larger than the
/// memory. Errors (kInvalid, kNotFound) name the file, the line, key or record, what was found and
/// what was expected. No name in a data set leads out of its folder.
Result<Dataset> ReadDataset(const std::string& layout, const std::filesystem::path& path,
                            const DatasetOptions& options = {});

/// `streams` as one, in the order of their first frames' times, then names: each begins its usual
/// gap (1 s where it has none) after the last frame of the one before. At least one stream.
LabelledStream Join(std::vector<LabelledStream> streams);

/// When the stream's frames were taken, in seconds from its first.
std::vector<double> Times(const LabelledStream& stream);

/// The median of the gaps between `times`, which ascend; equal times count once. 0: there is no
/// gap.
double UsualGap(const std::vector<double>& times);

}  // namespace ekya::datasets
