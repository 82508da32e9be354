#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "platform/datasets/dataset.h"

namespace ekya::datasets {

/// What one frame of the Waymo Open Dataset says of its cameras (dataset.proto and label.proto of
/// waymo-research/waymo-open-dataset); lasers and maps are passed over.
struct WaymoFrame {
  /// One camera's picture and labels.
  struct View {
    int camera = 0;            ///< An index into WaymoCameras.
    std::uint64_t offset = 0;  ///< Of the picture, a JPEG, in the record.
    std::uint64_t bytes = 0;   ///< 0: there is no picture.
    /// What people drew into the picture, and where the lasers' objects appear in it; nothing where
    /// the picture was not labelled so. Truths are indices into WaymoClasses, absent where the type
    /// is unknown.
    std::optional<std::vector<Region>> drawn;
    std::optional<std::vector<Region>> projected;
  };
  std::string segment;
  std::string location;   ///< Such as "location_sf"; empty where it is not said.
  std::string condition;  ///< Such as "Day sunny".
  std::int64_t microseconds = 0;
  std::vector<View> views;  ///< By camera.
};

/// "UNKNOWN", "FRONT", ... by their number.
const std::vector<std::string>& WaymoCameras();
/// "vehicle", "pedestrian", "sign", "cyclist": the label types from 1.
const std::vector<std::string>& WaymoClasses();

/// Reads one record of a file: a message of the type Frame.
Result<WaymoFrame> ReadWaymoFrame(std::string_view record);

/// The layout "waymo" (https://waymo.com/open, the perception data set): `path` is a .tfrecord file
/// or a folder of them, uncompressed. Each camera of a segment is a stream,
/// "LOCATION/SEGMENT/FRONT". Labels are those that people drew into the pictures or, in a file
/// without any, those projected from the lasers (which the paper takes); pictures without labels
/// are left out. The pictures stay where they are.
Result<Dataset> ReadWaymo(const std::filesystem::path& path, const DatasetOptions& options);

}  // namespace ekya::datasets
