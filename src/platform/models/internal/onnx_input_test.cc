#include "platform/models/internal/onnx_input.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/file.h"

namespace ekya::models::internal {
namespace {

/// A protobuf field that has a length.
std::string Message(int number, const std::string& content) {
  EXPECT_LT(content.size(), 128u);
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} +
         content;
}

std::string Number(int number, int value) {
  return {static_cast<char>(number << 3), static_cast<char>(value)};
}

std::string Input(const std::string& name, const std::string& dimensions) {
  return Message(11, Message(1, name) + Message(2, Message(1, Message(2, dimensions))));
}

const std::string kPicture = Message(1, Message(2, "N")) + Message(1, Number(1, 3)) +
                             Message(1, Number(1, 96)) + Message(1, Number(1, 64));

TEST(OnnxInputShape, IsTheFirstInputThatNothingFills) {
  // Older exporters list the weights among the inputs.
  const std::string graph = Input("weight", Message(1, Number(1, 9))) +
                            Message(5, Message(8, "weight")) + Input("picture", kPicture);
  const auto shape = OnnxInputShape(Number(1, 8) + Message(7, graph));
  ASSERT_TRUE(shape.ok()) << shape.error().message;
  EXPECT_EQ(*shape, (std::vector<std::int64_t>{-1, 3, 96, 64}));
}

TEST(OnnxInputShape, NoCutAndNoDamageCrashesIt) {
  const std::string whole = Number(1, 8) + Message(7, Input("picture", kPicture));
  ASSERT_TRUE(OnnxInputShape(whole).ok());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(OnnxInputShape(whole.substr(0, size)).ok()) << size;
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      const auto shape = OnnxInputShape(damaged);
      EXPECT_TRUE(shape.ok() || shape.error().code == ErrorCode::kInvalid);
    }
  }
  EXPECT_FALSE(OnnxInputShape("").ok());
  EXPECT_FALSE(OnnxInputShape("<html>not found</html>").ok());
}

TEST(OnnxInputShape, OfPublicModels) {
  const std::filesystem::path folder = std::filesystem::path(EKYA_SHARED_DIR) / "models";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "shared/models is absent";
  const auto yolox = ReadFile(folder / "yolox_nano.onnx");
  const auto resnet = ReadFile(folder / "resnet20_cifar10.onnx");
  ASSERT_TRUE(yolox.ok());
  ASSERT_TRUE(resnet.ok());
  EXPECT_EQ(*OnnxInputShape(*yolox), (std::vector<std::int64_t>{1, 3, 416, 416}));
  const auto shape = OnnxInputShape(*resnet);
  ASSERT_TRUE(shape.ok());
  ASSERT_EQ(shape->size(), 4u);
  EXPECT_EQ((*shape)[2], 32);
}

}  // namespace
}  // namespace ekya::models::internal
