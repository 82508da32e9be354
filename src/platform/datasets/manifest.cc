#include "platform/datasets/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "base/file.h"
#include "platform/datasets/internal/builder.h"
#include "platform/datasets/internal/lines.h"
#include "platform/datasets/internal/places.h"

namespace ekya::datasets {
namespace {

using Fields = std::vector<std::string>;

Error ManifestError(std::string message) { return {ErrorCode::kInvalid, std::move(message)}; }

template <typename Number>
std::optional<Number> ParseWhole(std::string_view text) {
  Number value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "column=values" of a selection.
class Condition {
 public:
  static Result<Condition> Read(std::string_view text, const std::string& select,
                                const Fields& header) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size()) {
      return ManifestError(
          fmt::format("select \"{}\": found \"{}\", expected COLUMN=VALUES such as "
                      "\"slot=1-17\" or \"slot=3,7,35-\"",
                      select, text));
    }
    Condition condition;
    const auto column = std::find(header.begin(), header.end(), text.substr(0, equals));
    if (column == header.end()) {
      return ManifestError(
          fmt::format("select \"{}\": there is no column \"{}\", expected one of {}", select,
                      text.substr(0, equals), fmt::join(header, ", ")));
    }
    condition.column_ = static_cast<std::size_t>(column - header.begin());
    for (const auto& item : SplitCsv(text.substr(equals + 1))) {
      if (item.empty()) {
        return ManifestError(
            fmt::format("select \"{}\": found an empty value in \"{}\"", select, text));
      }
      const auto dash = item.find('-');
      if (dash == std::string::npos) {
        condition.values_.insert(item);
        continue;
      }
      const std::string_view low = std::string_view(item).substr(0, dash);
      const std::string_view high = std::string_view(item).substr(dash + 1);
      const auto from =
          low.empty() ? std::numeric_limits<std::int64_t>::min() : ParseWhole<std::int64_t>(low);
      const auto to =
          high.empty() ? std::numeric_limits<std::int64_t>::max() : ParseWhole<std::int64_t>(high);
      if (!from || !to) {
        condition.values_.insert(item);  // a text with a dash in it
      } else if (item == "-" || *from > *to) {
        return ManifestError(
            fmt::format("select \"{}\": found \"{}\", expected a range such as 1-17, 35- or -17",
                        select, item));
      } else {
        condition.ranges_.emplace_back(*from, *to);
      }
    }
    return condition;
  }

  bool Holds(const Fields& fields) const {
    const std::string& field = fields[column_];
    if (values_.contains(field)) return true;
    const auto number = ParseWhole<std::int64_t>(field);
    return number && std::any_of(ranges_.begin(), ranges_.end(), [&](const auto& range) {
             return *number >= range.first && *number <= range.second;
           });
  }

 private:
  std::size_t column_ = 0;
  std::set<std::string> values_;
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges_;
};

Result<std::vector<Condition>> ReadConditions(const std::string& select, const Fields& header) {
  std::vector<Condition> conditions;
  std::string_view rest = select;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(';'), rest.size());
    EKYA_ASSIGN(Condition condition, Condition::Read(rest.substr(0, end), select, header));
    conditions.push_back(std::move(condition));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return conditions;
}

/// Where each column that is needed stands in the header.
struct ManifestColumns {
  std::size_t time = 0, slot = 0, label = 0, file = 0;
};

Result<ManifestColumns> FindColumns(const Fields& header) {
  ManifestColumns columns;
  const std::pair<const char*, std::size_t*> wanted[] = {{"time", &columns.time},
                                                         {"slot", &columns.slot},
                                                         {"label", &columns.label},
                                                         {"file", &columns.file}};
  for (const auto& [name, place] : wanted) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found == header.end()) {
      return ManifestError(
          fmt::format("line 1: there is no column \"{}\"; found {}, expected time, slot, "
                      "label, file",
                      name, fmt::join(header, ", ")));
    }
    *place = static_cast<std::size_t>(found - header.begin());
  }
  return columns;
}

Result<ManifestRow> ReadManifestRow(const Fields& fields, const ManifestColumns& columns,
                                    int line) {
  ManifestRow row;
  row.line = line;
  row.time = fields[columns.time];
  const auto seconds = ParseTime(row.time);
  if (!seconds) {
    return ManifestError(
        fmt::format("line {}: time: found \"{}\", expected such as 2015-07-03T08:05 or "
                    "plain seconds",
                    line, row.time));
  }
  row.seconds = *seconds;
  const auto slot = ParseWhole<std::int64_t>(fields[columns.slot]);
  if (!slot || *slot < 0) {
    return ManifestError(fmt::format("line {}: slot: found \"{}\", expected an integer from 0",
                                     line, fields[columns.slot]));
  }
  row.slot = *slot;
  row.label = fields[columns.label];
  row.file = fields[columns.file];
  if (row.file.empty()) return ManifestError(fmt::format("line {}: file: found nothing", line));
  if (const auto path = Below("", row.file); !path.ok()) {
    return path.error().Within(fmt::format("line {}: file", line));
  }
  return row;
}

