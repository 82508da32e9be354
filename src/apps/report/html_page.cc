#include "apps/report/html_page.h"

#include <fmt/format.h>

#include <cmath>

#include "apps/report/figure_output.h"
#include "apps/report/text.h"
#include "apps/report/web_assets.h"
#include "base/check.h"

namespace ekya::report {
namespace {

/// A page without charts stays readable with this many rows for each.
constexpr std::size_t kMostFallbackRows = 60;

/// The page may show what is in it and nothing else: no request leaves the reader's machine.
constexpr char kContentPolicy[] =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'";

/// `text` escaped, in which no line ends between a number and its percent sign.
std::string Prose(std::string_view text) {
  std::string prose = EscapeHtml(text);
  for (auto at = prose.find(" %"); at != std::string::npos; at = prose.find(" %", at)) {
    prose.replace(at, 1, "&nbsp;");
  }
  return prose;
}

std::string Anchor(std::size_t section) { return fmt::format("section-{}", section + 1); }

void AppendTable(const Table& table, std::string* html) {
  *html += "<div class=\"scroll\"><table>";
  if (!table.caption.empty()) *html += "<caption>" + EscapeHtml(table.caption) + "</caption>";
  *html += "<thead><tr>";
  for (const Table::Column& column : table.columns) {
    *html += column.number ? "<th scope=\"col\" class=\"number\">" : "<th scope=\"col\">";
    *html += EscapeHtml(column.name) + "</th>";
  }
  *html += "</tr></thead><tbody>\n";
  for (const std::vector<std::string>& row : table.rows) {
    EKYA_CHECK(row.size() == table.columns.size(), table.caption);
    *html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      *html += table.columns[i].number ? "<td class=\"number\">" : "<td>";
      *html += EscapeHtml(row[i]) + "</td>";
    }
    *html += "</tr>\n";
  }
  *html += "</tbody></table></div>\n";
}

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : ValidUtf8(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
        escaped += control ? std::string("\xEF\xBF\xBD") : std::string(1, c);
      }
    }
  }
  return escaped;
}

