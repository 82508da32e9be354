#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/site.h"

namespace ekya::live {

/// What `ekya run` and `ekya demo` were asked for.
struct RunRequest {
  std::filesystem::path site_file;  ///< Empty: `site_text` is the site.
  std::string site_text;
  std::string site_name;                ///< What `site_file` is a copy of; empty: of nothing.
  std::vector<std::string> schedulers;  ///< Empty: the site's.
  std::uint64_t seed = 0;
  int repeat = 1;          ///< Runs per scheduler, with seeds from `seed` on.
  int at_once = 1;         ///< Runs at the same time, each a process of its own.
  double for_seconds = 0;  ///< 0: until every source has ended.
  std::filesystem::path out;
  std::string title;
  bool json = false;   ///< Print summary.json instead of the table.
  int first_core = 0;  ///< As workers::LiveOptions::first_core.
  bool child = false;  ///< One of several runs: leaves only its run.json.
};

/// Runs a site under every scheduler and seed, writes report.html, summary.json and the CSV files
/// into `out` and prints the table. Several runs are processes of this program, so that each starts
/// clean. Returns the exit status: 0, 1 failed, 78 bad configuration, 130 interrupted.
int Run(const RunRequest& request);

}  // namespace ekya::live
