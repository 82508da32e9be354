#include "core/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "core/document.h"

namespace ekya {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// Says every key that there is.
constexpr char kEveryKey[] = R"(
server: {listen: "0.0.0.0:80", data_dir: data, max_bytes: 1.5GiB}
compute:
  devices: [cpu:0, cpu:3]
  device_cores: 50%
  quanta_per_device: 10
  window: 10m
  scheduler: uniform:config=2,share=0.5
  accuracy_floor: 0.4
  enforcement: pacing
golden: {source: model, model: golden.onnx, budget: 10%, classifier: resnet.onnx,
         detector: yolox.onnx, classes: [busy, free]}
learning:
  retraining:
    - {id: quick, epochs: 3, sample_fraction: 25%, trained_stages: 2, last_hidden: 64,
       batch_size: 16, learning_rate: 0.001, augmentation: false,
       balanced: false, distillation: 2.5}
    - {epochs: 7}
  inference:
    - {id: all, frame_interval: 1, input_size: 64}
    - {frame_interval: 3}
  bootstrap_windows: 2
  bootstrap_epochs: 9
  bootstrap_learning_rate: 0.05
  bootstrap_augmentation: false
  precision: bfloat16
  exemplars_per_class: 11
  profiling_fraction: 0.2
  profiling_epochs: 4
  patience: 3
  new_classes: false
  weigh_trials: true
  profiler: shared
  drift: act
model: {architecture: resnet18, path: start.safetensors, width: 0.5, input_size: 48, last_hidden: 32,
        serving_precision: auto}
defaults:
  task: detection
  classes: [person, car]
cameras:
  lobby:
    url: "rtsp://10.0.0.5/s1"
    task: classification
    classes: [free, busy]
    learn: false
    frames_per_second: 12.5
    speed: 30
    select: slot=1-17
    seed: 7
    loop: true
    stall: 30s
    regions: {slot-1: [10, 20, 30.5, 40]}
    masks: [[0, 0, 100, 20], [-5, 0, 10, 10]]
    model: {architecture: resnet18, path: lobby.safetensors, width: 0.25, input_size: 24,
            last_hidden: 16, serving_precision: bfloat16}
  yard: {url: clip.mp4}
)";

std::string ErrorOfSite(const std::string& text) {
  const auto site = ReadSite(text, "site.yaml");
  return site.ok() ? "no error" : site.error().message;
}

