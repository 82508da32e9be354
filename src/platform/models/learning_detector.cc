#include "platform/models/learning_detector.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "base/file.h"
#include "core/safetensors.h"
#include "platform/models/classifier.h"
#include "platform/models/internal/model_metadata.h"
#include "platform/models/overlaps.h"
#include "platform/models/torch_classifier.h"
#include "platform/models/torch_detector.h"

namespace ekya::models {
namespace {

constexpr int kSizeStep = 32;
constexpr int kLargestSize = 2048;
constexpr double kNmsOverlap = 0.45;
// At first nearly no place shows an object (Lin 2017): else the many empty ones rule the start.
constexpr double kFirstObjectness = 0.01;
// Columns of a YOLO place before the class scores.
constexpr std::int64_t kBoxColumns = 5;

Error Invalid(std::string message) { return {ErrorCode::kInvalid, std::move(message)}; }

Status CheckDetectorInputSize(int input_size) {
  if (input_size >= kSizeStep && input_size <= kLargestSize && input_size % kSizeStep == 0)
    return {};
  return Invalid(fmt::format("model: found input_size {}, expected a multiple of {} up to {}",
                             input_size, kSizeStep, kLargestSize));
}

Result<std::unique_ptr<TorchDetector>> Make(const DetectorShape& shape) {
  EKYA_RETURN_IF_ERROR(internal::CheckWidthAndClasses(shape.width, shape.classes));
  EKYA_RETURN_IF_ERROR(CheckDetectorInputSize(shape.input_size));
  EKYA_ASSIGN(DetectorGraph graph, MakeDetectorGraph(shape));
  ComputeWithOneThread();
  const bool ssd = graph.yolo.empty();
  auto head = ssd ? MakeSsdHead(static_cast<int>(shape.classes.size())) : MakeYoloHead(graph.yolo);
  return std::make_unique<TorchDetector>(shape, std::make_shared<Network>(std::move(graph.graph)),
                                         std::move(head), ssd);
}

/// The convolutions whose results are the outputs begin small, and with biases that say that
/// nothing is shown: at first nearly every place is empty, and would rule what is learned.
void InitialiseHeads(Network& network, bool yolo, int classes, at::Generator generator) {
  const torch::NoGradGuard no_grad;
  const auto empty = static_cast<float>(std::log((1 - kFirstObjectness) / kFirstObjectness));
  const auto begin = [&](int layer, std::int64_t columns, std::int64_t column, float bias) {
    auto* convolution = network.convolution(layer);
    if (convolution == nullptr || !convolution->bias.defined()) return;
    convolution->weight.normal_(0, 0.01, generator);
    if (column >= 0) convolution->bias.view({-1, columns}).select(1, column).fill_(bias);
  };
  for (const int output : network.graph().outputs()) {
    if (yolo) {
      begin(output, kBoxColumns + classes, 4, -empty);
      continue;
    }
    const Layer& both = network.graph().layers()[static_cast<std::size_t>(output)];
    // Of the places that count in SSD's loss three in four are empty.
    begin(both.inputs[0], classes + 1, 0, static_cast<float>(std::log(3.0 * classes)));
    begin(both.inputs[1], 4, -1, 0);
  }
}

/// Keeps, of each place's numbers, the box and the classes `kept`, in a head convolution's rows.
StoredTensor KeepRows(const StoredTensor& stored, std::int64_t classes,
                      const std::vector<std::int64_t>& kept) {
  const std::vector<float> numbers = NumbersOf<float>(stored);
  const std::int64_t rows = stored.shape[0];
  const std::int64_t columns = static_cast<std::int64_t>(numbers.size()) / rows;
  std::vector<std::int64_t> chosen;
  for (std::int64_t anchor = 0; anchor < rows / (kBoxColumns + classes); ++anchor) {
    const std::int64_t first = anchor * (kBoxColumns + classes);
    for (std::int64_t i = 0; i < kBoxColumns; ++i) chosen.push_back(first + i);
    for (const std::int64_t each : kept) chosen.push_back(first + kBoxColumns + each);
  }
  std::vector<float> values;
  for (const std::int64_t row : chosen) {
    values.insert(values.end(), numbers.begin() + row * columns,
                  numbers.begin() + (row + 1) * columns);
  }
  std::vector<std::int64_t> shape = stored.shape;
  shape[0] = static_cast<std::int64_t>(chosen.size());
  return StoreTensor(std::span<const float>(values), std::move(shape));
}

Result<DetectorShape> ReadShape(const TensorFile& content, const std::string& file) {
  DetectorShape shape;
  EKYA_ASSIGN(shape.architecture,
              internal::ReadText(content, file, "ekya.detector", "the shape of an Ekya detector"));
  EKYA_RETURN_IF_ERROR(internal::ReadNumber(content, file, "ekya.width", &shape.width));
  EKYA_RETURN_IF_ERROR(internal::ReadNumber(content, file, "ekya.input_size", &shape.input_size));
  const auto darknet = content.metadata.find("ekya.darknet");
  if (darknet != content.metadata.end()) shape.darknet = darknet->second;
  EKYA_ASSIGN(shape.classes, internal::ReadClasses(content, file));
  return shape;
}

}  // namespace

Result<std::unique_ptr<LearningDetector>> LearningDetector::Create(const DetectorShape& shape,
                                                                   std::uint64_t seed) {
  try {
    EKYA_ASSIGN(auto detector, Make(shape));
    const at::Generator generator = MakeGenerator(seed);
    detector->network().Initialise(generator);
    InitialiseHeads(detector->network(), shape.architecture != "ssdlite-mobilenetv2",
                    static_cast<int>(shape.classes.size()), generator);
    return std::unique_ptr<LearningDetector>(std::move(detector));
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed,
                 fmt::format("model: cannot make {}: {}", shape.architecture, exception.what())};
  }
}

