#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "core/site.h"
#include "platform/models/model.h"

namespace ekya::learning {

/// What one retraining window of a stream shows: crops of objects, or whole pictures.
template <typename Item>
struct LabelledWindow {
  /// What a box can have labelled, in order of time. Without `test`, a model that serves during
  /// this window is judged on these.
  std::vector<Item> samples;
  /// For judging alone: never among any window's `samples`, of every class shown so far, in this
  /// window's light. Empty where the stream has none.
  std::vector<Item> test;
};

/// A labelled stream without its frames: the samples of its retraining windows.
template <typename Item>
struct LabelledStream {
  std::string id;
  std::vector<std::string> classes;
  double window_seconds = 200;
  std::vector<LabelledWindow<Item>> windows;
};

using SampleWindow = LabelledWindow<Sample>;
using SampleStream = LabelledStream<Sample>;
/// For detectors: a sample is a whole picture with the objects that it shows.
using PictureWindows = LabelledStream<LabelledPicture>;

/// How a camera becomes a SampleStream.
struct StreamCut {
  double window_seconds = 200;  ///< On the stream's clock, > 0.
  int windows = 10;             ///< At most; fewer where the source ends before.
  int side = 32;                ///< Of a sample's square picture, pixels.
};

/// The labelled regions of every different frame that `camera` shows. `seed` is the run's.
/// kInvalid: the source does not know its truth, has no end or start of its own (RTSP), or a
/// window shows nothing labelled; names the camera.
Result<SampleStream> ReadSampleStream(const CameraSettings& camera, const StreamCut& cut,
                                      std::uint64_t seed);

/// At most `most` frames of each window, evenly spread (0: all), as whole pictures of
/// `cut.side` x `cut.side` pixels with the objects that `golden` finds in them or, where it is
/// null, that the source says they show. Errors as ReadSampleStream's.
Result<PictureWindows> ReadPictureWindows(const CameraSettings& camera, const StreamCut& cut,
                                          int most, models::Model* golden, std::uint64_t seed);

/// The parking lot of `cnrpark-a` (`folder`: where its manifest.csv is) as three streams of 17
/// slots each, by the hour: ten windows of about 204 samples.
Result<std::vector<SampleStream>> ParkingLotStreams(const std::filesystem::path& folder, int side);

/// `count` cameras over drawn crossings, ten windows of 200 s each, which drift slowly: through two
/// conditions of light, weather and traffic.
Result<std::vector<SampleStream>> CrossingStreams(int count, int side, std::uint64_t seed);

/// Pictures of single objects, by class: `folder` holds a folder of JPEGs per class.
struct PictureSet {
  std::vector<std::string> classes;          ///< In order of name.
  std::vector<std::vector<Image>> pictures;  ///< By class, in order of file name; all side x side.
};
Result<PictureSet> ReadPictureSet(const std::filesystem::path& folder, int side);

/// How a stream is made of a picture set. No picture is shown twice.
struct DriftSettings {
  int windows = 10;
  int samples = 500;             ///< Per window.
  int first_samples = 0;         ///< Of the first window, which makes the first model; 0: the same.
  double window_seconds = 200;   ///< Samples are spread evenly over it.
  double last_brightness = 0.4;  ///< Of the last window, where the first has 1.
  int test_per_class = 100;      ///< Class-incremental only: kept back for judging.
};

/// A stream whose class mix goes round, so that common classes become rare and rare ones common,
/// and whose light fails from window to window. Other ids of the same seed: other classes, other
/// times. kInvalid where `set` has too few pictures.
Result<SampleStream> ClassShiftingStream(const PictureSet& set, const DriftSettings& settings,
                                         const std::string& id, std::uint64_t seed);

/// A stream whose light fails and which shows two classes at a time, in an order of its own: every
/// window drops the older one and brings the next, the last one the first again. `test` has every
/// class shown so far.
Result<SampleStream> ClassIncrementalStream(const PictureSet& set, const DriftSettings& settings,
                                            const std::string& id, std::uint64_t seed);

}  // namespace ekya::learning
