#include "platform/datasets/cityscapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "base/file.h"
#include "core/document.h"
#include "core/map_reader.h"
#include "platform/datasets/internal/builder.h"
#include "platform/datasets/internal/places.h"

namespace ekya::datasets {
namespace {

namespace fs = std::filesystem;

constexpr double kFramesPerSecond = 17;
constexpr int kSnippetFrames = 30;

/// All of Cityscapes' labels that are no class of ours.
const std::vector<std::string>& OtherLabels() {
  static const std::vector<std::string> labels = {
      "unlabeled",    "ego vehicle",   "rectification border",
      "out of roi",   "static",        "dynamic",
      "ground",       "road",          "sidewalk",
      "parking",      "rail track",    "building",
      "wall",         "fence",         "guard rail",
      "bridge",       "tunnel",        "pole",
      "polegroup",    "traffic light", "traffic sign",
      "vegetation",   "terrain",       "sky",
      "caravan",      "trailer",       "license plate",
      "persongroup",  "ridergroup",    "cargroup",
      "truckgroup",   "busgroup",      "caravangroup",
      "trailergroup", "traingroup",    "motorcyclegroup",
      "bicyclegroup"};
  return labels;
}

/// The rectangle around the points [x, y] of `polygon`.
Status ReadPolygon(MapReader& map, const std::string& file, Box* box) {
  constexpr std::size_t kMostPoints = 1'000'000;
  const Node* const points = map.List("polygon", kMostPoints);
  if (points == nullptr) return {};
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double left = kInfinity, top = kInfinity, right = -kInfinity, bottom = -kInfinity;
  for (const Node& point : points->items) {
    const bool is_point = point.kind == Node::Kind::kList && point.items.size() == 2 &&
                          point.items[0].kind == Node::Kind::kNumber &&
                          point.items[1].kind == Node::Kind::kNumber;
    if (!is_point) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}:{}: {}: found {}, expected points [x, y]", file, point.line,
                               map.PathOf("polygon"), Describe(point))};
    }
    left = std::min(left, point.items[0].number);
    right = std::max(right, point.items[0].number);
    top = std::min(top, point.items[1].number);
    bottom = std::max(bottom, point.items[1].number);
  }
  if (points->items.empty()) {
    map.Fail("polygon", "a list of points [x, y]");
    return {};
  }
  *box = {left, top, right - left, bottom - top};
  if (!IsBox(*box)) map.Fail("polygon", kBoxExpected);
  return {};
}

/// The labels of our classes, "deleted" ones aside; nothing for any other label.
Result<std::optional<Region>> ReadObject(const Node& node, const std::string& file,
                                         std::size_t index) {
  MapReader map(node, file, fmt::format("objects[{}]", index));
  map.IgnoreOthers();
  std::string label;
  Region region;
  double deleted = 0;
  const auto& classes = CityscapesClasses();
  if (map.ReadId("label", &label)) {
    const auto own = std::find(classes.begin(), classes.end(), label);
    if (own != classes.end()) {
      region.truth = static_cast<int>(own - classes.begin());
    } else if (std::ranges::find(OtherLabels(), label) == OtherLabels().end()) {
      std::vector<std::string> all = classes;
      all.insert(all.end(), OtherLabels().begin(), OtherLabels().end());
      map.Fail("label", fmt::format("a label of Cityscapes (nearest \"{}\")", Nearest(label, all)));
    }
  }
  map.Optional().Read("deleted", &deleted, kFraction);
  EKYA_RETURN_IF_ERROR(ReadPolygon(map, file, &region.box));
  EKYA_RETURN_IF_ERROR(map.Finish());
  if (!region.truth || deleted != 0 || IsEmpty(region.box)) return std::optional<Region>();
  return std::optional(region);
}

/// One picture of a city, by its file's name CITY_SEQUENCE_FRAME_leftImg8bit.png.
struct View {
  int sequence = 0;
  int frame = 0;
  fs::path picture;
  fs::path labels;
};

std::optional<int> FileNumber(std::string_view text) {
  int number = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = code == std::errc() && stop == text.data() + text.size();
  return whole && number >= 0 ? std::optional(number) : std::nullopt;
}

Result<View> ReadViewName(const fs::path& picture, const std::string& city) {
  constexpr std::string_view kEnd = "_leftImg8bit";
  View view;
  view.picture = picture;
  const std::string stem = picture.stem().string();
  if (stem.starts_with(city + "_") && stem.ends_with(kEnd)) {
    std::string_view rest = stem;
    rest.remove_prefix(city.size() + 1);
    rest.remove_suffix(std::min(kEnd.size(), rest.size()));
    const auto underscore = rest.find('_');
    if (underscore != std::string_view::npos) {
      const auto sequence = FileNumber(rest.substr(0, underscore));
      const auto frame = FileNumber(rest.substr(underscore + 1));
      if (sequence && frame) {
        view.sequence = *sequence;
        view.frame = *frame;
        return view;
      }
    }
  }
  return Error{ErrorCode::kInvalid,
               fmt::format("{}: found that name, expected one such as {}_000000_000019{}.png",
                           picture.string(), city, kEnd)};
}

