#include "platform/registry/data_lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

namespace ekya::registry {
namespace {

TEST(DataLock, OneFolderOneRun) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("ekya-data-lock-" + std::to_string(getpid())) / "deep";
  {
    auto first = DataLock::Take(folder);
    ASSERT_TRUE(first.ok()) << first.error().message;
    const DataLock held = std::move(*first);
    const auto second = DataLock::Take(folder);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
    EXPECT_NE(second.error().message.find((folder / "lock").string()), std::string::npos);
  }
  EXPECT_TRUE(DataLock::Take(folder).ok());
  std::filesystem::remove_all(folder.parent_path());
}

TEST(DataLock, AFolderThatCannotBeMadeIsNotHeldByAnybody) {
  EXPECT_TRUE(DataLock::Take("/dev/null/data").ok());
}

}  // namespace
}  // namespace ekya::registry
