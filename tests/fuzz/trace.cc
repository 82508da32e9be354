#include "core/trace.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ekya::fuzz::RoundTrip(data, size, ekya::ReadTrace, ekya::WriteTrace);
}
