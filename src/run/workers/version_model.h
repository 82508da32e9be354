#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/models/model.h"

namespace ekya::workers {

/// `model` as its stream serves it: classes by their places among `classes`, the stream's, whatever
/// places this version has them at; scores calibrated by its `temperature` over `scored_classes`
/// (swap::Calibration). All of a version is one object, so that a slot changes it at once.
/// kInvalid where the model knows a class that the stream does not.
Result<std::shared_ptr<models::Model>> MakeVersion(std::shared_ptr<models::Model> model,
                                                   std::vector<std::string> classes,
                                                   int scored_classes, double temperature);

}  // namespace ekya::workers
