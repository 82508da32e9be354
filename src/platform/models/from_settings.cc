#include "platform/models/from_settings.h"

#include "platform/models/detector.h"

namespace ekya::models {
namespace {

/// What both kinds' shapes have.
template <typename Shape>
Shape ShapeOf(const ModelSettings& settings, const std::vector<std::string>& classes) {
  Shape shape;
  shape.architecture = settings.architecture;
  shape.width = settings.width;
  shape.input_size = settings.input_size;
  shape.classes = classes;
  return shape;
}

}  // namespace

template <>
Result<std::unique_ptr<Classifier>> LoadModel(const std::filesystem::path& file,
                                              Precision precision) {
  EKYA_ASSIGN(auto classifier, Classifier::Load(file));
  classifier->SetTrainingPrecision(precision);
  return classifier;
}

template <>
Result<std::unique_ptr<LearningDetector>> LoadModel(const std::filesystem::path& file, Precision) {
  return LearningDetector::Load(file);
}

template <>
Result<std::unique_ptr<Classifier>> MakeModel(const ModelSettings& settings,
                                              const std::vector<std::string>& classes,
                                              Precision precision, std::uint64_t seed) {
  if (!settings.path.empty()) return LoadModel<Classifier>(settings.path, precision);
  auto shape = ShapeOf<ClassifierShape>(settings, classes);
  shape.last_hidden = settings.last_hidden;
  EKYA_ASSIGN(auto classifier, Classifier::Create(shape, seed));
  classifier->SetTrainingPrecision(precision);
  return classifier;
}

template <>
Result<std::unique_ptr<LearningDetector>> MakeModel(const ModelSettings& settings,
                                                    const std::vector<std::string>& classes,
                                                    Precision precision, std::uint64_t seed) {
  const std::filesystem::path path = settings.path;
  if (path.extension() == ".cfg") {
    return LearningDetector::LoadDarknet(path, CocoNames(), classes);
  }
  if (!path.empty()) return LoadModel<LearningDetector>(path, precision);
  return LearningDetector::Create(ShapeOf<DetectorShape>(settings, classes), seed);
}

}  // namespace ekya::models
