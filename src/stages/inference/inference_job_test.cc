#include "stages/inference/inference_job.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>

#include "base/clock.h"

namespace ekya::inference {
namespace {

FramePtr MakeFrame(std::int64_t index) {
  auto frame = std::make_shared<Frame>();
  frame->index = index;
  frame->time_seconds = 0.04 * static_cast<double>(index);
  return frame;
}

/// Marks every result with its own version and the frame's index.
class MarkingModel : public models::Model {
 public:
  explicit MarkingModel(std::int64_t version) : version_(version) {}
  ~MarkingModel() override { version_ = -1; }
  const std::vector<std::string>& classes() const override { return classes_; }
  Result<std::vector<Detection>> Analyze(const Frame& frame, int input_size) override {
    EXPECT_FALSE(in_use_.exchange(true)) << "two threads in one model";
    Detection detection;
    detection.class_index = static_cast<int>(version_);
    detection.score = static_cast<double>(frame.index);
    detection.box.x = input_size;
    const std::vector<Detection> detections = {detection};
    in_use_ = false;
    return detections;
  }

 private:
  std::int64_t version_;
  std::atomic<bool> in_use_{false};
  const std::vector<std::string> classes_ = {"thing"};
};

/// Analyses when it is let: `Allow` lets one more analysis end.
class GatedModel : public models::Model {
 public:
  const std::vector<std::string>& classes() const override { return classes_; }
  Result<std::vector<Detection>> Analyze(const Frame& frame, int) override {
    std::unique_lock lock(mutex_);
    ++started_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return allowed_ > 0; });
    --allowed_;
    return std::vector<Detection>{{{}, 0, static_cast<double>(frame.index)}};
  }
  void Allow(int analyses = 1) {
    std::lock_guard lock(mutex_);
    allowed_ += analyses;
    changed_.notify_all();
  }
  void AwaitStart(int analyses) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return started_ >= analyses; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int started_ = 0;
  int allowed_ = 0;
  const std::vector<std::string> classes_ = {"thing"};
};

class FailingModel : public models::Model {
 public:
  const std::vector<std::string>& classes() const override { return classes_; }
  Result<std::vector<Detection>> Analyze(const Frame& frame, int) override {
    if (frame.index % 2 == 1) return Error{ErrorCode::kFailed, "engine failed on purpose"};
    return std::vector<Detection>{{{}, 0, static_cast<double>(frame.index)}};
  }

 private:
  const std::vector<std::string> classes_ = {"thing"};
};

