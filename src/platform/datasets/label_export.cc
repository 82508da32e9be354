#include "platform/datasets/label_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "base/file.h"
#include "core/json_writer.h"

namespace ekya::datasets {
namespace {

namespace fs = std::filesystem;

constexpr char kLogSuffix[] = ".jsonl";

/// A frame that has its picture, as it is exported.
struct ExportedFrame {
  const LoggedFrame* frame = nullptr;
  std::string name;  // Of its files, without the suffix.
  std::string picture;
};

/// Of `box` what is inside a frame; without width or height where nothing is.
Box Inside(const Box& box, const LoggedFrame& frame) {
  const double left = std::clamp(box.x, 0.0, 1.0 * frame.width);
  const double top = std::clamp(box.y, 0.0, 1.0 * frame.height);
  const double right = std::clamp(box.x + box.width, 0.0, 1.0 * frame.width);
  const double bottom = std::clamp(box.y + box.height, 0.0, 1.0 * frame.height);
  return {left, top, right - left, bottom - top};
}

/// The classes of `stream`, those that only its frames know at the end.
std::vector<std::string> ClassesOf(const LoggedStream& stream) {
  std::vector<std::string> classes = stream.classes;
  for (const LoggedFrame& frame : stream.frames) {
    for (const LoggedObject& object : frame.objects) {
      if (std::ranges::find(classes, object.class_name) == classes.end()) {
        classes.push_back(object.class_name);
      }
    }
  }
  return classes;
}

std::int64_t NumberOfClass(const std::vector<std::string>& classes, const std::string& name) {
  return std::ranges::find(classes, name) - classes.begin();
}

/// Calls `take` with every object of `frame` that is inside it, and its box there.
template <typename Take>
void ForEachObject(const LoggedFrame& frame, Take take) {
  for (const LoggedObject& object : frame.objects) {
    const Box box = Inside(object.box, frame);
    if (box.width > 0 && box.height > 0) take(object, box);
  }
}

std::string CocoText(const std::vector<ExportedFrame>& frames,
                     const std::vector<std::string>& classes, ExportedLabels* counts) {
  JsonWriter json;
  json.BeginMap();
  json.Key("info").BeginMap().Key("description").Text("labels kept by Ekya").EndMap();
  json.Key("categories").BeginList();
  for (std::size_t i = 0; i < classes.size(); ++i) {
    json.BeginMap().Key("id").Integer(static_cast<std::int64_t>(i) + 1);
    json.Key("name").Text(classes[i]).EndMap();
  }
  json.EndList().Key("images").BeginList();
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const LoggedFrame& frame = *frames[i].frame;
    json.BeginMap().Key("id").Integer(static_cast<std::int64_t>(i) + 1);
    json.Key("file_name").Text(frames[i].picture);
    json.Key("width").Number(frame.width).Key("height").Number(frame.height);
    json.Key("window").Number(frame.window).Key("frame_index").Integer(frame.frame_index);
    json.Key("time_seconds").Number(frame.time_seconds).Key("source").Text(frame.source);
    json.Key("uniform").Flag(frame.uniform).EndMap();
  }
  json.EndList().Key("annotations").BeginList();
  for (std::size_t i = 0; i < frames.size(); ++i) {
    ForEachObject(*frames[i].frame, [&](const LoggedObject& object, const Box& box) {
      json.BeginMap().Key("id").Integer(++counts->objects);
      json.Key("image_id").Integer(static_cast<std::int64_t>(i) + 1);
      json.Key("category_id").Integer(NumberOfClass(classes, object.class_name) + 1);
      json.Key("bbox").BeginList().Number(box.x).Number(box.y);
      json.Number(box.width).Number(box.height).EndList();
      json.Key("area").Number(box.width * box.height).Key("iscrowd").Number(0);
      json.Key("score").Number(object.score).EndMap();
    });
  }
  return json.EndList().EndMap().Take();
}

std::string YoloText(const LoggedFrame& frame, const std::vector<std::string>& classes,
                     ExportedLabels* counts) {
  std::string text;
  ForEachObject(frame, [&](const LoggedObject& object, const Box& box) {
    ++counts->objects;
    text +=
        fmt::format("{} {:.6f} {:.6f} {:.6f} {:.6f}\n", NumberOfClass(classes, object.class_name),
                    (box.x + box.width / 2) / frame.width, (box.y + box.height / 2) / frame.height,
                    box.width / frame.width, box.height / frame.height);
  });
  return text;
}

/// The classes' names as JSON, which YAML is a superset of.
std::string YoloData(const std::vector<std::string>& classes) {
  JsonWriter names(JsonWriter::Layout::kOneLine);
  names.BeginList();
  for (const std::string& name : classes) names.Text(name);
  return "path: .\ntrain: images\nval: images\nnames: " + names.EndList().Take();
}

}  // namespace

