#pragma once

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "platform/datasets/material_file.h"
#include "platform/models/served_classifier.h"
#include "platform/models/served_detector.h"
#include "run/workers/internal/learner_tasks.h"
#include "run/workers/learner.h"
#include "run/workers/version_model.h"
#include "stages/retrain/outcomes.h"
#include "stages/swap/calibration.h"
#include "stages/swap/gate.h"

namespace ekya::workers::internal {

// The window being labelled, the one being trained on, and the one before it.
inline constexpr int kWindowsKept = 3;

/// `folder`/<window>.safetensors of all windows that there are, by window.
inline std::map<int, std::filesystem::path> WindowFiles(const std::filesystem::path& folder) {
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

inline std::filesystem::path WindowFile(const std::filesystem::path& folder, int window) {
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

/// How a stream's learner goes about it.
struct Manner {
  std::vector<std::string> classes;  ///< The stream's.
  bool grows = false;                ///< Models learn classes that they do not know yet.
  models::ServingPrecision serving = models::ServingPrecision::kFloat32;
  int exemplars_per_class = 0;
  std::uint64_t seed = 0;  ///< Of the choice of exemplars.
};

/// Names and their places.
inline std::map<std::string, int> PlacesOf(const std::vector<std::string>& names) {
  std::map<std::string, int> places;
  for (const std::string& name : names) places.emplace(name, static_cast<int>(places.size()));
  return places;
}

template <typename Task>
class LearnerOf : public Learner {
 public:
  using Model = typename Task::Model;
  using Item = typename Task::Item;
  using Set = typename Task::Set;

  /// Makes a fresh model that tells `classes` apart.
  using Make =
      std::function<Result<std::unique_ptr<Model>>(const std::vector<std::string>& classes)>;

  /// `make`: null where the stream's first training starts from `opened`.
  LearnerOf(std::shared_ptr<const Model> opened, Make make, Manner manner, std::string stream,
            const std::filesystem::path& folder)
      : opened_(std::move(opened)),
        make_(std::move(make)),
        side_(Task::SideOf(*opened_)),
        manner_(std::move(manner)),
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
    for (const Item& item : set.held_out) {
      objects += static_cast<int>(retrain::LabelsOf(item).size());
    }
    return {static_cast<int>(set.training.size()),
            static_cast<int>(std::min(set.exemplars.size(), set.training.size())),
            static_cast<int>(set.held_out.size()), objects};
  }

  std::vector<int> SamplesPerClass(int window) const override {
    if (Task::kOneClassTeaches) return {};
    const Set set = SetOf(window, kAllHeldOut);
    return Counted({&set.training, &set.held_out, &set.exemplars});
  }

  Result<std::shared_ptr<const models::LearningModel>> Beginning(int window) const override {
    if (!make_) return std::shared_ptr<const models::LearningModel>(opened_);
    const std::vector<Item> items = ItemsUpTo(window);
    const std::vector<int> counts = Counted({&items});
    // Of nothing much there is little, which is better than nothing.
    std::vector<std::string> shown = Shown(counts, Task::kObjectsToLearn);
    if (shown.empty()) shown = Shown(counts, 1);
    if (shown.empty()) return Error{ErrorCode::kNotFound, "no labelled sample"};
    EKYA_ASSIGN(auto model, make_(shown));
    return std::shared_ptr<const models::LearningModel>(std::move(model));
  }

  Result<Learned> Train(const models::LearningModel& base, int window, std::size_t most_held_out,
                        const RetrainingConfiguration& configuration, std::uint64_t seed,
                        const retrain::TrainingHooks& hooks) const override {
    return Task::Train(Own(base), For(Own(base), SetOf(window, most_held_out)), configuration, seed,
                       hooks);
  }

  Result<Learned> TrainFirst(const models::LearningModel& base, int window,
                             const RetrainingConfiguration& configuration,
                             std::uint64_t seed) const override {
    Set set;
    set.training = ItemsUpTo(window);
    set = For(Own(base), std::move(set));
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
    return Task::Measure(*copy, For(*copy, SetOf(window, kAllHeldOut).held_out));
  }

  Result<PairedMeasure> Compare(const models::LearningModel& served,
                                const models::LearningModel& candidate, int window) const override {
    const std::vector<Item> items = SetOf(window, kAllHeldOut).held_out;
    PairedMeasure comparison;
    const auto served_copy = Own(served).Clone();
    const auto candidate_copy = Own(candidate).Clone();
    const std::vector<Item> for_served = For(*served_copy, items);
    const std::vector<Item> for_candidate = For(*candidate_copy, items);
    EKYA_ASSIGN(const Outcomes before, retrain::OutcomesOf(*served_copy, for_served));
    EKYA_ASSIGN(const Outcomes after, retrain::OutcomesOf(*candidate_copy, for_candidate));
    EKYA_ASSIGN(comparison.served_accuracy, Task::Measure(*served_copy, for_served));
    EKYA_ASSIGN(comparison.candidate_accuracy, Task::Measure(*candidate_copy, for_candidate));
    comparison.temperature =
        swap::Calibration::Fit(Task::ScoredClasses(*candidate_copy), after.scored).temperature();
    comparison.outcomes = swap::Paired(before, after, retrain::LabelsOfEach(items));
    comparison.objects = static_cast<int>(before.found.size());
    return comparison;
  }

  std::unique_ptr<models::LearningModel> Clone(const models::LearningModel& model) const override {
    return Own(model).Clone();
  }
  Result<std::shared_ptr<models::Model>> MakeServed(const models::LearningModel& model,
                                                    double temperature) const override {
    const Model& own = Own(model);
    return MakeVersion(models::MakeServed(own, manner_.serving), manner_.classes,
                       Task::ScoredClasses(own), temperature);
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

  /// How many there are of each of the stream's classes.
  std::vector<int> Counted(std::initializer_list<const std::vector<Item>*> parts) const {
    std::vector<int> counts(manner_.classes.size());
    for (const auto* part : parts) {
      for (const Item& item : *part) {
        for (const int label : retrain::LabelsOf(item)) {
          const auto place = static_cast<std::size_t>(label);
          if (place < counts.size()) ++counts[place];
        }
      }
    }
    return counts;
  }

  /// Those of the stream's classes of which `counts` has at least `least`.
  std::vector<std::string> Shown(const std::vector<int>& counts, int least) const {
    std::vector<std::string> shown;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] >= least) shown.push_back(manner_.classes[i]);
    }
    return shown;
  }

