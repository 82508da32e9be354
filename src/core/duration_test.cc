#include "core/duration.h"

#include <gtest/gtest.h>

namespace ekya {
namespace {

TEST(DurationTest, ReadsEachUnit) {
  EXPECT_EQ(*ParseDuration("200"), 200);
  EXPECT_EQ(*ParseDuration("500ms"), 0.5);
  EXPECT_EQ(*ParseDuration("200s"), 200);
  EXPECT_EQ(*ParseDuration("10m"), 600);
  EXPECT_EQ(*ParseDuration("1.5h"), 5400);
  EXPECT_EQ(*ParseDuration("2d"), 172800);
}

TEST(DurationTest, RefusesEverythingElse) {
  for (const char* text :
       {"", "s", "-5s", "+5s", " 5s", "5 s", "5min", "1e3s", "inf", "nan", "0x5"}) {
    const auto seconds = ParseDuration(text);
    ASSERT_FALSE(seconds.ok()) << text;
    EXPECT_EQ(seconds.error().message,
              std::string("found \"") + text + "\", expected a duration such as 200s or 10m");
  }
  EXPECT_FALSE(ParseDuration(std::string(400, '9') + "s").ok());
}

}  // namespace
}  // namespace ekya