Result<LoggedStream> ReadLabelLogs(const fs::path& labels) {
  std::vector<std::pair<int, fs::path>> logs;
  std::error_code code;
  for (fs::directory_iterator entry(labels, code), end; !code && entry != end;
       entry.increment(code)) {
    const std::string name = entry->path().filename().string();
    int window = 0;
    const auto [rest, wrong] = std::from_chars(name.data(), name.data() + name.size(), window);
    if (wrong == std::errc() && std::string_view(rest) == kLogSuffix) {
      logs.emplace_back(window, entry->path());
    }
  }
  if (logs.empty()) {
    return Error{ErrorCode::kNotFound, labels.string() + ": found no labels of any window"};
  }
  std::ranges::sort(logs);
  LoggedStream stream;
  stream.folder = labels.parent_path();
  for (const auto& [window, path] : logs) {
    const auto text = ReadFile(path);
    auto frames = text.ok() ? ReadLabelLog(*text, path.string())
                            : Result<std::vector<LoggedFrame>>(text.error());
    if (!frames.ok()) {
      stream.passed_over.push_back(frames.error().message);
      continue;
    }
    std::ranges::move(*frames, std::back_inserter(stream.frames));
  }
  return stream;
}

Result<ExportedLabels> ExportLabels(const LoggedStream& stream, const std::string& format,
                                    const fs::path& out) {
  if (format != "coco" && format != "yolo") {
    return Error{ErrorCode::kInvalid,
                 fmt::format("format of labels: found \"{}\", expected coco or yolo", format)};
  }
  std::error_code code;
  if (fs::exists(out, code) && !fs::is_empty(out, code)) {
    return Error{ErrorCode::kInvalid, out.string() + ": found something, expected an empty folder"};
  }
  fs::create_directories(out / "images", code);
  if (code) {
    return Error{ErrorCode::kFailed, out.string() + ": cannot create: " + code.message()};
  }
  ExportedLabels counts;
  std::vector<ExportedFrame> frames;
  for (const LoggedFrame& frame : stream.frames) {
    const fs::path picture = stream.folder / frame.image;
    if (frame.image.empty() || !fs::is_regular_file(picture, code)) {
      ++counts.without_picture;
      continue;
    }
    // Frames are counted anew by each run: the window tells them apart.
    std::string name = fmt::format("{}-{}", frame.window, frame.frame_index);
    const std::string file = name + picture.extension().string();
    fs::copy_file(picture, out / "images" / file, code);
    if (code) {
      return Error{ErrorCode::kFailed,
                   fmt::format("{}: cannot be copied to {}: {}", picture.string(),
                               (out / "images" / file).string(), code.message())};
    }
    frames.push_back({&frame, std::move(name), file});
  }
  counts.frames = static_cast<std::int64_t>(frames.size());
  const std::vector<std::string> classes = ClassesOf(stream);
  if (format == "coco") {
    EKYA_RETURN_IF_ERROR(
        WriteFileAtomically(out / "labels.json", CocoText(frames, classes, &counts)));
    return counts;
  }
  for (const ExportedFrame& each : frames) {
    EKYA_RETURN_IF_ERROR(WriteFileAtomically(out / "labels" / (each.name + ".txt"),
                                             YoloText(*each.frame, classes, &counts)));
  }
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(out / "data.yaml", YoloData(classes)));
  return counts;
}

}  // namespace ekya::datasets
