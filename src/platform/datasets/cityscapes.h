#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "platform/datasets/dataset.h"

namespace ekya::datasets {

/// One picture's objects.
struct CityscapesPolygons {
  int width = 0;
  int height = 0;
  std::vector<Region> regions;  ///< Truths are indices into CityscapesClasses.
};

/// What is taken as objects: the six classes that the paper uses in its order, then rider and
/// train. Scenery, groups that nobody told apart and what is out of sight are left out.
const std::vector<std::string>& CityscapesClasses();

/// Reads a file `*_polygons.json`. A box is the rectangle around a polygon. A label that Cityscapes
/// does not have is an error.
Result<CityscapesPolygons> ReadCityscapesPolygons(std::string_view text, const std::string& file);

/// The layout "cityscapes" (https://www.cityscapes-dataset.com): `path` is the folder of
/// `leftImg8bit/` and of `gtFine/` (or `gtCoarse/`). A city is a stream; the split "test", whose
/// labels are empty, is left out. Cityscapes says no times: snippets of 30 frames at 17 a second
/// follow one another by their numbers, frames within a sequence by theirs.
Result<Dataset> ReadCityscapes(const std::filesystem::path& path, const DatasetOptions& options);

}  // namespace ekya::datasets
