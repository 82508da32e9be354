#pragma once

#include <filesystem>

#include "base/result.h"

namespace ekya::registry {

/// Keeps other runs out of a data folder for as long as it lives; a process that dies lets go.
class DataLock {
 public:
  /// Makes the folder where it is missing. kUnavailable: another run holds it. A folder that cannot
  /// be written is no error: what would be kept there says so.
  static Result<DataLock> Take(const std::filesystem::path& data_dir);
  DataLock(DataLock&& other) noexcept;
  DataLock& operator=(DataLock&&) = delete;
  ~DataLock();

 private:
  explicit DataLock(int handle) : handle_(handle) {}

  int handle_;
};

}  // namespace ekya::registry
