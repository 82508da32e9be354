#include "apps/learning/recording.h"

#include <fmt/format.h>

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
#include "stages/swap/gate.h"

namespace ekya::learning {
namespace {

constexpr char kFormat[] = "ekya-recording/1";

/// Places of at most `most` of `count` samples, evenly spread; 0: all.
std::vector<std::size_t> Spread(std::size_t count, int most) {
  const auto wanted = most <= 0 ? count : std::min(count, static_cast<std::size_t>(most));
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < wanted; ++i) places.push_back(i * count / wanted);
  return places;
}

std::vector<Sample> Thinned(const std::vector<Sample>& samples, int most) {
  std::vector<Sample> thinned;
  for (const std::size_t place : Spread(samples.size(), most)) thinned.push_back(samples[place]);
  return thinned;
}

std::uint64_t HashOf(const std::vector<Sample>& samples, std::uint64_t hash) {
  for (const Sample& sample : samples) {
    hash = DeriveSeed(
        hash + static_cast<std::uint64_t>(sample.label),
        {reinterpret_cast<const char*>(sample.image.pixels.data()), sample.image.pixels.size()});
  }
  return hash;
}

std::string Describe(const RetrainingConfiguration& c) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {}", c.id, c.epochs, c.sample_fraction,
                     c.trained_stages, c.last_hidden, c.batch_size, c.learning_rate, c.augmentation,
                     c.balanced, c.distillation);
}

