#include "apps/learning/recording.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "base/file.h"
#include "base/random.h"
#include "core/document.h"
#include "core/json_writer.h"
#include "core/map_reader.h"
#include "core/situation.h"
#include "platform/datasets/exemplar_memory.h"
#include "platform/models/from_settings.h"
#include "stages/retrain/outcomes.h"
#include "stages/swap/gate.h"

namespace ekya::learning {
namespace {

constexpr char kFormat[] = "ekya-recording/1";
// How the box's course is chosen. A recording in which another gate chose is another recording.
constexpr char kGate[] = "paired";

/// Places of at most `most` of `count` samples, evenly spread; 0: all.
std::vector<std::size_t> Spread(std::size_t count, int most) {
  const auto wanted = most <= 0 ? count : std::min(count, static_cast<std::size_t>(most));
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < wanted; ++i) places.push_back(i * count / wanted);
  return places;
}

template <typename Item>
std::vector<Item> Thinned(const std::vector<Item>& samples, int most) {
  std::vector<Item> thinned;
  for (const std::size_t place : Spread(samples.size(), most)) thinned.push_back(samples[place]);
  return thinned;
}

template <typename Item>
std::uint64_t HashOf(const std::vector<Item>& items, std::uint64_t hash) {
  for (const Item& item : items) hash = learning::HashOf(item, hash);
  return hash;
}

std::string Describe(const RetrainingConfiguration& c) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {}", c.id, c.epochs, c.sample_fraction,
                     c.trained_stages, c.last_hidden, c.batch_size, c.learning_rate, c.augmentation,
                     c.balanced, c.distillation);
}

/// What the files of a model that begins with public or own weights say.
std::uint64_t HashOfFiles(std::filesystem::path path) {
  std::uint64_t hash = DeriveSeed(0, ReadFile(path).ok() ? *ReadFile(path) : "");
  const auto weights = ReadFile(path.replace_extension(".weights"));
  return weights.ok() ? DeriveSeed(hash, *weights) : hash;
}

/// What was kept as `file`.
template <typename Model>
Result<std::unique_ptr<Model>> KeptModel(const RecordingSettings& settings,
                                         const std::filesystem::path& file) {
  EKYA_ASSIGN(auto model, models::LoadModel<Model>(file, settings.precision));
  EKYA_RETURN_IF_ERROR(model->MoveTo(settings.device));
  return model;
}

/// The model of `settings.model.path`, or one with fresh weights from `seed`. kInvalid where a
/// file's model knows other `classes`.
template <typename Model>
Result<std::unique_ptr<Model>> FirstModel(const RecordingSettings& settings,
                                          const std::vector<std::string>& classes,
                                          std::uint64_t seed) {
  EKYA_ASSIGN(auto model,
              models::MakeModel<Model>(settings.model, classes, settings.precision, seed));
  EKYA_RETURN_IF_ERROR(model->MoveTo(settings.device));
  const std::vector<std::string>& found = model->shape().classes;
  if (found == classes) return model;
  return Error{ErrorCode::kInvalid,
               fmt::format("{}: found the classes {}, expected those of the camera: {}",
                           settings.model.path, fmt::join(found, ", "), fmt::join(classes, ", "))};
}

template <typename Task>
std::string KeyOf(const LabelledStream<typename Task::Item>& stream,
                  const RecordingSettings& settings) {
  const ModelSettings& model = settings.model;
  std::string text =
      fmt::format("{} {} {} {} {} {} {} {} {} {}; {}", model.architecture, model.width,
                  model.input_size, model.last_hidden, settings.exemplars_per_class,
                  settings.labelled_per_window, settings.held_out_fraction, settings.later,
                  settings.curve_samples, settings.seed, Describe(settings.first));
  for (const auto& configuration : settings.grid) text += "; " + Describe(configuration);
  text += fmt::format("; {}", kGate);
  if (settings.precision != models::Precision::kFloat32) {
    text += fmt::format("; {}", models::Name(settings.precision));
  }
  if (settings.device.is_cuda()) text += "; cuda";
  if (!model.path.empty()) text += fmt::format("; {:016x}", HashOfFiles(model.path));
  std::uint64_t hash = 0;
  for (const auto& window : stream.windows) {
    hash = HashOf(window.test, HashOf(window.samples, hash));
  }
  return fmt::format("{:016x}", DeriveSeed(hash, text));
}

