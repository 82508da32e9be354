#include "stages/inference/event_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "core/json_writer.h"

namespace ekya::inference {
namespace {

// From this overlap of where an object should be by now and a result, they may be the same.
constexpr double kFollowIou = 0.3;
// A box that overlaps less than this with the one last written has moved on.
constexpr double kMovedIou = 0.7;
constexpr int kMissesToEnd = 3;
constexpr double kSecondsToEnd = 1.0;

// Digits that mean something: a tenth of a per mille of a score, a microsecond.
constexpr double kScoreSteps = 1e4;
constexpr double kTimeSteps = 1e6;

double Rounded(double value, double steps) { return std::round(value * steps) / steps; }

/// Whole pixels, and within what every reader of JSON holds exactly.
std::int64_t Pixels(double value) { return std::llround(std::clamp(value, -1e9, 1e9)); }

/// What an event says of an object.
struct State {
  Box box;
  int class_index = 0;
  double score = 0;
  double top_score = 0;
  double seconds = 0;  // of the frame
  bool ended = false;
  std::int64_t model_version = 0;
  int window = 0;
};

struct Object {
  std::string id;
  double start_seconds = 0;
  State now;
  State written;
  int sightings = 1;
  int misses = 0;
  double velocity_x = 0;  // pixels per second
  double velocity_y = 0;

  bool announced() const { return sightings >= 2; }
  /// Where it is at `seconds` if it goes on as it did.
  Box Expected(double seconds) const {
    Box box = now.box;
    box.x += velocity_x * (seconds - now.seconds);
    box.y += velocity_y * (seconds - now.seconds);
    return box;
  }
};

bool Usable(const Detection& detection) {
  const Box& box = detection.box;
  return std::isfinite(box.x) && std::isfinite(box.y) && std::isfinite(box.width) &&
         std::isfinite(box.height) && box.width > 0 && box.height > 0 &&
         std::isfinite(detection.score);
}

class FileEventLog : public EventLog {
 public:
  FileEventLog(int file, std::filesystem::path path, std::string camera,
               std::vector<std::string> classes, double epoch_start, std::uint64_t file_bytes)
      : file_bytes_(file_bytes),
        file_(file),
        path_(std::move(path)),
        camera_(std::move(camera)),
        classes_(std::move(classes)),
        epoch_start_(epoch_start) {}
  ~FileEventLog() override {
    Close();
    ::close(file_);
  }

  void Add(const FrameResult& result, int window) override;
  void Close() override;
  std::int64_t lines_lost() const override { return lines_lost_; }

 private:
  void WriteState(JsonWriter& json, const Object& object, const State& state) const;
  void Write(const char* type, Object& object);
  void See(Object& object, const Detection& detection, const FrameResult& result, int window);
  void End(Object& object);
  void BeginNewFile();

  const std::uint64_t file_bytes_;
  int file_;
  const std::filesystem::path path_;
  const std::string camera_;
  const std::vector<std::string> classes_;
  const double epoch_start_;
  std::vector<Object> objects_;
  std::int64_t objects_seen_ = 0;
  std::int64_t lines_lost_ = 0;
};

void FileEventLog::WriteState(JsonWriter& json, const Object& object, const State& state) const {
  const auto index = static_cast<std::size_t>(state.class_index);
  const std::string label = state.class_index >= 0 && index < classes_.size()
                                ? classes_[index]
                                : fmt::format("class {}", state.class_index);
  const auto epoch = [&](double seconds) { return Rounded(epoch_start_ + seconds, kTimeSteps); };
  const Box& box = state.box;
  json.BeginMap();
  json.Key("id").Text(object.id);
  json.Key("camera").Text(camera_);
  json.Key("label").Text(label);
  json.Key("score").Number(Rounded(state.score, kScoreSteps));
  json.Key("top_score").Number(Rounded(state.top_score, kScoreSteps));
  json.Key("box").BeginList();
  json.Integer(Pixels(box.x)).Integer(Pixels(box.y));
  json.Integer(Pixels(box.x + box.width)).Integer(Pixels(box.y + box.height));
  json.EndList();
  json.Key("area").Integer(Pixels(box.width * box.height));
  json.Key("frame_time").Number(epoch(state.seconds));
  json.Key("start_time").Number(epoch(object.start_seconds));
  json.Key("end_time");
  state.ended ? json.Number(epoch(state.seconds)) : json.Null();
  json.Key("model_version").Integer(state.model_version);
  json.Key("window").Number(state.window);
  json.EndMap();
}

void FileEventLog::Write(const char* type, Object& object) {
  JsonWriter json(JsonWriter::Layout::kOneLine);
  json.BeginMap().Key("type").Text(type).Key("before");
  WriteState(json, object, object.written);
  json.Key("after");
  WriteState(json, object, object.now);
  const std::string line = json.EndMap().Take();
  object.written = object.now;

  struct stat before {};
  const bool known = ::fstat(file_, &before) == 0;
  ssize_t written = -1;
  do {
    written = ::write(file_, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line.size())) {
    if (known && static_cast<std::uint64_t>(before.st_size + written) >= file_bytes_) {
      BeginNewFile();
    }
    return;
  }

  const int error = written < 0 ? errno : ENOSPC;
  // A part of a line must not spoil the ones that follow once there is room again.
  if (written > 0 && known && ::ftruncate(file_, before.st_size) != 0) {
    (void)!::write(file_, "\n", 1);
  }
  if (++lines_lost_ == 1) {
    Log(LogLevel::kWarning, camera_, "{}: an event could not be written ({}); more may be lost",
        path_.string(), std::strerror(error));
  }
}

void FileEventLog::See(Object& object, const Detection& detection, const FrameResult& result,
                       int window) {
  const double seconds = result.frame->time_seconds;
  const double elapsed = seconds - object.now.seconds;
  if (elapsed > 0) {
    const auto center = [](double start, double size) { return start + size / 2; };
    const Box& from = object.now.box;
    const Box& to = detection.box;
    const double x = (center(to.x, to.width) - center(from.x, from.width)) / elapsed;
    const double y = (center(to.y, to.height) - center(from.y, from.height)) / elapsed;
    // Half of the old velocity stays: a box trembles more than its object moves.
    const double old_part = object.sightings == 1 ? 0 : 0.5;
    object.velocity_x = old_part * object.velocity_x + (1 - old_part) * x;
    object.velocity_y = old_part * object.velocity_y + (1 - old_part) * y;
  }
  object.now.box = detection.box;
  object.now.class_index = detection.class_index;
  object.now.score = detection.score;
  object.now.top_score = std::max(object.now.top_score, detection.score);
  object.now.seconds = seconds;
  object.now.model_version = result.model_version;
  object.now.window = window;
  object.misses = 0;
  ++object.sightings;
  if (object.sightings == 2) {
    object.written = object.now;
    Write("new", object);
  } else if (object.now.class_index != object.written.class_index ||
             IntersectionOverUnion(object.now.box, object.written.box) < kMovedIou) {
    Write("update", object);
  }
}

void FileEventLog::End(Object& object) {
  if (!object.announced()) return;
  object.now.ended = true;
  Write("end", object);
}

void FileEventLog::Add(const FrameResult& result, int window) {
  if (result.skipped) return;
  const double seconds = result.frame->time_seconds;

  struct Pair {
    std::size_t object;
    std::size_t detection;
    bool same_class;
    double overlap;
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    const Box expected = objects_[i].Expected(seconds);
    for (std::size_t j = 0; j < result.detections.size(); ++j) {
      const Detection& detection = result.detections[j];
      if (!Usable(detection)) continue;
      // The place it had counts as well: what stops does not overshoot.
      const double overlap = std::max(IntersectionOverUnion(expected, detection.box),
                                      IntersectionOverUnion(objects_[i].now.box, detection.box));
      if (overlap < kFollowIou) continue;
      pairs.push_back({i, j, detection.class_index == objects_[i].now.class_index, overlap});
    }
  }
  // A class may change where an object is; a neighbour of the right class is the better guess.
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return std::pair(a.same_class, a.overlap) > std::pair(b.same_class, b.overlap);
  });

