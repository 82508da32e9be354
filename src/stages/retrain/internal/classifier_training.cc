#include "stages/retrain/internal/classifier_training.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/random.h"

namespace ekya::retrain::internal {
namespace {

using models::TorchClassifier;

// Of each picture where features are kept: with more, making them would cost more than training a
// head on them.
constexpr int kVariants = 2;
constexpr std::int64_t kMostFeatureBytes = std::int64_t{256} << 20;
// Pictures that go through frozen stages at once: activations stay in the cache.
constexpr std::size_t kBatch = 32;
// Softens the teacher's answers, so that what it holds for unlikely tells something too.
constexpr double kTemperature = 2;

std::vector<std::size_t> Range(std::size_t begin, std::size_t end) {
  std::vector<std::size_t> places(end - begin);
  std::iota(places.begin(), places.end(), begin);
  return places;
}

/// `count` rows that `compute` gives for begin .. end - 1, a batch at a time.
template <typename Compute>
torch::Tensor InBatches(std::size_t count, Compute compute) {
  torch::Tensor all;
  for (std::size_t begin = 0; begin < count; begin += kBatch) {
    const std::size_t end = std::min(begin + kBatch, count);
    const torch::Tensor rows = compute(begin, end);
    if (!all.defined()) {
      auto sizes = rows.sizes().vec();
      sizes[0] = static_cast<std::int64_t>(count);
      all = torch::empty(sizes, rows.options());
    }
    all.narrow(0, static_cast<std::int64_t>(begin), rows.size(0)).copy_(rows);
  }
  return all;
}

/// Pictures of `pool` at `places`, augmented or as they are, that `device` is to read.
torch::Tensor Pictures(const Pool& pool, const std::vector<std::size_t>& places,
                       const Augmentation& augmentation, Random* random,
                       const torch::Device& device) {
  const int side = pool.side();
  auto images =
      models::EmptyBatch({static_cast<std::int64_t>(places.size()), 3, side, side}, device);
  const std::size_t values = 3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  for (std::size_t row = 0; row < places.size(); ++row) {
    pool.Draw(places[row], augmentation, random, images.data_ptr<float>() + row * values);
  }
  return images;
}

}  // namespace

ClassifierTraining::ClassifierTraining(TorchClassifier* model, TorchClassifier* teacher,
                                       const TrainingSet& set,
                                       const RetrainingConfiguration& configuration,
                                       std::uint64_t seed)
    : model_(*model),
      configuration_(configuration),
      augmentation_(configuration.augmentation ? Augmentation{} : Augmentation::None()),
      loop_(model->network(), configuration, set.training.size(), set.exemplars.size(), seed),
      pool_(model->shape().input_size),
      held_out_(model->shape().input_size) {
  for (const auto index : loop_.chosen()) pool_.Add(set.training[index]);
  for (const auto& exemplar : set.exemplars) pool_.Add(exemplar);
  for (const auto& sample : set.held_out) held_out_.Add(sample);
  Balance(set);
  model_.network().SetTrainedStages(0);
  KeepFeatures(seed);
  if (configuration.distillation > 0) AskTeacher(*teacher);
}

void ClassifierTraining::Balance(const TrainingSet& set) {
  const std::size_t classes = model_.classes().size();
  if (!configuration_.balanced) {
    class_weights_ = torch::ones({static_cast<std::int64_t>(classes)}, device());
    return;
  }
  std::vector<std::int64_t> counts(classes, 0);
  const std::size_t fresh = loop_.chosen().size();
  for (std::size_t i = 0; i < fresh; ++i) ++counts[static_cast<std::size_t>(pool_.label(i))];
  if (!set.exemplars.empty()) {
    std::vector<std::int64_t> kept(classes, 0);
    std::vector<std::vector<std::size_t>> groups(classes);
    for (std::size_t place = fresh; place < pool_.size(); ++place) {
      const auto label = static_cast<std::size_t>(pool_.label(place));
      ++kept[label];
      groups[label].push_back(place);
    }
    auto quotas = ReplayQuotas(counts, kept, loop_.replayed());
    for (std::size_t i = 0; i < classes; ++i) counts[i] += static_cast<std::int64_t>(quotas[i]);
    loop_.Replay(std::move(groups), std::move(quotas));
  }
  class_weights_ = torch::tensor(BalancedWeights(counts)).to(device());
}

torch::Tensor ClassifierTraining::Labels(const std::vector<std::size_t>& places) const {
  return Numbers(places.size(), [&](std::size_t row) { return pool_.label(places[row]); });
}

template <typename NumberAt>
torch::Tensor ClassifierTraining::Numbers(std::size_t count, NumberAt number_at) const {
  const auto numbers =
      models::EmptyBatch({static_cast<std::int64_t>(count)}, device(), torch::kLong);
  for (std::size_t row = 0; row < count; ++row) {
    numbers.data_ptr<std::int64_t>()[row] = static_cast<std::int64_t>(number_at(row));
  }
  return models::OnDevice(numbers, device());
}

void ClassifierTraining::KeepFeatures(std::uint64_t seed) {
  auto& network = model_.network();
  const int frozen = network.stages() - loop_.stages();
  if (frozen == 0) return;
  // A source of its own: what is kept does not depend on what is drawn later.
  Random random(DeriveSeed(seed, "variants"));
  const auto features = [&](const Pool& pool, std::size_t begin, std::size_t end,
                            const Augmentation& augmentation) {
    return network.ForwardTo(frozen,
                             Pictures(pool, Range(begin, end), augmentation, &random, device()));
  };
  const std::int64_t bytes = 4 * features(pool_, 0, 1, Augmentation::None()).numel();
  const auto fits = [&](std::size_t rows) {
    return static_cast<int>(kMostFeatureBytes / (bytes * static_cast<std::int64_t>(rows)));
  };
  const int wanted = configuration_.augmentation ? std::min(kVariants, configuration_.epochs) : 1;
  variants_ = std::min(wanted, fits(pool_.size()));
  if (variants_ == 0) return;
  const auto variants = static_cast<std::size_t>(variants_);
  // The first variant is the picture itself: what the teacher is asked about.
  std::vector<torch::Tensor> each;
  for (std::size_t variant = 0; variant < variants; ++variant) {
    each.push_back(InBatches(pool_.size(), [&](std::size_t begin, std::size_t end) {
      return features(pool_, begin, end, variant == 0 ? Augmentation::None() : augmentation_);
    }));
  }
  features_ = torch::stack(each, 1).flatten(0, 1);
  if (held_out_.size() > 0 && fits(held_out_.size()) > 0) {
    held_out_features_ = InBatches(held_out_.size(), [&](std::size_t begin, std::size_t end) {
      return features(held_out_, begin, end, Augmentation::None());
    });
  }
}

void ClassifierTraining::AskTeacher(TorchClassifier& teacher) {
  const torch::NoGradGuard no_grad;
  auto& network = teacher.network();
  Random random(0);  // draws nothing: pictures are as they are
  const int frozen = network.stages() - loop_.stages();
  const auto answers = InBatches(pool_.size(), [&](std::size_t begin, std::size_t end) {
    if (&teacher == &model_ && variants_ > 0) {
      const auto first = torch::arange(static_cast<std::int64_t>(begin) * variants_,
                                       static_cast<std::int64_t>(end) * variants_, variants_,
                                       torch::TensorOptions(torch::kLong).device(device()));
      return network.ForwardFrom(frozen, features_.index_select(0, first));
    }
    return network.Forward(
        Pictures(pool_, Range(begin, end), Augmentation::None(), &random, device()));
  });
  teacher_ = torch::log_softmax(answers / kTemperature, 1);
  teacher_right_ = (answers.argmax(1) == Labels(Range(0, pool_.size()))).to(torch::kFloat);
}

torch::Tensor ClassifierTraining::Loss(const std::vector<std::size_t>& places) {
  auto& network = model_.network();
  torch::Tensor logits;
  if (variants_ > 0) {
    const auto variants = static_cast<std::size_t>(variants_);
    const auto rows = Numbers(places.size(), [&](std::size_t row) {
      return places[row] * variants + loop_.random().Below(variants);
    });
    logits =
        network.ForwardFrom(network.stages() - loop_.stages(), features_.index_select(0, rows));
  } else {
    logits = network.Forward(Pictures(pool_, places, augmentation_, &loop_.random(), device()));
  }
  const auto labels = Labels(places);
  auto loss = torch::nn::functional::cross_entropy(
      logits, labels, torch::nn::functional::CrossEntropyFuncOptions().weight(class_weights_));
  if (!teacher_.defined()) return loss;
  const auto rows = Numbers(places.size(), [&](std::size_t row) { return places[row]; });
  const auto wanted = teacher_.index_select(0, rows);
  const auto given = torch::log_softmax(logits.narrow(1, 0, wanted.size(1)) / kTemperature, 1);
  const auto distance = (wanted.exp() * (wanted - given)).sum(1);
  const auto right = teacher_right_.index_select(0, rows);
  return loss +
         configuration_.distillation * kTemperature * kTemperature * (distance * right).mean();
}

std::uint64_t ClassifierTraining::Digest() const {
  const std::uint64_t pictures = pool_.Digest() ^ (held_out_.Digest() * 3);
  if (!teacher_.defined()) return pictures;
  const auto answers = teacher_.cpu();
  return DeriveSeed(pictures, {reinterpret_cast<const char*>(answers.data_ptr<float>()),
                               static_cast<std::size_t>(answers.numel()) * sizeof(float)});
}

double ClassifierTraining::Measure() {
  if (held_out_.size() == 0) return 0;
  const torch::NoGradGuard no_grad;
  auto& network = model_.network();
  Random random(0);  // draws nothing
  const int frozen = network.stages() - loop_.stages();
  std::int64_t right = 0;
  for (std::size_t begin = 0; begin < held_out_.size(); begin += kBatch) {
    const std::size_t end = std::min(begin + kBatch, held_out_.size());
    const auto rows = static_cast<std::int64_t>(end - begin);
    const auto answers =
        held_out_features_.defined()
            ? network.ForwardFrom(
                  frozen,
                  held_out_features_.narrow(0, static_cast<std::int64_t>(begin), rows).clone())
            : network.Forward(
                  Pictures(held_out_, Range(begin, end), Augmentation::None(), &random, device()));
    const auto found = answers.argmax(1).cpu();
    for (std::int64_t i = 0; i < rows; ++i) {
      const int label = held_out_.label(begin + static_cast<std::size_t>(i));
      right += found.data_ptr<std::int64_t>()[i] == label ? 1 : 0;
    }
  }
  return static_cast<double>(right) / static_cast<double>(held_out_.size());
}

std::vector<std::vector<float>> FeatureRows(TorchClassifier& model,
                                            const std::vector<Sample>& samples) {
  std::vector<std::vector<float>> rows;
  if (samples.empty()) return rows;
  Pool pool(model.shape().input_size);
  for (const auto& sample : samples) pool.Add(sample);
  Random random(0);  // draws nothing
  auto& network = model.network();
  const auto pooled = InBatches(pool.size(), [&](std::size_t begin, std::size_t end) {
    const auto features = network.ForwardTo(
        network.stages() - 1,
        Pictures(pool, Range(begin, end), Augmentation::None(), &random, network.device()));
    return features.dim() == 4 ? features.mean({2, 3}) : features;
  });
  const auto all = pooled.cpu();
  const float* values = all.data_ptr<float>();
  for (std::int64_t i = 0; i < all.size(0); ++i, values += all.size(1)) {
    rows.emplace_back(values, values + all.size(1));
  }
  return rows;
}

}  // namespace ekya::retrain::internal
