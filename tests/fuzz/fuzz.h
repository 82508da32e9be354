#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/result.h"

// What libFuzzer calls, and what replay.cc calls with every file of the corpus.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace ekya::fuzz {

/// The name under which fuzzed texts are read.
inline constexpr char kFile[] = "fuzz";

/// Reads `data`. An error must name the file; a value must be written so that it reads back as
/// itself.
template <typename Read, typename Write>
int RoundTrip(const std::uint8_t* data, std::size_t size, Read read, Write write) {
  const auto value = read(std::string_view(reinterpret_cast<const char*>(data), size), kFile);
  if (!value.ok()) {
    EKYA_CHECK(value.error().code == ErrorCode::kInvalid);
    EKYA_CHECK(value.error().message.starts_with(std::string(kFile) + ":"), value.error().message);
    return 0;
  }
  const std::string text = write(*value);
  const auto again = read(text, kFile);
  EKYA_CHECK(again.ok(), again.ok() ? "" : again.error().message);
  EKYA_CHECK(write(*again) == text, text);
  return 0;
}

}  // namespace ekya::fuzz
