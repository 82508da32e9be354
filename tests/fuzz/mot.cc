#include "platform/datasets/mot.h"

#include <filesystem>
#include <sstream>

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string content(reinterpret_cast<const char*>(data), size);
  constexpr int kFrames = 50;
  const std::size_t classes = ekya::datasets::MotClasses().size();
  std::istringstream text(content);
  const auto labels = ekya::datasets::ReadMotLabels(text, ekya::fuzz::kFile, kFrames, classes);
  if (labels.ok()) {
    for (const auto& regions : *labels) ekya::fuzz::CheckRegions(regions, classes);
  } else {
    ekya::fuzz::CheckError(labels.error());
  }
  std::istringstream info(content);
  const auto sequence = ekya::datasets::ReadMotSequence(info, ekya::fuzz::kFile);
  if (!sequence.ok()) return ekya::fuzz::CheckError(sequence.error());
  EKYA_CHECK(sequence->frames > 0 && sequence->frames_per_second > 0);
  const auto path = std::filesystem::path(sequence->pictures).lexically_normal();
  EKYA_CHECK(path.is_relative() && path != ".." && !path.string().starts_with("../"));
  return 0;
}
