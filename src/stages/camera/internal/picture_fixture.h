#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/check.h"
#include "stages/camera/internal/ffmpeg.h"

namespace ekya::camera {

/// For tests: a picture in one colour with a little texture; of JPEG (MJPEG) or PNG.
inline std::string EncodePicture(AVCodecID id, int width, int height,
                                 std::array<std::uint8_t, 3> colour) {
  SilenceFfmpeg();
  const bool png = id == AV_CODEC_ID_PNG;
  const AVCodec* codec = avcodec_find_encoder(id);
  EKYA_CHECK(codec != nullptr);
  const CodecContext encoder(avcodec_alloc_context3(codec));
  encoder->width = width;
  encoder->height = height;
  encoder->pix_fmt = png ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_YUVJ444P;
  encoder->time_base = {1, 25};
  encoder->flags |= AV_CODEC_FLAG_QSCALE;
  encoder->global_quality = 2 * FF_QP2LAMBDA;
  EKYA_CHECK(avcodec_open2(encoder.get(), codec, nullptr) == 0);
  const DecodedFrame frame(av_frame_alloc());
  frame->width = width;
  frame->height = height;
  frame->format = encoder->pix_fmt;
  frame->quality = encoder->global_quality;
  EKYA_CHECK(av_frame_get_buffer(frame.get(), 0) == 0);
  const double red = colour[0], green = colour[1], blue = colour[2];
  const double luma = 0.299 * red + 0.587 * green + 0.114 * blue;
  const double values[] = {luma, 128 + 0.564 * (blue - luma), 128 + 0.713 * (red - luma)};
  for (int plane = 0; plane < (png ? 1 : 3); ++plane) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        std::uint8_t* const row = frame->data[plane] + y * frame->linesize[plane];
        const int texture = plane == 0 && (x / 4 + y / 4) % 7 == 0 ? 2 : 0;
        if (png) {
          for (int c = 0; c < 3; ++c) {
            row[3 * x + c] = static_cast<std::uint8_t>(
                std::min(colour[static_cast<std::size_t>(c)] + texture, 255));
          }
        } else {
          row[x] = static_cast<std::uint8_t>(std::min(values[plane] + texture, 255.0));
        }
      }
    }
  }
  const Packet packet(av_packet_alloc());
  EKYA_CHECK(avcodec_send_frame(encoder.get(), frame.get()) == 0);
  EKYA_CHECK(avcodec_receive_packet(encoder.get(), packet.get()) == 0);
  return {reinterpret_cast<const char*>(packet->data), static_cast<std::size_t>(packet->size)};
}

/// For tests: a JPEG picture in one colour with a little texture.
inline std::string EncodeJpeg(int width, int height, std::array<std::uint8_t, 3> colour) {
  return EncodePicture(AV_CODEC_ID_MJPEG, width, height, colour);
}

/// For tests: the brightness of the clip's frame `index`.
inline int ClipBrightness(int index) { return 40 + index % 10 * 18; }

/// For tests: writes a clip in MPEG-4, in the container that the path's ending names. Its frames
/// are grey, each as bright as ClipBrightness says, with a line that moves.
inline void WriteClip(const std::string& path, int width, int height, int frames,
                      int frames_per_second) {
  SilenceFfmpeg();
  AVFormatContext* format = nullptr;
  EKYA_CHECK(avformat_alloc_output_context2(&format, nullptr, nullptr, path.c_str()) >= 0);
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
  EKYA_CHECK(codec != nullptr);
  const CodecContext encoder(avcodec_alloc_context3(codec));
  encoder->width = width;
  encoder->height = height;
  encoder->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder->time_base = {1, frames_per_second};
  encoder->framerate = {frames_per_second, 1};
  encoder->gop_size = 10;
  encoder->bit_rate = 400'000;
  if ((format->oformat->flags & AVFMT_GLOBALHEADER) != 0) {
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  }
  EKYA_CHECK(avcodec_open2(encoder.get(), codec, nullptr) == 0);
  AVStream* stream = avformat_new_stream(format, nullptr);
  stream->time_base = encoder->time_base;
  stream->avg_frame_rate = encoder->framerate;
  EKYA_CHECK(avcodec_parameters_from_context(stream->codecpar, encoder.get()) >= 0);
  EKYA_CHECK(avio_open(&format->pb, path.c_str(), AVIO_FLAG_WRITE) >= 0);
  // The index in front, so that a truncated mp4 still opens.
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", "faststart", 0);
  EKYA_CHECK(avformat_write_header(format, &options) >= 0);
  av_dict_free(&options);

  const DecodedFrame frame(av_frame_alloc());
  frame->width = width;
  frame->height = height;
  frame->format = AV_PIX_FMT_YUV420P;
  EKYA_CHECK(av_frame_get_buffer(frame.get(), 0) == 0);
  const Packet packet(av_packet_alloc());
  const auto write = [&] {
    while (avcodec_receive_packet(encoder.get(), packet.get()) == 0) {
      av_packet_rescale_ts(packet.get(), encoder->time_base, stream->time_base);
      packet->duration = av_rescale_q(1, encoder->time_base, stream->time_base);
      EKYA_CHECK(av_interleaved_write_frame(format, packet.get()) >= 0);
    }
  };
  for (int i = 0; i < frames; ++i) {
    EKYA_CHECK(av_frame_make_writable(frame.get()) == 0);
    for (int y = 0; y < height; ++y) {
      std::memset(frame->data[0] + y * frame->linesize[0],
                  y == i % height ? 128 : ClipBrightness(i), static_cast<std::size_t>(width));
    }
    for (int plane = 1; plane < 3; ++plane) {
      for (int y = 0; y < height / 2; ++y) {
        std::memset(frame->data[plane] + y * frame->linesize[plane], 128,
                    static_cast<std::size_t>(width / 2));
      }
    }
    frame->pts = i;
    EKYA_CHECK(avcodec_send_frame(encoder.get(), frame.get()) == 0);
    write();
  }
  avcodec_send_frame(encoder.get(), nullptr);
  write();
  EKYA_CHECK(av_write_trailer(format) == 0);
  avio_closep(&format->pb);
  avformat_free_context(format);
}

}  // namespace ekya::camera
