#pragma once

#include <string>
#include <vector>

namespace ekya::models {

/// What is done to each number a layer gives. Leaky lets a tenth of what is negative through.
enum class Activation { kLinear, kRelu, kRelu6, kLeaky, kSilu, kSigmoid, kMish };

/// One step of a network: what it computes, of which earlier steps.
struct Layer {
  enum class Kind {
    kInput,        ///< The pictures.
    kConvolution,  ///< `kernel`, `stride`, `padding`, `groups`, `bias`.
    kBatchNorm,    ///< `epsilon`.
    kActivation,   ///< `activation`.
    kMaxPool,      ///< `kernel`, `stride`, `padding`, `padding_after`: padded with what never wins.
    kUpsample,     ///< Each pixel `stride` x `stride` times.
    kAdd,          ///< The sum of two.
    kMultiply,     ///< The product of two; the second has one pixel per channel.
    kConcatenate,  ///< All channels of the inputs, one after another.
    kSlice,        ///< `channels` channels from `first_channel` on.
    kShuffle,      ///< Channel g * n + i of n * `groups` becomes i * groups + g (ShuffleNet).
    kGlobalAverage,  ///< The mean of each channel's pixels: one pixel.
    kFlatten,        ///< Rows of numbers, for kLinear.
    kLinear,         ///< Always with a bias.
  };

  Kind kind = Kind::kInput;
  std::vector<int> inputs = {};  ///< Indices of earlier layers.
  std::string name = {};  ///< Before ".weight" in the state dict; empty where nothing is learned.
  int channels = 3;       ///< It gives.
  int stage = 0;
  int kernel = 1;
  int stride = 1;
  int padding = 0;        ///< At the left and at the top; convolutions: on all sides.
  int padding_after = 0;  ///< Pooling: at the right and at the bottom.
  int groups = 1;
  bool bias = false;
  int first_channel = 0;
  double epsilon = 1e-5;
  Activation activation = Activation::kLinear;
};

/// A network's layers in the order in which they run: what LibTorch trains, what is exported and
/// what a weights file must fit are all made from this one description. Built once, from the input
/// to the outputs; a method that adds a layer returns its index.
class LayerGraph {
 public:
  struct Convolution {
    int kernel = 1;
    int stride = 1;
    int groups = 1;
    bool bias = false;
  };

  LayerGraph();

  int input() const { return 0; }
  /// Adds `layer` as it is but for its stage. Its inputs must be there: else a bug.
  int Append(Layer layer);

  /// Padded by half its kernel.
  int Convolve(int input, const std::string& name, int channels, const Convolution& convolution);
  int BatchNorm(int input, const std::string& name);
  int Activate(int input, Activation activation);
  int MaxPool(int input, int kernel, int stride, int padding);
  int Add(int a, int b);
  int Multiply(int a, int b);
  int Concatenate(const std::vector<int>& inputs);
  int Slice(int input, int first_channel, int channels);
  int Shuffle(int input, int groups);
  int GlobalAverage(int input);
  int Flatten(int input);
  int Linear(int input, const std::string& name, int outputs);

  /// A convolution without bias, its batch norm and its activation.
  int ConvolveNormActivate(int input, const std::string& convolution_name,
                           const std::string& norm_name, int channels,
                           const Convolution& convolution, Activation activation);
  /// The last stage of a classifier: pixels averaged, a hidden layer of `last_hidden` neurons (0:
  /// none; else the layers are NAME.0 and NAME.2) and a logit for each of `classes`.
  void ClassifierHead(int input, const std::string& name, int last_hidden, int classes);

  /// What is added from now on belongs to the next stage: stages train or are frozen as a whole.
  void BeginStage() { ++stage_; }
  /// `layer` belongs to `stage`, wherever it stands: for graphs that branch.
  void PlaceInStage(int layer, int stage);
  /// `layer` is a result of the network, after the ones named before.
  void Output(int layer) { outputs_.push_back(layer); }

  const std::vector<Layer>& layers() const { return layers_; }
  const std::vector<int>& outputs() const { return outputs_; }
  int stages() const { return stage_ + 1; }
  int channels(int layer) const { return layers_.at(static_cast<std::size_t>(layer)).channels; }

 private:
  std::vector<Layer> layers_;
  std::vector<int> outputs_;
  int stage_ = 0;
};

/// `channels` times `width`, rounded, at least one.
int ScaleChannels(int channels, double width);
/// As torchvision scales MobileNets and EfficientNets, from its smallest published width (0.25) on:
/// to a multiple of 8 that is at least 90 % of the product. Below as ScaleChannels.
int ScaleChannelsBy8(int channels, double width);

}  // namespace ekya::models
