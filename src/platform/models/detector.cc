#include "platform/models/detector.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "platform/models/internal/opencv_net.h"
#include "platform/models/overlaps.h"

namespace ekya::models {
namespace {

constexpr int kSizeStep = 32;
constexpr int kLargestSize = 2048;
// Of the small YOLOX models, where the file leaves it open.
constexpr int kYoloxSize = 416;
// Columns of an output row before the class scores: center, size and objectness.
constexpr int kBoxColumns = 5;

/// What both families share: thresholds, classes, overlaps. The families say how a picture becomes
/// an input and how rows of the output become boxes.
class Detector : public Model {
 public:
  Detector(std::filesystem::path path, internal::OpenCvNet net, std::size_t trained_classes,
           std::vector<int> report_as, std::vector<std::string> classes, DetectorOptions options)
      : path_(std::move(path)),
        net_(std::move(net)),
        trained_classes_(trained_classes),
        report_as_(std::move(report_as)),
        classes_(std::move(classes)),
        options_(std::move(options)) {}

  const std::vector<std::string>& classes() const override { return classes_; }

  Result<std::vector<Detection>> Analyze(const Frame& frame, int input_size) override {
    if (frame.image.empty()) {
      return Error{ErrorCode::kInvalid, fmt::format("{}: frame {}: found no picture, expected one",
                                                    path_.string(), frame.index)};
    }
    EKYA_ASSIGN(const cv::Size size, SizeFor(input_size));
    std::vector<Detection> found;
    EKYA_RETURN_IF_ERROR(internal::CatchOpenCv(
        fmt::format("{}: frame {}", path_.string(), frame.index), ErrorCode::kFailed,
        [&] { return Detect(internal::ViewOf(frame.image), size, found); }));
    return SuppressOverlaps(std::move(found), options_.nms_threshold);
  }

 protected:
  /// Appends the boxes of `picture`; may throw what OpenCV throws.
  virtual Status Detect(const cv::Mat& picture, cv::Size size, std::vector<Detection>& found) = 0;
  virtual bool fixed_size() const = 0;

  cv::dnn::Net& net() { return net_.net; }
  const std::filesystem::path& path() const { return path_; }

  /// An output of one row per place, or an error that says what was found.
  Status CheckRows(const cv::Mat& output, std::size_t columns) const {
    const std::size_t expected = kBoxColumns + trained_classes_;
    if (columns > 0 && columns == expected && output.type() == CV_32F && output.isContinuous() &&
        output.total() % columns == 0) {
      return {};
    }
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: found {} values for each place, expected {} (5 and a score for "
                             "each of {} classes)",
                             path_.string(), columns, expected, trained_classes_)};
  }

  /// Reports the object in `box` if its likeliest class is wanted and sure enough. `scores` are
  /// multiplied by `objectness`.
  void Report(const Box& box, const float* scores, double objectness, const cv::Mat& picture,
              std::vector<Detection>& found) const {
    const auto best =
        static_cast<std::size_t>(std::max_element(scores, scores + trained_classes_) - scores);
    const double score = objectness * scores[best];
    // Written so that a score that is no number fails.
    if (!(score >= options_.score_threshold) || report_as_[best] < 0) return;
    const double left = std::max(box.x, 0.0);
    const double top = std::max(box.y, 0.0);
    const double right = std::min(box.x + box.width, static_cast<double>(picture.cols));
    const double bottom = std::min(box.y + box.height, static_cast<double>(picture.rows));
    if (!(right > left) || !(bottom > top)) return;
    found.push_back(
        {{left, top, right - left, bottom - top}, report_as_[best], std::min(score, 1.0)});
  }

  std::size_t trained_classes() const { return trained_classes_; }

 private:
  Result<cv::Size> SizeFor(int input_size) const {
    const cv::Size own(net_.width, net_.height);
    if (input_size == 0 || (input_size == own.width && input_size == own.height)) return own;
    if (fixed_size()) {
      return Error{ErrorCode::kInvalid, fmt::format("{}: input size: found {}, expected {} (fixed)",
                                                    path_.string(), input_size, own.width)};
    }
    if (input_size < kSizeStep || input_size > kLargestSize || input_size % kSizeStep != 0) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: input size: found {}, expected a multiple of {} up to {}",
                               path_.string(), input_size, kSizeStep, kLargestSize)};
    }
    return cv::Size(input_size, input_size);
  }

  const std::filesystem::path path_;
  internal::OpenCvNet net_;
  const std::size_t trained_classes_;
  const std::vector<int> report_as_;  // by trained class; -1: not reported
  const std::vector<std::string> classes_;
  const DetectorOptions options_;
};

/// YOLOX (Ge et al. 2021) as its project exports it: without the decoding of grid cells.
class Yolox : public Detector {
 public:
  Yolox(bool fixed_size, std::filesystem::path path, internal::OpenCvNet net,
        std::size_t trained_classes, std::vector<int> report_as, std::vector<std::string> classes,
        DetectorOptions options)
      : Detector(std::move(path), std::move(net), trained_classes, std::move(report_as),
                 std::move(classes), std::move(options)),
        fixed_size_(fixed_size) {}

 private:
  static constexpr int kStrides[] = {8, 16, 32};
  static constexpr double kPadding = 114;

