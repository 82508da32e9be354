#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/frame.h"
#include "core/situation.h"

namespace ekya {

/// Where a camera's frames come from, as `url` says: "rtsp://...", "file:clip.mp4" or a plain path
/// to a video, "folder:path/manifest.csv", "scene:intersection", "coco:path/labels.json" or another
/// layout of a labelled data set (core/url.h).
struct CameraSettings {
  std::string id;
  std::string url;
  std::string task = "classification";  ///< Or "detection".
  /// What its labels may say and its model tells apart, no more and no less. Empty: whatever the
  /// source's or the golden model's labels may say (LearningSettings::new_classes).
  std::vector<std::string> classes;
  bool learn = true;             ///< Whether the stream's model is retrained.
  double frames_per_second = 0;  ///< Shown, or taken of a video; 0: the source's own rate.
  double speed = 1;              ///< Scene seconds per second, for folders, data sets and scenes.
  std::string select;            ///< Folder: rows, such as "slot=1-17"; data set: "stream=aachen".
  std::uint64_t seed = 0;        ///< Scene: added to the run's seed.
  bool loop = false;             ///< Start again at the source's end.
  double stall_seconds = 10;     ///< Without a frame for so long the camera counts as gone.
  std::map<std::string, Box> regions;  ///< Fixed regions to classify, by name.
  std::vector<Box> masks;              ///< Parts of the picture that are blackened.
};

/// The model that a stream serves and retrains.
struct ModelSettings {
  /// "resnet18", "mobilenetv2", "shufflenetv2", "efficientnet-b0"; detectors: "tiny-yolov3",
  /// "ssdlite-mobilenetv2", or "yolo-fastest": a Darknet file. Absent in a site's file: as the task
  /// wants it, "tiny-yolov3" with an input_size of 224 for detection.
  std::string architecture = "resnet18";
  std::string path;     ///< Weights to start from; empty: trained from the bootstrap windows.
  double width = 0.25;  ///< Multiplies the channels of every layer.
  int input_size = 32;  ///< Side of the square input in pixels.
  int last_hidden = 0;  ///< Neurons of a hidden layer before the last; 0: none.
  /// "float32", "bfloat16", or "auto": float32 unless bfloat16 is measured to be faster.
  std::string serving_precision = "float32";
};

struct GoldenSettings {
  std::string source = "truth";  ///< "truth": the data set's own labels; "model": `model` says.
  std::string model;             ///< ONNX file of the golden model, where one is enough.
  double budget = 1;             ///< Largest part of the frames that is labelled, (0, 1].
  std::string classifier;        ///< That of cameras of task classification; empty: `model`.
  std::string detector;          ///< That of cameras of task detection; empty: `model`.
  /// What the golden classifier tells apart, in the order of its outputs; empty: its camera's
  /// classes.
  std::vector<std::string> classes;
};

struct ComputeSettings {
  /// "cpu:0": one core each; or "cuda:0": a GPU each. Absent in the file: cpu:0 alone.
  std::vector<std::string> devices;
  /// What one device may use of its core, (0, 1]: a declared smaller box.
  double device_cores = 1;
  Quanta quanta_per_device = 20;
  double window_seconds = 200;
  std::string scheduler = "planner";
  double accuracy_floor = 0;
  std::string enforcement = "auto";  ///< "auto", "cgroup", "pacing".
};

struct LearningSettings {
  std::vector<RetrainingConfiguration> retraining;  ///< Empty in the file: DefaultRetrainingGrid.
  std::vector<InferenceConfiguration> inference;    ///< Empty: DefaultInferenceConfigurations.
  int bootstrap_windows = 1;  ///< Windows whose labels train the first model before serving.
  int bootstrap_epochs = 30;
  double bootstrap_learning_rate = 0.01;  ///< As RetrainingConfiguration::learning_rate.
  bool bootstrap_augmentation = true;     ///< As RetrainingConfiguration::augmentation.
  /// "float32", "bfloat16", or "auto": bfloat16 where the processor multiplies it.
  std::string precision = "auto";
  int exemplars_per_class = 100;    ///< Kept and replayed.
  double profiling_fraction = 0.1;  ///< Part of the window's samples a trial trains on.
  int profiling_epochs = 5;
  /// Epochs without a better accuracy on the held-out samples after which a retraining ends with
  /// one last epoch; 0: never.
  int patience = 0;
  /// Of cameras that name no classes: a model begins with those that its first labels show, and
  /// grows by others when labels show them. False: it has an output for each that labels may
  /// say from the start, and none is added.
  bool new_classes = true;
  bool weigh_trials = false;  ///< Only those expected to be worth their cost are run.
  /// "trials", or "shared": profiles by a belief that few trials and achieved accuracies feed.
  std::string profiler = "trials";
  /// "off", "watch": drift is looked for and recorded, or "act": a stream that has not drifted is
  /// not retrained, and one that drifts begins its window early.
  std::string drift = "watch";
};

struct ServerSettings {
  std::string listen = "127.0.0.1:8080";
  std::string data_dir;  ///< Empty: the run's output folder.
  std::uint64_t max_bytes = 50'000'000'000;
};

/// A box and what it does: `site.yaml`.
struct Site {
  ServerSettings server;
  ComputeSettings compute;
  GoldenSettings golden;
  LearningSettings learning;
  ModelSettings model;  ///< Every camera's unless it says otherwise.
  std::vector<CameraSettings> cameras;
  std::map<std::string, ModelSettings> camera_models;  ///< By camera id, complete.
};

/// Reads `site.yaml`. Its sections and keys are the members above under the same names, but for
/// `compute.window` and `cameras.*.stall` (durations: 200s, 10m, 1.5h, or seconds) and
/// `cameras.*.model` (what differs from the section `model`). Parts are 10% or 0.1, sizes 50GB or
/// bytes, boxes [x, y, width, height]. Everything but `cameras` may be absent; `golden.source` is
/// "model" where a golden model is named. `defaults:` gives any camera key a value for all cameras,
/// which a camera overrides.
/// `{EKYA_NAME}` in a text is replaced by that environment variable (an unset one is an error); a
/// message never shows the value. Relative paths are relative to the file's folder. Whether files
/// exist is not looked at. Camera names are 1 to 64 letters, digits, `_`, `.` and `-`.
Result<Site> ReadSite(std::string_view text, const std::string& file);

/// The settings of the camera `id`; null where the site has none of that name.
const CameraSettings* FindCamera(const Site& site, const std::string& id);

/// The model settings of the camera `id`: its own, or the site's.
const ModelSettings& ModelOf(const Site& site, const std::string& id);

/// The file of the golden model that labels for cameras of `task`; empty where there is none.
const std::string& GoldenModelOf(const GoldenSettings& golden, const std::string& task);

/// The JSON Schema (draft 2020-12) of `site.yaml`.
std::string SiteSchema();

}  // namespace ekya
