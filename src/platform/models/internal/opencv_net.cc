#include "platform/models/internal/opencv_net.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <opencv2/core/utility.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <string_view>

#include "base/check.h"
#include "base/file.h"
#include "platform/models/internal/onnx_input.h"

namespace ekya::models::internal {
namespace {

// Bytes before the first weight: major, minor, revision and a 64-bit count of pictures seen.
constexpr std::size_t kDarknetHeader = 20;

void PrepareOpenCv() {
  static std::once_flag once;
  std::call_once(once, [] {
    // A job computes in its own share with one thread; two that wait for each other cost far more.
    cv::setNumThreads(1);
    // What it has to say comes as an exception too, which becomes our message.
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  });
}

std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

/// The number behind `key` in the section [net] of a Darknet configuration; 0 where there is none.
int NetSetting(std::string_view text, std::string_view key) {
  bool in_net = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    std::erase_if(line, [](unsigned char c) { return c <= ' '; });
    if (line.starts_with('[')) in_net = line == "[net]" || line == "[network]";
    if (!in_net || !line.starts_with(std::string(key) + "=")) continue;
    int value = 0;
    std::from_chars(line.data() + key.size() + 1, line.data() + line.size(), value);
    return value;
  }
  return 0;
}

std::size_t WeightsOf(cv::dnn::Net& net) {
  std::size_t weights = 0;
  for (const std::string& name : net.getLayerNames()) {
    const cv::Ptr<cv::dnn::Layer> layer = net.getLayer(net.getLayerId(name));
    if (layer->type == "Region") continue;  // its anchors come from the configuration
    for (const cv::Mat& blob : layer->blobs) weights += blob.total();
  }
  return weights;
}

}  // namespace

Status CatchOpenCv(const std::string& about, ErrorCode code, const std::function<Status()>& work) {
  try {
    return work();
  } catch (const cv::Exception& exception) {
    return Error{code, about + ": " + OneLine(exception.err)};
  } catch (const std::exception& exception) {
    return Error{code, about + ": " + OneLine(exception.what())};
  }
}

cv::Mat ViewOf(const Image& image) {
  EKYA_CHECK(image.pixels.size() == 3u * image.width * image.height);
  return cv::Mat(image.height, image.width, CV_8UC3,
                 const_cast<std::uint8_t*>(image.pixels.data()));
}

Result<OpenCvNet> ReadOnnxNet(const std::filesystem::path& path) {
  PrepareOpenCv();
  EKYA_ASSIGN(const std::string content, ReadFile(path));
  const auto shape = OnnxInputShape(content);
  if (!shape.ok()) return shape.error().Within(path.string());
  OpenCvNet result;
  if (shape->size() != 4 || ((*shape)[1] != 3 && (*shape)[1] != -1)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: found an input of {} dimensions, expected one picture as batch x "
                             "3 x height x width",
                             path.string(), shape->size())};
  }
  result.height = static_cast<int>(std::clamp<std::int64_t>((*shape)[2], 0, 1 << 16));
  result.width = static_cast<int>(std::clamp<std::int64_t>((*shape)[3], 0, 1 << 16));
  EKYA_RETURN_IF_ERROR(
      CatchOpenCv(path.string() + ": cannot be read as a network", ErrorCode::kInvalid, [&] {
        result.net = cv::dnn::readNetFromONNX(content.data(), content.size());
        return Status();
      }));
  return result;
}

Result<OpenCvNet> ReadDarknetNet(const std::filesystem::path& configuration) {
  PrepareOpenCv();
  EKYA_ASSIGN(const std::string text, ReadFile(configuration));
  std::filesystem::path weights_path = configuration;
  weights_path.replace_extension(".weights");
  EKYA_ASSIGN(const std::string weights, ReadFile(weights_path));

  OpenCvNet result;
  result.width = NetSetting(text, "width");
  result.height = NetSetting(text, "height");
  if (result.width <= 0 || result.height <= 0) {
    return Error{ErrorCode::kInvalid,
                 configuration.string() +
                     ": [net] width, height: found none, expected the input's size in pixels"};
  }
  const std::string about = configuration.string() + ": cannot be read as a network";
  EKYA_RETURN_IF_ERROR(CatchOpenCv(about, ErrorCode::kInvalid, [&]() -> Status {
    result.net =
        cv::dnn::readNetFromDarknet(text.data(), text.size(), weights.data(), weights.size());
    const std::size_t expected = kDarknetHeader + sizeof(float) * WeightsOf(result.net);
    if (weights.size() == expected) return {};
    return Error{
        ErrorCode::kInvalid,
        fmt::format("{}: found {} bytes, expected {} for the layers of {}", weights_path.string(),
                    weights.size(), expected, configuration.filename().string())};
  }));
  return result;
}

}  // namespace ekya::models::internal
