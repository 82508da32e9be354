#include "platform/datasets/yolo.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "core/document.h"
#include "core/map_reader.h"
#include "platform/datasets/internal/builder.h"
#include "platform/datasets/internal/lines.h"
#include "platform/datasets/internal/picture_size.h"
#include "platform/datasets/internal/places.h"

namespace ekya::datasets {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostClasses = 100'000;

/// `names` of data.yaml: a list, or a map whose keys are the numbers 0, 1, ...
Result<std::vector<std::string>> ReadDataYaml(const fs::path& path) {
  EKYA_ASSIGN(const std::string text, ReadFile(path, kMaxYamlBytes));
  EKYA_ASSIGN(const Node root, ParseYaml(text, path.string()));
  MapReader map(root, path.string(), "");
  map.IgnoreOthers();
  std::vector<std::string> names;
  const Node* const node = map.Any("names", "a list of the classes' names");
  if (node != nullptr && node->kind == Node::Kind::kMap) {
    MapReader numbered(*node, path.string(), "names");
    // As many reads as members: where a number is missing, its name is the error.
    for (std::size_t i = 0; i < std::min(node->members.size(), kMostClasses); ++i) {
      std::string name;
      if (!numbered.ReadId(std::to_string(i), &name)) break;
      names.push_back(std::move(name));
    }
    map.Merge(numbered.Finish());
  } else if (node != nullptr) {
    map.ReadStrings("names", &names);
  }
  EKYA_RETURN_IF_ERROR(map.Finish());
  if (names.empty() || names.size() > kMostClasses) {
    return Error{ErrorCode::kInvalid, fmt::format("{}: names: found {}, expected 1 to {}",
                                                  path.string(), names.size(), kMostClasses)};
  }
  return names;
}

Result<std::vector<std::string>> FindClasses(const fs::path& folder, const fs::path& yaml) {
  if (!yaml.empty()) return ReadDataYaml(yaml);
  std::error_code code;
  for (const char* name : {"data.yaml", "data.yml", "dataset.yaml"}) {
    if (fs::is_regular_file(folder / name, code)) return ReadDataYaml(folder / name);
  }
  for (const char* name : {"classes.txt", "obj.names", "labels/classes.txt"}) {
    if (!fs::is_regular_file(folder / name, code)) continue;
    EKYA_ASSIGN(const auto text, OpenFile(folder / name));
    return ReadClassNames(*text, (folder / name).string());
  }
  return Error{ErrorCode::kNotFound,
               fmt::format("{}: found no class names, expected data.yaml, classes.txt or obj.names",
                           folder.string())};
}

/// The folders below `images`, itself first, that may hold pictures.
Status Collect(const fs::path& folder, int levels, std::vector<fs::path>* found) {
  constexpr int kMostLevels = 8;
  found->push_back(folder);
  EKYA_ASSIGN(const auto inner, FoldersIn(folder));
  for (const fs::path& each : inner) {
    if (levels < kMostLevels) EKYA_RETURN_IF_ERROR(Collect(each, levels + 1, found));
  }
  return {};
}

/// What stands in a folder of labels, without its ending, but for the classes.
Result<std::set<std::string>> LabelsIn(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code code;
  if (!fs::exists(folder, code)) return names;
  EKYA_ASSIGN(const auto files, FilesIn(folder));
  for (const fs::path& file : files) {
    if (file.extension() == ".txt" && file.filename() != "classes.txt") names.insert(file.stem());
  }
  return names;
}

Status ReadFolder(const fs::path& images, const fs::path& labels, const std::string& stream,
                  std::size_t classes, DatasetBuilder* builder) {
  EKYA_ASSIGN(const auto files, FilesIn(images));
  EKYA_ASSIGN(auto labelled, LabelsIn(labels));
  std::set<std::string> stems;
  double seconds = 0;
  for (const fs::path& file : files) {
    if (!IsPicture(file)) continue;
    if (!builder->Wants(stream)) return {};
    const std::string stem = file.stem().string();
    if (!stems.insert(stem).second) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: found a second picture of that name, expected one for the "
                               "labels {}.txt",
                               file.string(), stem)};
    }
    EKYA_ASSIGN(const PictureSize size, SizeOfPicture(file));
    LabelledFrame frame;
    frame.seconds = seconds++;
    frame.time = file.filename().string();
    frame.picture.file = file;
    frame.width = size.width;
    frame.height = size.height;
    if (labelled.erase(stem) > 0) {
      const fs::path name = labels / (stem + ".txt");
      EKYA_ASSIGN(const auto text, OpenFile(name));
      EKYA_ASSIGN(frame.regions,
                  ReadYoloLabels(*text, name.string(), size.width, size.height, classes));
    }
    EKYA_RETURN_IF_ERROR(builder->Add(stream, std::move(frame)));
  }
  if (!labelled.empty() && (!stems.empty() || builder->Wants(stream))) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("{}: found labels without a picture, expected {}.jpg, .jpeg or .png",
                             (labels / (*labelled.begin() + ".txt")).string(),
                             (images / *labelled.begin()).string())};
  }
  return {};
}

}  // namespace

