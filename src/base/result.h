#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace ekya {

/// Why an expected failure happened. `kInfeasible` is not `kFailed`: nothing is broken, there just
/// is no answer (no allocation meets the floor, no configuration fits the window).
enum class ErrorCode {
  kInvalid,      ///< Bad input: file, key, value.
  kNotFound,     ///< A file, stream or configuration that does not exist.
  kInfeasible,   ///< The request is well-formed and has no solution.
  kUnavailable,  ///< Something outside did not answer; trying again may help.
  kCancelled,    ///< The caller asked to stop.
  kFailed,       ///< Everything else.
};

/// The name of `code` in messages and events, such as "not found".
const char* Name(ErrorCode code);

/// An expected failure: a code to act on and a message that a person can act on.
struct Error {
  ErrorCode code = ErrorCode::kFailed;
  std::string message;

  /// The same error with `context` and ": " in front of its message.
  Error Within(const std::string& context) const { return {code, context + ": " + message}; }
};

/// A value or the reason why there is none. Reading the wrong side is a bug and ends the process.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : content_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  const T& value() const& {
    EKYA_CHECK(ok(), error().message);
    return std::get<0>(content_);
  }
  T& value() & {
    EKYA_CHECK(ok(), error().message);
    return std::get<0>(content_);
  }
  T&& value() && {
    EKYA_CHECK(ok(), error().message);
    return std::get<0>(std::move(content_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  const Error& error() const { return std::get<1>(content_); }

 private:
  std::variant<T, Error> content_;
};

/// Success or the reason of a failure.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace ekya

/// Returns the error of `expression` (a Result) from the calling function, if it is one.
#define EKYA_RETURN_IF_ERROR(expression)                      \
  do {                                                        \
    if (auto ekya_status = (expression); !ekya_status.ok()) { \
      return ekya_status.error();                             \
    }                                                         \
  } while (false)

/// `EKYA_ASSIGN(auto image, Decode(path))`: declares the value, or returns the error.
#define EKYA_ASSIGN(declaration, expression) \
  EKYA_ASSIGN_NAMED(EKYA_JOIN(ekya_result_, __LINE__), declaration, expression)
#define EKYA_ASSIGN_NAMED(name, declaration, expression) \
  auto name = (expression);                              \
  if (!name.ok()) return name.error();                   \
  declaration = std::move(*name)
#define EKYA_JOIN(a, b) EKYA_JOIN_AGAIN(a, b)
#define EKYA_JOIN_AGAIN(a, b) a##b
