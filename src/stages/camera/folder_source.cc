#include "stages/camera/folder_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "platform/datasets/manifest.h"
#include "stages/camera/internal/ffmpeg.h"
#include "stages/camera/internal/playhead.h"

namespace ekya::camera {
namespace {

/// All pictures of one time: rows [begin, end) of the manifest.
struct Moment {
  std::size_t begin = 0;
  std::size_t end = 0;
};

class FolderSource : public Source {
 public:
  FolderSource(const CameraSettings& settings, const FolderLayout& layout,
               std::filesystem::path folder, datasets::Manifest manifest,
               std::vector<std::string> classes)
      : camera_(settings.id),
        tile_(layout.tile),
        speed_(settings.speed),
        loop_(settings.loop),
        folder_(std::move(folder)),
        rows_(std::move(manifest.rows)) {
    info_.frames_per_second =
        settings.frames_per_second > 0 ? settings.frames_per_second : layout.frames_per_second;
    info_.has_truth = std::any_of(rows_.begin(), rows_.end(), [](const datasets::ManifestRow& row) {
      return !row.label.empty();
    });
    info_.classes = std::move(classes);
    PlaceTiles();
    CollectMoments();
  }

  const SourceInfo& info() const override { return info_; }

  Result<std::int64_t> SkipTo(double seconds) override {
    const auto first = static_cast<std::int64_t>(std::ceil(seconds * info_.frames_per_second));
    return std::max(first, index_) - std::exchange(index_, std::max(first, index_));
  }

  Result<std::optional<Frame>> Next() override {
    const auto shown = playhead_->At(index_);
    if (!shown) return std::optional<Frame>();
    if (shown_ != &moments_[*shown]) Show(moments_[*shown]);
    Frame frame = picture_;
    frame.time_seconds = static_cast<double>(index_) / info_.frames_per_second;
    frame.index = index_++;
    return std::optional<Frame>(std::move(frame));
  }

 private:
  void PlaceTiles() {
    for (const auto& row : rows_) tiles_.emplace(row.slot, Box{});
    const int columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(tiles_.size()))));
    const int lines = (static_cast<int>(tiles_.size()) + columns - 1) / columns;
    int place = 0;
    for (auto& [slot, box] : tiles_) {
      box = {static_cast<double>(place % columns * tile_),
             static_cast<double>(place / columns * tile_), static_cast<double>(tile_),
             static_cast<double>(tile_)};
      ++place;
    }
    info_.width = columns * tile_;
    info_.height = lines * tile_;
  }

  void CollectMoments() {
    std::vector<double> times;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const double seconds = rows_[i].seconds - rows_[0].seconds;
      if (times.empty() || times.back() != seconds) {
        times.push_back(seconds);
        moments_.push_back({i, i});
      }
      moments_.back().end = i + 1;
    }
    playhead_.emplace(std::move(times), Playhead::Pace{.speed = speed_,
                                                       .frames_per_second = info_.frames_per_second,
                                                       .loop = loop_,
                                                       .slack = 0});
  }

  /// Makes `moment` the picture that is shown.
  void Show(const Moment& moment) {
    shown_ = &moment;
    picture_.source_time = rows_[moment.begin].time;
    picture_.image.width = info_.width;
    picture_.image.height = info_.height;
    picture_.image.pixels.assign(static_cast<std::size_t>(3 * info_.width) * info_.height, 0);
    picture_.regions.clear();
    for (std::size_t i = moment.begin; i < moment.end; ++i) {
      const datasets::ManifestRow& row = rows_[i];
      const Box& box = tiles_.at(row.slot);
      if (const Status drawn = Draw(row, box); !drawn.ok()) {
        Blacken(box);
        if (warned_.insert(row.file).second) {
          Log(LogLevel::kWarning, camera_, "slot {} at {} is left out: {}", row.slot, row.time,
              drawn.error().message);
        }
        continue;
      }
      Region region{.box = box, .truth = {}, .track = row.slot};
      const auto found = std::find(info_.classes.begin(), info_.classes.end(), row.label);
      if (found != info_.classes.end()) {
        region.truth = static_cast<int>(found - info_.classes.begin());
      }
      picture_.regions.push_back(region);
    }
  }

  std::uint8_t* At(const Box& box) {
    return &picture_.image.pixels[3 * (static_cast<std::size_t>(box.y) * info_.width +
                                       static_cast<std::size_t>(box.x))];
  }

  Status Draw(const datasets::ManifestRow& row, const Box& box) {
    const auto path = folder_ / row.file;
    EKYA_ASSIGN(const std::string bytes, ReadFile(path, kMaxPictureBytes));
    const Status decoded = decoder_.Decode(bytes, tile_, tile_, At(box), 3 * info_.width);
    if (!decoded.ok()) return decoded.error().Within(path.string());
    return {};
  }

  void Blacken(const Box& box) {
    for (int y = 0; y < tile_; ++y) std::fill_n(At(box) + 3L * y * info_.width, 3 * tile_, 0);
  }

  static constexpr std::uint64_t kMaxPictureBytes = 64 << 20;

  const std::string camera_;
  const int tile_;
  const double speed_;
  const bool loop_;
  const std::filesystem::path folder_;
  const std::vector<datasets::ManifestRow> rows_;
  SourceInfo info_;
  std::map<std::int64_t, Box> tiles_;  // by slot
  std::vector<Moment> moments_;
  std::optional<Playhead> playhead_;

  std::int64_t index_ = 0;
  const Moment* shown_ = nullptr;  // what picture_ shows
  Frame picture_;                  // decoded once, shown until the next one's time
  std::set<std::string> warned_;   // files that a warning has named
  PictureDecoder decoder_;
};

}  // namespace

Result<std::unique_ptr<Source>> OpenFolder(const CameraSettings& settings,
                                           const FolderLayout& layout) {
  const std::filesystem::path path =
      settings.url.starts_with("folder:") ? settings.url.substr(7) : settings.url;
  const std::string about = fmt::format("camera {}", settings.id);
  if (!(settings.speed > 0) || !std::isfinite(settings.speed)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: speed: found {}, expected more than 0", about, settings.speed)};
  }
  const auto text = ReadFile(path);
  if (!text.ok()) return text.error().Within(about);
  auto manifest = datasets::ReadManifest(*text, path.string(), settings.select);
  if (!manifest.ok()) return manifest.error().Within(about);

  std::vector<std::string> classes = settings.classes.empty() ? manifest->labels : settings.classes;
  for (const auto& row : manifest->rows) {
    if (!row.label.empty() &&
        std::find(classes.begin(), classes.end(), row.label) == classes.end()) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: {}: line {}: label: found \"{}\", expected one of the camera's "
                               "classes",
                               about, path.string(), row.line, row.label)};
    }
  }
  return std::unique_ptr<Source>(std::make_unique<FolderSource>(
      settings, layout, path.parent_path(), std::move(*manifest), std::move(classes)));
}

}  // namespace ekya::camera
