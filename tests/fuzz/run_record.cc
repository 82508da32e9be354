#include "apps/report/run_record_file.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return ekya::fuzz::RoundTrip(data, size, ekya::report::ReadRunRecord,
                               ekya::report::WriteRunRecord);
}
