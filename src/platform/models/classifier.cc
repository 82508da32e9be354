#include "platform/models/classifier.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/file.h"
#include "core/safetensors.h"
#include "platform/models/architectures.h"
#include "platform/models/internal/model_metadata.h"
#include "platform/models/onnx_export.h"
#include "platform/models/serving_engine.h"
#include "platform/models/torch_classifier.h"

namespace ekya::models {
namespace {

constexpr int kSmallestInput = 8;
constexpr int kLargestInput = 1024;
// Crops that go through the network at once: activations stay in the cache.
constexpr std::size_t kBatch = 32;

Error Invalid(std::string message) { return {ErrorCode::kInvalid, std::move(message)}; }

Result<const Architecture*> FindArchitecture(const std::string& name) {
  std::string known;
  for (const auto& architecture : Architectures()) {
    if (name == architecture.name) return &architecture;
    known += (known.empty() ? "" : ", ") + std::string(architecture.name);
  }
  return Invalid(fmt::format("model: found architecture '{}', expected one of: {}", name, known));
}

Status CheckShape(const ClassifierShape& shape) {
  EKYA_RETURN_IF_ERROR(internal::CheckWidthAndClasses(shape.width, shape.classes));
  EKYA_RETURN_IF_ERROR(CheckInputSize(shape.input_size));
  if (shape.last_hidden < 0 || shape.last_hidden > kLargestHidden) {
    return Invalid(fmt::format("model: found last_hidden {}, expected 0 to {}", shape.last_hidden,
                               kLargestHidden));
  }
  return {};
}

Result<std::shared_ptr<Network>> MakeNetwork(const ClassifierShape& shape) {
  EKYA_ASSIGN(const Architecture* architecture, FindArchitecture(shape.architecture));
  EKYA_RETURN_IF_ERROR(CheckShape(shape));
  ComputeWithOneThread();
  return std::make_shared<Network>(architecture->make(shape));
}

Result<ClassifierShape> ReadShape(const TensorFile& content, const std::string& file) {
  ClassifierShape shape;
  EKYA_ASSIGN(shape.architecture, internal::ReadText(content, file, "ekya.architecture",
                                                     "the shape of an Ekya classifier"));
  EKYA_RETURN_IF_ERROR(internal::ReadNumber(content, file, "ekya.width", &shape.width));
  EKYA_RETURN_IF_ERROR(internal::ReadNumber(content, file, "ekya.input_size", &shape.input_size));
  EKYA_RETURN_IF_ERROR(internal::ReadNumber(content, file, "ekya.last_hidden", &shape.last_hidden));
  EKYA_ASSIGN(shape.classes, internal::ReadClasses(content, file));
  return shape;
}

}  // namespace

Status CheckInputSize(int input_size) {
  if (input_size < kSmallestInput || input_size > kLargestInput) {
    return Invalid(fmt::format("model: found input_size {}, expected {} to {} pixels", input_size,
                               kSmallestInput, kLargestInput));
  }
  return {};
}

void ComputeWithOneThread() {
#ifdef __GLIBC__
  // Activations come and go with every layer. Kept in the process they cost nothing; given back to
  // the system each time, page faults take a quarter of a small model's training.
  static const bool kept =
      mallopt(M_MMAP_THRESHOLD, 32 << 20) != 0 && mallopt(M_TRIM_THRESHOLD, 512 << 20) != 0;
  static_cast<void>(kept);
#endif
  // Per thread: with OpenMP, the number set holds for the calling thread alone.
  thread_local const bool done = [] {
    at::set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

at::Generator MakeGenerator(std::uint64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

torch::Tensor ToTensor(const std::vector<const Image*>& images, const torch::Device& device) {
  EKYA_CHECK(!images.empty());
  const int side = images.front()->width;
  const auto area = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  auto tensor = EmptyBatch({static_cast<std::int64_t>(images.size()), 3, side, side}, device);
  float* out = tensor.data_ptr<float>();
  for (const auto* image : images) {
    EKYA_CHECK(image->width == side && image->height == side && image->pixels.size() == 3 * area);
    for (int channel = 0; channel < 3; ++channel) {
      const float* levels = NormalisedLevels(channel);
      const std::uint8_t* in = image->pixels.data() + channel;
      for (std::size_t i = 0; i < area; ++i) *out++ = levels[in[3 * i]];
    }
  }
  return tensor;
}

Result<std::unique_ptr<Classifier>> Classifier::Create(const ClassifierShape& shape,
                                                       std::uint64_t seed) {
  try {
    EKYA_ASSIGN(auto network, MakeNetwork(shape));
    network->Initialise(MakeGenerator(seed));
    return std::unique_ptr<Classifier>(
        std::make_unique<TorchClassifier>(shape, std::move(network)));
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed,
                 fmt::format("model: cannot make {}: {}", shape.architecture, exception.what())};
  }
}

Result<std::unique_ptr<Classifier>> Classifier::Load(const std::filesystem::path& path) {
  const std::string file = path.string();
  EKYA_ASSIGN(const std::string bytes, ReadFile(path));
  EKYA_ASSIGN(const TensorFile content, ParseSafetensors(bytes, file));
  EKYA_ASSIGN(ClassifierShape shape, ReadShape(content, file));
  try {
    auto made = MakeNetwork(shape);
    if (!made.ok()) return made.error().Within(file);
    const auto network = std::move(*made);
    EKYA_RETURN_IF_ERROR(network->Restore(content, file));
    return std::unique_ptr<Classifier>(
        std::make_unique<TorchClassifier>(std::move(shape), network));
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed, file + ": cannot load: " + exception.what()};
  }
}

Status TorchClassifier::Save(const std::filesystem::path& path) const {
  TensorFile content;
  internal::StoreShape(shape_.width, shape_.input_size, shape_.classes, &content);
  content.metadata["ekya.architecture"] = shape_.architecture;
  content.metadata["ekya.last_hidden"] = std::to_string(shape_.last_hidden);
  content.tensors = network_->Store();
  return WriteFileAtomically(path, FormatSafetensors(content));
}

std::unique_ptr<Classifier> TorchClassifier::Clone() const {
  auto network = MakeNetwork(shape_);
  EKYA_CHECK(network.ok());
  (*network)->MoveTo(network_->device());
  (*network)->CopyFrom(*network_);
  (*network)->SetTrainingPrecision(network_->training_precision());
  return std::make_unique<TorchClassifier>(shape_, std::move(*network));
}

Result<std::unique_ptr<Classifier>> TorchClassifier::Grown(
    const std::vector<std::string>& classes) const {
  ClassifierShape shape = shape_;
  shape.classes.insert(shape.classes.end(), classes.begin(), classes.end());
  try {
    EKYA_ASSIGN(auto network, MakeNetwork(shape));
    network->MoveTo(network_->device());
    network->CopyGrown(*network_);
    network->SetTrainingPrecision(network_->training_precision());
    return std::unique_ptr<Classifier>(
        std::make_unique<TorchClassifier>(std::move(shape), std::move(network)));
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed,
                 fmt::format("{}: cannot grow: {}", shape_.architecture, exception.what())};
  }
}

std::string TorchClassifier::ToOnnx() const {
  return ExportOnnx(network_->graph(), network_->Store());
}

Result<std::unique_ptr<Engine>> TorchClassifier::ToServingEngine(ServingPrecision precision) const {
  return OpenServingEngine(network_->graph(), network_->Store(), shape_.input_size, precision,
                           device());
}

void TorchClassifier::RemakeHead(int last_hidden, std::uint64_t seed) {
  shape_.last_hidden = last_hidden;
  auto made = MakeNetwork(shape_);
  EKYA_CHECK(made.ok(), made.ok() ? "" : made.error().message);
  const int head = (*made)->stages() - 1;
  (*made)->CopyFrom(*network_, head);
  // The same numbers everywhere: drawn by the processor.
  (*made)->Initialise(MakeGenerator(seed), head);
  (*made)->MoveTo(network_->device());
  (*made)->SetTrainingPrecision(network_->training_precision());
  network_ = std::move(*made);
}

std::int64_t TorchClassifier::parameters() const {
  std::int64_t count = 0;
  for (const auto& parameter : network_->parameters()) count += parameter.numel();
  return count;
}

Status TorchClassifier::ClassifySquare(const std::vector<const Image*>& crops,
                                       std::vector<Detection>* results) {
  try {
    ComputeWithOneThread();
    const c10::InferenceMode inference;
    const auto pictures = ToTensor(crops, network_->device());
    const auto [best, places] = network_->Forward(pictures).softmax(1).max(1);
    const auto scores = best.cpu();
    const auto indices = places.cpu();
    for (std::int64_t i = 0; i < scores.size(0); ++i) {
      Detection detection;
      detection.class_index = static_cast<int>(indices.data_ptr<std::int64_t>()[i]);
      detection.score = scores.data_ptr<float>()[i];
      results->push_back(detection);
    }
    return {};
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed,
                 fmt::format("{}: cannot classify: {}", shape_.architecture, exception.what())};
  }
}

