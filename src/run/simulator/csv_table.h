#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ekya::simulator {

/// A CSV file with a header line, in memory: RFC 4180 with LF or CRLF line ends; empty lines are
/// passed over.
class CsvTable {
 public:
  /// kInvalid: no header, a row with more or fewer cells, a quote that never closes.
  static Result<CsvTable> Parse(std::string_view text, const std::string& file);

  std::size_t rows() const { return rows_.size(); }
  const std::vector<std::string>& columns() const { return columns_; }
  /// The cell of `row` (from 0) in `column`; kInvalid where there is no such column.
  Result<std::string> Text(std::size_t row, const std::string& column) const;
  /// The same as a finite number from `low` to `high`.
  Result<double> Number(std::size_t row, const std::string& column, double low, double high) const;
  /// "file:line", for messages about `row`.
  std::string Place(std::size_t row) const;

 private:
  std::string file_;
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<int> lines_;
};

}  // namespace ekya::simulator
