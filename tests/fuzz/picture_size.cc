#include "platform/datasets/internal/picture_size.h"

#include <sstream>

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream picture(std::string(reinterpret_cast<const char*>(data), size));
  const auto found = ekya::datasets::ReadPictureSize(picture);
  if (found.ok()) {
    EKYA_CHECK(found->width > 0 && found->height > 0);
  } else {
    EKYA_CHECK(found.error().message.starts_with("is "), found.error().message);
  }
  return 0;
}