Result<std::unique_ptr<LearningDetector>> LearningDetector::Load(
    const std::filesystem::path& path) {
  const std::string file = path.string();
  EKYA_ASSIGN(const std::string bytes, ReadFile(path));
  EKYA_ASSIGN(const TensorFile content, ParseSafetensors(bytes, file));
  EKYA_ASSIGN(const DetectorShape shape, ReadShape(content, file));
  try {
    auto detector = Make(shape);
    if (!detector.ok()) return detector.error().Within(file);
    EKYA_RETURN_IF_ERROR((*detector)->network().Restore(content, file));
    if (content.metadata.contains("ekya.score_threshold")) {
      double threshold = 0;
      EKYA_RETURN_IF_ERROR(internal::ReadNumber(content, file, "ekya.score_threshold", &threshold));
      if (!(threshold >= 0 && threshold <= 1)) {
        return Invalid(fmt::format(
            "{}: __metadata__ ekya.score_threshold: found {}, expected 0 to 1", file, threshold));
      }
      (*detector)->SetScoreThreshold(threshold);
    }
    return std::unique_ptr<LearningDetector>(std::move(*detector));
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed, file + ": cannot load: " + exception.what()};
  }
}

Result<std::unique_ptr<LearningDetector>> LearningDetector::LoadDarknet(
    const std::filesystem::path& configuration, const std::vector<std::string>& names,
    const std::vector<std::string>& keep) {
  const std::string file = configuration.string();
  EKYA_ASSIGN(const std::string text, ReadFile(configuration));
  EKYA_ASSIGN(const DarknetNetwork network, ParseDarknet(text, file));
  std::filesystem::path weights_path = configuration;
  weights_path.replace_extension(".weights");
  EKYA_ASSIGN(const std::string bytes, ReadFile(weights_path));
  EKYA_ASSIGN(TensorFile weights, ParseDarknetWeights(network, bytes, weights_path.string()));
  if (network.width != network.height) {
    return Invalid(fmt::format("{}: [net] width, height: found {} x {}, expected a square", file,
                               network.width, network.height));
  }
  DetectorShape shape;
  shape.architecture = "darknet";
  shape.input_size = network.width;
  shape.darknet = text;
  shape.classes = names;
  for (const YoloHead& head : network.heads) {
    if (static_cast<std::size_t>(head.classes) == names.size()) continue;
    return Invalid(fmt::format("{}: [yolo] classes: found {}, expected {} names", file,
                               head.classes, names.size()));
  }
  if (!keep.empty()) {
    std::vector<std::int64_t> kept;
    for (const std::string& each : keep) {
      const auto place = std::find(names.begin(), names.end(), each);
      if (place == names.end()) {
        return Invalid(fmt::format("{}: classes: found {:?}, expected one of {}", file, each,
                                   fmt::join(names, ", ")));
      }
      kept.push_back(place - names.begin());
    }
    EKYA_ASSIGN(shape.darknet, ReplaceDarknetClasses(text, file, static_cast<int>(keep.size())));
    for (const int output : network.graph.outputs()) {
      const Layer& layer = network.graph.layers()[static_cast<std::size_t>(output)];
      for (const char* part : {".weight", ".bias"}) {
        const auto found = weights.tensors.find(layer.name + part);
        if (layer.kind != Layer::Kind::kConvolution || found == weights.tensors.end()) {
          return Invalid(file + ": found a [yolo] behind no plain [convolutional], expected one");
        }
        found->second = KeepRows(found->second, static_cast<std::int64_t>(names.size()), kept);
      }
    }
    shape.classes = keep;
  }
  try {
    auto detector = Make(shape);
    if (!detector.ok()) return detector.error().Within(file);
    EKYA_RETURN_IF_ERROR((*detector)->network().Restore(weights, weights_path.string()));
    return std::unique_ptr<LearningDetector>(std::move(*detector));
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed, file + ": cannot load: " + exception.what()};
  }
}

