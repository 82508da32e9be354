#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <dnnl.hpp>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/random.h"
#include "platform/models/engine.h"
#include "platform/models/folded_network.h"
#include "platform/models/internal/onednn_plan.h"

namespace ekya::models {
namespace {

using internal::OneDnnChoice;
using internal::OneDnnNetwork;
using internal::OneDnnPlan;

// Pictures that one plan may be for: several share what is read of the weights, and a plan for
// every number of them would be one too many to make and to keep.
constexpr std::int64_t kCounts[] = {16, 4, 1};
// Plans that are kept: those of two or three sizes of pictures.
constexpr std::size_t kMostPlans = 8;
constexpr int kRunsToChoose = 3;
// Winograd's algorithm rounds more; so much of the largest output is too much.
constexpr double kMostDifference = 2e-5;

/// Memory for numbers, at the beginning of a cache line.
class Memory {
 public:
  /// Whether it had to be had anew.
  bool Reserve(std::size_t bytes, const dnnl::engine& engine) {
    if (bytes <= bytes_) return false;
    memory_ = dnnl::memory({{static_cast<dnnl::memory::dim>(bytes)},
                            dnnl::memory::data_type::u8,
                            dnnl::memory::format_tag::a},
                           engine);
    bytes_ = bytes;
    return true;
  }
  std::byte* data() const {
    return bytes_ == 0 ? nullptr : static_cast<std::byte*>(memory_.get_data_handle());
  }

 private:
  dnnl::memory memory_;
  std::size_t bytes_ = 0;
};

/// Of networks of the same layers: what was chosen, measured once in a process, and what pictures
/// came, so that the next version is ready for them.
class Choices {
 public:
  struct Pictures {
    std::int64_t count = 0;
    std::int64_t side = 0;

    bool operator==(const Pictures&) const = default;
  };
  struct Known {
    OneDnnChoice choice;
    std::vector<Pictures> pictures;  // the last ones that came
  };

  static Choices& Instance() {
    static Choices choices;
    return choices;
  }
  std::optional<Known> Find(const std::string& network) {
    const std::scoped_lock lock(mutex_);
    const auto found = known_.find(network);
    return found == known_.end() ? std::nullopt : std::optional(found->second);
  }
  void Add(const std::string& network, const OneDnnChoice& choice) {
    const std::scoped_lock lock(mutex_);
    known_[network].choice = choice;
  }
  void Came(const std::string& network, const Pictures& pictures) {
    const std::scoped_lock lock(mutex_);
    auto& all = known_[network].pictures;
    std::erase(all, pictures);
    all.push_back(pictures);
    if (all.size() > kMostPlans) all.erase(all.begin());
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Known> known_;
};

/// The same of networks alone that compute the same with other weights.
std::string SignatureOf(const LayerGraph& graph, std::int64_t side, Precision precision) {
  std::string text = fmt::format("{} {}", side, Name(precision));
  for (const Layer& layer : graph.layers()) {
    text += fmt::format(";{} {} {} {} {} {} {} {} {}", static_cast<int>(layer.kind), layer.channels,
                        layer.kernel, layer.stride, layer.padding, layer.padding_after,
                        layer.groups, layer.first_channel, static_cast<int>(layer.activation));
    for (const int input : layer.inputs) text += fmt::format(" <{}", input);
  }
  return text;
}

double Sum(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number;
  return sum;
}

class OneDnnEngine : public Engine {
 public:
  OneDnnEngine(LayerGraph graph, std::map<std::string, StoredTensor> weights, Precision precision)
      : network_(std::move(graph), std::move(weights), precision) {}

  std::string name() const override {
    const dnnl_version_t& version = *dnnl_version();
    return fmt::format("oneDNN {}.{}.{}, {}", version.major, version.minor, version.patch,
                       Name(network_.precision));
  }

  Result<std::vector<std::vector<float>>> Run(const float* pictures, std::int64_t count,
                                              std::int64_t side) override {
    try {
      omp_set_num_threads(1);
      std::vector<std::vector<float>> results(network_.graph.outputs().size());
      for (const std::int64_t each : kCounts) {
        for (; count >= each; count -= each, pictures += each * 3 * side * side) {
          const auto part = PlanFor(each, side).Run(pictures);
          for (std::size_t i = 0; i < results.size(); ++i) {
            results[i].insert(results[i].end(), part[i].begin(), part[i].end());
          }
        }
      }
      return results;
    } catch (const std::exception& exception) {
      return Error{ErrorCode::kFailed, fmt::format("oneDNN: {}", exception.what())};
    }
  }

  /// Finds out how it computes fastest on pictures of `side` x `side`.
  void Prepare(std::int64_t side) {
    omp_set_num_threads(1);
    signature_ = SignatureOf(network_.graph, side, network_.precision);
    // Until it has its own plan, those that were tried keep the weights that it takes over.
    std::vector<std::unique_ptr<OneDnnPlan>> tried;
    if (const auto known = Choices::Instance().Find(signature_)) {
      choice_ = known->choice;
      for (const auto& [count, usual] : known->pictures) PlanFor(count, usual);
    } else {
      choice_ = Choose(side, &tried);
      Choices::Instance().Add(signature_, choice_);
    }
    PlanFor(1, side);
  }