TEST(SiteTest, ReadsEveryKey) {
  const auto site = ReadSite(kEveryKey, "/etc/ekya/site.yaml");
  ASSERT_TRUE(site.ok()) << site.error().message;
  EXPECT_EQ(site->server.listen, "0.0.0.0:80");
  EXPECT_EQ(site->server.data_dir, "/etc/ekya/data");
  EXPECT_EQ(site->server.max_bytes, 3ULL << 29);
  EXPECT_THAT(site->compute.devices, ElementsAre("cpu:0", "cpu:3"));
  EXPECT_EQ(site->compute.device_cores, 0.5);
  EXPECT_EQ(site->compute.quanta_per_device, 10);
  EXPECT_EQ(site->compute.window_seconds, 600);
  EXPECT_EQ(site->compute.scheduler, "uniform:config=2,share=0.5");
  EXPECT_EQ(site->compute.accuracy_floor, 0.4);
  EXPECT_EQ(site->compute.enforcement, "pacing");
  EXPECT_EQ(site->golden.source, "model");
  EXPECT_EQ(site->golden.model, "/etc/ekya/golden.onnx");
  EXPECT_EQ(site->golden.budget, 0.1);
  EXPECT_EQ(site->golden.classifier, "/etc/ekya/resnet.onnx");
  EXPECT_EQ(site->golden.detector, "/etc/ekya/yolox.onnx");
  EXPECT_THAT(site->golden.classes, ElementsAre("busy", "free"));
  EXPECT_EQ(GoldenModelOf(site->golden, "detection"), site->golden.detector);
  EXPECT_EQ(GoldenModelOf(site->golden, "classification"), site->golden.classifier);
  const LearningSettings& learning = site->learning;
  ASSERT_EQ(learning.retraining.size(), 2U);
  EXPECT_EQ(learning.retraining[0].id, "quick");
  EXPECT_EQ(learning.retraining[0].epochs, 3);
  EXPECT_EQ(learning.retraining[0].sample_fraction, 0.25);
  EXPECT_EQ(learning.retraining[0].trained_stages, 2);
  EXPECT_FALSE(learning.retraining[0].augmentation);
  EXPECT_EQ(learning.retraining[0].last_hidden, 64);
  EXPECT_EQ(learning.retraining[0].batch_size, 16);
  EXPECT_EQ(learning.retraining[0].learning_rate, 0.001);
  EXPECT_FALSE(learning.retraining[0].augmentation);
  EXPECT_FALSE(learning.retraining[0].balanced);
  EXPECT_EQ(learning.retraining[0].distillation, 2.5);
  EXPECT_EQ(learning.retraining[1].id, "e7-f100-d5");
  EXPECT_TRUE(learning.retraining[1].balanced);
  EXPECT_TRUE(learning.retraining[1].augmentation);
  ASSERT_EQ(learning.inference.size(), 2U);
  EXPECT_EQ(learning.inference[0].id, "all");
  EXPECT_EQ(learning.inference[0].input_size, 64);
  EXPECT_EQ(learning.inference[1].id, "every-3");
  EXPECT_EQ(learning.bootstrap_windows, 2);
  EXPECT_EQ(learning.bootstrap_epochs, 9);
  EXPECT_EQ(learning.bootstrap_learning_rate, 0.05);
  EXPECT_FALSE(learning.bootstrap_augmentation);
  EXPECT_EQ(learning.precision, "bfloat16");
  EXPECT_EQ(learning.exemplars_per_class, 11);
  EXPECT_EQ(learning.profiling_fraction, 0.2);
  EXPECT_EQ(learning.profiling_epochs, 4);
  EXPECT_EQ(learning.patience, 3);
  EXPECT_FALSE(learning.new_classes);
  EXPECT_TRUE(learning.weigh_trials);
  EXPECT_EQ(learning.profiler, "shared");
  EXPECT_EQ(learning.drift, "act");
  ASSERT_EQ(site->cameras.size(), 2U);
  const CameraSettings& lobby = site->cameras[0];
  EXPECT_EQ(lobby.id, "lobby");
  EXPECT_EQ(lobby.url, "rtsp://10.0.0.5/s1");
  EXPECT_EQ(lobby.task, "classification");
  EXPECT_THAT(lobby.classes, ElementsAre("free", "busy"));
  EXPECT_FALSE(lobby.learn);
  EXPECT_EQ(lobby.frames_per_second, 12.5);
  EXPECT_EQ(lobby.speed, 30);
  EXPECT_EQ(lobby.select, "slot=1-17");
  EXPECT_EQ(lobby.seed, 7U);
  EXPECT_TRUE(lobby.loop);
  EXPECT_EQ(lobby.stall_seconds, 30);
  EXPECT_EQ(lobby.regions.at("slot-1").width, 30.5);
  ASSERT_EQ(lobby.masks.size(), 2U);
  EXPECT_EQ(lobby.masks[1].x, -5);
  const ModelSettings& model = site->camera_models.at("lobby");
  EXPECT_EQ(model.width, 0.25);
  EXPECT_EQ(model.input_size, 24);
  EXPECT_EQ(model.last_hidden, 16);
  EXPECT_EQ(model.path, "/etc/ekya/lobby.safetensors");
  EXPECT_EQ(site->camera_models.at("yard").path, "/etc/ekya/start.safetensors");
}

