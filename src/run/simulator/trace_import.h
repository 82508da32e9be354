#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/trace.h"

namespace ekya::simulator {

struct ImportSettings {
  double window_seconds = 200;
  double full_share = 0.25;  ///< Of a device that analysing every frame of a stream takes.
  /// Part of a retraining's gain that is assumed to be left in each following window; 0: the trace
  /// gets no `later`, and nothing is carried over, as where every window was measured from the same
  /// base model. An assumption, not a measurement.
  double carry = 0;
};

/// Makes a trace of two tables of measured profiles (RFC 4180, a header line, further columns
/// ignored).
///
/// `retraining`: stream, window (from 1, without holes), configuration, epochs, accuracy_before,
/// accuracy_after, gpu_seconds, estimated_accuracy_after, estimated_gpu_seconds, profiling_seconds.
/// A configuration's id is "configuration/epochs"; a window's own accuracy is `accuracy_before` of
/// its first row (the rows of one window may have started from different base models). `inference`:
/// subsampling and one column of accuracy factors per camera; streams take the columns in turn.
/// Every n-th frame takes `full_share` / n of a device.
///
/// kInvalid names file, line, column, what was found and what was expected.
Result<Trace> ImportTrace(std::string_view retraining, const std::string& retraining_file,
                          std::string_view inference, const std::string& inference_file,
                          const ImportSettings& settings);

/// Makes a throughput curve of a table of retraining times: percent of a device in the first
/// column, seconds in the column `time`; a row without seconds is passed over. The last share must
/// be 100. Where a larger share took longer (measurements scatter), it is taken to be as fast as
/// the one before.
Result<std::vector<ThroughputPoint>> ImportThroughput(std::string_view text,
                                                      const std::string& file);

}  // namespace ekya::simulator
