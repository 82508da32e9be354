#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ekya::registry {

/// An accuracy with all that is needed to believe it.
struct MeasuredAccuracy {
  double accuracy = 0;  ///< 0..1.
  double low = 0;       ///< Ends of the interval that holds the true one with 95 % confidence.
  double high = 1;
  int samples = 0;     ///< Measured on; 0: not measured.
  std::string source;  ///< "truth", "golden" or "estimated".
};

/// What became of a version.
enum class Verdict {
  kFirst,        ///< Made before the stream was served.
  kCandidate,    ///< Not judged yet: its maker is at work, or was killed.
  kPromoted,     ///< The gate let it pass.
  kRejected,     ///< The gate did not.
  kQuarantined,  ///< Broke what served it.
};
/// "promoted": the word of files and messages.
const char* Name(Verdict verdict);

/// What is said of one version of a stream's model: `manifest.json` beside its weights,
/// `ekya-model/1`.
struct Manifest {
  std::string stream;
  std::int64_t version = 0;   ///< From 1, never used twice for a stream.
  std::int64_t parent = 0;    ///< The version that its training started from; 0: none.
  int window = 0;             ///< Retraining window that made it; the first model's is the first.
  std::string configuration;  ///< Retraining configuration; empty: the first model.
  MeasuredAccuracy accuracy;  ///< On held-out samples, when it was made.
  double device_seconds = 0;  ///< That its training took, at a whole device.
  /// By which its logits are divided so that scores mean what they say; 1: as they are.
  double temperature = 1;
  std::vector<std::string> classes;  ///< That it knows, in the order of its outputs.
  Verdict verdict = Verdict::kCandidate;
  std::string reason;                         ///< Why, for people.
  double created_seconds = 0;                 ///< Epoch seconds.
  std::map<std::string, std::string> sha256;  ///< By file name, 64 hexadecimal digits.
};

std::string WriteManifest(const Manifest& manifest);

/// Strict: errors name file, line and key.
Result<Manifest> ReadManifest(std::string_view text, const std::string& file);

}  // namespace ekya::registry