std::string Write(const RecordedWindow& recorded, const std::string& key) {
  JsonWriter json;
  json.BeginMap().Key("format").Text(kFormat).Key("key").Text(key);
  json.Key("accuracy").Number(recorded.accuracy);
  json.Key("first_accuracy").Number(recorded.first_accuracy);
  json.Key("chosen").Text(recorded.chosen).Key("retraining").BeginList();
  for (const RecordedRetraining& retraining : recorded.retraining) {
    json.BeginMap().Key("id").Text(retraining.id);
    json.Key("accuracy").Number(retraining.accuracy);
    json.Key("device_seconds").Number(retraining.device_seconds);
    json.Key("curve").BeginList();
    for (const auto& [seconds, accuracy] : retraining.curve) {
      json.BeginList().Number(seconds).Number(accuracy).EndList();
    }
    json.EndList().Key("later").BeginList();
    for (const double accuracy : retraining.later) json.Number(accuracy);
    json.EndList().EndMap();
  }
  return json.EndList().EndMap().Take();
}

/// Nothing where the text is a recording of something else.
Result<std::optional<RecordedWindow>> Read(const std::string& text, const std::string& file,
                                           int window, const std::string& key) {
  EKYA_ASSIGN(const Node node, ParseJson(text, file));
  MapReader map(node, file, "");
  RecordedWindow recorded;
  recorded.window = window;
  std::string format;
  std::string found_key;
  map.ReadOneOf("format", &format, {kFormat});
  if (map.Read("key", &found_key) && found_key != key) return std::optional<RecordedWindow>();
  map.Read("accuracy", &recorded.accuracy, kFraction);
  map.Read("first_accuracy", &recorded.first_accuracy, kFraction);
  map.Read("chosen", &recorded.chosen);
  if (const Node* const list = map.List("retraining")) {
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      MapReader item(list->items[i], file, map.PathOf("retraining", i));
      RecordedRetraining& retraining = recorded.retraining.emplace_back();
      item.ReadId("id", &retraining.id);
      item.Read("accuracy", &retraining.accuracy, kFraction);
      item.Read("device_seconds", &retraining.device_seconds, AtLeast(0));
      if (const Node* const curve = item.List("curve")) {
        for (const Node& point : curve->items) {
          if (point.items.size() != 2) {
            item.Fail("curve", "pairs of device seconds and accuracy");
            break;
          }
          retraining.curve.emplace_back(point.items[0].number, point.items[1].number);
        }
      }
      item.ReadNumbers("later", &retraining.later, kFraction);
      map.Merge(item.Finish());
    }
  }
  EKYA_RETURN_IF_ERROR(map.Finish());
  return std::optional(std::move(recorded));
}

}  // namespace

template <typename Task>
RecordingOf<Task>::RecordingOf(const Stream& stream, const RecordingSettings& settings,
                               std::filesystem::path folder)
    : stream_(stream),
      settings_(settings),
      folder_(std::move(folder)),
      key_(KeyOf<Task>(stream, settings)) {}

