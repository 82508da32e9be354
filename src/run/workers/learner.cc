#include "run/workers/learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "platform/datasets/exemplar_memory.h"
#include "platform/datasets/picture_memory.h"
#include "platform/models/classifier.h"
#include "platform/models/detector.h"
#include "platform/models/learning_detector.h"
#include "platform/models/served_classifier.h"
#include "platform/models/served_detector.h"
#include "stages/retrain/detector_trainer.h"
#include "stages/retrain/score_threshold.h"

namespace ekya::workers {
namespace {

constexpr double kHeldOutFraction = 0.35;
// The window being labelled, the one being trained on, and the one before it.
constexpr int kWindowsKept = 3;

/// Leaves at most `most` of `items`, evenly spread.
template <typename Item>
void Thin(std::vector<Item>& items, std::size_t most) {
  if (items.size() <= most) return;
  for (std::size_t i = 0; i < most; ++i) {
    const std::size_t from = i * items.size() / most;
    if (from != i) items[i] = std::move(items[from]);
  }
  items.resize(most);
}

/// Crops of objects, each of one class.
struct Classification {
  using Model = models::Classifier;
  using Item = Sample;
  using Memory = datasets::ExemplarMemory;
  using Set = retrain::TrainingSet;

  static int SideOf(const Model& model) { return model.shape().input_size; }
  static std::vector<Item> ItemsOf(const std::vector<FramePtr>& frames,
                                   const std::vector<labels::Labeller::Labels>& labels, int side) {
    return labels::MakeSamples(frames, labels, side);
  }
  static Set Split(std::vector<Item> items, std::vector<Item> exemplars) {
    return retrain::SplitByTime(std::move(items), kHeldOutFraction, std::move(exemplars));
  }
  static int ObjectsIn(const Item&) { return 1; }
  static void Count(const Item& item, std::vector<int>* counts) {
    ++counts->at(static_cast<std::size_t>(item.label));
  }
  static constexpr bool kOneClassTeaches = false;
  static Result<Learned> Train(const Model& base, const Set& set,
                               const RetrainingConfiguration& configuration, std::uint64_t seed,
                               const retrain::TrainingHooks& hooks) {
    EKYA_ASSIGN(auto outcome, retrain::Train(base, set, configuration, seed, hooks));
    return Learned{std::move(outcome.model),  std::move(outcome.accuracy), outcome.start_accuracy,
                   outcome.samples_per_epoch, outcome.once_cpu_seconds,    outcome.cpu_seconds};
  }
  static Result<double> Measure(Model& model, const std::vector<Item>& items) {
    return retrain::MeasureAccuracy(model, items);
  }
};

/// Whole pictures with the objects that they show.
struct Detecting {
  using Model = models::LearningDetector;
  using Item = LabelledPicture;
  using Memory = datasets::PictureMemory;
  using Set = retrain::DetectorTrainingSet;

  static int SideOf(const Model& model) { return model.shape().input_size; }
  static std::vector<Item> ItemsOf(const std::vector<FramePtr>& frames,
                                   const std::vector<labels::Labeller::Labels>& labels, int side) {
    return labels::MakePictures(frames, labels, side);
  }
  static Set Split(std::vector<Item> items, std::vector<Item> exemplars) {
    return retrain::SplitPicturesByTime(std::move(items), kHeldOutFraction, std::move(exemplars));
  }
  static int ObjectsIn(const Item& item) { return static_cast<int>(item.objects.size()); }
  static void Count(const Item& item, std::vector<int>* counts) {
    for (const Detection& object : item.objects) {
      ++counts->at(static_cast<std::size_t>(object.class_index));
    }
  }
  static constexpr bool kOneClassTeaches = true;
  static Result<Learned> Train(const Model& base, const Set& set,
                               const RetrainingConfiguration& configuration, std::uint64_t seed,
                               const retrain::TrainingHooks& hooks) {
    EKYA_ASSIGN(auto outcome, retrain::TrainDetector(base, set, configuration, seed, hooks));
    // As TrainDetector takes them: at least one, and as many exemplars at most.
    const long chosen = std::max(
        1L, std::lround(configuration.sample_fraction * static_cast<double>(set.training.size())));
    const long replayed = std::min(chosen, static_cast<long>(set.exemplars.size()));
    Learned learned{
        nullptr, std::move(outcome.f1), outcome.start_f1, static_cast<int>(chosen + replayed),
        0,       outcome.cpu_seconds};
    // A retrained model is sure of other things than before.
    const double before = outcome.model->score_threshold();
    const auto& settling = set.held_out.empty() ? set.training : set.held_out;
    EKYA_ASSIGN(const auto found, retrain::FindInPictures(*outcome.model, settling));
    outcome.model->SetScoreThreshold(retrain::BestThreshold(found, before));
    learned.model = std::move(outcome.model);
    return learned;
  }
  static Result<double> Measure(Model& model, const std::vector<Item>& items) {
    return retrain::MeasureF1(model, items);
  }
};

template <typename Task>
class LearnerOf : public Learner {
 public:
  using Model = typename Task::Model;
  using Item = typename Task::Item;
  using Set = typename Task::Set;

