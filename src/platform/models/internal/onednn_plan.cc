#include "platform/models/internal/onednn_plan.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/clock.h"
#include "platform/models/internal/onednn_planner.h"

namespace ekya::models::internal {
namespace {

using dnnl::memory;

// Where a tensor may begin: a cache line.
constexpr std::size_t kAlignment = 64;

std::size_t Aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

template <typename Number>
void CopyPiece(const OneDnnGather& gather, const OneDnnGather::Piece& piece, const Number* from,
               Number* to) {
  const auto run = static_cast<std::size_t>(piece.run);
  if (piece.run == piece.from_step && piece.run == gather.to_step) {
    std::memcpy(to, from, run * static_cast<std::size_t>(gather.area) * sizeof(Number));
  } else if (run == 1) {
    for (std::int64_t i = 0; i < gather.area; ++i) {
      to[i * gather.to_step] = from[i * piece.from_step];
    }
  } else {
    for (std::int64_t i = 0; i < gather.area; ++i) {
      std::memcpy(to + i * gather.to_step, from + i * piece.from_step, run * sizeof(Number));
    }
  }
}

template <typename Number>
void GatherNumbers(const OneDnnGather& gather, const std::vector<const void*>& sources,
                   void* target) {
  for (std::int64_t item = 0; item < gather.count; ++item) {
    for (std::size_t i = 0; i < gather.pieces.size(); ++i) {
      const OneDnnGather::Piece& piece = gather.pieces[i];
      Number* to = static_cast<Number*>(target) + item * gather.to_item + piece.to;
      if (piece.tensor < 0) {
        for (std::int64_t pixel = 0; pixel < gather.area; ++pixel) {
          std::fill_n(to + pixel * gather.to_step, piece.run, Number{0});
        }
        continue;
      }
      CopyPiece(gather, piece,
                static_cast<const Number*>(sources[i]) + item * piece.from_item + piece.from, to);
    }
  }
}

}  // namespace

std::shared_ptr<memory> OneDnnWeights::In(const std::string& name, const memory::dims& dimensions,
                                          const memory::desc& wanted) {
  auto& made = made_[name];
  std::erase_if(made, [](const Made& each) { return each.memory.expired(); });
  for (const Made& each : made) {
    if (each.desc == wanted) return each.memory.lock();
  }
  const auto stored = weights_.find(name);
  EKYA_CHECK(stored != weights_.end(), name);
  constexpr memory::format_tag kRowByRow[] = {memory::format_tag::undef, memory::format_tag::a,
                                              memory::format_tag::ab,    memory::format_tag::abc,
                                              memory::format_tag::abcd,  memory::format_tag::abcde};
  const memory::desc plain(dimensions, memory::data_type::f32, kRowByRow[dimensions.size()]);
  EKYA_CHECK(plain.get_size() == stored->second.bytes.size(), name);
  memory from(plain, engine_, stored->second.bytes.data());
  auto result = std::make_shared<memory>(wanted, engine_);
  dnnl::reorder(from, *result).execute(stream_, from, *result);
  stream_.wait();
  made.push_back({wanted, result});
  return result;
}

OneDnnNetwork::OneDnnNetwork(LayerGraph the_graph, std::map<std::string, StoredTensor> the_weights,
                             Precision the_precision)
    : graph(std::move(the_graph)),
      layers(FuseLayers(graph)),
      precision(the_precision),
      engine(dnnl::engine::kind::cpu, 0),
      weights(std::move(the_weights), engine) {}

OneDnnPlan::OneDnnPlan(OneDnnNetwork& network, std::int64_t count, std::int64_t side,
                       const OneDnnChoice& choice)
    : engine_(network.engine), stream_(network.engine) {
  OneDnnPlanner(network, count, side, choice, *this).Plan();
  PlaceTensors();
}

void OneDnnPlan::PlaceTensors() {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto uses = [&](int tensor) {
      auto& used = tensors_[static_cast<std::size_t>(tensor)];
      used.last = std::max(used.last, static_cast<int>(i));
    };
    for (const auto& [argument, tensor] : steps_[i].tensors) uses(tensor);
    scratch_bytes_ = std::max(scratch_bytes_, steps_[i].scratch.get_size());
    if (steps_[i].primitive) continue;
    const OneDnnGather& gather = gathers_[steps_[i].gather];
    uses(gather.to);
    for (const auto& piece : gather.pieces) {
      if (piece.tensor >= 0) uses(piece.tensor);
    }
  }
  for (const int output : outputs_) {
    tensors_[static_cast<std::size_t>(output)].last = static_cast<int>(steps_.size());
  }
  // Each in the first gap among those that are there at the same time.
  for (std::size_t i = 1; i < tensors_.size(); ++i) {
    Tensor& tensor = tensors_[i];
    std::vector<std::pair<std::size_t, std::size_t>> taken;  // from, to
    for (std::size_t j = 1; j < i; ++j) {
      const Tensor& other = tensors_[j];
      if (other.last < tensor.first || tensor.last < other.first) continue;
      taken.emplace_back(other.offset, other.offset + Aligned(other.desc.get_size()));
    }
    std::sort(taken.begin(), taken.end());
    const std::size_t size = Aligned(tensor.desc.get_size());
    std::size_t offset = 0;
    for (const auto& [from, to] : taken) {
      if (offset + size <= from) break;
      offset = std::max(offset, to);
    }
    tensor.offset = offset;
    tensor_bytes_ = std::max(tensor_bytes_, offset + size);
  }
}

