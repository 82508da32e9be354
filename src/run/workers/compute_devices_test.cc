#include "run/workers/compute_devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/models/compute_device.h"

namespace ekya::workers {
namespace {

using testing::ElementsAre;

ComputeSettings Compute(std::vector<std::string> devices) {
  ComputeSettings compute;
  compute.devices = std::move(devices);
  return compute;
}

std::string Refusal(std::vector<std::string> devices, const MachineDevices& machine) {
  const auto numbers = DeviceNumbers(Compute(std::move(devices)), 0, machine);
  if (numbers.ok()) return "accepted";
  EXPECT_EQ(numbers.error().code, ErrorCode::kInvalid);
  return numbers.error().message;
}

TEST(ComputeDevicesTest, TakesWhatTheMachineHas) {
  const MachineDevices machine{4, 2};
  EXPECT_THAT(*DeviceNumbers(Compute({"cpu:3", "cpu:0"}), 0, machine), ElementsAre(3, 0));
  EXPECT_THAT(*DeviceNumbers(Compute({"cuda:1", "cuda:0"}), 0, machine), ElementsAre(1, 0));
  // Runs side by side begin with different ones.
  EXPECT_THAT(*DeviceNumbers(Compute({"cpu:3", "cpu:0"}), 2, machine), ElementsAre(1, 2));
  EXPECT_THAT(*DeviceNumbers(Compute({"cuda:0"}), 3, machine), ElementsAre(1));
}

TEST(ComputeDevicesTest, RefusesWhatItHasNot) {
  EXPECT_EQ(Refusal({"cuda:0"}, {4, 0}),
            "compute.devices: found \"cuda:0\", expected a CUDA device that this machine has (none "
            "is seen) or cpu:N");
  EXPECT_EQ(Refusal({"cuda:1"}, {4, 1}),
            "compute.devices: found \"cuda:1\", expected a CUDA device that this machine has "
            "(cuda:0 is seen) or cpu:N");
  EXPECT_EQ(Refusal({"cuda:0", "cuda:2"}, {4, 2}),
            "compute.devices: found \"cuda:2\", expected a CUDA device that this machine has "
            "(cuda:0 to cuda:1 are seen) or cpu:N");
  EXPECT_EQ(Refusal({"cpu:4"}, {4, 9}),
            "compute.devices: found \"cpu:4\", expected one of the processors that this process "
            "may use, cpu:0 to cpu:3");
  EXPECT_EQ(Refusal({"gpu:0"}, {4, 1}),
            "compute.devices: device: found \"gpu:0\", expected cpu:N or cuda:N");
  EXPECT_EQ(Refusal({"cuda:0", "cpu:0"}, {4, 1}),
            "compute.devices: found \"cpu:0\" beside \"cuda:0\", expected either processors or "
            "CUDA devices");
}

TEST(ComputeDevicesTest, AJobOfACudaDeviceStaysOnNoProcessor) {
  const ComputeSettings cores = Compute({"cpu:0", "cpu:1"});
  EXPECT_EQ(DeviceOf(cores, 1), Device());
  EXPECT_EQ(ProcessorOf(cores, 1), 1);
  EXPECT_EQ(ProcessorOf(cores, -1), -1);
  const ComputeSettings cuda = Compute({"cuda:1", "cuda:0"});
  EXPECT_EQ(Name(DeviceOf(cuda, 0)), "cuda:0");
  EXPECT_EQ(Name(DeviceOf(cuda, -1)), "cuda:1");
  EXPECT_EQ(ProcessorOf(cuda, 0), -1);
}

TEST(ComputeDevicesTest, SeesThisMachine) {
  const MachineDevices seen = MachineDevices::Seen();
  EXPECT_GE(seen.processors, 1);
  EXPECT_EQ(seen.cuda_devices, models::CudaDevices());
}

}  // namespace
}  // namespace ekya::workers