class Results {
 public:
  void Add(const FrameResult& result) {
    std::lock_guard lock(mutex_);
    results_.push_back(result);
    changed_.notify_all();
  }
  std::vector<FrameResult> Get() const {
    std::lock_guard lock(mutex_);
    return results_;
  }
  void AwaitCount(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return results_.size() >= count; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<FrameResult> results_;
};

InferenceJob::Hooks HooksInto(Results& results) {
  InferenceJob::Hooks hooks;
  hooks.result = [&results](const FrameResult& result) { results.Add(result); };
  return hooks;
}

void ExpectEveryFrameOnceInOrder(const std::vector<FrameResult>& results, std::int64_t frames) {
  ASSERT_EQ(static_cast<std::int64_t>(results.size()), frames);
  for (std::int64_t i = 0; i < frames; ++i) EXPECT_EQ(results[i].frame->index, i);
}

TEST(InferenceJob, AnalysesEveryFrameWhenItKeepsUp) {
  models::ModelSlot slot;
  slot.Put({7, std::make_shared<MarkingModel>(7)});
  Results results;
  InferenceJob job("lobby", slot, HooksInto(results));
  for (int i = 0; i < 20; ++i) {
    job.Offer(MakeFrame(i));
    job.Drain();
  }
  const auto all = results.Get();
  ExpectEveryFrameOnceInOrder(all, 20);
  for (const FrameResult& result : all) {
    EXPECT_FALSE(result.skipped);
    EXPECT_EQ(result.model_version, 7);
    ASSERT_EQ(result.detections.size(), 1u);
    EXPECT_EQ(result.detections[0].score, static_cast<double>(result.frame->index));
    EXPECT_GE(result.cpu_seconds, 0);
  }
}

TEST(InferenceJob, SlowModelSkipsToTheNewestFrame) {
  models::ModelSlot slot;
  auto model = std::make_shared<GatedModel>();
  slot.Put({1, model});
  Results results;
  InferenceJob job("lobby", slot, HooksInto(results));
  job.Offer(MakeFrame(0));
  model->AwaitStart(1);
  for (int i = 1; i <= 5; ++i) job.Offer(MakeFrame(i));  // never blocks
  EXPECT_TRUE(results.Get().empty());
  model->Allow();
  model->AwaitStart(2);
  results.AwaitCount(5);  // frame 0 and the skipped 1..4; 5 is in work
  model->Allow();
  job.Drain();

  const auto all = results.Get();
  ExpectEveryFrameOnceInOrder(all, 6);
  EXPECT_FALSE(all[0].skipped);
  for (int i = 1; i <= 4; ++i) {
    EXPECT_TRUE(all[i].skipped);
    EXPECT_TRUE(all[i].due) << "it was behind";
    ASSERT_EQ(all[i].detections.size(), 1u);
    EXPECT_EQ(all[i].detections[0].score, 0);  // the last analysed frame's
    EXPECT_EQ(all[i].model_version, 1);
    EXPECT_EQ(all[i].cpu_seconds, 0);
  }
  EXPECT_FALSE(all[5].skipped);
  EXPECT_EQ(all[5].detections[0].score, 5);
}

TEST(InferenceJob, SamplesFramesByIndex) {
  models::ModelSlot slot;
  slot.Put({1, std::make_shared<MarkingModel>(1)});
  Results results;
  InferenceJob job("lobby", slot, HooksInto(results));
  job.Configure({"every-4", 4, 24});
  for (int i = 0; i < 12; ++i) {
    job.Offer(MakeFrame(i));
    job.Drain();
  }
  job.Configure({"every-1", 1, 0});
  job.Offer(MakeFrame(12));
  job.Drain();
  const auto all = results.Get();
  ExpectEveryFrameOnceInOrder(all, 13);
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(all[i].skipped, i % 4 != 0) << i;
    EXPECT_EQ(all[i].due, i % 4 == 0) << "skipped by plan";
    ASSERT_EQ(all[i].detections.size(), 1u);
    EXPECT_EQ(all[i].detections[0].score, i / 4 * 4);
    EXPECT_EQ(all[i].detections[0].box.x, 24) << "the configuration's input size";
  }
  EXPECT_FALSE(all[12].skipped);
  EXPECT_EQ(all[12].detections[0].box.x, 0);
}

constexpr int kFrames = 4000;

TEST(InferenceJob, SwapsBetweenTwoFramesUnderLoad) {
  models::ModelSlot slot;
  slot.Put({1, std::make_shared<MarkingModel>(1)});
  Results results;
  std::atomic<std::int64_t> put{1};
  {
    InferenceJob job("lobby", slot, HooksInto(results));
    auto swapping = std::async(std::launch::async, [&] {
      for (std::int64_t version = 2; version <= 200; ++version) {
        slot.Put({version, std::make_shared<MarkingModel>(version)});
        put = version;
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
    });
    for (int i = 0; i < kFrames; ++i) {
      job.Offer(MakeFrame(i));
      if (i % 16 == 0) job.Drain();
    }
    swapping.wait();
    job.Drain();
    job.Offer(MakeFrame(kFrames));
    job.Drain();
  }
  const auto all = results.Get();
  ExpectEveryFrameOnceInOrder(all, kFrames + 1);
  std::int64_t last_version = 0;
  int analysed = 0;
  for (const FrameResult& result : all) {
    if (result.detections.empty()) {
      EXPECT_EQ(result.model_version, 0);  // skipped before the first analysis
      continue;
    }
    // Old or new, never a mix: what the model wrote is of the version that the result names.
    EXPECT_EQ(result.detections[0].class_index, result.model_version);
    EXPECT_GE(result.model_version, last_version);
    last_version = result.model_version;
    analysed += !result.skipped;
  }
  EXPECT_GE(analysed, kFrames / 16);
  EXPECT_EQ(all.back().model_version, 200);
}

TEST(InferenceJob, FailedFramesAreSkippedAndSaidOnce) {
  models::ModelSlot slot;
  slot.Put({3, std::make_shared<FailingModel>()});
  Results results;
  testing::internal::CaptureStderr();
  {
    InferenceJob job("lobby", slot, HooksInto(results));
    for (int i = 0; i < 20; ++i) {
      job.Offer(MakeFrame(i));
      job.Drain();
    }
  }
  const std::string log = testing::internal::GetCapturedStderr();
  const auto all = results.Get();
  ExpectEveryFrameOnceInOrder(all, 20);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(all[i].skipped, i % 2 == 1);
    ASSERT_EQ(all[i].detections.size(), 1u);
    EXPECT_EQ(all[i].detections[0].score, i / 2 * 2);
  }
  EXPECT_NE(log.find("[lobby] frame 1 is skipped: engine failed on purpose"), std::string::npos)
      << log;
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << log;
}

