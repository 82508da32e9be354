#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace ekya {
namespace {

Error FromErrno(const std::filesystem::path& path, const char* action) {
  const int code = errno;
  return {code == ENOENT ? ErrorCode::kNotFound : ErrorCode::kFailed,
          path.string() + ": cannot " + action + ": " + std::strerror(code)};
}

/// Closes on destruction.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status WriteAll(int fd, const std::filesystem::path& path, std::string_view content, bool lasting) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FromErrno(path, "write");
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (lasting && fsync(fd) != 0) return FromErrno(path, "write to disk");
  return {};
}

}  // namespace

Result<std::string> ReadFile(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return FromErrno(path, "open");
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return FromErrno(path, "stat");
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::kInvalid, path.string() + ": is not a regular file"};
  }
  if (static_cast<std::uint64_t>(status.st_size) > max_bytes) {
    return Error{ErrorCode::kInvalid, path.string() + ": has " + std::to_string(status.st_size) +
                                          " bytes, more than the " + std::to_string(max_bytes) +
                                          " accepted"};
  }
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = read(file.get(), content.data() + done, content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FromErrno(path, "read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  content.resize(done);
  return content;
}

Result<std::unique_ptr<std::istream>> OpenFile(const std::filesystem::path& path) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  // Before it is opened, which would wait at a pipe.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return Error{ErrorCode::kInvalid, path.string() + ": is not a regular file"};
  }
  auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*file) return FromErrno(path, "open");
  return std::unique_ptr<std::istream>(std::move(file));
}

namespace {

Status Replace(const std::filesystem::path& path, std::string_view content, bool lasting) {
  static std::atomic<std::uint64_t> counter{0};
  std::error_code code;
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::filesystem::create_directories(folder, code);
  if (code)
    return Error{ErrorCode::kFailed, folder.string() + ": cannot create: " + code.message()};

  const auto aside = folder / ("." + path.filename().string() + "." + std::to_string(getpid()) +
                               "." + std::to_string(counter++) + ".tmp");
  Status status;
  {
    const Descriptor file(open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (file.get() < 0) return FromErrno(aside, "create");
    status = WriteAll(file.get(), aside, content, lasting);
  }
  if (status.ok() && rename(aside.c_str(), path.c_str()) != 0) status = FromErrno(path, "replace");
  if (!status.ok()) {
    unlink(aside.c_str());
    return status;
  }
  if (lasting) SyncFolder(folder);
  return {};
}

}  // namespace

Status WriteFileAtomically(const std::filesystem::path& path, std::string_view content) {
  return Replace(path, content, /*lasting=*/true);
}

Status WriteFileForNow(const std::filesystem::path& path, std::string_view content) {
  return Replace(path, content, /*lasting=*/false);
}

void SyncFolder(const std::filesystem::path& folder) {
  const Descriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) fsync(directory.get());
}

}  // namespace ekya
