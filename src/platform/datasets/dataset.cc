#include "platform/datasets/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "platform/datasets/cityscapes.h"
#include "platform/datasets/coco.h"
#include "platform/datasets/manifest.h"
#include "platform/datasets/mot.h"
#include "platform/datasets/samplelist.h"
#include "platform/datasets/waymo.h"
#include "platform/datasets/yolo.h"

namespace ekya::datasets {
namespace {

using Reader = Result<Dataset> (*)(const std::filesystem::path& path,
                                   const DatasetOptions& options);

/// Each layout of core's DatasetLayouts, and who reads it.
constexpr std::pair<const char*, Reader> kReaders[] = {{"manifest", ReadManifestDataset},
                                                       {"coco", ReadCoco},
                                                       {"yolo", ReadYolo},
                                                       {"mot", ReadMot},
                                                       {"samplelist", ReadSamplelists},
                                                       {"cityscapes", ReadCityscapes},
                                                       {"waymo", ReadWaymo},
                                                       {"bellevue", ReadGoldenSamplelists},
                                                       {"vegas", ReadGoldenSamplelists}};

}  // namespace

Result<Dataset> ReadDataset(const std::string& layout, const std::filesystem::path& path,
                            const DatasetOptions& options) {
  std::vector<std::string> known;
  for (const auto& [name, read] : kReaders) {
    if (name == layout) return read(path, options);
    known.emplace_back(name);
  }
  return Error{ErrorCode::kInvalid, fmt::format("{}: layout: found \"{}\", expected one of: {}",
                                                path.string(), layout, fmt::join(known, ", "))};
}

std::vector<double> Times(const LabelledStream& stream) {
  std::vector<double> times;
  for (const LabelledFrame& frame : stream.frames) {
    times.push_back(frame.seconds - stream.frames.front().seconds);
  }
  return times;
}

double UsualGap(const std::vector<double>& times) {
  std::vector<double> gaps;
  for (std::size_t i = 1; i < times.size(); ++i) {
    if (times[i] > times[i - 1]) gaps.push_back(times[i] - times[i - 1]);
  }
  if (gaps.empty()) return 0;
  const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
  std::nth_element(gaps.begin(), middle, gaps.end());
  return *middle;
}

LabelledStream Join(std::vector<LabelledStream> streams) {
  std::stable_sort(streams.begin(), streams.end(), [](const auto& a, const auto& b) {
    return std::tie(a.frames.front().seconds, a.name) < std::tie(b.frames.front().seconds, b.name);
  });
  LabelledStream joined = std::move(streams.front());
  for (std::size_t i = 1; i < streams.size(); ++i) {
    LabelledStream& next = streams[i];
    const double gap = UsualGap(Times(next));
    const double begin = joined.frames.back().seconds + (gap > 0 ? gap : 1);
    const double shift = begin - next.frames.front().seconds;
    joined.name += ", " + next.name;
    for (LabelledFrame& frame : next.frames) {
      frame.seconds += shift;
      joined.frames.push_back(std::move(frame));
    }
  }
  return joined;
}

}  // namespace ekya::datasets
