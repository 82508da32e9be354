#include "platform/models/golden_classifier.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "platform/models/classifier.h"
#include "platform/models/internal/opencv_net.h"

namespace ekya::models {
namespace {

constexpr int kUsualSize = 224;
constexpr int kLargestSize = 2048;

class GoldenClassifier : public Model {
 public:
  GoldenClassifier(std::filesystem::path path, internal::OpenCvNet net, std::size_t trained_classes,
                   std::vector<std::size_t> columns, std::vector<std::string> classes,
                   const GoldenClassifierOptions& options)
      : path_(std::move(path)),
        net_(std::move(net)),
        trained_classes_(trained_classes),
        columns_(std::move(columns)),
        classes_(std::move(classes)),
        options_(options) {}

  const std::vector<std::string>& classes() const override { return classes_; }

  Result<std::vector<Detection>> Analyze(const Frame& frame, int input_size) override {
    const bool fixed_size = net_.width > 0;
    const int own = fixed_size ? net_.width : kUsualSize;
    const int size = input_size == 0 ? own : input_size;
    if (fixed_size ? size != own : size < 1 || size > kLargestSize) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: input size: found {}, expected {}", path_.string(), size,
                               fixed_size ? fmt::format("{} (fixed)", own)
                                          : fmt::format("1 to {}", kLargestSize))};
    }
    if (frame.image.empty() && !frame.regions.empty()) {
      return Error{ErrorCode::kInvalid, fmt::format("{}: frame {}: found no picture, expected one",
                                                    path_.string(), frame.index)};
    }
    std::vector<Detection> results;
    EKYA_RETURN_IF_ERROR(internal::CatchOpenCv(
        fmt::format("{}: frame {}", path_.string(), frame.index), ErrorCode::kFailed,
        [&]() -> Status {
          for (const Region& region : frame.regions) {
            EKYA_ASSIGN(auto result, Classify(CropAndResize(frame.image, region.box, size)));
            result.box = region.box;
            results.push_back(result);
          }
          return {};
        }));
    return results;
  }

 private:
  Result<Detection> Classify(const Image& crop) {
    cv::Mat picture;
    internal::ViewOf(crop).convertTo(picture, CV_32FC3, 1.0 / 255);
    picture -= cv::Scalar(options_.mean[0], options_.mean[1], options_.mean[2]);
    picture /= cv::Scalar(options_.deviation[0], options_.deviation[1], options_.deviation[2]);
    net_.net.setInput(cv::dnn::blobFromImage(picture));
    const cv::Mat logits = net_.net.forward();
    if (logits.total() != trained_classes_ || logits.type() != CV_32F || !logits.isContinuous()) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: found {} scores for a picture, expected one for each of {} "
                               "classes",
                               path_.string(), logits.total(), trained_classes_)};
    }
    const auto* values = logits.ptr<float>();
    Detection best;
    double highest = 0;
    double sum = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const double logit = values[columns_[i]];
      if (!std::isfinite(logit)) {
        return Error{ErrorCode::kFailed, path_.string() + ": found a score that is no number"};
      }
      // The softmax relative to the best so far cannot overflow.
      if (i == 0 || logit > highest) {
        sum = i == 0 ? 1 : sum * std::exp(highest - logit) + 1;
        highest = logit;
        best.class_index = static_cast<int>(i);
      } else {
        sum += std::exp(logit - highest);
      }
    }
    best.score = 1 / sum;
    return best;
  }

  const std::filesystem::path path_;
  internal::OpenCvNet net_;
  const std::size_t trained_classes_;
  const std::vector<std::size_t> columns_;  // of the output, by class
  const std::vector<std::string> classes_;
  const GoldenClassifierOptions options_;
};

}  // namespace

Result<std::unique_ptr<Model>> OpenGoldenClassifier(const std::filesystem::path& network,
                                                    const std::vector<std::string>& names,
                                                    const GoldenClassifierOptions& options) {
  std::vector<std::string> classes = options.keep.empty() ? names : options.keep;
  std::vector<std::size_t> columns;
  for (const std::string& name : classes) {
    const auto place = std::find(names.begin(), names.end(), name);
    if (place == names.end()) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: classes: found {:?}, expected one of {}", network.string(),
                               name, fmt::join(names, ", "))};
    }
    columns.push_back(static_cast<std::size_t>(place - names.begin()));
  }
  if (columns.empty()) {
    return Error{ErrorCode::kInvalid,
                 network.string() + ": classes: found none, expected what the model tells apart"};
  }
  for (const double deviation : options.deviation) {
    if (!(deviation > 0)) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: deviation: found {}, expected a number above 0",
                               network.string(), deviation)};
    }
  }
  EKYA_ASSIGN(auto net, internal::ReadOnnxNet(network));
  if (net.width != net.height) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: found an input of {} x {} pixels, expected a square one",
                             network.string(), net.width, net.height)};
  }
  std::unique_ptr<Model> classifier = std::make_unique<GoldenClassifier>(
      network, std::move(net), names.size(), std::move(columns), std::move(classes), options);

  Frame gray;
  gray.image.width = gray.image.height = 8;
  gray.image.pixels.assign(3 * 8 * 8, 114);
  gray.regions = {{{0, 0, 8, 8}, std::nullopt, -1}};
  const auto trial = classifier->Analyze(gray, 0);
  if (!trial.ok()) return Error{ErrorCode::kInvalid, trial.error().message};
  return classifier;
}

}  // namespace ekya::models
