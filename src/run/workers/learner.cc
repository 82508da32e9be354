#include "run/workers/learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "core/scorer.h"
#include "platform/datasets/exemplar_memory.h"
#include "platform/datasets/material_file.h"
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
constexpr std::size_t kCropsAtOnce = 64;
// The paper's (section 6.1).
constexpr double kDetectionIou = 0.3;

/// `folder`/<window>.safetensors of all windows that there are, by window.
std::map<int, std::filesystem::path> WindowFiles(const std::filesystem::path& folder) {
  std::map<int, std::filesystem::path> files;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    const std::string stem = entry.path().stem().string();
    int window = 0;
    const auto read = std::from_chars(stem.data(), stem.data() + stem.size(), window);
    if (read.ec == std::errc() && read.ptr == stem.data() + stem.size() &&
        entry.path().extension() == ".safetensors") {
      files[window] = entry.path();
    }
  }
  return files;
}

std::filesystem::path WindowFile(const std::filesystem::path& folder, int window) {
  return folder / fmt::format("{}.safetensors", window);
}

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
  static int LabelOf(const Item& item) { return item.label; }
  static Result<std::vector<double>> Outcomes(Model& model, const std::vector<Item>& items) {
    std::vector<double> right;
    for (std::size_t first = 0; first < items.size(); first += kCropsAtOnce) {
      const std::size_t end = std::min(items.size(), first + kCropsAtOnce);
      std::vector<const Image*> crops;
      for (std::size_t i = first; i < end; ++i) crops.push_back(&items[i].image);
      EKYA_ASSIGN(const auto found, model.Classify(crops, 0));
      for (std::size_t i = first; i < end; ++i) {
        right.push_back(found[i - first].class_index == items[i].label ? 1 : 0);
      }
    }
    return right;
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
  static int LabelOf(const Item&) { return -1; }
  static Result<std::vector<double>> Outcomes(Model& model, const std::vector<Item>& items) {
    std::vector<double> scores;
    Frame frame;
    for (const Item& item : items) {
      frame.image = item.image;
      EKYA_ASSIGN(const auto found, model.Analyze(frame, 0));
      const FrameScore score = ScoreFrame(found, item.objects, kDetectionIou);
      // Nothing there and nothing found: as right as can be.
      scores.push_back(score.F1() < 0 ? 1 : score.F1());
    }
    return scores;
  }
};

template <typename Task>
class LearnerOf : public Learner {
 public:
  using Model = typename Task::Model;
  using Item = typename Task::Item;
  using Set = typename Task::Set;

  LearnerOf(int side, std::size_t classes, models::ServingPrecision serving_precision,
            int exemplars_per_class, std::uint64_t seed, std::string stream,
            const std::filesystem::path& folder)
      : side_(side),
        classes_(classes),
        serving_precision_(serving_precision),
        exemplars_per_class_(exemplars_per_class),
        seed_(seed),
        stream_(std::move(stream)),
        samples_(folder / "samples"),
        exemplars_(folder / "exemplars") {}

