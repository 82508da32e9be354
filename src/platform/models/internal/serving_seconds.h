#pragma once

#include "platform/models/model.h"

namespace ekya::models::internal {

/// Processor seconds that `model` takes for a frame of one region, `side` x `side` pixels: the
/// least of a few, since the first also prepares the engine. Infinite where it fails.
double SecondsOf(Model& model, int side);

}  // namespace ekya::models::internal