void OneDnnPlan::Lend(std::byte* tensors, std::byte* scratch) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    Tensor& tensor = tensors_[i];
    if (i > 0) tensor.data = tensors + tensor.offset;  // The pictures come with Run.
    tensor.memory = memory(tensor.desc, engine_, tensor.data);
  }
  for (Step& step : steps_) {
    for (const auto& [argument, tensor] : step.tensors) {
      step.arguments[argument] = tensors_[static_cast<std::size_t>(tensor)].memory;
    }
    if (step.scratch.get_size() > 0) {
      step.arguments[DNNL_ARG_SCRATCHPAD] = memory(step.scratch, engine_, scratch);
    }
  }
}

void OneDnnPlan::Gather(const OneDnnGather& gather) {
  std::vector<const void*> sources(gather.pieces.size(), nullptr);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const int tensor = gather.pieces[i].tensor;
    if (tensor >= 0) sources[i] = tensors_[static_cast<std::size_t>(tensor)].data;
  }
  void* const target = tensors_[static_cast<std::size_t>(gather.to)].data;
  if (gather.bytes == sizeof(std::uint16_t)) {
    GatherNumbers<std::uint16_t>(gather, sources, target);
  } else {
    GatherNumbers<std::uint32_t>(gather, sources, target);
  }
}

std::vector<std::vector<float>> OneDnnPlan::Run(const float* pictures,
                                                std::vector<double>* seconds) {
  tensors_.front().data = const_cast<float*>(pictures);
  tensors_.front().memory.set_data_handle(tensors_.front().data);
  for (const Step& step : steps_) {
    const double start = seconds == nullptr ? 0 : ThreadCpuSeconds();
    if (step.primitive) {
      step.primitive.execute(stream_, step.arguments);
    } else {
      Gather(gathers_[step.gather]);
    }
    if (seconds != nullptr) {
      (*seconds)[static_cast<std::size_t>(step.layer)] += ThreadCpuSeconds() - start;
    }
  }
  stream_.wait();
  std::vector<std::vector<float>> results;
  for (const int output : outputs_) {
    const Tensor& tensor = tensors_[static_cast<std::size_t>(output)];
    const auto* numbers = static_cast<const float*>(tensor.data);
    results.emplace_back(numbers, numbers + tensor.desc.get_size() / sizeof(float));
  }
  return results;
}

}  // namespace ekya::models::internal
