#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace ekya {
namespace {

using ::testing::HasSubstr;

class FileTest : public ::testing::Test {
 protected:
  FileTest() { std::filesystem::create_directories(folder_); }
  ~FileTest() override { std::filesystem::remove_all(folder_); }

  std::ptrdiff_t FilesInFolder() const {
    return std::distance(std::filesystem::directory_iterator(folder_),
                         std::filesystem::directory_iterator());
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("ekya_file_test_" + std::to_string(getpid()));
};

TEST_F(FileTest, ReadsWhatWasWritten) {
  const auto path = folder_ / "new" / "folder" / "file";
  std::string content(100'000, '\0');
  content += "end";
  ASSERT_TRUE(WriteFileAtomically(path, content).ok());
  EXPECT_EQ(*ReadFile(path), content);
  ASSERT_TRUE(WriteFileAtomically(path, "").ok());
  EXPECT_EQ(*ReadFile(path), "");
}

TEST_F(FileTest, ReplacesAndLeavesNothingBehind) {
  const auto path = folder_ / "file";
  ASSERT_TRUE(WriteFileAtomically(path, "old").ok());
  ASSERT_TRUE(WriteFileAtomically(path, "new").ok());
  EXPECT_EQ(*ReadFile(path), "new");
  EXPECT_EQ(FilesInFolder(), 1);
}

TEST_F(FileTest, AFailedWriteKeepsTheOldFile) {
  const auto path = folder_ / "file";
  ASSERT_TRUE(WriteFileAtomically(path, "old").ok());
  // A folder cannot be replaced by a file: the last step fails, when all is written.
  std::filesystem::create_directories(folder_ / "taken" / "inner");
  const Status status = WriteFileAtomically(folder_ / "taken", "new");
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("taken"));
  EXPECT_EQ(FilesInFolder(), 2);  // No temporary file.
  const Status below = WriteFileAtomically(path / "below", "new");
  ASSERT_FALSE(below.ok());
  EXPECT_EQ(*ReadFile(path), "old");
}

TEST_F(FileTest, RefusesWhatIsNoFile) {
  EXPECT_EQ(ReadFile(folder_ / "absent").error().code, ErrorCode::kNotFound);
  EXPECT_THAT(ReadFile(folder_ / "absent").error().message, HasSubstr("absent: cannot open: No"));
  EXPECT_THAT(ReadFile(folder_).error().message, HasSubstr("is not a regular file"));
  EXPECT_THAT(ReadFile("/dev/zero").error().message, HasSubstr("is not a regular file"));
  ASSERT_TRUE(WriteFileAtomically(folder_ / "large", "12345").ok());
  EXPECT_THAT(ReadFile(folder_ / "large", 4).error().message, HasSubstr("has 5 bytes, more than"));
  EXPECT_TRUE(ReadFile(folder_ / "large", 5).ok());
}

TEST_F(FileTest, AFileIsReadPieceByPiece) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "pieces", "one two").ok());
  const auto file = OpenFile(folder_ / "pieces");
  ASSERT_TRUE(file.ok()) << file.error().message;
  std::string word;
  **file >> word;
  EXPECT_EQ(word, "one");
  EXPECT_EQ(OpenFile(folder_ / "absent").error().code, ErrorCode::kNotFound);
  EXPECT_THAT(OpenFile(folder_ / "absent").error().message, HasSubstr("absent: cannot open: No"));
  EXPECT_THAT(OpenFile(folder_).error().message, HasSubstr("is not a regular file"));
}

}  // namespace
}  // namespace ekya