Result<Manifest> ReadSelected(std::string_view text, const std::string& select) {
  Manifest manifest;
  std::set<std::string> labels;
  Fields header;
  ManifestColumns columns;
  std::vector<Condition> conditions;
  int line_number = 0;
  bool any = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    if (line.empty() || line == "\r") continue;
    Fields fields = SplitCsv(line);
    if (header.empty()) {
      if (fields[0].starts_with("\xEF\xBB\xBF")) fields[0].erase(0, 3);
      header = std::move(fields);
      EKYA_ASSIGN(columns, FindColumns(header));
      EKYA_ASSIGN(conditions, ReadConditions(select, header));
      continue;
    }
    if (fields.size() != header.size()) {
      return ManifestError(fmt::format("line {}: found {} fields, expected {} as in line 1",
                                       line_number, fields.size(), header.size()));
    }
    any = true;
    EKYA_ASSIGN(ManifestRow row, ReadManifestRow(fields, columns, line_number));
    if (!row.label.empty()) labels.insert(row.label);
    if (std::all_of(conditions.begin(), conditions.end(),
                    [&](const Condition& condition) { return condition.Holds(fields); })) {
      manifest.rows.push_back(std::move(row));
    }
  }
  if (header.empty()) {
    return ManifestError(
        "is empty; expected a line \"time,slot,label,file\" and a line per picture");
  }
  if (!any) return ManifestError("has a header but no row; expected a line per picture");
  if (manifest.rows.empty()) {
    return ManifestError(fmt::format("select \"{}\" takes no row of the manifest", select));
  }
  manifest.labels.assign(labels.begin(), labels.end());
  auto& rows = manifest.rows;
  std::stable_sort(rows.begin(), rows.end(), [](const ManifestRow& a, const ManifestRow& b) {
    return std::pair(a.seconds, a.slot) < std::pair(b.seconds, b.slot);
  });
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].seconds == rows[i - 1].seconds && rows[i].slot == rows[i - 1].slot) {
      return ManifestError(
          fmt::format("line {}: slot {} has a second picture at {} (the first is in line {})",
                      rows[i].line, rows[i].slot, rows[i].time, rows[i - 1].line));
    }
  }
  return manifest;
}

}  // namespace

std::optional<double> ParseTime(std::string_view text) {
  if (const auto seconds = ParseWhole<double>(text)) {
    return std::isfinite(*seconds) ? seconds : std::nullopt;
  }
  if (text.size() < 16 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != ' ') || text[13] != ':') {
    return std::nullopt;
  }
  const auto year = ParseWhole<int>(text.substr(0, 4));
  const auto month = ParseWhole<unsigned>(text.substr(5, 2));
  const auto day = ParseWhole<unsigned>(text.substr(8, 2));
  const auto hour = ParseWhole<unsigned>(text.substr(11, 2));
  const auto minute = ParseWhole<unsigned>(text.substr(14, 2));
  std::optional<double> second = 0.0;
  if (text.size() > 16) {
    if (text[16] != ':' || text.size() < 19) return std::nullopt;
    second = ParseWhole<double>(text.substr(17));
  }
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{*month},
                                         std::chrono::day{*day}};
  if (!date.ok() || *hour > 23 || *minute > 59 || !(*second >= 0 && *second < 61)) {
    return std::nullopt;
  }
  const double days = std::chrono::sys_days{date}.time_since_epoch().count();
  return days * 86400 + *hour * 3600.0 + *minute * 60.0 + *second;
}

Result<Manifest> ReadManifest(std::string_view text, const std::string& file,
                              const std::string& select) {
  auto manifest = ReadSelected(text, select);
  if (!manifest.ok()) return manifest.error().Within(file);
  return manifest;
}

Result<Dataset> ReadManifestDataset(const std::filesystem::path& path,
                                    const DatasetOptions& options) {
  EKYA_ASSIGN(const std::string text, ReadFile(path));
  EKYA_ASSIGN(const Manifest manifest, ReadManifest(text, path.string(), ""));
  DatasetBuilder builder(options);
  for (const ManifestRow& row : manifest.rows) {
    const std::string stream = fmt::format("{}", row.slot);
    if (!builder.Wants(stream)) continue;
    LabelledFrame frame;
    frame.seconds = row.seconds;
    frame.time = row.time;
    frame.picture.file = path.parent_path() / row.file;
    Region region{.box = {}, .truth = {}, .track = row.slot};
    if (!row.label.empty()) {
      const auto place =
          std::lower_bound(manifest.labels.begin(), manifest.labels.end(), row.label);
      region.truth = static_cast<int>(place - manifest.labels.begin());
    }
    frame.regions.push_back(region);
    EKYA_RETURN_IF_ERROR(builder.Add(stream, std::move(frame)));
  }
  return builder.Finish(path.string(), manifest.labels);
}

}  // namespace ekya::datasets
