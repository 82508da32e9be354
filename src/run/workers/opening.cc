#include "run/workers/opening.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"

namespace ekya::workers {
namespace {

/// A stream whose worker has been started.
struct OpeningStream {
  const CameraSettings* camera;
  std::unique_ptr<StreamService> service;
  std::shared_ptr<std::atomic<Stream*>> stream;  ///< Set once it is open; for hooks.

  static OpeningStream Begin(const CameraSettings& camera, const Site& site, WorkerHooks hooks,
                             Workers& workers) {
    OpeningStream opening{&camera, nullptr, std::make_shared<std::atomic<Stream*>>(nullptr)};
    hooks.broken = [stream = opening.stream](std::int64_t version, const std::string& why) {
      if (Stream* const open = *stream) open->Quarantine(version, why);
    };
    opening.service = workers.MakeStream(camera, ModelOf(site, camera.id), hooks);
    return opening;
  }

  Result<std::unique_ptr<Stream>> Open(bool resume, const StreamEnvironment& environment) {
    EKYA_ASSIGN(auto opened, Stream::Open(*camera, resume, std::move(service), environment));
    *stream = opened.get();
    return opened;
  }
};

bool IsLive(const CameraSettings& camera) { return camera.url.starts_with("rtsp"); }

}  // namespace

Status OpenStreams(bool resume, bool killed, const StreamEnvironment& environment, Workers& workers,
                   const WorkerHooks& hooks, StreamSet* streams) {
  std::vector<OpeningStream> opening;
  for (const CameraSettings& camera : environment.site.cameras) {
    opening.push_back(OpeningStream::Begin(camera, environment.site, hooks, workers));
  }
  std::vector<Result<std::unique_ptr<Stream>>> opened;
  for (std::size_t i = 0; i < opening.size(); ++i) opened.emplace_back(std::unique_ptr<Stream>());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < opening.size(); ++i) {
    threads.emplace_back([&, i] {
      const bool goes_on = resume && (killed || IsLive(*opening[i].camera));
      opened[i] = opening[i].Open(goes_on, environment);
    });
  }
  for (std::thread& thread : threads) thread.join();
  bool any_camera = false;
  for (auto& stream : opened) {
    if (!stream.ok()) return stream.error();
    any_camera |= !(*stream)->gone();
    streams->Add(std::move(*stream));
  }
  if (any_camera) return {};
  return Error{ErrorCode::kUnavailable, "none of the site's cameras could be opened"};
}

Status TrainFirstModels(const StreamSet& streams, Workers& workers, const WorkerHooks& hooks,
                        int at_once) {
  std::mutex mutex;
  std::size_t next = 0;
  Status status;
  std::vector<std::thread> threads;
  for (int i = 0; i < at_once; ++i) {
    threads.emplace_back([&, i] {
      std::unique_ptr<LearningService> learning;
      while (true) {
        Stream* stream = nullptr;
        {
          std::lock_guard lock(mutex);
          if (next == streams.ids().size() || !status.ok()) return;
          stream = &streams.Get(streams.ids()[next++]);
        }
        if (!learning) {
          learning = workers.MakeLearning(fmt::format("bootstrap-{}", i), hooks);
          if (Status set = learning->SetShare(1, -1); !set.ok()) {
            Log(LogLevel::kWarning, "", "{}", set.error().message);
          }
        }
        const Status own = stream->Bootstrap(*learning);
        if (!own.ok()) {
          std::lock_guard lock(mutex);
          status = own;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return status;
}

}  // namespace ekya::workers