  bool fixed_size() const override { return fixed_size_; }

  Status Detect(const cv::Mat& picture, cv::Size size, std::vector<Detection>& found) override {
    const double ratio = std::min(static_cast<double>(size.width) / picture.cols,
                                  static_cast<double>(size.height) / picture.rows);
    const cv::Size inner(std::clamp(static_cast<int>(picture.cols * ratio), 1, size.width),
                         std::clamp(static_cast<int>(picture.rows * ratio), 1, size.height));
    cv::Mat boxed(size, CV_8UC3, cv::Scalar::all(kPadding));
    cv::resize(picture, boxed(cv::Rect(cv::Point(0, 0), inner)), inner, 0, 0, cv::INTER_LINEAR);
    net().setInput(cv::dnn::blobFromImage(boxed, 1.0, size, cv::Scalar(), /*swapRB=*/true));
    const cv::Mat output = net().forward();

    const int columns = output.dims > 0 ? output.size[output.dims - 1] : 0;
    EKYA_RETURN_IF_ERROR(CheckRows(output, static_cast<std::size_t>(columns)));
    std::size_t cells = 0;
    for (const int stride : kStrides) {
      cells += static_cast<std::size_t>(size.width / stride) * (size.height / stride);
    }
    if (output.total() / columns != cells) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: found {} places, expected {} for strides {}", path().string(),
                               output.total() / columns, cells, fmt::join(kStrides, ", "))};
    }
    const auto* row = output.ptr<float>();
    for (const int stride : kStrides) {
      for (int y = 0; y < size.height / stride; ++y) {
        for (int x = 0; x < size.width / stride; ++x, row += columns) {
          const double scale = stride / ratio;
          const double width = std::exp(row[2]) * scale;
          const double height = std::exp(row[3]) * scale;
          const Box box = {(row[0] + x) * scale - width / 2, (row[1] + y) * scale - height / 2,
                           width, height};
          Report(box, row + kBoxColumns, row[4], picture, found);
        }
      }
    }
    return {};
  }

  const bool fixed_size_;
};

/// The Darknet family (Redmon 2018): OpenCV's last layers decode boxes and scores, as parts of the
/// input.
class Darknet : public Detector {
 public:
  using Detector::Detector;

 private:
  bool fixed_size() const override { return false; }

  Status Detect(const cv::Mat& picture, cv::Size size, std::vector<Detection>& found) override {
    net().setInput(cv::dnn::blobFromImage(picture, 1.0 / 255, size, cv::Scalar(),
                                          /*swapRB=*/false));
    std::vector<cv::Mat> outputs;
    net().forward(outputs, net().getUnconnectedOutLayersNames());
    for (const cv::Mat& output : outputs) {
      const int columns = output.dims > 0 ? output.size[output.dims - 1] : 0;
      EKYA_RETURN_IF_ERROR(CheckRows(output, static_cast<std::size_t>(columns)));
      const auto* row = output.ptr<float>();
      for (std::size_t i = 0; i < output.total() / columns; ++i, row += columns) {
        const double width = row[2] * picture.cols;
        const double height = row[3] * picture.rows;
        const Box box = {row[0] * picture.cols - width / 2, row[1] * picture.rows - height / 2,
                         width, height};
        // The class scores hold the objectness already.
        Report(box, row + kBoxColumns, 1, picture, found);
      }
    }
    return {};
  }
};

}  // namespace

Result<std::unique_ptr<Model>> OpenDetector(const std::filesystem::path& network,
                                            const std::vector<std::string>& names,
                                            const DetectorOptions& options) {
  std::vector<int> report_as(names.size(), -1);
  std::vector<std::string> classes = options.keep.empty() ? names : options.keep;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const auto place = std::find(names.begin(), names.end(), classes[i]);
    if (place == names.end()) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: classes: found {:?}, expected one of {}", network.string(),
                               classes[i], fmt::join(names, ", "))};
    }
    report_as[place - names.begin()] = static_cast<int>(i);
  }

  std::unique_ptr<Model> detector;
  if (network.extension() == ".onnx") {
    EKYA_ASSIGN(auto net, internal::ReadOnnxNet(network));
    const bool fixed_size = net.width > 0 && net.height > 0;
    if (!fixed_size) net.width = net.height = kYoloxSize;
    detector = std::make_unique<Yolox>(fixed_size, network, std::move(net), names.size(),
                                       std::move(report_as), std::move(classes), options);
  } else if (network.extension() == ".cfg") {
    EKYA_ASSIGN(auto net, internal::ReadDarknetNet(network));
    detector = std::make_unique<Darknet>(network, std::move(net), names.size(),
                                         std::move(report_as), std::move(classes), options);
  } else {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: found a file that ends in {:?}, expected .onnx (YOLOX) or .cfg "
                             "(Darknet)",
                             network.string(), network.extension().string())};
  }

  Frame gray;
  gray.image.width = gray.image.height = 64;
  gray.image.pixels.assign(3 * 64 * 64, 114);
  const auto trial = detector->Analyze(gray, 0);
  if (!trial.ok()) return Error{ErrorCode::kInvalid, trial.error().message};
  return detector;
}

}  // namespace ekya::models