void TorchDetector::WritePicture(const Image& image, float* out) const {
  const auto area = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  for (int channel = 0; channel < 3; ++channel) {
    const float* levels = NormalisedLevels(channel);
    const std::uint8_t* in = image.pixels.data() + channel;
    for (std::size_t i = 0; i < area; ++i) {
      *out++ = normalised_ ? levels[in[3 * i]] : static_cast<float>(in[3 * i]) / 255;
    }
  }
}

Result<std::vector<Detection>> TorchDetector::Analyze(const Frame& frame, int input_size) {
  return AnalyzeWith(frame, input_size,
                     [this](torch::Tensor picture) { return network_->Run(std::move(picture)); });
}

Result<std::vector<Detection>> TorchDetector::AnalyzeWith(const Frame& frame, int input_size,
                                                          const Compute& compute) const {
  const int side = input_size == 0 ? shape_.input_size : input_size;
  EKYA_RETURN_IF_ERROR(CheckDetectorInputSize(side));
  if (frame.image.empty()) {
    return Invalid(fmt::format("{}: frame {}: found no picture, expected one", shape_.architecture,
                               frame.index));
  }
  const auto width = static_cast<double>(frame.image.width);
  const auto height = static_cast<double>(frame.image.height);
  std::vector<Detection> found;
  try {
    ComputeWithOneThread();
    const c10::InferenceMode inference;
    auto picture = EmptyBatch({1, 3, side, side}, network_->device());
    WritePicture(CropAndResize(frame.image, {0, 0, width, height}, side),
                 picture.data_ptr<float>());
    EKYA_ASSIGN(const auto outputs, compute(std::move(picture)));
    found = head_->Decode(outputs, 0, side, score_threshold_);
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed,
                 fmt::format("{}: frame {}: cannot detect: {}", shape_.architecture, frame.index,
                             exception.what())};
  }
  std::vector<Detection> inside;
  for (Detection detection : found) {
    const Box& box = detection.box;
    const double left = std::max(0.0, box.x * width / side);
    const double top = std::max(0.0, box.y * height / side);
    const double right = std::min(width, (box.x + box.width) * width / side);
    const double bottom = std::min(height, (box.y + box.height) * height / side);
    if (!(right > left) || !(bottom > top)) continue;
    detection.box = {left, top, right - left, bottom - top};
    inside.push_back(detection);
  }
  return SuppressOverlaps(std::move(inside), kNmsOverlap);
}

Status TorchDetector::Save(const std::filesystem::path& path) const {
  TensorFile content;
  internal::StoreShape(shape_.width, shape_.input_size, shape_.classes, &content);
  content.metadata["ekya.detector"] = shape_.architecture;
  content.metadata["ekya.score_threshold"] = fmt::format("{}", score_threshold_);
  if (!shape_.darknet.empty()) content.metadata["ekya.darknet"] = shape_.darknet;
  content.tensors = network_->Store();
  return WriteFileAtomically(path, FormatSafetensors(content));
}

std::unique_ptr<LearningDetector> TorchDetector::Clone() const {
  auto made = Make(shape_);
  EKYA_CHECK(made.ok(), made.ok() ? "" : made.error().message);
  (*made)->network().MoveTo(network_->device());
  (*made)->network().CopyFrom(*network_);
  (*made)->SetScoreThreshold(score_threshold_);
  return std::move(*made);
}

std::int64_t TorchDetector::parameters() const {
  std::int64_t count = 0;
  for (const auto& parameter : network_->parameters()) count += parameter.numel();
  return count;
}

}  // namespace ekya::models
