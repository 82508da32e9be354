#include "run/processes/process_workers.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "run/processes/remote_learning.h"
#include "run/processes/remote_stream.h"

namespace ekya::processes {
namespace {

class ProcessWorkers : public workers::Workers {
 public:
  ProcessWorkers(const ProcessPlace& place, std::filesystem::path folder)
      : place_(place), folder_(std::move(folder)) {}
  ~ProcessWorkers() override {
    std::error_code failed;
    std::filesystem::remove_all(folder_, failed);
  }

  std::unique_ptr<workers::StreamService> MakeStream(const CameraSettings& camera,
                                                     const ModelSettings&,
                                                     const workers::WorkerHooks& hooks) override {
    const std::string id = camera.id;
    return std::make_unique<RemoteStream>(
        id, CommandOf("stream", id),
        RemoteStream::Hooks{[hooks, id](const std::string& kind, const std::string& detail) {
                              hooks.event(id, kind, detail);
                            },
                            hooks.broken});
  }
  std::unique_ptr<workers::LearningService> MakeLearning(
      const std::string& name, const workers::WorkerHooks& hooks) override {
    return std::make_unique<RemoteLearning>(
        name, CommandOf("learning", name),
        [hooks, name](const std::string& kind, const std::string& detail) {
          hooks.event("", kind, name + ": " + detail);
        });
  }
  std::string mechanism() const override { return "workers are processes"; }

 private:
  Supervised::Command CommandOf(const std::string& kind, const std::string& name) {
    return {spawner_,
            {"ekya-live", "worker", kind, name, "--site", place_.site_file.string(), "--site-name",
             place_.site_name, "--seed", std::to_string(place_.seed), "--out", place_.out.string()},
            folder_,
            place_.device};
  }

  const ProcessPlace place_;
  const std::filesystem::path folder_;
  Spawner spawner_;
};

}  // namespace

Result<std::unique_ptr<workers::Workers>> MakeProcessWorkers(const ProcessPlace& place) {
  // Short: a socket's path has 107 characters at most.
  std::string folder = "/tmp/ekya-XXXXXX";
  const char* const own = std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe)
  if (own != nullptr && std::strlen(own) < 40) folder = fmt::format("{}/ekya-XXXXXX", own);
  if (mkdtemp(folder.data()) == nullptr) {
    return Error{ErrorCode::kFailed,
                 fmt::format("{}: cannot be made: {}", folder, std::strerror(errno))};  // NOLINT
  }
  return std::unique_ptr<workers::Workers>(std::make_unique<ProcessWorkers>(place, folder));
}

}  // namespace ekya::processes
