#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "platform/resources/free_space.h"

namespace ekya::cli {

/// One thing that was looked at.
struct Finding {
  enum class State {
    kGood,
    kNote,     ///< It works, but less well than it might.
    kProblem,  ///< `ekya run` will not work, or not for long.
  };
  std::string what;  ///< "processors", "shares", ...
  State state = State::kGood;
  std::string text;  ///< For people: what was found, and what to do about it.
};
/// "good", "note", "problem".
const char* Name(Finding::State state);

/// Everything that `ekya run` needs of this box, looked at. `data_dir`: where the server keeps what
/// it keeps. `program`: this one's path, beside which ekya-live lies. `engine`: where scripts/setup
/// puts ONNX Runtime. Leaves nothing behind.
std::vector<Finding> Examine(const std::filesystem::path& data_dir,
                             const std::filesystem::path& program,
                             const std::filesystem::path& engine);

// What Examine makes of what it reads, one each.

/// `cpuinfo`: of /proc/cpuinfo; `usable`: processors that this process may use.
Finding ProcessorsFinding(std::string_view cpuinfo, int usable);
/// `meminfo`: of /proc/meminfo.
Finding MemoryFinding(std::string_view meminfo);
Finding DiskFinding(const std::filesystem::path& data_dir, const resources::DiskSpace& space);
/// Every version that serves, or that a roll-back leads to, read and checked.
Finding ModelsFinding(const std::filesystem::path& data_dir);

std::string FindingsText(const std::vector<Finding>& findings);
/// `ekya-doctor/1`.
std::string FindingsJson(const std::vector<Finding>& findings);

}  // namespace ekya::cli
