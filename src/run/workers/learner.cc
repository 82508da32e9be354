#include "run/workers/learner.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "platform/models/from_settings.h"
#include "run/workers/internal/learner_of.h"

namespace ekya::workers {
namespace {

/// `made` and what learns it. `make`: as LearnerOf.
template <typename Task>
Result<OpenedLearner> Opened(Result<std::unique_ptr<typename Task::Model>> made,
                             typename internal::LearnerOf<Task>::Make make, internal::Manner manner,
                             bool knows, const std::string& stream,
                             const std::filesystem::path& folder) {
  if (!made.ok()) return made.error().Within("camera " + stream);
  std::shared_ptr<const typename Task::Model> model = std::move(*made);
  OpenedLearner opened;
  for (const std::string& name : model->classes()) {
    if (std::ranges::find(manner.classes, name) == manner.classes.end()) {
      manner.classes.push_back(name);
    }
  }
  opened.classes = manner.classes;
  opened.learner = std::make_unique<internal::LearnerOf<Task>>(model, std::move(make),
                                                               std::move(manner), stream, folder);
  opened.model = std::move(model);
  opened.knows = knows;
  return opened;
}

}  // namespace

Result<OpenedLearner> OpenLearner(const CameraSettings& camera,
                                  const std::vector<std::string>& classes,
                                  const ModelSettings& settings, const LearningSettings& learning,
                                  std::uint64_t seed, const std::filesystem::path& folder) {
  const bool knows = !settings.path.empty();
  if (!knows && classes.empty()) {
    return Error{ErrorCode::kInvalid,
                 "camera " + camera.id +
                     ": classes: found none, expected their names (the source, which "
                     "might have told them, is not open)"};
  }
  internal::Manner manner;
  manner.classes = classes;
  manner.serving = models::ServingPrecisionOf(settings.serving_precision);
  manner.exemplars_per_class = learning.exemplars_per_class;
  manner.seed = DeriveSeed(seed, camera.id + "/exemplars");
  const std::uint64_t weight_seed = DeriveSeed(seed, camera.id + "/weights");
  const models::Precision precision = models::PrecisionOf(learning.precision);
  if (camera.task == "detection") {
    return Opened<internal::Detecting>(
        models::MakeModel<models::LearningDetector>(settings, classes, precision, weight_seed),
        nullptr, std::move(manner), knows, camera.id, folder);
  }
  manner.grows = learning.new_classes;
  internal::LearnerOf<internal::Classification>::Make make;
  if (!knows && learning.new_classes && camera.classes.empty()) {
    make = [settings, precision, weight_seed](const std::vector<std::string>& shown) {
      return models::MakeModel<models::Classifier>(settings, shown, precision, weight_seed);
    };
  }
  return Opened<internal::Classification>(
      models::MakeModel<models::Classifier>(settings, classes, precision, weight_seed),
      std::move(make), std::move(manner), knows, camera.id, folder);
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
