#include "platform/datasets/frame_file.h"

#include <fmt/format.h>

#include <utility>

#include "base/file.h"
#include "platform/datasets/internal/packed.h"

namespace ekya::datasets {
namespace {

constexpr std::int64_t kUnknown = -1;

/// One region of `frame`, with its truth and track where the numbers say so.
Result<Region> RegionOf(const double* box, std::int64_t truth, std::int64_t track,
                        const std::string& file) {
  if (truth < kUnknown || truth > 1'000'000) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: tensor 'regions.truth': found {}, expected a class's index or {}",
                             file, truth, kUnknown)};
  }
  Region region{.box = {box[0], box[1], box[2], box[3]}, .truth = {}, .track = track};
  if (truth != kUnknown) region.truth = static_cast<int>(truth);
  return region;
}

}  // namespace

Status SaveFrames(const std::filesystem::path& path, const KeptFrames& kept) {
  TensorFile content;
  content.metadata["ekya.content"] = "kept frames";
  std::vector<const Image*> pictures;
  std::vector<std::int64_t> indices;
  std::vector<double> times;
  std::vector<std::int64_t> regions;
  std::vector<double> boxes;
  std::vector<std::int64_t> truth;
  std::vector<std::int64_t> tracks;
  std::vector<std::int64_t> source_time_lengths;
  std::string source_times;
  for (const FramePtr& frame : kept.frames) {
    pictures.push_back(&frame->image);
    indices.push_back(frame->index);
    times.push_back(frame->time_seconds);
    source_time_lengths.push_back(static_cast<std::int64_t>(frame->source_time.size()));
    source_times += frame->source_time;
    regions.push_back(static_cast<std::int64_t>(frame->regions.size()));
    for (const Region& region : frame->regions) {
      boxes.insert(boxes.end(), {region.box.x, region.box.y, region.box.width, region.box.height});
      truth.push_back(region.truth ? *region.truth : kUnknown);
      tracks.push_back(region.track);
    }
  }
  PackPictures(pictures, &content);
  PackNumbers("indices", indices, &content);
  PackNumbers("times", times, &content);
  PackNumbers("uncertainty", kept.uncertainty, &content);
  PackNumbers("seen", std::vector<std::int64_t>{kept.seen}, &content);
  PackNumbers("source_times.lengths", source_time_lengths, &content);
  const auto bytes = static_cast<std::int64_t>(source_times.size());
  content.tensors["source_times"] = {ElementType::kU8, {bytes}, std::move(source_times)};
  PackNumbers("regions.counts", regions, &content);
  content.tensors["regions.boxes"] =
      StoreTensor(std::span<const double>(boxes), {static_cast<std::int64_t>(tracks.size()), 4});
  PackNumbers("regions.truth", truth, &content);
  PackNumbers("regions.tracks", tracks, &content);
  return WriteFileForNow(path, FormatSafetensors(content));
}

Result<KeptFrames> LoadFrames(const std::filesystem::path& path) {
  const std::string file = path.string();
  EKYA_ASSIGN(const TensorFile content, ReadTensors(path));
  EKYA_ASSIGN(auto pictures, UnpackPictures(content, file));
  const auto count = static_cast<std::int64_t>(pictures.size());
  const auto whole = [&](const std::string& name, std::int64_t expected) {
    return UnpackNumbers<std::int64_t>(content, file, name, expected);
  };
  EKYA_ASSIGN(const auto indices, whole("indices", count));
  EKYA_ASSIGN(const auto times, UnpackNumbers<double>(content, file, "times", count));
  EKYA_ASSIGN(const auto seen, whole("seen", 1));
  EKYA_ASSIGN(const auto regions, whole("regions.counts", count));
  EKYA_ASSIGN(const auto tracks, whole("regions.tracks", -1));
  const auto total = static_cast<std::int64_t>(tracks.size());
  EKYA_ASSIGN(const auto truth, whole("regions.truth", total));
  EKYA_ASSIGN(const StoredTensor* stored,
              FindTensor(content, file, "regions.boxes", ElementType::kF64, {total, 4}));
  const auto boxes = NumbersOf<double>(*stored);
  EKYA_ASSIGN(const auto first, StartsOf(regions, tracks.size(), file, "regions.counts"));
  EKYA_ASSIGN(const auto lengths, whole("source_times.lengths", count));
  EKYA_ASSIGN(const StoredTensor* source_times,
              FindTensor(content, file, "source_times", ElementType::kU8, {-1}));
  EKYA_ASSIGN(const auto text,
              StartsOf(lengths, source_times->bytes.size(), file, "source_times.lengths"));

  KeptFrames kept;
  EKYA_ASSIGN(kept.uncertainty, UnpackNumbers<double>(content, file, "uncertainty", count));
  kept.seen = static_cast<int>(seen.front());
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    auto frame = std::make_shared<Frame>();
    frame->index = indices[i];
    frame->time_seconds = times[i];
    frame->source_time = source_times->bytes.substr(text[i], static_cast<std::size_t>(lengths[i]));
    frame->image = std::move(pictures[i]);
    for (std::size_t k = first[i]; k < first[i] + static_cast<std::size_t>(regions[i]); ++k) {
      EKYA_ASSIGN(Region region, RegionOf(&boxes[4 * k], truth[k], tracks[k], file));
      frame->regions.push_back(region);
    }
    kept.frames.push_back(std::move(frame));
  }
  return kept;
}

}  // namespace ekya::datasets
