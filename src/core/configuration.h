#pragma once

#include <string>
#include <vector>

namespace ekya {

/// How a model is retrained (the paper's γ, section 3.1).
struct RetrainingConfiguration {
  std::string id;              ///< Unique within a stream, such as "e15-f50-d2".
  int epochs = 15;             ///< Passes over the chosen samples, at least 1.
  double sample_fraction = 1;  ///< Part of the window's samples that is trained on, (0, 1].
  int trained_stages = 5;      ///< Stages and head trained, counted from the output; the rest
                               ///< is frozen. 1: the head alone. 5: everything.
  int last_hidden = 0;         ///< Neurons of the last hidden layer; 0: as the served model has it.
  int batch_size = 32;
  double learning_rate = 0.01;
  bool augmentation = true;  ///< Pictures are mirrored, shifted and changed in light at random.
  /// Every class is shown about as often, exemplars making up for what a window lacks; false:
  /// samples and exemplars as they come.
  bool balanced = true;
  /// Weight of the loss that keeps the served model's answers, where they are right, for the
  /// classes that it knows (Hinton 2015); 0: none.
  double distillation = 0.3;
};

/// How a stream is served (the paper's λ).
struct InferenceConfiguration {
  std::string id;          ///< Unique within a stream, such as "every-2".
  int frame_interval = 1;  ///< Every n-th frame is analysed; the others carry the last result.
  int input_size = 0;      ///< Side of the model's square input in pixels; 0: the model's own.
};

/// The 18 configurations that are tried where a site names none: epochs x fraction x depth.
std::vector<RetrainingConfiguration> DefaultRetrainingGrid();

/// Every frame, every 2nd, 4th and 8th, at the model's own input size.
std::vector<InferenceConfiguration> DefaultInferenceConfigurations();

}  // namespace ekya