TEST(SiteTest, CamerasOverrideDefaultsAndDefaultsTheSite) {
  const auto site = ReadSite(R"(
cameras:
  a: {url: "scene:intersection"}
  b: {url: "folder:/data/b.csv", speed: 2, model: {input_size: 24}}
defaults: {speed: 60, classes: [x], model: {width: 1}}
model: {width: 0.5, last_hidden: 8}
)",
                             "examples/site.yaml");
  ASSERT_TRUE(site.ok()) << site.error().message;
  EXPECT_EQ(site->cameras[0].speed, 60);
  EXPECT_EQ(site->cameras[1].speed, 2);
  EXPECT_THAT(site->cameras[1].classes, ElementsAre("x"));
  EXPECT_EQ(site->cameras[1].url, "folder:/data/b.csv");
  EXPECT_EQ(site->camera_models.at("a").width, 1);
  EXPECT_EQ(site->camera_models.at("a").input_size, 32);
  EXPECT_EQ(site->camera_models.at("b").width, 1);
  EXPECT_EQ(site->camera_models.at("b").last_hidden, 8);
  EXPECT_EQ(site->camera_models.at("b").input_size, 24);
  // What the file leaves out.
  EXPECT_THAT(site->compute.devices, ElementsAre("cpu:0"));
  EXPECT_EQ(site->learning.retraining.size(), DefaultRetrainingGrid().size());
  EXPECT_EQ(site->learning.inference.size(), DefaultInferenceConfigurations().size());
  EXPECT_EQ(site->golden.source, "truth");
}

TEST(SiteTest, PathsAreRelativeToTheFile) {
  const auto url = [](const std::string& value) {
    const auto site = ReadSite(
        "golden: {model: g.onnx}\ndefaults: {classes: [a]}\ncameras: {a: {url: \"" + value + "\"}}",
        "examples/site.yaml");
    return site.ok() ? site->cameras[0].url : site.error().message;
  };
  EXPECT_EQ(url("clip.mp4"), "examples/clip.mp4");
  EXPECT_EQ(url("file:../clip.mp4"), "file:clip.mp4");
  EXPECT_EQ(url("folder:data/m.csv"), "folder:examples/data/m.csv");
  EXPECT_EQ(url("folder:/data/m.csv"), "folder:/data/m.csv");
  EXPECT_EQ(url("scene:intersection"), "scene:intersection");
  EXPECT_EQ(url("coco:data/labels.json"), "coco:examples/data/labels.json");
  EXPECT_EQ(url("cityscapes:/data/cityscapes"), "cityscapes:/data/cityscapes");
  EXPECT_EQ(url("rtsp://host/stream"), "rtsp://host/stream");
  EXPECT_THAT(url("gopher://host"),
              HasSubstr("cameras.a.url: found \"gopher://host\", expected rtsp"));
  EXPECT_THAT(url("ftp://me:secret@host"), HasSubstr("found \"ftp://***@host\""));
  EXPECT_THAT(url("folder:"), HasSubstr("found \"folder:\", expected rtsp"));
  EXPECT_THAT(url("waymo:"), HasSubstr("found \"waymo:\", expected rtsp"));
}

TEST(SiteTest, PlaceholdersComeFromTheEnvironmentAndNeverShow) {
  const std::string camera =
      "golden: {model: g.onnx}\ncameras:\n  lobby:\n"
      "    url: \"rtsp://{EKYA_TEST_USER}:{EKYA_TEST_PASS}@host/{s1}\"\n";
  setenv("EKYA_TEST_USER", "ann", 1);
  unsetenv("EKYA_TEST_PASS");
  EXPECT_EQ(ErrorOfSite(camera + "    classes: [a]\n"),
            "site.yaml:4: cameras.lobby.url: found {EKYA_TEST_PASS}, expected that environment "
            "variable to be set");
  setenv("EKYA_TEST_PASS", "s{EKYA_ecret", 1);
  EXPECT_EQ(ReadSite(camera + "    classes: [a]\n", "site.yaml")->cameras[0].url,
            "rtsp://ann:s{EKYA_ecret@host/{s1}");
  const std::string error = ErrorOfSite(camera + "    clases: [a]\n");
  EXPECT_THAT(error, AllOf(HasSubstr("classes"), Not(HasSubstr("ecret"))));
  unsetenv("EKYA_TEST_USER");
  unsetenv("EKYA_TEST_PASS");
}

