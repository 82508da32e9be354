#include "platform/resources/mps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace ekya::resources {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr char kPercentage[] = "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE";

TEST(DeviceEnvironmentTest, ACudaDevicesShareIsAPercentage) {
  EXPECT_THAT(*DeviceEnvironment("cuda:0", 0.25), ElementsAre(Pair(kPercentage, "25")));
  EXPECT_THAT(*DeviceEnvironment("cuda:12", 1), ElementsAre(Pair(kPercentage, "100")));
}

TEST(DeviceEnvironmentTest, PartsOfAPercentAreRoundedUp) {
  EXPECT_THAT(*DeviceEnvironment("cuda:0", 0.001), ElementsAre(Pair(kPercentage, "1")));
  EXPECT_THAT(*DeviceEnvironment("cuda:0", 0.301), ElementsAre(Pair(kPercentage, "31")));
  // But not the last bit of a sum of quanta.
  EXPECT_THAT(*DeviceEnvironment("cuda:0", 0.1 + 0.2), ElementsAre(Pair(kPercentage, "30")));
  EXPECT_THAT(*DeviceEnvironment("cuda:0", 1 + 1e-9), ElementsAre(Pair(kPercentage, "100")));
}

TEST(DeviceEnvironmentTest, ACoreNeedsNothing) {
  EXPECT_THAT(*DeviceEnvironment("cpu:3", 0.5), IsEmpty());
}

TEST(DeviceEnvironmentTest, RefusesWhatIsNoDeviceOrNoShare) {
  for (const char* device : {"", "cuda", "cuda:", "cuda:x", "gpu:0", "cuda:0:1"}) {
    const auto environment = DeviceEnvironment(device, 0.5);
    ASSERT_FALSE(environment.ok()) << device;
    EXPECT_EQ(environment.error().code, ErrorCode::kInvalid);
  }
  for (const double share : {0.0, -0.1, 1.1, std::nan("")}) {
    const auto environment = DeviceEnvironment("cuda:0", share);
    ASSERT_FALSE(environment.ok()) << share;
    EXPECT_THAT(environment.error().message, testing::HasSubstr("share of device cuda:0: found"));
  }
}

}  // namespace
}  // namespace ekya::resources
