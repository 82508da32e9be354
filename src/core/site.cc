#include "core/site.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "core/device.h"
#include "core/document.h"
#include "core/internal/field_table.h"
#include "core/map_reader.h"
#include "core/url.h"

namespace ekya {
namespace {

using field::Bytes;
using field::Choice;
using field::Context;
using field::Count;
using field::Field;
using field::Fields;
using field::Flag;
using field::Fraction;
using field::Id;
using field::Integer;
using field::List;
using field::Nested;
using field::Number;
using field::Path;
using field::Seconds;
using field::Text;
using field::Texts;

constexpr std::size_t kMaxCameras = 1000;
// Sides of a model's input where the file names none.
constexpr int kClassifierSide = 32;
constexpr int kDetectorSide = 224;
constexpr double kDay = 86400;
constexpr MapReader::Range kPart{.low = 0, .high = 1, .low_open = true};
/// Stream ids are names of folders and topics.
constexpr char kIdPattern[] = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$";

/// A camera while it is read: what the site says for all, then what the camera says.
struct Camera {
  CameraSettings settings;
  ModelSettings model;
};

/// The whole file while it is read.
struct Draft {
  Site site;
  Camera defaults;
};

template <typename Section, typename Member>
Field<Section> Custom(const std::string& key, Member Section::*member,
                      const std::string& description,
                      void (*read)(MapReader&, const std::string&, Member*),
                      std::function<void(JsonWriter&)> schema) {
  return {
      key, description,
      [=](MapReader& map, const Context&, Section& section) { read(map, key, &(section.*member)); },
      std::move(schema)};
}

void CheckListen(MapReader& map, ServerSettings& server) {
  const std::size_t colon = server.listen.rfind(':');
  int port = -1;
  if (colon != std::string::npos && colon > 0) {
    const char* const end = server.listen.data() + server.listen.size();
    const auto [stop, code] = std::from_chars(server.listen.data() + colon + 1, end, port);
    if (code != std::errc() || stop != end) port = -1;
  }
  if (port < 0 || port > 65535) map.Fail("listen", "an address and port such as 127.0.0.1:8080");
}

const Fields<ServerSettings>& ServerFields() {
  static const Fields<ServerSettings> fields = {
      Text("listen", &ServerSettings::listen, "Address and port of the HTTP interface."),
      Path("data_dir", &ServerSettings::data_dir,
           "Folder of models, labels and events; absent: the run's output folder."),
      Bytes("max_bytes", &ServerSettings::max_bytes, {.low = 1e6, .high = 1e18},
            "What data_dir may hold, such as 50GB."),
  };
  return fields;
}

void CheckCompute(MapReader& map, ComputeSettings& compute) {
  if (map.Has("devices") && compute.devices.empty()) map.Fail("devices", "at least one");
  if (compute.devices.size() > kMaxDevices) {
    map.Fail("devices", fmt::format("at most {}", kMaxDevices));
  }
  std::vector<Device> known;
  for (const std::string& name : compute.devices) {
    const auto device = ParseDevice(name);
    if (!device.ok()) {
      map.Fail("devices", "\"" + name + "\"", "names of devices such as cpu:0 or cuda:0");
    } else if (std::ranges::find(known, *device) != known.end()) {
      map.Fail("devices", Name(*device) + " twice", "each device once");
    } else if (!known.empty() && known.front().kind != device->kind) {
      // A schedule may move a job to any device, on which it is to be as fast.
      map.Fail("devices", fmt::format("{} beside {}", Name(*device), Name(known.front())),
               "either processors or CUDA devices");
    } else {
      known.push_back(*device);
    }
  }
  if (compute.scheduler.empty()) map.Fail("scheduler", "the name of a scheduler");
}

const Fields<ComputeSettings>& ComputeFields() {
  static const Fields<ComputeSettings> fields = {
      Texts("devices", &ComputeSettings::devices,
            "What computes: one core each, [cpu:0, cpu:1], or CUDA devices, [cuda:0], not both. "
            "Absent: [cpu:0]."),
      Fraction("device_cores", &ComputeSettings::device_cores, kPart,
               "What one device may use of its core: declares a smaller box."),
      Integer("quanta_per_device", &ComputeSettings::quanta_per_device,
              {.low = 1, .high = kMaxQuantaPerDevice}, "Smallest shares that make one device."),
      Seconds("window", &ComputeSettings::window_seconds,
              {.low = 0, .high = 366 * kDay, .low_open = true},
              "Length of a retraining window, such as 200s."),
      Text("scheduler", &ComputeSettings::scheduler,
           "Name of a scheduler, with options after a colon."),
      Fraction("accuracy_floor", &ComputeSettings::accuracy_floor, kFraction,
               "At every instant each stream's accuracy is at least this, where feasible."),
      Choice("enforcement", &ComputeSettings::enforcement, {"auto", "cgroup", "pacing"},
             "How shares are enforced."),
  };
  return fields;
}

void CheckGolden(MapReader& map, GoldenSettings& golden) {
  // Who names a model wants it used.
  const bool named =
      !golden.model.empty() || !golden.classifier.empty() || !golden.detector.empty();
  if (named && !map.Has("source")) golden.source = "model";
  if (!named && golden.source == "model") {
    map.Fail("model", "the golden model's ONNX file");
  }
}

const Fields<GoldenSettings>& GoldenFields() {
  static const Fields<GoldenSettings> fields = {
      Choice("source", &GoldenSettings::source, {"truth", "model"},
             "Where labels come from: the data set itself, or the golden model (the default where "
             "one is named)."),
      Path("model", &GoldenSettings::model,
           "ONNX file of the golden model, where all cameras have the same task."),
      Path("classifier", &GoldenSettings::classifier,
           "ONNX file of the golden model of cameras of task classification; absent: model."),
      Path("detector", &GoldenSettings::detector,
           "ONNX file of the golden model of cameras of task detection; absent: model."),
      Texts("classes", &GoldenSettings::classes,
            "What the golden classifier tells apart, in the order of its outputs; absent: the "
            "camera's classes."),
      Fraction("budget", &GoldenSettings::budget, kPart,
               "Largest part of the frames that is labelled, such as 10%."),
  };
  return fields;
}

const Fields<RetrainingConfiguration>& RetrainingFields() {
  using R = RetrainingConfiguration;
  static const Fields<R> fields = {
      Id("id", &R::id, "Unique name; absent: made of epochs, fraction and stages."),
      Integer("epochs", &R::epochs, {.low = 1, .high = 10'000}, "Passes over the samples."),
      Fraction("sample_fraction", &R::sample_fraction, kPart,
               "Part of the window's samples that is trained on."),
      Integer("trained_stages", &R::trained_stages, {.low = 1, .high = 5},
              "Stages that are trained, counted from the output; 1: the head alone."),
      Integer("last_hidden", &R::last_hidden, {.low = 0, .high = 65'536},
              "Neurons of the last hidden layer; 0: as the served model has it."),
      Integer("batch_size", &R::batch_size, {.low = 1, .high = 65'536}, "Samples per step."),
      Number("learning_rate", &R::learning_rate, {.low = 0, .high = 10, .low_open = true},
             "Step size."),
      Flag("augmentation", &R::augmentation,
           "Whether pictures are mirrored, shifted and changed in light at random."),
      Flag("balanced", &R::balanced,
           "Whether every class is shown about as often, exemplars making up for what is rare."),
      Number("distillation", &R::distillation, {.low = 0, .high = 100},
             "Weight of keeping the served model's answers where they are right; 0: none."),
  };
  return fields;
}

const Fields<InferenceConfiguration>& InferenceFields() {
  using I = InferenceConfiguration;
  static const Fields<I> fields = {
      Id("id", &I::id, "Unique name; absent: made of the interval and the input size."),
      Integer("frame_interval", &I::frame_interval, {.low = 1, .high = 10'000},
              "Every n-th frame is analysed; the others carry the last result."),
      Integer("input_size", &I::input_size, {.low = 0, .high = 4096},
              "Side of the square input in pixels; 0: the model's own."),
  };
  return fields;
}

const Fields<LearningSettings>& LearningFields() {
  using L = LearningSettings;
  static const Fields<L> fields = {
      List<L, RetrainingConfiguration>(
          "retraining", &L::retraining, RetrainingFields(),
          "Retraining configurations that are tried; absent or empty: a grid of 18.",
          [](RetrainingConfiguration& each) {
            if (each.id.empty()) {
              each.id = fmt::format("e{}-f{:g}-d{}", each.epochs, 100 * each.sample_fraction,
                                    each.trained_stages);
            }
          }),
      List<L, InferenceConfiguration>(
          "inference", &L::inference, InferenceFields(),
          "Inference configurations; absent or empty: every frame, every 2nd, 4th and 8th.",
          [](InferenceConfiguration& each) {
            if (!each.id.empty()) return;
            each.id = fmt::format("every-{}", each.frame_interval);
            if (each.input_size > 0) each.id += fmt::format("-{}px", each.input_size);
          }),
      Integer("bootstrap_windows", &L::bootstrap_windows, {.low = 0, .high = 10'000},
              "Windows whose labels train the first model before serving."),
      Integer("bootstrap_epochs", &L::bootstrap_epochs, {.low = 1, .high = 10'000},
              "Passes over the labels of the bootstrap windows."),
      Number("bootstrap_learning_rate", &L::bootstrap_learning_rate,
             {.low = 0, .high = 10, .low_open = true}, "Step size of the first training."),
      Flag("bootstrap_augmentation", &L::bootstrap_augmentation,
           "Whether the first model's pictures are varied, as a configuration's augmentation."),
      Choice("precision", &L::precision, {"auto", "float32", "bfloat16"},
             "What training computes with; auto: bfloat16 where the processor multiplies it, which "
             "takes half the time there. Weights stay float32."),
      Integer("exemplars_per_class", &L::exemplars_per_class, {.low = 0, .high = 1'000'000},
              "Samples of each class that are kept and replayed."),
      Fraction("profiling_fraction", &L::profiling_fraction, kPart,
               "Part of the window's samples that a trial trains on."),
      Integer("profiling_epochs", &L::profiling_epochs, {.low = 1, .high = 10'000},
              "Most passes of a trial."),
      Integer("patience", &L::patience, {.low = 0, .high = 10'000},
              "Epochs without a better accuracy on the held-out samples after which a retraining "
              "ends with one last epoch; 0: never."),
      Flag("new_classes", &L::new_classes,
           "Whether the model of a camera that names no classes begins with those that its first "
           "labels show and learns others when labels show them. Else it has an output for each "
           "that labels may say from the start, and none is added."),
      Flag("weigh_trials", &L::weigh_trials,
           "Whether only those trials are run that are expected to be worth their cost; other "
           "profiles are then what earlier windows lead to expect."),
      Choice(
          "profiler", &L::profiler, {"trials", "shared"},
          "How profiles are made: by a trial of each kind of configuration, or by a belief about "
          "all of them that a few trials and what served models achieved feed."),
      Choice(
          "drift", &L::drift, {"off", "watch", "act"},
          "What is done about drift between windows: nothing, look for it and record it, or act: "
          "leave streams that have not drifted alone, and begin a window early for one that has."),
  };
  return fields;
}

const Fields<ModelSettings>& ModelFields() {
  using M = ModelSettings;
  static const Fields<M> fields = {
      Choice(
          "architecture", &M::architecture,
          {"resnet18", "mobilenetv2", "shufflenetv2", "efficientnet-b0", "tiny-yolov3",
           "ssdlite-mobilenetv2", "yolo-fastest"},
          "What is served. The last three detect; yolo-fastest comes from a Darknet file. Absent: "
          "resnet18, or tiny-yolov3 for task detection."),
      Path("path", &M::path, "Weights to start from; absent: trained from the bootstrap windows."),
      Number("width", &M::width, {.low = 0, .high = 4, .low_open = true},
             "Multiplies the channels of every layer."),
      Integer(
          "input_size", &M::input_size, {.low = 8, .high = 4096},
          "Side of the square input in pixels; a multiple of 32 for detectors. Absent: 32, or 224 "
          "for task detection."),
      Integer("last_hidden", &M::last_hidden, {.low = 0, .high = 65'536},
              "Neurons of a hidden layer before the last; 0: none."),
      Choice("serving_precision", &M::serving_precision, {"float32", "bfloat16", "auto"},
             "What serving computes with; auto: float32 unless bfloat16 is measured to be faster "
             "when a version is loaded. bfloat16 is computed by LibTorch."),
  };
  return fields;
}

/// How `url` names a source: "rtsp", "file", "folder", "scene", the layout of a data set, or ""
/// where it names none.
std::string KindOf(const std::string& url) {
  if (url.starts_with("rtsp://") || url.starts_with("rtsps://")) return "rtsp";
  std::vector<std::string> kinds = DatasetLayouts();
  kinds.insert(kinds.end(), {"file", "folder", "scene"});
  for (const std::string& kind : kinds) {
    const std::string prefix = kind + ":";
    if (url.starts_with(prefix)) return url.size() > prefix.size() ? kind : "";
  }
  return url.empty() || url.find("://") != std::string::npos ? "" : "file";
}

/// `camera.url`, with the paths of files and folders below the site's folder.
void ReadUrl(MapReader& map, const Context& context, CameraSettings& camera) {
  // As the file spells it: what placeholders stand for is never shown.
  std::string shown;
  map.Optional().Read("url", &shown);
  std::string url;
  field::ReadText(map, "url", &url);
  if (!map.Has("url") || map.failed()) return;
  const std::string kind = KindOf(url);
  if (kind.empty()) {
    return map.Fail("url", "\"" + ShownUrl(shown) + "\"",
                    fmt::format("rtsp://..., file:PATH or the path of a video, folder:MANIFEST, "
                                "scene:NAME or LAYOUT:PATH of a data set ({})",
                                fmt::join(DatasetLayouts(), ", ")));
  }
  if (kind != "rtsp" && kind != "scene") {
    const std::string prefix = url.starts_with(kind + ":") ? kind + ":" : "";
    url = prefix + field::Below(context.folder, url.substr(prefix.size()));
  }
  camera.url = url;
}

const Fields<CameraSettings>& CameraSettingsFields() {
  using C = CameraSettings;
  static const Fields<C> fields = {
      {"url",
       "Source: rtsp://..., a video's path, folder:MANIFEST, scene:NAME, or LAYOUT:PATH of a data "
       "set, such as coco:labels.json.",
       ReadUrl, [](JsonWriter& json) { json.Key("type").Text("string"); }},
      Choice("task", &C::task, {"classification", "detection"}, "What the stream's model does."),
      Texts("classes", &C::classes, "What the model tells apart, in order."),
      Flag("learn", &C::learn, "Whether the stream's model is retrained."),
      Number("frames_per_second", &C::frames_per_second, {.low = 0, .high = 1000},
             "Frames a second: of a video or a network camera at most so many, evenly spread; "
             "folders, data sets and scenes are shown at this rate. 0: the source's own."),
      Number("speed", &C::speed, {.low = 0, .high = 1e6, .low_open = true},
             "Scene seconds per second, for folders, data sets and scenes."),
      Text(
          "select", &C::select,
          "Folder: rows taken, such as slot=1-17. Data set: streams taken, such as stream=aachen."),
      Count("seed", &C::seed, "Scene: added to the run's seed."),
      Flag("loop", &C::loop, "Start again at the source's end."),
      Seconds("stall", &C::stall_seconds, {.low = 0, .high = kDay, .low_open = true},
              "Without a frame for so long the camera counts as gone."),
      Custom<C, std::map<std::string, Box>>(
          "regions", &C::regions,
          "Fixed regions to classify: {name: [x, y, width, height]} in pixels.", field::ReadRegions,
          [](JsonWriter& json) {
            json.Key("type").Text("object").Key("additionalProperties").BeginMap();
            field::BoxSchema(json);
            json.EndMap();
          }),
      Custom<C, std::vector<Box>>(
          "masks", &C::masks,
          "Parts of the picture that are blackened: [[x, y, width, height], ...] in pixels.",
          field::ReadBoxes,
          [](JsonWriter& json) {
            json.Key("type").Text("array").Key("items").BeginMap();
            field::BoxSchema(json);
            json.EndMap();
          }),
  };
  return fields;
}

/// The camera's own fields, and its model's.
const Fields<Camera>& CameraFields() {
  static const Fields<Camera> fields = [] {
    Fields<Camera> all;
    for (const Field<CameraSettings>& each : CameraSettingsFields()) {
      all.push_back({each.key, each.description,
                     [&each](MapReader& map, const Context& context, Camera& camera) {
                       each.read(map, context, camera.settings);
                     },
                     each.schema});
    }
    all.push_back(Nested("model", &Camera::model, ModelFields(),
                         "What differs from the site's model for this camera."));
    return all;
  }();
  return fields;
}

bool IsId(const std::string& id) {
  const auto plain = [](unsigned char c) { return c < 0x80 && std::isalnum(c) != 0; };
  return !id.empty() && id.size() <= 64 && plain(static_cast<unsigned char>(id[0])) &&
         std::ranges::all_of(
             id, [&](unsigned char c) { return plain(c) || c == '_' || c == '.' || c == '-'; });
}

/// What no single key shows.
void CheckCamera(MapReader& map, const GoldenSettings& golden, const Camera& camera) {
  const CameraSettings& settings = camera.settings;
  if (settings.url.empty()) map.Fail("url", "where its frames come from");
  const std::string kind = KindOf(settings.url);
  const bool has_truth =
      kind == "folder" || kind == "scene" || !DatasetLayoutOf(settings.url).empty();
  const bool golden_names = golden.source == "model" && !golden.classes.empty();
  if (settings.task == "classification" && settings.classes.empty() && !has_truth &&
      !golden_names) {
    map.Fail("classes", "a list of strings, since a classifier's source does not say them");
  }
  if (golden.source == "model" && GoldenModelOf(golden, settings.task).empty()) {
    const bool detects = settings.task == "detection";
    map.Fail("task", fmt::format("{:?}", settings.task),
             fmt::format("a task with a golden model: golden.{} or golden.model",
                         detects ? "detector" : "classifier"));
  }
  if (settings.learn && !has_truth && golden.source == "truth") {
    map.Fail("learn", "true",
             "false or a golden model (golden.model), since the source has no labels");
  }
  if (camera.model.architecture == "yolo-fastest" && camera.model.path.empty()) {
    map.Fail("model.path", "nothing", "the Darknet weights of yolo-fastest");
  }
  const std::string& architecture = camera.model.architecture;
  const bool detects = architecture == "tiny-yolov3" || architecture == "ssdlite-mobilenetv2";
  if (camera.model.path.empty() && architecture != "yolo-fastest" &&
      detects != (settings.task == "detection")) {
    map.Fail("model.architecture", fmt::format("{:?}", architecture),
             settings.task == "detection" ? "a detector, for task detection"
                                          : "a classifier, for task classification");
  }
}

/// One golden model can label for one task alone.
void CheckTasks(MapReader& map, const GoldenSettings& golden,
                const std::vector<CameraSettings>& cameras) {
  const auto detects = [](const CameraSettings& camera) { return camera.task == "detection"; };
  const bool both = std::ranges::any_of(cameras, detects) && !std::ranges::all_of(cameras, detects);
  if (golden.source == "model" && both && golden.classifier.empty() && golden.detector.empty()) {
    map.Fail("cameras", "cameras of both tasks and one golden model (golden.model)",
             "one for each task: golden.classifier and golden.detector");
  }
}

/// What `model` leaves open, as `task` wants it.
void Complete(const std::string& task, ModelSettings* model) {
  const bool detects = task == "detection";
  if (model->architecture.empty()) model->architecture = detects ? "tiny-yolov3" : "resnet18";
  if (model->input_size == 0) model->input_size = detects ? kDetectorSide : kClassifierSide;
}

void ReadCameras(MapReader& map, const Context& context, Draft& draft) {
  const Node* const cameras = map.Optional().Map("cameras");
  if (map.failed()) return;
  if (cameras == nullptr || cameras->members.empty()) {
    return map.Fail("cameras", "no camera", "at least one");
  }
  if (cameras->members.size() > kMaxCameras) {
    return map.Fail("cameras", fmt::format("{} cameras", cameras->members.size()),
                    fmt::format("at most {}", kMaxCameras));
  }
  MapReader entries(*cameras, map.file(), "cameras");
  for (const auto& [id, node] : cameras->members) {
    if (!IsId(id)) {
      entries.Fail(id, "that name",
                   "at most 64 letters, digits, _, . and -, beginning with a letter or digit");
      break;
    }
    Camera camera = draft.defaults;
    camera.settings.id = id;
    MapReader entry(node, map.file(), entries.PathOf(id));
    ReadFields(entry, context, CameraFields(), &camera);
    Complete(camera.settings.task, &camera.model);
    if (entry.Finish().ok()) CheckCamera(entry, draft.site.golden, camera);
    entries.Ignore(id);
    entries.Merge(entry.Finish());
    draft.site.cameras.push_back(camera.settings);
    draft.site.camera_models[id] = camera.model;
  }
  map.Merge(entries.Finish());
  if (!map.failed()) CheckTasks(map, draft.site.golden, draft.site.cameras);
}

/// A section of the site, of the same name in the draft.
template <typename Section>
Field<Draft> SiteSection(
    const std::string& key, Section Site::*member, const Fields<Section>& fields,
    const std::string& description,
    std::function<void(MapReader&, Section&)> check = [](MapReader&, Section&) {}) {
  const Field<Site> inner = Nested(key, member, fields, description, std::move(check));
  return {key, description,
          [inner](MapReader& map, const Context& context, Draft& draft) {
            inner.read(map, context, draft.site);
          },
          inner.schema};
}

void CameraSchema(JsonWriter& json) { json.Key("$ref").Text("#/$defs/camera"); }

/// In the order in which they are read: the later build on the earlier.
const Fields<Draft>& SiteFields() {
  static const Fields<Draft> fields = {
      SiteSection<ServerSettings>("server", &Site::server, ServerFields(),
                                  "Where the server listens and keeps its data.", CheckListen),
      SiteSection<ComputeSettings>("compute", &Site::compute, ComputeFields(),
                                   "The box's compute and how it is shared.", CheckCompute),
      SiteSection<GoldenSettings>("golden", &Site::golden, GoldenFields(),
                                  "Where labels come from.", CheckGolden),
      SiteSection<LearningSettings>("learning", &Site::learning, LearningFields(),
                                    "What is tried, and what is kept against forgetting."),
      SiteSection<ModelSettings>("model", &Site::model, ModelFields(),
                                 "Every camera's model, unless the camera says otherwise."),
      {"defaults", "Any key of a camera, for all cameras that do not say otherwise.",
       [](MapReader& map, const Context& context, Draft& draft) {
         draft.defaults.model = draft.site.model;
         const Node* const node = map.Optional().Map("defaults");
         if (node == nullptr) return;
         MapReader defaults(*node, map.file(), "defaults");
         ReadFields(defaults, context, CameraFields(), &draft.defaults);
         map.Merge(defaults.Finish());
       },
       CameraSchema},
      {"cameras", "The cameras by name.", ReadCameras,
       [](JsonWriter& json) {
         json.Key("type").Text("object").Key("minProperties").Integer(1);
         json.Key("maxProperties").Integer(kMaxCameras);
         json.Key("propertyNames").BeginMap().Key("pattern").Text(kIdPattern).EndMap();
         json.Key("additionalProperties").BeginMap();
         CameraSchema(json);
         json.EndMap();
       }},
  };
  return fields;
}

}  // namespace

Result<Site> ReadSite(std::string_view text, const std::string& file) {
  EKYA_ASSIGN(const Node node, ParseYaml(text, file));
  const Context context{std::filesystem::path(file).parent_path().string()};
  MapReader map(node, file, "");
  Draft draft;
  // Open until the task is known.
  draft.site.model.architecture.clear();
  draft.site.model.input_size = 0;
  ReadFields(map, context, SiteFields(), &draft);
  EKYA_RETURN_IF_ERROR(map.Finish());
  Site& site = draft.site;
  Complete("classification", &site.model);
  if (site.compute.devices.empty()) site.compute.devices = {"cpu:0"};
  if (site.learning.retraining.empty()) site.learning.retraining = DefaultRetrainingGrid();
  if (site.learning.inference.empty()) {
    site.learning.inference = DefaultInferenceConfigurations();
  }
  return std::move(site);
}

const CameraSettings* FindCamera(const Site& site, const std::string& id) {
  const auto found = std::ranges::find(site.cameras, id, &CameraSettings::id);
  return found == site.cameras.end() ? nullptr : &*found;
}

const ModelSettings& ModelOf(const Site& site, const std::string& id) {
  const auto own = site.camera_models.find(id);
  return own == site.camera_models.end() ? site.model : own->second;
}

const std::string& GoldenModelOf(const GoldenSettings& golden, const std::string& task) {
  const std::string& own = task == "detection" ? golden.detector : golden.classifier;
  return own.empty() ? golden.model : own;
}

std::string SiteSchema() {
  JsonWriter json;
  json.BeginMap();
  json.Key("$schema").Text("https://json-schema.org/draft/2020-12/schema");
  json.Key("title").Text("Ekya site");
  field::WriteSchema(json, SiteFields());
  json.Key("required").BeginList().Text("cameras").EndList();
  json.Key("$defs").BeginMap().Key("camera").BeginMap();
  field::WriteSchema(json, CameraFields());
  json.EndMap().EndMap();
  json.EndMap();
  return json.Take();
}

}  // namespace ekya