TEST(SiteTest, ErrorsNameLineKeyFoundAndExpected) {
  const std::string cameras = "cameras:\n  a: {url: \"scene:intersection\"}\n";
  const auto error = [&](const std::string& text) { return ErrorOfSite(cameras + text); };
  EXPECT_EQ(error("  b:\n    url: clip.mp4\n    classes: person\n"),
            "site.yaml:5: cameras.b.classes: found \"person\", expected a list of strings");
  EXPECT_EQ(error("  b: {url: clip.mp4, clases: [person]}\n"),
            "site.yaml:3: cameras.b: unknown key \"clases\", the nearest known one is \"classes\"");
  EXPECT_EQ(error("comput: {}\n"),
            "site.yaml:3: unknown key \"comput\", the nearest known one is \"compute\"");
  EXPECT_EQ(error("  b: {task: tracking, url: x.mp4}\n"),
            "site.yaml:3: cameras.b.task: found \"tracking\", expected \"classification\" or "
            "\"detection\"");
  EXPECT_EQ(error("compute: {window: soon}\n"),
            "site.yaml:3: compute.window: found \"soon\", expected a number above 0 and at most "
            "31622400 such as 200s or 10m");
  EXPECT_THAT(error("compute: {window: 0s}\n"), HasSubstr("found \"0s\""));
  EXPECT_THAT(error("compute: {window: -200}\n"), HasSubstr("found -200"));
  EXPECT_THAT(error("compute: {window: 1e300h}\n"), HasSubstr("found \"1e300h\""));
  EXPECT_THAT(error("compute: {device_cores: 110%}\n"), HasSubstr("found \"110%\""));
  EXPECT_THAT(error("golden: {budget: 0%}\n"), HasSubstr("golden.budget: found \"0%\""));
  EXPECT_THAT(error("golden: {source: model}\n"), HasSubstr("golden.model: found nothing"));
  const std::string detecting = "  b: {task: detection, classes: [car], url: x.mp4}\n";
  EXPECT_THAT(error(detecting + "golden: {classifier: g.onnx}\n"),
              HasSubstr("cameras.b.task: found \"detection\", expected a task with a golden model: "
                        "golden.detector or golden.model"));
  EXPECT_THAT(error(detecting + "golden: {model: g.onnx}\n"),
              HasSubstr("cameras: found cameras of both tasks"));
  EXPECT_EQ(error(detecting + "golden: {model: g.onnx, detector: d.onnx}\n"), "no error");
  EXPECT_THAT(error("server: {max_bytes: 50XB}\n"), HasSubstr("server.max_bytes: found \"50XB\""));
  EXPECT_THAT(error("server: {listen: localhost}\n"),
              HasSubstr("server.listen: found \"localhost\""));
  EXPECT_THAT(error("server: {listen: \"localhost:70000\"}\n"), HasSubstr("server.listen"));
  EXPECT_THAT(error("compute: {devices: []}\n"), HasSubstr("compute.devices: found an empty list"));
  EXPECT_THAT(error("compute: {devices: [gpu]}\n"), HasSubstr("found \"gpu\", expected names of"));
  EXPECT_THAT(error("compute: {devices: [cpu:1, cpu:01]}\n"), HasSubstr("cpu:1 twice"));
  EXPECT_THAT(error("compute: {devices: [cpu:-1]}\n"), HasSubstr("found \"cpu:-1\""));
  EXPECT_THAT(error("compute: {devices: [cuda:0, cpu:1]}\n"),
              HasSubstr("compute.devices: found cpu:1 beside cuda:0, expected either processors or "
                        "CUDA devices"));
  EXPECT_THAT(error("compute: {quanta_per_device: 0}\n"),
              HasSubstr("a whole number from 1 to 1000"));
  EXPECT_THAT(error("learning: {retraining: [{epochs: 3}, {epochs: 3}]}\n"),
              HasSubstr("learning.retraining[1].id: found \"e3-f100-d5\", expected another id than "
                        "that of learning.retraining[0]"));
  EXPECT_THAT(error("learning: {retraining: [{epoch: 3}]}\n"),
              HasSubstr("learning.retraining[0]: unknown key \"epoch\""));
  EXPECT_THAT(error("model: {width: 0}\n"), HasSubstr("model.width: found 0"));
  EXPECT_THAT(error("server:\n"), HasSubstr("server: found null, expected a map"));
}

