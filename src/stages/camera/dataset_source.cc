#include "stages/camera/dataset_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "core/url.h"
#include "platform/datasets/dataset.h"
#include "stages/camera/internal/ffmpeg.h"
#include "stages/camera/internal/playhead.h"
#include "stages/camera/video_source.h"

namespace ekya::camera {
namespace {

constexpr std::uint64_t kMaxPictureBytes = 64 << 20;
constexpr double kMostFramesPerSecond = 60;

/// The picture's bytes.
Result<std::string> BytesOf(const datasets::Picture& picture) {
  if (picture.bytes == 0 && picture.offset == 0) return ReadFile(picture.file, kMaxPictureBytes);
  EKYA_ASSIGN(const auto file, OpenFile(picture.file));
  if (picture.bytes > kMaxPictureBytes) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: a picture has {} bytes, expected at most {}",
                             picture.file.string(), picture.bytes, kMaxPictureBytes)};
  }
  std::string bytes(picture.bytes, '\0');
  file->seekg(static_cast<std::streamoff>(picture.offset));
  file->read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!*file) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: ends before byte {}, where a picture ends", picture.file.string(),
                             picture.offset + picture.bytes)};
  }
  return bytes;
}

/// Frames of videos by their numbers, which mostly ascend. One thread.
class VideoFrames {
 public:
  VideoFrames(CameraSettings settings, std::stop_token stop)
      : settings_(std::move(settings)), stop_(std::move(stop)) {
    settings_.loop = false;
    settings_.frames_per_second = 0;
  }

  Result<Image> Get(const datasets::Picture& picture) {
    if (source_ == nullptr || picture.file != file_ || picture.video_frame < next_) {
      settings_.url = "file:" + picture.file.string();
      EKYA_ASSIGN(source_, OpenVideoFile(settings_, stop_));
      file_ = picture.file;
      next_ = 0;
    }
    while (true) {
      EKYA_ASSIGN(std::optional<Frame> frame, source_->Next());
      if (!frame) {
        return Error{ErrorCode::kInvalid,
                     fmt::format("{}: has {} frames, expected number {}", file_.string(), next_,
                                 picture.video_frame + 1)};
      }
      if (next_++ == picture.video_frame) return std::move(frame->image);
    }
  }

 private:
  CameraSettings settings_;
  const std::stop_token stop_;
  std::unique_ptr<Source> source_;
  std::filesystem::path file_;
  std::int64_t next_ = 0;  // what source_ gives next
};

class DatasetSource : public Source {
 public:
  DatasetSource(const CameraSettings& settings, datasets::LabelledStream stream,
                std::vector<std::string> classes, double frames_per_second, std::stop_token stop)
      : camera_(settings.id),
        videos_(settings, std::move(stop)),
        playhead_(Times(stream), {.speed = settings.speed,
                                  .frames_per_second = frames_per_second,
                                  .loop = settings.loop,
                                  .slack = 0.5}),
        frames_(std::move(stream.frames)) {
    info_.frames_per_second = frames_per_second;
    info_.has_truth = true;
    info_.classes = std::move(classes);
  }

  /// Shows the first frame, so that the picture's size is known.
  Status Begin() {
    EKYA_RETURN_IF_ERROR(Show(0));
    info_.width = picture_.image.width;
    info_.height = picture_.image.height;
    return {};
  }

  const SourceInfo& info() const override { return info_; }

  Result<std::int64_t> SkipTo(double seconds) override {
    const auto first = static_cast<std::int64_t>(std::ceil(seconds * info_.frames_per_second));
    return std::max(first, index_) - std::exchange(index_, std::max(first, index_));
  }

  Result<std::optional<Frame>> Next() override {
    const auto shown = playhead_.At(index_);
    if (!shown) return std::optional<Frame>();
    if (shown_ != *shown) {
      if (const Status status = Show(*shown); !status.ok()) {
        if (status.error().code == ErrorCode::kCancelled) return status.error();
        if (warned_.insert(*shown).second) {
          Log(LogLevel::kWarning, camera_, "a frame is left out: {}", status.error().message);
        }
        shown_ = *shown;
      }
    }
    Frame frame = picture_;
    frame.time_seconds = static_cast<double>(index_) / info_.frames_per_second;
    frame.index = index_++;
    return std::optional<Frame>(std::move(frame));
  }

