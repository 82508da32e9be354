#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/learning/shares_measures.h"
#include "base/result.h"

namespace ekya::learning {

/// A training of the size of MakeShareWork's in a learning worker, a process of its own as in a
/// live run, whose share is sent to it. `enforcement`: as a site's compute.enforcement. Its site,
/// frames and weights are kept in `folder`. `batch_size`: samples of a minibatch.
Result<std::unique_ptr<EndlessTraining>> TrainInWorker(const std::string& enforcement,
                                                       const std::filesystem::path& folder,
                                                       int batch_size, std::uint64_t seed);

/// `changes` as for MeasureChanges, of a training whose minibatches are not seen: late_seconds is
/// by what it used in the half second after the order was given, which is some milliseconds of
/// chance where its minibatches are short; next_minibatch_seconds is 0.
Result<std::vector<ShareChange>> MeasureChangesFromOutside(
    EndlessTraining& training, std::vector<std::pair<double, double>> changes, std::uint64_t seed);

}  // namespace ekya::learning
