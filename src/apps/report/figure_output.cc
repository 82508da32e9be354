#include "apps/report/figure_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/report/html_page.h"
#include "apps/report/json_members.h"
#include "apps/report/text.h"
#include "core/json_writer.h"

namespace ekya::report {
namespace {

const char* KindName(FigureKind kind) {
  switch (kind) {
    case FigureKind::kLine:
      return "line";
    case FigureKind::kStep:
      return "step";
    case FigureKind::kStackedStep:
      return "stacked-step";
    case FigureKind::kBar:
      return "bar";
    case FigureKind::kStackedBar:
      return "stacked-bar";
    case FigureKind::kScatter:
      return "scatter";
    case FigureKind::kGantt:
      return "gantt";
  }
  return "line";
}

const char* UnitName(Unit unit) {
  switch (unit) {
    case Unit::kNumber:
      return "number";
    case Unit::kPercent:
      return "percent";
    case Unit::kSeconds:
      return "seconds";
  }
  return "number";
}

void WriteNumber(JsonWriter& json, double number) {
  if (std::isfinite(number)) {
    json.Json(fmt::format("{:.7g}", number));
  } else {
    json.Null();
  }
}

void WriteNumber(JsonWriter& json, std::string_view key, double number) {
  json.Key(key);
  WriteNumber(json, number);
}

void WriteAxis(JsonWriter& json, std::string_view key, const Axis& axis) {
  MembersOf(json.Key(key).BeginMap())("name", axis.name)("unit", UnitName(axis.unit));
  if (axis.low) WriteNumber(json, "low", *axis.low);
  if (axis.high) WriteNumber(json, "high", *axis.high);
  if (!axis.places.empty()) {
    json.Key("places").BeginList();
    for (const std::string& place : axis.places) json.Text(ValidUtf8(place));
    json.EndList();
  }
  json.EndMap();
}

/// x, y and, where a point has one, notes: lists of equal length are half the size of points.
void WritePoints(JsonWriter& json, const std::vector<Point>& points) {
  json.Key("x").BeginList();
  for (const Point& point : points) WriteNumber(json, point.x);
  json.EndList().Key("y").BeginList();
  for (const Point& point : points) WriteNumber(json, point.y);
  json.EndList();
  const bool noted =
      std::any_of(points.begin(), points.end(), [](const Point& p) { return !p.note.empty(); });
  if (!noted) return;
  json.Key("notes").BeginList();
  for (const Point& point : points) json.Text(ValidUtf8(point.note));
  json.EndList();
}

void WriteSeries(JsonWriter& json, const Figure& figure, std::size_t i) {
  const Series& series = figure.series[i];
  MembersOf(json.BeginMap())("name", series.name);
  MembersOf(json)("color", series.color >= 0 ? series.color : static_cast<int>(i));
  if (series.faint) MembersOf(json)("faint", true);
  if (series.dashed) MembersOf(json)("dashed", true);
  WritePoints(json, series.points);
  if (i < figure.dots.size()) {
    json.Key("dots").BeginMap();
    WritePoints(json, figure.dots[i]);
    json.EndMap();
  }
  json.EndMap();
}

template <typename Stretch>
void WriteStretch(JsonWriter& json, const Stretch& stretch) {
  json.BeginMap();
  WriteNumber(json, "from", stretch.from);
  WriteNumber(json, "to", stretch.to);
  if (!stretch.note.empty()) MembersOf(json)("note", stretch.note);
}

void WriteSpans(JsonWriter& json, const Figure& figure) {
  json.Key("spans").BeginList();
  for (const SpanKind& kind : figure.span_kinds) {
    MembersOf(json.BeginMap())("name", kind.name)("color", kind.color).Key("spans").BeginList();
    for (const Span& span : kind.spans) {
      WriteStretch(json, span);
      MembersOf(json)("row", span.row).EndMap();
    }
    json.EndList().EndMap();
  }
  json.EndList().Key("marks").BeginList();
  for (const MarkKind& kind : figure.mark_kinds) {
    MembersOf(json.BeginMap())("name", kind.name).Key("marks").BeginList();
    for (const Mark& mark : kind.marks) {
      json.BeginMap();
      WriteNumber(json, "x", mark.x);
      if (!mark.note.empty()) MembersOf(json)("note", mark.note);
      json.EndMap();
    }
    json.EndList().EndMap();
  }
  json.EndList();
}

std::string AxisText(const Axis& axis, double value) {
  const double place = std::round(value);
  if (place >= 0 && place < static_cast<double>(axis.places.size())) {
    return axis.places[static_cast<std::size_t>(place)];
  }
  return ValueText(value, axis.unit);
}

std::string NameOf(const Axis& axis, const char* otherwise) {
  return axis.name.empty() ? otherwise : axis.name;
}

bool SameX(const std::vector<Series>& series) {
  return std::all_of(series.begin(), series.end(), [&](const Series& other) {
    const auto& first = series.front().points;
    return std::equal(first.begin(), first.end(), other.points.begin(), other.points.end(),
                      [](const Point& a, const Point& b) { return a.x == b.x; });
  });
}

/// One row per x, one column per series.
void FillWide(const Figure& figure, Table* table) {
  table->columns.push_back({NameOf(figure.x, "x"), figure.x.places.empty()});
  for (const Series& series : figure.series) table->columns.push_back({series.name, true});
  for (std::size_t i = 0; i < figure.series.front().points.size(); ++i) {
    std::vector<std::string> row = {AxisText(figure.x, figure.series.front().points[i].x)};
    for (const Series& series : figure.series) {
      row.push_back(ValueText(series.points[i].y, figure.y.unit));
    }
    table->rows.push_back(std::move(row));
  }
}

/// One row per point.
void FillLong(const Figure& figure, Table* table) {
  table->columns = {{"Series"},
                    {NameOf(figure.x, "x"), figure.x.places.empty()},
                    {NameOf(figure.y, "y"), true},
                    {"Note"}};
  for (const Series& series : figure.series) {
    for (const Point& point : series.points) {
      table->rows.push_back({series.name, AxisText(figure.x, point.x),
                             ValueText(point.y, figure.y.unit), point.note});
    }
  }
}

void FillSpans(const Figure& figure, Table* table) {
  table->columns = {{"Row"}, {"What"}, {"From", true}, {"To", true}, {"Note"}};
  for (const SpanKind& kind : figure.span_kinds) {
    for (const Span& span : kind.spans) {
      table->rows.push_back({AxisText(figure.y, span.row), kind.name,
                             ValueText(span.from, figure.x.unit), ValueText(span.to, figure.x.unit),
                             span.note});
    }
  }
}

}  // namespace

std::string FigureJson(const Figure& figure) {
  JsonWriter json(JsonWriter::Layout::kOneLine);
  MembersOf(json.BeginMap())("kind", KindName(figure.kind));
  WriteAxis(json, "x", figure.x);
  WriteAxis(json, "y", figure.y);
  json.Key("series").BeginList();
  for (std::size_t i = 0; i < figure.series.size(); ++i) WriteSeries(json, figure, i);
  json.EndList();
  MembersOf(json)("labels", figure.labels)("diagonal", figure.diagonal);
  if (figure.reference && std::isfinite(*figure.reference)) {
    WriteNumber(json, "reference", *figure.reference);
    MembersOf(json)("reference_name", figure.reference_name);
  }
  MembersOf(json)("band_name", figure.band_name).Key("bands").BeginList();
  for (const Band& band : figure.bands) {
    WriteStretch(json, band);
    json.EndMap();
  }
  json.EndList();
  WriteSpans(json, figure);
  return json.EndMap().Take();
}

Table FigureTable(const Figure& figure, std::size_t max_rows) {
  Table table;
  if (figure.kind == FigureKind::kGantt) {
    FillSpans(figure, &table);
  } else if (!figure.series.empty()) {
    const bool wide = figure.kind != FigureKind::kScatter && SameX(figure.series);
    wide ? FillWide(figure, &table) : FillLong(figure, &table);
  }
  const std::size_t count = table.rows.size();
  if (count > max_rows && max_rows > 0) {
    for (std::size_t i = 0; i < max_rows; ++i) {
      if (i != i * count / max_rows) table.rows[i] = std::move(table.rows[i * count / max_rows]);
    }
    table.rows.resize(max_rows);
    table.caption =
        fmt::format("{} of {} rows, evenly picked; the CSV files have all.", max_rows, count);
  }
  return table;
}

}  // namespace ekya::report
