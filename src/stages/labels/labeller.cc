#include "stages/labels/labeller.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "platform/models/classifier.h"
#include "stages/labels/choice.h"

namespace ekya::labels {
namespace {

/// How many frames the budget allows: never more than its part, but for rounding errors.
std::size_t Allowed(double budget, int seen) {
  return static_cast<std::size_t>(std::floor(budget * std::max(seen, 0) + 1e-9));
}

// Of a golden model's looks, every so manieth is a second one.
constexpr std::size_t kLooksPerSecondLook = 8;
// Fewer looks than this have no second one.
constexpr std::size_t kFewestLooks = 3;
// Side of the pictures by which frames are compared.
constexpr int kLookSide = 8;

std::vector<float> LookOf(const Frame& frame) {
  std::vector<float> look(3 * kLookSide * kLookSide, 0.0F);
  if (frame.image.empty()) return look;
  const Image small = models::CropAndResize(
      frame.image,
      {0, 0, static_cast<double>(frame.image.width), static_cast<double>(frame.image.height)},
      kLookSide);
  for (std::size_t i = 0; i < look.size(); ++i) look[i] = static_cast<float>(small.pixels[i]) / 255;
  return look;
}

/// Labels frames one after the other; the sources say which can be labelled and what they show.
class BudgetedLabeller : public Labeller {
 public:
  explicit BudgetedLabeller(double budget) : budget_(budget) {}

  Result<Round> Label(const std::vector<FramePtr>& frames, const std::vector<double>& uncertainty,
                      int seen, const std::function<bool()>& between) override {
    std::vector<std::size_t> candidates;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (frames[i] != nullptr && CanLabel(*frames[i])) candidates.push_back(i);
    }
    const std::size_t allowed = Allowed(budget_, seen);
    const std::size_t again = SecondLooks(allowed);
    std::vector<FrameNews> news(candidates.size());
    if (allowed - again < candidates.size()) {
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        news[i] = {uncertainty.at(candidates[i]), LookOf(*frames[candidates[i]])};
      }
    }
    const std::vector<ChosenFrame> chosen = ChooseFrames(news, allowed - again);

    Round round;
    std::size_t failed = 0;
    Error first_failure;
    for (const ChosenFrame& each : chosen) {
      if (&each != &chosen.front() && !between()) break;
      const std::size_t i = candidates[each.frame];
      auto objects = Look(*frames[i]);
      if (objects.ok()) {
        round.labels.push_back({i, std::move(*objects), each.uniform});
      } else if (failed++ == 0) {
        first_failure = objects.error();
      }
    }
    if (failed > 0 && round.labels.empty()) {
      return first_failure.Within(fmt::format("none of {} frames could be labelled", failed));
    }
    if (failed > 0) {
      Log(LogLevel::kWarning, "labels", "{} of {} frames are left out: {}", failed,
          failed + round.labels.size(), first_failure.message);
    }
    LookAgain(frames, std::min(again, round.labels.size()), between, &round);
    return round;
  }

 private:
  virtual bool CanLabel(const Frame& frame) const = 0;
  virtual Result<std::vector<Detection>> Look(const Frame& frame) = 0;
  /// Of `allowed` looks.
  virtual std::size_t SecondLooks(std::size_t) const { return 0; }

  void LookAgain(const std::vector<FramePtr>& frames, std::size_t count,
                 const std::function<bool()>& between, Round* round) {
    for (std::size_t i = 0; i < count && between(); ++i) {
      const Labels& first = round->labels[(2 * i + 1) * round->labels.size() / (2 * count)];
      const Frame& frame = *frames[first.frame];
      auto second = Look(Changed(frame));
      if (!second.ok()) continue;  // A failing model has been told of.
      for (Detection& each : *second) each.box = ChangedBack(each.box, frame.image);
      round->second_looks.push_back({first.objects, std::move(*second)});
    }
  }

  const double budget_;
};

class TruthLabeller : public BudgetedLabeller {
 public:
  using BudgetedLabeller::BudgetedLabeller;
  std::string source() const override { return "truth"; }

 private:
  // A frame without regions shows nothing, which is known; one whose regions nobody knows is not.
  bool CanLabel(const Frame& frame) const override {
    return frame.regions.empty() ||
           std::any_of(frame.regions.begin(), frame.regions.end(),
                       [](const Region& region) { return region.truth.has_value(); });
  }

  Result<std::vector<Detection>> Look(const Frame& frame) override {
    std::vector<Detection> objects;
    for (const Region& region : frame.regions) {
      if (region.truth) objects.push_back({region.box, *region.truth, 1.0});
    }
    return objects;
  }
};

