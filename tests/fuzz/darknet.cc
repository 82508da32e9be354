#include "platform/models/darknet.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto network = ekya::models::ParseDarknet(text, ekya::fuzz::kFile);
  if (!network.ok()) {
    EKYA_CHECK(network.error().code == ekya::ErrorCode::kInvalid);
    EKYA_CHECK(network.error().message.starts_with("fuzz:"), network.error().message);
    return 0;
  }
  const auto& graph = network->graph;
  EKYA_CHECK(network->heads.size() == graph.outputs().size() && !network->heads.empty());
  for (std::size_t i = 0; i < network->heads.size(); ++i) {
    const auto& head = network->heads[i];
    EKYA_CHECK(graph.channels(graph.outputs()[i]) ==
               static_cast<int>(head.anchors.size()) * (5 + head.classes));
  }
  // Weights that are too short are refused before memory is taken for them.
  const auto weights = ekya::models::ParseDarknetWeights(*network, text, ekya::fuzz::kFile);
  EKYA_CHECK(weights.ok() || weights.error().message.starts_with("fuzz:"));
  return 0;
}
