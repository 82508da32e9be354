#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "run/workers/workers.h"

namespace ekya::processes {

/// What every worker process of a run is told.
struct ProcessPlace {
  std::filesystem::path site_file;  ///< A copy of the site's text that nobody edits.
  std::string site_name;            ///< What relative paths in it are relative to.
  std::filesystem::path out;
  std::uint64_t seed = 0;
  std::string device = "cpu:0";  ///< The first of the site's: what kind of device workers use.
};

/// Workers as processes of this program, with sockets in a folder that is this user's alone and
/// goes with the workers. kFailed: the folder cannot be made.
Result<std::unique_ptr<workers::Workers>> MakeProcessWorkers(const ProcessPlace& place);

}  // namespace ekya::processes
