#include "stages/camera/video_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "core/url.h"
#include "stages/camera/internal/ffmpeg.h"

namespace ekya::camera {
namespace {

/// Containers that cameras and people write. FFmpeg reads many more: some turn any text into a
/// film, and play lists would open what they name.
constexpr const char* kContainers =
    "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts,mpegvideo,flv,asf,ogg,h264,hevc,mjpeg,"
    "mpjpeg,"
    "m4v,nut,ivf,mxf,dv";
/// Broken packets in a row after which a stream counts as damaged.
constexpr int kBrokenPackets = 100;

/// FFmpeg asks this while it blocks.
struct Interrupt {
  std::stop_token stop;
  double deadline = std::numeric_limits<double>::infinity();  // on the monotonic clock

  bool Stalled() const { return MonotonicClock().Now() > deadline; }
  static int Ask(void* opaque) {
    const auto* self = static_cast<const Interrupt*>(opaque);
    return self->stop.stop_requested() || self->Stalled() ? 1 : 0;
  }
};

class Options {
 public:
  ~Options() { av_dict_free(&dictionary_); }
  void Set(const char* key, const char* value) { av_dict_set(&dictionary_, key, value, 0); }
  AVDictionary** get() { return &dictionary_; }

 private:
  AVDictionary* dictionary_ = nullptr;
};

class VideoSource : public Source {
 public:
  VideoSource(const CameraSettings& settings, std::string target, bool live, std::stop_token stop)
      : camera_(settings.id),
        target_(std::move(target)),
        shown_(fmt::format("camera {}: {}", settings.id, ShownUrl(target_))),
        stall_seconds_(settings.stall_seconds),
        rate_(settings.frames_per_second),
        loop_(settings.loop && !live),
        packet_(av_packet_alloc()),
        picture_(av_frame_alloc()) {
    EKYA_CHECK(packet_ && picture_);
    info_.live = live;
    interrupt_.stop = std::move(stop);
    SilenceFfmpeg();
  }
  ~VideoSource() override {
    // Saying goodbye to a silent camera must not take its time.
    interrupt_.deadline = MonotonicClock().Now() + 0.1;
  }

  /// Opens, or opens again at the start.
  Status Open() {
    codec_.reset();
    format_.reset();
    if (info_.live) interrupt_.deadline = MonotonicClock().Now() + stall_seconds_;
    AVFormatContext* format = avformat_alloc_context();
    EKYA_CHECK(format != nullptr);
    format->interrupt_callback = {&Interrupt::Ask, &interrupt_};
    Options options;
    if (info_.live) {
      options.Set("rtsp_transport", "tcp");
      options.Set("allowed_media_types", "video");
      options.Set("protocol_whitelist", "rtsp,rtp,tcp,tls,udp,srtp,http,https,crypto");
      options.Set("analyzeduration", "2000000");
    } else {
      options.Set("format_whitelist", kContainers);
      options.Set("protocol_whitelist", "file");
    }
    // A path may have a colon; "file:" keeps it from being taken for a protocol.
    const std::string url = info_.live ? target_ : "file:" + target_;
    int code = avformat_open_input(&format, url.c_str(), nullptr, options.get());
    if (code < 0) return OpenError(code);  // the context is freed
    format_.reset(format);
    code = avformat_find_stream_info(format_.get(), nullptr);
    if (interrupt_.stop.stop_requested() || interrupt_.Stalled()) return OpenError(AVERROR_EXIT);
    if (code < 0) return OpenError(code);
    return OpenDecoder();
  }

  const SourceInfo& info() const override { return info_; }
  void StopWith(std::stop_token stop) override { interrupt_.stop = std::move(stop); }

  Result<std::optional<Frame>> Next() override {
    if (info_.live) interrupt_.deadline = MonotonicClock().Now() + stall_seconds_;
    while (true) {
      const int code = avcodec_receive_frame(codec_.get(), picture_.get());
      if (code == 0) {
        const bool wanted = Wanted();
        ++decoded_;
        ++frames_of_pass_;
        broken_in_a_row_ = 0;
        if (wanted) return Show();
        av_frame_unref(picture_.get());
        continue;
      }
      if (code == AVERROR_EOF) {
        EKYA_RETURN_IF_ERROR(AtEnd());
        if (!loop_) return std::optional<Frame>();
        EKYA_RETURN_IF_ERROR(Open());
      } else if (code == AVERROR(EAGAIN)) {
        EKYA_RETURN_IF_ERROR(FeedDecoder());
      } else {
        EKYA_RETURN_IF_ERROR(CountBroken(code));
      }
    }
  }

