#include "platform/datasets/label_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "core/document.h"
#include "core/json_writer.h"
#include "core/map_reader.h"

namespace ekya::datasets {
namespace {

constexpr double kMostPixels = 1e6;  // On a side.
constexpr double kMostIndex = 9e15;  // That a double holds exactly.
constexpr std::size_t kBoxNumbers = 4;

Error FileError(const std::filesystem::path& path, const char* doing) {
  return {ErrorCode::kFailed,
          fmt::format("{}: cannot {}: {}", path.string(), doing, std::strerror(errno))};
}

/// Lines of a text that was parsed on its own, as lines of its file.
void SetLine(Node& node, int line) {
  node.line = line;
  for (Node& item : node.items) SetLine(item, line);
  for (auto& [key, value] : node.members) SetLine(value, line);
}

Status ReadObject(const Node& node, const std::string& file, const std::string& path,
                  LoggedObject* object) {
  if (node.kind != Node::Kind::kMap) {
    return Error{ErrorCode::kInvalid, fmt::format("{}:{}: {}: found {}, expected a map", file,
                                                  node.line, path, Describe(node))};
  }
  MapReader map(node, file, path);
  map.ReadId("class", &object->class_name);
  std::vector<double> box;
  map.ReadNumbers("box", &box, {.low = -kMostPixels, .high = kMostPixels});
  map.Read("score", &object->score, kFraction);
  if (!map.failed()) {
    if (box.size() != kBoxNumbers || box[2] < 0 || box[3] < 0) {
      map.Fail("box", "[x, y, width, height]");
    } else {
      object->box = {box[0], box[1], box[2], box[3]};
    }
  }
  return map.Finish();
}

bool IsBelow(const std::string& image) {
  const std::filesystem::path path(image);
  return path.is_relative() && std::ranges::find(path, "..") == path.end();
}

Result<LoggedFrame> ReadFrame(const Node& node, const std::string& file) {
  if (node.kind != Node::Kind::kMap) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}:{}: found {}, expected a map", file, node.line, Describe(node))};
  }
  LoggedFrame frame;
  MapReader map(node, file, "");
  map.Read("window", &frame.window, AtLeast(0));
  double index = 0;
  map.Read("frame_index", &index, {.low = 0, .high = kMostIndex});
  frame.frame_index = static_cast<std::int64_t>(index);
  if (!map.failed() && static_cast<double>(frame.frame_index) != index) {
    map.Fail("frame_index", "a whole number from 0");
  }
  map.Read("time_seconds", &frame.time_seconds, {});
  map.Read("width", &frame.width, {.low = 1, .high = kMostPixels});
  map.Read("height", &frame.height, {.low = 1, .high = kMostPixels});
  map.ReadOneOf("source", &frame.source, {"golden", "truth"});
  map.Read("uniform", &frame.uniform);
  if (const Node* const objects = map.List("objects")) {
    for (std::size_t i = 0; i < objects->items.size() && !map.failed(); ++i) {
      LoggedObject object;
      map.Merge(ReadObject(objects->items[i], file, map.PathOf("objects", i), &object));
      frame.objects.push_back(std::move(object));
    }
  }
  map.Optional().ReadId("image", &frame.image);
  if (!map.failed() && !IsBelow(frame.image)) map.Fail("image", "a path below the stream's folder");
  EKYA_RETURN_IF_ERROR(map.Finish());
  return frame;
}

/// The frame in `text`, line `line` of `file`.
Result<LoggedFrame> ReadLine(std::string_view text, const std::string& file, int line) {
  auto node = ParseJson(text, file);
  if (!node.ok()) {
    Error error = node.error();
    const std::string first = file + ":1:";
    if (error.message.starts_with(first)) {
      error.message = fmt::format("{}:{}:{}", file, line, error.message.substr(first.size()));
    }
    return error;
  }
  SetLine(*node, line);
  return ReadFrame(*node, file);
}

}  // namespace

