#include "platform/registry/data_folder.h"

#include <fmt/format.h>

#include <charconv>

namespace ekya::registry {

std::string FolderName(const std::string& stream) {
  std::string name;
  for (const char c : stream) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || (c == '.' && !name.empty());
    if (plain) {
      name += c;
    } else {
      name += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
  }
  return name;
}

std::string StreamName(const std::string& folder) {
  std::string name;
  for (std::size_t i = 0; i < folder.size(); ++i) {
    unsigned int code = 0;
    if (folder[i] == '%' && i + 2 < folder.size() &&
        std::from_chars(&folder[i + 1], &folder[i + 3], code, 16).ptr == &folder[i + 3]) {
      name += static_cast<char>(code);
      i += 2;
    } else {
      name += folder[i];
    }
  }
  return name;
}

std::filesystem::path DataFolder::Stream(const std::string& stream) const {
  return Streams() / FolderName(stream);
}

std::filesystem::path DataFolder::Exemplars(const std::string& stream, int window) const {
  return Stream(stream) / "exemplars" / (std::to_string(window) + ".safetensors");
}

std::filesystem::path DataFolder::Trials(const std::string& stream, int window) const {
  return Stream(stream) / "trials" / std::to_string(window);
}

std::filesystem::path DataFolder::Frames(const std::string& stream, int window) const {
  return Stream(stream) / "frames" / std::to_string(window);
}

std::filesystem::path DataFolder::Samples(const std::string& stream, int window) const {
  return Stream(stream) / "samples" / (std::to_string(window) + ".safetensors");
}

std::filesystem::path DataFolder::Labels(const std::string& stream, int window) const {
  return Labels(stream) / (std::to_string(window) + ".jsonl");
}

std::filesystem::path DataFolder::Labels(const std::string& stream) const {
  return Stream(stream) / "labels";
}

}  // namespace ekya::registry
