#pragma once

#include <vector>

namespace ekya::learning {

/// One look at a process that runs for long.
struct SoakSample {
  double seconds = 0;  ///< Since the run's start.
  double rss_mib = 0;  ///< Resident memory.
  int descriptors = 0;
  int threads = 0;
  int swaps = 0;                  ///< So far.
  int streams = 0;                ///< Added and removed so far.
  std::vector<double> latencies;  ///< Seconds, of the frames since the look before.
};

/// What a run has after its last tenth that it had not in its first. The first tenth of the samples
/// is warm-up: the tenth after it is what the last is compared with.
struct Growth {
  double rss_mib = 0;            ///< Of the means.
  double descriptors = 0;        ///< Of the medians.
  double threads = 0;            ///< Of the medians.
  double latency_p99_ratio = 0;  ///< Last over first; 0 where either has no frame.
};

/// Needs at least ten samples; all zero with fewer.
Growth GrowthOf(const std::vector<SoakSample>& samples);

}  // namespace ekya::learning
