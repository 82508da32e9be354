#include "platform/datasets/samplelist.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/file.h"
#include "platform/datasets/internal/builder.h"
#include "platform/datasets/internal/places.h"
#include "platform/datasets/manifest.h"
#include "platform/datasets/samplelist_rows.h"
#include "platform/datasets/yolo.h"

namespace ekya::datasets {
namespace {

namespace fs = std::filesystem;

/// What a list's name says: "Bellevue_150th_SE38th__2017-09-10_18-08-24_0.5fps".
struct ListName {
  std::string camera;            ///< Without the rate.
  double frames_per_second = 1;  ///< 1 where it is not said.
  double start = 0;              ///< Seconds of the date; 0 where there is none.
};

ListName ReadListName(const std::string& stem) {
  ListName name{.camera = stem};
  const auto underscore = stem.rfind('_');
  if (underscore != std::string::npos && stem.ends_with("fps")) {
    const char* const end = stem.data() + stem.size() - 3;
    double rate = 0;
    const auto [stop, code] = std::from_chars(stem.data() + underscore + 1, end, rate);
    if (code == std::errc() && stop == end && rate > 0 && rate <= 1000) {
      name.frames_per_second = rate;
      name.camera = stem.substr(0, underscore);
    }
  }
  const auto date = name.camera.find("__");
  if (date != std::string::npos && name.camera.size() >= date + 21) {
    std::string text = name.camera.substr(date + 2, 19);
    text[10] = ' ';
    std::replace(text.begin() + 11, text.end(), '-', ':');
    if (const auto seconds = ParseTime(text)) name.start = *seconds;
  }
  return name;
}

/// The list's folder and three above it.
std::vector<fs::path> FoldersAround(const fs::path& list) {
  std::vector<fs::path> folders;
  fs::path folder = fs::absolute(list).lexically_normal().parent_path();
  for (int level = 0; level < 4; ++level) {
    folders.push_back(folder);
    if (folder == folder.parent_path()) break;
    folder = folder.parent_path();
  }
  return folders;
}

/// Finds the pictures of one list: where the first is, all are.
class Pictures {
 public:
  explicit Pictures(const fs::path& list) : list_(list), folders_(FoldersAround(list)) {}

  Result<Picture> Find(const SamplelistRow& row, const std::string& camera) {
    const auto found = row.frame < 0 ? Named(row.picture) : Numbered(row, camera);
    if (found.ok()) return found;
    return found.error().Within(
        fmt::format("{}:{}: {}", list_.string(), row.line, row.frame < 0 ? "imgpath" : "frame"));
  }

 private:
  Result<Picture> Named(const std::string& name) {
    std::vector<fs::path> places = {root_};
    if (root_.empty()) {
      places.clear();
      for (const fs::path& folder : folders_) {
        places.push_back(folder);
        places.push_back(folder / "leftImg8bit");
      }
    }
    EKYA_ASSIGN(root_, FolderOf(places, name));
    return Picture{.file = root_ / name};
  }

  Result<Picture> Numbered(const SamplelistRow& row, const std::string& camera) {
    if (row.frame == 0) return Error{ErrorCode::kInvalid, "found 0, expected a number from 1"};
    const std::string name = fmt::format("{}/frame_images/{:06d}.jpg", camera, row.frame);
    const std::string video = camera + ".mp4";
    for (const fs::path& folder : folders_) {
      if (!root_.empty() && folder != root_) continue;
      std::error_code code;
      if (fs::is_regular_file(folder / name, code)) {
        root_ = folder;
        return Picture{.file = folder / name};
      }
      // Frames that were taken out of the video go first; without any of them it is the video.
      if (!fs::exists(folder / camera / "frame_images", code) &&
          fs::is_regular_file(folder / video, code)) {
        root_ = folder;
        return Picture{.file = folder / video, .video_frame = row.frame - 1};
      }
    }
    return Error{
        ErrorCode::kNotFound,
        fmt::format("found {}, but neither {} nor {} is a file in the list's folder or the "
                    "three above it",
                    row.frame, name, video)};
  }

  const fs::path list_;
  const std::vector<fs::path> folders_;
  fs::path root_;  // empty until the first is found
};

/// A row's class as an index into the layout's classes; nothing where it is left out.
using ClassOf =
    std::function<Result<std::optional<int>>(const SamplelistRow& row, const std::string& file)>;

/// Makes the frames of one list's rows.
Status AddList(const fs::path& list, std::vector<SamplelistRow> rows, const ClassOf& class_of,
               DatasetBuilder* builder) {
  const std::string stream = list.stem().string();
  const ListName name = ReadListName(stream);
  for (SamplelistRow& row : rows) {
    if (row.frame >= 0 && row.camera.empty()) row.camera = name.camera;
  }
  // Rows of one picture are one frame, wherever they stand.
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    if (a.frame != b.frame) return a.frame < b.frame;
    if (a.picture != b.picture) return NaturalLess(a.picture, b.picture);
    return a.camera < b.camera;
  });
  Pictures pictures(list);
  double count = 0;
  for (std::size_t i = 0; i < rows.size();) {
    const SamplelistRow& first = rows[i];
    LabelledFrame frame;
    EKYA_ASSIGN(frame.picture, pictures.Find(first, first.camera));
    const double unsaid =
        first.frame < 0 ? count : static_cast<double>(first.frame - 1) / name.frames_per_second;
    frame.seconds = name.start + first.seconds.value_or(unsaid);
    frame.time = first.frame < 0 ? first.picture : fmt::format("frame {}", first.frame);
    for (; i < rows.size() && rows[i].frame == first.frame && rows[i].picture == first.picture &&
           rows[i].camera == first.camera;
         ++i) {
      if (IsEmpty(rows[i].box) && !rows[i].crop) continue;
      EKYA_ASSIGN(const std::optional<int> truth, class_of(rows[i], list.string()));
      if (truth) frame.regions.push_back({.box = rows[i].box, .truth = *truth, .track = -1});
    }
    ++count;
    EKYA_RETURN_IF_ERROR(builder->Add(stream, std::move(frame)));
  }
  return {};
}

