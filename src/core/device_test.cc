#include "core/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekya {
namespace {

TEST(DeviceTest, ANameNamesADevice) {
  EXPECT_EQ(*ParseDevice("cpu:0"), (Device{Device::Kind::kCpu, 0}));
  EXPECT_EQ(*ParseDevice("cuda:12"), (Device{Device::Kind::kCuda, 12}));
  EXPECT_TRUE(ParseDevice("cuda:0")->is_cuda());
  EXPECT_FALSE(ParseDevice("cpu:0")->is_cuda());
  for (const char* name : {"cpu:0", "cpu:17", "cuda:0", "cuda:3"}) {
    EXPECT_EQ(Name(*ParseDevice(name)), name);
  }
}

TEST(DeviceTest, RefusesWhatIsNone) {
  for (const char* name :
       {"", ":", "cpu", "cuda", "cuda:", "cuda:x", "cuda:0:1", "gpu:0", "cpu:-1", "cuda:-0",
        "cpu: 1", "cpu:1 ", "CUDA:0", "cpu:4096", "cpu:99999999999"}) {
    const auto device = ParseDevice(name);
    ASSERT_FALSE(device.ok()) << name;
    EXPECT_EQ(device.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(device.error().message,
              std::string("device: found \"") + name + "\", expected cpu:N or cuda:N");
  }
}

}  // namespace
}  // namespace ekya
