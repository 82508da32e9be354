#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "platform/datasets/dataset.h"

namespace ekya::datasets {

/// For tests: the header of a JPEG picture; there is no more of it.
inline std::string JpegHeader(int width, int height) {
  const auto two = [](int value) {
    return std::string{static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
  };
  std::string jpeg = "\xff\xd8\xff\xe0";
  jpeg += two(6) + "JFIF";  // a segment that is passed over
  jpeg += "\xff\xc0";
  return jpeg + two(11) + "\x08" + two(height) + two(width) + "\x01\x11\x22\x33";
}

/// For tests: the header of a PNG picture.
inline std::string PngHeader(int width, int height) {
  std::string png("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", 16);
  for (const int value : {width, height}) {
    for (const int shift : {24, 16, 8, 0}) png += static_cast<char>(value >> shift & 0xff);
  }
  return png + std::string("\x08\x02\0\0\0\0\0\0\0", 9);
}

/// For tests: a folder of its own, in which a test makes a small data set.
class DatasetFolder {
 protected:
  DatasetFolder() {
    static int count = 0;
    folder_ = std::filesystem::temp_directory_path() /
              fmt::format("ekya-dataset-{}-{}", getpid(), count++);
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~DatasetFolder() { std::filesystem::remove_all(folder_); }
  DatasetFolder(const DatasetFolder&) = delete;
  DatasetFolder& operator=(const DatasetFolder&) = delete;

  void Write(const std::string& name, std::string_view content) {
    const Status written = WriteFileAtomically(folder_ / name, content);
    EKYA_CHECK(written.ok(), written.ok() ? "" : written.error().message);
  }

  Dataset Read(const std::string& layout, const std::string& name,
               const DatasetOptions& options = {}) {
    auto dataset = ReadDataset(layout, folder_ / name, options);
    EKYA_CHECK(dataset.ok(), dataset.ok() ? "" : dataset.error().message);
    return std::move(*dataset);
  }

  /// What reading says is wrong, with "@" for the test's folder.
  std::string Fault(const std::string& layout, const std::string& name,
                    const DatasetOptions& options = {}) {
    const auto dataset = ReadDataset(layout, folder_ / name, options);
    if (dataset.ok()) return "no error";
    std::string message = dataset.error().message;
    for (std::size_t at; (at = message.find(folder_.string())) != std::string::npos;) {
      message.replace(at, folder_.string().size(), "@");
    }
    return message;
  }

  std::filesystem::path folder_;
};

/// A frame as one line: "seconds picture: class@x,y,wxh#track ...".
inline std::string Line(const Dataset& dataset, const LabelledFrame& frame,
                        const std::filesystem::path& folder) {
  std::string line =
      fmt::format("{:.6g} {}", frame.seconds,
                  frame.picture.file.lexically_normal().lexically_relative(folder).string());
  if (frame.picture.video_frame >= 0) line += fmt::format("[{}]", frame.picture.video_frame);
  line += ":";
  for (const Region& region : frame.regions) {
    line += fmt::format(
        " {}@{:.6g},{:.6g},{:.6g}x{:.6g}",
        region.truth ? dataset.classes[static_cast<std::size_t>(*region.truth)] : std::string("?"),
        region.box.x, region.box.y, region.box.width, region.box.height);
    if (region.track >= 0 && region.track < 1000) line += fmt::format("#{}", region.track);
  }
  return line;
}

/// A stream's frames as lines.
inline std::vector<std::string> Lines(const Dataset& dataset, std::size_t stream,
                                      const std::filesystem::path& folder) {
  std::vector<std::string> lines;
  for (const auto& frame : dataset.streams.at(stream).frames) {
    lines.push_back(Line(dataset, frame, folder));
  }
  return lines;
}

}  // namespace ekya::datasets