  LearnerOf(int side, std::size_t classes, int exemplars_per_class, std::uint64_t seed)
      : side_(side), classes_(classes), memory_(exemplars_per_class, seed) {}

  void Take(int window, const std::vector<FramePtr>& frames,
            const std::vector<labels::Labeller::Labels>& labels) override {
    std::vector<Item> items = Task::ItemsOf(frames, labels, side_);
    std::set<double> sought;
    for (const auto& label : labels) {
      if (!label.uniform) sought.insert(frames.at(label.frame)->time_seconds);
    }
    const std::lock_guard lock(mutex_);
    if (const auto before = windows_.find(window - 1); before != windows_.end()) {
      memory_.Add(before->second.items);
    }
    windows_[window] = {std::move(items), std::move(sought)};
    while (windows_.size() > kWindowsKept) windows_.erase(windows_.begin());
  }

  Material MaterialOf(int window, std::size_t most_held_out) const override {
    const Set set = SetOf(window, most_held_out);
    int objects = 0;
    for (const Item& item : set.held_out) objects += Task::ObjectsIn(item);
    return {static_cast<int>(set.training.size()),
            static_cast<int>(std::min(set.exemplars.size(), set.training.size())),
            static_cast<int>(set.held_out.size()), objects};
  }

  std::vector<int> SamplesPerClass(int window) const override {
    if (Task::kOneClassTeaches) return {};
    std::vector<int> counts(classes_);
    const Set set = SetOf(window, kAllHeldOut);
    for (const auto* part : {&set.training, &set.held_out, &set.exemplars}) {
      for (const Item& item : *part) Task::Count(item, &counts);
    }
    return counts;
  }

  Result<Learned> Train(const models::LearningModel& base, int window, std::size_t most_held_out,
                        const RetrainingConfiguration& configuration, std::uint64_t seed,
                        const retrain::TrainingHooks& hooks) const override {
    return Task::Train(Own(base), SetOf(window, most_held_out), configuration, seed, hooks);
  }

  Result<Learned> TrainFirst(const models::LearningModel& base, int window,
                             const RetrainingConfiguration& configuration,
                             std::uint64_t seed) const override {
    Set set;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [each, labelled] : windows_) {
        if (each > window) continue;
        set.training.insert(set.training.end(), labelled.items.begin(), labelled.items.end());
      }
      const std::vector<Item> exemplars = memory_.Samples();
      set.training.insert(set.training.end(), exemplars.begin(), exemplars.end());
    }
    if (set.training.empty()) return Error{ErrorCode::kNotFound, "no labelled sample"};
    EKYA_ASSIGN(Learned learned, Task::Train(Own(base), set, configuration, seed, {}));
    // On samples that the model was trained on, since all are. It is right in what it makes the
    // scheduler do: until there are newer samples there is nothing to be won by retraining.
    EKYA_ASSIGN(const double accuracy, Task::Measure(Own(*learned.model), set.training));
    learned.accuracy = {accuracy};
    return learned;
  }

  Result<double> Measure(const models::LearningModel& model, int window) const override {
    // A model's copy: measuring is not for several threads at once.
    const auto copy = Own(model).Clone();
    return Task::Measure(*copy, SetOf(window, kAllHeldOut).held_out);
  }

  std::unique_ptr<models::LearningModel> Clone(const models::LearningModel& model) const override {
    return Own(model).Clone();
  }
  std::shared_ptr<models::Model> MakeServed(const models::LearningModel& model) const override {
    return models::MakeServed(Own(model));
  }

