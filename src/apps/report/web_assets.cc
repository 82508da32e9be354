#include "apps/report/web_assets.h"

// web_assets.S puts each file between two of these.
extern "C" {
extern const char ekya_report_script_begin[];
extern const char ekya_report_script_end[];
extern const char ekya_report_style_begin[];
extern const char ekya_report_style_end[];
extern const char ekya_chart_library_begin[];
extern const char ekya_chart_library_end[];
}

namespace ekya::report {

std::string_view ReportScript() { return {ekya_report_script_begin, ekya_report_script_end}; }
std::string_view ReportStyle() { return {ekya_report_style_begin, ekya_report_style_end}; }
std::string_view ChartLibrary() { return {ekya_chart_library_begin, ekya_chart_library_end}; }

}  // namespace ekya::report
