#include "platform/models/serving_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "platform/models/onnx_export.h"

namespace ekya::models {
namespace {

constexpr int kRunsToCompare = 4;

/// Processor seconds of a picture: the least of a few, since the first also prepares the engine.
/// Infinite where it fails.
double SecondsOf(Engine& engine, int side) {
  Random random(1);
  std::vector<float> picture(3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  for (float& number : picture) number = static_cast<float>(random.Uniform(-2, 2));
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kRunsToCompare; ++i) {
    const double start = ThreadCpuSeconds();
    if (!engine.Run(picture.data(), 1, side).ok()) break;
    least = std::min(least, ThreadCpuSeconds() - start);
  }
  return least;
}

/// Keeps the fastest of the engines that it is shown.
class Comparison {
 public:
  explicit Comparison(int side) : side_(side) {}

  bool empty() const { return best_ == nullptr; }

  void Consider(Result<std::unique_ptr<Engine>> engine) {
    if (!engine.ok()) {
      error_ = engine.error();
      return;
    }
    if (best_ == nullptr) {
      best_ = std::move(*engine);
      return;
    }
    if (seconds_ == 0) seconds_ = Tell(*best_);
    const double seconds = Tell(**engine);
    if (seconds >= seconds_) return;
    best_ = std::move(*engine);
    seconds_ = seconds;
  }

  Result<std::unique_ptr<Engine>> Take() {
    if (best_ == nullptr) return error_;
    static std::mutex mutex;
    static std::set<std::string> said;
    const std::scoped_lock lock(mutex);
    if (said.insert(best_->name()).second) {
      Log(LogLevel::kInfo, "models", "{} serves{}", best_->name(),
          told_.empty() ? "" : ": a picture takes " + told_);
    }
    return std::move(best_);
  }

 private:
  double Tell(Engine& engine) {
    const double seconds = SecondsOf(engine, side_);
    told_ +=
        fmt::format("{}{:.2f} ms by {}", told_.empty() ? "" : "; ", 1e3 * seconds, engine.name());
    return seconds;
  }

  const int side_;
  std::unique_ptr<Engine> best_;
  double seconds_ = 0;  // of the best one, once there are two
  std::string told_;
  Error error_{ErrorCode::kUnavailable, "no engine"};
};

}  // namespace

Result<std::unique_ptr<Engine>> OpenServingEngine(
    const LayerGraph& graph, const std::map<std::string, StoredTensor>& weights, int side,
    ServingPrecision precision, const Device& device) {
  Comparison engines(side);
  const auto libtorch = [&](Precision with) { return OpenLibTorch(graph, weights, with, device); };
  const auto narrow = [&]() -> Result<std::unique_ptr<Engine>> {
    if (device.is_cuda()) return libtorch(Precision::kBfloat16);
    auto engine = OpenOneDnn(graph, weights, side, Precision::kBfloat16);
    const bool absent = !engine.ok() && engine.error().code == ErrorCode::kUnavailable;
    return absent ? libtorch(Precision::kBfloat16) : std::move(engine);
  };
  if (precision == ServingPrecision::kBfloat16) {
    auto engine = narrow();
    if (engine.ok()) {
      engines.Consider(std::move(engine));
      return engines.Take();
    }
    Log(LogLevel::kWarning, "models", "float32 serves: {}", engine.error().message);
  }
  if (!device.is_cuda()) {
    engines.Consider(OpenOneDnn(graph, weights, side, Precision::kFloat32));
    if (HasOnnxRuntime()) {
      engines.Consider(OpenOnnxRuntime(ExportOnnx(graph, weights), graph.outputs().size()));
    }
  }
  if (engines.empty()) engines.Consider(libtorch(Precision::kFloat32));
  if (precision == ServingPrecision::kFastest && HasFastBfloat16(device)) {
    engines.Consider(narrow());
  }
  return engines.Take();
}

}  // namespace ekya::models
