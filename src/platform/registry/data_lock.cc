#include "platform/registry/data_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <string>
#include <system_error>
#include <utility>

namespace ekya::registry {

Result<DataLock> DataLock::Take(const std::filesystem::path& data_dir) {
  std::error_code failed;
  std::filesystem::create_directories(data_dir, failed);
  const std::string file = (data_dir / "lock").string();
  const int handle = open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  if (handle >= 0 && flock(handle, LOCK_EX | LOCK_NB) != 0) {
    close(handle);
    return Error{ErrorCode::kUnavailable,
                 file + ": is held by another run: one data folder, one run"};
  }
  return DataLock(handle);
}

DataLock::DataLock(DataLock&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}

DataLock::~DataLock() {
  if (handle_ >= 0) close(handle_);
}

}  // namespace ekya::registry
