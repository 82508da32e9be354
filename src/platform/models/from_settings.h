#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/site.h"
#include "platform/models/classifier.h"
#include "platform/models/learning_detector.h"
#include "platform/models/precision.h"

/// Models as a site's file asks for them. `precision` is what training computes with, where the
/// kind of model leaves a choice.
namespace ekya::models {

/// The model that was saved as `file`. Errors as Model::Load.
template <typename Model>
Result<std::unique_ptr<Model>> LoadModel(const std::filesystem::path& file, Precision precision);
template <>
Result<std::unique_ptr<Classifier>> LoadModel(const std::filesystem::path& file,
                                              Precision precision);
template <>
Result<std::unique_ptr<LearningDetector>> LoadModel(const std::filesystem::path& file, Precision);

/// The model of `settings.path`, whichever classes it knows, or one of the shape that `settings`
/// say with fresh weights from `seed` that tells `classes` apart. A detector's path may also be a
/// Darknet *.cfg with its *.weights beside it, of whose classes `classes` are kept. Errors as
/// Model::Create and Model::Load.
template <typename Model>
Result<std::unique_ptr<Model>> MakeModel(const ModelSettings& settings,
                                         const std::vector<std::string>& classes,
                                         Precision precision, std::uint64_t seed);
template <>
Result<std::unique_ptr<Classifier>> MakeModel(const ModelSettings& settings,
                                              const std::vector<std::string>& classes,
                                              Precision precision, std::uint64_t seed);
template <>
Result<std::unique_ptr<LearningDetector>> MakeModel(const ModelSettings& settings,
                                                    const std::vector<std::string>& classes,
                                                    Precision, std::uint64_t seed);

}  // namespace ekya::models
