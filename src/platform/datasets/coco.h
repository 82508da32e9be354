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

/// What a COCO annotation file says (https://cocodataset.org, "Data format").
struct CocoLabels {
  struct Image {
    std::int64_t id = 0;
    std::string file_name;
    int width = 0;
    int height = 0;
    std::int64_t video = -1;  ///< An index into `videos`; -1: of none.
    std::int64_t frame = -1;  ///< Its number in the video.
    int line = 0;
    std::vector<Region> regions;
  };
  /// Of COCO's cousins for video: images that belong together.
  struct Video {
    std::int64_t id = 0;
    std::string name;
    double frames_per_second = 0;  ///< 0: not said.
  };
  std::vector<std::string> classes;  ///< The categories' names in the order of their ids.
  std::vector<Video> videos;
  std::vector<Image> images;  ///< In the order of their ids.
};

/// Reads an annotation file item by item, whatever its size; its lists may come in any order.
/// Objects of `iscrowd` (regions of many) and without width or height are left out.
Result<CocoLabels> ReadCocoLabels(std::istream& text, const std::string& file);

/// The layout "coco": `path` is the annotation file. Pictures are looked for in its folder and
/// where COCO has them: beside the folder of annotations, in a folder named like the file's last
/// word (instances_val2017.json: val2017), in `images` and in `images/` that word. Images of a
/// video are its stream, at its rate (1 a second where none is said); others are one stream, named
/// after the file, in the order of their ids, one a second.
Result<Dataset> ReadCoco(const std::filesystem::path& path, const DatasetOptions& options);

}  // namespace ekya::datasets
