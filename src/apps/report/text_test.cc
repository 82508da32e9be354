#include "apps/report/text.h"

#include <gtest/gtest.h>

namespace ekya::report {
namespace {

constexpr char kMark[] = "\xEF\xBF\xBD";  // U+FFFD

TEST(ValidUtf8, KeepsWhatIsValid) {
  const std::string text = "straße 東京 🚗 \n";
  EXPECT_EQ(ValidUtf8(text), text);
  EXPECT_EQ(ValidUtf8(""), "");
}

TEST(ValidUtf8, ReplacesWhatIsNot) {
  EXPECT_EQ(ValidUtf8("a\xFF"
                      "b"),
            std::string("a") + kMark + "b");
  EXPECT_EQ(ValidUtf8("\xC0\xAF"), std::string(kMark) + kMark);              // Overlong "/".
  EXPECT_EQ(ValidUtf8("\xED\xA0\x80"), std::string(kMark) + kMark + kMark);  // A surrogate.
  EXPECT_EQ(ValidUtf8("\xE6\x9D"), std::string(kMark) + kMark);              // Cut in the middle.
  EXPECT_EQ(ValidUtf8("\xF4\x90\x80\x80").size(), 12u);                      // Past U+10FFFF.
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(DisplayWidth("gate"), 4);
  EXPECT_EQ(DisplayWidth("東京"), 4);
  EXPECT_EQ(DisplayWidth("e\xCC\x81"), 1);  // e and a combining acute accent.
  EXPECT_EQ(DisplayWidth("🚗"), 2);
}

TEST(CutToWidth, EndsInAnEllipsisWithinTheWidth) {
  EXPECT_EQ(CutToWidth("gate", 4), "gate");
  EXPECT_EQ(CutToWidth("gateway", 4), "gat…");
  EXPECT_EQ(CutToWidth("東京駅", 4), "東…");
  EXPECT_EQ(CutToWidth("gate", 1), "…");
  EXPECT_EQ(CutToWidth("gate", 0), "");
  EXPECT_EQ(CutToWidth("gate", -3), "");
}

TEST(PrintableText, LeavesNothingForATerminalToObey) {
  EXPECT_EQ(PrintableText("\x1b[2Jlobby\r\n"), "?[2Jlobby??");
  EXPECT_EQ(PrintableText("a\xE2\x80\xAE"
                          "b"),
            "a?b");  // Right-to-left override.
  EXPECT_EQ(PrintableText("\xC2\x9B"
                          "31m"),
            "?31m");  // A control character of two bytes.
}

}  // namespace
}  // namespace ekya::report
