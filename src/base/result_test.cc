#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace ekya {
namespace {

Result<int> Half(int number) {
  if (number % 2 != 0) return Error{ErrorCode::kInvalid, "odd"};
  return number / 2;
}

Result<int> Quarter(int number) {
  EKYA_ASSIGN(const int half, Half(number));
  EKYA_ASSIGN(const int quarter, Half(half));
  return quarter;
}

Status MustBeEven(int number) {
  EKYA_RETURN_IF_ERROR(Half(number));
  return {};
}

TEST(ResultTest, HoldsAValueOrAnError) {
  EXPECT_EQ(*Half(4), 2);
  EXPECT_FALSE(Half(3).ok());
  EXPECT_EQ(Half(3).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).error().message, "odd");
  EXPECT_TRUE(MustBeEven(2).ok());
  EXPECT_EQ(MustBeEven(1).error().message, "odd");
}

TEST(ResultTest, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
}

TEST(ResultTest, ErrorsGainContext) {
  const Error error = Error{ErrorCode::kNotFound, "no frame"}.Within("lobby");
  EXPECT_EQ(error.message, "lobby: no frame");
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
}

TEST(ResultDeathTest, ReadingAnAbsentValueIsABug) { EXPECT_DEATH(*Half(3), "result.h:.*bug.*odd"); }

TEST(CheckDeathTest, SaysWhereAndWhy) {
  EKYA_CHECK(1 + 1 == 2);
  EXPECT_DEATH(EKYA_CHECK(1 + 1 == 3, "sums"), "result_test.cc:[0-9]+: bug: 1 \\+ 1 == 3.*: sums");
}

}  // namespace
}  // namespace ekya