  std::vector<bool> object_taken(objects_.size(), false);
  std::vector<bool> detection_taken(result.detections.size(), false);
  for (const Pair& pair : pairs) {
    if (object_taken[pair.object] || detection_taken[pair.detection]) continue;
    object_taken[pair.object] = true;
    detection_taken[pair.detection] = true;
    See(objects_[pair.object], result.detections[pair.detection], result, window);
  }

  for (std::size_t i = 0; i < object_taken.size(); ++i) {
    if (object_taken[i]) continue;
    Object& object = objects_[i];
    ++object.misses;
    if (object.misses >= kMissesToEnd && seconds - object.now.seconds >= kSecondsToEnd) {
      End(object);
      object.id.clear();
    }
  }
  std::erase_if(objects_, [](const Object& object) { return object.id.empty(); });

  for (std::size_t j = 0; j < result.detections.size(); ++j) {
    const Detection& detection = result.detections[j];
    if (detection_taken[j] || !Usable(detection)) continue;
    Object object;
    object.id = fmt::format("{:.6f}-{}", epoch_start_ + seconds, ++objects_seen_);
    object.start_seconds = seconds;
    object.now = {detection.box, detection.class_index, detection.score, detection.score, seconds,
                  false,         result.model_version,  window};
    objects_.push_back(std::move(object));
  }
}

void FileEventLog::BeginNewFile() {
  // Names with a ~ are no camera's: the number after it is one more than the highest there is.
  const std::string stem = path_.stem().string() + "~";
  const std::string suffix = path_.extension().string();
  std::int64_t last = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path_.parent_path(), error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(stem)) continue;
    std::int64_t number = 0;
    const char* const stop = name.data() + name.size();
    const auto [rest, wrong] = std::from_chars(name.data() + stem.size(), stop, number);
    if (wrong == std::errc() && std::string_view(rest, stop) == suffix) {
      last = std::max(last, number);
    }
  }
  const auto closed = path_.parent_path() / fmt::format("{}{}{}", stem, last + 1, suffix);
  if (::rename(path_.c_str(), closed.c_str()) != 0) return;  // The old one goes on growing.
  const int next = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (next < 0) return;  // Events go on into the renamed one.
  ::close(file_);
  file_ = next;
}

void FileEventLog::Close() {
  for (Object& object : objects_) End(object);
  objects_.clear();
}

}  // namespace

Result<std::unique_ptr<EventLog>> EventLog::Open(const std::filesystem::path& path,
                                                 std::string camera,
                                                 std::vector<std::string> classes,
                                                 double epoch_start, std::uint64_t file_bytes) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) {
    return Error{ErrorCode::kFailed, fmt::format("{}: cannot be opened for events: {}",
                                                 path.string(), std::strerror(errno))};
  }
  // A run that was cut off may have left half a line: the next one must not be joined to it.
  struct stat content {};
  char last = '\n';
  if (::fstat(file, &content) == 0 && content.st_size > 0 &&
      ::pread(file, &last, 1, content.st_size - 1) == 1 && last != '\n') {
    (void)!::write(file, "\n", 1);
  }
  return std::unique_ptr<EventLog>(std::make_unique<FileEventLog>(
      file, path, std::move(camera), std::move(classes), epoch_start, file_bytes));
}

}  // namespace ekya::inference
