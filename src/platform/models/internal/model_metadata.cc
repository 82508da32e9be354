#include "platform/models/internal/model_metadata.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>

namespace ekya::models::internal {
namespace {

constexpr double kLargestWidth = 4;
constexpr std::size_t kMostClasses = 4096;
constexpr char kClasses[] = "ekya.classes";

Error Invalid(std::string message) { return {ErrorCode::kInvalid, std::move(message)}; }

}  // namespace

Result<std::string> ReadText(const TensorFile& content, const std::string& file,
                             const std::string& key, const std::string& expected) {
  const auto found = content.metadata.find(key);
  if (found != content.metadata.end()) return found->second;
  return Invalid(fmt::format("{}: __metadata__ {}: not found, expected {}", file, key, expected));
}

template <typename T>
Status ReadNumber(const TensorFile& content, const std::string& file, const std::string& key,
                  T* number) {
  EKYA_ASSIGN(const std::string text, ReadText(content, file, key, "a number"));
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), *number);
  if (text.empty() || code != std::errc() || end != text.data() + text.size()) {
    return Invalid(fmt::format("{}: __metadata__ {}: found '{}', expected a number", file, key,
                               text.substr(0, 40)));
  }
  return {};
}

template Status ReadNumber(const TensorFile&, const std::string&, const std::string&, int*);
template Status ReadNumber(const TensorFile&, const std::string&, const std::string&, double*);

Result<std::vector<std::string>> ReadClasses(const TensorFile& content, const std::string& file) {
  EKYA_ASSIGN(const std::string text, ReadText(content, file, kClasses, "names, one a line"));
  std::vector<std::string> classes;
  std::string_view rest = text;
  for (;;) {
    const auto end = rest.find('\n');
    classes.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) return classes;
    rest.remove_prefix(end + 1);
  }
}

void StoreShape(double width, int input_size, const std::vector<std::string>& classes,
                TensorFile* content) {
  content->metadata["format"] = "pt";
  content->metadata["ekya.width"] = fmt::format("{}", width);
  content->metadata["ekya.input_size"] = std::to_string(input_size);
  content->metadata[kClasses] = fmt::format("{}", fmt::join(classes, "\n"));
}

Status CheckWidthAndClasses(double width, const std::vector<std::string>& classes) {
  if (!(width > 0 && width <= kLargestWidth)) {
    return Invalid(fmt::format("model: found width {}, expected more than 0 and at most {}", width,
                               kLargestWidth));
  }
  if (classes.empty() || classes.size() > kMostClasses) {
    return Invalid(
        fmt::format("model: found {} classes, expected 1 to {}", classes.size(), kMostClasses));
  }
  std::set<std::string> seen;
  for (const auto& name : classes) {
    const bool printable = std::none_of(
        name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (name.empty() || !printable || !seen.insert(name).second) {
      return Invalid(fmt::format(
          "model: found class '{}', expected names that differ, not empty, of one line", name));
    }
  }
  return {};
}

}  // namespace ekya::models::internal