TEST(SiteTest, ChecksEachCamera) {
  const auto error = [&](const std::string& camera) {
    return ErrorOfSite("cameras:\n  a: " + camera);
  };
  EXPECT_EQ(ErrorOfSite("server: {}\n"),
            "site.yaml:1: cameras: found no camera, expected at least one");
  EXPECT_EQ(ErrorOfSite("cameras: {}\n"),
            "site.yaml:1: cameras: found no camera, expected at least one");
  EXPECT_THAT(error("{}"), HasSubstr("cameras.a.url: found nothing, expected where its frames"));
  EXPECT_THAT(error("{url: clip.mp4, learn: false}"),
              HasSubstr("cameras.a.classes: found nothing, expected a list of strings"));
  EXPECT_TRUE(ReadSite("cameras:\n  a: {url: \"mot:/data/MOT17-02\"}\n", "site.yaml").ok());
  EXPECT_THAT(error("{url: clip.mp4, classes: [a]}"),
              HasSubstr("cameras.a.learn: found true, expected false or a golden model"));
  EXPECT_THAT(error("{url: \"scene:x\", classes: [a, a]}"), HasSubstr("found \"a\" twice"));
  EXPECT_THAT(error("{url: \"scene:x\", classes: [1]}"),
              HasSubstr("classes[0]: found 1, expected a string"));
  EXPECT_THAT(error("{url: \"scene:x\", masks: [[0, 0, 0, 5]]}"),
              HasSubstr("masks[0]: found a list of 4, expected a box"));
  EXPECT_THAT(error("{url: \"scene:x\", regions: {r: 5}}"),
              HasSubstr("regions.r: found 5, expected a box"));
  EXPECT_THAT(error("{url: \"scene:x\", seed: 1.5}"),
              HasSubstr("seed: found 1.5, expected a whole"));
  EXPECT_THAT(error("{url: \"scene:x\", stall: 0}"), HasSubstr("stall: found 0"));
  EXPECT_THAT(error("{url: \"scene:x\", model: {architecture: yolo-fastest}}"),
              HasSubstr("cameras.a.model.path: found nothing"));
  EXPECT_THAT(error("{url: \"scene:x\", task: detection, model: {architecture: resnet18}}"),
              HasSubstr("cameras.a.model.architecture: found \"resnet18\", expected a detector"));
  EXPECT_THAT(error("{url: \"scene:x\", model: {architecture: tiny-yolov3}}"),
              HasSubstr("found \"tiny-yolov3\", expected a classifier"));
  EXPECT_THAT(ErrorOfSite("cameras: {../etc: {url: \"scene:x\"}}"),
              HasSubstr("found that name, expected"));
  EXPECT_THAT(ErrorOfSite("cameras: {" + std::string(65, 'a') + ": {url: \"scene:x\"}}"),
              HasSubstr("found that name, expected"));
}

TEST(SiteTest, AModelIsWhatTheTaskWants) {
  const auto site = ReadSite(
      "model: {width: 0.5}\n"
      "cameras:\n  gate: {url: \"scene:x\", task: detection}\n  lot: {url: \"scene:x\"}\n",
      "site.yaml");
  ASSERT_TRUE(site.ok()) << site.error().message;
  EXPECT_EQ(site->camera_models.at("gate").architecture, "tiny-yolov3");
  EXPECT_EQ(site->camera_models.at("gate").input_size, 224);
  EXPECT_EQ(site->camera_models.at("gate").width, 0.5);
  EXPECT_EQ(site->camera_models.at("lot").architecture, "resnet18");
  EXPECT_EQ(site->camera_models.at("lot").input_size, 32);
}

