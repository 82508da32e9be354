#include "platform/datasets/cityscapes.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto polygons = ekya::datasets::ReadCityscapesPolygons(text, ekya::fuzz::kFile);
  if (!polygons.ok()) return ekya::fuzz::CheckError(polygons.error());
  ekya::fuzz::CheckRegions(polygons->regions, ekya::datasets::CityscapesClasses().size());
  return 0;
}
