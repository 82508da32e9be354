#include "run/workers/stream_models.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "core/interval.h"

namespace ekya::workers {

StreamModels::StreamModels(registry::ModelStore* store, Recorder& recorder, std::string stream,
                           std::string accuracy_source)
    : store_(store),
      recorder_(recorder),
      stream_(std::move(stream)),
      accuracy_source_(std::move(accuracy_source)) {}

std::int64_t StreamModels::Begin(const models::LearningModel& model,
                                 const std::vector<std::string>& classes,
                                 const ModelOrigin& origin) {
  registry::Manifest manifest;
  manifest.stream = stream_;
  manifest.parent = serving_;
  manifest.window = origin.window;
  manifest.configuration = origin.configuration;
  const AccuracyInterval interval = WilsonInterval(origin.accuracy, origin.samples);
  manifest.accuracy = {origin.accuracy, interval.low, interval.high, origin.samples,
                       accuracy_source_};
  manifest.device_seconds = origin.device_seconds;
  manifest.verdict =
      origin.configuration.empty() ? registry::Verdict::kFirst : registry::Verdict::kPromoted;
  manifest.reason = origin.reason;
  manifest.created_seconds = EpochSeconds();
  const auto keep = [&]() -> Status {
    if (store_ == nullptr) return {};
    EKYA_ASSIGN(manifest.version,
                store_->Publish(manifest, [&](const std::filesystem::path& folder) -> Status {
                  EKYA_RETURN_IF_ERROR(model.Save(folder / "weights.safetensors"));
                  std::string names;
                  for (const std::string& name : classes) names += name + "\n";
                  return WriteFileAtomically(folder / "labels.txt", names);
                }));
    return store_->Point(stream_, registry::Alias::kServing, manifest.version);
  };
  if (const Status kept = keep(); !kept.ok()) {
    Log(LogLevel::kWarning, stream_, "model {} is served but not kept: {}", serving_ + 1,
        kept.error().message);
    recorder_.Event(stream_, "model not kept", kept.error().message);
  }
  if (manifest.version == 0) manifest.version = serving_ + 1;
  serving_ = manifest.version;
  recorder_.Model(manifest);
  recorder_.Event(stream_, "model serves",
                  fmt::format("version {}{}{}", manifest.version,
                              manifest.reason.empty() ? "" : ": ", manifest.reason));
  return serving_;
}

std::optional<registry::StoredModel> StreamModels::Ordered() {
  if (store_ == nullptr || serving_ == 0) return std::nullopt;
  std::int64_t wanted = recorder_.Pinned(stream_);
  if (wanted == 0) wanted = store_->Pointed(stream_, registry::Alias::kServing);
  if (wanted == 0 || wanted == serving_ || wanted == refused_) return std::nullopt;
  auto model = store_->Load(stream_, wanted);
  if (!model.ok()) {
    refused_ = wanted;
    Log(LogLevel::kWarning, stream_, "version {} was ordered and cannot serve: {}", wanted,
        model.error().message);
    recorder_.Event(stream_, "order refused", model.error().message);
    return std::nullopt;
  }
  return std::move(*model);
}

void StreamModels::Obeyed(const registry::StoredModel& model) {
  serving_ = model.manifest.version;
  recorder_.Event(stream_, "model serves", fmt::format("version {}: as ordered", serving_));
}

}  // namespace ekya::workers
