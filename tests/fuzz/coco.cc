#include "platform/datasets/coco.h"

#include <sstream>

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream text(std::string(reinterpret_cast<const char*>(data), size));
  const auto labels = ekya::datasets::ReadCocoLabels(text, ekya::fuzz::kFile);
  if (!labels.ok()) return ekya::fuzz::CheckError(labels.error());
  EKYA_CHECK(!labels->images.empty() && !labels->classes.empty());
  for (const auto& image : labels->images) {
    ekya::fuzz::CheckRegions(image.regions, labels->classes.size());
    EKYA_CHECK(image.video < static_cast<std::int64_t>(labels->videos.size()));
  }
  return 0;
}
