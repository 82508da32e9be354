#include "apps/learning/streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <numbers>
#include <numeric>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "core/scorer.h"
#include "stages/camera/picture.h"
#include "stages/camera/source.h"
#include "stages/labels/labeller.h"

namespace ekya::learning {
namespace {

/// Appends what `frame` shows of known classes to `samples`.
void AddRegions(FramePtr frame, int side, std::vector<Sample>* samples) {
  labels::Labeller::Labels labels{.frame = 0, .objects = {}};
  for (const Region& region : frame->regions) {
    if (region.truth) labels.objects.push_back({region.box, *region.truth, 1});
  }
  if (labels.objects.empty()) return;
  for (Sample& sample : labels::MakeSamples({std::move(frame)}, {labels}, side)) {
    samples->push_back(std::move(sample));
  }
}

Image Darkened(const Image& image, double brightness) {
  std::array<std::uint8_t, 256> levels{};
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels[i] = static_cast<std::uint8_t>(std::lround(static_cast<double>(i) * brightness));
  }
  Image dark = image;
  for (std::uint8_t& value : dark.pixels) value = levels[value];
  return dark;
}

/// Hands out the pictures of a set, each once, in an order of its own.
class Deck {
 public:
  Deck(const PictureSet& set, Random* random) : set_(set) {
    for (const auto& pictures : set.pictures) {
      auto& order = left_.emplace_back(pictures.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      random->Shuffle(order);
    }
  }
  std::size_t Left(std::size_t label) const { return left_[label].size(); }
  /// Some are left.
  const Image& Take(std::size_t label) {
    EKYA_CHECK(!left_[label].empty());
    const Image& picture = set_.pictures[label][left_[label].back()];
    left_[label].pop_back();
    return picture;
  }

 private:
  const PictureSet& set_;
  std::vector<std::vector<std::size_t>> left_;  // by class, places in set_
};

/// Spreads `samples` over their window in random order.
void SpreadOverWindow(int window, double window_seconds, Random* random,
                      std::vector<Sample>* samples) {
  random->Shuffle(*samples);
  const auto count = static_cast<double>(samples->size());
  for (std::size_t i = 0; i < samples->size(); ++i) {
    (*samples)[i].time_seconds = window_seconds * (window + (static_cast<double>(i) + 0.5) / count);
  }
}

int SamplesOf(const DriftSettings& settings, int window) {
  return window == 0 && settings.first_samples > 0 ? settings.first_samples : settings.samples;
}

double BrightnessOf(const DriftSettings& settings, int window) {
  const double part = settings.windows > 1 ? window / (settings.windows - 1.0) : 0;
  return 1 + (settings.last_brightness - 1) * part;
}

Error TooFew(const std::string& id, const PictureSet& set, std::size_t label, std::size_t wanted) {
  return {ErrorCode::kInvalid,
          fmt::format("stream {}: class {}: found {} pictures, expected {} for all its windows", id,
                      set.classes[label], set.pictures[label].size(), wanted)};
}

Error Refused(const std::string& camera, const std::string& found) {
  return {ErrorCode::kInvalid, fmt::format("camera {}: {}", camera, found)};
}

/// `camera`'s frames, which can be shown again; labelled ones where `needs_truth`.
Result<std::unique_ptr<camera::Source>> OpenReplayed(const CameraSettings& camera,
                                                     const StreamCut& cut, bool needs_truth,
                                                     std::uint64_t seed) {
  EKYA_CHECK(cut.window_seconds > 0 && cut.windows > 0 && cut.side > 0);
  EKYA_ASSIGN(std::unique_ptr<camera::Source> source, camera::OpenSource(camera, seed));
  if (source->info().live) {
    return Refused(camera.id, "found a live source, expected one that can be replayed");
  }
  if (needs_truth && !source->info().has_truth) {
    return Refused(camera.id,
                   "found a source without labels, expected a folder or a drawn scene with them" +
                       std::string(camera.task == "detection" ? ", or a golden model" : ""));
  }
  return source;
}

std::vector<std::string> ClassesOf(const CameraSettings& camera, const camera::Source& source) {
  return camera.classes.empty() ? source.info().classes : camera.classes;
}

/// Gives every frame of the windows that `cut` asks for to `take`, with its window's number; the
/// stream has a place for it then.
template <typename Item, typename Take>
Status ReadWindows(camera::Source& source, const StreamCut& cut, LabelledStream<Item>* stream,
                   const Take& take) {
  while (true) {
    EKYA_ASSIGN(std::optional<Frame> frame, source.Next());
    if (!frame) return {};
    const double window = frame->time_seconds / cut.window_seconds;
    if (window >= cut.windows) return {};
    stream->windows.resize(std::max(stream->windows.size(), static_cast<std::size_t>(window) + 1));
    EKYA_RETURN_IF_ERROR(take(std::move(*frame), static_cast<int>(window)));
  }
}

/// Refuses a stream of which a window has nothing that `shows` accepts.
template <typename Item, typename Shows>
Status CheckShown(const LabelledStream<Item>& stream, const Shows& shows) {
  for (std::size_t i = 0; i < stream.windows.size(); ++i) {
    if (shows(stream.windows[i].samples)) continue;
    return Refused(
        stream.id,
        fmt::format("window {}: found nothing labelled, expected at least one {} in {} s", i,
                    std::is_same_v<Item, Sample> ? "region" : "object", stream.window_seconds));
  }
  if (stream.windows.empty()) {
    return Refused(stream.id, "found no frame, expected at least one");
  }
  return {};
}

}  // namespace

Result<SampleStream> ReadSampleStream(const CameraSettings& camera, const StreamCut& cut,
                                      std::uint64_t seed) {
  EKYA_ASSIGN(const auto source, OpenReplayed(camera, cut, true, seed));
  SampleStream stream{camera.id, ClassesOf(camera, *source), cut.window_seconds, {}};
  std::string last_time;
  EKYA_RETURN_IF_ERROR(ReadWindows(*source, cut, &stream, [&](Frame frame, int window) -> Status {
    // A folder shows a picture until the next one's time: the same frame again is no news.
    if (!frame.source_time.empty() && frame.source_time == last_time) return {};
    last_time = frame.source_time;
    AddRegions(std::make_shared<const Frame>(std::move(frame)), cut.side,
               &stream.windows[static_cast<std::size_t>(window)].samples);
    return {};
  }));
  EKYA_RETURN_IF_ERROR(
      CheckShown(stream, [](const std::vector<Sample>& samples) { return !samples.empty(); }));
  return stream;
}

Result<PictureWindows> ReadPictureWindows(const CameraSettings& camera, const StreamCut& cut,
                                          int most, models::Model* golden, std::uint64_t seed) {
  EKYA_ASSIGN(const auto source, OpenReplayed(camera, cut, golden == nullptr, seed));
  PictureWindows stream{camera.id, ClassesOf(camera, *source), cut.window_seconds, {}};
  double last_part = -1;
  EKYA_RETURN_IF_ERROR(ReadWindows(*source, cut, &stream, [&](Frame frame, int window) -> Status {
    // The first frame of each of `most` equal parts of a window.
    const double part = std::floor(frame.time_seconds / cut.window_seconds * most + 1e-6);
    if (most > 0 && part == last_part) return {};
    last_part = part;
    labels::Labeller::Labels labels{.frame = 0, .objects = {}};
    if (golden == nullptr) {
      labels.objects = TruthOf(frame);
    } else {
      EKYA_ASSIGN(labels.objects, golden->Analyze(frame, 0));
    }
    for (LabelledPicture& picture : labels::MakePictures(
             {std::make_shared<const Frame>(std::move(frame))}, {labels}, cut.side)) {
      stream.windows[static_cast<std::size_t>(window)].samples.push_back(std::move(picture));
    }
    return {};
  }));
  EKYA_RETURN_IF_ERROR(CheckShown(stream, [](const std::vector<LabelledPicture>& pictures) {
    return std::any_of(pictures.begin(), pictures.end(),
                       [](const LabelledPicture& picture) { return !picture.objects.empty(); });
  }));
  return stream;
}

Result<std::vector<SampleStream>> ParkingLotStreams(const std::filesystem::path& folder, int side) {
  constexpr int kSlots = 17;
  std::vector<SampleStream> streams;
  for (int group = 0; group < 3; ++group) {
    CameraSettings camera;
    camera.id = fmt::format("lot-{}", static_cast<char>('a' + group));
    camera.url = "folder:" + (folder / "manifest.csv").string();
    camera.select = fmt::format("slot={}-{}", group * kSlots + 1, (group + 1) * kSlots);
    // A picture every five minutes becomes one every second, and an hour's twelve a window.
    camera.frames_per_second = 1;
    camera.speed = 300;
    EKYA_ASSIGN(SampleStream stream,
                ReadSampleStream(camera, {.window_seconds = 12, .windows = 10, .side = side}, 0));
    streams.push_back(std::move(stream));
  }
  return streams;
}

Result<std::vector<SampleStream>> CrossingStreams(int count, int side, std::uint64_t seed) {
  std::vector<SampleStream> streams;
  for (int i = 0; i < count; ++i) {
    CameraSettings camera;
    camera.id = fmt::format("crossing-{}", static_cast<char>('a' + i));
    camera.url = "scene:intersection";
    // Few frames of a long window: who passes is seen once or twice, not in fifty frames alike.
    camera.frames_per_second = 0.25;
    // A condition gives way to the next within 30 scene seconds: over five windows.
    camera.speed = 0.03;
    EKYA_ASSIGN(
        SampleStream stream,
        ReadSampleStream(camera, {.window_seconds = 200, .windows = 10, .side = side}, seed));
    streams.push_back(std::move(stream));
  }
  return streams;
}

Result<PictureSet> ReadPictureSet(const std::filesystem::path& folder, int side) {
  std::map<std::string, std::vector<std::filesystem::path>> files;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::filesystem::path& path = entry->path();
    if (path.extension() == ".jpg" || path.extension() == ".jpeg") {
      files[path.parent_path().filename().string()].push_back(path);
    }
  }
  if (error) {
    return Error{ErrorCode::kNotFound, fmt::format("{}: {}", folder.string(), error.message())};
  }
  if (files.empty()) {
    return Error{
        ErrorCode::kInvalid,
        fmt::format("{}: found no JPEG, expected a folder of them per class", folder.string())};
  }
  PictureSet set;
  for (auto& [name, paths] : files) {
    std::sort(paths.begin(), paths.end());
    set.classes.push_back(name);
    auto& pictures = set.pictures.emplace_back();
    for (const auto& path : paths) {
      EKYA_ASSIGN(Image picture, camera::ReadPicture(path, side, side));
      pictures.push_back(std::move(picture));
    }
  }
  return set;
}

