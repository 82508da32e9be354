#include "platform/datasets/material_file.h"

#include <fmt/format.h>

#include <utility>

#include "base/file.h"
#include "platform/datasets/internal/packed.h"

namespace ekya::datasets {
namespace {

void PackLabels(const std::vector<Sample>& samples, TensorFile* file) {
  std::vector<std::int64_t> labels;
  for (const Sample& sample : samples) labels.push_back(sample.label);
  PackNumbers("labels", labels, file);
}

void PackLabels(const std::vector<LabelledPicture>& pictures, TensorFile* file) {
  std::vector<const std::vector<Detection>*> lists;
  for (const LabelledPicture& picture : pictures) lists.push_back(&picture.objects);
  PackObjects("objects", lists, file);
}

Status UnpackLabels(const TensorFile& content, const std::string& file,
                    std::vector<Sample>* samples) {
  EKYA_ASSIGN(const auto labels,
              UnpackNumbers<std::int64_t>(content, file, "labels",
                                          static_cast<std::int64_t>(samples->size())));
  for (std::size_t i = 0; i < samples->size(); ++i) {
    if (labels[i] < 0 || labels[i] > 1'000'000) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: tensor 'labels': found {} for sample {}, expected a class's "
                               "index",
                               file, labels[i], i)};
    }
    (*samples)[i].label = static_cast<int>(labels[i]);
  }
  return {};
}

Status UnpackLabels(const TensorFile& content, const std::string& file,
                    std::vector<LabelledPicture>* pictures) {
  EKYA_ASSIGN(auto lists,
              UnpackObjects(content, file, "objects", static_cast<std::int64_t>(pictures->size())));
  for (std::size_t i = 0; i < lists.size(); ++i) (*pictures)[i].objects = std::move(lists[i]);
  return {};
}

}  // namespace

template <typename Item>
Status SaveMaterial(const std::filesystem::path& path, const WindowMaterial<Item>& material) {
  TensorFile content;
  content.metadata["ekya.content"] = "labelled window";
  std::vector<const Image*> pictures;
  std::vector<double> times;
  for (const Item& item : material.items) {
    pictures.push_back(&item.image);
    times.push_back(item.time_seconds);
  }
  PackPictures(pictures, &content);
  PackNumbers("times", times, &content);
  PackNumbers("sought", material.sought, &content);
  PackLabels(material.items, &content);
  return WriteFileAtomically(path, FormatSafetensors(content));
}

template <typename Item>
Result<WindowMaterial<Item>> LoadMaterial(const std::filesystem::path& path) {
  const std::string file = path.string();
  EKYA_ASSIGN(const TensorFile content, ReadTensors(path));
  EKYA_ASSIGN(auto pictures, UnpackPictures(content, file));
  EKYA_ASSIGN(const auto times, UnpackNumbers<double>(content, file, "times",
                                                      static_cast<std::int64_t>(pictures.size())));
  WindowMaterial<Item> material;
  EKYA_ASSIGN(material.sought, UnpackNumbers<double>(content, file, "sought", -1));
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    Item item;
    item.image = std::move(pictures[i]);
    item.time_seconds = times[i];
    material.items.push_back(std::move(item));
  }
  EKYA_RETURN_IF_ERROR(UnpackLabels(content, file, &material.items));
  return material;
}

template Status SaveMaterial(const std::filesystem::path&, const WindowMaterial<Sample>&);
template Status SaveMaterial(const std::filesystem::path&, const WindowMaterial<LabelledPicture>&);
template Result<WindowMaterial<Sample>> LoadMaterial(const std::filesystem::path&);
template Result<WindowMaterial<LabelledPicture>> LoadMaterial(const std::filesystem::path&);

}  // namespace ekya::datasets
