#include "platform/models/learning_detector.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
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
// At first nearly no place shows an object (Lin 2017): else the many empty ones rule the start. Nor
// is one of a class that is new.
constexpr double kRare = 0.01;
// Columns of a YOLO place before the class scores.
constexpr std::int64_t kBoxColumns = 5;

/// Of which the sigmoid is kRare.
float RareLogit() { return static_cast<float>(std::log(kRare / (1 - kRare))); }

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
  const auto begin = [&](int layer, std::int64_t columns, std::int64_t column, float bias) {
    auto* convolution = network.convolution(layer);
    if (convolution == nullptr || !convolution->bias.defined()) return;
    convolution->weight.normal_(0, 0.01, generator);
    if (column >= 0) convolution->bias.view({-1, columns}).select(1, column).fill_(bias);
  };
  for (const int output : network.graph().outputs()) {
    if (yolo) {
      begin(output, kBoxColumns + classes, 4, RareLogit());
      continue;
    }
    const Layer& both = network.graph().layers()[static_cast<std::size_t>(output)];
    // Of the places that count in SSD's loss three in four are empty.
    begin(both.inputs[0], classes + 1, 0, static_cast<float>(std::log(3.0 * classes)));
    begin(both.inputs[1], 4, -1, 0);
  }
}

/// A convolution whose rows give class scores: `others` rows of another meaning, then one for each
/// class; for each anchor or default box of a place again.
struct ScoreConvolution {
  const Layer* layer;
  std::int64_t others;
};

std::vector<ScoreConvolution> ScoreConvolutions(const LayerGraph& graph, bool yolo) {
  std::vector<ScoreConvolution> found;
  for (const int output : graph.outputs()) {
    const Layer& layer = graph.layers()[static_cast<std::size_t>(output)];
    if (yolo) {
      found.push_back({&layer, kBoxColumns});
    } else {  // The background's score comes before the classes'.
      found.push_back({&graph.layers()[static_cast<std::size_t>(layer.inputs[0])], 1});
    }
  }
  return found;
}

// A row that is new, not one of those that there were.
constexpr std::int64_t kNewRow = -1;

/// Of each `group` rows of `stored` those at the places `chosen`, in this order. A new row is full
/// of what `fresh` makes of its group's numbers.
StoredTensor ChooseRows(const StoredTensor& stored, std::int64_t group,
                        const std::vector<std::int64_t>& chosen,
                        const std::function<float(std::span<const float>)>& fresh) {
  const std::vector<float> numbers = NumbersOf<float>(stored);
  const std::int64_t rows = stored.shape[0];
  const std::int64_t columns = static_cast<std::int64_t>(numbers.size()) / rows;
  std::vector<float> values;
  for (std::int64_t first = 0; first < rows; first += group) {
    const auto begin = numbers.begin() + first * columns;
    for (const std::int64_t row : chosen) {
      if (row == kNewRow) {
        values.insert(values.end(), static_cast<std::size_t>(columns),
                      fresh({begin, begin + group * columns}));
      } else {
        values.insert(values.end(), begin + row * columns, begin + (row + 1) * columns);
      }
    }
  }
  std::vector<std::int64_t> shape = stored.shape;
  shape[0] = rows / group * static_cast<std::int64_t>(chosen.size());
  return StoreTensor(std::span<const float>(values), std::move(shape));
}

/// Replaces the classes of `graph`, a detector of `classes` classes whose weights `tensors` are:
/// those at the places `chosen` are left, kNewRow is one that is unlikely anywhere.
Status ChooseClasses(const LayerGraph& graph, bool yolo, std::size_t classes,
                     const std::vector<std::int64_t>& chosen, const std::string& file,
                     std::map<std::string, StoredTensor>* tensors) {
  const auto no_weight = [](std::span<const float>) { return 0.0F; };
  // Sigmoids know nothing of each other; of a softmax what is rare beside the rarest is rare.
  const auto bias = [&](std::span<const float> known) {
    return yolo ? RareLogit() : *std::ranges::min_element(known) + RareLogit();
  };
  for (const auto& [layer, others] : ScoreConvolutions(graph, yolo)) {
    const auto weights = tensors->find(layer->name + ".weight");
    const auto biases = tensors->find(layer->name + ".bias");
    if (layer->kind != Layer::Kind::kConvolution || weights == tensors->end() ||
        biases == tensors->end()) {
      return Invalid(file + ": found a [yolo] behind no plain [convolutional], expected one");
    }
    std::vector<std::int64_t> rows(static_cast<std::size_t>(others));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    for (const std::int64_t each : chosen) rows.push_back(each == kNewRow ? each : others + each);
    const std::int64_t group = others + static_cast<std::int64_t>(classes);
    weights->second = ChooseRows(weights->second, group, rows, no_weight);
    biases->second = ChooseRows(biases->second, group, rows, bias);
  }
  return {};
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
    EKYA_RETURN_IF_ERROR(
        ChooseClasses(network.graph, /*yolo=*/true, names.size(), kept, file, &weights.tensors));
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

Result<std::unique_ptr<LearningDetector>> TorchDetector::Grown(
    const std::vector<std::string>& classes) const {
  DetectorShape shape = shape_;
  shape.classes.insert(shape.classes.end(), classes.begin(), classes.end());
  EKYA_RETURN_IF_ERROR(internal::CheckWidthAndClasses(shape.width, shape.classes));
  try {
    if (!shape.darknet.empty()) {
      EKYA_ASSIGN(shape.darknet, ReplaceDarknetClasses(shape.darknet, shape.architecture,
                                                       static_cast<int>(shape.classes.size())));
    }
    EKYA_ASSIGN(auto grown, Make(shape));
    std::vector<std::int64_t> chosen(shape_.classes.size());
    std::iota(chosen.begin(), chosen.end(), std::int64_t{0});
    chosen.insert(chosen.end(), classes.size(), kNewRow);
    TensorFile content;
    content.tensors = network_->Store();
    EKYA_RETURN_IF_ERROR(ChooseClasses(network_->graph(), !normalised_, shape_.classes.size(),
                                       chosen, shape_.architecture, &content.tensors));
    EKYA_RETURN_IF_ERROR(grown->network().Restore(content, shape_.architecture));
    grown->network().MoveTo(network_->device());
    grown->SetScoreThreshold(score_threshold_);
    return std::unique_ptr<LearningDetector>(std::move(grown));
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed,
                 fmt::format("{}: cannot grow: {}", shape_.architecture, exception.what())};
  }
}

std::int64_t TorchDetector::parameters() const {
  std::int64_t count = 0;
  for (const auto& parameter : network_->parameters()) count += parameter.numel();
  return count;
}

}  // namespace ekya::models
