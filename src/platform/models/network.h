#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/safetensors.h"
#include "platform/models/layer_graph.h"
#include "platform/models/precision.h"

namespace ekya::models {

/// A LayerGraph that LibTorch computes and trains: its stages from the input (0) to the head
/// (stages() - 1), of which the last ones train and the first ones may be frozen. One thread trains
/// it; while nobody does, it is in evaluation mode and any number of threads may read it.
class Network : public torch::nn::Module {
 public:
  /// With LibTorch's own initial weights.
  explicit Network(LayerGraph graph);

  const LayerGraph& graph() const { return graph_; }
  int stages() const { return graph_.stages(); }

  /// N x 3 x H x W normalised pictures, wherever they lie, to the graph's outputs, on device(): of
  /// a classifier one of N x classes logits.
  std::vector<torch::Tensor> Run(torch::Tensor images);
  /// The first of Run's outputs.
  torch::Tensor Forward(torch::Tensor images) { return Run(std::move(images)).front(); }
  /// The stages before `stage`, without gradient. For graphs in which one layer alone leads from
  /// stage to stage, as in every classifier: else a bug.
  torch::Tensor ForwardTo(int stage, torch::Tensor images);
  /// The others, on what ForwardTo gave, in whose memory it may compute.
  torch::Tensor ForwardFrom(int stage, torch::Tensor features);

  /// From now on the last `trained` stages (0 .. stages()) train: their parameters take gradients
  /// and their batch norms learn. The others are frozen, batch norms in evaluation mode. 0:
  /// evaluation.
  void SetTrainedStages(int trained);

  /// Its weights lie and it computes on `device` from now on; at first the processor. Not once it
  /// serves alone, nor while a training's optimiser holds its parameters.
  void MoveTo(const torch::Device& device);
  const torch::Device& device() const { return device_; }

  /// What convolutions, and the layers between them, compute with while stages train; parameters,
  /// their gradients, statistics of batch norms, linear layers and outputs stay float32.
  void SetTrainingPrecision(Precision precision) { training_precision_ = precision; }
  Precision training_precision() const { return training_precision_; }

  /// From now on it serves alone: it computes the same in `precision`, to which the weights of its
  /// convolutions are narrowed.
  void ServeAlone(Precision precision);

  /// Fresh weights, drawn from `generator`: He's normal for convolutions (biases 0), uniform for
  /// linear layers. `from_stage`: only of this stage and the ones after it.
  void Initialise(at::Generator generator, int from_stage = 0);
  /// Takes the weights and statistics of the stages before `to_stage` from `other`, whose layers
  /// have the same shapes there.
  void CopyFrom(Network& other, int to_stage);
  void CopyFrom(Network& other) { CopyFrom(other, stages()); }
  /// Takes everything from `other`, whose last layer has fewer outputs. The new ones give the
  /// smallest of the old biases, whatever the picture.
  void CopyGrown(Network& other);

  /// Every parameter and buffer under its state-dict name.
  std::map<std::string, StoredTensor> Store() const;
  /// Takes every parameter and buffer from `content`, which holds these tensors and no others, all
  /// finite. kInvalid names `file`, the tensor, found and expected.
  Status Restore(const TensorFile& content, const std::string& file);

  /// The layer's own modules, for what sets single weights; null where it has none.
  torch::nn::Conv2dImpl* convolution(int layer);
  torch::nn::BatchNorm2dImpl* norm(int layer);

 private:
  struct Step {
    torch::nn::Conv2d convolution{nullptr};
    torch::nn::BatchNorm2d norm{nullptr};
    torch::nn::Linear linear{nullptr};
    bool in_place = false;     // the first input is needed by nobody else, not even by its gradient
    std::vector<int> release;  // layers whose results nobody needs after this one

    torch::nn::Module* module();  // null where nothing is learned
  };

  void PlanMemory();
  /// What it computes with now.
  Precision precision() const;
  /// Pictures, or what a layer gave, as layers take them and where.
  torch::Tensor Prepare(const torch::Tensor& values) const;
  torch::Tensor RunLayer(std::size_t index, const std::vector<torch::Tensor>& values);
  void RunLayers(std::size_t begin, std::size_t end, std::vector<torch::Tensor>* values);
  /// The first layer of `stage` or a later one.
  std::size_t FirstOf(int stage) const;
  /// The layer whose result is all that `layer` and later ones take from before it.
  std::size_t EntryOf(std::size_t layer) const;

  LayerGraph graph_;
  std::vector<Step> steps_;  // one per layer
  torch::Device device_ = torch::kCPU;
  int frozen_ = 0;  // the first stages, without gradient
  Precision training_precision_ = Precision::kFloat32;
  std::optional<Precision> served_in_;  // once it serves alone
};

}  // namespace ekya::models
