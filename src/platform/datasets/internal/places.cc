#include "platform/datasets/internal/places.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace ekya::datasets {
namespace {

namespace fs = std::filesystem;

bool HasEnding(const fs::path& file, const std::vector<std::string_view>& endings) {
  std::string ending = file.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

Result<std::vector<fs::path>> EntriesOf(const fs::path& folder, bool folders) {
  std::error_code code;
  fs::directory_iterator entries(folder, code);
  std::vector<fs::path> found;
  for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
    std::error_code ignored;
    const bool fits = folders ? entries->is_directory(ignored) : entries->is_regular_file(ignored);
    if (fits && !entries->path().filename().string().starts_with('.')) {
      found.push_back(entries->path());
    }
  }
  if (code) {
    return Error{
        code == std::errc::no_such_file_or_directory ? ErrorCode::kNotFound : ErrorCode::kInvalid,
        fmt::format("{}: cannot be listed: {}", folder.string(), code.message())};
  }
  std::sort(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) {
    return NaturalLess(a.filename().string(), b.filename().string());
  });
  return found;
}

}  // namespace

Result<fs::path> Below(const fs::path& folder, std::string_view name) {
  const fs::path relative(name);
  const bool inside = !name.empty() && name.find('\0') == std::string_view::npos &&
                      name.size() < 4096 && relative.is_relative() &&
                      std::none_of(relative.begin(), relative.end(),
                                   [](const fs::path& part) { return part == ".."; });
  if (!inside) {
    return Error{ErrorCode::kInvalid, fmt::format("found \"{}\", expected a path below its folder",
                                                  name.substr(0, 200))};
  }
  return folder / relative;
}

Result<fs::path> FolderOf(const std::vector<fs::path>& folders, std::string_view name) {
  std::string looked;
  for (const fs::path& folder : folders) {
    EKYA_ASSIGN(const fs::path file, Below(folder, name));
    std::error_code code;
    if (fs::is_regular_file(file, code)) return folder;
    looked += (looked.empty() ? "" : ", ") + (folder.empty() ? "." : folder.string());
  }
  return Error{ErrorCode::kNotFound,
               fmt::format("found \"{}\", which is no file in {}", name, looked)};
}

bool NaturalLess(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      while (i < a.size() && a[i] == '0') ++i;
      while (j < b.size() && b[j] == '0') ++j;
      const std::size_t from_a = i;
      const std::size_t from_b = j;
      while (i < a.size() && is_digit(a[i])) ++i;
      while (j < b.size() && is_digit(b[j])) ++j;
      if (i - from_a != j - from_b) return i - from_a < j - from_b;
      const int order = a.substr(from_a, i - from_a).compare(b.substr(from_b, j - from_b));
      if (order != 0) return order < 0;
    } else if (a[i] != b[j]) {
      return a[i] < b[j];
    } else {
      ++i;
      ++j;
    }
  }
  // What differs in leading zeros alone keeps an order, too.
  if (i == a.size() && j == b.size()) return a < b;
  return i == a.size();
}

Result<std::vector<fs::path>> FilesIn(const fs::path& folder) { return EntriesOf(folder, false); }
Result<std::vector<fs::path>> FoldersIn(const fs::path& folder) { return EntriesOf(folder, true); }

bool IsPicture(const fs::path& file) { return HasEnding(file, {".jpg", ".jpeg", ".png"}); }

bool IsVideo(const fs::path& file) {
  return HasEnding(file, {".mp4", ".mkv", ".avi", ".mov", ".ts", ".webm"});
}

bool Fits(std::string_view pattern, std::string_view name) {
  // Greedy with one place to come back to: time is at most the product of the lengths.
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n]) && pattern[p] != '*') {
      ++p;
      ++n;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace ekya::datasets
