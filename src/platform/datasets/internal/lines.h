#pragma once

#include <cstdint>
#include <istream>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ekya::datasets {

/// Reads a text line by line, whatever its size; for messages it knows where it is.
class LineReader {
 public:
  /// A line of more bytes is an error: no label needs them.
  static constexpr std::size_t kMaxLine = std::size_t{1} << 20;

  /// `file` is for the messages. `text` outlives the reader.
  LineReader(std::istream& text, std::string file) : text_(text), file_(std::move(file)) {}

  /// Goes to the next line that is not blank; false at the end. A carriage return before the line's
  /// end and a byte order mark are dropped.
  Result<bool> Next();
  const std::string& line() const { return line_; }
  int number() const { return number_; }
  /// `FILE:LINE: problem`.
  Error At(const std::string& problem) const;
  /// `FILE:LINE: name: found "text", expected ...`.
  Error At(std::string_view name, std::string_view found, std::string_view expected) const;

 private:
  std::istream& text_;
  const std::string file_;
  std::string line_;
  int number_ = 0;
};

/// One line of CSV: commas, double quotes around a field that holds some, "" for a quote.
std::vector<std::string> SplitCsv(std::string_view line);

/// `text` without blanks at both ends.
std::string_view Trimmed(std::string_view text);

/// The finite number that the field `name` holds, blanks around it aside.
Result<double> ReadNumber(const LineReader& lines, std::string_view name, std::string_view text);

/// The whole number from `low` to `high` that the field `name` holds; "3.0" is one too.
Result<std::int64_t> ReadInteger(const LineReader& lines, std::string_view name,
                                 std::string_view text, std::int64_t low, std::int64_t high);

}  // namespace ekya::datasets
