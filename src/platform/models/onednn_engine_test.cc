#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "platform/models/darknet.h"
#include "platform/models/detector.h"
#include "platform/models/engine.h"
#include "platform/models/internal/each_architecture.h"
#include "platform/models/learning_detector.h"
#include "platform/models/torch_detector.h"

namespace ekya::models {
namespace {

using testing::HasSubstr;
using Kind = Layer::Kind;

constexpr double kTolerance = 1e-4;

/// By how much of the largest number of any output `engine` differs most from `network`, layer by
/// layer, on `count` pictures of `side` x `side`.
double DifferenceOn(Engine& engine, Network& network, int count, int side) {
  const auto pictures = torch::randn({count, 3, side, side}, MakeGenerator(3));
  auto found = engine.Run(pictures.data_ptr<float>(), count, side);
  EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.error().message);
  if (!found.ok()) return 1;
  const torch::NoGradGuard no_grad;
  const auto expected = network.Run(pictures);
  EXPECT_EQ(found->size(), expected.size());
  double worst = 0;
  for (std::size_t o = 0; o < std::min(found->size(), expected.size()); ++o) {
    const auto numbers = expected[o].contiguous();
    EXPECT_EQ((*found)[o].size(), static_cast<std::size_t>(numbers.numel()));
    if ((*found)[o].size() != static_cast<std::size_t>(numbers.numel())) return 1;
    const auto given = torch::from_blob((*found)[o].data(), numbers.sizes(), torch::kFloat);
    const double largest = std::max(1.0, numbers.abs().max().item<double>());
    worst = std::max(worst, (given - numbers).abs().max().item<double>() / largest);
  }
  return worst;
}

std::unique_ptr<Engine> Open(Network& network, int side,
                             Precision precision = Precision::kFloat32) {
  auto engine = OpenOneDnn(network.graph(), network.Store(), side, precision);
  EXPECT_TRUE(engine.ok()) << (engine.ok() ? "" : engine.error().message);
  return engine.ok() ? std::move(*engine) : nullptr;
}

bool HasOneDnn() {
  Network network([] {
    LayerGraph graph;
    graph.Output(graph.MaxPool(graph.input(), 2, 2, 0));
    return graph;
  }());
  const auto engine = OpenOneDnn(network.graph(), network.Store(), 8, Precision::kFloat32);
  return engine.ok() || engine.error().code != ErrorCode::kUnavailable;
}

class OneDnnTest : public testing::Test {
 protected:
  void SetUp() override {
    ComputeWithOneThread();
    if (!HasOneDnn()) GTEST_SKIP() << "this program was built without oneDNN";
  }