Result<SampleStream> ClassShiftingStream(const PictureSet& set, const DriftSettings& settings,
                                         const std::string& id, std::uint64_t seed) {
  Random random(DeriveSeed(seed, id));
  Deck deck(set, &random);
  const std::size_t classes = set.classes.size();
  std::vector<double> place(classes);  // on a circle that the mix goes round
  std::iota(place.begin(), place.end(), 0.0);
  random.Shuffle(place);
  SampleStream stream{id, set.classes, settings.window_seconds, {}};
  for (int window = 0; window < settings.windows; ++window) {
    // Two thirds of a turn, so that no class is common all the time.
    const double turn = 2 * std::numbers::pi / 1.5 * window / settings.windows;
    std::vector<double> weight(classes);
    for (std::size_t label = 0; label < classes; ++label) {
      const double angle =
          2 * std::numbers::pi * place[label] / static_cast<double>(classes) - turn;
      weight[label] = std::exp(1.2 * std::cos(angle));
    }
    const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
    const double brightness = BrightnessOf(settings, window);
    auto& samples = stream.windows.emplace_back().samples;
    for (int i = 0; i < SamplesOf(settings, window); ++i) {
      double at = random.Uniform() * sum;
      std::size_t label = 0;
      while (label + 1 < classes && at >= weight[label]) at -= weight[label++];
      if (deck.Left(label) == 0) {
        return TooFew(id, set, label, set.pictures[label].size() + 1);
      }
      samples.push_back({Darkened(deck.Take(label), brightness), static_cast<int>(label), 0});
    }
    SpreadOverWindow(window, settings.window_seconds, &random, &samples);
  }
  return stream;
}

