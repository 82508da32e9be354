#include "apps/learning/swapped_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "platform/models/classifier.h"

namespace ekya::learning {
namespace {

constexpr int kCore = 0;
constexpr int kVersions = 3;
constexpr int kSide = 32;  // Of the network's input.
constexpr double kTrySeconds = 2;

Image Noise(int width, int height) {
  Random random(3);
  Image image{width, height, {}};
  image.pixels.resize(3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(random.Below(256));
  return image;
}

FramePtr FrameWith(int regions) {
  Frame frame;
  frame.image = Noise(320, 180);
  for (int i = 0; i < regions; ++i) {
    frame.regions.push_back({{8.0 * (i % 32), 20, kSide, kSide}, {}, -1});
  }
  return std::make_shared<const Frame>(std::move(frame));
}

}  // namespace

SwappedStream::SwappedStream(resources::ShareEnforcer& enforcer, double frames_per_second)
    : enforcer_(enforcer), frames_per_second_(frames_per_second), sample_(FrameWith(regions_)) {
  camera_.id = "swapped";
  camera_.frames_per_second = frames_per_second;
  // Those of the drawn scene, so that a version can also serve that.
  camera_.classes = {"person", "bicycle", "car", "bus"};
}

SwappedStream::~SwappedStream() {
  if (share_) share_->Release();
}

Result<std::unique_ptr<SwappedStream>> SwappedStream::Make(resources::ShareEnforcer& enforcer,
                                                           const std::filesystem::path& folder,
                                                           double frames_per_second, double load,
                                                           double loading_cores) {
  std::unique_ptr<SwappedStream> stream(new SwappedStream(enforcer, frames_per_second));
  EKYA_RETURN_IF_ERROR(stream->SaveVersions(folder));
  EKYA_RETURN_IF_ERROR(stream->Open(folder, loading_cores));
  EKYA_ASSIGN(const auto tried, stream->Serve(kTrySeconds, 0));
  const auto analysed = static_cast<double>(tried.latencies.size());
  if (analysed == 0) return Error{ErrorCode::kFailed, "experiment: no frame was analysed"};
  const double region_seconds = stream->cpu_seconds_ / analysed / stream->regions_;
  stream->regions_ = std::max(1, static_cast<int>(load / frames_per_second / region_seconds));
  stream->sample_ = FrameWith(stream->regions_);
  return stream;
}

Status SwappedStream::SaveVersions(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  models::ClassifierShape shape;
  shape.width = 0.25;
  shape.input_size = kSide;
  shape.classes = camera_.classes;
  for (int i = 0; i < kVersions; ++i) {
    EKYA_ASSIGN(const auto model,
                models::Classifier::Create(shape, static_cast<std::uint64_t>(i) + 1));
    versions_.push_back((folder / fmt::format("{}.safetensors", i + 1)).string());
    EKYA_RETURN_IF_ERROR(model->Save(versions_.back()));
  }
  return {};
}

Status SwappedStream::Open(const std::filesystem::path& folder, double loading_cores) {
  ModelSettings settings;
  settings.path = versions_.front();
  EKYA_ASSIGN(auto opened,
              workers::OpenLearner(camera_, camera_.classes, settings, learning_, 1, folder));
  learner_ = std::move(opened.learner);
  EKYA_ASSIGN(auto served, learner_->MakeServed(*opened.model, 1));
  slot_.Put({version_, std::move(served)});
  swap_ = std::make_unique<workers::ModelSwap>(camera_, learning_, *learner_, enforcer_, slot_,
                                               loading_cores);
  EKYA_RETURN_IF_ERROR(swap_->KeepOff(kCore));
  share_ = enforcer_.MakeJob("swapped-inference");
  EKYA_RETURN_IF_ERROR(share_->Set(1, kCore));
  inference::InferenceJob::Hooks hooks;
  hooks.thread_start = [this] {
    if (const Status joined = share_->Join(); !joined.ok()) {
      Log(LogLevel::kWarning, camera_.id, "inference: {}", joined.error().message);
    }
  };
  hooks.checkpoint = [this] { return share_->Checkpoint(); };
  hooks.result = [this](const inference::FrameResult& result) { OnResult(result); };
  job_ = std::make_unique<inference::InferenceJob>(camera_.id, slot_, std::move(hooks));
  return {};
}

FramePtr SwappedStream::NextFrame() {
  auto frame = std::make_shared<Frame>(*sample_);
  frame->index = index_++;
  frame->time_seconds = static_cast<double>(frame->index) / frames_per_second_;
  return frame;
}

void SwappedStream::OnResult(const inference::FrameResult& result) {
  const double now = MonotonicClock().Now();
  const std::lock_guard lock(mutex_);
  --stretch_.lost;
  if (result.skipped) {
    ++stretch_.skipped;
    return;
  }
  told_.push_back(now);
  cpu_seconds_ += result.cpu_seconds;
  stretch_.latencies.push_back(now -
                               offered_[static_cast<std::size_t>(result.frame->index - first_)]);
}

Status SwappedStream::Swap() {
  ++version_;
  const auto next = static_cast<std::size_t>(version_) % versions_.size();
  return swap_->Serve({version_, versions_[next], 1}, sample_);
}

Result<SwapStretch> SwappedStream::Serve(double seconds, int most_swaps) {
  {
    const std::lock_guard lock(mutex_);
    stretch_ = {};
    offered_.clear();
    told_.clear();
    cpu_seconds_ = 0;
    first_ = index_;
  }
  std::atomic<bool> over = false;
  Status swapped;
  std::vector<double> swap_times;
  std::thread swapping([&] {
    while (swapped.ok() && !over && static_cast<int>(swap_times.size()) < most_swaps) {
      const double before = MonotonicClock().Now();
      swapped = Swap();
      swap_times.push_back(MonotonicClock().Now() - before);
    }
  });
  const double start = MonotonicClock().Now();
  const int frames = static_cast<int>(seconds * frames_per_second_);
  for (int i = 0; i < frames; ++i) {
    FramePtr frame = NextFrame();
    MonotonicClock().SleepUntil(start + i / frames_per_second_);
    {
      const std::lock_guard lock(mutex_);
      offered_.push_back(MonotonicClock().Now());
      ++stretch_.frames;
      ++stretch_.lost;
    }
    job_->Offer(std::move(frame));
  }
  job_->Drain();
  over = true;
  swapping.join();
  EKYA_RETURN_IF_ERROR(swapped);
  const std::lock_guard lock(mutex_);
  stretch_.swapping = most_swaps > 0;
  stretch_.swaps = static_cast<int>(swap_times.size());
  stretch_.swap_times = std::move(swap_times);
  stretch_.longest_pause = LongestPause(told_);
  return std::move(stretch_);
}

double LongestPause(const std::vector<double>& times) {
  double longest = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    longest = std::max(longest, times[i] - times[i - 1]);
  }
  return longest;
}

}  // namespace ekya::learning
