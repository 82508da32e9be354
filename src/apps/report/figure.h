#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

/// What a page draws, as plain data: figures and tables know nothing of HTML or of the chart
/// library.
namespace ekya::report {

/// A number that nobody knows: written "-", a gap in a line, null in JSON. No number equals it:
/// ask std::isfinite.
inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// How an axis's numbers are written.
enum class Unit {
  kNumber,
  kPercent,  ///< The value is a fraction: 0.75 is written 75 %.
  kSeconds,  ///< The value is seconds: 90 is written 1:30 where the axis is long.
};

struct Axis {
  std::string name = {};  ///< Short, with what the unit does not say: "devices".
  Unit unit = Unit::kNumber;
  /// Ends of the axis; absent: as the data has it.
  std::optional<double> low = {};
  std::optional<double> high = {};
  /// Names of the places 0, 1, 2, ...: the axis then has places instead of numbers.
  std::vector<std::string> places = {};
};

/// One point. A y that is not finite is a gap in a line and nothing in every other kind.
struct Point {
  double x = 0;
  double y = kMissing;
  std::string note = {};  ///< Said when it is pointed at; may be empty.
};

struct Series {
  std::string name = {};
  std::vector<Point> points = {};
  /// Number of its colour in the page's palette; -1: the series' place in the figure. The same
  /// thing (a stream, a scheduler, a class) should have the same colour in all figures of a page.
  int color = -1;
  bool faint = false;   ///< A lighter form of the colour, to pair two series of one thing.
  bool dashed = false;  ///< Lines only.
};

/// A stretch of a line figure's x axis that is shaded.
struct Band {
  double from = 0;
  double to = 0;
  std::string note = {};
};

/// Something that took a while, as a bar: below a line figure's curve, or in a row of a gantt.
struct Span {
  double from = 0;
  double to = 0;
  std::string note = {};
  int row = 0;  ///< Place on the y axis; gantt only.
};

/// Spans of one meaning and colour.
struct SpanKind {
  std::string name = {};  ///< "retraining"
  std::vector<Span> spans = {};
  int color = 0;
};

/// An instant, as a vertical line.
struct Mark {
  double x = 0;
  std::string note = {};
};

struct MarkKind {
  std::string name = {};  ///< "model swapped"
  std::vector<Mark> marks = {};
};

enum class FigureKind {
  kLine,         ///< Points joined in order.
  kStep,         ///< Each value holds until the next point.
  kStackedStep,  ///< Steps on top of each other. All series have the same x in the same order.
  kBar,          ///< One bar per place and series; `dots` of a series are drawn over its bars.
  kStackedBar,   ///< One bar per place, series on top of each other.
  kScatter,
  kGantt,  ///< `span_kinds` in the rows of `y.places`; no series.
};

struct Figure {
  FigureKind kind = FigureKind::kLine;
  std::string title = {};
  std::string caption = {};  ///< What to see in it, in a sentence; may be empty.
  Axis x = {};
  Axis y = {};
  std::vector<Series> series = {};
  /// Bars: single observations behind the bars, one entry per series, in the series' order.
  std::vector<std::vector<Point>> dots = {};
  bool labels = false;                   ///< Bars: write each bar's value on it.
  bool diagonal = false;                 ///< Scatter: the line y = x.
  std::optional<double> reference = {};  ///< A horizontal line at this y...
  std::string reference_name = {};       ///< ...and what it is.
  std::vector<Band> bands = {};
  std::string band_name = {};  ///< What the bands are, for the legend.
  std::vector<SpanKind> span_kinds = {};
  std::vector<MarkKind> mark_kinds = {};
  double height = 260;  ///< In pixels.
};

struct Table {
  struct Column {
    std::string name = {};
    bool number = false;  ///< Right-aligned, with figures of equal width.
  };
  std::string caption = {};  ///< May be empty.
  std::vector<Column> columns = {};
  std::vector<std::vector<std::string>> rows = {};  ///< Each as long as `columns`.
};

}  // namespace ekya::report
