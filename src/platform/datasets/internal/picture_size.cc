#include "platform/datasets/internal/picture_size.h"

#include <array>
#include <cstdint>
#include <string_view>

#include "base/file.h"

namespace ekya::datasets {
namespace {

Error PictureError(const char* problem) { return {ErrorCode::kInvalid, problem}; }

/// The next `count` bytes as one number, the highest first; -1 at the end.
std::int64_t Take(std::istream& from, int count) {
  std::int64_t value = 0;
  for (int i = 0; i < count; ++i) {
    const int byte = from.get();
    if (byte == std::istream::traits_type::eof()) return -1;
    value = value << 8 | byte;
  }
  return value;
}

Result<PictureSize> Checked(std::int64_t width, std::int64_t height) {
  if (width < 0 || height < 0) return PictureError("is a picture whose header is cut off");
  constexpr std::int64_t kMost = 65535;
  if (width == 0 || height == 0 || width > kMost || height > kMost) {
    return PictureError("is a picture of no width or height, or of too much");
  }
  return PictureSize{static_cast<int>(width), static_cast<int>(height)};
}

/// Goes from segment to segment to the one that begins a frame (ISO 10918-1, annex B).
Result<PictureSize> JpegSize(std::istream& picture) {
  while (true) {
    if (Take(picture, 1) != 0xff) return PictureError("is a damaged JPEG picture");
    std::int64_t marker = 0xff;
    while (marker == 0xff) marker = Take(picture, 1);
    const bool alone = marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    if (alone) continue;
    const std::int64_t length = Take(picture, 2);
    if (length < 2) return PictureError("is a picture whose header is cut off");
    const bool frame =
        marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) {
      Take(picture, 1);  // bits per sample
      const std::int64_t height = Take(picture, 2);
      return Checked(Take(picture, 2), height);
    }
    if (marker == 0xd9 || marker == 0xda) return PictureError("is a JPEG picture without a size");
    picture.ignore(length - 2);
  }
}

}  // namespace

Result<PictureSize> ReadPictureSize(std::istream& picture) {
  std::array<char, 8> start{};
  picture.read(start.data(), 2);
  const std::string_view begun(start.data(), 2);
  if (begun == "\xff\xd8") return JpegSize(picture);
  picture.read(start.data() + 2, 6);
  constexpr std::string_view kPng = "\x89PNG\r\n\x1a\n";
  if (!picture || std::string_view(start.data(), start.size()) != kPng) {
    return PictureError("is no JPEG or PNG picture");
  }
  // The header's length and name, then width and height (PNG, section 11.2.2).
  if (Take(picture, 4) != 13 || Take(picture, 4) != 0x49484452) {
    return PictureError("is a damaged PNG picture");
  }
  const std::int64_t width = Take(picture, 4);
  return Checked(width, Take(picture, 4));
}

Result<PictureSize> SizeOfPicture(const std::filesystem::path& file) {
  EKYA_ASSIGN(const auto picture, OpenFile(file));
  const auto size = ReadPictureSize(*picture);
  if (!size.ok()) return size.error().Within(file.string());
  return size;
}

}  // namespace ekya::datasets
