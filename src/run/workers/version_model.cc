#include "run/workers/version_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "stages/swap/calibration.h"

namespace ekya::workers {
namespace {

class VersionModel : public models::Model {
 public:
  VersionModel(std::shared_ptr<models::Model> model, std::vector<std::string> classes,
               std::vector<int> places, const swap::Calibration& calibration)
      : model_(std::move(model)),
        classes_(std::move(classes)),
        places_(std::move(places)),
        calibration_(calibration) {}

  const std::vector<std::string>& classes() const override { return classes_; }

  Result<std::vector<Detection>> Analyze(const Frame& frame, int input_size) override {
    EKYA_ASSIGN(auto results, model_->Analyze(frame, input_size));
    for (Detection& each : results) {
      each.class_index = places_.at(static_cast<std::size_t>(each.class_index));
      if (calibration_.temperature() != 1) each.score = calibration_.Apply(each.score);
    }
    return results;
  }

 private:
  const std::shared_ptr<models::Model> model_;
  const std::vector<std::string> classes_;
  const std::vector<int> places_;  // of the model's classes among the stream's
  const swap::Calibration calibration_;
};

}  // namespace

Result<std::shared_ptr<models::Model>> MakeVersion(std::shared_ptr<models::Model> model,
                                                   std::vector<std::string> classes,
                                                   int scored_classes, double temperature) {
  std::vector<int> places;
  for (const std::string& name : model->classes()) {
    const auto place = std::ranges::find(classes, name);
    if (place == classes.end()) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("found a model of class {:?}, expected one of the stream's: {}",
                               name, fmt::join(classes, ", "))};
    }
    places.push_back(static_cast<int>(place - classes.begin()));
  }
  return std::shared_ptr<models::Model>(
      std::make_shared<VersionModel>(std::move(model), std::move(classes), std::move(places),
                                     swap::Calibration(scored_classes, temperature)));
}

}  // namespace ekya::workers