std::string EscapeForScript(std::string_view json) {
  // These three stand only inside a JSON text's strings, where a \u escape means the same.
  std::string escaped;
  escaped.reserve(json.size());
  for (const char c : json) {
    if (c == '<' || c == '>' || c == '&') {
      escaped += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string SecondsText(double seconds) {
  if (!std::isfinite(seconds)) return "-";
  if (std::abs(seconds) < 100) return fmt::format("{:.3g} s", seconds);
  if (std::abs(seconds) > 1e12) return fmt::format("{:.4g} s", seconds);
  const auto whole = static_cast<long long>(std::llround(std::abs(seconds)));
  const char* sign = seconds < 0 ? "-" : "";
  if (whole < 3600) return fmt::format("{}{}:{:02} min", sign, whole / 60, whole % 60);
  return fmt::format("{}{}:{:02}:{:02} h", sign, whole / 3600, whole / 60 % 60, whole % 60);
}

std::string ClockText(double seconds) {
  if (!std::isfinite(seconds) || std::abs(seconds) > 1e12) return SecondsText(seconds);
  const auto tenths = static_cast<long long>(std::llround(10 * std::abs(seconds)));
  const long long whole = tenths / 10;
  std::string text = seconds < 0 && tenths > 0 ? "-" : "";
  text += whole < 3600 ? fmt::format("{}", whole / 60)
                       : fmt::format("{}:{:02}", whole / 3600, whole / 60 % 60);
  text += fmt::format(":{:02}", whole % 60);
  if (tenths % 10 != 0) text += fmt::format(".{}", tenths % 10);
  return text;
}

std::string CountText(double count) {
  if (!std::isfinite(count)) return "-";
  std::string text = fmt::format("{:.0f}", std::abs(count));
  for (std::size_t i = text.size(); i > 3;) {
    i -= 3;
    text.insert(i, ",");
  }
  return count < 0 && text != "0" ? "-" + text : text;
}

std::string PercentText(double fraction) {
  return std::isfinite(fraction) ? fmt::format("{:.1f} %", 100 * fraction) : "-";
}

std::string ValueText(double value, Unit unit) {
  if (!std::isfinite(value)) return "-";
  switch (unit) {
    case Unit::kPercent:
      return PercentText(value);
    case Unit::kSeconds:
      return SecondsText(value);
    case Unit::kNumber:
      break;
  }
  return std::abs(value) >= 1000 && std::abs(value) < 1e15 ? fmt::format("{:.0f}", value)
                                                           : fmt::format("{:.4g}", value);
}

Page::Page(std::string title) : title_(std::move(title)) {}

void Page::Lead(std::string_view text) {
  lead_ += "<p class=\"lead\">" + EscapeHtml(text) + "</p>\n";
}

void Page::Add(const std::vector<KeyFigure>& key_figures) {
  if (key_figures.empty()) return;
  body_ += "<dl class=\"keys\">\n";
  for (const KeyFigure& key : key_figures) {
    body_ += "<div><dt>" + EscapeHtml(key.name) + "</dt><dd class=\"value\">" +
             EscapeHtml(key.value) + "</dd><dd class=\"note\">" + EscapeHtml(key.note) +
             "</dd></div>\n";
  }
  body_ += "</dl>\n";
}

void Page::Heading(std::string_view text) {
  EKYA_CHECK(folds_ == 0 && !in_choice_, "a section starts inside a fold or a choice");
  if (in_section_) body_ += "</section>\n";
  body_ +=
      fmt::format("<section id=\"{}\"><h2>{}</h2>\n", Anchor(headings_.size()), EscapeHtml(text));
  headings_.emplace_back(text);
  in_section_ = true;
}

void Page::Subheading(std::string_view text) { body_ += "<h3>" + EscapeHtml(text) + "</h3>\n"; }

void Page::Paragraph(std::string_view text) { body_ += "<p>" + Prose(text) + "</p>\n"; }

void Page::List(const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  body_ += "<ul>\n";
  for (const std::string& text : texts) body_ += "<li>" + Prose(text) + "</li>\n";
  body_ += "</ul>\n";
}

void Page::Notice(std::string_view text) {
  body_ += "<p class=\"notice\">" + EscapeHtml(text) + "</p>\n";
}

void Page::Add(const Table& table) { AppendTable(table, &body_); }

void Page::Add(const Figure& figure) { AddFigure(figure); }

void Page::Add(const std::vector<Figure>& figures) { AddBeside(figures, false); }

void Page::AddAlike(const std::vector<Figure>& figures) { AddBeside(figures, true); }

void Page::AddBeside(const std::vector<Figure>& figures, bool shared_legend) {
  if (figures.empty()) return;
  if (shared_legend && !ChartLibrary().empty()) body_ += "<div class=\"legend shared\"></div>";
  body_ += shared_legend ? "<div class=\"beside alike\">\n" : "<div class=\"beside\">\n";
  for (const Figure& figure : figures) AddFigure(figure);
  body_ += "</div>\n";
}

void Page::AddFigure(const Figure& figure) {
  has_figures_ = true;
  body_ += "<figure class=\"chart\"><figcaption><strong>" + EscapeHtml(figure.title) + "</strong>";
  if (!figure.caption.empty()) body_ += " <span>" + EscapeHtml(figure.caption) + "</span>";
  body_ += "</figcaption>\n";
  if (ChartLibrary().empty()) {
    body_ += "<details><summary>Data</summary>\n";
    AppendTable(FigureTable(figure, kMostFallbackRows), &body_);
    body_ += "</details></figure>\n";
    return;
  }
  body_ += fmt::format(
      "<div class=\"legend\"></div><div class=\"plot\" role=\"img\" aria-label=\"{}\" "
      "style=\"height:{:.0f}px\"></div>\n<script type=\"application/json\">{}</script></figure>\n",
      EscapeHtml(figure.title), figure.height, EscapeForScript(FigureJson(figure)));
}

void Page::BeginFold(std::string_view summary, bool open) {
  ++folds_;
  body_ += open ? "<details open>" : "<details>";
  body_ += "<summary>" + EscapeHtml(summary) + "</summary>\n<div class=\"fold\">\n";
}

void Page::EndFold() {
  EKYA_CHECK(folds_ > 0);
  --folds_;
  body_ += "</div></details>\n";
}

void Page::BeginChoices(std::string_view label) {
  EKYA_CHECK(choices_label_.empty(), "choices inside choices");
  choices_label_ = label;
  choices_.clear();
  choices_start_ = body_.size();
}

void Page::BeginChoice(std::string_view name) {
  if (in_choice_) body_ += "</div>\n";
  in_choice_ = true;
  choices_.emplace_back(name);
  body_ += "<div class=\"choice\"><h3 class=\"choice-name\">" + EscapeHtml(name) + "</h3>\n";
}

void Page::EndChoices() {
  EKYA_CHECK(in_choice_, choices_label_);
  body_ += "</div>\n</div>\n";
  in_choice_ = false;
  // The buttons stand before what they choose, and are known only now.
  std::string buttons =
      "<div class=\"choices\"><div class=\"buttons\" role=\"group\" aria-label=\"" +
      EscapeHtml(choices_label_) + "\"><span>" + EscapeHtml(choices_label_) + "</span>";
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    buttons += fmt::format("<button type=\"button\" aria-pressed=\"{}\">{}</button>",
                           i == 0 ? "true" : "false", EscapeHtml(choices_[i]));
  }
  body_.insert(choices_start_, buttons + "</div>\n");
  choices_label_.clear();
}

std::string Page::Html() && {
  EKYA_CHECK(folds_ == 0 && !in_choice_, "a fold or choice is still open");
  if (in_section_) body_ += "</section>\n";
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  html +=
      fmt::format("<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n", kContentPolicy);
  html +=
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n";
  html += "<title>" + EscapeHtml(title_) + "</title>\n<style>\n";
  html += ReportStyle();
  html += "</style>\n</head>\n<body>\n<header><h1>" + EscapeHtml(title_) + "</h1>\n" + lead_;
  if (headings_.size() > 1) {
    html += "<nav aria-label=\"Sections\">";
    for (std::size_t i = 0; i < headings_.size(); ++i) {
      html += fmt::format("<a href=\"#{}\">{}</a>", Anchor(i), EscapeHtml(headings_[i]));
    }
    html += "</nav>\n";
  }
  html += "</header>\n<main>\n";
  const bool charts = has_figures_ && !ChartLibrary().empty();
  if (has_figures_ && !charts) {
    html +=
        "<p class=\"notice\">This Ekya was built without its chart library, so the figures are "
        "tables. Running npm ci in the source's web folder before building brings the "
        "charts.</p>\n";
  }
  if (charts) {
    html +=
        "<noscript><p class=\"notice\">The charts need JavaScript. The tables here and the CSV "
        "files beside this page do not.</p></noscript>\n";
  }
  html += body_ + "</main>\n";
  if (charts) {
    html += "<script>";
    html += ChartLibrary();
    html += "</script>\n";
  }
  html += "<script>";
  html += ReportScript();
  html += "</script>\n</body>\n</html>\n";
  return html;
}

}  // namespace ekya::report