  /// A network of `graph` with drawn weights computes the same, on whatever is asked for.
  static void ExpectSame(LayerGraph graph, int side) {
    Network network(std::move(graph));
    network.Initialise(MakeGenerator(1));
    const auto engine = Open(network, side);
    ASSERT_NE(engine, nullptr);
    for (const auto& [count, size] : {std::pair{1, side}, {3, side}, {1, side + 8}, {1, side}}) {
      EXPECT_LE(DifferenceOn(*engine, network, count, size), kTolerance) << count << " " << size;
    }
  }
};

class OneDnnClassifierTest : public OneDnnTest, public testing::WithParamInterface<Architecture> {};

TEST_P(OneDnnClassifierTest, ComputesWhatLibTorchDoes) {
  struct Case {
    int side;
    double width;
  };
  for (const auto& [side, width] : {Case{32, 0.25}, Case{96, 0.25}, Case{32, 0.05}, Case{64, 1}}) {
    const auto model = internal::MakeSeen(GetParam().name, side, width);
    auto& network = dynamic_cast<TorchClassifier&>(*model).network();
    const auto engine = Open(network, side);
    ASSERT_NE(engine, nullptr);
    EXPECT_THAT(engine->name(), HasSubstr("oneDNN 2."));
    // Of the size that it was loaded for, of others, and several at once; memory grows on the way.
    for (const auto& [count, size] : {std::pair{1, side},
                                      {1, 48},
                                      {1, 128},
                                      {5, side},
                                      {21, side},
                                      {1, side},
                                      {21, 48},
                                      {1, 48}}) {
      if (width == 1 && count * size > 5 * 64) continue;  // takes its time
      EXPECT_LE(DifferenceOn(*engine, network, count, size), kTolerance)
          << width << ": " << count << " of " << size;
    }
  }
}

TEST_P(OneDnnClassifierTest, ComputesAboutTheSameWithBfloat16) {
  if (!HasFastBfloat16()) GTEST_SKIP() << "this processor does not multiply bfloat16";
  for (const auto& [side, width] : {std::pair{32, 0.25}, {96, 0.25}, {32, 0.05}}) {
    const auto model = internal::MakeSeen(GetParam().name, side, width);
    auto& network = dynamic_cast<TorchClassifier&>(*model).network();
    const auto engine = Open(network, side, Precision::kBfloat16);
    ASSERT_NE(engine, nullptr);
    for (const auto& [count, size] : {std::pair{1, side}, {5, side}, {1, 48}}) {
      EXPECT_LE(DifferenceOn(*engine, network, count, size), 0.05)
          << width << ": " << count << " of " << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, OneDnnClassifierTest, testing::ValuesIn(Architectures()),
                         internal::kNameOfTest);

TEST_F(OneDnnTest, ComputesDetectors) {
  for (const char* architecture : {"tiny-yolov3", "ssdlite-mobilenetv2"}) {
    for (const auto& [side, width] : {std::pair{64, 0.05}, {96, 0.5}}) {
      DetectorShape shape;
      shape.architecture = architecture;
      shape.width = width;
      shape.input_size = side;
      shape.classes = {"red", "blue"};
      const auto detector = LearningDetector::Create(shape, 1);
      ASSERT_TRUE(detector.ok()) << detector.error().message;
      auto& network = dynamic_cast<TorchDetector&>(**detector).network();
      ASSERT_GT(network.graph().outputs().size(), 1U);
      internal::SeePictures(network, side);
      const auto engine = Open(network, side);
      ASSERT_NE(engine, nullptr);
      for (const auto& [count, size] : {std::pair{1, side}, {2, side}, {1, 128}}) {
        EXPECT_LE(DifferenceOn(*engine, network, count, size), kTolerance)
            << architecture << " " << count << " " << size;
      }
      if (!HasFastBfloat16()) continue;
      const auto narrow = Open(network, side, Precision::kBfloat16);
      ASSERT_NE(narrow, nullptr);
      EXPECT_LE(DifferenceOn(*narrow, network, 1, side), 0.05) << architecture;
    }
  }
}

TEST_F(OneDnnTest, ComputesDarknetNetworks) {
  constexpr char kText[] =
      "[net]\nwidth=32\nheight=32\n"
      "[convolutional]\nfilters=8\nsize=3\npad=1\nbatch_normalize=1\nactivation=mish\n"
      "[maxpool]\nsize=2\nstride=2\n[convolutional]\nfilters=8\nsize=1\nactivation=leaky\n"
      "[shortcut]\nfrom=-2\nactivation=relu\n[maxpool]\nsize=2\nstride=1\n"
      "[upsample]\nstride=2\n[route]\nlayers=-1,0\n[route]\nlayers=-1\ngroups=2\ngroup_id=1\n"
      "[convolutional]\nfilters=7\nactivation=linear\n"
      "[yolo]\nmask=0\nanchors=4,4\nclasses=2\nnum=1\n";
  const auto parsed = ParseDarknet(kText, "text");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  ExpectSame(parsed->graph, 32);
}

TEST_F(OneDnnTest, ComputesEveryKindOfLayer) {
  LayerGraph graph;
  // One channel, and groups that are neither all nor one.
  const int one = graph.Convolve(graph.input(), "one", 1, {.kernel = 3});
  const int many = graph.Activate(
      graph.Convolve(one, "many", 20, {.kernel = 5, .stride = 2, .bias = true}), Activation::kSilu);
  const int grouped = graph.Convolve(many, "grouped", 24, {.kernel = 3, .groups = 4, .bias = true});
  const int pooled = graph.Append({.kind = Kind::kMaxPool,
                                   .inputs = {grouped},
                                   .channels = 24,
                                   .kernel = 2,
                                   .stride = 1,
                                   .padding_after = 1});
  // Channels out of their order, from places that no block begins at.
  const int shuffled = graph.Shuffle(pooled, 3);
  const int piece = graph.Slice(shuffled, 5, 14);
  const int both = graph.Concatenate({piece, many, graph.Slice(grouped, 1, 3)});
  const int mixed = graph.Convolve(both, "mixed", 9, {.kernel = 1, .bias = true});
  const int up =
      graph.Append({.kind = Kind::kUpsample, .inputs = {mixed}, .channels = 9, .stride = 3});
  // A channel's pixels times a number of its own.
  const int gate = graph.Activate(
      graph.Convolve(graph.GlobalAverage(up), "gate", 9, {.bias = true}), Activation::kSigmoid);
  const int gated = graph.Multiply(up, gate);
  graph.Output(graph.Activate(gated, Activation::kMish));
  graph.Output(shuffled);
  graph.Output(graph.Linear(graph.Flatten(graph.GlobalAverage(gated)), "linear", 5));
  ExpectSame(graph, 16);
}

TEST_F(OneDnnTest, LeavesAloneWhatOthersRead) {
  // Sums whose parts are read before, after, by views, or are outputs; and one of a layer with
  // itself.
  LayerGraph graph;
  const int first = graph.Convolve(graph.input(), "first", 16, {.kernel = 3, .bias = true});
  const int second = graph.Convolve(first, "second", 16, {.kernel = 3, .bias = true});
  const int sum = graph.Activate(graph.Add(second, first), Activation::kRelu);
  const int third = graph.Convolve(sum, "third", 16, {.kernel = 3, .bias = true});
  const int late = graph.Activate(graph.Add(sum, third), Activation::kRelu6);
  const int again = graph.Add(late, sum);
  const int fourth = graph.Convolve(again, "fourth", 16, {.kernel = 1, .bias = true});
  const int half = graph.Slice(again, 3, 8);
  const int fifth = graph.Add(again, fourth);
  graph.Output(graph.Concatenate({half, graph.Add(fifth, fifth)}));
  graph.Output(fourth);
  const int three = graph.Convolve(graph.input(), "three", 3, {.kernel = 3, .bias = true});
  graph.Output(graph.Activate(graph.Add(graph.input(), three), Activation::kLeaky));
  graph.Output(graph.Slice(graph.input(), 1, 1));
  ExpectSame(graph, 16);
}

TEST_F(OneDnnTest, KeepsFewPlansAndMakesThemAgain) {
  const auto model = internal::MakeSeen("resnet18", 32, 0.1);
  auto& network = dynamic_cast<TorchClassifier&>(*model).network();
  const auto engine = Open(network, 32);
  ASSERT_NE(engine, nullptr);
  for (int turn = 0; turn < 2; ++turn) {
    for (int side = 32; side <= 80; side += 4) {
      EXPECT_LE(DifferenceOn(*engine, network, 1, side), kTolerance) << side;
    }
  }
}

TEST_F(OneDnnTest, RefusesPicturesThatNothingIsLeftOf) {
  LayerGraph graph;
  graph.Output(graph.MaxPool(graph.input(), 8, 8, 0));
  Network network(graph);
  const auto engine = Open(network, 16);
  ASSERT_NE(engine, nullptr);
  const std::vector<float> picture(3 * 4 * 4);
  const auto found = engine->Run(picture.data(), 1, 4);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kFailed);
  EXPECT_THAT(found.error().message, HasSubstr("oneDNN: "));
  // And works on.
  EXPECT_LE(DifferenceOn(*engine, network, 1, 16), kTolerance);
}

/// In a process of its own, since oneDNN looks at the processor once: 0 where all is the same.
[[noreturn]] void ComputeAsOn(const char* processor) {
  ::setenv("DNNL_MAX_CPU_ISA", processor, 1);
  ComputeWithOneThread();
  bool same = true;
  for (const char* architecture : {"resnet18", "shufflenetv2"}) {
    const auto model = internal::MakeSeen(architecture, 32, 0.25);
    auto& network = dynamic_cast<TorchClassifier&>(*model).network();
    auto engine = OpenOneDnn(network.graph(), network.Store(), 32, Precision::kFloat32);
    same = same && engine.ok() && DifferenceOn(**engine, network, 5, 32) <= kTolerance;
    // Refused, or right.
    auto narrow = OpenOneDnn(network.graph(), network.Store(), 32, Precision::kBfloat16);
    same = same && (!narrow.ok() || DifferenceOn(**narrow, network, 1, 32) <= 0.05);
  }
  std::_Exit(same ? 0 : 1);
}

TEST(OneDnnDeathTest, ComputesTheSameOnSmallerProcessors) {
  if (!HasOneDnn()) GTEST_SKIP() << "this program was built without oneDNN";
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(ComputeAsOn("SSE41"), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(ComputeAsOn("AVX2"), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(ComputeAsOn("AVX512_CORE"), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ekya::models
