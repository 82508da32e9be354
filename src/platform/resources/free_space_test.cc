#include "platform/resources/free_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace ekya::resources {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

TEST(FreeSpaceTest, IsLowUntilThereIsEnough) {
  DiskSpace disk{1000, 10000};
  FreeSpace space([&] { return Result<DiskSpace>(disk); }, {100, 150});
  EXPECT_FALSE(space.Look());
  disk.free_bytes = 100;
  EXPECT_FALSE(space.Look());
  disk.free_bytes = 99;
  EXPECT_TRUE(space.Look());
  disk.free_bytes = 149;
  EXPECT_TRUE(space.Look()) << "a little more than low is not enough";
  disk.free_bytes = 150;
  EXPECT_FALSE(space.Look());
  disk.free_bytes = 120;
  EXPECT_FALSE(space.Look());
  EXPECT_EQ(space.space().free_bytes, 120);
}

TEST(FreeSpaceTest, ADiskThatCannotBeLookedAtStaysAsItWas) {
  Result<DiskSpace> answer = DiskSpace{10, 1000};
  FreeSpace space([&] { return answer; }, {100, 150});
  EXPECT_TRUE(space.Look());
  answer = Error{ErrorCode::kFailed, "gone"};
  EXPECT_TRUE(space.Look());
  EXPECT_TRUE(space.low());
}

TEST(FreeSpaceTest, MarksGrowWithTheDisk) {
  EXPECT_EQ(MarksFor(64 * kMiB).low_bytes, 16 * kMiB);
  EXPECT_EQ(MarksFor(10240 * kMiB).low_bytes, 512 * kMiB);
  EXPECT_EQ(MarksFor(4096 * 1024 * kMiB).low_bytes, 1024 * kMiB);
  EXPECT_EQ(MarksFor(64 * kMiB).enough_bytes, 24 * kMiB);
}

TEST(FreeSpaceTest, AFolderThatIsNotMadeYetHasADiskToo) {
  const auto folder = std::filesystem::temp_directory_path() / "ekya-none" / "of" / "these";
  const auto space = SpaceAt(folder);
  ASSERT_TRUE(space.ok()) << space.error().message;
  EXPECT_GT(space->total_bytes, 0);
  EXPECT_TRUE(FreeSpace::Of(folder).ok());
}

TEST(FreeSpaceTest, SeesARealDiskFillAndEmpty) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("ekya-free-space-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  if (::mount("ekya-test", folder.c_str(), "tmpfs", 0, "size=32m") != 0) {
    std::filesystem::remove_all(folder);
    GTEST_SKIP() << "no small disk can be mounted here: " << std::strerror(errno);
  }
  {
    auto space = FreeSpace::Of(folder);
    ASSERT_TRUE(space.ok());
    EXPECT_FALSE(space->Look());
    EXPECT_EQ(space->space().total_bytes, 32 * kMiB);
    std::ofstream(folder / "file") << std::string(20 * kMiB, 'x');
    EXPECT_TRUE(space->Look());
    EXPECT_LE(space->space().free_bytes, 12 * kMiB);
    std::filesystem::resize_file(folder / "file", 10 * kMiB);
    EXPECT_TRUE(space->Look());
    std::filesystem::remove(folder / "file");
    EXPECT_FALSE(space->Look());
  }
  ::umount(folder.c_str());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ekya::resources
