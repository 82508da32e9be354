#include "platform/datasets/manifest.h"

#include <algorithm>

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // The first line, if it begins with '#', is the selection.
  std::string select;
  std::string_view rest = text;
  if (text.starts_with('#')) {
    const auto end = std::min(text.find('\n'), text.size());
    select = text.substr(1, end - 1);
    rest.remove_prefix(std::min(end + 1, text.size()));
  }
  const auto manifest = ekya::datasets::ReadManifest(rest, ekya::fuzz::kFile, select);
  if (!manifest.ok()) return ekya::fuzz::CheckError(manifest.error());
  EKYA_CHECK(!manifest->rows.empty());
  return 0;
}
