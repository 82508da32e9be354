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

JpegDecoder::JpegDecoder() : packet_(av_packet_alloc()), frame_(av_frame_alloc()) {
  SilenceFfmpeg();
  const AVCodec* codec = avcodec_find_decoder(AV_CODEC_ID_MJPEG);
  EKYA_CHECK(codec != nullptr && packet_ && frame_, "FFmpeg has no JPEG decoder");
  codec_.reset(avcodec_alloc_context3(codec));
  EKYA_CHECK(codec_ != nullptr);
  codec_->thread_count = 1;
  codec_->err_recognition = AV_EF_EXPLODE;
  EKYA_CHECK(avcodec_open2(codec_.get(), codec, nullptr) == 0);
}

Status JpegDecoder::Decode(std::string_view bytes, int width, int height, std::uint8_t* to,
                           int stride) {
  // The decoder makes up the rest of a truncated picture, so its end is looked for here. Some
  // writers pad with a few bytes.
  const auto end = bytes.rfind("\xFF\xD9");
  if (!bytes.starts_with("\xFF\xD8") || bytes.size() < 64) {
    return Error{ErrorCode::kInvalid, "is not a JPEG picture"};
  }
  if (end == std::string_view::npos) {
    return Error{
        ErrorCode::kInvalid,
        fmt::format("is a truncated JPEG picture ({} bytes without its end)", bytes.size())};
  }
  if (av_new_packet(packet_.get(), static_cast<int>(bytes.size())) != 0) {
    return Error{ErrorCode::kFailed, "no memory for a JPEG picture"};
  }
  std::memcpy(packet_->data, bytes.data(), bytes.size());
  int code = avcodec_send_packet(codec_.get(), packet_.get());
  av_packet_unref(packet_.get());
  if (code == 0) code = avcodec_receive_frame(codec_.get(), frame_.get());
  if (code != 0) {
    avcodec_flush_buffers(codec_.get());
    return Error{ErrorCode::kInvalid,
                 fmt::format("is a damaged JPEG picture: {}", FfmpegError(code))};
  }
  const bool whole =
      frame_->decode_error_flags == 0 && (frame_->flags & AV_FRAME_FLAG_CORRUPT) == 0;
  const Status converted = whole ? converter_.Convert(*frame_, width, height, to, stride)
                                 : Error{ErrorCode::kInvalid, "is a damaged JPEG picture"};
  av_frame_unref(frame_.get());
  return converted;
}

}  // namespace ekya::camera
