#include "core/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekya {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string JsonError(std::string_view text) {
  const auto node = ParseJson(text, "f.json");
  return node.ok() ? "no error" : node.error().message;
}

std::string YamlError(std::string_view text) {
  const auto node = ParseYaml(text, "f.yaml");
  return node.ok() ? "no error" : node.error().message;
}

/// The tree as one line, so that both formats compare.
std::string Flat(const Node& node) {
  std::string text;
  switch (node.kind) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kBool:
      return node.boolean ? "true" : "false";
    case Node::Kind::kNumber:
      return "#" + std::to_string(node.number);
    case Node::Kind::kString:
      return "'" + node.text + "'";
    case Node::Kind::kList:
      for (const Node& item : node.items) text += Flat(item) + " ";
      return "[" + text + "]";
    case Node::Kind::kMap:
      for (const auto& [key, value] : node.members) text += key + "=" + Flat(value) + " ";
      return "{" + text + "}";
  }
  return "?";
}

TEST(DocumentTest, BothFormatsGiveTheSameTree) {
  const auto json = ParseJson(
      R"({"a": 1, "b": [true, false, null, -2.5e3], "c": {"d": "text", "e": "1"}, "f": []})", "f");
  const auto yaml = ParseYaml(
      "a: 1\nb: [true, False, ~, -2.5e3]\nc:\n  d: text\n  e: \"1\"  # quoted\nf: []\n", "f");
  ASSERT_TRUE(json.ok()) << json.error().message;
  ASSERT_TRUE(yaml.ok()) << yaml.error().message;
  EXPECT_EQ(Flat(*json), Flat(*yaml));
  EXPECT_EQ(Flat(*json),
            "{a=#1.000000 b=[true false null #-2500.000000 ] c={d='text' e='1' } f=[] }");
}

TEST(DocumentTest, EveryValueKnowsItsLine) {
  const auto json = ParseJson("{\n \"a\":\n  1,\n\n \"b\":\n  [\n   2,\n   3]}", "f");
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->members[0].second.line, 3);
  EXPECT_EQ(json->members[1].second.line, 5);  // A list: where its key stands.
  EXPECT_EQ(json->members[1].second.items[1].line, 8);
  const auto yaml = ParseYaml("# comment\na: 1\nb:\n  - 2\n  - c: 3\n", "f");
  ASSERT_TRUE(yaml.ok());
  EXPECT_EQ(yaml->members[0].second.line, 2);
  EXPECT_EQ(yaml->members[1].second.line, 3);
  EXPECT_EQ(yaml->members[1].second.items[1].members[0].second.line, 5);
}

TEST(DocumentTest, YamlPlainScalarsFollowTheCoreSchema) {
  const auto kind = [](const std::string& scalar) {
    const auto node = ParseYaml("a: " + scalar, "f");
    return node.ok() ? node->members[0].second.kind : Node::Kind::kMap;
  };
  for (const char* number : {"0", "-1", "+1.5", ".5", "1.", "1e3", "0x1F", "0o17", "007"}) {
    EXPECT_EQ(kind(number), Node::Kind::kNumber) << number;
  }
  for (const char* text : {"yes", "off", "10m", "50GB", "10%", "1e", "inf", "nan", "-x", "0x",
                           "0xg", "1_000", "cpu:0", "'1'", "rtsp://a/b", "2015-07-03"}) {
    EXPECT_EQ(kind(text), Node::Kind::kString) << text;
  }
  EXPECT_EQ(kind("null"), Node::Kind::kNull);
  EXPECT_EQ(kind("TRUE"), Node::Kind::kBool);
  EXPECT_EQ(ParseYaml("a: -0x1", "f")->members[0].second.kind, Node::Kind::kString);
  EXPECT_EQ(ParseYaml("a: 0x1F", "f")->members[0].second.number, 31);
  EXPECT_EQ(ParseYaml("a: -1.5", "f")->members[0].second.number, -1.5);
}