template <typename Task>
Result<std::unique_ptr<RecordingOf<Task>>> RecordingOf<Task>::Open(
    const Stream& stream, const RecordingSettings& settings, std::filesystem::path folder) {
  if (stream.windows.size() < 2) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("stream {}: found {} windows, expected at least 2: one to learn from "
                             "and one to be judged in",
                             stream.id, stream.windows.size())};
  }
  for (const RetrainingConfiguration& configuration : settings.grid) {
    EKYA_RETURN_IF_ERROR(retrain::CheckConfiguration(configuration));
  }
  EKYA_RETURN_IF_ERROR(retrain::CheckConfiguration(settings.first));
  EKYA_CHECK(!settings.grid.empty());
  std::unique_ptr<RecordingOf> recording(new RecordingOf(stream, settings, std::move(folder)));
  // The first model; one that was kept by a recording with other settings is of another shape or
  // name, and trained anew.
  const std::uint64_t seed = DeriveSeed(settings.seed, stream.id);
  const auto path = recording->folder_ / fmt::format("first-{}.safetensors", recording->key_);
  auto first = KeptModel<Model>(settings, path);
  if (!first.ok()) {
    first = FirstModel<Model>(settings, stream.classes, DeriveSeed(seed, "weights"));
    if (!first.ok()) return first.error().Within("camera " + stream.id);
    if (settings.model.path.empty()) {
      // What the next window holds out of the first one stays unseen.
      auto set = Split(stream.windows[0].samples, settings.held_out_fraction, {});
      set.held_out.clear();
      EKYA_ASSIGN(auto trained,
                  Retrained(**first, set, settings.first, DeriveSeed(seed, "first"), {}));
      EKYA_RETURN_IF_ERROR(Settle(*trained.model, set.training));
      first = std::move(trained.model);
    }
    EKYA_RETURN_IF_ERROR((*first)->Save(path));
  }
  recording->next_ = (*first)->Clone();
  recording->first_ = std::move(*first);
  return recording;
}

template <typename Task>
const std::vector<typename Task::Item>& RecordingOf<Task>::Judged(int window) const {
  const auto& shown = stream_.windows.at(static_cast<std::size_t>(window));
  return shown.test.empty() ? shown.samples : shown.test;
}

template <typename Task>
std::filesystem::path RecordingOf<Task>::PathOf(int window, const char* ending) const {
  return folder_ / fmt::format("window-{}.{}", window, ending);
}

template <typename Task>
Result<RecordedWindow> RecordingOf<Task>::Record(int window,
                                                 const std::function<bool()>& progress) {
  EKYA_CHECK(window == window_ + 1 && window < windows());
  window_ = window;
  const std::unique_ptr<Model> previous = std::move(base_);
  base_ = std::move(next_);
  typename Task::Memory exemplars(settings_.exemplars_per_class,
                                  DeriveSeed(settings_.seed, stream_.id + "/exemplars"));
  const auto labelled = [&](int past) {
    return Thinned(stream_.windows[static_cast<std::size_t>(past)].samples,
                   settings_.labelled_per_window);
  };
  for (int past = 0; past + 1 < window; ++past) exemplars.Add(labelled(past));
  set_ = Split(labelled(window - 1), settings_.held_out_fraction, exemplars.Samples());

  before_ = std::move(last_);
  if (before_) EKYA_RETURN_IF_ERROR(Observe(window - 1, *previous));
  std::optional<RecordedWindow> recorded = Kept(window);
  if (!recorded) {
    EKYA_ASSIGN(recorded, Train(window, progress));
  }
  last_.emplace().configuration = recorded->chosen;
  for (const RecordedRetraining& retraining : recorded->retraining) {
    if (retraining.id == recorded->chosen) last_->device_seconds = retraining.device_seconds;
  }
  return std::move(*recorded);
}

template <typename Task>
Status RecordingOf<Task>::Observe(int window, Model& previous) {
  const std::vector<Item>& samples = stream_.windows[static_cast<std::size_t>(window)].samples;
  const std::vector<std::size_t> labelled = Spread(samples.size(), settings_.labelled_per_window);
  const double held_out_from = set_.held_out.empty() ? 0 : set_.held_out.front().time_seconds;
  const auto cut = static_cast<std::size_t>(
      std::find_if(samples.begin(), samples.end(),
                   [&](const Item& sample) { return sample.time_seconds >= held_out_from; }) -
      samples.begin());
  const double seconds = stream_.window_seconds;
  EKYA_ASSIGN(before_->before,
              SightsOf(previous, samples, labelled, {0, (samples.size() + 1) / 2}, seconds));
  EKYA_ASSIGN(before_->after,
              SightsOf(*base_, samples, labelled, {0, cut / 2, cut, samples.size()}, seconds));
  before_->held_out = before_->after.back();
  before_->after.pop_back();
  return {};
}

