#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

#include "platform/models/engine.h"

namespace ekya::models {
namespace {

// ONNX Runtime's C interface is a table of functions, which later versions only ever append to. No
// package that we use brings its header, so the few places that we need are numbered here.
enum Entry : std::size_t {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSessionFromArray = 8,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetSessionGraphOptimizationLevel = 23,
  kSetIntraOpNumThreads = 24,
  kSetInterOpNumThreads = 25,
  kCreateTensorWithDataAsOrtValue = 49,
  kGetTensorMutableData = 51,
  kGetTensorShapeElementCount = 64,
  kGetTensorTypeAndShape = 65,
  kCreateCpuMemoryInfo = 69,
  kReleaseStatus = 93,
  kReleaseSession = 95,
  kReleaseValue = 96,
  kReleaseTensorTypeAndShapeInfo = 99,
  kReleaseSessionOptions = 100,
};

constexpr std::uint32_t kInterfaceVersion = 14;
constexpr int kLogErrors = 3;
constexpr int kEveryOptimization = 99;
constexpr int kFloats = 1;
constexpr int kArenaAllocator = 1;
constexpr int kDefaultMemory = 0;

/// The library's own objects, which only it looks into.
using Handle = void*;

struct ApiBase {
  const Handle* (*get_api)(std::uint32_t version);
  const char* (*version)();
};

/// The library, once it is found.
class Library {
 public:
  static const Library* Find() {
    static const std::unique_ptr<const Library> found = Open();
    return found.get();
  }

  template <typename... Arguments>
  Status Call(Entry entry, Arguments... arguments) const {
    const auto function = reinterpret_cast<Handle (*)(Arguments...)>(api_[entry]);
    const Handle status = function(arguments...);
    if (status == nullptr) return {};
    const std::string message =
        reinterpret_cast<const char* (*)(Handle)>(api_[kGetErrorMessage])(status);
    Release(kReleaseStatus, status);
    return Error{ErrorCode::kFailed, "ONNX Runtime: " + message};
  }
  void Release(Entry entry, Handle handle) const {
    if (handle != nullptr) reinterpret_cast<void (*)(Handle)>(api_[entry])(handle);
  }

  Handle environment() const { return environment_; }
  Handle memory() const { return memory_; }
  const std::string& version() const { return version_; }

 private:
  static std::unique_ptr<const Library> Open() {
    const char* const named = std::getenv("EKYA_ONNXRUNTIME");
    Handle library = nullptr;
    for (const char* path : {named, EKYA_ONNXRUNTIME_LIBRARY, "libonnxruntime.so.1"}) {
      if (path != nullptr && library == nullptr) library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
      // Where the operator names one, it is that or none.
      if (path != nullptr && path == named) break;
    }
    if (library == nullptr) return nullptr;
    const auto get_base = reinterpret_cast<const ApiBase* (*)()>(::dlsym(library, "OrtGetApiBase"));
    if (get_base == nullptr) return nullptr;
    auto found = std::make_unique<Library>();
    found->api_ = get_base()->get_api(kInterfaceVersion);
    if (found->api_ == nullptr) return nullptr;
    found->version_ = get_base()->version();
    const bool ready =
        found->Call(kCreateEnv, kLogErrors, "ekya", &found->environment_).ok() &&
        found->Call(kCreateCpuMemoryInfo, kArenaAllocator, kDefaultMemory, &found->memory_).ok();
    if (!ready) return nullptr;
    return found;
  }

