#pragma once

#include <cstdint>
#include <filesystem>

namespace ekya::live {

/// What `ekya profile` was asked for; see learning::TraceRequest.
struct ProfileRequest {
  std::filesystem::path dataset;
  std::filesystem::path out;  ///< The trace; OUT.parts beside it keeps what is done.
  int windows = 10;
  int samples = 400;
  bool plain = false;
  std::uint64_t seed = 0;
};

/// Records the trace; returns the exit status. SIGINT and SIGTERM end it after the training that
/// runs; the same call later goes on there.
int Profile(const ProfileRequest& request);

}  // namespace ekya::live
