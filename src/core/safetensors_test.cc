#include "core/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/random.h"

namespace ekya {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string WithHeader(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string content(8, '\0');
  std::memcpy(content.data(), &length, 8);
  return content + header + data;
}

std::string Refusal(const std::string& content) {
  const auto parsed = ParseSafetensors(content, "w.safetensors");
  if (parsed.ok()) return "parsed";
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(parsed.error().message, HasSubstr("w.safetensors"));
  return parsed.error().message;
}

TensorFile Sample() {
  const std::vector<float> weights = {1.5F, -2, 3, 4, 5, 6};
  const std::vector<std::int64_t> count = {42};
  const std::vector<std::uint8_t> pixels = {1, 2, 3};
  TensorFile file;
  file.metadata = {{"format", "pt"}, {"quote", "a \"b\"\n\\c"}};
  file.tensors["fc.weight"] = StoreTensor(std::span<const float>(weights), {2, 3});
  file.tensors["bn.count"] = StoreTensor(std::span<const std::int64_t>(count), {});
  file.tensors["pixels"] = StoreTensor(std::span<const std::uint8_t>(pixels), {3});
  file.tensors["none"] = StoreTensor(std::span<const float>(), {0, 7});
  return file;
}

TEST(Safetensors, ReadsWhatItWrote) {
  const auto content = FormatSafetensors(Sample());
  const auto parsed = ParseSafetensors(content, "w");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->metadata, Sample().metadata);
  ASSERT_EQ(parsed->tensors.size(), 4U);
  EXPECT_EQ(NumbersOf<float>(parsed->tensors.at("fc.weight")),
            (std::vector<float>{1.5F, -2, 3, 4, 5, 6}));
  EXPECT_EQ(NumbersOf<std::int64_t>(parsed->tensors.at("bn.count")), std::vector<std::int64_t>{42});
  EXPECT_EQ(parsed->tensors.at("none").shape, (std::vector<std::int64_t>{0, 7}));
  EXPECT_EQ(FormatSafetensors(*parsed), content);
}

TEST(Safetensors, ReadsAFileWithNothingInIt) {
  const auto content = FormatSafetensors({});
  const auto parsed = ParseSafetensors(content, "w");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_TRUE(parsed->tensors.empty());
}

TEST(Safetensors, ReadsWhatOthersWrite) {
  // Key order, spaces and the trailing padding are the writer's choice.
  const auto parsed =
      ParseSafetensors(WithHeader(R"( { "b" : {"shape":[1],"data_offsets":[4,8],"dtype":"F32"},)"
                                  R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   )",
                                  std::string(8, '\0'))
                           .replace(8, 1, " "),
                       "w");
  // The format wants the '{' first.
  EXPECT_FALSE(parsed.ok());
  const auto strict =
      ParseSafetensors(WithHeader(R"({ "b" : {"shape":[1],"data_offsets":[4,8],"dtype":"F32"},)"
                                  R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   )",
                                  std::string(8, '\0')),
                       "w");
  ASSERT_TRUE(strict.ok()) << strict.error().message;
  EXPECT_EQ(strict->tensors.size(), 2U);
}

TEST(Safetensors, RefusesWhatIsNoSuchFile) {
  EXPECT_THAT(Refusal(""), HasSubstr("found 0 bytes"));
  EXPECT_THAT(Refusal("short"), HasSubstr("found 5 bytes"));
  EXPECT_THAT(Refusal(std::string(100, '\xff')), HasSubstr("the header says"));
  EXPECT_THAT(Refusal("PK\x03\x04 a pickle in a zip, surely"), HasSubstr("the header says"));
  EXPECT_THAT(Refusal(WithHeader("", "")), HasSubstr("does not start with"));
  EXPECT_THAT(Refusal(WithHeader("[1, 2]", "")), HasSubstr("does not start with"));
  EXPECT_THAT(Refusal(WithHeader("{\"a\":", "")), HasSubstr("header"));
}

