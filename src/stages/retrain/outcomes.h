#pragma once

#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "core/outcomes.h"
#include "platform/models/classifier.h"
#include "platform/models/learning_detector.h"

namespace ekya::retrain {

/// What `model` makes of each of `items`. Of crops: whether its class is right, and how sure it is.
/// Of pictures: F1 at IoU 0.3 (1 where there is nothing and nothing is found), and of each result
/// whether it is right. Errors as the model's.
Result<Outcomes> OutcomesOf(models::Classifier& model, const std::vector<Sample>& items);
Result<Outcomes> OutcomesOf(models::LearningDetector& model,
                            const std::vector<LabelledPicture>& items);

/// The classes of its objects; a crop has one.
std::vector<int> LabelsOf(const Sample& item);
std::vector<int> LabelsOf(const LabelledPicture& item);

template <typename Item>
std::vector<std::vector<int>> LabelsOfEach(const std::vector<Item>& items) {
  std::vector<std::vector<int>> labels;
  for (const Item& item : items) labels.push_back(LabelsOf(item));
  return labels;
}

}  // namespace ekya::retrain
