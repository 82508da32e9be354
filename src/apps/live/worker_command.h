#pragma once

#include <filesystem>
#include <string>

#include "run/processes/worker.h"

namespace ekya::live {

/// What a run tells a worker that it starts.
struct WorkerCommand {
  std::string kind;  ///< "stream" or "learning".
  std::filesystem::path site_file;
  std::string site_name;  ///< What relative paths in it are relative to.
  processes::WorkerRequest request;
};

/// Runs the worker until its parent ends it; the exit status.
int Work(const WorkerCommand& command);

}  // namespace ekya::live
