#pragma once

#include <string>

#include "base/result.h"
#include "core/trace.h"
#include "run/simulator/simulation.h"

namespace ekya::simulator {

/// Instead of retraining, an old model is served that was made for a window like this one (paper,
/// section 6.5). What "like" means are the paper's four criteria.
enum class Likeness {
  kClasses,   ///< Euclidean distance of the class mixes.
  kTime,      ///< Of day, around midnight.
  kObjects,   ///< Their number per frame.
  kLocation,  ///< Distance of the coordinates.
};

struct CacheOptions {
  Likeness by = Likeness::kClasses;
  int models = 50;  ///< Most models a stream keeps; the oldest goes first.
};

/// Whether `scheduler` is "cached" with or without options.
bool IsCached(const std::string& scheduler);

/// Reads "cached:by=time,models=20"; `by` is one of classes, time, objects, location. kInvalid
/// names the option.
Result<CacheOptions> ReadCacheOptions(const std::string& scheduler);

/// How unlike two windows are. kInvalid where one of them does not say what is asked, or their
/// lists differ in length.
Result<double> Unlikeness(Likeness by, const TracedWindow& a, const TracedWindow& b);

/// A run that never retrains: every window's best retraining joins its stream's cache for nothing
/// when the window ends, and each window serves the cached model of the window most like it (the
/// newest of equals). `selected` and `settings` as Simulate has completed them. kInvalid where the
/// trace does not say what is asked for, or what a model is worth in later windows.
Result<SimulationResult> SimulateCached(const Trace& selected, const SimulationSettings& settings);

}  // namespace ekya::simulator