class GoldenLabeller : public BudgetedLabeller {
 public:
  GoldenLabeller(double budget, std::shared_ptr<models::Model> golden)
      : BudgetedLabeller(budget), golden_(std::move(golden)) {}
  std::string source() const override { return "golden"; }

 private:
  bool CanLabel(const Frame& frame) const override { return !frame.image.empty(); }

  std::size_t SecondLooks(std::size_t allowed) const override {
    if (allowed < kFewestLooks) return 0;
    return std::max<std::size_t>(1, allowed / kLooksPerSecondLook);
  }

  Result<std::vector<Detection>> Look(const Frame& frame) override {
    // All streams share the golden model, which takes one thread at a time.
    std::lock_guard lock(mutex_);
    return golden_->Analyze(frame, 0);
  }

  std::mutex mutex_;
  const std::shared_ptr<models::Model> golden_;  // computes under mutex_
};

/// Whether any of `box` is in the picture.
bool Shows(const Image& image, const Box& box) {
  return box.width > 0 && box.height > 0 && box.x < image.width && box.y < image.height &&
         box.x + box.width > 0 && box.y + box.height > 0;
}

}  // namespace

Result<std::unique_ptr<Labeller>> MakeLabeller(const GoldenSettings& settings,
                                               std::shared_ptr<models::Model> golden) {
  if (!(settings.budget > 0 && settings.budget <= 1)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("golden.budget: found {}, expected a number above 0, at most 1",
                             settings.budget)};
  }
  if (settings.source == "truth") {
    return std::unique_ptr<Labeller>(std::make_unique<TruthLabeller>(settings.budget));
  }
  if (settings.source == "model") {
    if (golden == nullptr) {
      return Error{ErrorCode::kInvalid, "golden.model: found none, expected an opened model"};
    }
    return std::unique_ptr<Labeller>(
        std::make_unique<GoldenLabeller>(settings.budget, std::move(golden)));
  }
  return Error{
      ErrorCode::kInvalid,
      fmt::format("golden.source: found {:?}, expected \"truth\" or \"model\"", settings.source)};
}

std::vector<Sample> MakeSamples(const std::vector<FramePtr>& frames,
                                const std::vector<Labeller::Labels>& labels, int size) {
  EKYA_CHECK(size > 0);
  std::vector<Sample> samples;
  for (const Labeller::Labels& label : labels) {
    EKYA_CHECK(label.frame < frames.size());
    const Frame& frame = *frames[label.frame];
    for (const Detection& object : label.objects) {
      if (object.class_index < 0 || frame.image.empty() || !Shows(frame.image, object.box)) {
        continue;
      }
      samples.push_back({models::CropAndResize(frame.image, object.box, size), object.class_index,
                         frame.time_seconds});
    }
  }
  std::stable_sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
    return a.time_seconds < b.time_seconds;
  });
  return samples;
}

double UncertaintyOf(const std::vector<Detection>& results) {
  if (results.empty()) return 0.5;
  double sum = 0;
  for (const Detection& each : results) sum += 1 - std::abs(2 * each.score - 1);
  return std::clamp(sum / static_cast<double>(results.size()), 0.0, 1.0);
}

std::vector<LabelledPicture> MakePictures(const std::vector<FramePtr>& frames,
                                          const std::vector<Labeller::Labels>& labels, int size) {
  EKYA_CHECK(size > 0);
  std::vector<LabelledPicture> pictures;
  for (const Labeller::Labels& label : labels) {
    EKYA_CHECK(label.frame < frames.size());
    const Frame& frame = *frames[label.frame];
    if (frame.image.empty()) continue;
    const double width = frame.image.width;
    const double height = frame.image.height;
    LabelledPicture picture;
    picture.image = models::CropAndResize(frame.image, {0, 0, width, height}, size);
    picture.time_seconds = frame.time_seconds;
    for (Detection object : label.objects) {
      if (object.class_index < 0 || !Shows(frame.image, object.box)) continue;
      const Box& box = object.box;
      object.box = {box.x * size / width, box.y * size / height, box.width * size / width,
                    box.height * size / height};
      picture.objects.push_back(object);
    }
    pictures.push_back(std::move(picture));
  }
  std::stable_sort(pictures.begin(), pictures.end(),
                   [](const LabelledPicture& a, const LabelledPicture& b) {
                     return a.time_seconds < b.time_seconds;
                   });
  return pictures;
}

}  // namespace ekya::labels
