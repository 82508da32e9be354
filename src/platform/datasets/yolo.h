#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "platform/datasets/dataset.h"

namespace ekya::datasets {

/// Reads one picture's labels: a line per object, `class x y width height`, the box's middle and
/// size as parts of the picture's `width` and `height` in pixels. Classes are numbers below
/// `classes`.
Result<std::vector<Region>> ReadYoloLabels(std::istream& text, const std::string& file, int width,
                                           int height, std::size_t classes);

/// The layout "yolo": `path` is a folder, or a file `data.yaml` (or `.yml`) in it. Below it stand
/// `images/` and `labels/` with the same folders and names, the labels as .txt; a picture without
/// labels shows nothing. Classes are the `names` of data.yaml (a list, or a map from 0), or the
/// lines of `classes.txt`, `obj.names` or `labels/classes.txt`. Each folder of pictures is a
/// stream, named by its path below `images/` ("images" itself where they stand there), in the order
/// of the names, one a second. Other keys of data.yaml are not followed.
Result<Dataset> ReadYolo(const std::filesystem::path& path, const DatasetOptions& options);

/// The lines of a file of class names: from number 0, each once, none empty.
Result<std::vector<std::string>> ReadClassNames(std::istream& text, const std::string& file);

}  // namespace ekya::datasets
