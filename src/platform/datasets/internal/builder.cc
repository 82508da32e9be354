#include "platform/datasets/internal/builder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "core/map_reader.h"
#include "platform/datasets/internal/places.h"

namespace ekya::datasets {
namespace {

/// Some of `names` for a message.
std::string Some(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 20;
  if (names.size() <= kShown) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{}, ... ({} in all)", fmt::join(names.begin(), names.begin() + kShown, ", "),
                     names.size());
}

}  // namespace

bool IsBox(const Box& box) {
  constexpr double kMost = 1e6;
  const auto is_in_reach = [](double value) { return std::abs(value) <= kMost; };  // NaN is not
  return is_in_reach(box.x) && is_in_reach(box.y) && is_in_reach(box.width) &&
         is_in_reach(box.height) && box.width >= 0 && box.height >= 0;
}

bool DatasetBuilder::Wants(const std::string& name) {
  const auto [place, added] = wanted_.try_emplace(name, false);
  if (added) {
    place->second = options_.streams.empty() ||
                    std::any_of(options_.streams.begin(), options_.streams.end(),
                                [&](const auto& pattern) { return Fits(pattern, name); });
  }
  return place->second;
}

Status DatasetBuilder::Add(const std::string& stream, LabelledFrame frame) {
  regions_ += frame.regions.size();
  if (++frames_ > kMostFrames || regions_ > kMostRegions) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("found more than {} frames or {} labels, expected a smaller data set",
                             kMostFrames, kMostRegions)};
  }
  streams_[stream].frames.push_back(std::move(frame));
  return {};
}

Result<Dataset> DatasetBuilder::Finish(const std::string& source,
                                       const std::vector<std::string>& classes) {
  if (streams_.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, wanted] : wanted_) names.push_back(name);
    const bool selected =
        !names.empty() && !options_.streams.empty() &&
        std::none_of(wanted_.begin(), wanted_.end(), [](const auto& each) { return each.second; });
    if (!selected) {
      return Error{ErrorCode::kInvalid, source + ": found no labelled frame, expected some"};
    }
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: found no stream \"{}\", expected one of: {}", source,
                             fmt::join(options_.streams, "\" or \""), Some(names))};
  }
  Dataset dataset;
  for (auto& [name, stream] : streams_) {
    stream.name = name;
    std::stable_sort(stream.frames.begin(), stream.frames.end(),
                     [](const auto& a, const auto& b) { return a.seconds < b.seconds; });
    dataset.streams.push_back(std::move(stream));
  }
  EKYA_RETURN_IF_ERROR(TakeClasses(source, classes, &dataset));
  return dataset;
}

Status DatasetBuilder::TakeClasses(const std::string& source,
                                   const std::vector<std::string>& classes,
                                   Dataset* dataset) const {
  dataset->classes = options_.classes.empty() ? classes : options_.classes;
  std::set<std::string> once;
  for (const std::string& name : dataset->classes) {
    if (!once.insert(name).second) {
      return Error{
          ErrorCode::kInvalid,
          fmt::format("{}: classes: found \"{}\" twice, expected each class once", source, name)};
    }
    if (std::find(classes.begin(), classes.end(), name) == classes.end()) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: classes: found \"{}\", expected some of: {} (nearest \"{}\")",
                               source, name, Some(classes), Nearest(name, classes))};
    }
  }
  if (dataset->classes == classes) return {};
  std::vector<std::optional<int>> taken(classes.size());  // by the layout's index
  for (std::size_t i = 0; i < dataset->classes.size(); ++i) {
    const auto own = std::find(classes.begin(), classes.end(), dataset->classes[i]);
    taken[static_cast<std::size_t>(own - classes.begin())] = static_cast<int>(i);
  }
  for (LabelledStream& stream : dataset->streams) {
    for (LabelledFrame& frame : stream.frames) {
      std::erase_if(frame.regions, [&](const Region& region) {
        return region.truth && !taken[static_cast<std::size_t>(*region.truth)];
      });
      for (Region& region : frame.regions) {
        if (region.truth) region.truth = taken[static_cast<std::size_t>(*region.truth)];
      }
    }
  }
  return {};
}

}  // namespace ekya::datasets
