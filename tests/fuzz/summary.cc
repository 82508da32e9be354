#include "apps/report/summary.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ekya::fuzz::RoundTrip(data, size, ekya::report::ReadSummary, ekya::report::WriteSummary);
}
