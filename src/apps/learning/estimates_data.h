#pragma once

#include <string>
#include <vector>

#include "apps/learning/recording.h"
#include "apps/learning/streams.h"

namespace ekya::learning {

/// Three streams of one kind, and how they are recorded.
struct EstimatesData {
  std::string id;     ///< In figures and files: "parking_24".
  std::string title;  ///< For readers.
  std::vector<SampleStream> streams;
  RecordingSettings settings;
};

/// The data sets of the experiment; `data` is the folder of the public ones.
Result<std::vector<EstimatesData>> OpenEstimatesData(const std::filesystem::path& data,
                                                     std::uint64_t seed);

}  // namespace ekya::learning