  Status Take(int window, const std::vector<FramePtr>& frames,
              const std::vector<labels::Labeller::Labels>& labels) override {
    Labelled labelled{Task::ItemsOf(frames, labels, side_), {}};
    for (const auto& label : labels) {
      if (!label.uniform) labelled.sought.push_back(frames.at(label.frame)->time_seconds);
    }
    EKYA_RETURN_IF_ERROR(Remember(window));
    EKYA_RETURN_IF_ERROR(datasets::SaveMaterial(WindowFile(samples_, window), labelled));
    std::error_code failed;
    for (const auto& [old, file] : WindowFiles(samples_)) {
      if (old <= window - kWindowsKept) std::filesystem::remove(file, failed);
    }
    const std::lock_guard lock(mutex_);
    cached_.reset();
    return {};
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
    for (const auto& [each, file] : WindowFiles(samples_)) {
      if (each > window) continue;
      std::vector<Item> items = MaterialFrom(file).items;
      std::move(items.begin(), items.end(), std::back_inserter(set.training));
    }
    const std::vector<Item> exemplars = Recall(window).memory.Samples();
    set.training.insert(set.training.end(), exemplars.begin(), exemplars.end());
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

  Result<Comparison> Compare(const models::LearningModel& served,
                             const models::LearningModel& candidate, int window) const override {
    const std::vector<Item> items = SetOf(window, kAllHeldOut).held_out;
    Comparison comparison;
    const auto served_copy = Own(served).Clone();
    const auto candidate_copy = Own(candidate).Clone();
    EKYA_ASSIGN(comparison.served, Task::Outcomes(*served_copy, items));
    EKYA_ASSIGN(comparison.candidate, Task::Outcomes(*candidate_copy, items));
    EKYA_ASSIGN(comparison.served_accuracy, Task::Measure(*served_copy, items));
    EKYA_ASSIGN(comparison.candidate_accuracy, Task::Measure(*candidate_copy, items));
    for (const Item& item : items) {
      comparison.label.push_back(Task::LabelOf(item));
      comparison.objects += Task::ObjectsIn(item);
    }
    return comparison;
  }

  std::unique_ptr<models::LearningModel> Clone(const models::LearningModel& model) const override {
    return Own(model).Clone();
  }
  std::shared_ptr<models::Model> MakeServed(const models::LearningModel& model) const override {
    return models::MakeServed(Own(model), serving_precision_);
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

  using Labelled = datasets::WindowMaterial<Item>;

  /// Empty, with a warning, where the file is damaged.
  Labelled MaterialFrom(const std::filesystem::path& file) const {
    auto material = datasets::LoadMaterial<Item>(file);
    if (material.ok()) return std::move(*material);
    if (material.error().code != ErrorCode::kNotFound) {
      Log(LogLevel::kWarning, stream_, "samples are passed over: {}", material.error().message);
    }
    return {};
  }

  /// A memory, and the window that it was made for: it holds those before that one.
  struct Remembered {
    typename Task::Memory memory;
    int window = 0;
  };

  /// The newest memory for `window` or one before it; an empty one where there is none.
  Remembered Recall(int window) const {
    const std::string name = fmt::format("exemplars/{}", window);
    Remembered recalled{{exemplars_per_class_, DeriveSeed(seed_, name)}, 0};
    const auto files = WindowFiles(exemplars_);
    auto newest = files.upper_bound(window);
    while (newest != files.begin()) {
      --newest;
      const Status read = recalled.memory.Load(newest->second);
      recalled.window = newest->first;
      if (read.ok()) break;
      Log(LogLevel::kWarning, stream_, "exemplars are passed over: {}", read.error().message);
      recalled.window = 0;
    }
    return recalled;
  }

  /// Takes the windows before `window` into the exemplars, once.
  Status Remember(int window) {
    const auto memories = WindowFiles(exemplars_);
    if (memories.contains(window)) return {};
    Remembered recalled = Recall(window);
    for (const auto& [each, file] : WindowFiles(samples_)) {
      if (each >= recalled.window && each < window) recalled.memory.Add(MaterialFrom(file).items);
    }
    EKYA_RETURN_IF_ERROR(recalled.memory.Save(WindowFile(exemplars_, window)));
    // The one before stays: what this one is made again from if it is damaged.
    std::error_code failed;
    for (const auto& [old, file] : memories) {
      if (old < recalled.window) std::filesystem::remove(file, failed);
    }
    return {};
  }

  Set SetOf(int window, std::size_t most_held_out) const {
    const std::lock_guard lock(mutex_);
    const std::filesystem::path file = WindowFile(samples_, window);
    std::error_code failed;
    const auto written = std::filesystem::last_write_time(file, failed);
    if (!cached_ || cached_->window != window || cached_->written != written) {
      cached_ = Cached{window, written, MaterialFrom(file), Recall(window).memory.Samples()};
    }
    const Labelled& labelled = cached_->labelled;
    Set set = Task::Split(labelled.items, cached_->exemplars);
    // Frames that were sought out for what they show say nothing of the others.
    std::erase_if(set.held_out, [&](const Item& item) {
      return std::find(labelled.sought.begin(), labelled.sought.end(), item.time_seconds) !=
             labelled.sought.end();
    });
    Thin(set.held_out, most_held_out);
    return set;
  }

  /// What one window's file and memory hold: trainings of a window follow each other.
  struct Cached {
    int window = 0;
    std::filesystem::file_time_type written;
    Labelled labelled;
    std::vector<Item> exemplars;
  };

  const int side_;
  const std::size_t classes_;
  const models::ServingPrecision serving_precision_;
  const int exemplars_per_class_;
  const std::uint64_t seed_;
  const std::string stream_;
  const std::filesystem::path samples_;
  const std::filesystem::path exemplars_;
  mutable std::mutex mutex_;
  mutable std::optional<Cached> cached_;  // guarded by mutex_
};

template <typename Task>
OpenedLearner Opened(std::unique_ptr<typename Task::Model> model, const ModelSettings& settings,
                     int exemplars_per_class, std::uint64_t seed, const std::string& stream,
                     const std::filesystem::path& folder) {
  auto learner =
      std::make_unique<LearnerOf<Task>>(Task::SideOf(*model), model->classes().size(),
                                        models::ServingPrecisionOf(settings.serving_precision),
                                        exemplars_per_class, seed, stream, folder);
  return {std::move(learner), std::move(model), !settings.path.empty()};
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
                                  const LearningSettings& learning, std::uint64_t seed,
                                  const std::filesystem::path& folder) {
  if (settings.path.empty() && camera.classes.empty()) {
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
    return Opened<Detecting>(std::move(*detector), settings, learning.exemplars_per_class,
                             exemplar_seed, camera.id, folder);
  }
  auto classifier = MakeClassifier(camera, settings, weight_seed);
  if (!classifier.ok()) return classifier.error().Within("camera " + camera.id);
  (*classifier)->SetTrainingPrecision(models::PrecisionOf(learning.precision));
  return Opened<Classification>(std::move(*classifier), settings, learning.exemplars_per_class,
                                exemplar_seed, camera.id, folder);
}

Result<std::unique_ptr<models::LearningModel>> LoadLearningModel(
    const CameraSettings& camera, const LearningSettings& learning,
    const std::filesystem::path& weights) {
  if (camera.task == "detection") {
    EKYA_ASSIGN(auto detector, models::LearningDetector::Load(weights));
    return std::unique_ptr<models::LearningModel>(std::move(detector));
  }
  EKYA_ASSIGN(auto classifier, models::Classifier::Load(weights));
  classifier->SetTrainingPrecision(models::PrecisionOf(learning.precision));
  return std::unique_ptr<models::LearningModel>(std::move(classifier));
}

}  // namespace ekya::workers
