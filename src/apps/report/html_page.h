#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/report/figure.h"

namespace ekya::report {

/// Builds one self-contained HTML page: text, tables and figures in reading order. The page loads
/// nothing (and forbids itself to), follows the reader's light or dark theme, and prints. Every
/// text is escaped. Where the chart library was not built in, figures become tables, and the page
/// says so.
///
///   Page page("Accuracy against devices");
///   page.Heading("Results");
///   page.Add(figure);
///   WriteFileAtomically(path, std::move(page).Html());
class Page {
 public:
  explicit Page(std::string title);

  /// A line under the title: what was run, on what.
  void Lead(std::string_view text);

  /// A number that the reader came for: "95.7 %", "mean accuracy", "thief, 3 seeds".
  struct KeyFigure {
    std::string value = {};
    std::string name = {};
    std::string note = {};
  };
  void Add(const std::vector<KeyFigure>& key_figures);

  /// A section's heading; the sections are listed at the page's top when there are several.
  void Heading(std::string_view text);
  /// A smaller heading inside a section.
  void Subheading(std::string_view text);
  void Paragraph(std::string_view text);
  /// One point per text. Nothing where there is none.
  void List(const std::vector<std::string>& texts);
  /// A paragraph that stands out: something the reader should know before trusting the page.
  void Notice(std::string_view text);
  void Add(const Table& table);
  void Add(const Figure& figure);
  /// Figures beside each other where the window is wide enough.
  void Add(const std::vector<Figure>& figures);
  /// The same for figures that are alike, one per stream for instance: they share one legend.
  void AddAlike(const std::vector<Figure>& figures);

  /// What follows is folded away under `summary` until EndFold. May be nested.
  void BeginFold(std::string_view summary, bool open = false);
  void EndFold();

  /// Alternatives of which one is shown at a time, chosen by a row of buttons, such as one per run:
  /// BeginChoices, then BeginChoice and its content once per alternative, then EndChoices. Not
  /// nested.
  void BeginChoices(std::string_view label);
  void BeginChoice(std::string_view name);
  void EndChoices();

  /// The finished page.
  std::string Html() &&;

 private:
  void AddFigure(const Figure& figure);
  void AddBeside(const std::vector<Figure>& figures, bool shared_legend);

  const std::string title_;
  std::string lead_;
  std::string body_;
  std::vector<std::string> headings_;
  std::string choices_label_;
  std::vector<std::string> choices_;
  std::size_t choices_start_ = 0;
  bool in_section_ = false;
  bool in_choice_ = false;
  int folds_ = 0;
  bool has_figures_ = false;
};

/// `text` for an HTML element or a quoted attribute; what is not UTF-8 or a control character
/// becomes U+FFFD.
std::string EscapeHtml(std::string_view text);

/// `json` for a script element: the same JSON without `<`, `>` and `&`.
std::string EscapeForScript(std::string_view json);

/// How long something took: "12.5 s", "1:30 min".
std::string SecondsText(double seconds);
/// When something was, on a run's clock: "0:12.5", "1:01:30".
std::string ClockText(double seconds);
/// "18,000": a count with its thousands apart.
std::string CountText(double count);
/// "95.7 %" of 0.957; "-" of what is not finite.
std::string PercentText(double fraction);
/// `value` as `unit` has it, at most four digits that matter; "-" of what is not finite.
std::string ValueText(double value, Unit unit);

}  // namespace ekya::report
