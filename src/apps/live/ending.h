#pragma once

#include <atomic>

#include "base/result.h"

namespace ekya::live {

// What a command's process ends with.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadConfiguration = 78;  ///< EX_CONFIG: nothing to start again for.
inline constexpr int kInterrupted = 130;

/// From now on SIGINT and SIGTERM ask the command to end, once; a second one ends the process.
void CatchSignals();
/// Whether one has come.
const std::atomic<bool>& Interrupted();

/// Tells the user of `error`; what the process ends with.
int Say(const Error& error);

}  // namespace ekya::live
