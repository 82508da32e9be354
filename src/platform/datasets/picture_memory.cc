#include "platform/datasets/picture_memory.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "platform/datasets/internal/packed.h"

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

Status PictureMemory::Save(const std::filesystem::path& path) const {
  std::vector<const Image*> images;
  std::vector<const std::vector<Detection>*> objects;
  std::vector<double> times;
  std::vector<std::int64_t> kept;
  std::vector<std::int64_t> taken_in;
  std::vector<std::int64_t> seen;
  for (const ClassMemory& memory : classes_) {
    kept.push_back(static_cast<std::int64_t>(memory.kept.size()));
    taken_in.push_back(memory.taken_in);
    seen.push_back(memory.objects);
    for (const LabelledPicture& picture : memory.kept) {
      images.push_back(&picture.image);
      objects.push_back(&picture.objects);
      times.push_back(picture.time_seconds);
    }
  }
  TensorFile content;
  content.metadata["ekya.content"] = "exemplars";
  PackPictures(images, &content);
  PackObjects("objects", objects, &content);
  PackNumbers("times", times, &content);
  PackNumbers("kept", kept, &content);
  PackNumbers("taken_in", taken_in, &content);
  PackNumbers("seen", seen, &content);
  return WriteFileAtomically(path, FormatSafetensors(content));
}

Status PictureMemory::Load(const std::filesystem::path& path) {
  const std::string file = path.string();
  EKYA_ASSIGN(const TensorFile content, ReadTensors(path));
  EKYA_ASSIGN(auto images, UnpackPictures(content, file));
  const auto count = static_cast<std::int64_t>(images.size());
  EKYA_ASSIGN(auto objects, UnpackObjects(content, file, "objects", count));
  EKYA_ASSIGN(const auto times, UnpackNumbers<double>(content, file, "times", count));
  EKYA_ASSIGN(const auto kept, UnpackNumbers<std::int64_t>(content, file, "kept", -1));
  const auto classes = static_cast<std::int64_t>(kept.size());
  EKYA_ASSIGN(const auto taken_in, UnpackNumbers<std::int64_t>(content, file, "taken_in", classes));
  EKYA_ASSIGN(const auto seen, UnpackNumbers<std::int64_t>(content, file, "seen", classes));
  EKYA_ASSIGN(const auto starts, StartsOf(kept, images.size(), file, "kept"));
  std::vector<ClassMemory> read(kept.size());
  for (std::size_t index = 0; index < kept.size(); ++index) {
    read[index].taken_in = taken_in[index];
    read[index].objects = seen[index];
    // A smaller memory than the one saved keeps the first ones: as random as any.
    const auto most = std::min(kept[index], static_cast<std::int64_t>(per_class_));
    for (std::size_t i = starts[index]; i < starts[index] + static_cast<std::size_t>(most); ++i) {
      read[index].kept.push_back({std::move(images[i]), std::move(objects[i]), times[i]});
    }
  }
  classes_ = std::move(read);
  return {};
}

}  // namespace ekya::datasets
