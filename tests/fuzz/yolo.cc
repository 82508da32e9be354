#include "platform/datasets/yolo.h"

#include <sstream>

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string content(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kClasses = 3;
  std::istringstream text(content);
  const auto labels = ekya::datasets::ReadYoloLabels(text, ekya::fuzz::kFile, 640, 480, kClasses);
  if (labels.ok()) {
    ekya::fuzz::CheckRegions(*labels, kClasses);
  } else {
    ekya::fuzz::CheckError(labels.error());
  }
  std::istringstream lines(content);
  const auto names = ekya::datasets::ReadClassNames(lines, ekya::fuzz::kFile);
  if (!names.ok()) return ekya::fuzz::CheckError(names.error());
  EKYA_CHECK(!names->empty());
  return 0;
}
