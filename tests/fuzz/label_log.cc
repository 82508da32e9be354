#include "platform/datasets/label_log.h"

#include <filesystem>

#include "base/log.h"
#include "fuzz/fuzz.h"

namespace {

std::string WriteAll(const std::vector<ekya::datasets::LoggedFrame>& frames) {
  std::string text;
  for (const auto& frame : frames) {
    const auto path = std::filesystem::path(frame.image).lexically_normal();
    EKYA_CHECK(path.is_relative() && !path.string().starts_with(".."), frame.image);
    for (const auto& object : frame.objects) {
      EKYA_CHECK(object.box.width >= 0 && object.box.height >= 0);
    }
    text += ekya::datasets::WriteLoggedFrame(frame);
  }
  return text;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ekya::SetLogLevel(ekya::LogLevel::kError);  // A half line is worth a warning, not thousands.
  return ekya::fuzz::RoundTrip(data, size, ekya::datasets::ReadLabelLog, WriteAll);
}
