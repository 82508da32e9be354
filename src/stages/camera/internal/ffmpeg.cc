#include "stages/camera/internal/ffmpeg.h"

#include <fmt/format.h>

#include <cstring>
#include <mutex>

namespace ekya::camera {

void SilenceFfmpeg() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_level(AV_LOG_QUIET); });
}

std::string FfmpegError(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof(text));
  return text;
}

Status RgbConverter::Convert(const AVFrame& from, int width, int height, std::uint8_t* to,
                             int stride) {
  // Exact rounding where it is affordable; videos at their own size go through the fast path.
  const bool resized = width != from.width || height != from.height;
  const int flags = resized ? SWS_AREA | SWS_ACCURATE_RND | SWS_BITEXACT : SWS_FAST_BILINEAR;
  scaler_.reset(sws_getCachedContext(scaler_.release(), from.width, from.height,
                                     static_cast<AVPixelFormat>(from.format), width, height,
                                     AV_PIX_FMT_RGB24, flags, nullptr, nullptr, nullptr));
  if (!scaler_) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("a picture of {} x {} pixels cannot be converted to RGB of {} x {}",
                             from.width, from.height, width, height)};
  }
  std::uint8_t* const planes[] = {to};
  const int strides[] = {stride};
  const int rows =
      sws_scale(scaler_.get(), from.data, from.linesize, 0, from.height, planes, strides);
  if (rows != height) {
    return Error{ErrorCode::kFailed, fmt::format("conversion to RGB: {}", FfmpegError(rows))};
  }
  return {};
}

namespace {

/// More pixels than any camera has: a header that says so lies.
constexpr std::int64_t kMaxPixels = std::int64_t{1} << 28;

CodecContext OpenDecoder(AVCodecID id) {
  const AVCodec* codec = avcodec_find_decoder(id);
  EKYA_CHECK(codec != nullptr, "FFmpeg has no decoder for JPEG or PNG");
  CodecContext context(avcodec_alloc_context3(codec));
  EKYA_CHECK(context != nullptr);
  context->thread_count = 1;
  context->err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK;
  context->max_pixels = kMaxPixels;
  EKYA_CHECK(avcodec_open2(context.get(), codec, nullptr) == 0);
  return context;
}

}  // namespace

PictureDecoder::PictureDecoder() : packet_(av_packet_alloc()), frame_(av_frame_alloc()) {
  SilenceFfmpeg();
  EKYA_CHECK(packet_ && frame_);
  jpeg_ = OpenDecoder(AV_CODEC_ID_MJPEG);
  png_ = OpenDecoder(AV_CODEC_ID_PNG);
}

Status PictureDecoder::DecodeFrame(std::string_view bytes) {
  const bool png = bytes.starts_with("\x89PNG");
  const char* const name = png ? "PNG" : "JPEG";
  if ((!png && !bytes.starts_with("\xFF\xD8")) || bytes.size() < 64) {
    return Error{ErrorCode::kInvalid, "is not a JPEG or PNG picture"};
  }
  // The decoders make up the rest of a truncated picture, so its end is looked for here. Some
  // writers pad with a few bytes.
  if (bytes.rfind(png ? "IEND" : "\xFF\xD9") == std::string_view::npos) {
    return Error{ErrorCode::kInvalid, fmt::format("is a truncated {} picture ({} bytes without "
                                                  "its end)",
                                                  name, bytes.size())};
  }
  if (av_new_packet(packet_.get(), static_cast<int>(bytes.size())) != 0) {
    return Error{ErrorCode::kFailed, "no memory for a picture"};
  }
  std::memcpy(packet_->data, bytes.data(), bytes.size());
  // A picture by itself: else the PNG decoder adds it to the one before, as in a film of
  // differences.
  packet_->flags |= AV_PKT_FLAG_KEY;
  AVCodecContext* const codec = png ? png_.get() : jpeg_.get();
  int code = avcodec_send_packet(codec, packet_.get());
  av_packet_unref(packet_.get());
  if (code == 0) code = avcodec_receive_frame(codec, frame_.get());
  if (code != 0) {
    avcodec_flush_buffers(codec);
    return Error{ErrorCode::kInvalid,
                 fmt::format("is a damaged {} picture: {}", name, FfmpegError(code))};
  }
  if (frame_->decode_error_flags != 0 || (frame_->flags & AV_FRAME_FLAG_CORRUPT) != 0) {
    av_frame_unref(frame_.get());
    return Error{ErrorCode::kInvalid, fmt::format("is a damaged {} picture", name)};
  }
  return {};
}

Status PictureDecoder::Decode(std::string_view bytes, int width, int height, std::uint8_t* to,
                              int stride) {
  EKYA_RETURN_IF_ERROR(DecodeFrame(bytes));
  const Status converted = converter_.Convert(*frame_, width, height, to, stride);
  av_frame_unref(frame_.get());
  return converted;
}

Result<Image> PictureDecoder::Decode(std::string_view bytes) {
  EKYA_RETURN_IF_ERROR(DecodeFrame(bytes));
  Image image{.width = frame_->width, .height = frame_->height, .pixels = {}};
  image.pixels.resize(3 * static_cast<std::size_t>(image.width) *
                      static_cast<std::size_t>(image.height));
  const Status converted =
      converter_.Convert(*frame_, image.width, image.height, image.pixels.data(), 3 * image.width);
  av_frame_unref(frame_.get());
  if (!converted.ok()) return converted.error();
  return image;
}

}  // namespace ekya::camera
