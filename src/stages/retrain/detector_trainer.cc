#include "stages/retrain/detector_trainer.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/random.h"
#include "platform/models/classifier.h"
#include "platform/models/torch_classifier.h"
#include "platform/models/torch_detector.h"
#include "stages/retrain/internal/epoch_loop.h"

namespace ekya::retrain {
namespace {

using internal::EpochLoop;
using internal::Invalid;
using models::TorchDetector;

// The paper's measure of detection: a box counts where it overlaps the object by so much.
constexpr double kIou = 0.3;
// A loss of thousands in the first steps must not throw the weights out of reach.
constexpr double kLargestGradient = 10;
constexpr double kLargestBrightness = 0.15;
constexpr double kLargestContrast = 0.25;

/// `least`: -1 where an object may be of no class.
Status CheckLabels(const RetrainingConfiguration& configuration,
                   const std::vector<LabelledPicture>& pictures, std::size_t classes, int least) {
  for (const auto& picture : pictures) {
    if (picture.image.empty())
      return Invalid(configuration, "found an empty picture, expected one");
    for (const auto& object : picture.objects) {
      if (object.class_index >= least && object.class_index < static_cast<int>(classes)) continue;
      return Invalid(configuration,
                     fmt::format("found an object of class {}, expected 0 to {}: the classes of "
                                 "the model",
                                 object.class_index, classes - 1));
    }
  }
  return {};
}

/// Whether what is trained on shows each new class: the last of the `classes` that labels may say.
Status CheckNewClasses(const RetrainingConfiguration& configuration, const DetectorTrainingSet& set,
                       std::size_t classes) {
  std::vector<int> shown(classes, 0);
  for (const auto* part : {&set.training, &set.exemplars}) {
    for (const auto& picture : *part) {
      for (const auto& object : picture.objects) {
        ++shown[static_cast<std::size_t>(object.class_index)];
      }
    }
  }
  for (std::size_t i = 0; i < set.new_classes.size(); ++i) {
    if (shown[classes - set.new_classes.size() + i] > 0) continue;
    return Invalid(configuration,
                   fmt::format("new class '{}': found no object of it in what is trained on, "
                               "expected at least one",
                               set.new_classes[i]));
  }
  return {};
}

/// `picture` at the network's input size, its boxes too.
LabelledPicture Resize(const LabelledPicture& picture, int side) {
  const double width = picture.image.width;
  const double height = picture.image.height;
  LabelledPicture resized;
  resized.image = models::CropAndResize(picture.image, {0, 0, width, height}, side);
  for (Detection object : picture.objects) {
    Box& box = object.box;
    box = {box.x * side / width, box.y * side / height, box.width * side / width,
           box.height * side / height};
    resized.objects.push_back(object);
  }
  resized.time_seconds = picture.time_seconds;
  return resized;
}

void Mirror(LabelledPicture* picture) {
  Image& image = picture->image;
  for (int y = 0; y < image.height; ++y) {
    auto* row = image.pixels.data() + 3 * static_cast<std::ptrdiff_t>(y) * image.width;
    for (int left = 0, right = image.width - 1; left < right; ++left, --right) {
      std::swap_ranges(row + 3 * left, row + 3 * left + 3, row + 3 * right);
    }
  }
  for (Detection& object : picture->objects) {
    object.box.x = image.width - object.box.x - object.box.width;
  }
}

void ChangeLight(Image* image, Random* random) {
  const double brightness = random->Uniform(-kLargestBrightness, kLargestBrightness) * 255;
  const double contrast = random->Uniform(1 - kLargestContrast, 1 + kLargestContrast);
  for (auto& value : image->pixels) {
    value = static_cast<std::uint8_t>(
        std::clamp((value - 127.5) * contrast + 127.5 + brightness, 0.0, 255.0));
  }
}

/// What a detector learns from: its pictures at the network's input size and their losses.
class DetectorTraining {
 public:
  DetectorTraining(TorchDetector* model, const DetectorTrainingSet& set,
                   const RetrainingConfiguration& configuration, std::uint64_t seed)
      : model_(*model),
        augmentation_(configuration.augmentation),
        loop_(model->network(), configuration, set.training.size(), set.exemplars.size(), seed,
              kLargestGradient) {
    const int side = model->shape().input_size;
    for (const std::size_t index : loop_.chosen()) {
      pictures_.push_back(Resize(set.training[index], side));
    }
    for (const auto& exemplar : set.exemplars) pictures_.push_back(Resize(exemplar, side));
  }

  EpochLoop& loop() { return loop_; }

