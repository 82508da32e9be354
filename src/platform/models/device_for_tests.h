#pragma once

#include <ATen/EmptyTensor.h>
#include <ATen/native/CPUFallback.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>
#include <torch/torch.h>

#include <cstdlib>
#include <new>
#include <tuple>

/// A device that is no processor, on machines that have none: LibTorch computes on it by its own
/// processors, but its tensors are refused beside a processor's, as a CUDA device refuses them. So
/// tests see whether all that a computation takes was taken to where it computes. It says nothing
/// of what a real device computes, nor how fast. For one test file of a program; include it from no
/// other.
namespace ekya::models::device_for_tests {

// A kind of device that no LibTorch for servers computes on, and to which modules can move (they
// cannot to LibTorch's own "private use" kind).
constexpr auto kType = c10::DeviceType::XPU;
inline const torch::Device kDevice(kType, 0);

class Memory : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) const override {
    void* const data = std::malloc(bytes == 0 ? 1 : bytes);
    if (data == nullptr) throw std::bad_alloc();
    return {data, data, &std::free, kDevice};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &std::free; }
};

inline Memory memory;

/// The numbers of `tensor` as a processor sees them, in place.
inline at::Tensor Seen(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return tensor;
  return at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(),
                       tensor.options().device(torch::kCPU));
}

inline at::Tensor Empty(at::IntArrayRef sizes, c10::optional<at::ScalarType> type,
                        c10::optional<at::Layout>, c10::optional<at::Device>, c10::optional<bool>,
                        c10::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(sizes, &memory, c10::DispatchKeySet(c10::DispatchKey::XPU),
                                   type.value_or(torch::kFloat), format);
}

inline at::Tensor EmptyStrided(at::IntArrayRef sizes, at::IntArrayRef strides,
                               c10::optional<at::ScalarType> type, c10::optional<at::Layout>,
                               c10::optional<at::Device>, c10::optional<bool>) {
  return at::detail::empty_strided_generic(sizes, strides, &memory,
                                           c10::DispatchKeySet(c10::DispatchKey::XPU),
                                           type.value_or(torch::kFloat));
}

inline at::Tensor CopyFrom(const at::Tensor& from, const at::Tensor& to, bool) {
  Seen(to).copy_(Seen(from));
  return to;
}

inline at::Tensor CopyFromAndResize(const at::Tensor& from, const at::Tensor& to) {
  if (to.sizes() != from.sizes()) {
    auto* const impl = to.unsafeGetTensorImpl();
    const auto resized = at::empty(from.sizes(), to.options());
    impl->set_storage_keep_dtype(c10::Storage(resized.storage()));
    impl->set_sizes_and_strides(resized.sizes(), resized.strides());
  }
  Seen(to).copy_(Seen(from));
  return to;
}

/// Another tensor on the memory of `of`.
inline at::Tensor Alias(const at::Tensor& of, at::IntArrayRef sizes, at::IntArrayRef strides,
                        c10::optional<std::int64_t> offset) {
  auto alias = at::detail::make_tensor<c10::TensorImpl>(
      c10::TensorImpl::VIEW, c10::Storage(of.storage()), of.key_set(), of.dtype());
  auto* const impl = alias.unsafeGetTensorImpl();
  impl->set_storage_offset(offset.value_or(of.storage_offset()));
  impl->set_sizes_and_strides(sizes, strides);
  return alias;
}

inline at::Tensor View(const at::Tensor& of, at::IntArrayRef sizes) {
  const auto seen = Seen(of).view(sizes);
  return Alias(of, seen.sizes(), seen.strides(), c10::nullopt);
}

inline at::Tensor ReshapeAlias(const at::Tensor& of, at::IntArrayRef sizes,
                               at::IntArrayRef strides) {
  return Alias(of, sizes, strides, c10::nullopt);
}

inline at::Tensor There(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.to(kDevice) : tensor;
}

