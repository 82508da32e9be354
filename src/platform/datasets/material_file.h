#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "core/frame.h"

namespace ekya::datasets {

/// A window's labelled samples (Item: Sample) or pictures (LabelledPicture), as they are kept on
/// disk between the processes that label, train and measure.
template <typename Item>
struct WindowMaterial {
  std::vector<Item> items;     ///< By time.
  std::vector<double> sought;  ///< Times of frames that were not chosen by their time alone.
};

/// One safetensors file, written atomically: `times` [N], `sizes` [N, 2], `pixels`, `sought`; of
/// samples `labels` [N], of pictures `objects.counts` [N], `.boxes` [M, 4], `.classes`, `.scores`.
template <typename Item>
Status SaveMaterial(const std::filesystem::path& path, const WindowMaterial<Item>& material);
/// kNotFound: no such file. kInvalid names file, tensor, found and expected.
template <typename Item>
Result<WindowMaterial<Item>> LoadMaterial(const std::filesystem::path& path);

}  // namespace ekya::datasets