Error ClassError(const SamplelistRow& row, const std::string& file, const std::string& expected) {
  return {ErrorCode::kInvalid, fmt::format("{}:{}: class: found \"{}\", expected {}", file,
                                           row.line, row.label, expected)};
}

/// The lists that `path` is or holds.
Result<std::vector<fs::path>> ListsAt(const fs::path& path) {
  std::error_code code;
  if (!fs::is_directory(path, code)) return std::vector<fs::path>{path};
  EKYA_ASSIGN(auto files, FilesIn(path));
  std::erase_if(files, [](const fs::path& file) { return file.extension() != ".csv"; });
  if (!files.empty()) return files;
  return Error{ErrorCode::kNotFound,
               path.string() + ": found no samplelist, expected files that end in .csv"};
}

Result<std::vector<SamplelistRow>> ReadList(const fs::path& list) {
  EKYA_ASSIGN(const auto text, OpenFile(list));
  return ReadSamplelistRows(*text, list.string());
}

/// The names of the numbers: of a file `classes.txt`, else `given`.
Result<std::vector<std::string>> NamesOfNumbers(const fs::path& list,
                                                const std::vector<std::string>& given) {
  for (const fs::path& folder : FoldersAround(list)) {
    std::error_code code;
    if (!fs::is_regular_file(folder / "classes.txt", code)) continue;
    EKYA_ASSIGN(const auto text, OpenFile(folder / "classes.txt"));
    return ReadClassNames(*text, (folder / "classes.txt").string());
  }
  if (!given.empty()) return given;
  return Error{ErrorCode::kInvalid,
               list.string() +
                   ": class: found numbers, expected a file classes.txt beside or above "
                   "it, or the camera's classes, that name them"};
}

}  // namespace

Result<Dataset> ReadSamplelists(const fs::path& path, const DatasetOptions& options) {
  EKYA_ASSIGN(const auto lists, ListsAt(path));
  DatasetBuilder builder(options);
  std::map<fs::path, std::vector<SamplelistRow>> rows;
  std::set<std::string> labels;
  const SamplelistRow* numbered = nullptr;
  for (const fs::path& list : lists) {
    if (!builder.Wants(list.stem().string())) continue;
    EKYA_ASSIGN(rows[list], ReadList(list));
    for (const SamplelistRow& row : rows[list]) {
      if (row.number) numbered = &row;
      labels.insert(row.label);
    }
  }
  std::vector<std::string> classes(labels.begin(), labels.end());
  if (numbered != nullptr) {
    EKYA_ASSIGN(classes, NamesOfNumbers(lists.front(), options.classes));
  }
  const ClassOf class_of = [&](const SamplelistRow& row,
                               const std::string& file) -> Result<std::optional<int>> {
    if (numbered == nullptr) {
      const auto place = std::lower_bound(classes.begin(), classes.end(), row.label);
      return std::optional(static_cast<int>(place - classes.begin()));
    }
    if (!row.number || *row.number >= static_cast<std::int64_t>(classes.size())) {
      return ClassError(row, file, fmt::format("a number below {}", classes.size()));
    }
    return std::optional(static_cast<int>(*row.number));
  };
  for (auto& [list, own] : rows) {
    EKYA_RETURN_IF_ERROR(AddList(list, std::move(own), class_of, &builder));
  }
  return builder.Finish(path.string(), classes);
}

Result<Dataset> ReadGoldenSamplelists(const fs::path& path, const DatasetOptions& options) {
  static const std::vector<std::string> classes = {"person", "car",     "truck",
                                                   "bus",    "bicycle", "motorcycle"};
  static const std::map<std::int64_t, int> class_of_number = {{1, 0}, {3, 1}, {8, 2},
                                                              {6, 3}, {2, 4}, {4, 5}};
  fs::path folder;
  for (const char* name : {"sample_lists/citywise", "sample_lists", "samplelists"}) {
    std::error_code code;
    if (folder.empty() && fs::is_directory(path / name, code)) folder = path / name;
  }
  if (folder.empty()) {
    return Error{ErrorCode::kNotFound,
                 path.string() +
                     ": found no lists, expected the folder sample_lists/citywise, "
                     "sample_lists or samplelists"};
  }
  const ClassOf class_of = [&](const SamplelistRow& row,
                               const std::string& file) -> Result<std::optional<int>> {
    constexpr std::int64_t kHighest = 90;
    if (!row.number || *row.number < 1 || *row.number > kHighest) {
      return ClassError(row, file, "a COCO class's number, from 1 to 90");
    }
    const auto place = class_of_number.find(*row.number);
    if (place == class_of_number.end()) return std::optional<int>();
    return std::optional(place->second);
  };
  EKYA_ASSIGN(const auto lists, ListsAt(folder));
  DatasetBuilder builder(options);
  for (const fs::path& list : lists) {
    if (!builder.Wants(list.stem().string())) continue;
    EKYA_ASSIGN(auto rows, ReadList(list));
    EKYA_RETURN_IF_ERROR(AddList(list, std::move(rows), class_of, &builder));
  }
  return builder.Finish(path.string(), classes);
}

}  // namespace ekya::datasets
