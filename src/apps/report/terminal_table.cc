#include "apps/report/terminal_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "apps/report/run_tables.h"
#include "apps/report/summary.h"
#include "apps/report/text.h"

namespace ekya::report {
namespace {

using window::RunRecord;
using window::StreamRecord;
using window::WindowRecord;

constexpr int kColumnGap = 2;
/// Narrower than this a name cannot be told from another.
constexpr int kNarrowest = 6;

std::string Padded(const std::string& cell, int width, bool right) {
  const int missing = std::max(0, width - DisplayWidth(cell));
  const std::string space(static_cast<std::size_t>(missing), ' ');
  return right ? space + cell : cell + space;
}

std::string Line(const std::vector<std::string>& cells, const std::vector<int>& widths,
                 const Table& table) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line.append(kColumnGap, ' ');
    line +=
        Padded(CutToWidth(PrintableText(cells[i]), widths[i]), widths[i], table.columns[i].number);
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line + "\n";
}

/// `name` broken between words into lines no wider than `width` or the longest word.
std::vector<std::string> Wrapped(const std::string& name, int width) {
  std::vector<std::string> lines;
  std::istringstream words(name);
  for (std::string word; words >> word;) {
    if (!lines.empty() && DisplayWidth(lines.back()) + 1 + DisplayWidth(word) <= width) {
      lines.back() += " " + word;
    } else {
      lines.push_back(word);
    }
  }
  return lines;
}

/// Takes columns off the widest text columns, then off any, until the line fits.
void Shrink(const Table& table, int width, std::vector<int>* widths) {
  for (const bool only_text : {true, false}) {
    while (true) {
      int total = -kColumnGap;
      std::size_t widest = widths->size();
      for (std::size_t i = 0; i < widths->size(); ++i) {
        total += (*widths)[i] + kColumnGap;
        if (only_text && table.columns[i].number) continue;
        if ((*widths)[i] <= kNarrowest) continue;
        if (widest == widths->size() || (*widths)[i] > (*widths)[widest]) widest = i;
      }
      if (total <= width) return;
      if (widest == widths->size()) break;
      --(*widths)[widest];
    }
  }
}

}  // namespace

std::string TerminalTable(const Table& table, int width) {
  if (table.columns.empty()) return "";
  std::vector<std::vector<std::string>> names;
  std::vector<int> widths;
  std::size_t lines = 1;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    int cells = 0;
    for (const std::vector<std::string>& row : table.rows) {
      cells = std::max(cells, DisplayWidth(PrintableText(row[i])));
    }
    names.push_back(Wrapped(PrintableText(table.columns[i].name), cells));
    for (const std::string& line : names.back()) cells = std::max(cells, DisplayWidth(line));
    lines = std::max(lines, names.back().size());
    widths.push_back(cells);
  }
  Shrink(table, width, &widths);
  std::string text;
  for (std::size_t line = 0; line < lines; ++line) {
    // The names stand on the rule: those of fewer lines start further down.
    std::vector<std::string> header;
    for (const std::vector<std::string>& name : names) {
      const std::size_t missing = lines - name.size();
      header.push_back(line < missing ? "" : name[line - missing]);
    }
    text += Line(header, widths, table);
  }
  int rule = -kColumnGap;
  for (const int each : widths) rule += each + kColumnGap;
  for (int i = 0; i < rule; ++i) text += "─";
  text += "\n";
  for (const std::vector<std::string>& row : table.rows) text += Line(row, widths, table);
  return text;
}

std::string EndOfRunTable(const std::vector<RunRecord>& runs, int width) {
  if (runs.empty()) return "No run.\n";
  std::string text;
  if (runs.size() == 1) text += TerminalTable(StreamTable(runs.front()), width) + "\n";
  text += TerminalTable(ComparisonTable(CompareSchedulers(Summarize(runs).rows)), width);
  std::set<std::string> sources;
  std::size_t warnings = 0;
  for (const RunRecord& run : runs) {
    for (const StreamRecord& stream : run.streams) sources.insert(stream.accuracy_source);
    warnings += run.warnings.size() + static_cast<std::size_t>(run.earlier.warnings);
    for (const WindowRecord& window : run.windows) warnings += window.warnings.size();
  }
  std::vector<std::string> names;
  names.reserve(sources.size());
  for (const std::string& source : sources) {
    names.push_back(source.empty() ? "unknown" : PrintableText(source));
  }
  if (!names.empty()) text += fmt::format("Accuracy by {}.", fmt::join(names, " and "));
  if (warnings > 0) text += fmt::format(" {} warning{}.", warnings, warnings == 1 ? "" : "s");
  return text + "\n";
}

}  // namespace ekya::report
