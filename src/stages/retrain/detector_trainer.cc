#include "stages/retrain/detector_trainer.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/clock.h"
#include "base/random.h"
#include "platform/models/classifier.h"
#include "platform/models/torch_classifier.h"
#include "platform/models/torch_detector.h"
#include "stages/retrain/internal/momentum_sgd.h"
#include "stages/retrain/internal/pool.h"

namespace ekya::retrain {
namespace {

using models::TorchDetector;

// The paper's measure of detection: a box counts where it overlaps the object by so much.
constexpr double kIou = 0.3;
// A loss of thousands in the first steps must not throw the weights out of reach.
constexpr double kLargestGradient = 10;
constexpr double kLargestBrightness = 0.15;
constexpr double kLargestContrast = 0.25;

Error Invalid(const RetrainingConfiguration& configuration, const std::string& text) {
  return {ErrorCode::kInvalid,
          fmt::format("retraining configuration '{}': {}", configuration.id, text)};
}

Status CheckLabels(const RetrainingConfiguration& configuration,
                   const std::vector<LabelledPicture>& pictures, std::size_t classes) {
  for (const auto& picture : pictures) {
    if (picture.image.empty())
      return Invalid(configuration, "found an empty picture, expected one");
    for (const auto& object : picture.objects) {
      if (object.class_index >= 0 && object.class_index < static_cast<int>(classes)) continue;
      return Invalid(configuration,
                     fmt::format("found an object of class {}, expected 0 to {}: the classes of "
                                 "the model",
                                 object.class_index, classes - 1));
    }
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

/// One training in progress.
class DetectorTraining {
 public:
  DetectorTraining(TorchDetector* model, const DetectorTrainingSet& set,
                   const RetrainingConfiguration& configuration, std::uint64_t seed)
      : model_(*model),
        configuration_(configuration),
        random_(DeriveSeed(seed, "order")),
        stages_(std::min(configuration.trained_stages, model->network().stages())),
        parameters_([&] {
          model_.network().SetTrainedStages(stages_);
          std::vector<torch::Tensor> learning;
          for (auto& parameter : model_.network().parameters()) {
            if (parameter.requires_grad()) learning.push_back(parameter);
          }
          return learning;
        }()),
        sgd_(parameters_) {
    const int side = model->shape().input_size;
    std::vector<std::size_t> order(set.training.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    random_.Shuffle(order);
    const auto wanted = static_cast<std::size_t>(std::max<long>(
        1, std::lround(configuration.sample_fraction * static_cast<double>(order.size()))));
    order.resize(std::min(wanted, order.size()));
    for (const std::size_t index : order) pictures_.push_back(Resize(set.training[index], side));
    fresh_ = pictures_.size();
    for (const auto& exemplar : set.exemplars) pictures_.push_back(Resize(exemplar, side));
    replayed_ = std::min(set.exemplars.size(), fresh_);
    const auto minibatches =
        internal::MinibatchSizes(fresh_ + replayed_,
                                 static_cast<std::size_t>(configuration.batch_size))
            .size();
    steps_ = static_cast<std::int64_t>(minibatches) * configuration.epochs;
  }

  /// One pass over the pictures. `epoch` counts from 1.
  Status RunEpoch(int epoch, const std::function<bool()>& checkpoint) {
    model_.network().SetTrainedStages(stages_);
    const auto order = Order();
    const auto sizes =
        internal::MinibatchSizes(order.size(), static_cast<std::size_t>(configuration_.batch_size));
    std::size_t begin = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (!checkpoint()) {
        return Error{ErrorCode::kCancelled, fmt::format("training cancelled in epoch {}", epoch)};
      }
      const double loss = RunMinibatch(order, begin, sizes[i]);
      begin += sizes[i];
      if (!std::isfinite(loss) || (i + 1 == sizes.size() && !sgd_.WeightsBounded())) {
        return Error{ErrorCode::kFailed,
                     fmt::format("retraining configuration '{}': epoch {}, minibatch {} of {}: "
                                 "found a loss of {}{}, expected finite ones (learning rate {})",
                                 configuration_.id, epoch, i + 1, sizes.size(), loss,
                                 std::isfinite(loss) ? " and weights that burst" : "",
                                 configuration_.learning_rate)};
      }
    }
    model_.network().SetTrainedStages(0);
    return {};
  }

 private:
  std::vector<std::size_t> Order() {
    std::vector<std::size_t> exemplars(pictures_.size() - fresh_);
    std::iota(exemplars.begin(), exemplars.end(), fresh_);
    random_.Shuffle(exemplars);
    std::vector<std::size_t> order(fresh_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    order.insert(order.end(), exemplars.begin(),
                 exemplars.begin() + static_cast<std::ptrdiff_t>(replayed_));
    random_.Shuffle(order);
    return order;
  }

  /// Returns the loss before the step.
  double RunMinibatch(const std::vector<std::size_t>& order, std::size_t begin, std::size_t size) {
    // A window of one picture: shown twice, since batch norm needs two values.
    const std::size_t rows = std::max(size, std::size_t{2});
    const int side = model_.shape().input_size;
    auto images = torch::empty({static_cast<std::int64_t>(rows), 3, side, side});
    const std::size_t values = 3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    std::vector<std::vector<Detection>> truth;
    for (std::size_t row = 0; row < rows; ++row) {
      LabelledPicture picture = pictures_[order[begin + row % size]];
      if (configuration_.augmentation) {
        if (random_.Below(2) == 1) Mirror(&picture);
        ChangeLight(&picture.image, &random_);
      }
      model_.WritePicture(picture.image, images.data_ptr<float>() + row * values);
      truth.push_back(std::move(picture.objects));
    }
    const auto loss = model_.head().Loss(model_.network().Run(std::move(images)), truth, side);
    const auto value = loss.item<double>();
    if (!std::isfinite(value)) return value;
    loss.backward();
    torch::nn::utils::clip_grad_norm_(parameters_, kLargestGradient);
    sgd_.Step(internal::OneCycle(configuration_.learning_rate, step_++, steps_));
    return value;
  }

  TorchDetector& model_;
  const RetrainingConfiguration& configuration_;
  Random random_;
  const int stages_;
  std::vector<torch::Tensor> parameters_;  // those that learn
  internal::MomentumSgd sgd_;
  std::vector<LabelledPicture> pictures_;  // the fresh ones, then the exemplars
  std::size_t fresh_ = 0;
  std::size_t replayed_ = 0;  // exemplars per epoch
  std::int64_t step_ = 0;
  std::int64_t steps_ = 0;
};

Result<DetectorOutcome> TrainCopy(std::unique_ptr<models::LearningDetector> copy,
                                  const DetectorTrainingSet& set,
                                  const RetrainingConfiguration& configuration, std::uint64_t seed,
                                  const TrainingHooks& hooks) {
  const double start = ThreadCpuSeconds();
  auto* model = dynamic_cast<TorchDetector*>(copy.get());
  EKYA_CHECK(model != nullptr, "only a TorchDetector trains");
  models::ComputeWithOneThread();

  DetectorOutcome outcome;
  EKYA_ASSIGN(outcome.start_f1, MeasureF1(*model, set.held_out));
  DetectorTraining training(model, set, configuration, seed);
  for (int epoch = 1; epoch <= configuration.epochs; ++epoch) {
    const double epoch_start = ThreadCpuSeconds();
    EKYA_RETURN_IF_ERROR(training.RunEpoch(epoch, hooks.checkpoint));
    const double epoch_seconds = ThreadCpuSeconds() - epoch_start;
    EKYA_ASSIGN(const double f1, MeasureF1(*model, set.held_out));
    outcome.f1.push_back(f1);
    if (!hooks.epoch({epoch, epoch_seconds, f1})) break;
  }
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
  for (const auto* pictures : {&set.training, &set.exemplars, &set.held_out}) {
    EKYA_RETURN_IF_ERROR(CheckLabels(configuration, *pictures, base.shape().classes.size()));
  }
  try {
    return TrainCopy(base.Clone(), set, configuration, seed, hooks);
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed, fmt::format("retraining configuration '{}': cannot train: {}",
                                                 configuration.id, exception.what())};
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
