#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "platform/datasets/dataset.h"

namespace ekya::datasets {

/// What a sequence's `seqinfo.ini` says.
struct MotSequence {
  std::string pictures = "img1";  ///< Folder of the pictures, in the sequence's.
  std::string ending = ".jpg";    ///< Of the pictures' names.
  double frames_per_second = 0;
  int frames = 0;
  int width = 0;
  int height = 0;
};

/// Reads `seqinfo.ini`: the section [Sequence] with frameRate, seqLength, imWidth and imHeight, and
/// if need be imDir and imExt.
Result<MotSequence> ReadMotSequence(std::istream& text, const std::string& file);

/// The classes of the MOT benchmarks (MOT16, arXiv 1603.00831), from number 1.
const std::vector<std::string>& MotClasses();

/// Reads `gt.txt`: a line per object, `frame,id,left,top,width,height,considered,class,visibility`;
/// frames and pixels count from 1. Those with `considered` 0 are left out; a class of -1, or none
/// (of the first benchmark, whose last three columns are a place in the world), is the first. The
/// result has an element per frame of the sequence; truths are indices into `classes`.
Result<std::vector<std::vector<Region>>> ReadMotLabels(std::istream& text, const std::string& file,
                                                       int frames, std::size_t classes);

/// The layout "mot" (https://motchallenge.net): `path` is a sequence's folder with `seqinfo.ini`,
/// `gt/gt.txt` and the pictures img1/000001.jpg and so on, or a folder of such folders. A sequence
/// is a stream. `gt/labels.txt`, where it is, has the names of other classes.
Result<Dataset> ReadMot(const std::filesystem::path& path, const DatasetOptions& options);

}  // namespace ekya::datasets
