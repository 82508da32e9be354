#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/frame.h"

namespace ekya::camera {

struct FreeFormat {
  void operator()(AVFormatContext* context) const { avformat_close_input(&context); }
};
struct FreeCodec {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct FreeScaler {
  void operator()(SwsContext* context) const { sws_freeContext(context); }
};
using FormatContext = std::unique_ptr<AVFormatContext, FreeFormat>;
using CodecContext = std::unique_ptr<AVCodecContext, FreeCodec>;
using DecodedFrame = std::unique_ptr<AVFrame, FreeFrame>;
using Packet = std::unique_ptr<AVPacket, FreePacket>;
using Scaler = std::unique_ptr<SwsContext, FreeScaler>;

/// Keeps FFmpeg from writing to stderr by itself: its lines would show a camera's URL, and so its
/// password. What matters comes back as errors.
void SilenceFfmpeg();

/// FFmpeg's text for one of its error codes.
std::string FfmpegError(int code);

/// Turns decoded pictures into RGB of a wanted size. One thread.
class RgbConverter {
 public:
  /// Writes `from` into the `width` x `height` pixels at `to`, whose rows are `stride` bytes apart.
  /// Averages where it shrinks.
  Status Convert(const AVFrame& from, int width, int height, std::uint8_t* to, int stride);

 private:
  Scaler scaler_;
};

/// Decodes JPEG and PNG pictures from memory. One thread.
class PictureDecoder {
 public:
  PictureDecoder();
  /// Decodes `bytes` and writes them resized to the `width` x `height` pixels at `to`. kInvalid
  /// where they are no such picture or only a part of one; what stands at `to` is then undefined.
  Status Decode(std::string_view bytes, int width, int height, std::uint8_t* to, int stride);
  /// Decodes `bytes` at their own size.
  Result<Image> Decode(std::string_view bytes);

 private:
  /// Decodes `bytes` into frame_.
  Status DecodeFrame(std::string_view bytes);

  CodecContext jpeg_;
  CodecContext png_;
  Packet packet_;
  DecodedFrame frame_;
  RgbConverter converter_;
};

}  // namespace ekya::camera
