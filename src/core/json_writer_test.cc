#include "core/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "core/document.h"

namespace ekya {
namespace {

std::string OneLine(double number) {
  JsonWriter json(JsonWriter::Layout::kOneLine);
  json.Number(number);
  return json.Take();
}

TEST(JsonWriterTest, WritesEachKind) {
  JsonWriter json(JsonWriter::Layout::kOneLine);
  json.BeginMap().Key("a").Number(0.1).Key("b").BeginList().Integer(-7).Flag(true).Null().EndList();
  json.Key("c").Text("quote\" line\n \xc3\xa9").Key("d").Json("{\"x\":1}").EndMap();
  EXPECT_EQ(
      json.Take(),
      "{\"a\":0.1,\"b\":[-7,true,null],\"c\":\"quote\\\" line\\n \xc3\xa9\",\"d\":{\"x\":1}}\n");
}

TEST(JsonWriterTest, NumbersAreShortAndReadBackTheSame) {
  EXPECT_EQ(OneLine(200), "200\n");
  EXPECT_EQ(OneLine(0.738), "0.738\n");
  EXPECT_EQ(OneLine(std::nan("")), "null\n");
  EXPECT_EQ(OneLine(-std::numeric_limits<double>::infinity()), "null\n");
  Random random(1);
  for (int i = 0; i < 10'000; ++i) {
    const double number =
        std::ldexp(random.Uniform(-1, 1), static_cast<int>(random.Below(2000)) - 1050);
    EXPECT_EQ(ParseJson(OneLine(number), "f")->number, number) << OneLine(number);
  }
  for (const double number : {5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -0.0}) {
    const double back = ParseJson(OneLine(number), "f")->number;
    EXPECT_EQ(back, number);
    EXPECT_EQ(std::signbit(back), std::signbit(number));
  }
}

TEST(JsonWriterDeathTest, AnOpenMapIsABug) {
  EXPECT_DEATH(
      {
        JsonWriter json;
        json.BeginMap();
        json.Take();
      },
      "still open");
}

}  // namespace
}  // namespace ekya
