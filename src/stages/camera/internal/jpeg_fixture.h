#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/check.h"
#include "stages/camera/internal/ffmpeg.h"

namespace ekya::camera {

/// For tests: a JPEG picture in one colour with a little texture.
inline std::string EncodeJpeg(int width, int height, std::array<std::uint8_t, 3> colour) {
  SilenceFfmpeg();
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  EKYA_CHECK(codec != nullptr);
  const CodecContext encoder(avcodec_alloc_context3(codec));
  encoder->width = width;
  encoder->height = height;
  encoder->pix_fmt = AV_PIX_FMT_YUVJ444P;
  encoder->time_base = {1, 25};
  encoder->flags |= AV_CODEC_FLAG_QSCALE;
  encoder->global_quality = 2 * FF_QP2LAMBDA;
  EKYA_CHECK(avcodec_open2(encoder.get(), codec, nullptr) == 0);
  const DecodedFrame frame(av_frame_alloc());
  frame->width = width;
  frame->height = height;
  frame->format = AV_PIX_FMT_YUVJ444P;
  frame->quality = encoder->global_quality;
  EKYA_CHECK(av_frame_get_buffer(frame.get(), 0) == 0);
  const double red = colour[0], green = colour[1], blue = colour[2];
  const double luma = 0.299 * red + 0.587 * green + 0.114 * blue;
  const double values[] = {luma, 128 + 0.564 * (blue - luma), 128 + 0.713 * (red - luma)};
  for (int plane = 0; plane < 3; ++plane) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const int texture = plane == 0 && (x / 4 + y / 4) % 7 == 0 ? 2 : 0;
        frame->data[plane][y * frame->linesize[plane] + x] =
            static_cast<std::uint8_t>(std::min(values[plane] + texture, 255.0));
      }
    }
  }
  const Packet packet(av_packet_alloc());
  EKYA_CHECK(avcodec_send_frame(encoder.get(), frame.get()) == 0);
  EKYA_CHECK(avcodec_receive_packet(encoder.get(), packet.get()) == 0);
  return {reinterpret_cast<const char*>(packet->data), static_cast<std::size_t>(packet->size)};
}

}  // namespace ekya::camera