  std::uint64_t Digest() const {
    std::uint64_t digest = 0;
    for (const auto& picture : pictures_) {
      const auto& pixels = picture.image.pixels;
      digest = DeriveSeed(digest, {reinterpret_cast<const char*>(pixels.data()), pixels.size()});
      for (const auto& object : picture.objects) {
        const Box& box = object.box;
        digest = DeriveSeed(digest, fmt::format("{} {} {} {} {}", object.class_index, box.x, box.y,
                                                box.width, box.height));
      }
    }
    return digest;
  }

  torch::Tensor Loss(const std::vector<std::size_t>& places) {
    const int side = model_.shape().input_size;
    auto images = models::EmptyBatch({static_cast<std::int64_t>(places.size()), 3, side, side},
                                     model_.network().device());
    const std::size_t values = 3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    std::vector<std::vector<Detection>> truth;
    for (std::size_t row = 0; row < places.size(); ++row) {
      LabelledPicture picture = pictures_[places[row]];
      if (augmentation_) {
        if (loop_.random().Below(2) == 1) Mirror(&picture);
        ChangeLight(&picture.image, &loop_.random());
      }
      model_.WritePicture(picture.image, images.data_ptr<float>() + row * values);
      truth.push_back(std::move(picture.objects));
    }
    return model_.head().Loss(model_.network().Run(std::move(images)), truth, side);
  }

 private:
  TorchDetector& model_;
  const bool augmentation_;
  EpochLoop loop_;
  std::vector<LabelledPicture> pictures_;  // by place
};

Result<DetectorOutcome> TrainCopy(const models::LearningDetector& base,
                                  const DetectorTrainingSet& set,
                                  const RetrainingConfiguration& configuration, std::uint64_t seed,
                                  const TrainingHooks& hooks) {
  const double start = ThreadCpuSeconds();
  std::unique_ptr<models::LearningDetector> copy;
  if (set.new_classes.empty()) {
    copy = base.Clone();
  } else {
    auto grown = base.Grown(set.new_classes);
    if (!grown.ok()) return Invalid(configuration, grown.error().message);
    copy = std::move(*grown);
  }
  auto* model = dynamic_cast<TorchDetector*>(copy.get());
  EKYA_CHECK(model != nullptr, "only a TorchDetector trains");
  models::ComputeWithOneThread();

  DetectorOutcome outcome;
  EKYA_ASSIGN(outcome.start_f1, MeasureF1(*model, set.held_out));
  DetectorTraining training(model, set, configuration, seed);
  outcome.samples_per_epoch = static_cast<int>(training.loop().samples_per_epoch());
  EKYA_ASSIGN(outcome.f1, training.loop().Run(
                              hooks, [&](const auto& places) { return training.Loss(places); },
                              [&] { return MeasureF1(*model, set.held_out); },
                              !set.held_out.empty(), [&] { return training.Digest(); }));
  outcome.model = std::move(copy);
  outcome.cpu_seconds = ThreadCpuSeconds() - start;
  return outcome;
}

}  // namespace

Result<DetectorOutcome> TrainDetector(const models::LearningDetector& base,
                                      const DetectorTrainingSet& set,
                                      const RetrainingConfiguration& configuration,
                                      std::uint64_t seed, const TrainingHooks& hooks) {
  EKYA_RETURN_IF_ERROR(CheckConfiguration(configuration));
  if (set.training.empty()) {
    return Invalid(configuration, "found no training picture, expected at least one");
  }
  const std::size_t classes = base.shape().classes.size() + set.new_classes.size();
  EKYA_RETURN_IF_ERROR(CheckLabels(configuration, set.training, classes, 0));
  EKYA_RETURN_IF_ERROR(CheckLabels(configuration, set.exemplars, classes, 0));
  EKYA_RETURN_IF_ERROR(CheckLabels(configuration, set.held_out, classes, -1));
  EKYA_RETURN_IF_ERROR(CheckNewClasses(configuration, set, classes));
  try {
    return TrainCopy(base, set, configuration, seed, hooks);
  } catch (const std::exception& exception) {
    return internal::CannotTrain(configuration, exception);
  }
}

Result<double> MeasureF1(models::LearningDetector& model,
                         const std::vector<LabelledPicture>& pictures) {
  FrameScore score;
  Frame frame;
  for (const auto& picture : pictures) {
    frame.image = picture.image;
    EKYA_ASSIGN(const auto found, model.Analyze(frame, 0));
    score += ScoreFrame(found, picture.objects, kIou);
  }
  return std::max(0.0, score.F1());
}

}  // namespace ekya::retrain
