#include "decide/schedule/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace ekya::schedule {

Result<Options> Options::Parse(const std::string& specification) {
  Options options;
  options.specification_ = specification;
  const std::size_t colon = specification.find(':');
  options.name_ = specification.substr(0, colon);
  for (std::size_t at = colon; at != std::string::npos;) {
    const std::size_t next = specification.find(',', at + 1);
    const std::string item =
        specification.substr(at + 1, next == std::string::npos ? std::string::npos : next - at - 1);
    const std::size_t equals = item.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Error{
          ErrorCode::kInvalid,
          fmt::format("scheduler {}: found \"{}\", expected option=value", specification, item)};
    }
    if (!options.values_.emplace(item.substr(0, equals), item.substr(equals + 1)).second) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("scheduler {}: found {} twice, expected it once", specification,
                               item.substr(0, equals))};
    }
    at = next;
  }
  return options;
}

void Options::Fail(const std::string& option, const std::string& found,
                   const std::string& expected) {
  if (!status_.ok()) return;
  status_ = Error{ErrorCode::kInvalid, fmt::format("scheduler {}: {}: found \"{}\", expected {}",
                                                   specification_, option, found, expected)};
}

void Options::Read(const std::string& option, double* value, double low, double high) {
  std::string text;
  Read(option, &text);
  if (text.empty()) {
    if (values_.count(option) > 0)
      Fail(option, text, fmt::format("a number from {} to {}", low, high));
    return;
  }
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !(number >= low) ||
      !(number <= high)) {
    Fail(option, text, fmt::format("a number from {} to {}", low, high));
    return;
  }
  *value = number;
}

void Options::Read(const std::string& option, bool* value) {
  double number = *value ? 1 : 0;
  Read(option, &number, 0, 1);
  if (number != 0 && number != 1) Fail(option, fmt::format("{}", number), "0 or 1");
  *value = number != 0;
}

void Options::Read(const std::string& option, std::string* value) {
  asked_.push_back(option);
  const auto found = values_.find(option);
  if (found != values_.end()) *value = found->second;
}

Status Options::Finish() const {
  if (!status_.ok()) return status_;
  for (const auto& [option, value] : values_) {
    if (std::find(asked_.begin(), asked_.end(), option) != asked_.end()) continue;
    return Error{ErrorCode::kInvalid,
                 fmt::format("scheduler {}: unknown option {}, expected {}", specification_, option,
                             asked_.empty() ? "none" : fmt::format("{}", fmt::join(asked_, ", ")))};
  }
  return {};
}

}  // namespace ekya::schedule
