#pragma once

#include <string>

#include "base/result.h"

namespace ekya {

/// The seconds that a duration says: "200s", "10m", "1.5h", "500ms", "2d", or a plain number of
/// seconds. Never negative. kInvalid with a message for the place where the text stands.
Result<double> ParseDuration(const std::string& text);

}  // namespace ekya
