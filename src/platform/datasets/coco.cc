#include "platform/datasets/coco.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/file.h"
#include "core/json_items.h"
#include "core/map_reader.h"
#include "platform/datasets/internal/builder.h"
#include "platform/datasets/internal/places.h"

namespace ekya::datasets {
namespace {

/// Whole numbers that a double tells apart.
constexpr MapReader::Range kId{.low = -0x1.0p53, .high = 0x1.0p53};

/// Reads ids, which may be larger than an int.
void ReadId(MapReader& map, const std::string& key, std::int64_t* id) {
  double number = 0;
  if (!map.Read(key, &number, kId)) return;
  if (number != std::floor(number)) map.Fail(key, "a whole number");
  *id = static_cast<std::int64_t>(number);
}

class CocoReader {
 public:
  explicit CocoReader(std::string file) : file_(std::move(file)) {}

  Status Take(const std::string& key, std::size_t index, const Node& item) {
    MapReader map(item, file_, fmt::format("{}[{}]", key, index));
    if (key == "images") {
      TakeImage(map, item.line);
    } else if (key == "annotations") {
      TakeAnnotation(map, item.line);
    } else if (key == "categories") {
      TakeCategory(map);
    } else {
      TakeVideo(map);
    }
    map.IgnoreOthers();
    return map.Finish();
  }