  /// The number that `names` have for each of the stream's classes; -1: none.
  std::vector<int> NumbersIn(const std::vector<std::string>& names) const {
    const std::map<std::string, int> places = PlacesOf(names);
    std::vector<int> numbers;
    for (const std::string& name : manner_.classes) {
      const auto place = places.find(name);
      numbers.push_back(place == places.end() ? -1 : place->second);
    }
    return numbers;
  }

  /// `items`, or `set`, as `model` numbers classes. Where it is to grow, those of `set` that are
  /// trained on and that it does not know come after its own.
  std::vector<Item> For(const Model& model, std::vector<Item> items) const {
    if (model.classes() == manner_.classes) return items;
    const std::vector<int> numbers = NumbersIn(model.classes());
    for (Item& item : items) Task::Renumber(numbers, &item);
    return items;
  }
  Set For(const Model& model, Set set) const {
    if (model.classes() == manner_.classes) return set;
    std::vector<int> numbers = NumbersIn(model.classes());
    if (manner_.grows) {
      const std::vector<int> counts = Counted({&set.training, &set.exemplars});
      std::vector<std::string>& learned = set.new_classes;
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (numbers[i] >= 0 || counts[i] < Task::kObjectsToLearn) continue;
        numbers[i] = static_cast<int>(model.classes().size() + learned.size());
        learned.push_back(manner_.classes[i]);
      }
    }
    for (auto* part : {&set.training, &set.exemplars, &set.held_out}) {
      for (Item& item : *part) Task::Renumber(numbers, &item);
    }
    Task::KeepKnown(&set.training);
    Task::KeepKnown(&set.exemplars);
    return set;
  }

  /// All that is labelled of windows 0 to `window`, as the stream numbers classes.
  std::vector<Item> ItemsUpTo(int window) const {
    std::vector<Item> all;
    for (const auto& [each, file] : WindowFiles(samples_)) {
      if (each > window) continue;
      std::vector<Item> items = MaterialFrom(file).items;
      std::move(items.begin(), items.end(), std::back_inserter(all));
    }
    const std::vector<Item> exemplars = Recall(window).memory.Samples();
    all.insert(all.end(), exemplars.begin(), exemplars.end());
    return all;
  }

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
    Remembered recalled{{manner_.exemplars_per_class, DeriveSeed(manner_.seed, name)}, 0};
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

  const std::shared_ptr<const Model> opened_;
  const Make make_;
  const int side_;
  const Manner manner_;
  const std::string stream_;
  const std::filesystem::path samples_;
  const std::filesystem::path exemplars_;
  mutable std::mutex mutex_;
  mutable std::optional<Cached> cached_;  // guarded by mutex_
};

}  // namespace ekya::workers::internal
