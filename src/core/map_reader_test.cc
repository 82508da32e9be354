#include "core/map_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekya {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class MapReaderTest : public ::testing::Test {
 protected:
  /// A reader over `json`, which stays alive.
  MapReader Over(std::string_view json) {
    node_ = *ParseJson(json, "f");
    return MapReader(node_, "f", "");
  }
  Node node_;
};

TEST_F(MapReaderTest, OtherMakersMaySayMore) {
  MapReader map = Over(R"({"i": 1, "more": 2, "absentt": 3})");
  int i = 0;
  map.Read("i", &i, AtLeast(0));
  map.IgnoreOthers();
  EXPECT_TRUE(map.Finish().ok());
  MapReader other = Over(R"({"ii": 1})");
  other.IgnoreOthers();
  other.Read("i", &i, AtLeast(0));
  EXPECT_THAT(other.Finish().error().message, HasSubstr("i: found nothing"));
}

TEST_F(MapReaderTest, ReadsEachKind) {
  MapReader map = Over(R"({"d": 0.5, "i": -3, "b": true, "s": "x", "e": "two", "l": ["a", "b"],
                           "n": [1, 2.5], "m": {}, "skipped": 1})");
  double d = 0;
  int i = 0;
  bool b = false;
  std::string s, e, absent = "kept";
  std::vector<std::string> l;
  std::vector<double> n;
  EXPECT_TRUE(map.Read("d", &d, kFraction));
  EXPECT_TRUE(map.Read("i", &i, AtLeast(-3)));
  EXPECT_TRUE(map.Read("b", &b));
  EXPECT_TRUE(map.Read("s", &s));
  EXPECT_TRUE(map.ReadOneOf("e", &e, {"one", "two"}));
  EXPECT_TRUE(map.ReadStrings("l", &l));
  EXPECT_TRUE(map.ReadNumbers("n", &n, Above(0)));
  EXPECT_NE(map.Map("m"), nullptr);
  EXPECT_FALSE(map.Optional().Read("absent", &absent));
  map.Ignore("skipped");
  const Status status = map.Finish();
  EXPECT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(d, 0.5);
  EXPECT_EQ(i, -3);
  EXPECT_TRUE(b);
  EXPECT_EQ(s + e + absent, "xtwokept");
  EXPECT_THAT(l, ElementsAre("a", "b"));
  EXPECT_THAT(n, ElementsAre(1, 2.5));
}

TEST_F(MapReaderTest, SaysWhatWasFoundAndExpected) {
  double d = 7;
  int i = 7;
  bool b = false;
  std::string s = "kept";
  std::vector<std::string> l;
  std::vector<double> n;
  const auto error = [&](std::string_view json, auto read) {
    MapReader map = Over(json);
    EXPECT_FALSE(read(map)) << json;
    return map.Finish().error().message;
  };
  EXPECT_EQ(error("{\n\"a\": 1.5}", [&](auto& m) { return m.Read("a", &d, kFraction); }),
            "f:2: a: found 1.5, expected a number from 0 to 1");
  EXPECT_EQ(error("{}", [&](auto& m) { return m.Read("a", &d, Above(0)); }),
            "f:1: a: found nothing, expected a number above 0");
  EXPECT_EQ(
      error(R"({"a": 0})",
            [&](auto& m) { return m.Read("a", &d, {.low = 0, .high = 2, .low_open = true}); }),
      "f:1: a: found 0, expected a number above 0 and at most 2");
  EXPECT_EQ(error(R"({"a": 1.5})", [&](auto& m) { return m.Read("a", &i, AtLeast(1)); }),
            "f:1: a: found 1.5, expected a whole number from 1 to 2147483647");
  EXPECT_EQ(error(R"({"a": 3e9})", [&](auto& m) { return m.Read("a", &i, AtLeast(1)); }),
            "f:1: a: found 3e9, expected a whole number from 1 to 2147483647");
  EXPECT_EQ(error(R"({"a": "true"})", [&](auto& m) { return m.Read("a", &b); }),
            "f:1: a: found \"true\", expected true or false");
  EXPECT_EQ(error(R"({"a": null})", [&](auto& m) { return m.Read("a", &s); }),
            "f:1: a: found null, expected a string");
  EXPECT_EQ(error(R"({"a": "c"})",
                  [&](auto& m) {
                    return m.ReadOneOf("a", &s, {"x", "y", "z"});
                  }),
            "f:1: a: found \"c\", expected \"x\", \"y\" or \"z\"");
  EXPECT_EQ(error(R"({"a": "c"})", [&](auto& m) { return m.ReadStrings("a", &l); }),
            "f:1: a: found \"c\", expected a list of strings");
  EXPECT_EQ(error(R"({"a": ["c", 1]})", [&](auto& m) { return m.ReadStrings("a", &l); }),
            "f:1: a[1]: found 1, expected a string");
  EXPECT_EQ(error(R"({"a": [1, -1]})", [&](auto& m) { return m.ReadNumbers("a", &n, AtLeast(0)); }),
            "f:1: a[1]: found -1, expected a number of at least 0");
  EXPECT_EQ(error(R"({"a": ""})", [&](auto& m) { return m.ReadId("a", &s); }),
            "f:1: a: found \"\", expected a name of 1 to 200 characters");
  EXPECT_EQ(error(R"({"a": [1, 2]})", [&](auto& m) { return m.List("a", 1) != nullptr; }),
            "f:1: a: found a list of 2, expected at most 1");
  EXPECT_EQ(error(R"({"a": []})", [&](auto& m) { return m.Map("a") != nullptr; }),
            "f:1: a: found an empty list, expected a map");
  EXPECT_EQ(error("[]", [&](auto& m) { return m.Read("a", &s); }),
            "f:1: found an empty list, expected a map");
  EXPECT_EQ(d, 7);
  EXPECT_EQ(i, 7);
  EXPECT_EQ(s, "kept");
}

TEST_F(MapReaderTest, NamesTheNearestKnownKey) {
  MapReader map = Over("{\"window\": 1,\n\"acuracy\": 2}");
  double value = 0;
  map.Read("window", &value, AtLeast(0));
  map.Optional().Read("accuracy", &value, AtLeast(0));
  map.Optional().Read("devices", &value, AtLeast(0));
  EXPECT_EQ(map.Finish().error().message,
            "f:2: unknown key \"acuracy\", the nearest known one is \"accuracy\"");
}

TEST_F(MapReaderTest, KeepsTheFirstError) {
  MapReader map = Over(R"({"a": 1, "b": 2, "c": 3})");
  std::string text;
  map.Read("a", &text);
  map.Read("b", &text);
  map.Merge(Error{ErrorCode::kInvalid, "another"});
  EXPECT_THAT(map.Finish().error().message, HasSubstr("f:1: a: "));
}

TEST(RangeTest, NothingContainsNan) {
  EXPECT_FALSE(Contains({}, std::numeric_limits<double>::quiet_NaN()));
  EXPECT_TRUE(Contains(kFraction, 0));
  EXPECT_TRUE(Contains(kFraction, 1));
  EXPECT_FALSE(Contains(Above(0), 0));
}

TEST(NearestTest, ByEditDistance) {
  EXPECT_EQ(Nearest("clases", {"url", "classes", "masks"}), "classes");
  EXPECT_EQ(Nearest("x", {}), "");
  EXPECT_EQ(Nearest(std::string(1'000'000, 'a'), {"b", "aa"}), "aa");
}

}  // namespace
}  // namespace ekya
