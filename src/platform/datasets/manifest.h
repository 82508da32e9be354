#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "platform/datasets/dataset.h"

namespace ekya::datasets {

/// One picture of one place at one time.
struct ManifestRow {
  std::string time;    ///< As the file says it.
  double seconds = 0;  ///< The same, on a scale of its own.
  std::int64_t slot = 0;
  std::string label;  ///< Empty: unknown.
  std::string file;   ///< Relative to the manifest's folder.
  int line = 0;       ///< In the manifest, from 1.
};

/// The manifest's rows and all its labels.
struct Manifest {
  std::vector<ManifestRow> rows;    ///< The selected ones, by time, then slot.
  std::vector<std::string> labels;  ///< Of all rows, in order, each once.
};

/// Reads a manifest: CSV with a header line and the columns time, slot, label and file, and perhaps
/// others, in any order. Takes the rows that `select` names: "slot=1-17;label=busy". `file` is for
/// the messages, which give the line, what was found and what was expected. No picture's name leads
/// out of the manifest's folder.
Result<Manifest> ReadManifest(std::string_view text, const std::string& file,
                              const std::string& select);

/// The layout "manifest": `path` is a manifest, of which each slot is a stream; every row is a
/// frame that shows its label and nothing else.
Result<Dataset> ReadManifestDataset(const std::filesystem::path& path,
                                    const DatasetOptions& options);

/// Seconds of "2015-07-03T08:05", "2015-07-03 08:05:30.5" or "12.5". Time zones are not accepted:
/// the scene's own clock is meant.
std::optional<double> ParseTime(std::string_view text);

}  // namespace ekya::datasets