TEST(SiteTest, RefusesWhatIsNoSite) {
  EXPECT_EQ(ErrorOfSite(""), "site.yaml: is empty");
  EXPECT_THAT(ErrorOfSite("just words"), HasSubstr("found \"just words\", expected a map"));
  EXPECT_THAT(ErrorOfSite("- a\n- b\n"), HasSubstr("found a list of 2, expected a map"));
  EXPECT_THAT(ErrorOfSite("{\"cameras\": {"), StartsWith("site.yaml:1: "));
  EXPECT_THAT(ErrorOfSite(std::string("\x89PNG\r\n\x1a\n\0\0", 10)),
              HasSubstr("expected UTF-8 text"));
  const std::string text = kEveryKey;
  // Half-written: an error, or what is there is whole; never a crash.
  for (std::size_t length = 0; length < text.find("cameras:"); length += 3) {
    EXPECT_FALSE(ReadSite(text.substr(0, length), "site.yaml").ok()) << length;
  }
  for (std::size_t length = 0; length < text.size(); length += 11) {
    (void)ReadSite(text.substr(0, length), "site.yaml").ok();
  }
}

/// The keys that the schema allows below `schema`, as paths.
void SchemaPaths(const Node& root, const Node& schema, const std::string& path,
                 std::set<std::string>* paths) {
  for (const auto& [word, value] : schema.members) {
    if (word == "$ref") {
      ASSERT_EQ(value.text, "#/$defs/camera");
      for (const auto& [name, defs] : root.members) {
        if (name == "$defs") SchemaPaths(root, defs.members.at(0).second, path, paths);
      }
    } else if (word == "items") {
      SchemaPaths(root, value, path + "[]", paths);
    } else if (word == "additionalProperties" && value.kind == Node::Kind::kMap) {
      SchemaPaths(root, value, path + ".*", paths);
    } else if (word == "properties") {
      for (const auto& [key, property] : value.members) {
        paths->insert(path + "." + key);
        SchemaPaths(root, property, path + "." + key, paths);
      }
    }
  }
}

/// The keys that `node` says, as paths of the schema; `open` says below which paths names are free.
void DocumentPaths(const Node& node, const std::string& path, const std::set<std::string>& open,
                   std::set<std::string>* paths) {
  for (const auto& [key, value] : node.members) {
    const std::string inner = path + (open.contains(path) ? ".*" : "." + key);
    if (!open.contains(path)) paths->insert(inner);
    DocumentPaths(value, inner, open, paths);
  }
  for (const Node& item : node.items) DocumentPaths(item, path + "[]", open, paths);
}

TEST(SiteSchemaTest, AllowsWhatTheReaderReads) {
  const Node schema = *ParseJson(SiteSchema(), "schema");
  std::set<std::string> allowed;
  SchemaPaths(schema, schema, "", &allowed);
  EXPECT_GT(allowed.size(), 60U);

  // The document says every key of the schema but those of `defaults`, which a camera's are.
  std::string text = kEveryKey;
  const std::size_t camera = text.find("    url:");
  const std::string keys = text.substr(camera, text.find("  yard") - camera);
  text.replace(text.find("  task: detection\n  classes: [person, car]\n"), 43, keys);
  ASSERT_TRUE(ReadSite(text, "site.yaml").ok()) << ErrorOfSite(text);
  std::set<std::string> said;
  DocumentPaths(*ParseYaml(text, "site.yaml"), "",
                {".cameras", ".cameras.*.regions", ".defaults.regions"}, &said);
  EXPECT_EQ(said, allowed);
}

}  // namespace
}  // namespace ekya
