#include "core/duration.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <utility>

namespace ekya {

Result<double> ParseDuration(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  const bool begins = !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) != 0;
  if (begins && code == std::errc()) {
    const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
    constexpr std::pair<std::string_view, double> kUnits[] = {
        {"", 1}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    for (const auto& [name, seconds] : kUnits) {
      if (unit == name) return number * seconds;
    }
  }
  return Error{ErrorCode::kInvalid,
               fmt::format("found \"{}\", expected a duration such as 200s or 10m", text)};
}

}  // namespace ekya
