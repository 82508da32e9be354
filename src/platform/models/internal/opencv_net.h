#pragma once

#include <filesystem>
#include <functional>
#include <opencv2/dnn.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"

namespace ekya::models::internal {

/// A network read by OpenCV DNN, and the input that its file says it takes.
struct OpenCvNet {
  cv::dnn::Net net;
  int width = 0;  ///< Pixels; 0 where the file leaves it open.
  int height = 0;
};

/// Reads `path`; from then on OpenCV computes with the calling thread alone, in the whole process.
/// kNotFound and kInvalid name the file.
Result<OpenCvNet> ReadOnnxNet(const std::filesystem::path& path);

/// Reads `configuration` (*.cfg) and the *.weights beside it. Weights of another length than the
/// layers ask for are refused: OpenCV would leave the rest of the layers unset.
Result<OpenCvNet> ReadDarknetNet(const std::filesystem::path& configuration);

/// Runs `work` and makes an error of what OpenCV throws: `code` and "about: reason".
Status CatchOpenCv(const std::string& about, ErrorCode code, const std::function<Status()>& work);

/// `image` as OpenCV sees it: RGB, not copied and not to be written.
cv::Mat ViewOf(const Image& image);

}  // namespace ekya::models::internal