Result<std::vector<Region>> ReadYoloLabels(std::istream& text, const std::string& file, int width,
                                           int height, std::size_t classes) {
  LineReader lines(text, file);
  std::vector<Region> regions;
  while (true) {
    EKYA_ASSIGN(const bool more, lines.Next());
    if (!more) return regions;
    std::istringstream words(lines.line());
    std::vector<std::string> fields;
    for (std::string word; fields.size() < 6 && words >> word;) fields.push_back(word);
    if (fields.size() != 5) {
      return lines.At(
          fmt::format("found {} values, expected 5: class x y width height",
                      fields.size() > 5 ? "more than 5" : std::to_string(fields.size())));
    }
    EKYA_ASSIGN(const std::int64_t truth,
                ReadInteger(lines, "class", fields[0], 0, static_cast<std::int64_t>(classes) - 1));
    double values[4] = {};
    constexpr const char* kNames[4] = {"x", "y", "width", "height"};
    for (int i = 0; i < 4; ++i) {
      EKYA_ASSIGN(values[i], ReadNumber(lines, kNames[i], fields[static_cast<std::size_t>(i) + 1]));
      // A little beyond the edge is what labelling tools round to.
      if (values[i] < -0.01 || values[i] > 1.01) {
        return lines.At(kNames[i], fields[static_cast<std::size_t>(i) + 1],
                        "a part of the picture, from 0 to 1");
      }
    }
    Box box;
    box.width = std::max(0.0, values[2]) * width;
    box.height = std::max(0.0, values[3]) * height;
    box.x = values[0] * width - box.width / 2;
    box.y = values[1] * height - box.height / 2;
    if (IsEmpty(box)) continue;
    regions.push_back({.box = box, .truth = static_cast<int>(truth), .track = -1});
  }
}

Result<std::vector<std::string>> ReadClassNames(std::istream& text, const std::string& file) {
  LineReader lines(text, file);
  std::vector<std::string> names;
  std::set<std::string> once;
  while (true) {
    EKYA_ASSIGN(const bool more, lines.Next());
    if (!more) break;
    // The line's number is the class's: a blank one in between would shift those that follow.
    if (lines.number() != static_cast<int>(names.size()) + 1) {
      return lines.At("found a blank line before it, expected a name in every line");
    }
    const std::string name(Trimmed(lines.line()));
    if (name.size() > 200) return lines.At("class", name, "a name of at most 200 characters");
    if (!once.insert(name).second) return lines.At("class", name, "each class once");
    names.push_back(name);
    if (names.size() > kMostClasses) return lines.At("found more classes than 100000");
  }
  if (names.empty()) return Error{ErrorCode::kInvalid, file + ": is empty; expected class names"};
  return names;
}

Result<Dataset> ReadYolo(const fs::path& path, const DatasetOptions& options) {
  std::error_code code;
  const bool is_file = fs::is_regular_file(path, code);
  const fs::path folder = is_file ? path.parent_path() : path;
  EKYA_ASSIGN(const auto classes, FindClasses(folder, is_file ? path : fs::path()));
  std::vector<fs::path> folders;
  EKYA_RETURN_IF_ERROR(Collect(folder / "images", 0, &folders));
  DatasetBuilder builder(options);
  for (const fs::path& images : folders) {
    const fs::path below = images.lexically_relative(folder / "images");
    const bool top = below == ".";
    const fs::path labels = top ? folder / "labels" : folder / "labels" / below;
    EKYA_RETURN_IF_ERROR(
        ReadFolder(images, labels, top ? "images" : below.string(), classes.size(), &builder));
  }
  return builder.Finish(path.string(), classes);
}

}  // namespace ekya::datasets