 private:
  struct Plan {
    std::int64_t count = 0;
    std::int64_t side = 0;
    std::unique_ptr<OneDnnPlan> plan;
  };
  struct Timed {
    std::vector<double> seconds;  // of each layer
    std::vector<float> outputs;
  };

  /// The plan for `count` pictures, made where there is none; the one used longest ago makes room.
  OneDnnPlan& PlanFor(std::int64_t count, std::int64_t side) {
    auto found = std::find_if(plans_.begin(), plans_.end(), [&](const Plan& each) {
      return each.count == count && each.side == side;
    });
    if (found == plans_.end()) {
      auto made = std::make_unique<OneDnnPlan>(network_, count, side, choice_);
      Lend(*made);
      plans_.push_front({count, side, std::move(made)});
      Choices::Instance().Came(signature_, {count, side});
      if (plans_.size() > kMostPlans) plans_.pop_back();
    } else {
      plans_.splice(plans_.begin(), plans_, found);
    }
    return *plans_.front().plan;
  }

  void Lend(OneDnnPlan& plan) {
    const bool moved = tensors_.Reserve(plan.tensor_bytes(), network_.engine);
    const bool scratch_moved = scratch_.Reserve(plan.scratch_bytes(), network_.engine);
    if (moved || scratch_moved) {
      for (const Plan& each : plans_) each.plan->Lend(tensors_.data(), scratch_.data());
    }
    plan.Lend(tensors_.data(), scratch_.data());
  }

  /// What one picture takes when computed as `choice` says: each layer's least of a few runs.
  Timed Time(OneDnnPlan& plan, std::int64_t side) {
    Lend(plan);
    Random random(1);
    std::vector<float> picture(static_cast<std::size_t>(3 * side * side));
    for (float& number : picture) number = static_cast<float>(random.Uniform(-2, 2));
    Timed timed;
    for (int run = 0; run < kRunsToChoose; ++run) {
      std::vector<double> seconds(network_.graph.layers().size(), 0.0);
      const auto outputs = plan.Run(picture.data(), &seconds);
      if (run == 0) {
        timed.seconds = seconds;
        for (const auto& output : outputs) {
          timed.outputs.insert(timed.outputs.end(), output.begin(), output.end());
        }
      }
      for (std::size_t i = 0; i < seconds.size(); ++i) {
        timed.seconds[i] = std::min(timed.seconds[i], seconds[i]);
      }
    }
    return timed;
  }

  /// The fastest of those that it adds to `tried`, or of a mixture of them.
  OneDnnChoice Choose(std::int64_t side, std::vector<std::unique_ptr<OneDnnPlan>>* tried) {
    const auto time = [&](const OneDnnChoice& choice) {
      tried->push_back(std::make_unique<OneDnnPlan>(network_, 1, side, choice));
      return Time(*tried->back(), side);
    };
    const std::size_t layers = network_.graph.layers().size();
    const OneDnnChoice channels_last{true, {}};
    const Timed last = time(channels_last);
    OneDnnChoice blocks;
    const Timed direct = time(blocks);
    double least = Sum(direct.seconds);
    if (network_.precision == Precision::kFloat32) {
      const Timed winograd = time({false, std::vector<bool>(layers, true)});
      const std::vector<bool> taken = tried->back()->winograd();
      blocks.winograd.assign(layers, false);
      for (std::size_t i = 0; i < layers && Same(winograd.outputs, direct.outputs); ++i) {
        if (!taken[i] || winograd.seconds[i] >= direct.seconds[i]) continue;
        blocks.winograd[i] = true;
        least -= direct.seconds[i] - winograd.seconds[i];
      }
    }
    return Sum(last.seconds) < least ? channels_last : blocks;
  }

  static bool Same(const std::vector<float>& found, const std::vector<float>& expected) {
    double largest = 0;
    double difference = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
      difference = std::max(difference, std::abs(static_cast<double>(found[i]) - expected[i]));
    }
    return difference <= kMostDifference * largest;
  }

  OneDnnNetwork network_;
  std::string signature_;
  OneDnnChoice choice_;
  Memory tensors_;
  Memory scratch_;
  std::list<Plan> plans_;  // the one used last comes first
};

}  // namespace

Result<std::unique_ptr<Engine>> OpenOneDnn(const LayerGraph& graph,
                                           const std::map<std::string, StoredTensor>& weights,
                                           int side, Precision precision) {
  try {
    // A LibTorch that brings a oneDNN of its own may have put that in its place.
    const dnnl_version_t& version = *dnnl_version();
    if (version.major != DNNL_VERSION_MAJOR || version.minor < DNNL_VERSION_MINOR) {
      return Error{
          ErrorCode::kUnavailable,
          fmt::format("oneDNN: found version {}.{}, expected {}.{} or a later one of its "
                      "kind",
                      version.major, version.minor, DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR)};
    }
    FoldedNetwork folded = FoldNorms(graph, weights);
    auto engine = std::make_unique<OneDnnEngine>(std::move(folded.graph), std::move(folded.weights),
                                                 precision);
    engine->Prepare(side);
    return std::unique_ptr<Engine>(std::move(engine));
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed,
                 fmt::format("oneDNN: {}, {}: {}", Name(precision), side, exception.what())};
  }
}

}  // namespace ekya::models
