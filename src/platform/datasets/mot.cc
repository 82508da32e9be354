#include "platform/datasets/mot.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "base/file.h"
#include "platform/datasets/internal/builder.h"
#include "platform/datasets/internal/lines.h"
#include "platform/datasets/internal/places.h"
#include "platform/datasets/yolo.h"

namespace ekya::datasets {
namespace {

namespace fs = std::filesystem;

constexpr int kMostSequenceFrames = 1'000'000;

/// The classes' names of a sequence.
Result<std::vector<std::string>> ClassesOf(const fs::path& sequence) {
  const fs::path file = sequence / "gt" / "labels.txt";
  std::error_code code;
  if (!fs::exists(file, code)) return MotClasses();
  EKYA_ASSIGN(const auto text, OpenFile(file));
  return ReadClassNames(*text, file.string());
}

Status ReadSequence(const fs::path& sequence, const std::string& stream, std::size_t classes,
                    DatasetBuilder* builder) {
  if (!builder->Wants(stream)) return {};
  const fs::path info_file = sequence / "seqinfo.ini";
  EKYA_ASSIGN(const auto info_text, OpenFile(info_file));
  EKYA_ASSIGN(const MotSequence info, ReadMotSequence(*info_text, info_file.string()));
  const fs::path labels_file = sequence / "gt" / "gt.txt";
  EKYA_ASSIGN(const auto text, OpenFile(labels_file));
  EKYA_ASSIGN(auto labels, ReadMotLabels(*text, labels_file.string(), info.frames, classes));
  for (int i = 0; i < info.frames; ++i) {
    LabelledFrame frame;
    frame.seconds = i / info.frames_per_second;
    frame.picture.file = sequence / info.pictures / fmt::format("{:06d}{}", i + 1, info.ending);
    std::error_code code;
    if (!fs::is_regular_file(frame.picture.file, code)) {
      return Error{ErrorCode::kNotFound,
                   fmt::format("{}: seqLength: found {}, but there is no picture {}",
                               info_file.string(), info.frames, frame.picture.file.string())};
    }
    frame.width = info.width;
    frame.height = info.height;
    frame.regions = std::move(labels[static_cast<std::size_t>(i)]);
    EKYA_RETURN_IF_ERROR(builder->Add(stream, std::move(frame)));
  }
  return {};
}

}  // namespace

const std::vector<std::string>& MotClasses() {
  static const std::vector<std::string> names = {
      "pedestrian", "person on vehicle",      "car",           "bicycle",
      "motorbike",  "non motorized vehicle",  "static person", "distractor",
      "occluder",   "occluder on the ground", "occluder full", "reflection",
      "crowd"};
  return names;
}

Result<MotSequence> ReadMotSequence(std::istream& text, const std::string& file) {
  LineReader lines(text, file);
  MotSequence info;
  std::set<std::string> found;
  bool inside = false;
  while (true) {
    EKYA_ASSIGN(const bool more, lines.Next());
    if (!more) break;
    const std::string_view line = Trimmed(lines.line());
    if (line.starts_with(';') || line.starts_with('#')) continue;
    if (line.starts_with('[')) {
      inside = line == "[Sequence]";
      continue;
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      return lines.At(fmt::format("found \"{}\", expected key=value", line.substr(0, 60)));
    }
    if (!inside) continue;
    const std::string key(Trimmed(line.substr(0, equals)));
    const std::string_view value = Trimmed(line.substr(equals + 1));
    if (!found.insert(key).second) return lines.At(key, value, "each key once");
    if (key == "imDir" || key == "imExt") {
      if (!Below("", value).ok() || (key == "imExt" && value.find('/') != value.npos)) {
        return lines.At(key, value, "a name within the sequence's folder");
      }
      (key == "imDir" ? info.pictures : info.ending) = value;
    } else if (key == "frameRate") {
      EKYA_ASSIGN(info.frames_per_second, ReadNumber(lines, key, value));
      if (!(info.frames_per_second > 0 && info.frames_per_second <= 1000)) {
        return lines.At(key, value, "more than 0 and at most 1000 frames a second");
      }
    } else if (key == "seqLength") {
      EKYA_ASSIGN(const auto frames, ReadInteger(lines, key, value, 1, kMostSequenceFrames));
      info.frames = static_cast<int>(frames);
    } else if (key == "imWidth" || key == "imHeight") {
      EKYA_ASSIGN(const auto size, ReadInteger(lines, key, value, 1, 65535));
      (key == "imWidth" ? info.width : info.height) = static_cast<int>(size);
    }
  }
  for (const char* key : {"frameRate", "seqLength", "imWidth", "imHeight"}) {
    if (!found.contains(key)) {
      return Error{
          ErrorCode::kInvalid,
          fmt::format("{}: {}: found nothing, expected it in the section [Sequence]", file, key)};
    }
  }
  return info;
}

Result<std::vector<std::vector<Region>>> ReadMotLabels(std::istream& text, const std::string& file,
                                                       int frames, std::size_t classes) {
  constexpr std::int64_t kMostIds = std::int64_t{1} << 40;
  LineReader lines(text, file);
  std::vector<std::vector<Region>> found(static_cast<std::size_t>(frames));
  std::map<std::pair<std::int64_t, std::int64_t>, int> places;  // lines, by frame and id
  while (true) {
    EKYA_ASSIGN(const bool more, lines.Next());
    if (!more) break;
    const auto fields = SplitCsv(lines.line());
    if (fields.size() < 7 || fields.size() > 10) {
      return lines.At(
          fmt::format("found {} values, expected 7 to 10: frame,id,left,top,width,"
                      "height,considered,class,visibility",
                      fields.size()));
    }
    EKYA_ASSIGN(const auto frame, ReadInteger(lines, "frame", fields[0], 1, frames));
    EKYA_ASSIGN(const auto id, ReadInteger(lines, "id", fields[1], 0, kMostIds));
    Box box;
    EKYA_ASSIGN(box.x, ReadNumber(lines, "left", fields[2]));
    EKYA_ASSIGN(box.y, ReadNumber(lines, "top", fields[3]));
    EKYA_ASSIGN(box.width, ReadNumber(lines, "width", fields[4]));
    EKYA_ASSIGN(box.height, ReadNumber(lines, "height", fields[5]));
    EKYA_ASSIGN(const double considered, ReadNumber(lines, "considered", fields[6]));
    // Ten columns are the first benchmark's, which has no classes but a place in the world.
    std::int64_t number = -1;
    if (fields.size() == 8 || fields.size() == 9) {
      EKYA_ASSIGN(number,
                  ReadInteger(lines, "class", fields[7], -1, static_cast<std::int64_t>(classes)));
    }
    if (number == 0) return lines.At("class", fields[7], "a number from 1, or -1");
    if (!IsBox(box)) return lines.At("left,top,width,height", lines.line(), kBoxExpected);
    const auto [twin, added] = places.emplace(std::pair(frame, id), lines.number());
    if (!added) {
      return lines.At(
          fmt::format("found id {} in frame {} again, first on line {}", id, frame, twin->second));
    }
    if (considered == 0 || IsEmpty(box)) continue;
    box.x -= 1;
    box.y -= 1;
    found[static_cast<std::size_t>(frame - 1)].push_back(
        {.box = box, .truth = number < 0 ? 0 : static_cast<int>(number - 1), .track = id});
  }
  if (places.empty()) return Error{ErrorCode::kInvalid, file + ": is empty; expected labels"};
  return found;
}

Result<Dataset> ReadMot(const fs::path& path, const DatasetOptions& options) {
  std::error_code code;
  std::vector<fs::path> sequences = {path};
  if (!fs::exists(path / "seqinfo.ini", code)) {
    EKYA_ASSIGN(sequences, FoldersIn(path));
    // A test's sequences have no labels.
    std::erase_if(sequences, [&](const fs::path& each) {
      return !fs::exists(each / "seqinfo.ini", code) || !fs::exists(each / "gt" / "gt.txt", code);
    });
  }
  if (sequences.empty()) {
    return Error{
        ErrorCode::kNotFound,
        fmt::format("{}: found no sequence, expected seqinfo.ini and gt/gt.txt in it or in "
                    "its folders",
                    path.string())};
  }
  DatasetBuilder builder(options);
  EKYA_ASSIGN(const auto classes, ClassesOf(sequences.front()));
  for (const fs::path& sequence : sequences) {
    EKYA_ASSIGN(const auto own, ClassesOf(sequence));
    if (own != classes) {
      return Error{
          ErrorCode::kInvalid,
          fmt::format("{}: found other classes than in {}, expected the same",
                      (sequence / "gt" / "labels.txt").string(), sequences.front().string())};
    }
    const fs::path name =
        sequence.has_filename() ? sequence.filename() : sequence.parent_path().filename();
    EKYA_RETURN_IF_ERROR(ReadSequence(sequence, name.string(), classes.size(), &builder));
  }
  return builder.Finish(path.string(), classes);
}

}  // namespace ekya::datasets