TEST(DocumentTest, RefusesWhatIsNoText) {
  for (const auto& error : {JsonError(""), JsonError(" \n\t"), JsonError("\xef\xbb\xbf"),
                            YamlError(""), YamlError("\n\n"), YamlError("# only a comment\n")}) {
    EXPECT_THAT(error, HasSubstr("is empty"));
  }
  EXPECT_EQ(JsonError(std::string("{}\n\0", 4)),
            "f.json:2: found the byte 0x00, expected UTF-8 text");
  EXPECT_EQ(YamlError("a: \xff\xfe"), "f.yaml:1: found the byte 0xff, expected UTF-8 text");
  EXPECT_THAT(YamlError("\x7f"
                        "ELF\x02\x01\x01"),
              HasSubstr("0x02"));
  // Overlong forms, surrogates and characters past the last one are no UTF-8.
  for (const char* bytes :
       {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_THAT(JsonError("\"" + std::string(bytes) + "\""), HasSubstr("expected UTF-8 text"));
  }
  EXPECT_TRUE(ParseJson("\xef\xbb\xbf{\"stra\xc3\x9f"
                        "e\": \"\xf0\x9f\x98\x80\"}",
                        "f")
                  .ok());
}

TEST(DocumentTest, SaysWhereAHalfWrittenFileEnds) {
  EXPECT_EQ(JsonError("{\"streams\": [\n{\"id\": \"a\"},\n"),
            "f.json:3: streams[1]: the text ends inside the list that line 1 begins");
  EXPECT_EQ(JsonError("{\"a\": {\n\"b\": 1"),
            "f.json:2: a: the text ends inside the map that line 1 begins");
  EXPECT_THAT(JsonError("{\"a\": \"half"), StartsWith("f.json:1: a: the text ends inside the map"));
  EXPECT_THAT(JsonError("{} {}"), AllOf(StartsWith("f.json:1: not JSON: "), HasSubstr("root")));
  EXPECT_THAT(JsonError("{\"a\" 1}"), StartsWith("f.json:1: a: not JSON: missing a colon"));
  EXPECT_THAT(JsonError("{'a': 1}"), StartsWith("f.json:1: not JSON: "));
  EXPECT_THAT(JsonError("// no\n{}"), StartsWith("f.json:1: not JSON: "));
  EXPECT_THAT(YamlError("a: {b: [1, 2\n"), StartsWith("f.yaml:"));
  EXPECT_THAT(YamlError("a: \"half"), StartsWith("f.yaml:1: not YAML: "));
  EXPECT_THAT(YamlError("a:\n\t- b"), StartsWith("f.yaml:2: not YAML: "));
  EXPECT_THAT(YamlError("a: 1\n---\n[b, b: *x\n"), HasSubstr("second document"));
  EXPECT_THAT(YamlError("a: 1\n---\nb: 2\n"),
              AllOf(StartsWith("f.yaml:2: "), HasSubstr("second document")));
}

TEST(DocumentTest, RefusesNumbersThatNoDoubleHolds) {
  EXPECT_EQ(JsonError("{\"a\": [0,\n1e400]}"),
            "f.json:2: a[1]: found 1e400, expected a number that a double holds");
  EXPECT_THAT(JsonError("[-1" + std::string(400, '0') + "]"), HasSubstr("that a double holds"));
  for (const char* text : {"NaN", "Infinity", "-Infinity", "nan", "01", "+1", ".5", "1."}) {
    EXPECT_THAT(JsonError(text), HasSubstr("not JSON")) << text;
  }
  for (const char* text : {".nan", ".inf", "-.inf", "1e400"}) {
    EXPECT_EQ(YamlError(std::string("a: ") + text), std::string("f.yaml:1: a: found ") + text +
                                                        ", expected a number that a double holds");
  }
  EXPECT_EQ(ParseJson("1.7976931348623157e308", "f")->number, 1.7976931348623157e308);
  EXPECT_EQ(ParseJson("-5e-324", "f")->number, -5e-324);
}

TEST(DocumentTest, RefusesDuplicateKeysNulAndDepth) {
  EXPECT_EQ(JsonError("{\"s\": [{\"id\": 1,\n \"x\": 2,\n \"id\": 3}]}"),
            "f.json:3: s[0]: found the key \"id\" again, first on line 1");
  EXPECT_THAT(YamlError("a: 1\nb: 2\na: 3\n"), HasSubstr("the key \"a\" again, first on line 1"));
  EXPECT_THAT(JsonError(R"({"a": "x\u0000y"})"), HasSubstr("NUL"));
  EXPECT_THAT(JsonError(R"({"a\u0000": 1})"), HasSubstr("NUL"));
  EXPECT_THAT(JsonError(R"({"a": "x\ude00"})"), HasSubstr("surrogate"));
  EXPECT_THAT(JsonError(R"({"a\ude00": 1})"), HasSubstr("surrogate"));
  EXPECT_TRUE(ParseJson(std::string(64, '[') + std::string(64, ']'), "f").ok());
  EXPECT_THAT(JsonError(std::string(65, '[') + std::string(65, ']')), HasSubstr("64 levels"));
  EXPECT_THAT(JsonError(std::string(1'000'000, '[')), HasSubstr("64 levels"));
  EXPECT_THAT(YamlError(std::string(65, '[') + std::string(65, ']')), HasSubstr("64 levels"));
  EXPECT_NE(YamlError(std::string(100'000, '[')), "no error");
  EXPECT_NE(YamlError("a: " + std::string(100'000, '{')), "no error");
}

TEST(DocumentTest, RefusesYamlThatHidesStructure) {
  EXPECT_THAT(YamlError("a: &x 1\nb: *x\n"), HasSubstr("anchor"));
  EXPECT_THAT(YamlError("a: !!str 1\n"), HasSubstr("tag"));
  EXPECT_THAT(YamlError("a: !ruby/object {}\n"), HasSubstr("tag"));
  EXPECT_THAT(YamlError("[a, b]: 1\n"), HasSubstr("as a key"));
  EXPECT_THAT(YamlError("~: 1\n"), HasSubstr("empty key"));
}

TEST(DocumentTest, BoundsWhatATextMayHold) {
  std::string values = "[0";
  for (std::size_t i = 0; i < kMaxValues; ++i) values += ",0";
  EXPECT_THAT(JsonError(values + "]"), HasSubstr("more than 2000000 values"));
  EXPECT_THAT(YamlError("a: " + std::string(kMaxYamlBytes, 'x')),
              HasSubstr("bytes, expected at most"));
}

TEST(DocumentTest, DescriptionsAreShortAndOnOneLine) {
  Node node;
  node.kind = Node::Kind::kString;
  node.text = "a\nb" + std::string(1000, 'x');
  EXPECT_THAT(Describe(node), AllOf(StartsWith("\"a b"), HasSubstr("...")));
  EXPECT_LT(Describe(node).size(), 60U);
  for (const char* text : {"null", "true", "1.5", "[]", "{}", "[1]", "{\"a\": 1}"}) {
    EXPECT_FALSE(Describe(*ParseJson(text, "f")).empty());
  }
}

}  // namespace
}  // namespace ekya
