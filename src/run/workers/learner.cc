#include "run/workers/learner.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "platform/models/from_settings.h"
#include "run/workers/internal/learner_of.h"

namespace ekya::workers {
namespace {

/// OpenLearner for cameras of one task.
template <typename Task>
Result<OpenedLearner> Opened(const CameraSettings& camera, const std::vector<std::string>& classes,
                             const ModelSettings& settings, const LearningSettings& learning,
                             std::uint64_t seed, const std::filesystem::path& folder) {
  typename internal::LearnerOf<Task>::Make make =
      [settings, precision = models::PrecisionOf(learning.precision),
       weight_seed = DeriveSeed(seed, camera.id + "/weights")](const auto& known) {
        return models::MakeModel<typename Task::Model>(settings, known, precision, weight_seed);
      };
  auto made = make(classes);
  if (!made.ok()) return made.error().Within("camera " + camera.id);
  std::shared_ptr<const typename Task::Model> model = std::move(*made);
  OpenedLearner opened;
  opened.knows = !settings.path.empty();
  opened.classes = classes;
  for (const std::string& name : model->classes()) {
    if (std::ranges::find(classes, name) == classes.end()) opened.classes.push_back(name);
  }
  // Where nothing says which classes there are, the first labels show those to begin with.
  if (opened.knows || !learning.new_classes || !camera.classes.empty()) make = nullptr;
  internal::Manner manner;
  manner.classes = opened.classes;
  manner.grows = learning.new_classes;
  manner.serving = models::ServingPrecisionOf(settings.serving_precision);
  manner.exemplars_per_class = learning.exemplars_per_class;
  manner.seed = DeriveSeed(seed, camera.id + "/exemplars");
  opened.learner = std::make_unique<internal::LearnerOf<Task>>(
      model, std::move(make), std::move(manner), camera.id, folder);
  opened.model = std::move(model);
  return opened;
}

}  // namespace

Result<OpenedLearner> OpenLearner(const CameraSettings& camera,
                                  const std::vector<std::string>& classes,
                                  const ModelSettings& settings, const LearningSettings& learning,
                                  std::uint64_t seed, const std::filesystem::path& folder) {
  if (settings.path.empty() && classes.empty()) {
    return Error{ErrorCode::kInvalid,
                 "camera " + camera.id +
                     ": classes: found none, expected their names (the source, which "
                     "might have told them, is not open)"};
  }
  return camera.task == "detection"
             ? Opened<internal::Detecting>(camera, classes, settings, learning, seed, folder)
             : Opened<internal::Classification>(camera, classes, settings, learning, seed, folder);
}

Result<std::unique_ptr<models::LearningModel>> LoadLearningModel(
    const CameraSettings& camera, const LearningSettings& learning,
    const std::filesystem::path& weights, const Device& device) {
  const models::Precision precision = models::PrecisionOf(learning.precision, device);
  std::unique_ptr<models::LearningModel> model;
  if (camera.task == "detection") {
    EKYA_ASSIGN(model, models::LoadModel<models::LearningDetector>(weights, precision));
  } else {
    EKYA_ASSIGN(model, models::LoadModel<models::Classifier>(weights, precision));
  }
  EKYA_RETURN_IF_ERROR(model->MoveTo(device));
  return model;
}

Result<std::shared_ptr<const models::LearningModel>> OnDevice(
    std::shared_ptr<const models::LearningModel> model, const Learner& learner,
    const LearningSettings& learning, const Device& device) {
  if (model->device() == device) return model;
  std::unique_ptr<models::LearningModel> copy = learner.Clone(*model);
  EKYA_RETURN_IF_ERROR(copy->MoveTo(device));
  if (auto* const classifier = dynamic_cast<models::Classifier*>(copy.get())) {
    classifier->SetTrainingPrecision(models::PrecisionOf(learning.precision, device));
  }
  return std::shared_ptr<const models::LearningModel>(std::move(copy));
}

}  // namespace ekya::workers
