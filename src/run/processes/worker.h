#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "core/site.h"

namespace ekya::processes {

/// What a worker process is told on its command line.
struct WorkerRequest {
  bool learning = false;         ///< Else it serves a stream.
  std::string name;              ///< The stream's id, or the learning worker's name.
  std::filesystem::path socket;  ///< Where it listens: a Unix socket in a private folder.
  std::filesystem::path out;     ///< As LiveOptions::out.
  std::uint64_t seed = 0;
  int parent = 0;  ///< Process id: it dies with it; 0: it does not.
  /// For a worker of another host's run, instead of `socket`: "host:port", and the folder of its
  /// certificate (ReadTlsIdentity).
  std::string listen{};
  std::filesystem::path tls_folder{};
};

/// Runs a worker in this process until it is told to end, or its parent ends. kFailed: it cannot
/// listen.
Status RunWorker(const Site& site, const WorkerRequest& request);

}  // namespace ekya::processes
