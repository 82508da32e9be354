#include "apps/report/html_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "apps/report/figure_output.h"
#include "apps/report/web_assets.h"
#include "core/document.h"

namespace ekya::report {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kHostile[] =
    "</script><script>alert(1)</script><img src=x onerror='alert(\"2\")'>&amp;";

TEST(EscapeHtml, LeavesNoMarkup) {
  EXPECT_EQ(EscapeHtml("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(EscapeHtml(std::string("x\0y\x1b", 4)), "x\xEF\xBF\xBDy\xEF\xBF\xBD");
  EXPECT_EQ(EscapeHtml("\xFF"), "\xEF\xBF\xBD");
  EXPECT_EQ(EscapeHtml("東京\n"), "東京\n");
}

TEST(EscapeForScript, KeepsTheJson) {
  const std::string json = R"({"name": "</script><!--&"})";
  const std::string escaped = EscapeForScript(json);
  EXPECT_EQ(escaped.find_first_of("<>&"), std::string::npos);
  const auto node = ParseJson(escaped, "x");
  ASSERT_TRUE(node.ok()) << node.error().message;
  EXPECT_EQ(node->members[0].second.text, "</script><!--&");
}

TEST(Texts, OfNumbers) {
  EXPECT_EQ(PercentText(0.9574), "95.7 %");
  EXPECT_EQ(PercentText(std::numeric_limits<double>::quiet_NaN()), "-");
  EXPECT_EQ(SecondsText(12.34), "12.3 s");
  EXPECT_EQ(SecondsText(171), "2:51 min");
  EXPECT_EQ(SecondsText(3661), "1:01:01 h");
  EXPECT_EQ(SecondsText(1e300), "1e+300 s");
  EXPECT_EQ(ClockText(12.34), "0:12.3");
  EXPECT_EQ(ClockText(59.96), "1:00");
  EXPECT_EQ(ClockText(-5), "-0:05");
  EXPECT_EQ(ClockText(5400), "1:30:00");
  EXPECT_EQ(CountText(18000), "18,000");
  EXPECT_EQ(CountText(1234567), "1,234,567");
  EXPECT_EQ(CountText(999), "999");
  EXPECT_EQ(CountText(-0.2), "0");
  EXPECT_EQ(ValueText(432.72, Unit::kNumber), "432.7");
}

Figure SampleFigure() {
  Figure figure;
  figure.kind = FigureKind::kLine;
  figure.title = kHostile;
  figure.caption = kHostile;
  figure.x.name = kHostile;
  figure.series = {{.name = kHostile, .points = {{0, 0.5, kHostile}, {1, 0.25, {}}}}};
  figure.bands = {{0, 1, kHostile}};
  figure.band_name = kHostile;
  figure.span_kinds = {{.name = kHostile, .spans = {{0, 1, kHostile, 0}}}};
  figure.mark_kinds = {{.name = kHostile, .marks = {{0.5, kHostile}}}};
  return figure;
}

TEST(Page, EscapesEverything) {
  Page page(kHostile);
  page.Lead(kHostile);
  page.Add(std::vector<Page::KeyFigure>{{kHostile, kHostile, kHostile}});
  page.Heading(kHostile);
  page.Subheading(kHostile);
  page.Paragraph(kHostile);
  page.List({kHostile});
  page.Notice(kHostile);
  page.Add(Table{.caption = kHostile, .columns = {{kHostile}}, .rows = {{kHostile}}});
  page.Add(SampleFigure());
  page.AddAlike({SampleFigure(), SampleFigure()});
  page.BeginFold(kHostile);
  page.EndFold();
  page.BeginChoices(kHostile);
  page.BeginChoice(kHostile);
  page.EndChoices();
  const std::string html = std::move(page).Html();
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(html, Not(HasSubstr("<img src=x")));
}

TEST(Page, LoadsNothing) {
  Page page("x");
  page.Heading("y");
  page.Add(SampleFigure());
  const std::string html = std::move(page).Html();
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  for (const char* loader : {"<script src", "<link rel=\"stylesheet\"", "@import", "url(http"}) {
    EXPECT_THAT(html, Not(HasSubstr(loader)));
  }
}

TEST(Page, ScriptsCannotEndTheirElement) {
  for (const std::string_view script : {ReportScript(), ChartLibrary()}) {
    EXPECT_EQ(script.find("</script"), std::string_view::npos);
    EXPECT_EQ(script.find("<!--"), std::string_view::npos);
  }
  EXPECT_FALSE(ReportScript().empty());
  EXPECT_EQ(ReportStyle().find("</style"), std::string_view::npos);
  EXPECT_FALSE(ReportStyle().empty());
}

TEST(Page, ListsItsSections) {
  Page page("x");
  page.Heading("First");
  page.Heading("Second");
  const std::string html = std::move(page).Html();
  EXPECT_THAT(html, HasSubstr("<a href=\"#section-2\">Second</a>"));
  EXPECT_THAT(html, HasSubstr("<section id=\"section-2\"><h2>Second</h2>"));
}

TEST(Page, SaysWhereThereAreNoCharts) {
  Page page("x");
  page.Add(SampleFigure());
  const std::string html = std::move(page).Html();
  if (ChartLibrary().empty()) {
    EXPECT_THAT(html, HasSubstr("built without its chart library"));
    EXPECT_THAT(html, HasSubstr("<summary>Data</summary>"));
  } else {
    EXPECT_THAT(html, HasSubstr("<noscript>"));
    EXPECT_THAT(html, HasSubstr("<script type=\"application/json\">"));
  }
}

TEST(FigureJson, IsJsonWithGapsAsNull) {
  Figure figure = SampleFigure();
  figure.series[0].points.push_back({2, std::numeric_limits<double>::quiet_NaN(), {}});
  const auto node = ParseJson(FigureJson(figure), "x");
  ASSERT_TRUE(node.ok()) << node.error().message;
  const auto member = [](const Node& map, const std::string& key) -> const Node& {
    for (const auto& [name, value] : map.members) {
      if (name == key) return value;
    }
    ADD_FAILURE() << key;
    return map;
  };
  const Node& series = member(*node, "series").items.at(0);
  EXPECT_EQ(member(series, "name").text, kHostile);
  EXPECT_EQ(member(series, "y").items.at(2).kind, Node::Kind::kNull);
  EXPECT_EQ(member(series, "notes").items.size(), 3u);
}

TEST(FigureTable, HasOneRowPerPlaceForBars) {
  Figure figure{.kind = FigureKind::kBar};
  figure.x.places = {"gate", "ramp"};
  figure.y.unit = Unit::kPercent;
  figure.series = {{.name = "thief", .points = {{0, 0.9, {}}, {1, 0.8, {}}}},
                   {.name = "none", .points = {{0, 0.6, {}}, {1, 0.5, {}}}}};
  const Table table = FigureTable(figure, 10);
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[1], (std::vector<std::string>{"ramp", "80.0 %", "50.0 %"}));
}

TEST(FigureTable, PicksEvenlyFromManyRows) {
  Figure figure;
  figure.series.resize(1);
  for (int i = 0; i < 1000; ++i) figure.series[0].points.push_back({1.0 * i, 1, {}});
  const Table table = FigureTable(figure, 10);
  ASSERT_EQ(table.rows.size(), 10u);
  EXPECT_EQ(table.rows[0][0], "0");
  EXPECT_EQ(table.rows[9][0], "900");
  EXPECT_THAT(table.caption, HasSubstr("10 of 1000 rows"));
}

TEST(FigureTable, OfSpansAndOfNothing) {
  Figure figure{.kind = FigureKind::kGantt};
  figure.y.places = {"gate"};
  figure.span_kinds = {{.name = "retraining", .spans = {{3, 5, "note", 0}, {5, 6, "", 9}}}};
  const Table table = FigureTable(figure, 10);
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0], (std::vector<std::string>{"gate", "retraining", "3", "5", "note"}));
  EXPECT_TRUE(FigureTable(Figure{}, 10).rows.empty());
}

}  // namespace
}  // namespace ekya::report