 private:
  /// Makes frame `index` the picture that is shown; on an error the former one stays.
  Status Show(std::size_t index) {
    const datasets::LabelledFrame& labelled = frames_[index];
    EKYA_ASSIGN(Image image, Decode(labelled.picture));
    shown_ = index;
    picture_.source_time = labelled.time;
    picture_.regions.clear();
    for (Region region : labelled.regions) {
      if (region.box.width == 0 || region.box.height == 0) {
        region.box = {0, 0, static_cast<double>(image.width), static_cast<double>(image.height)};
      }
      const auto overlap = [](double from, double size, int edge) {
        return std::min(from + size, static_cast<double>(edge)) - std::max(from, 0.0);
      };
      // A label outside the picture shows nothing.
      if (overlap(region.box.x, region.box.width, image.width) > 0 &&
          overlap(region.box.y, region.box.height, image.height) > 0) {
        picture_.regions.push_back(region);
      }
    }
    picture_.image = std::move(image);
    return {};
  }

  Result<Image> Decode(const datasets::Picture& picture) {
    if (picture.video_frame >= 0) return videos_.Get(picture);
    EKYA_ASSIGN(const std::string bytes, BytesOf(picture));
    auto image = decoder_.Decode(bytes);
    if (!image.ok()) return image.error().Within(picture.file.string());
    return image;
  }

  const std::string camera_;
  SourceInfo info_;
  PictureDecoder decoder_;
  VideoFrames videos_;
  Playhead playhead_;
  const std::vector<datasets::LabelledFrame> frames_;

  std::int64_t index_ = 0;
  std::optional<std::size_t> shown_;  // what picture_ shows, or would if it were not damaged
  Frame picture_;                     // decoded once, shown until the next one's time
  std::set<std::size_t> warned_;      // frames that a warning has named
};

/// The patterns of "stream=a,b*".
Result<std::vector<std::string>> ReadSelect(const std::string& select) {
  std::vector<std::string> patterns;
  if (select.empty()) return patterns;
  constexpr std::string_view kStream = "stream=";
  std::string_view rest = select;
  if (rest.starts_with(kStream)) {
    rest.remove_prefix(kStream.size());
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      if (comma > 0) patterns.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  if (patterns.empty()) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("select: found \"{}\", expected such as \"stream=aachen\" or "
                             "\"stream=location_sf/*/FRONT\"",
                             select)};
  }
  return patterns;
}

Result<datasets::LabelledStream> TakeStream(std::vector<datasets::LabelledStream> streams,
                                            bool selected, const std::string& path) {
  if (streams.size() == 1 || selected) return datasets::Join(std::move(streams));
  constexpr std::size_t kShown = 20;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(streams.size(), kShown); ++i)
    names.push_back(streams[i].name);
  return Error{
      ErrorCode::kInvalid,
      fmt::format("{}: select: found nothing, expected \"stream=NAME\", one or some of the "
                  "data set's {}: {}{}",
                  path, streams.size(), fmt::join(names, ", "),
                  streams.size() > kShown ? ", ..." : "")};
}

/// The time between two frames at which each shows: the shortest gap but for rare ones, and the
/// mean of those that are as good as it, since clocks are not exact.
double FrameGap(const std::vector<double>& times) {
  const double usual = datasets::UsualGap(times);
  if (usual == 0) return 1;
  double shortest = usual;
  for (std::size_t i = 1; i < times.size(); ++i) {
    const double gap = times[i] - times[i - 1];
    if (gap >= usual / 2) shortest = std::min(shortest, gap);
  }
  double sum = 0;
  int count = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    const double gap = times[i] - times[i - 1];
    if (gap < shortest || gap > 1.25 * shortest) continue;
    sum += gap;
    ++count;
  }
  return sum / count;
}

}  // namespace

Result<std::unique_ptr<Source>> OpenDataset(const CameraSettings& settings, std::stop_token stop) {
  const std::string about = fmt::format("camera {}", settings.id);
  if (!(settings.speed > 0) || !std::isfinite(settings.speed)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: speed: found {}, expected more than 0", about, settings.speed)};
  }
  const std::string layout = DatasetLayoutOf(settings.url);
  const std::string path = settings.url.substr(layout.size() + 1);
  auto patterns = ReadSelect(settings.select);
  if (!patterns.ok()) return patterns.error().Within(about);
  const bool selected = !patterns->empty();
  auto dataset = datasets::ReadDataset(
      layout, path, {.streams = std::move(*patterns), .classes = settings.classes});
  if (!dataset.ok()) return dataset.error().Within(about);
  auto stream = TakeStream(std::move(dataset->streams), selected, path);
  if (!stream.ok()) return stream.error().Within(about);

  const double own = std::min(kMostFramesPerSecond, settings.speed / FrameGap(Times(*stream)));
  auto source = std::make_unique<DatasetSource>(
      settings, std::move(*stream), std::move(dataset->classes),
      settings.frames_per_second > 0 ? settings.frames_per_second : own, std::move(stop));
  if (const Status begun = source->Begin(); !begun.ok()) return begun.error().Within(about);
  return std::unique_ptr<Source>(std::move(source));
}

}  // namespace ekya::camera
