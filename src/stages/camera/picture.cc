#include "stages/camera/picture.h"

#include "base/file.h"
#include "stages/camera/internal/ffmpeg.h"

namespace ekya::camera {

Result<Image> ReadPicture(const std::filesystem::path& path, int width, int height) {
  constexpr std::uint64_t kMaxBytes = 64 << 20;
  EKYA_ASSIGN(const std::string bytes, ReadFile(path, kMaxBytes));
  Image image{width, height, {}};
  image.pixels.resize(3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  PictureDecoder decoder;
  const Status decoded = decoder.Decode(bytes, width, height, image.pixels.data(), 3 * width);
  if (!decoded.ok()) return decoded.error().Within(path.string());
  return image;
}

}  // namespace ekya::camera