std::string WriteLoggedFrame(const LoggedFrame& frame) {
  JsonWriter json(JsonWriter::Layout::kOneLine);
  json.BeginMap().Key("window").Number(frame.window);
  json.Key("frame_index").Integer(frame.frame_index);
  json.Key("time_seconds").Number(frame.time_seconds);
  json.Key("width").Number(frame.width);
  json.Key("height").Number(frame.height);
  json.Key("source").Text(frame.source);
  json.Key("uniform").Flag(frame.uniform);
  json.Key("objects").BeginList();
  for (const LoggedObject& object : frame.objects) {
    const Box& box = object.box;
    json.BeginMap().Key("class").Text(object.class_name).Key("box").BeginList();
    json.Number(box.x).Number(box.y).Number(box.width).Number(box.height).EndList();
    json.Key("score").Number(object.score).EndMap();
  }
  json.EndList();
  if (!frame.image.empty()) json.Key("image").Text(frame.image);
  return json.EndMap().Take();
}

Result<std::vector<LoggedFrame>> ReadLabelLog(std::string_view text, const std::string& file) {
  std::map<std::int64_t, LoggedFrame> frames;
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      Log(LogLevel::kWarning, "", "{}:{}: passed over: this line has no end; its writer was killed",
          file, line);
      break;
    }
    EKYA_ASSIGN(LoggedFrame frame, ReadLine(text.substr(0, end), file, line));
    text.remove_prefix(end + 1);
    const std::int64_t index = frame.frame_index;
    frames.insert_or_assign(index, std::move(frame));
  }
  std::vector<LoggedFrame> list;
  list.reserve(frames.size());
  for (auto& [index, frame] : frames) list.push_back(std::move(frame));
  return list;
}

LabelLog::LabelLog(int file, std::filesystem::path path, std::int64_t end)
    : file_(file), path_(std::move(path)), end_(end) {}

LabelLog::~LabelLog() { ::close(file_); }

Result<std::unique_ptr<LabelLog>> LabelLog::Open(const std::filesystem::path& path) {
  std::error_code code;
  const std::filesystem::path folder = path.parent_path();
  std::filesystem::create_directories(folder, code);
  if (code) {
    return Error{ErrorCode::kFailed, folder.string() + ": cannot create: " + code.message()};
  }
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return FileError(path, "open");
  std::unique_ptr<LabelLog> log(new LabelLog(file, path, ::lseek(file, 0, SEEK_END)));
  if (log->end_ < 0) return FileError(path, "read");
  // Back to the end of the last whole line.
  while (log->end_ > 0) {
    char block[4096];
    const auto from =
        std::max<std::int64_t>(0, log->end_ - static_cast<std::int64_t>(sizeof block));
    const auto size = static_cast<std::size_t>(log->end_ - from);
    if (::pread(file, block, size, from) != static_cast<ssize_t>(size)) {
      return FileError(path, "read");
    }
    const std::string_view text(block, size);
    const std::size_t last = text.rfind('\n');
    if (last != std::string_view::npos) {
      log->end_ = from + static_cast<std::int64_t>(last) + 1;
      break;
    }
    log->end_ = from;
  }
  if (::ftruncate(file, log->end_) != 0) return FileError(path, "take a line's beginning away");
  SyncFolder(folder);
  return log;
}

Status LabelLog::Append(const std::vector<LoggedFrame>& frames) {
  std::string text;
  for (const LoggedFrame& frame : frames) text += WriteLoggedFrame(frame);
  std::string_view left = text;
  while (!left.empty()) {
    const ssize_t written = ::write(file_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const Error error = FileError(path_, "write");
      // What cannot be taken away either is passed over by the reader, or at the next Open.
      if (::ftruncate(file_, end_) != 0) Log(LogLevel::kDebug, "", "{}", error.message);
      return error;
    }
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  end_ += static_cast<std::int64_t>(text.size());
  return {};
}

Status LabelLog::Sync() {
  if (::fsync(file_) != 0) return FileError(path_, "write to disk");
  return {};
}

}  // namespace ekya::datasets
