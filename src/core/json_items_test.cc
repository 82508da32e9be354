#include "core/json_items.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "core/map_reader.h"

namespace ekya {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// What reading `text` for the lists "a" and "b", without the key "big", says: the items as
/// "key[index]@line:value", then the error.
std::vector<std::string> ReadText(const std::string& text) {
  std::vector<std::string> said;
  JsonItems items;
  items.lists = {"a", "b"};
  items.passed_over = {"big"};
  items.take = [&](const std::string& key, std::size_t index, const Node& item) -> Status {
    std::string value = Describe(item);
    if (item.kind == Node::Kind::kMap) {
      value = "";
      for (const auto& [name, member] : item.members) value += name + "=" + Describe(member) + ",";
    }
    said.push_back(fmt::format("{}[{}]@{}:{}", key, index, item.line, value));
    if (value == "\"stop\"") return Error{ErrorCode::kInvalid, "stopped"};
    return {};
  };
  std::istringstream stream(text);
  const Status status = ReadJsonItems(stream, "f.json", items);
  if (!status.ok()) said.push_back(status.error().message);
  return said;
}

TEST(JsonItemsTest, HandsOverTheItemsOfTheWantedLists) {
  EXPECT_THAT(ReadText("\xef\xbb\xbf{\"info\": {\"a\": [1, {}]},\n\"b\": [1,\n \"two\"],\n"
                       "\"a\": [{\"id\": 3, \"big\": [[1, {\"x\": 2}], 3], \"box\": [1, 2]}, []], "
                       "\"c\": [9]}"),
              ElementsAre("b[0]@2:1", "b[1]@3:\"two\"", "a[0]@4:id=3,box=a list of 2,",
                          "a[1]@4:an empty list"));
  EXPECT_THAT(ReadText("{}"), ElementsAre());
}

TEST(JsonItemsTest, OnlyTheItemsOwnKeysArePassedOver) {
  EXPECT_THAT(ReadText(R"({"a": [{"big": 1, "m": {"big": 2}}]})"), ElementsAre("a[0]@1:m=a map,"));
}

TEST(JsonItemsTest, ATextLargerThanAPieceKeepsItsLines) {
  std::string text = "{\"a\": [";
  for (int i = 0; i < 50'000; ++i) text += fmt::format("{},\n", i);
  const auto said = ReadText(text + "7.5]}");
  ASSERT_EQ(said.size(), 50'001U);
  EXPECT_EQ(said.back(), "a[50000]@50001:7.5");
}

TEST(JsonItemsTest, SaysWhatIsWrongAndWhere) {
  const auto last = [](const std::string& text) { return ReadText(text).back(); };
  EXPECT_EQ(last(""), "f.json: is empty");
  EXPECT_EQ(last(" \n "), "f.json: is empty");
  EXPECT_EQ(last("[1]"), "f.json:1: found a list, expected a map");
  EXPECT_EQ(last("3"), "f.json:1: found a number, expected a map");
  EXPECT_EQ(last("{\"a\":\n {}}"), "f.json:2: a: found a map, expected a list");
  EXPECT_EQ(last("{\"a\": \"x\"}"), "f.json:1: a: found a string, expected a list");
  EXPECT_EQ(last("{\"a\": [1], \"a\": []}"), "f.json:1: found the key \"a\" again");
  EXPECT_EQ(last("{\"a\": [1,\n {\"x\": 1"), "f.json:2: a[1]: the text ends too early");
  EXPECT_EQ(last("{\"c\": [1,"), "f.json:1: c: the text ends too early");
  EXPECT_EQ(last("{\"a\": [{\"x\": 1, \"x\": 2}]}"),
            "f.json:1: a[0]: found the key \"x\" again, first on line 1");
  EXPECT_EQ(last("{\"a\": [{\"x\": 1e999}]}"),
            "f.json:1: a[0]: not JSON: number too big to be stored in double");
  EXPECT_THAT(last("{\"a\": [NaN]}"), HasSubstr("f.json:1: a[0]: not JSON: invalid value"));
  EXPECT_THAT(last("{\"a\": [\"\xff\"]}"), HasSubstr("f.json:1: a[0]: not JSON: invalid encoding"));
  EXPECT_THAT(last("{} x"), HasSubstr("not JSON"));
  EXPECT_EQ(last(std::string("{\"a\": [1]}\0", 11)),
            "f.json:1: a: found the byte 0x00, expected UTF-8 text");
  EXPECT_EQ(last("{\"a\": [\"stop\", 2]}"), "stopped");
  const std::string deep(100, '[');
  EXPECT_THAT(last("{\"a\": " + deep), HasSubstr("levels"));
  EXPECT_THAT(last("{\"c\": " + deep), HasSubstr("levels"));
}

TEST(JsonItemsTest, AnItemReadsLikeAMap) {
  JsonItems items;
  items.lists = {"images"};
  Status read;
  items.take = [&](const std::string& key, std::size_t index, const Node& item) -> Status {
    MapReader map(item, "f.json", fmt::format("{}[{}]", key, index));
    int width = 0;
    map.Read("width", &width, AtLeast(1));
    return map.Finish();
  };
  std::istringstream stream("{\"images\": [{\"width\": 4},\n{\"width\": -1}]}");
  const Status status = ReadJsonItems(stream, "f.json", items);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message,
            "f.json:2: images[1].width: found -1, expected a whole number from 1 to 2147483647");
}

}  // namespace
}  // namespace ekya
