#include "platform/datasets/internal/lines.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace ekya::datasets {
namespace {

/// Short enough for a message, and without control characters.
std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, 60));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text.size() > 60 ? shown + "..." : shown;
}

}  // namespace

Result<bool> LineReader::Next() {
  do {
    line_.clear();
    ++number_;
    char character = 0;
    bool any = false;
    while (text_.get(character)) {
      any = true;
      if (character == '\n') break;
      if (line_.size() == kMaxLine) {
        return At(fmt::format("found more than {} characters, expected a line", kMaxLine));
      }
      line_ += character;
    }
    if (text_.bad()) return Error{ErrorCode::kFailed, file_ + ": cannot be read to its end"};
    if (!any) return false;
    if (line_.find('\0') != std::string::npos) {
      return At("found a NUL character, expected text");
    }
    if (line_.ends_with('\r')) line_.pop_back();
    if (number_ == 1 && line_.starts_with("\xef\xbb\xbf")) line_.erase(0, 3);
  } while (Trimmed(line_).empty());
  return true;
}

Error LineReader::At(const std::string& problem) const {
  return {ErrorCode::kInvalid, fmt::format("{}:{}: {}", file_, number_, problem)};
}

Error LineReader::At(std::string_view name, std::string_view found,
                     std::string_view expected) const {
  return At(fmt::format("{}: found \"{}\", expected {}", name, Shown(found), expected));
}

std::vector<std::string> SplitCsv(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Result<double> ReadNumber(const LineReader& lines, std::string_view name, std::string_view text) {
  const std::string_view trimmed = Trimmed(text);
  double number = 0;
  const char* const end = trimmed.data() + trimmed.size();
  const auto [stop, code] = std::from_chars(trimmed.data(), end, number);
  if (code != std::errc() || stop != end || !std::isfinite(number)) {
    return lines.At(name, text, "a number");
  }
  return number;
}

Result<std::int64_t> ReadInteger(const LineReader& lines, std::string_view name,
                                 std::string_view text, std::int64_t low, std::int64_t high) {
  const auto number = ReadNumber(lines, name, text);
  // Beyond 2^53 a double does not tell whole numbers apart.
  if (!number.ok() || *number != std::floor(*number) || std::abs(*number) > 0x1.0p53 ||
      *number < static_cast<double>(low) || *number > static_cast<double>(high)) {
    return lines.At(name, text, fmt::format("a whole number from {} to {}", low, high));
  }
  return static_cast<std::int64_t>(*number);
}

}  // namespace ekya::datasets
