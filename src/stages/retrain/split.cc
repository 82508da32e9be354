#include <algorithm>
#include <cmath>

#include "stages/retrain/detector_trainer.h"
#include "stages/retrain/retrainer.h"

namespace ekya::retrain {

namespace {

template <typename Set, typename Item>
Set Split(std::vector<Item> samples, double held_out_fraction, std::vector<Item> exemplars) {
  Set set;
  set.exemplars = std::move(exemplars);
  std::stable_sort(samples.begin(), samples.end(),
                   [](const Item& a, const Item& b) { return a.time_seconds < b.time_seconds; });
  const auto count = static_cast<std::ptrdiff_t>(samples.size());
  if (count < 2 || !(held_out_fraction > 0)) {
    set.training = std::move(samples);
    return set;
  }
  const auto wanted = static_cast<std::ptrdiff_t>(
      std::lround(std::min(held_out_fraction, 1.0) * static_cast<double>(count)));
  std::ptrdiff_t cut = count - std::clamp<std::ptrdiff_t>(wanted, 1, count - 1);
  // Crops of one frame are too alike to stand on both sides: the nearest gap between two frames. A
  // window of one frame has none and is cut through.
  const auto is_gap = [&](std::ptrdiff_t place) {
    return place > 0 && place < count &&
           samples[static_cast<std::size_t>(place)].time_seconds >
               samples[static_cast<std::size_t>(place - 1)].time_seconds;
  };
  for (std::ptrdiff_t away = 0; away < count; ++away) {
    if (is_gap(cut - away) || is_gap(cut + away)) {
      cut = is_gap(cut - away) ? cut - away : cut + away;
      break;
    }
  }
  set.held_out.assign(std::make_move_iterator(samples.begin() + cut),
                      std::make_move_iterator(samples.end()));
  samples.resize(static_cast<std::size_t>(cut));
  set.training = std::move(samples);
  return set;
}

}  // namespace

TrainingSet SplitByTime(std::vector<Sample> samples, double held_out_fraction,
                        std::vector<Sample> exemplars) {
  return Split<TrainingSet>(std::move(samples), held_out_fraction, std::move(exemplars));
}

DetectorTrainingSet SplitPicturesByTime(std::vector<LabelledPicture> pictures,
                                        double held_out_fraction,
                                        std::vector<LabelledPicture> exemplars) {
  return Split<DetectorTrainingSet>(std::move(pictures), held_out_fraction, std::move(exemplars));
}

Result<double> MeasureAccuracy(models::Classifier& model, const std::vector<Sample>& samples) {
  if (samples.empty()) return 0.0;
  std::vector<const Image*> crops;
  crops.reserve(samples.size());
  for (const auto& sample : samples) crops.push_back(&sample.image);
  EKYA_ASSIGN(const auto found, model.Classify(crops, 0));
  std::size_t right = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (found[i].class_index == samples[i].label) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(samples.size());
}

}  // namespace ekya::retrain
