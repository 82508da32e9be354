#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ekya::camera {

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

/// Reads a manifest (columns: see OpenFolder) and takes the rows that `select` names. `file` is for
/// the messages, which give the line, what was found and what was expected.
Result<Manifest> ReadManifest(std::string_view text, const std::string& file,
                              const std::string& select);

}  // namespace ekya::camera
