#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/learning/experiments.h"
#include "apps/learning/paired_times.h"
#include "apps/learning/python_peer.h"
#include "base/result.h"

// What `ekya experiment throughput` measures, as processor seconds of one thread. `out` is a folder
// for files on the way; errors name the network.
namespace ekya::learning {

inline constexpr int kTrainingSide = 112;  ///< Pixels of the pictures that are trained on.

inline constexpr char kOurs32[] = "Ekya, float32";
inline constexpr char kOurs16[] = "Ekya, bfloat16";
inline constexpr char kPython32[] = "Python, float32";
inline constexpr char kPython32Last[] = "Python, float32, channels last";
inline constexpr char kPython16Last[] = "Python, bfloat16 (autocast), channels last";

/// Seconds a picture of ResNet18's training: by Ekya as it retrains, all that it does in an epoch
/// included, and by the plainest loop that Python can have.
Status MeasureTraining(PythonPeer& peer, const std::filesystem::path& out, PairedTimes* times);

inline constexpr char kServed[] = "Ekya";
inline constexpr char kServed16[] = "Ekya, bfloat16 allowed";
inline constexpr char kEager[] = "LibTorch, layer by layer";
inline constexpr char kPython[] = "Python, layer by layer";
inline constexpr char kForward[] = "the engine's bare forward pass";
inline constexpr char kStage[] = "the whole inference stage";

/// Seconds a picture, one at a time. Python's and the bare forward pass's are ready as numbers;
/// Ekya's and LibTorch's are cut out, normalised and named too; the stage's are of a camera's
/// frames, from their offer to the events that they lead to, in all its threads. `engine_name`: of
/// the one that serves here.
Status MeasureServing(PythonPeer& peer, const std::string& architecture, int side,
                      const std::filesystem::path& out, PairedTimes* times,
                      std::string* engine_name);

/// What a training came to with each precision: accuracy of the served model.
struct AccuracyRun {
  std::uint64_t seed = 0;
  double float32 = 0;
  double bfloat16 = 0;
};

/// ResNet18 on the parking lot, trained on its first windows and judged on the later ones.
Result<std::vector<AccuracyRun>> MeasureAccuracies(const ExperimentRequest& request);

/// Device seconds of each of DefaultRetrainingGrid on a small window.
Result<std::vector<double>> MeasureConfigurations();

}  // namespace ekya::learning
