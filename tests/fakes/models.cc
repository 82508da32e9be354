// What platform/models gives with LibTorch and OpenCV, without them: the live loop then runs under
// the thread sanitizer, which sees only code that was built for it.
#include <cmath>
#include <limits>
#include <sstream>

#include "base/file.h"
#include "core/safetensors.h"
#include "platform/models/detector.h"
#include "platform/models/golden_classifier.h"
#include "platform/models/served_classifier.h"
#include "platform/models/served_detector.h"
#include "tests/fakes/colour_classifier.h"
#include "tests/fakes/middle_detector.h"

namespace ekya::models {
namespace {

ColourClassifier::Colour MeanColour(const Image& image) {
  ColourClassifier::Colour sum{};
  for (std::size_t i = 0; i < image.pixels.size(); ++i) sum[i % 3] += image.pixels[i];
  for (float& channel : sum) {
    channel /= 255.0F * static_cast<float>(std::max<std::size_t>(1, image.pixels.size() / 3));
  }
  return sum;
}

float Distance(const ColourClassifier::Colour& a, const ColourClassifier::Colour& b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

/// What a file says of its model beside the numbers.
template <typename Shape>
void Describe(const Shape& shape, TensorFile* file) {
  file->metadata["input_size"] = std::to_string(shape.input_size);
  for (const std::string& name : shape.classes) file->metadata["classes"] += name + "\n";
}

std::vector<std::string> ClassesOf(const TensorFile& file) {
  std::vector<std::string> classes;
  std::istringstream names(file.metadata.at("classes"));
  for (std::string name; std::getline(names, name);) classes.push_back(name);
  return classes;
}

std::unique_ptr<MiddleDetector> MakeMiddleDetector(const std::vector<std::string>& names,
                                                   const std::vector<std::string>& keep) {
  DetectorShape shape;
  shape.input_size = 64;
  shape.classes = keep.empty() ? names : keep;
  return std::make_unique<MiddleDetector>(std::move(shape));
}

}  // namespace

int CudaDevices() { return 0; }

Status CheckDevice(const Device& device) {
  if (!device.is_cuda()) return {};
  return Error{ErrorCode::kUnavailable, Name(device) + ": models made for tests know none"};
}

bool HasFastBfloat16(const Device& device) { return !device.is_cuda() && HasFastBfloat16(); }

Result<std::unique_ptr<Classifier>> Classifier::Create(const ClassifierShape& shape,
                                                       std::uint64_t) {
  return std::unique_ptr<Classifier>(std::make_unique<ColourClassifier>(shape));
}

Result<std::unique_ptr<Classifier>> Classifier::Load(const std::filesystem::path& path) {
  EKYA_ASSIGN(const std::string bytes, ReadFile(path));
  EKYA_ASSIGN(const TensorFile file, ParseSafetensors(bytes, path.string()));
  EKYA_ASSIGN(const StoredTensor* stored,
              FindTensor(file, path.string(), "colours", ElementType::kF32, {-1, 3}));
  ClassifierShape shape;
  shape.input_size = std::stoi(file.metadata.at("input_size"));
  shape.classes = ClassesOf(file);
  auto classifier = std::make_unique<ColourClassifier>(std::move(shape));
  classifier->SetColours(NumbersOf<float>(*stored));
  return std::unique_ptr<Classifier>(std::move(classifier));
}

Result<std::vector<Detection>> ColourClassifier::Analyze(const Frame& frame, int input_size) {
  std::vector<Image> crops;
  std::vector<const Image*> pointers;
  crops.reserve(frame.regions.size());
  for (const Region& region : frame.regions) {
    crops.push_back(CropAndResize(frame.image, region.box, shape_.input_size));
    pointers.push_back(&crops.back());
  }
  EKYA_ASSIGN(std::vector<Detection> results, Classify(pointers, input_size));
  for (std::size_t i = 0; i < results.size(); ++i) results[i].box = frame.regions[i].box;
  return results;
}

Result<std::vector<Detection>> ColourClassifier::Classify(const std::vector<const Image*>& crops,
                                                          int) {
  std::vector<Detection> results;
  for (const Image* crop : crops) {
    const Colour seen = MeanColour(*crop);
    Detection best;
    float least = std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < colours_.size(); ++i) {
      const float distance = Distance(seen, colours_[i]);
      if (distance >= least) continue;
      least = distance;
      best.class_index = static_cast<int>(i);
    }
    best.score = std::exp(-least);
    results.push_back(best);
  }
  return results;
}

float ColourClassifier::Learn(const Image& image, int label, float rate) {
  const Colour seen = MeanColour(image);
  Colour& own = colours_.at(static_cast<std::size_t>(label));
  const float distance = Distance(seen, own);
  for (std::size_t i = 0; i < own.size(); ++i) own[i] += rate * (seen[i] - own[i]);
  return distance;
}

Status ColourClassifier::Save(const std::filesystem::path& path) const {
  std::vector<float> numbers;
  for (const Colour& colour : colours_) numbers.insert(numbers.end(), colour.begin(), colour.end());
  TensorFile file;
  Describe(shape_, &file);
  file.tensors["colours"] = StoreTensor<float>(
      numbers, {static_cast<std::int64_t>(colours_.size()), static_cast<std::int64_t>(3)});
  return WriteFileAtomically(path, FormatSafetensors(file));
}

std::unique_ptr<Classifier> ColourClassifier::Clone() const {
  return std::make_unique<ColourClassifier>(*this);
}

Result<std::unique_ptr<Classifier>> ColourClassifier::Grown(
    const std::vector<std::string>& classes) const {
  auto grown = std::make_unique<ColourClassifier>(*this);
  grown->shape_.classes.insert(grown->shape_.classes.end(), classes.begin(), classes.end());
  grown->colours_.resize(grown->shape_.classes.size(), Colour{0.5F, 0.5F, 0.5F});
  return std::unique_ptr<Classifier>(std::move(grown));
}

std::shared_ptr<Model> MakeServed(const Classifier& classifier, ServingPrecision) {
  return classifier.Clone();
}

Result<std::unique_ptr<LearningDetector>> LearningDetector::Create(const DetectorShape& shape,
                                                                   std::uint64_t) {
  return std::unique_ptr<LearningDetector>(std::make_unique<MiddleDetector>(shape));
}

Result<std::unique_ptr<LearningDetector>> LearningDetector::Load(
    const std::filesystem::path& path) {
  EKYA_ASSIGN(const std::string bytes, ReadFile(path));
  EKYA_ASSIGN(const TensorFile file, ParseSafetensors(bytes, path.string()));
  EKYA_ASSIGN(const StoredTensor* stored,
              FindTensor(file, path.string(), "place", ElementType::kF32, {4}));
  DetectorShape shape;
  shape.input_size = std::stoi(file.metadata.at("input_size"));
  shape.classes = ClassesOf(file);
  auto detector = std::make_unique<MiddleDetector>(std::move(shape));
  detector->SetPlace(NumbersOf<float>(*stored));
  return std::unique_ptr<LearningDetector>(std::move(detector));
}

Result<std::unique_ptr<LearningDetector>> LearningDetector::LoadDarknet(
    const std::filesystem::path&, const std::vector<std::string>& names,
    const std::vector<std::string>& keep) {
  return std::unique_ptr<LearningDetector>(MakeMiddleDetector(names, keep));
}

Result<std::vector<Detection>> MiddleDetector::Analyze(const Frame& frame, int) {
  const double score = MeanColour(frame.image)[0];
  if (score < score_threshold_) return std::vector<Detection>();
  const double width = frame.image.width;
  const double height = frame.image.height;
  const Box box = {place_[0] * width, place_[1] * height, place_[2] * width, place_[3] * height};
  return std::vector<Detection>{{box, 0, score}};
}

Result<std::unique_ptr<LearningDetector>> MiddleDetector::Grown(
    const std::vector<std::string>& classes) const {
  auto grown = std::make_unique<MiddleDetector>(*this);
  grown->shape_.classes.insert(grown->shape_.classes.end(), classes.begin(), classes.end());
  return std::unique_ptr<LearningDetector>(std::move(grown));
}

float MiddleDetector::Learn(const LabelledPicture& picture, float rate) {
  float distance = 0;
  for (const Detection& object : picture.objects) {
    const double width = picture.image.width;
    const double height = picture.image.height;
    const std::array<double, 4> seen = {object.box.x / width, object.box.y / height,
                                        object.box.width / width, object.box.height / height};
    for (std::size_t i = 0; i < place_.size(); ++i) {
      const float off = static_cast<float>(seen[i]) - place_[i];
      distance += off * off;
      place_[i] += rate * off;
    }
  }
  return distance;
}

Status MiddleDetector::Save(const std::filesystem::path& path) const {
  TensorFile file;
  Describe(shape_, &file);
  file.tensors["place"] = StoreTensor<float>(place_, {static_cast<std::int64_t>(place_.size())});
  return WriteFileAtomically(path, FormatSafetensors(file));
}

std::shared_ptr<Model> MakeServed(const LearningDetector& detector, ServingPrecision) {
  return detector.Clone();
}

Result<std::unique_ptr<Model>> OpenDetector(const std::filesystem::path&,
                                            const std::vector<std::string>& names,
                                            const DetectorOptions& options) {
  return std::unique_ptr<Model>(MakeMiddleDetector(names, options.keep));
}

Result<std::unique_ptr<Model>> OpenGoldenClassifier(const std::filesystem::path&,
                                                    const std::vector<std::string>& names,
                                                    const GoldenClassifierOptions& options) {
  return std::unique_ptr<Model>(MakeMiddleDetector(names, options.keep));
}

}  // namespace ekya::models