Result<SampleStream> ClassIncrementalStream(const PictureSet& set, const DriftSettings& settings,
                                            const std::string& id, std::uint64_t seed) {
  Random random(DeriveSeed(seed, id));
  Deck deck(set, &random);
  const std::size_t classes = set.classes.size();
  std::vector<std::size_t> order(classes);
  std::iota(order.begin(), order.end(), std::size_t{0});
  random.Shuffle(order);
  std::vector<std::vector<const Image*>> kept_back(classes);
  for (std::size_t label = 0; label < classes; ++label) {
    for (int i = 0; i < settings.test_per_class; ++i) {
      if (deck.Left(label) == 0) {
        return TooFew(id, set, label, static_cast<std::size_t>(settings.test_per_class));
      }
      kept_back[label].push_back(&deck.Take(label));
    }
  }
  SampleStream stream{id, set.classes, settings.window_seconds, {}};
  for (int window = 0; window < settings.windows; ++window) {
    const double brightness = BrightnessOf(settings, window);
    SampleWindow& shown = stream.windows.emplace_back();
    const auto newest = static_cast<std::size_t>(window) + 1;
    for (int i = 0; i < SamplesOf(settings, window); ++i) {
      const std::size_t label = order[(newest - static_cast<std::size_t>(i % 2)) % classes];
      if (deck.Left(label) == 0) return TooFew(id, set, label, set.pictures[label].size() + 1);
      shown.samples.push_back({Darkened(deck.Take(label), brightness), static_cast<int>(label), 0});
    }
    SpreadOverWindow(window, settings.window_seconds, &random, &shown.samples);
    for (std::size_t place = 0; place < std::min(newest + 1, classes); ++place) {
      const std::size_t label = order[place];
      for (const Image* picture : kept_back[label]) {
        shown.test.push_back({Darkened(*picture, brightness), static_cast<int>(label),
                              settings.window_seconds * (window + 0.5)});
      }
    }
  }
  return stream;
}

}  // namespace ekya::learning
