#pragma once

#include <string>

namespace ekya {

/// Prints where and why, and aborts. For our own bugs only: expected failures return Result.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              const std::string& detail);

}  // namespace ekya

/// Aborts with file, line, condition and an optional detail when `condition` is false.
#define EKYA_CHECK(condition, ...)                                                   \
  do {                                                                               \
    if (!(condition)) [[unlikely]] {                                                 \
      ::ekya::CheckFailed(__FILE__, __LINE__, #condition, std::string{__VA_ARGS__}); \
    }                                                                                \
  } while (false)