TEST(Safetensors, NamesTheTensorThatIsWrong) {
  const auto refusal = [](const std::string& entry, std::size_t data = 8) {
    return Refusal(WithHeader("{\"fc\":" + entry + "}", std::string(data, '\0')));
  };
  EXPECT_EQ(refusal(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), "parsed");
  EXPECT_THAT(refusal("3"), AllOf(HasSubstr("'fc'"), HasSubstr("dtype, shape")));
  EXPECT_THAT(refusal(R"({"dtype":"F16","shape":[4],"data_offsets":[0,8]})"),
              AllOf(HasSubstr("'fc'"), HasSubstr("'F16'"), HasSubstr("F32, F64, I64 or U8")));
  EXPECT_THAT(refusal(R"({"shape":[4],"data_offsets":[0,8]})"), HasSubstr("no dtype"));
  EXPECT_THAT(refusal(R"({"dtype":"F32","data_offsets":[0,8]})"), HasSubstr("no shape"));
  EXPECT_THAT(refusal(R"({"dtype":"F32","shape":[2]})"), HasSubstr("no data_offsets"));
  EXPECT_THAT(refusal(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"),
              HasSubstr("a whole number"));
  EXPECT_THAT(refusal(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})"),
              HasSubstr("a whole number"));
  EXPECT_THAT(refusal(R"({"dtype":"F32","shape":[2],"data_offsets":[0,12]})"),
              HasSubstr("data_offsets [0, 12]"));
  EXPECT_THAT(refusal(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"),
              HasSubstr("data_offsets [8, 0]"));
  EXPECT_THAT(refusal(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
              AllOf(HasSubstr("found 8 bytes"), HasSubstr("12 for F32 [3]")));
  EXPECT_THAT(refusal(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
              HasSubstr("more than exist"));
  EXPECT_THAT(refusal(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1})"),
              HasSubstr("'more'"));
  EXPECT_THAT(refusal(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), HasSubstr("no hole"));
  EXPECT_THAT(refusal(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 9),
              HasSubstr("9 bytes of data, expected 8"));
}

TEST(Safetensors, RefusesOverlapsAndDuplicates) {
  const std::string entry = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  const std::string data(8, '\0');
  EXPECT_THAT(Refusal(WithHeader("{\"a\":" + entry + ",\"b\":" + entry + "}", data)),
              HasSubstr("no overlap"));
  EXPECT_THAT(Refusal(WithHeader("{\"a\":" + entry + ",\"a\":" + entry + "}", data)),
              HasSubstr("header"));
  EXPECT_THAT(Refusal(WithHeader(R"({"__metadata__":{"a":1}})", "")),
              HasSubstr("expected a string"));
  EXPECT_THAT(Refusal(WithHeader(R"({"__metadata__":1})", "")), HasSubstr("a map of strings"));
}

TEST(Safetensors, SurvivesEveryTruncationAndAnyFlippedByte) {
  const auto content = FormatSafetensors(Sample());
  for (std::size_t size = 0; size < content.size(); ++size) {
    EXPECT_FALSE(ParseSafetensors(content.substr(0, size), "w").ok()) << size;
  }
  Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    auto broken = content;
    for (std::size_t flips = 1 + random.Below(3); flips > 0; --flips) {
      broken[random.Below(broken.size())] = static_cast<char>(random.Bits());
    }
    const auto parsed = ParseSafetensors(broken, "w");
    if (!parsed.ok()) continue;
    std::size_t bytes = 0;
    for (const auto& [name, tensor] : parsed->tensors) bytes += tensor.bytes.size();
    EXPECT_LE(bytes, broken.size());
  }
}

TEST(Safetensors, FindsATensorOfTheTypeAndShapeAskedFor) {
  const auto file = Sample();
  const auto refusal = [&](const std::string& name, ElementType type,
                           const std::vector<std::int64_t>& shape) {
    const auto found = FindTensor(file, "w", name, type, shape);
    return found.ok() ? std::string("found") : found.error().message;
  };
  EXPECT_EQ(refusal("fc.weight", ElementType::kF32, {2, -1}), "found");
  EXPECT_EQ(refusal("fc.weight", ElementType::kI64, {2, 3}),
            "w: tensor 'fc.weight': found F32 [2, 3], expected I64 [2, 3]");
  EXPECT_EQ(refusal("fc.weight", ElementType::kF32, {2, 3, 1}),
            "w: tensor 'fc.weight': found F32 [2, 3], expected F32 [2, 3, 1]");
  EXPECT_EQ(refusal("fc.bias", ElementType::kF32, {-1}),
            "w: tensor 'fc.bias': not found, expected F32 [any]");
}

}  // namespace
}  // namespace ekya
