#include "run/simulator/csv_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace ekya::simulator {

Result<CsvTable> CsvTable::Parse(std::string_view text, const std::string& file) {
  CsvTable table;
  table.file_ = file;
  std::vector<std::string> cells(1);
  int line = 1;
  int row_line = 1;
  bool quoted = false;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const auto end_row = [&]() -> Status {
    if (cells.size() == 1 && cells[0].empty()) {
      // An empty line.
    } else if (table.columns_.empty()) {
      table.columns_ = cells;
    } else if (cells.size() != table.columns_.size()) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}:{}: found {} cells, expected {} as in the header", file,
                               row_line, cells.size(), table.columns_.size())};
    } else {
      table.rows_.push_back(cells);
      table.lines_.push_back(row_line);
    }
    cells.assign(1, "");
    return {};
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
        cells.back() += '"';
        ++i;
      } else if (c == '"') {
        quoted = false;
      } else {
        if (c == '\n') ++line;
        cells.back() += c;
      }
    } else if (c == '"' && cells.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      EKYA_RETURN_IF_ERROR(end_row());
      row_line = ++line;
    } else if (c != '\r' || i + 1 == text.size() || text[i + 1] != '\n') {
      cells.back() += c;
    }
  }
  if (quoted) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}:{}: a quoted cell never ends", file, row_line)};
  }
  EKYA_RETURN_IF_ERROR(end_row());
  if (table.columns_.empty()) {
    return Error{ErrorCode::kInvalid, fmt::format("{}: it is empty, expected a header line", file)};
  }
  return table;
}

Result<std::string> CsvTable::Text(std::size_t row, const std::string& column) const {
  const auto found = std::find(columns_.begin(), columns_.end(), column);
  if (found == columns_.end()) {
    return Error{ErrorCode::kInvalid, fmt::format("{}:1: no column \"{}\", found {}", file_, column,
                                                  fmt::join(columns_, ", "))};
  }
  return rows_[row][static_cast<std::size_t>(found - columns_.begin())];
}

Result<double> CsvTable::Number(std::size_t row, const std::string& column, double low,
                                double high) const {
  EKYA_ASSIGN(const std::string text, Text(row, column));
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() ||
      !(value >= low && value <= high)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: {}: found \"{}\", expected a number from {} to {}", Place(row),
                             column, text, low, high)};
  }
  return value;
}

std::string CsvTable::Place(std::size_t row) const {
  return fmt::format("{}:{}", file_, lines_[row]);
}

}  // namespace ekya::simulator