  const Handle* api_ = nullptr;
  Handle environment_ = nullptr;  // until the process ends, as the library
  Handle memory_ = nullptr;
  std::string version_;
};

/// Releases a handle at the end of its scope.
class Owned {
 public:
  Owned(const Library& library, Entry release) : library_(library), release_(release) {}
  ~Owned() { library_.Release(release_, handle_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;

  Handle get() const { return handle_; }
  Handle* out() { return &handle_; }

 private:
  const Library& library_;
  const Entry release_;
  Handle handle_ = nullptr;
};

class OnnxRuntimeEngine : public Engine {
 public:
  OnnxRuntimeEngine(const Library& library, std::size_t outputs)
      : library_(library), session_(library, kReleaseSession) {
    for (std::size_t i = 0; i < outputs; ++i) names_.push_back(fmt::format("output{}", i));
  }

  Status Load(const std::string& model) {
    Owned options(library_, kReleaseSessionOptions);
    EKYA_RETURN_IF_ERROR(library_.Call(kCreateSessionOptions, options.out()));
    EKYA_RETURN_IF_ERROR(
        library_.Call(kSetSessionGraphOptimizationLevel, options.get(), kEveryOptimization));
    // A job computes in its own share with one thread: the caller's.
    EKYA_RETURN_IF_ERROR(library_.Call(kSetIntraOpNumThreads, options.get(), 1));
    EKYA_RETURN_IF_ERROR(library_.Call(kSetInterOpNumThreads, options.get(), 1));
    return library_.Call(kCreateSessionFromArray, library_.environment(),
                         static_cast<const void*>(model.data()), model.size(), options.get(),
                         session_.out());
  }

  std::string name() const override { return "ONNX Runtime " + library_.version() + ", float32"; }

  Result<std::vector<std::vector<float>>> Run(const float* pictures, std::int64_t count,
                                              std::int64_t side) override {
    const std::array<std::int64_t, 4> shape = {count, 3, side, side};
    Owned input(library_, kReleaseValue);
    EKYA_RETURN_IF_ERROR(
        library_.Call(kCreateTensorWithDataAsOrtValue, library_.memory(),
                      static_cast<void*>(const_cast<float*>(pictures)),
                      static_cast<std::size_t>(count * 3 * side * side) * sizeof(float),
                      shape.data(), shape.size(), kFloats, input.out()));
    const char* const input_name = "pictures";
    const Handle given = input.get();
    std::vector<const char*> names;
    for (const auto& name : names_) names.push_back(name.c_str());
    std::vector<Handle> values(names.size(), nullptr);
    const Status ran = library_.Call(kRun, session_.get(), Handle{nullptr}, &input_name, &given,
                                     std::size_t{1}, names.data(), names.size(), values.data());
    std::vector<std::vector<float>> results;
    Status status = ran;
    for (const Handle value : values) {
      if (status.ok()) status = Copy(value, &results);
      library_.Release(kReleaseValue, value);
    }
    EKYA_RETURN_IF_ERROR(status);
    return results;
  }

 private:
  Status Copy(Handle value, std::vector<std::vector<float>>* results) const {
    Owned shape(library_, kReleaseTensorTypeAndShapeInfo);
    EKYA_RETURN_IF_ERROR(library_.Call(kGetTensorTypeAndShape, value, shape.out()));
    std::size_t count = 0;
    EKYA_RETURN_IF_ERROR(library_.Call(kGetTensorShapeElementCount, shape.get(), &count));
    float* numbers = nullptr;
    EKYA_RETURN_IF_ERROR(library_.Call(kGetTensorMutableData, value, &numbers));
    results->emplace_back(numbers, numbers + count);
    return {};
  }

  const Library& library_;
  Owned session_;
  std::vector<std::string> names_;  // of the outputs
};

}  // namespace

Result<std::unique_ptr<Engine>> OpenOnnxRuntime(const std::string& model, std::size_t outputs) {
  const Library* const library = Library::Find();
  if (library == nullptr) {
    return Error{ErrorCode::kUnavailable,
                 "ONNX Runtime: found no libonnxruntime.so.1 of version "
                 "1.14 or later (scripts/setup brings it)"};
  }
  auto engine = std::make_unique<OnnxRuntimeEngine>(*library, outputs);
  if (const Status loaded = engine->Load(model); !loaded.ok()) {
    return Error{ErrorCode::kInvalid, loaded.error().message};
  }
  return std::unique_ptr<Engine>(std::move(engine));
}

bool HasOnnxRuntime() { return Library::Find() != nullptr; }

}  // namespace ekya::models
