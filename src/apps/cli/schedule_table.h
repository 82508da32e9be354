#pragma once

#include <string>

#include "core/schedule.h"

namespace ekya::cli {

/// `schedule` for people: its value and bound, its timeline as a table with a line per segment and
/// stream, and why each stream got what it got.
std::string ScheduleTable(const Schedule& schedule);

}  // namespace ekya::cli
