#include <filesystem>
#include <sstream>

#include "fuzz/fuzz.h"
#include "platform/datasets/samplelist_rows.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream text(std::string(reinterpret_cast<const char*>(data), size));
  const auto rows = ekya::datasets::ReadSamplelistRows(text, ekya::fuzz::kFile);
  if (!rows.ok()) return ekya::fuzz::CheckError(rows.error());
  EKYA_CHECK(!rows->empty());
  for (const auto& row : *rows) {
    EKYA_CHECK(row.crop || (row.box.width >= 0 && row.box.height >= 0));
    EKYA_CHECK(row.frame >= 0 || !row.picture.empty());
    // No name leads out of the list's folder.
    for (const std::string& name : {row.picture, row.frame < 0 ? std::string() : row.camera}) {
      const auto path = std::filesystem::path(name).lexically_normal();
      EKYA_CHECK(path.is_relative() && !path.string().starts_with("../") && path != "..", name);
    }
  }
  return 0;
}
