// How a training is kept on disk after each epoch, and found again.
#include <fmt/format.h>
#include <torch/torch.h>

#include <charconv>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "core/safetensors.h"
#include "platform/models/precision.h"
#include "stages/retrain/internal/epoch_loop.h"

namespace ekya::retrain::internal {
namespace {

constexpr const char* kVelocity = "training.velocity";
constexpr const char* kEpochs = "ekya.epochs";
constexpr const char* kIdentity = "ekya.training";

/// "0.5 1.25\n": accuracy and seconds of one epoch a line, to the last bit.
std::string Format(const std::vector<TrainingProgress>& epochs) {
  std::string text;
  for (const auto& epoch : epochs) {
    text += fmt::format("{} {}\n", epoch.accuracy, epoch.epoch_cpu_seconds);
  }
  return text;
}

Result<std::vector<TrainingProgress>> Parse(std::string_view text, const std::string& file) {
  std::vector<TrainingProgress> epochs;
  while (!text.empty()) {
    TrainingProgress progress;
    progress.epoch = static_cast<int>(epochs.size()) + 1;
    const auto end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, progress.accuracy);
    const bool parted = first.ec == std::errc() && first.ptr != end && *first.ptr == ' ';
    const auto second = parted ? std::from_chars(first.ptr + 1, end, progress.epoch_cpu_seconds)
                               : std::from_chars_result{text.data(), std::errc::invalid_argument};
    if (second.ec != std::errc() || second.ptr == end || *second.ptr != '\n') {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: __metadata__ {}: found '{}', expected accuracy and seconds of "
                               "an epoch a line",
                               file, kEpochs, text.substr(0, 40))};
    }
    text.remove_prefix(static_cast<std::size_t>(second.ptr + 1 - text.data()));
    epochs.push_back(progress);
  }
  return epochs;
}

}  // namespace

std::string EpochLoop::Identity(std::uint64_t samples, int patience) const {
  const auto& c = configuration_;
  std::uint64_t hash = DeriveSeed(
      samples, fmt::format("{} {} {} {} {} {} {} {} {} {} {} {}", seed_, c.epochs,
                           c.sample_fraction, c.trained_stages, c.last_hidden, c.batch_size,
                           c.learning_rate, c.augmentation, c.balanced, c.distillation, patience,
                           models::Name(network_.training_precision())));
  for (const std::size_t index : chosen_) hash = DeriveSeed(hash, std::to_string(index));
  for (const auto& [name, tensor] : network_.Store()) {
    hash = DeriveSeed(DeriveSeed(hash, name), tensor.bytes);
  }
  return fmt::format("{:016x}", hash);
}

Status EpochLoop::Keep(const std::filesystem::path& path, const std::string& identity,
                       const std::vector<TrainingProgress>& epochs) {
  TensorFile content;
  content.metadata["ekya.content"] = "training";
  content.metadata[kIdentity] = identity;
  content.metadata[kEpochs] = Format(epochs);
  content.tensors = network_.Store();
  const auto velocity = sgd_.velocity().cpu();
  content.tensors[kVelocity] =
      StoreTensor(std::span<const float>(velocity.data_ptr<float>(),
                                         static_cast<std::size_t>(velocity.numel())),
                  {velocity.numel()});
  return WriteFileAtomically(path, FormatSafetensors(content));
}

std::vector<TrainingProgress> EpochLoop::Resume(const std::filesystem::path& path,
                                                const std::string& identity) {
  const std::string file = path.string();
  const auto start = network_.Store();
  const auto resume = [&]() -> Result<std::vector<TrainingProgress>> {
    EKYA_ASSIGN(const std::string bytes, ReadFile(path));
    EKYA_ASSIGN(TensorFile content, ParseSafetensors(bytes, file));
    if (content.metadata[kIdentity] != identity) {
      return Error{ErrorCode::kInvalid, fmt::format("{}: found the state of another training, "
                                                    "expected this one's",
                                                    file)};
    }
    EKYA_ASSIGN(auto epochs, Parse(content.metadata[kEpochs], file));
    if (static_cast<int>(epochs.size()) > configuration_.epochs) {
      return Error{ErrorCode::kInvalid, fmt::format("{}: found {} epochs, expected at most {}",
                                                    file, epochs.size(), configuration_.epochs)};
    }
    auto& velocity = sgd_.velocity();
    EKYA_ASSIGN(const StoredTensor* stored,
                FindTensor(content, file, kVelocity, ElementType::kF32, {velocity.numel()}));
    auto numbers = NumbersOf<float>(*stored);
    content.tensors.erase(kVelocity);
    EKYA_RETURN_IF_ERROR(network_.Restore(content, file));
    velocity.copy_(torch::from_blob(numbers.data(), velocity.sizes()));
    step_ = static_cast<std::int64_t>(epochs.size()) * (steps_ / configuration_.epochs);
    return epochs;
  };
  auto resumed = resume();
  if (resumed.ok()) return std::move(*resumed);
  if (resumed.error().code != ErrorCode::kNotFound) {
    Log(LogLevel::kWarning, configuration_.id, "starts again: {}", resumed.error().message);
    EKYA_CHECK(network_.Restore({.metadata = {}, .tensors = start}, "start").ok());
  }
  return {};
}

}  // namespace ekya::retrain::internal