TEST(InferenceJob, EmptySlotSkipsUntilThereIsAModel) {
  models::ModelSlot slot;
  Results results;
  InferenceJob job("lobby", slot, HooksInto(results));
  job.Offer(MakeFrame(0));
  job.Drain();
  slot.Put({1, std::make_shared<MarkingModel>(1)});
  job.Offer(MakeFrame(1));
  job.Drain();
  const auto all = results.Get();
  ExpectEveryFrameOnceInOrder(all, 2);
  EXPECT_TRUE(all[0].skipped);
  EXPECT_TRUE(all[0].detections.empty());
  EXPECT_EQ(all[0].model_version, 0);
  EXPECT_FALSE(all[1].skipped);
}

TEST(InferenceJob, WithoutAShareItGoesOnTellingOfSkippedFrames) {
  models::ModelSlot slot;
  slot.Put({1, std::make_shared<MarkingModel>(1)});
  Results results;
  std::promise<void> share;
  auto granted = share.get_future().share();
  auto hooks = HooksInto(results);
  hooks.checkpoint = [granted] {
    granted.wait();
    return true;
  };
  InferenceJob job("lobby", slot, hooks);
  for (int i = 0; i < 100; ++i) job.Offer(MakeFrame(i));
  results.AwaitCount(99);  // all but the newest, though nothing is analysed
  share.set_value();
  job.Drain();
  const auto all = results.Get();
  ExpectEveryFrameOnceInOrder(all, 100);
  for (int i = 0; i < 99; ++i) EXPECT_TRUE(all[i].skipped);
  EXPECT_FALSE(all[99].skipped);
  EXPECT_EQ(all[99].detections[0].score, 99);
}

TEST(InferenceJob, EndsWithItsCheckpointAndStillTellsEveryFrame) {
  models::ModelSlot slot;
  slot.Put({1, std::make_shared<MarkingModel>(1)});
  Results results;
  std::atomic<bool> go_on{true};
  auto hooks = HooksInto(results);
  hooks.checkpoint = [&] { return go_on.load(); };
  InferenceJob job("lobby", slot, hooks);
  job.Offer(MakeFrame(0));
  job.Drain();
  go_on = false;
  for (int i = 1; i < 5; ++i) {
    job.Offer(MakeFrame(i));
    job.Drain();  // does not hang on a job that has ended
  }
  const auto all = results.Get();
  ExpectEveryFrameOnceInOrder(all, 5);
  for (int i = 1; i < 5; ++i) {
    EXPECT_TRUE(all[i].skipped);
    EXPECT_EQ(all[i].detections.size(), 1u);
  }
}

TEST(InferenceJob, EndingTellsWhatWaits) {
  for (int round = 0; round < 50; ++round) {
    models::ModelSlot slot;
    slot.Put({1, std::make_shared<MarkingModel>(1)});
    Results results;
    {
      InferenceJob job("lobby", slot, HooksInto(results));
      for (int i = 0; i < round; ++i) job.Offer(MakeFrame(i));
    }
    ExpectEveryFrameOnceInOrder(results.Get(), round);
  }
}

TEST(InferenceJob, StartsInItsThreadAndCountsItsProcessorTime) {
  class Busy : public models::Model {
   public:
    const std::vector<std::string>& classes() const override { return classes_; }
    Result<std::vector<Detection>> Analyze(const Frame&, int) override {
      const double until = ThreadCpuSeconds() + 0.02;
      while (ThreadCpuSeconds() < until) {
      }
      return std::vector<Detection>{};
    }

   private:
    const std::vector<std::string> classes_ = {"thing"};
  };
  models::ModelSlot slot;
  slot.Put({1, std::make_shared<Busy>()});
  Results results;
  std::thread::id started;
  std::thread::id checked;
  auto hooks = HooksInto(results);
  hooks.thread_start = [&] { started = std::this_thread::get_id(); };
  hooks.checkpoint = [&] {
    checked = std::this_thread::get_id();
    return true;
  };
  {
    InferenceJob job("lobby", slot, hooks);
    job.Offer(MakeFrame(0));
    job.Drain();
  }
  EXPECT_EQ(started, checked);
  EXPECT_NE(started, std::this_thread::get_id());
  ASSERT_EQ(results.Get().size(), 1u);
  EXPECT_GE(results.Get()[0].cpu_seconds, 0.02);
  EXPECT_LT(results.Get()[0].cpu_seconds, 2);
}

}  // namespace
}  // namespace ekya::inference