  Result<CocoLabels> Finish() {
    if (categories_.empty()) return Invalid("categories: found none, expected at least one");
    if (labels_.images.empty()) return Invalid("images: found none, expected at least one");
    // Pictures without any label, as of a test's, show something that nobody knows.
    if (annotation_ids_.empty()) return Invalid("annotations: found none, expected at least one");
    std::map<std::int64_t, int> class_of;  // by category id
    std::map<std::string, std::int64_t> id_of;
    for (const auto& [id, name] : categories_) {
      const auto [twin, added] = id_of.emplace(name, id);
      if (!added) {
        return Invalid(
            fmt::format("categories: found \"{}\" for the ids {} and {}, expected each "
                        "name once",
                        name, twin->second, id));
      }
      class_of[id] = static_cast<int>(labels_.classes.size());
      labels_.classes.push_back(name);
    }
    for (auto& image : labels_.images) {
      if (image.video == kNoVideo) continue;
      const auto video = videos_.find(image.video);
      if (video == videos_.end()) {
        return At(image.line, fmt::format("images: video_id: found {}, expected the id of one of "
                                          "the {} videos",
                                          image.video, videos_.size()));
      }
      image.video = static_cast<std::int64_t>(video->second);
    }
    for (const Annotation& each : annotations_) {
      const auto image = images_.find(each.image);
      if (image == images_.end()) {
        return At(each.line, fmt::format("annotations: image_id: found {}, expected the id of one "
                                         "of the {} images",
                                         each.image, images_.size()));
      }
      const auto known = class_of.find(each.category);
      if (known == class_of.end()) {
        return At(each.line, fmt::format("annotations: category_id: found {}, expected the id of "
                                         "one of the {} categories",
                                         each.category, class_of.size()));
      }
      labels_.images[image->second].regions.push_back(
          {.box = each.box, .truth = known->second, .track = each.track});
    }
    std::sort(labels_.images.begin(), labels_.images.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    return std::move(labels_);
  }

 private:
  struct Annotation {
    std::int64_t image = 0;
    std::int64_t category = 0;
    std::int64_t track = -1;
    Box box;
    int line = 0;
  };
  static constexpr std::int64_t kNoVideo = -1;

  Error Invalid(const std::string& problem) const {
    return {ErrorCode::kInvalid, file_ + ": " + problem};
  }
  Error At(int line, const std::string& problem) const {
    return {ErrorCode::kInvalid, fmt::format("{}:{}: {}", file_, line, problem)};
  }

  void TakeImage(MapReader& map, int line) {
    CocoLabels::Image image;
    image.line = line;
    ReadId(map, "id", &image.id);
    map.ReadId("file_name", &image.file_name);
    map.Optional().Read("width", &image.width, {.low = 1, .high = 65535});
    map.Optional().Read("height", &image.height, {.low = 1, .high = 65535});
    if (map.Has("video_id")) {
      ReadId(map, "video_id", &image.video);
      ReadId(map, map.Has("frame_id") ? "frame_id" : "frame_index", &image.frame);
      if (image.video < 0) map.Fail("video_id", "a whole number of at least 0");
    }
    if (map.failed()) return;
    if (!images_.emplace(image.id, labels_.images.size()).second) {
      return map.Fail("id", fmt::format("{} again", image.id), "each image once");
    }
    labels_.images.push_back(std::move(image));
  }

  void TakeAnnotation(MapReader& map, int line) {
    Annotation annotation;
    annotation.line = line;
    std::int64_t id = 0;
    ReadId(map, "id", &id);
    ReadId(map, "image_id", &annotation.image);
    ReadId(map, "category_id", &annotation.category);
    for (const char* key : {"track_id", "instance_id"}) {
      if (map.Has(key)) ReadId(map, key, &annotation.track);
    }
    double crowd = 0;
    map.Optional().Read("iscrowd", &crowd, kFraction);
    std::vector<double> box;
    if (map.ReadNumbers("bbox", &box, {}) && box.size() != 4) {
      map.Fail("bbox", "a list of 4: [x, y, width, height]");
    }
    if (map.failed()) return;
    annotation.box = {box[0], box[1], box[2], box[3]};
    if (!IsBox(annotation.box)) {
      return map.Fail("bbox", fmt::format("[{}, {}, {}, {}]", box[0], box[1], box[2], box[3]),
                      kBoxExpected);
    }
    if (!annotation_ids_.emplace(id, line).second) {
      return map.Fail("id", fmt::format("{} again, first on line {}", id, annotation_ids_.at(id)),
                      "each annotation once");
    }
    if (crowd == 0 && !IsEmpty(annotation.box)) annotations_.push_back(annotation);
  }

  void TakeCategory(MapReader& map) {
    std::int64_t id = 0;
    std::string name;
    ReadId(map, "id", &id);
    map.ReadId("name", &name);
    if (!map.failed() && !categories_.emplace(id, name).second) {
      map.Fail("id", fmt::format("{} again", id), "each category once");
    }
  }

  void TakeVideo(MapReader& map) {
    CocoLabels::Video video;
    ReadId(map, "id", &video.id);
    for (const char* key : {"name", "file_name"}) {
      if (video.name.empty() && map.Has(key)) map.ReadId(key, &video.name);
    }
    if (video.name.empty()) video.name = fmt::format("video {}", video.id);
    map.Optional().Read("fps", &video.frames_per_second, {.low = 0, .high = 1000});
    if (map.failed()) return;
    if (!videos_.emplace(video.id, labels_.videos.size()).second) {
      return map.Fail("id", fmt::format("{} again", video.id), "each video once");
    }
    labels_.videos.push_back(std::move(video));
  }

  const std::string file_;
  CocoLabels labels_;
  std::vector<Annotation> annotations_;
  std::unordered_map<std::int64_t, int> annotation_ids_;  // with their lines
  std::unordered_map<std::int64_t, std::size_t> images_;  // places in labels_.images, by id
  std::map<std::int64_t, std::size_t> videos_;            // in labels_.videos, by id
  std::map<std::int64_t, std::string> categories_;        // names, by id
};

}  // namespace

Result<CocoLabels> ReadCocoLabels(std::istream& text, const std::string& file) {
  CocoReader reader(file);
  JsonItems items;
  items.lists = {"images", "annotations", "categories", "videos"};
  items.passed_over = {"segmentation", "keypoints", "counts"};
  items.take = [&](const std::string& key, std::size_t index, const Node& item) {
    return reader.Take(key, index, item);
  };
  EKYA_RETURN_IF_ERROR(ReadJsonItems(text, file, items));
  return reader.Finish();
}

Result<Dataset> ReadCoco(const std::filesystem::path& path, const DatasetOptions& options) {
  EKYA_ASSIGN(const auto text, OpenFile(path));
  EKYA_ASSIGN(CocoLabels labels, ReadCocoLabels(*text, path.string()));
  const auto folder = path.parent_path();
  const auto above = folder / "..";
  const std::string stem = path.stem().string();
  const std::string word = stem.substr(stem.rfind('_') + 1);
  const std::vector<std::filesystem::path> places = {
      folder, folder / "images", above / word, above / "images" / word, above / "images", above};

  DatasetBuilder builder(options);
  for (std::size_t i = 0; i < labels.images.size(); ++i) {
    CocoLabels::Image& image = labels.images[i];
    LabelledFrame frame;
    std::string stream = stem;
    frame.seconds = static_cast<double>(i);
    if (image.video >= 0) {
      const auto& video = labels.videos[static_cast<std::size_t>(image.video)];
      stream = video.name;
      frame.seconds = static_cast<double>(image.frame) /
                      (video.frames_per_second > 0 ? video.frames_per_second : 1);
    }
    if (!builder.Wants(stream)) continue;
    const auto place = FolderOf(places, image.file_name);
    if (!place.ok()) {
      return place.error().Within(
          fmt::format("{}:{}: images: file_name", path.string(), image.line));
    }
    frame.time = image.file_name;
    frame.picture.file = *place / image.file_name;
    frame.width = image.width;
    frame.height = image.height;
    frame.regions = std::move(image.regions);
    EKYA_RETURN_IF_ERROR(builder.Add(stream, std::move(frame)));
  }
  return builder.Finish(path.string(), labels.classes);
}

}  // namespace ekya::datasets
