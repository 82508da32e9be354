#include "stages/labels/labeller.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "platform/models/classifier.h"

namespace ekya::labels {
namespace {

/// How many frames the budget allows: never more than its part, but for rounding errors.
std::size_t Allowed(double budget, int seen) {
  return static_cast<std::size_t>(std::floor(budget * std::max(seen, 0) + 1e-9));
}

/// At most `count` of `candidates`, spread evenly over them.
std::vector<std::size_t> Spread(const std::vector<std::size_t>& candidates, std::size_t count) {
  if (count >= candidates.size()) return candidates;
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < count; ++i) {
    // The middle of the i-th of `count` equal parts.
    chosen.push_back(candidates[(2 * i + 1) * candidates.size() / (2 * count)]);
  }
  return chosen;
}

/// Labels frames one after the other; the sources say which can be labelled and what they show.
class BudgetedLabeller : public Labeller {
 public:
  explicit BudgetedLabeller(double budget) : budget_(budget) {}

  Result<std::vector<Labels>> Label(const std::vector<FramePtr>& frames, int seen,
                                    const std::function<bool()>& between) override {
    std::vector<std::size_t> candidates;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (frames[i] != nullptr && CanLabel(*frames[i])) candidates.push_back(i);
    }
    const std::vector<std::size_t> chosen = Spread(candidates, Allowed(budget_, seen));

    std::vector<Labels> labels;
    std::size_t failed = 0;
    Error first_failure;
    for (const std::size_t i : chosen) {
      if (i != chosen.front() && !between()) break;
      auto objects = Look(*frames[i]);
      if (objects.ok()) {
        labels.push_back({i, std::move(*objects)});
      } else if (failed++ == 0) {
        first_failure = objects.error();
      }
    }
    if (failed == 0) return labels;
    if (labels.empty()) {
      return first_failure.Within(fmt::format("none of {} frames could be labelled", failed));
    }
    Log(LogLevel::kWarning, "labels", "{} of {} frames are left out: {}", failed,
        failed + labels.size(), first_failure.message);
    return labels;
  }

 private:
  virtual bool CanLabel(const Frame& frame) const = 0;
  virtual Result<std::vector<Detection>> Look(const Frame& frame) = 0;

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

}  // namespace ekya::labels
