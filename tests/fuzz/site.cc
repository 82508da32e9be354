#include "core/site.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto site = ekya::ReadSite(text, ekya::fuzz::kFile);
  if (site.ok()) {
    EKYA_CHECK(!site->cameras.empty() && site->cameras.size() == site->camera_models.size());
    EKYA_CHECK(!site->compute.devices.empty() && site->compute.window_seconds > 0);
  } else {
    EKYA_CHECK(site.error().message.starts_with("fuzz:"), site.error().message);
  }
  return 0;
}