/// The views of one city of one split, in order; each has its labels.
Result<std::vector<View>> ViewsOf(const fs::path& folder, const fs::path& labels,
                                  const std::string& mode) {
  const std::string city = folder.filename().string();
  EKYA_ASSIGN(const auto files, FilesIn(folder));
  std::vector<View> views;
  for (const fs::path& file : files) {
    if (!IsPicture(file)) continue;
    EKYA_ASSIGN(View view, ReadViewName(file, city));
    const std::string stem = file.stem().string();
    view.labels =
        labels / fmt::format("{}_{}_polygons.json", stem.substr(0, stem.rfind('_')), mode);
    std::error_code code;
    if (!fs::is_regular_file(view.labels, code)) {
      return Error{ErrorCode::kNotFound, fmt::format("{}: has no labels, expected {}",
                                                     file.string(), view.labels.string())};
    }
    views.push_back(std::move(view));
  }
  std::sort(views.begin(), views.end(), [](const View& a, const View& b) {
    return std::pair(a.sequence, a.frame) < std::pair(b.sequence, b.frame);
  });
  return views;
}

Status AddCity(const std::string& city, const std::vector<View>& views, double* start,
               DatasetBuilder* builder) {
  for (std::size_t i = 0; i < views.size(); ++i) {
    const View& view = views[i];
    EKYA_ASSIGN(const std::string text, ReadFile(view.labels, kMaxJsonBytes));
    EKYA_ASSIGN(CityscapesPolygons polygons, ReadCityscapesPolygons(text, view.labels.string()));
    LabelledFrame frame;
    frame.seconds = *start + view.frame / kFramesPerSecond;
    frame.time = view.picture.stem().string();
    frame.picture.file = view.picture;
    frame.width = polygons.width;
    frame.height = polygons.height;
    frame.regions = std::move(polygons.regions);
    EKYA_RETURN_IF_ERROR(builder->Add(city, std::move(frame)));
    // Frame 19 is the labelled one of a snippet's 30.
    if (i + 1 == views.size() || views[i + 1].sequence != view.sequence) {
      *start += std::max(kSnippetFrames, view.frame + 11) / kFramesPerSecond;
    }
  }
  return {};
}

}  // namespace

const std::vector<std::string>& CityscapesClasses() {
  static const std::vector<std::string> names = {"person",  "car",        "truck", "bus",
                                                 "bicycle", "motorcycle", "rider", "train"};
  return names;
}

Result<CityscapesPolygons> ReadCityscapesPolygons(std::string_view text, const std::string& file) {
  EKYA_ASSIGN(const Node root, ParseJson(text, file));
  MapReader map(root, file, "");
  map.IgnoreOthers();
  CityscapesPolygons polygons;
  map.Read("imgWidth", &polygons.width, {.low = 1, .high = 65535});
  map.Read("imgHeight", &polygons.height, {.low = 1, .high = 65535});
  const Node* const objects = map.List("objects");
  EKYA_RETURN_IF_ERROR(map.Finish());
  for (std::size_t i = 0; i < objects->items.size(); ++i) {
    EKYA_ASSIGN(const auto region, ReadObject(objects->items[i], file, i));
    if (region) polygons.regions.push_back(*region);
  }
  return polygons;
}

Result<Dataset> ReadCityscapes(const fs::path& path, const DatasetOptions& options) {
  std::error_code code;
  const std::string mode = fs::is_directory(path / "gtFine", code) ? "gtFine" : "gtCoarse";
  EKYA_ASSIGN(const auto splits, FoldersIn(path / "leftImg8bit"));
  DatasetBuilder builder(options);
  std::map<std::string, double> ends;  // of each city so far: a city may be in several splits
  for (const fs::path& split : splits) {
    if (split.filename() == "test") continue;
    EKYA_ASSIGN(const auto cities, FoldersIn(split));
    for (const fs::path& folder : cities) {
      const std::string city = folder.filename().string();
      if (!builder.Wants(city)) continue;
      EKYA_ASSIGN(const auto views, ViewsOf(folder, path / mode / split.filename() / city, mode));
      EKYA_RETURN_IF_ERROR(AddCity(city, views, &ends[city], &builder));
    }
  }
  return builder.Finish(path.string(), CityscapesClasses());
}

}  // namespace ekya::datasets
