#include "apps/learning/estimates_data.h"

#include <string>
#include <tuple>
#include <utility>

namespace ekya::learning {
namespace {

// Some 10,000 to 24,000 weights: an exhaustive recording of all data takes a core for a quarter of
// an hour.
constexpr double kWidth = 0.045;
constexpr double kNarrowWidth = 0.03;

RecordingSettings Settings(int side, double width, int labelled, int exemplars,
                           std::uint64_t seed) {
  RecordingSettings settings;
  settings.model.architecture = "resnet18";
  settings.model.width = width;
  settings.model.input_size = side;
  settings.grid = DefaultRetrainingGrid();
  settings.first.id = "first";
  settings.first.epochs = 30;
  settings.first.learning_rate = 0.05;
  settings.first.distillation = 0;
  settings.labelled_per_window = labelled;
  settings.exemplars_per_class = exemplars;
  settings.seed = seed;
  return settings;
}

}  // namespace

Result<std::vector<EstimatesData>> OpenEstimatesData(const std::filesystem::path& data,
                                                     std::uint64_t seed) {
  std::vector<EstimatesData> sets;
  for (const auto& [side, width, labelled, exemplars] :
       {std::tuple{24, kWidth, 204, 20}, std::tuple{64, kNarrowWidth, 102, 10}}) {
    EKYA_ASSIGN(auto streams, ParkingLotStreams(data / "cnrpark-a", side));
    const std::string size = std::to_string(side);
    sets.push_back({"parking_" + size, "parking lot, " + size + "x" + size, std::move(streams),
                    Settings(side, width, labelled, exemplars, seed)});
  }
  constexpr int kSmallSide = 16;
  EKYA_ASSIGN(const PictureSet pictures, ReadPictureSet(data / "cifar10-jpeg", kSmallSide));
  EstimatesData shifting{"class_shift",
                         "pictures, class mix and light drift",
                         {},
                         Settings(kSmallSide, kWidth, 220, 10, seed)};
  for (const char* id : {"shift-a", "shift-b", "shift-c"}) {
    EKYA_ASSIGN(SampleStream stream,
                ClassShiftingStream(pictures, {.samples = 650, .first_samples = 1500}, id, seed));
    shifting.streams.push_back(std::move(stream));
  }
  sets.push_back(std::move(shifting));
  EKYA_ASSIGN(auto crossings, CrossingStreams(3, kSmallSide, seed));
  sets.push_back({"crossing", "drawn crossings", std::move(crossings),
                  Settings(kSmallSide, kWidth, 160, 12, seed)});
  return sets;
}

}  // namespace ekya::learning