template <typename Task>
std::optional<RecordedWindow> RecordingOf<Task>::Kept(int window) {
  const auto text = ReadFile(PathOf(window, "json"));
  if (!text.ok()) return std::nullopt;
  auto kept = Read(*text, PathOf(window, "json").string(), window, key_);
  auto model = KeptModel<Model>(settings_, PathOf(window, "safetensors"));
  if (!kept.ok() || !kept->has_value() || !model.ok()) return std::nullopt;
  next_ = std::move(*model);
  return std::move(*kept);
}

template <typename Task>
Result<RecordedWindow> RecordingOf<Task>::Train(int window, const std::function<bool()>& progress) {
  RecordedWindow recorded;
  recorded.window = window;
  const std::uint64_t seed = DeriveSeed(settings_.seed, fmt::format("{}/{}", stream_.id, window));
  const std::vector<Item>& judged = Judged(window);
  EKYA_ASSIGN(recorded.accuracy, Measure(*base_, judged));
  EKYA_ASSIGN(recorded.first_accuracy, Measure(*first_, judged));
  const std::size_t chosen = Random(DeriveSeed(seed, "chosen")).Below(settings_.grid.size());
  // Judged samples are measured on while it trains, and nothing follows from what they say.
  typename Task::Set set = set_;
  set.held_out.clear();
  if (settings_.curve_samples > 0) set.held_out = Thinned(judged, settings_.curve_samples);

  next_ = base_->Clone();
  for (std::size_t i = 0; i < settings_.grid.size(); ++i) {
    const RetrainingConfiguration& configuration = settings_.grid[i];
    RecordedRetraining& retraining = recorded.retraining.emplace_back();
    retraining.id = configuration.id;
    retrain::TrainingHooks hooks;
    hooks.epoch = [&](const retrain::TrainingProgress& done) {
      retraining.device_seconds += done.epoch_cpu_seconds;
      if (settings_.curve_samples > 0) {
        retraining.curve.emplace_back(retraining.device_seconds, done.accuracy);
      }
      return true;
    };
    EKYA_ASSIGN(const auto outcome,
                Retrained(*base_, set, configuration, DeriveSeed(seed, configuration.id), hooks));
    EKYA_RETURN_IF_ERROR(Settle(*outcome.model, set_.held_out));
    // What is computed once, before the first epoch, is time that has passed at every point.
    retraining.device_seconds += outcome.once_cpu_seconds;
    for (auto& [seconds, accuracy] : retraining.curve) seconds += outcome.once_cpu_seconds;
    EKYA_ASSIGN(retraining.accuracy, Measure(*outcome.model, judged));
    for (int later = window + 1; settings_.later && later < windows(); ++later) {
      EKYA_ASSIGN(const double accuracy, Measure(*outcome.model, Judged(later)));
      retraining.later.push_back(accuracy);
    }
    if (i == chosen) {
      EKYA_ASSIGN(const Outcomes before, retrain::OutcomesOf(*base_, set_.held_out));
      EKYA_ASSIGN(const Outcomes after, retrain::OutcomesOf(*outcome.model, set_.held_out));
      if (swap::Judge(swap::Paired(before, after, retrain::LabelsOfEach(set_.held_out))).promote) {
        recorded.chosen = configuration.id;
        next_ = outcome.model->Clone();
      }
    }
    if (progress && !progress()) {
      return Error{ErrorCode::kCancelled, "the recording was interrupted"};
    }
  }
  EKYA_RETURN_IF_ERROR(next_->Save(PathOf(window, "safetensors")));
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(PathOf(window, "json"), Write(recorded, key_)));
  return recorded;
}

template class RecordingOf<ClassifyingTask>;
template class RecordingOf<DetectingTask>;

}  // namespace ekya::learning