std::string KeyOf(const SampleStream& stream, const RecordingSettings& settings) {
  const models::ClassifierShape& shape = settings.shape;
  std::string text =
      fmt::format("{} {} {} {} {} {} {} {} {} {}; {}", shape.architecture, shape.width,
                  shape.input_size, shape.last_hidden, settings.exemplars_per_class,
                  settings.labelled_per_window, settings.held_out_fraction, settings.later,
                  settings.curve_samples, settings.seed, Describe(settings.first));
  for (const auto& configuration : settings.grid) text += "; " + Describe(configuration);
  if (settings.precision != models::Precision::kFloat32) {
    text += fmt::format("; {}", models::Name(settings.precision));
  }
  std::uint64_t hash = 0;
  for (const SampleWindow& window : stream.windows) {
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

Result<std::vector<profile::Sight>> SightsOf(models::Classifier& model,
                                             const std::vector<Sample>& samples,
                                             const std::vector<std::size_t>& labelled,
                                             const std::vector<std::size_t>& cuts,
                                             double window_seconds) {
  std::vector<profile::Sight> sights;
  for (std::size_t k = 0; k + 1 < cuts.size(); ++k) {
    std::vector<const Image*> pictures;
    for (std::size_t i = cuts[k]; i < cuts[k + 1]; ++i) pictures.push_back(&samples[i].image);
    profile::Sight& sight = sights.emplace_back();
    if (pictures.empty()) continue;
    EKYA_ASSIGN(const auto answers, model.Classify(pictures, 0));
    double right = 0;
    double squares = 0;
    for (std::size_t i = cuts[k]; i < cuts[k + 1]; ++i) {
      const auto& answer = answers[i - cuts[k]];
      sight.time += samples[i].time_seconds / window_seconds;
      sight.mean_score += answer.score;
      squares += answer.score * answer.score;
      if (!std::binary_search(labelled.begin(), labelled.end(), i)) continue;
      ++sight.labelled;
      right += answer.class_index == samples[i].label ? 1 : 0;
    }
    sight.seen = static_cast<int>(pictures.size());
    sight.time /= sight.seen;
    sight.mean_score /= sight.seen;
    const double variance = squares / sight.seen - sight.mean_score * sight.mean_score;
    sight.score_deviation = std::sqrt(std::max(variance, 0.0));
    if (sight.labelled > 0) sight.accuracy = right / sight.labelled;
  }
  return sights;
}

Recording::Recording(const SampleStream& stream, const RecordingSettings& settings,
                     std::filesystem::path folder)
    : stream_(stream),
      settings_(settings),
      folder_(std::move(folder)),
      key_(KeyOf(stream, settings)) {
  settings_.shape.classes = stream.classes;
}

Result<std::unique_ptr<Recording>> Recording::Open(const SampleStream& stream,
                                                   const RecordingSettings& settings,
                                                   std::filesystem::path folder) {
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
  std::unique_ptr<Recording> recording(new Recording(stream, settings, std::move(folder)));
  // The first model; one that was kept by a recording with other settings is of another shape or
  // name, and trained anew.
  const std::uint64_t seed = DeriveSeed(settings.seed, stream.id);
  const auto path = recording->folder_ / fmt::format("first-{}.safetensors", recording->key_);
  auto kept = models::Classifier::Load(path);
  if (!kept.ok()) {
    EKYA_ASSIGN(const auto fresh, models::Classifier::Create(recording->settings_.shape,
                                                             DeriveSeed(seed, "weights")));
    fresh->SetTrainingPrecision(settings.precision);
    // What the next window holds out of the first one stays unseen.
    retrain::TrainingSet set =
        retrain::SplitByTime(stream.windows[0].samples, settings.held_out_fraction, {});
    set.held_out.clear();
    EKYA_ASSIGN(retrain::TrainingOutcome outcome,
                retrain::Train(*fresh, set, settings.first, DeriveSeed(seed, "first"), {}));
    EKYA_RETURN_IF_ERROR(outcome.model->Save(path));
    kept = std::move(outcome.model);
  }
  (*kept)->SetTrainingPrecision(settings.precision);
  recording->next_ = (*kept)->Clone();
  recording->first_ = std::move(*kept);
  return recording;
}

const std::vector<Sample>& Recording::Judged(int window) const {
  const SampleWindow& shown = stream_.windows.at(static_cast<std::size_t>(window));
  return shown.test.empty() ? shown.samples : shown.test;
}

std::filesystem::path Recording::PathOf(int window, const char* ending) const {
  return folder_ / fmt::format("window-{}.{}", window, ending);
}

Result<RecordedWindow> Recording::Record(int window, const std::function<bool()>& progress) {
  EKYA_CHECK(window == window_ + 1 && window < windows());
  window_ = window;
  const std::unique_ptr<models::Classifier> previous = std::move(base_);
  base_ = std::move(next_);
  datasets::ExemplarMemory exemplars(settings_.exemplars_per_class,
                                     DeriveSeed(settings_.seed, stream_.id + "/exemplars"));
  const auto labelled = [&](int past) {
    return Thinned(stream_.windows[static_cast<std::size_t>(past)].samples,
                   settings_.labelled_per_window);
  };
  for (int past = 0; past + 1 < window; ++past) exemplars.Add(labelled(past));
  set_ =
      retrain::SplitByTime(labelled(window - 1), settings_.held_out_fraction, exemplars.Samples());

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

Status Recording::Observe(int window, models::Classifier& previous) {
  const std::vector<Sample>& samples = stream_.windows[static_cast<std::size_t>(window)].samples;
  const std::vector<std::size_t> labelled = Spread(samples.size(), settings_.labelled_per_window);
  const double held_out_from = set_.held_out.empty() ? 0 : set_.held_out.front().time_seconds;
  const auto cut = static_cast<std::size_t>(
      std::find_if(samples.begin(), samples.end(),
                   [&](const Sample& sample) { return sample.time_seconds >= held_out_from; }) -
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

std::optional<RecordedWindow> Recording::Kept(int window) {
  const auto text = ReadFile(PathOf(window, "json"));
  if (!text.ok()) return std::nullopt;
  auto kept = Read(*text, PathOf(window, "json").string(), window, key_);
  auto model = models::Classifier::Load(PathOf(window, "safetensors"));
  if (!kept.ok() || !kept->has_value() || !model.ok()) return std::nullopt;
  next_ = std::move(*model);
  next_->SetTrainingPrecision(settings_.precision);
  return std::move(*kept);
}

Result<RecordedWindow> Recording::Train(int window, const std::function<bool()>& progress) {
  RecordedWindow recorded;
  recorded.window = window;
  const std::uint64_t seed = DeriveSeed(settings_.seed, fmt::format("{}/{}", stream_.id, window));
  const std::vector<Sample>& judged = Judged(window);
  EKYA_ASSIGN(recorded.accuracy, retrain::MeasureAccuracy(*base_, judged));
  EKYA_ASSIGN(recorded.first_accuracy, retrain::MeasureAccuracy(*first_, judged));
  const std::size_t chosen = Random(DeriveSeed(seed, "chosen")).Below(settings_.grid.size());
  // Judged samples are measured on while it trains, and nothing follows from what they say.
  retrain::TrainingSet set = set_;
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
    EKYA_ASSIGN(
        const retrain::TrainingOutcome outcome,
        retrain::Train(*base_, set, configuration, DeriveSeed(seed, configuration.id), hooks));
    // What is computed once, before the first epoch, is time that has passed at every point.
    retraining.device_seconds += outcome.once_cpu_seconds;
    for (auto& [seconds, accuracy] : retraining.curve) seconds += outcome.once_cpu_seconds;
    EKYA_ASSIGN(retraining.accuracy, retrain::MeasureAccuracy(*outcome.model, judged));
    for (int later = window + 1; settings_.later && later < windows(); ++later) {
      EKYA_ASSIGN(const double accuracy, retrain::MeasureAccuracy(*outcome.model, Judged(later)));
      retraining.later.push_back(accuracy);
    }
    if (i == chosen) {
      EKYA_ASSIGN(const double served, retrain::MeasureAccuracy(*base_, set_.held_out));
      EKYA_ASSIGN(const double candidate, retrain::MeasureAccuracy(*outcome.model, set_.held_out));
      if (swap::Judge(served, candidate, static_cast<int>(set_.held_out.size())).promote) {
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

}  // namespace ekya::learning
