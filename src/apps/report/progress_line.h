#pragma once

#include <optional>
#include <string>

namespace ekya::report {

/// How far a command has come.
struct Progress {
  std::string what;                    ///< "thief, seed 2"; may be empty.
  double done = 0;                     ///< Part of the whole, 0..1.
  double elapsed_seconds = 0;          ///< Since the start.
  std::optional<double> left_seconds;  ///< Where it is known.
  int window = 0;                  ///< The present retraining window, from 1; 0: before the first.
  int windows = 0;                 ///< How many there will be; 0: unknown.
  std::string phase;               ///< "labelling", "profiling", "2 retraining".
  std::optional<double> accuracy;  ///< Mean over streams, lately, 0..1.
  double skipped = 0;              ///< Part of the frames that were skipped, 0..1.
};

/// `progress` as one line of at most `width` columns, without a newline: what matters least goes
/// first where it is narrow. For a terminal alone; the caller rewrites its line with it.
///
///   thief, seed 2  ━━━━━━━━━━━━━━━━────────────  57 %  window 7 of 12  accuracy 94.1 %  2:51 left
std::string ProgressLine(const Progress& progress, int width);

}  // namespace ekya::report