Result<std::vector<Detection>> TorchClassifier::Classify(const std::vector<const Image*>& crops,
                                                         int input_size) {
  const int side = input_size == 0 ? shape_.input_size : input_size;
  EKYA_RETURN_IF_ERROR(CheckInputSize(side));
  std::vector<Detection> results;
  results.reserve(crops.size());
  for (std::size_t begin = 0; begin < crops.size(); begin += kBatch) {
    const std::size_t end = std::min(begin + kBatch, crops.size());
    std::vector<Image> resized;
    resized.reserve(end - begin);
    std::vector<const Image*> batch;
    for (std::size_t i = begin; i < end; ++i) {
      const Image& crop = *crops[i];
      if (crop.width == side && crop.height == side) {
        batch.push_back(&crop);
        continue;
      }
      const Box whole{0, 0, static_cast<double>(crop.width), static_cast<double>(crop.height)};
      batch.push_back(&resized.emplace_back(CropAndResize(crop, whole, side)));
    }
    EKYA_RETURN_IF_ERROR(ClassifySquare(batch, &results));
  }
  for (std::size_t i = 0; i < crops.size(); ++i) {
    results[i].box.width = crops[i]->width;
    results[i].box.height = crops[i]->height;
  }
  return results;
}

Result<std::vector<Detection>> TorchClassifier::Analyze(const Frame& frame, int input_size) {
  const int side = input_size == 0 ? shape_.input_size : input_size;
  EKYA_RETURN_IF_ERROR(CheckInputSize(side));
  std::vector<Image> crops;
  crops.reserve(frame.regions.size());
  std::vector<const Image*> pointers;
  for (const auto& region : frame.regions) {
    pointers.push_back(&crops.emplace_back(CropAndResize(frame.image, region.box, side)));
  }
  EKYA_ASSIGN(auto results, Classify(pointers, side));
  for (std::size_t i = 0; i < results.size(); ++i) results[i].box = frame.regions[i].box;
  return results;
}

}  // namespace ekya::models
