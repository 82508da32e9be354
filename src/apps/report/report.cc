#include "apps/report/report.h"

#include "apps/report/csv.h"
#include "apps/report/html_report.h"
#include "apps/report/summary.h"
#include "base/file.h"

namespace ekya::report {

Status WriteReport(const std::filesystem::path& directory, const std::string& title,
                   const std::vector<window::RunRecord>& runs) {
  for (const CsvFile& file : MakeCsvFiles(runs)) {
    EKYA_RETURN_IF_ERROR(WriteFileAtomically(directory / file.name, file.text));
  }
  EKYA_RETURN_IF_ERROR(
      WriteFileAtomically(directory / "summary.json", WriteSummary(Summarize(runs))));
  return WriteFileAtomically(directory / "report.html", MakeHtmlReport(title, runs));
}

}  // namespace ekya::report
