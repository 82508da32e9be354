#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/result.h"
#include "core/frame.h"

// What libFuzzer calls, and what replay.cc calls with every file of the corpus.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace ekya::fuzz {

/// The name under which fuzzed texts are read.
inline constexpr char kFile[] = "fuzz";

/// An error of a reader must name the file.
inline int CheckError(const Error& error) {
  EKYA_CHECK(error.code == ErrorCode::kInvalid);
  EKYA_CHECK(error.message.starts_with(std::string(kFile) + ":"), error.message);
  return 0;
}

/// Labels must be of a class and have a box of some size.
inline void CheckRegions(const std::vector<Region>& regions, std::size_t classes) {
  for (const Region& region : regions) {
    EKYA_CHECK(!region.truth ||
               (*region.truth >= 0 && static_cast<std::size_t>(*region.truth) < classes));
    EKYA_CHECK(region.box.width > 0 && region.box.height > 0);
    EKYA_CHECK(region.box.x > -1e7 && region.box.x < 1e7);
    EKYA_CHECK(region.box.y > -1e7 && region.box.y < 1e7);
  }
}

/// Reads `data`. An error must name the file; a value must be written so that it reads back as
/// itself.
template <typename Read, typename Write>
int RoundTrip(const std::uint8_t* data, std::size_t size, Read read, Write write) {
  const auto value = read(std::string_view(reinterpret_cast<const char*>(data), size), kFile);
  if (!value.ok()) return CheckError(value.error());
  const std::string text = write(*value);
  const auto again = read(text, kFile);
  EKYA_CHECK(again.ok(), again.ok() ? "" : again.error().message);
  EKYA_CHECK(write(*again) == text, text);
  return 0;
}

}  // namespace ekya::fuzz
