#include "stages/camera/source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/url.h"
#include "stages/camera/dataset_source.h"
#include "stages/camera/folder_source.h"
#include "stages/camera/scene_source.h"
#include "stages/camera/video_source.h"

namespace ekya::camera {
namespace {

/// Blackens the masks and adds the fixed regions to what another source gives.
class PreparedSource : public Source {
 public:
  PreparedSource(std::unique_ptr<Source> source, const CameraSettings& settings)
      : source_(std::move(source)), masks_(settings.masks) {
    std::int64_t track = 0;
    for (const auto& [name, box] : settings.regions) {
      regions_.push_back({.box = box, .truth = {}, .track = track++});
    }
  }

  const SourceInfo& info() const override { return source_->info(); }
  void StopWith(std::stop_token stop) override { source_->StopWith(std::move(stop)); }

  Result<std::int64_t> SkipTo(double seconds) override { return source_->SkipTo(seconds); }
  Result<std::optional<Frame>> Next() override {
    EKYA_ASSIGN(std::optional<Frame> frame, source_->Next());
    if (!frame) return frame;
    for (const Box& mask : masks_) Blacken(mask, frame->image);
    // What a mask hides is nobody's to classify.
    std::erase_if(frame->regions,
                  [this](const Region& region) { return Masked(region.box) > 0.5; });
    frame->regions.insert(frame->regions.end(), regions_.begin(), regions_.end());
    return frame;
  }

 private:
  static void Blacken(const Box& mask, Image& image) {
    const auto within = [](double edge, int size) {
      return static_cast<int>(std::clamp(edge, 0.0, static_cast<double>(size)));
    };
    const int left = within(std::floor(mask.x), image.width);
    const int right = within(std::ceil(mask.x + mask.width), image.width);
    const int bottom = within(std::ceil(mask.y + mask.height), image.height);
    for (int y = within(std::floor(mask.y), image.height); y < bottom; ++y) {
      auto* row = &image.pixels[3 * static_cast<std::size_t>(y) * image.width];
      std::fill(row + 3L * left, row + 3L * std::max(left, right), 0);
    }
  }

  /// The largest part of `box` that one mask covers, 0..1.
  double Masked(const Box& box) const {
    double most = 0;
    for (const Box& mask : masks_) {
      const double width =
          std::min(box.x + box.width, mask.x + mask.width) - std::max(box.x, mask.x);
      const double height =
          std::min(box.y + box.height, mask.y + mask.height) - std::max(box.y, mask.y);
      if (width > 0 && height > 0) most = std::max(most, width * height / (box.width * box.height));
    }
    return most;
  }

  const std::unique_ptr<Source> source_;
  const std::vector<Box> masks_;
  std::vector<Region> regions_;
};

/// The part of `url` before its first ':', such as "rtsp"; empty for a plain path.
std::string Scheme(const std::string& url) {
  const auto colon = url.find(':');
  if (colon == std::string::npos || url.find('/') < colon) return "";
  return url.substr(0, colon);
}

Result<std::unique_ptr<Source>> OpenPlain(const CameraSettings& settings, std::uint64_t seed,
                                          std::stop_token stop) {
  const std::string scheme = Scheme(settings.url);
  if (scheme == "folder") return OpenFolder(settings);
  if (!DatasetLayoutOf(settings.url).empty()) return OpenDataset(settings, std::move(stop));
  if (scheme == "scene") return OpenScene(settings, seed);
  if (scheme == "rtsp" || scheme == "rtsps") return OpenRtsp(settings, std::move(stop));
  if (scheme == "file" || (scheme.empty() && !settings.url.empty())) {
    return OpenVideoFile(settings, std::move(stop));
  }
  return Error{
      ErrorCode::kInvalid,
      fmt::format("camera {}: url: found \"{}\", expected rtsp://..., file:PATH, the path of a "
                  "video, folder:MANIFEST, scene:intersection or LAYOUT:PATH of a data set ({})",
                  settings.id, ShownUrl(settings.url), fmt::join(DatasetLayouts(), ", "))};
}

}  // namespace

Result<std::int64_t> Source::SkipTo(double seconds) {
  const double step = info().frames_per_second > 0 ? 1 / info().frames_per_second : 0;
  std::int64_t skipped = 0;
  double next = 0;
  while (next < seconds) {
    EKYA_ASSIGN(const auto frame, Next());
    if (!frame) break;
    ++skipped;
    next = frame->time_seconds + step;
  }
  return skipped;
}

Result<std::unique_ptr<Source>> OpenSource(const CameraSettings& settings, std::uint64_t seed,
                                           std::stop_token stop) {
  if (!(settings.frames_per_second >= 0 && settings.frames_per_second <= 1000)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("camera {}: frames_per_second: found {}, expected 0 (native) to 1000",
                             settings.id, settings.frames_per_second)};
  }
  EKYA_ASSIGN(std::unique_ptr<Source> source, OpenPlain(settings, seed, std::move(stop)));
  if (settings.masks.empty() && settings.regions.empty()) return source;
  return std::unique_ptr<Source>(std::make_unique<PreparedSource>(std::move(source), settings));
}

}  // namespace ekya::camera
