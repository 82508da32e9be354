#include "apps/learning/throughput_measures.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "apps/learning/streams.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "core/json_writer.h"
#include "platform/models/engine.h"
#include "platform/models/served_classifier.h"
#include "stages/inference/event_log.h"
#include "stages/inference/inference_job.h"
#include "stages/retrain/retrainer.h"

namespace ekya::learning {
namespace {

using models::Classifier;
using models::ClassifierShape;
using models::Precision;

constexpr int kClasses = 10;
constexpr int kBatch = 32;
constexpr int kSteps = 6;  // minibatches of one measurement
constexpr int kTrainingTurns = 5;
constexpr int kServingTurns = 9;
constexpr int kRuns = 30;       // pictures of one measurement
constexpr double kSame = 1e-3;  // logits of both sides
constexpr double kWindows = 4;  // of the parking lot that are trained on, for the accuracies
constexpr std::size_t kMostTrained = 900;
constexpr std::size_t kMostJudged = 2000;
constexpr int kEpochs = 4;

ClassifierShape ShapeOf(const std::string& architecture, int side) {
  ClassifierShape shape;
  shape.architecture = architecture;
  shape.input_size = side;
  for (int i = 0; i < kClasses; ++i) shape.classes.push_back(std::to_string(i));
  return shape;
}

Image Noise(int width, int height, std::uint64_t seed) {
  Random random(seed);
  Image image{width, height, {}};
  image.pixels.resize(3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(random.Below(256));
  return image;
}

/// Processor seconds of every thread of this process.
double ProcessSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string LoadQuestion(const Classifier& model, const std::filesystem::path& weights) {
  JsonWriter json(JsonWriter::Layout::kOneLine);
  json.BeginMap().Key("do").Text("load").Key("architecture").Text(model.shape().architecture);
  json.Key("weights").Text(weights.string()).Key("side").Number(model.shape().input_size);
  return json.EndMap().Take();
}

std::string TrainQuestion(Precision precision, const char* layout) {
  JsonWriter json(JsonWriter::Layout::kOneLine);
  json.BeginMap().Key("do").Text("train").Key("precision").Text(models::Name(precision));
  json.Key("layout").Text(layout).Key("batch").Number(kBatch).Key("steps").Number(kSteps);
  return json.EndMap().Take();
}

/// The pictures of throughput_peer.py, as an engine takes them.
std::vector<float> Pictures(int side) {
  std::vector<float> numbers(3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<float>(i * 7919 % 1000) / 250 - 2;
  }
  return numbers;
}

/// Hands `model` to the peer, and makes sure that it computes the same there.
Status HandOver(const Classifier& model, models::Engine& engine, PythonPeer& peer,
                const std::filesystem::path& out) {
  const std::filesystem::path weights = out / "weights.safetensors";
  EKYA_RETURN_IF_ERROR(model.Save(weights));
  const auto answer = peer.Ask(LoadQuestion(model, weights));
  std::filesystem::remove(weights);
  if (!answer.ok()) return answer.error();
  const auto pictures = Pictures(model.shape().input_size);
  EKYA_ASSIGN(const auto ours, engine.Run(pictures.data(), 1, model.shape().input_size));
  const Node* theirs = Member(*answer, "logits");
  const auto& architecture = model.shape().architecture;
  if (theirs == nullptr || theirs->items.size() != ours[0].size()) {
    return Error{ErrorCode::kFailed, architecture + ": Python has another number of classes"};
  }
  for (std::size_t i = 0; i < ours[0].size(); ++i) {
    if (std::abs(theirs->items[i].number - ours[0][i]) > kSame) {
      return Error{ErrorCode::kFailed,
                   fmt::format("{}: logit {}: found {} by Python, expected {}", architecture, i,
                               theirs->items[i].number, ours[0][i])};
    }
  }
  return {};
}

/// Processor seconds a picture, of the second of two epochs.
Result<double> TrainingSeconds(Classifier& model, Precision precision) {
  retrain::TrainingSet set;
  for (int i = 0; i < kBatch * kSteps; ++i) {
    set.training.push_back({Noise(kTrainingSide, kTrainingSide, static_cast<std::uint64_t>(i)),
                            i % kClasses, 1.0 * i});
  }
  RetrainingConfiguration configuration;
  configuration.id = "throughput";
  configuration.epochs = 2;
  configuration.batch_size = kBatch;
  configuration.learning_rate = 0.001;
  configuration.augmentation = false;  // The other side has its pictures ready in memory.
  model.SetTrainingPrecision(precision);
  double seconds = 0;
  retrain::TrainingHooks hooks;
  hooks.epoch = [&](const retrain::TrainingProgress& progress) {
    seconds = progress.epoch_cpu_seconds;
    return true;
  };
  EKYA_ASSIGN(const auto outcome, retrain::Train(model, set, configuration, 1, hooks));
  return seconds / outcome.samples_per_epoch;
}

/// Processor seconds a call of `work`.
template <typename Work>
Result<double> SecondsOf(Work work) {
  EKYA_RETURN_IF_ERROR(work());
  const double start = ThreadCpuSeconds();
  for (int i = 0; i < kRuns; ++i) EKYA_RETURN_IF_ERROR(work());
  return (ThreadCpuSeconds() - start) / kRuns;
}

/// Processor seconds a frame of the whole stage: a camera's frames offered, analysed, told of and
/// followed into events.
Result<double> StageSeconds(const models::ModelSlot& slot, const Classifier& model,
                            const std::filesystem::path& out) {
  EKYA_ASSIGN(auto events, inference::EventLog::Open(out / "events.jsonl", "throughput",
                                                     model.shape().classes, 0));
  auto frame = std::make_shared<Frame>();
  frame->image = Noise(640, 360, 3);
  frame->regions = {{{200, 100, 160, 150}, {}, -1}};
  std::vector<FramePtr> frames;
  for (int i = 0; i <= kRuns; ++i) {
    auto next = std::make_shared<Frame>(*frame);
    next->index = i;
    next->time_seconds = 0.1 * i;
    frames.push_back(std::move(next));
  }
  std::int64_t analysed = 0;
  inference::InferenceJob::Hooks hooks;
  hooks.result = [&](const inference::FrameResult& result) {
    analysed += result.skipped ? 0 : 1;
    events->Add(result, 0);
  };
  double seconds = 0;
  {
    inference::InferenceJob job("throughput", slot, hooks);
    job.Offer(frames.front());
    job.Drain();
    const double start = ProcessSeconds();
    for (std::size_t i = 1; i < frames.size(); ++i) {
      job.Offer(frames[i]);
      job.Drain();
    }
    seconds = ProcessSeconds() - start;
  }
  if (analysed != kRuns + 1) return Error{ErrorCode::kFailed, "a frame was not analysed"};
  return seconds / kRuns;
}

}  // namespace

Status MeasureTraining(PythonPeer& peer, const std::filesystem::path& out, PairedTimes* times) {
  EKYA_ASSIGN(const auto model, Classifier::Create(ShapeOf("resnet18", kTrainingSide), 1));
  EKYA_ASSIGN(const auto engine, model->ToServingEngine(models::ServingPrecision::kFloat32));
  EKYA_RETURN_IF_ERROR(HandOver(*model, *engine, peer, out));
  struct Party {
    const char* name;
    Precision precision;
    const char* layout;  // null: this side
  };
  std::vector<Party> parties = {{kOurs32, Precision::kFloat32, nullptr},
                                {kPython32, Precision::kFloat32, "contiguous_format"},
                                {kPython32Last, Precision::kFloat32, "channels_last"}};
  if (models::HasFastBfloat16()) {
    parties.push_back({kOurs16, Precision::kBfloat16, nullptr});
    parties.push_back({kPython16Last, Precision::kBfloat16, "channels_last"});
  }
  for (int turn = 0; turn < kTrainingTurns; ++turn) {
    for (const Party& party : parties) {
      double seconds = 0;
      if (party.layout == nullptr) {
        EKYA_ASSIGN(seconds, TrainingSeconds(*model, party.precision));
      } else {
        EKYA_ASSIGN(seconds,
                    peer.AskNumber(TrainQuestion(party.precision, party.layout), "seconds"));
        seconds /= kBatch * kSteps;
      }
      times->Add(party.name, seconds);
      Log(LogLevel::kInfo, "throughput", "training, turn {}: {}: {:.1f} pictures/s", turn + 1,
          party.name, 1 / seconds);
    }
  }
  return {};
}

Status MeasureServing(PythonPeer& peer, const std::string& architecture, int side,
                      const std::filesystem::path& out, PairedTimes* times,
                      std::string* engine_name) {
  EKYA_ASSIGN(const auto model, Classifier::Create(ShapeOf(architecture, side), 1));
  EKYA_ASSIGN(const auto engine, model->ToServingEngine(models::ServingPrecision::kFloat32));
  *engine_name = engine->name();
  EKYA_RETURN_IF_ERROR(HandOver(*model, *engine, peer, out));
  models::ModelSlot slot;
  slot.Put({1, models::MakeServed(*model)});
  const auto served = slot.Get().model;
  const auto served16 = models::HasFastBfloat16()
                            ? models::MakeServed(*model, models::ServingPrecision::kFastest)
                            : nullptr;
  const auto eager = model->Clone();
  const auto pictures = Pictures(side);
  Frame frame;
  frame.image = Noise(side, side, 3);
  frame.regions = {{{0, 0, static_cast<double>(side), static_cast<double>(side)}, {}, -1}};
  const std::string question = fmt::format(R"({{"do": "serve", "runs": {}}})", kRuns);
  const auto analyze = [&frame](models::Model& by) -> Status {
    EKYA_ASSIGN(const auto found, by.Analyze(frame, 0));
    static_cast<void>(found);
    return {};
  };
  for (int turn = 0; turn < kServingTurns; ++turn) {
    EKYA_ASSIGN(const double ours, SecondsOf([&] { return analyze(*served); }));
    EKYA_ASSIGN(const double forward, SecondsOf([&]() -> Status {
                  EKYA_ASSIGN(const auto outputs, engine->Run(pictures.data(), 1, side));
                  static_cast<void>(outputs);
                  return {};
                }));
    EKYA_ASSIGN(const double stage, StageSeconds(slot, *model, out));
    EKYA_ASSIGN(const double libtorch, SecondsOf([&] { return analyze(*eager); }));
    EKYA_ASSIGN(const double python, peer.AskNumber(question, "seconds"));
    times->Add(kServed, ours);
    if (served16 != nullptr) {
      EKYA_ASSIGN(const double narrow, SecondsOf([&] { return analyze(*served16); }));
      times->Add(kServed16, narrow);
    }
    times->Add(kForward, forward);
    times->Add(kStage, stage);
    times->Add(kEager, libtorch);
    times->Add(kPython, python / kRuns);
  }
  Log(LogLevel::kInfo, "throughput",
      "{} at {} by {}: {:.2f} ms served, {:.2f} ms forward, {:.2f} ms stage", architecture, side,
      *engine_name, 1e3 * times->Median(kServed), 1e3 * times->Median(kForward),
      1e3 * times->Median(kStage));
  return {};
}

Result<std::vector<AccuracyRun>> MeasureAccuracies(const ExperimentRequest& request) {
  EKYA_ASSIGN(const auto streams, ParkingLotStreams(request.data / "cnrpark-a", kTrainingSide));
  retrain::TrainingSet set;
  std::vector<Sample> judged;
  for (const SampleStream& stream : streams) {
    for (std::size_t w = 0; w < stream.windows.size(); ++w) {
      auto& into = w < kWindows ? set.training : judged;
      into.insert(into.end(), stream.windows[w].samples.begin(), stream.windows[w].samples.end());
    }
  }
  // A uniform part of each.
  Random random(DeriveSeed(request.seed, "throughput"));
  random.Shuffle(set.training);
  random.Shuffle(judged);
  set.training.resize(std::min(set.training.size(), kMostTrained));
  judged.resize(std::min(judged.size(), kMostJudged));
  RetrainingConfiguration configuration;
  configuration.id = "accuracy";
  configuration.epochs = kEpochs;
  configuration.batch_size = kBatch;
  std::vector<AccuracyRun> runs;
  for (int i = 0; i < request.seeds; ++i) {
    AccuracyRun run;
    run.seed = request.seed + static_cast<std::uint64_t>(i);
    ClassifierShape shape = ShapeOf("resnet18", kTrainingSide);
    shape.classes = streams.front().classes;
    EKYA_ASSIGN(const auto model, Classifier::Create(shape, run.seed));
    for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
      model->SetTrainingPrecision(precision);
      EKYA_ASSIGN(const auto outcome, retrain::Train(*model, set, configuration, run.seed, {}));
      EKYA_ASSIGN(const double accuracy, retrain::MeasureAccuracy(*outcome.model, judged));
      (precision == Precision::kFloat32 ? run.float32 : run.bfloat16) = accuracy;
      Log(LogLevel::kInfo, "throughput", "seed {}, {}: accuracy {:.2f} %, {:.0f} s", run.seed,
          models::Name(precision), 100 * accuracy, outcome.cpu_seconds);
    }
    runs.push_back(run);
  }
  return runs;
}

Result<std::vector<double>> MeasureConfigurations() {
  ClassifierShape shape = ShapeOf("resnet18", 32);
  shape.width = 0.25;
  EKYA_ASSIGN(const auto model, Classifier::Create(shape, 1));
  retrain::TrainingSet set;
  for (int i = 0; i < 200; ++i) {
    set.training.push_back({Noise(32, 32, static_cast<std::uint64_t>(i)), i % kClasses, 1.0 * i});
  }
  std::vector<double> seconds;
  for (const RetrainingConfiguration& configuration : DefaultRetrainingGrid()) {
    EKYA_ASSIGN(const auto outcome, retrain::Train(*model, set, configuration, 1, {}));
    seconds.push_back(outcome.cpu_seconds);
  }
  return seconds;
}

}  // namespace ekya::learning
