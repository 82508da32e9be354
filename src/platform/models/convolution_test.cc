#include "platform/models/convolution.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "platform/models/torch_classifier.h"

namespace ekya::models {
namespace {

double LargestDifference(const torch::Tensor& a, const torch::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a - b).abs().max().item<double>();
}

TEST(Convolve, GivesWhatTheLayerGivesAndItsGradients) {
  ComputeWithOneThread();
  auto generator = MakeGenerator(1);
  const auto numbers = [&](at::IntArrayRef sizes) {
    return torch::empty(sizes).normal_(0, 1, generator);
  };
  for (const int in : {1, 3, 4, 5, 11, 16}) {
    for (const int out : {3, 8}) {
      for (const int kernel : {1, 3, 7}) {
        for (const int stride : {1, 2}) {
          torch::nn::Conv2d layer(torch::nn::Conv2dOptions(in, out, kernel)
                                      .stride(stride)
                                      .padding(kernel / 2)
                                      .bias(false));
          auto input = numbers({3, in, 9, 10}).requires_grad_();
          const auto expected = layer(input);
          const auto weights = numbers(expected.sizes());
          (expected * weights).sum().backward();
          const auto input_gradient = input.grad().clone();
          const auto weight_gradient = layer->weight.grad().clone();
          input.mutable_grad().zero_();
          layer->weight.mutable_grad().zero_();

          const auto output = Convolve(layer, input);
          (output * weights).sum().backward();
          EXPECT_LT(LargestDifference(output, expected), 1e-4) << in << " " << kernel;
          EXPECT_LT(LargestDifference(input.grad(), input_gradient), 1e-3)
              << in << " " << kernel << " " << stride;
          EXPECT_LT(LargestDifference(layer->weight.grad(), weight_gradient), 1e-3)
              << in << " " << kernel << " " << stride;

          const torch::NoGradGuard no_grad;
          EXPECT_LT(LargestDifference(Convolve(layer, input), expected), 1e-4);
        }
      }
    }
  }
}

TEST(Convolve, LeavesOutTheGradientOfAnInputThatDoesNotLearn) {
  torch::nn::Conv2d layer(torch::nn::Conv2dOptions(3, 4, 3).padding(1).bias(false));
  const auto input = torch::ones({2, 3, 8, 8});
  Convolve(layer, input).sum().backward();
  EXPECT_TRUE(layer->weight.grad().defined());
  EXPECT_FALSE(input.grad().defined());
  // A frozen layer makes no graph.
  layer->weight.set_requires_grad(false);
  EXPECT_FALSE(Convolve(layer, input).requires_grad());
}

}  // namespace
}  // namespace ekya::models