 private:
  static const Model& Own(const models::LearningModel& model) {
    const auto* const own = dynamic_cast<const Model*>(&model);
    EKYA_CHECK(own != nullptr, "a learner is given models of its own kind");
    return *own;
  }
  static Model& Own(models::LearningModel& model) {
    return const_cast<Model&>(Own(std::as_const(model)));
  }

  Set SetOf(int window, std::size_t most_held_out) const {
    Labelled labelled;
    std::vector<Item> exemplars;
    {
      const std::lock_guard lock(mutex_);
      const auto found = windows_.find(window);
      if (found != windows_.end()) labelled = found->second;
      exemplars = memory_.Samples();
    }
    Set set = Task::Split(std::move(labelled.items), std::move(exemplars));
    // Frames that were sought out for what they show say nothing of the others.
    std::erase_if(set.held_out,
                  [&](const Item& item) { return labelled.sought.contains(item.time_seconds); });
    Thin(set.held_out, most_held_out);
    return set;
  }

  struct Labelled {
    std::vector<Item> items;
    std::set<double> sought;  // times of frames that were not chosen by time alone
  };

  const int side_;
  const std::size_t classes_;
  mutable std::mutex mutex_;
  std::map<int, Labelled> windows_;  // guarded by mutex_
  typename Task::Memory memory_;     // guarded by mutex_
};

template <typename Task>
OpenedLearner Opened(std::unique_ptr<typename Task::Model> model, bool knows,
                     int exemplars_per_class, std::uint64_t seed) {
  auto learner = std::make_unique<LearnerOf<Task>>(Task::SideOf(*model), model->classes().size(),
                                                   exemplars_per_class, seed);
  return {std::move(learner), std::move(model), knows};
}

Result<std::unique_ptr<models::Classifier>> MakeClassifier(const CameraSettings& camera,
                                                           const ModelSettings& settings,
                                                           std::uint64_t seed) {
  if (!settings.path.empty()) return models::Classifier::Load(settings.path);
  models::ClassifierShape shape;
  shape.architecture = settings.architecture;
  shape.width = settings.width;
  shape.input_size = settings.input_size;
  shape.last_hidden = settings.last_hidden;
  shape.classes = camera.classes;
  return models::Classifier::Create(shape, seed);
}

Result<std::unique_ptr<models::LearningDetector>> MakeDetector(const CameraSettings& camera,
                                                               const ModelSettings& settings,
                                                               std::uint64_t seed) {
  const std::filesystem::path path = settings.path;
  if (path.extension() == ".cfg") {
    return models::LearningDetector::LoadDarknet(path, models::CocoNames(), camera.classes);
  }
  if (!path.empty()) return models::LearningDetector::Load(path);
  models::DetectorShape shape;
  shape.architecture = settings.architecture;
  shape.width = settings.width;
  shape.input_size = settings.input_size;
  shape.classes = camera.classes;
  return models::LearningDetector::Create(shape, seed);
}

}  // namespace

Result<OpenedLearner> OpenLearner(const CameraSettings& camera, const ModelSettings& settings,
                                  const LearningSettings& learning, std::uint64_t seed) {
  const bool knows = !settings.path.empty();
  if (!knows && camera.classes.empty()) {
    return Error{ErrorCode::kInvalid,
                 "camera " + camera.id +
                     ": classes: found none, expected their names (the source, which "
                     "might have told them, is not open)"};
  }
  const std::uint64_t exemplar_seed = DeriveSeed(seed, camera.id + "/exemplars");
  const std::uint64_t weight_seed = DeriveSeed(seed, camera.id + "/weights");
  if (camera.task == "detection") {
    auto detector = MakeDetector(camera, settings, weight_seed);
    if (!detector.ok()) return detector.error().Within("camera " + camera.id);
    return Opened<Detecting>(std::move(*detector), knows, learning.exemplars_per_class,
                             exemplar_seed);
  }
  auto classifier = MakeClassifier(camera, settings, weight_seed);
  if (!classifier.ok()) return classifier.error().Within("camera " + camera.id);
  (*classifier)->SetTrainingPrecision(models::PrecisionOf(learning.precision));
  return Opened<Classification>(std::move(*classifier), knows, learning.exemplars_per_class,
                                exemplar_seed);
}

}  // namespace ekya::workers
