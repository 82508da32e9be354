#include "platform/datasets/waymo.h"

#include <sstream>

#include "fuzz/fuzz.h"
#include "platform/datasets/internal/tfrecord.h"

/// The text is read as one record, which its checksum would keep from the fuzzer, and as a file.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string content(reinterpret_cast<const char*>(data), size);
  const auto frame = ekya::datasets::ReadWaymoFrame(content);
  if (frame.ok()) {
    for (const auto& view : frame->views) {
      EKYA_CHECK(view.offset + view.bytes <= size);
      for (const auto* labels : {&view.drawn, &view.projected}) {
        if (*labels) ekya::fuzz::CheckRegions(**labels, ekya::datasets::WaymoClasses().size());
      }
    }
  } else {
    EKYA_CHECK(frame.error().message.starts_with("frame: "), frame.error().message);
  }
  std::istringstream file(content);
  ekya::datasets::TfRecordReader reader(file, ekya::fuzz::kFile);
  while (true) {
    const auto record = reader.Next();
    if (!record.ok()) return ekya::fuzz::CheckError(record.error());
    if (!*record) return 0;
    EKYA_CHECK(reader.offset() + (*record)->size() + 4 <= size);
  }
}
