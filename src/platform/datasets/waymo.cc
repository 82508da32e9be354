#include "platform/datasets/waymo.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "base/random.h"
#include "platform/datasets/internal/builder.h"
#include "platform/datasets/internal/picture_size.h"
#include "platform/datasets/internal/places.h"
#include "platform/datasets/internal/tfrecord.h"
#include "platform/datasets/internal/wire.h"

namespace ekya::datasets {
namespace {

namespace fs = std::filesystem;

Error WaymoError(std::string problem) { return {ErrorCode::kInvalid, std::move(problem)}; }

/// Calls `take` with each field of `message`; errors say within what.
template <typename Take>
Status ForEach(std::string_view message, const char* what, Take take) {
  WireReader reader(message);
  WireField field;
  while (true) {
    const auto more = reader.Next(&field);
    if (!more.ok()) return more.error().Within(what);
    if (!*more) return {};
    if (const Status taken = take(field); !taken.ok()) return taken.error().Within(what);
  }
}

/// A text that names something: no control characters, at most 200 bytes.
Result<std::string> WaymoName(const WireField& field, const char* name) {
  EKYA_ASSIGN(const std::string_view text, field.Bytes(name));
  const bool plain = text.size() <= 200 && std::none_of(text.begin(), text.end(), [](char c) {
                       return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/';
                     });
  if (!plain) {
    return WaymoError(
        fmt::format("{}: found {} bytes that are no name, expected at most 200 "
                    "characters without '/'",
                    name, text.size()));
  }
  return std::string(text);
}

Result<int> WaymoNumber(const WireField& field, const char* name, std::uint64_t highest) {
  EKYA_ASSIGN(const std::uint64_t value, field.Varint(name));
  if (value > highest) {
    return WaymoError(fmt::format("{}: found {}, expected 0 to {}", name, value, highest));
  }
  return static_cast<int>(value);
}

Status ReadBox(std::string_view message, Box* box) {
  double middle_x = 0;
  double middle_y = 0;
  // A box in a picture has its length along x and its width along y.
  EKYA_RETURN_IF_ERROR(ForEach(message, "box", [&](const WireField& field) -> Status {
    switch (field.number) {
      case 1: {
        EKYA_ASSIGN(middle_x, field.Double("center_x"));
        return {};
      }
      case 2: {
        EKYA_ASSIGN(middle_y, field.Double("center_y"));
        return {};
      }
      case 4: {
        EKYA_ASSIGN(box->height, field.Double("width"));
        return {};
      }
      case 5: {
        EKYA_ASSIGN(box->width, field.Double("length"));
        return {};
      }
      default:
        return {};
    }
  }));
  box->x = middle_x - box->width / 2;
  box->y = middle_y - box->height / 2;
  if (IsBox(*box)) return {};
  return WaymoError(fmt::format("box: found middle {}, {} and size {} x {}, expected {}", middle_x,
                                middle_y, box->width, box->height, kBoxExpected));
}

Status ReadLabel(std::string_view message, std::vector<Region>* regions) {
  Region region;
  EKYA_RETURN_IF_ERROR(ForEach(message, "labels", [&](const WireField& field) -> Status {
    if (field.number == 1) {
      EKYA_ASSIGN(const std::string_view box, field.Bytes("box"));
      return ReadBox(box, &region.box);
    }
    if (field.number == 3) {
      EKYA_ASSIGN(const int type, WaymoNumber(field, "type", WaymoClasses().size()));
      if (type > 0) region.truth = type - 1;
    }
    if (field.number == 4) {
      EKYA_ASSIGN(const std::string_view id, field.Bytes("id"));
      region.track = static_cast<std::int64_t>(DeriveSeed(0, id) >> 1);
    }
    return {};
  }));
  if (!IsEmpty(region.box)) regions->push_back(region);
  return {};
}

using Views = std::map<int, WaymoFrame::View>;  // by camera

Status ReadImage(std::string_view message, std::string_view record, Views* views) {
  int camera = 0;
  std::string_view picture;
  EKYA_RETURN_IF_ERROR(ForEach(message, "images", [&](const WireField& field) -> Status {
    if (field.number == 1) {
      EKYA_ASSIGN(camera, WaymoNumber(field, "name", WaymoCameras().size() - 1));
    }
    if (field.number == 2) {
      EKYA_ASSIGN(picture, field.Bytes("image"));
    }
    return {};
  }));
  WaymoFrame::View& view = (*views)[camera];
  const std::string& name = WaymoCameras()[static_cast<std::size_t>(camera)];
  if (view.bytes > 0) {
    return WaymoError(fmt::format("images: found {} twice, expected each camera once", name));
  }
  if (picture.empty()) return WaymoError(fmt::format("images: {} has no picture", name));
  view.offset = static_cast<std::uint64_t>(picture.data() - record.data());
  view.bytes = picture.size();
  return {};
}

Status ReadLabels(std::string_view message, const char* what,
                  std::optional<std::vector<Region>> WaymoFrame::View::*place, Views* views) {
  int camera = 0;
  std::vector<Region> regions;
  EKYA_RETURN_IF_ERROR(ForEach(message, what, [&](const WireField& field) -> Status {
    if (field.number == 1) {
      EKYA_ASSIGN(camera, WaymoNumber(field, "name", WaymoCameras().size() - 1));
    }
    if (field.number == 2) {
      EKYA_ASSIGN(const std::string_view label, field.Bytes("labels"));
      return ReadLabel(label, &regions);
    }
    return {};
  }));
  auto& labels = (*views)[camera].*place;
  if (labels) {
    return WaymoError(fmt::format("{}: found {} twice, expected each camera once", what,
                                  WaymoCameras()[static_cast<std::size_t>(camera)]));
  }
  labels = std::move(regions);
  return {};
}

Status ReadContext(std::string_view message, WaymoFrame* frame) {
  std::string time_of_day;
  std::string weather;
  EKYA_RETURN_IF_ERROR(ForEach(message, "context", [&](const WireField& field) -> Status {
    if (field.number == 1) {
      EKYA_ASSIGN(frame->segment, WaymoName(field, "name"));
    }
    if (field.number != 4) return {};
    EKYA_ASSIGN(const std::string_view stats, field.Bytes("stats"));
    return ForEach(stats, "stats", [&](const WireField& inner) -> Status {
      std::string* const text = inner.number == 2   ? &time_of_day
                                : inner.number == 3 ? &frame->location
                                : inner.number == 4 ? &weather
                                                    : nullptr;
      if (text == nullptr) return {};
      // "Dawn/Dusk" has a slash and names no stream.
      if (text == &time_of_day) {
        EKYA_ASSIGN(const std::string_view said, inner.Bytes("time_of_day"));
        time_of_day = said.substr(0, 40);
        return {};
      }
      EKYA_ASSIGN(*text, WaymoName(inner, "stats"));
      return {};
    });
  }));
  frame->condition = fmt::format("{}{}{}", time_of_day,
                                 time_of_day.empty() || weather.empty() ? "" : " ", weather);
  return {};
}

/// What a file says of each of its cameras, before it is known which of the labels count.
struct File {
  struct Seen {
    LabelledFrame frame;
    std::optional<std::vector<Region>> drawn;
    std::optional<std::vector<Region>> projected;
  };
  std::map<std::string, std::vector<Seen>> streams;
  std::map<std::string, std::set<std::int64_t>> times;  // of each stream, in microseconds
  bool any_drawn = false;
};

Status TakeFrame(WaymoFrame frame, const fs::path& path, const TfRecordReader& reader,
                 std::string_view record, DatasetBuilder* builder, File* file) {
  for (WaymoFrame::View& view : frame.views) {
    if (view.bytes == 0) continue;  // labels of a camera without a picture
    const std::string stream =
        fmt::format("{}{}{}/{}", frame.location, frame.location.empty() ? "" : "/", frame.segment,
                    WaymoCameras()[static_cast<std::size_t>(view.camera)]);
    if (!builder->Wants(stream)) continue;
    if (!file->times[stream].insert(frame.microseconds).second) {
      return reader.At(fmt::format("timestamp_micros: found {} again in {}, expected each once",
                                   frame.microseconds, stream));
    }
    std::istringstream picture{std::string(record.substr(view.offset, view.bytes))};
    const auto size = ReadPictureSize(picture);
    if (!size.ok()) return reader.At(fmt::format("images: {}", size.error().message));
    File::Seen seen;
    seen.frame.seconds = static_cast<double>(frame.microseconds) * 1e-6;
    seen.frame.time = frame.condition;
    seen.frame.picture = {
        .file = path, .offset = reader.offset() + view.offset, .bytes = view.bytes};
    seen.frame.width = size->width;
    seen.frame.height = size->height;
    file->any_drawn |= view.drawn.has_value();
    seen.drawn = std::move(view.drawn);
    seen.projected = std::move(view.projected);
    file->streams[stream].push_back(std::move(seen));
  }
  return {};
}

Status ReadFileOf(const fs::path& path, DatasetBuilder* builder) {
  EKYA_ASSIGN(const auto records, OpenFile(path));
  TfRecordReader reader(*records, path.string());
  File file;
  for (int count = 0;; ++count) {
    EKYA_ASSIGN(const auto record, reader.Next());
    if (!record) break;
    auto frame = ReadWaymoFrame(*record);
    if (!frame.ok()) return reader.At(frame.error().message);
    EKYA_RETURN_IF_ERROR(TakeFrame(std::move(*frame), path, reader, *record, builder, &file));
    // A segment's cameras are the same in every frame: a file of none that is wanted is left.
    if (count == 0 && file.streams.empty()) return {};
  }
  for (auto& [stream, frames] : file.streams) {
    for (File::Seen& seen : frames) {
      auto& labels = file.any_drawn ? seen.drawn : seen.projected;
      if (!labels) continue;
      seen.frame.regions = std::move(*labels);
      EKYA_RETURN_IF_ERROR(builder->Add(stream, std::move(seen.frame)));
    }
  }
  return {};
}

}  // namespace

const std::vector<std::string>& WaymoCameras() {
  static const std::vector<std::string> names = {"UNKNOWN",     "FRONT",     "FRONT_LEFT",
                                                 "FRONT_RIGHT", "SIDE_LEFT", "SIDE_RIGHT",
                                                 "REAR_LEFT",   "REAR",      "REAR_RIGHT"};
  return names;
}

const std::vector<std::string>& WaymoClasses() {
  static const std::vector<std::string> names = {"vehicle", "pedestrian", "sign", "cyclist"};
  return names;
}

Result<WaymoFrame> ReadWaymoFrame(std::string_view record) {
  WaymoFrame frame;
  Views views;
  EKYA_RETURN_IF_ERROR(ForEach(record, "frame", [&](const WireField& field) -> Status {
    switch (field.number) {
      case 1: {
        EKYA_ASSIGN(const std::string_view context, field.Bytes("context"));
        return ReadContext(context, &frame);
      }
      case 2: {
        EKYA_ASSIGN(const std::uint64_t time, field.Varint("timestamp_micros"));
        constexpr std::uint64_t kMost = std::uint64_t{1} << 53;
        if (time > kMost) {
          return WaymoError(fmt::format("timestamp_micros: found {}, expected 0 to 2^53", time));
        }
        frame.microseconds = static_cast<std::int64_t>(time);
        return {};
      }
      case 4: {
        EKYA_ASSIGN(const std::string_view image, field.Bytes("images"));
        return ReadImage(image, record, &views);
      }
      case 8: {
        EKYA_ASSIGN(const std::string_view labels, field.Bytes("camera_labels"));
        return ReadLabels(labels, "camera_labels", &WaymoFrame::View::drawn, &views);
      }
      case 9: {
        EKYA_ASSIGN(const std::string_view labels, field.Bytes("projected_lidar_labels"));
        return ReadLabels(labels, "projected_lidar_labels", &WaymoFrame::View::projected, &views);
      }
      default:
        return {};
    }
  }));
  if (frame.segment.empty()) {
    return WaymoError("frame: context: name: found nothing, expected the segment's name");
  }
  for (auto& [camera, view] : views) {
    view.camera = camera;
    frame.views.push_back(std::move(view));
  }
  return frame;
}

Result<Dataset> ReadWaymo(const fs::path& path, const DatasetOptions& options) {
  std::error_code code;
  std::vector<fs::path> files = {path};
  if (fs::is_directory(path, code)) {
    EKYA_ASSIGN(files, FilesIn(path));
    std::erase_if(files, [](const fs::path& file) { return file.extension() != ".tfrecord"; });
    if (files.empty()) {
      return Error{ErrorCode::kNotFound,
                   path.string() + ": found no segment, expected files that end in .tfrecord"};
    }
  }
  DatasetBuilder builder(options);
  for (const fs::path& file : files) EKYA_RETURN_IF_ERROR(ReadFileOf(file, &builder));
  return builder.Finish(path.string(), WaymoClasses());
}

}  // namespace ekya::datasets