 private:
  Error OpenError(int code) const {
    if (interrupt_.stop.stop_requested()) return Stopped();
    if (interrupt_.Stalled()) {
      return {ErrorCode::kUnavailable,
              fmt::format("{}: no answer for {:g} s", shown_, stall_seconds_)};
    }
    if (info_.live) {
      return {ErrorCode::kUnavailable, fmt::format("{}: {}", shown_, FfmpegError(code))};
    }
    return {ErrorCode::kInvalid,
            fmt::format(
                "{}: is no video that can be read ({}); expected one in a container such as mp4, "
                "mkv, avi or ts",
                shown_, FfmpegError(code))};
  }

  Error Stopped() const { return {ErrorCode::kCancelled, shown_ + ": asked to stop"}; }

  Status OpenDecoder() {
    const AVCodec* decoder = nullptr;
    stream_ = av_find_best_stream(format_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (stream_ < 0 || decoder == nullptr) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: has no video that FFmpeg can decode", shown_)};
    }
    AVStream* stream = format_->streams[stream_];
    codec_.reset(avcodec_alloc_context3(decoder));
    EKYA_CHECK(codec_ != nullptr);
    int code = avcodec_parameters_to_context(codec_.get(), stream->codecpar);
    codec_->thread_count = 1;  // the cores belong to inference and retraining
    if (code >= 0) code = avcodec_open2(codec_.get(), decoder, nullptr);
    if (code < 0) {
      return Error{ErrorCode::kInvalid, fmt::format("{}: cannot decode {}: {}", shown_,
                                                    decoder->name, FfmpegError(code))};
    }
    if (codec_->width <= 0 || codec_->height <= 0) {
      return Error{ErrorCode::kInvalid, fmt::format("{}: does not say its picture's size", shown_)};
    }
    info_.width = codec_->width;
    info_.height = codec_->height;
    native_rate_ = NativeRate(*stream);
    info_.frames_per_second = rate_ > 0 ? std::min(rate_, native_rate_) : native_rate_;
    frames_expected_ = stream->nb_frames;
    if (frames_expected_ <= 0 && stream->duration > 0) {
      frames_expected_ = static_cast<std::int64_t>(static_cast<double>(stream->duration) *
                                                   av_q2d(stream->time_base) * native_rate_);
    }
    frames_of_pass_ = 0;
    broken_in_a_row_ = 0;
    return {};
  }

  /// Whether the frame just decoded, number `decoded_` of the file or the stream, is one of the
  /// `rate_` a second that are shown.
  bool Wanted() {
    if (rate_ <= 0) return true;
    if (!info_.live) {
      // By its place in the file, so that the same frames are taken however fast it is read.
      const double due = static_cast<double>(frames_) * native_rate_ / info_.frames_per_second;
      return static_cast<double>(decoded_) >= due - 1e-6;
    }
    const double now = MonotonicClock().Now();
    if (now < due_) return false;
    // Frames that come unevenly keep the rate; after a pause it begins anew.
    due_ = (now - due_ > 1 / rate_ ? now : due_) + 1 / rate_;
    return true;
  }

  /// Frames a second as the file says; 25 where it says nothing sensible.
  static double NativeRate(const AVStream& stream) {
    for (const AVRational rate : {stream.avg_frame_rate, stream.r_frame_rate}) {
      const double value = rate.den > 0 ? av_q2d(rate) : 0;
      if (value > 0.01 && value <= 240) return value;
    }
    return 25;
  }

  /// Gives the decoder its next packet, or tells it that none follows.
  Status FeedDecoder() {
    const int code = av_read_frame(format_.get(), packet_.get());
    if (interrupt_.stop.stop_requested()) return Stopped();
    if (info_.live && (interrupt_.Stalled() || code == AVERROR_EXIT)) {
      av_packet_unref(packet_.get());
      return Error{ErrorCode::kUnavailable,
                   fmt::format("{}: no frame for {:g} s", shown_, stall_seconds_)};
    }
    if (code < 0 && info_.live) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("{}: the connection is closed ({})", shown_, FfmpegError(code))};
    }
    if (code < 0) {
      // Damage and the end look alike here; what is missing is counted in AtEnd.
      avcodec_send_packet(codec_.get(), nullptr);
      return {};
    }
    const bool ours = packet_->stream_index == stream_;
    const int sent = ours ? avcodec_send_packet(codec_.get(), packet_.get()) : 0;
    av_packet_unref(packet_.get());
    return sent < 0 ? CountBroken(sent) : Status();
  }

