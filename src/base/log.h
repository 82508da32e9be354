#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace ekya {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Drops everything below `level` from now on. Default: kInfo. Any thread.
void SetLogLevel(LogLevel level);
bool LogEnabled(LogLevel level);

/// Writes one line to stderr, whole and unmixed with other threads' lines: "warning [lobby] text".
void WriteLog(LogLevel level, const std::string& about, const std::string& text);

/// Logs a formatted line. `about` names the stream, job or module it concerns; it may be empty.
template <typename... Args>
void Log(LogLevel level, const std::string& about, fmt::format_string<Args...> format,
         Args&&... args) {
  if (LogEnabled(level)) WriteLog(level, about, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace ekya