inline at::Tensor Convolution(const at::Tensor& input, const at::Tensor& weight,
                              const c10::optional<at::Tensor>& bias, at::IntArrayRef stride,
                              at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                              at::IntArrayRef output_padding, std::int64_t groups) {
  TORCH_CHECK(!input.is_cpu() && !weight.is_cpu(), "convolution of a processor's numbers");
  c10::optional<at::Tensor> own;
  if (bias && bias->defined()) own = Seen(*bias);
  return There(at::convolution(Seen(input), Seen(weight), own, stride, padding, dilation,
                               transposed, output_padding, groups));
}

inline std::tuple<at::Tensor, at::Tensor, at::Tensor> ConvolutionBackward(
    const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& weight,
    at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
    at::IntArrayRef output_padding, std::int64_t groups, std::array<bool, 3> wanted) {
  TORCH_CHECK(!gradient.is_cpu() && !input.is_cpu() && !weight.is_cpu(),
              "gradient of a processor's numbers");
  const std::vector<std::int64_t> bias_sizes = {weight.size(0)};
  const auto [of_input, of_weight, of_bias] = at::convolution_backward(
      Seen(gradient), Seen(input), Seen(weight), at::OptionalIntArrayRef(bias_sizes), stride,
      padding, dilation, transposed, output_padding, groups, wanted);
  return {There(of_input), There(of_weight), There(of_bias)};
}

/// What it learns is written in place, which no schema says.
inline std::tuple<at::Tensor, at::Tensor, at::Tensor> BatchNorm(
    const at::Tensor& input, const c10::optional<at::Tensor>& weight,
    const c10::optional<at::Tensor>& bias, const c10::optional<at::Tensor>& mean,
    const c10::optional<at::Tensor>& variance, bool training, double momentum, double epsilon) {
  const auto seen = [](const c10::optional<at::Tensor>& tensor) -> c10::optional<at::Tensor> {
    if (!tensor || !tensor->defined()) return c10::nullopt;
    TORCH_CHECK(!tensor->is_cpu(), "batch norm by a processor's numbers");
    return Seen(*tensor);
  };
  const auto [output, own_mean, own_deviation] =
      at::native_batch_norm(Seen(input), seen(weight), seen(bias), seen(mean), seen(variance),
                            training, momentum, epsilon);
  return {There(output), There(own_mean), There(own_deviation)};
}

/// Everything else: by a processor, if all of it lies here. A number alone may come from anywhere.
inline void Fallback(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto check = [&](const at::Tensor& tensor) {
    TORCH_CHECK(!tensor.defined() || !tensor.is_cpu() || tensor.dim() == 0, op.schema().name(),
                ": found a processor's numbers beside those of the device for tests");
  };
  const std::size_t count = op.schema().arguments().size();
  for (const c10::IValue& value : torch::jit::last(*stack, count)) {
    if (value.isTensor()) check(value.toTensor());
    if (value.isTensorList()) {
      for (const at::Tensor& tensor : value.toTensorVector()) check(tensor);
    }
  }
  at::native::cpu_fallback(op, stack);
}

TORCH_LIBRARY_IMPL(_, XPU, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&Fallback>());
}

TORCH_LIBRARY_IMPL(aten, XPU, library) {
  library.impl("empty.memory_format", TORCH_FN(Empty));
  library.impl("empty_strided", TORCH_FN(EmptyStrided));
  library.impl("_copy_from", TORCH_FN(CopyFrom));
  library.impl("_copy_from_and_resize", TORCH_FN(CopyFromAndResize));
  library.impl("as_strided", TORCH_FN(Alias));
  library.impl("view", TORCH_FN(View));
  library.impl("_reshape_alias", TORCH_FN(ReshapeAlias));
  library.impl("convolution_overrideable", TORCH_FN(Convolution));
  library.impl("native_batch_norm", TORCH_FN(BatchNorm));
  library.impl("convolution_backward_overrideable", TORCH_FN(ConvolutionBackward));
}

C10_REGISTER_GUARD_IMPL(XPU, c10::impl::NoOpDeviceGuardImpl<kType>);

}  // namespace ekya::models::device_for_tests