  /// A decoder recovers from broken data at its next whole picture, so some is passed over.
  Status CountBroken(int code) {
    if (++broken_in_a_row_ == 1) {
      Log(LogLevel::kDebug, camera_, "broken data after frame {}: {}", frames_, FfmpegError(code));
    }
    if (broken_in_a_row_ < kBrokenPackets) return {};
    return Error{info_.live ? ErrorCode::kUnavailable : ErrorCode::kFailed,
                 fmt::format("{}: is damaged after frame {}: {}", shown_, frames_of_pass_,
                             FfmpegError(code))};
  }

  /// The file has no more frames: is that its end?
  Status AtEnd() const {
    if (frames_of_pass_ == 0) {
      return Error{ErrorCode::kFailed, fmt::format("{}: holds no whole frame", shown_)};
    }
    if (frames_of_pass_ < 0.95 * static_cast<double>(frames_expected_) - 5) {
      return Error{ErrorCode::kFailed,
                   fmt::format("{}: is truncated or damaged: ends after {} of {} frames", shown_,
                               frames_of_pass_, frames_expected_)};
    }
    return {};
  }

  Result<std::optional<Frame>> Show() {
    Frame frame;
    frame.index = frames_++;
    frame.time_seconds = static_cast<double>(decoded_ - 1) / native_rate_;
    frame.image.width = picture_->width;
    frame.image.height = picture_->height;
    frame.image.pixels.resize(3 * static_cast<std::size_t>(picture_->width) *
                              static_cast<std::size_t>(picture_->height));
    const Status converted = converter_.Convert(*picture_, picture_->width, picture_->height,
                                                frame.image.pixels.data(), 3 * picture_->width);
    av_frame_unref(picture_.get());
    if (!converted.ok()) return converted.error().Within(shown_);
    return std::optional<Frame>(std::move(frame));
  }

  const std::string camera_;
  const std::string target_;  // with its password: never in a message
  const std::string shown_;   // what messages begin with
  const double stall_seconds_;
  const double rate_;  // most frames a second; 0: all
  const bool loop_;
  SourceInfo info_;
  Interrupt interrupt_;  // outlives format_

  FormatContext format_;
  CodecContext codec_;
  Packet packet_;
  DecodedFrame picture_;
  RgbConverter converter_;
  int stream_ = -1;
  std::int64_t frames_ = 0;           // shown, all passes
  std::int64_t decoded_ = 0;          // shown or not, all passes
  double native_rate_ = 0;            // frames a second
  double due_ = 0;                    // live: on the monotonic clock, when the next one is wanted
  std::int64_t frames_of_pass_ = 0;   // decoded since the file was opened
  std::int64_t frames_expected_ = 0;  // in the file; 0: unknown
  int broken_in_a_row_ = 0;
};

Result<std::unique_ptr<Source>> OpenVideo(const CameraSettings& settings, std::string target,
                                          bool live, std::stop_token stop) {
  auto source = std::make_unique<VideoSource>(settings, std::move(target), live, std::move(stop));
  EKYA_RETURN_IF_ERROR(source->Open());
  return std::unique_ptr<Source>(std::move(source));
}

}  // namespace

Result<std::unique_ptr<Source>> OpenVideoFile(const CameraSettings& settings,
                                              std::stop_token stop) {
  std::string path = settings.url;
  if (path.starts_with("file://")) path.erase(0, 7);
  if (path.starts_with("file:")) path.erase(0, 5);
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (!std::filesystem::exists(status)) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("camera {}: {}: there is no such video file", settings.id, path)};
  }
  if (!std::filesystem::is_regular_file(status)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("camera {}: {}: is no file, expected a video", settings.id, path)};
  }
  return OpenVideo(settings, std::move(path), false, std::move(stop));
}

Result<std::unique_ptr<Source>> OpenRtsp(const CameraSettings& settings, std::stop_token stop) {
  if (!(settings.stall_seconds > 0) || !std::isfinite(settings.stall_seconds)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("camera {}: stall_seconds: found {}, expected more than 0",
                             settings.id, settings.stall_seconds)};
  }
  return OpenVideo(settings, settings.url, true, std::move(stop));
}

}  // namespace ekya::camera
