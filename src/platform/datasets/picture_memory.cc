#include "platform/datasets/picture_memory.h"

#include "base/check.h"

namespace ekya::datasets {

PictureMemory::PictureMemory(int per_class, std::uint64_t seed)
    : per_class_(per_class), random_(seed) {
  EKYA_CHECK(per_class >= 0);
}

void PictureMemory::Add(const std::vector<LabelledPicture>& pictures) {
  for (const LabelledPicture& picture : pictures) {
    for (const Detection& object : picture.objects) {
      EKYA_CHECK(object.class_index >= 0);
      const auto index = static_cast<std::size_t>(object.class_index);
      if (classes_.size() <= index) classes_.resize(index + 1);
      ++classes_[index].objects;
    }
  }
  for (const LabelledPicture& picture : pictures) {
    ClassMemory* rarest = nullptr;
    for (const Detection& object : picture.objects) {
      ClassMemory& own = classes_[static_cast<std::size_t>(object.class_index)];
      if (rarest == nullptr || own.objects < rarest->objects) rarest = &own;
    }
    if (rarest == nullptr) continue;
    ++rarest->taken_in;
    if (rarest->kept.size() < static_cast<std::size_t>(per_class_)) {
      rarest->kept.push_back(picture);
      continue;
    }
    const auto place = random_.Below(static_cast<std::size_t>(rarest->taken_in));
    if (place < rarest->kept.size()) rarest->kept[place] = picture;
  }
}

std::vector<LabelledPicture> PictureMemory::Samples() const {
  std::vector<LabelledPicture> pictures;
  for (const auto& memory : classes_) {
    pictures.insert(pictures.end(), memory.kept.begin(), memory.kept.end());
  }
  return pictures;
}

}  // namespace ekya::datasets
