#include "run/workers/stream_models.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "core/interval.h"

namespace ekya::workers {

ServingVersion AsServing(const registry::StoredModel& model) {
  return {model.manifest.version, (model.folder / "weights.safetensors").string(),
          model.manifest.temperature};
}

StreamModels::StreamModels(registry::ModelStore* store, Recorder& recorder, std::string stream,
                           std::string accuracy_source, std::int64_t serving)
    : store_(store),
      recorder_(recorder),
      stream_(std::move(stream)),
      accuracy_source_(std::move(accuracy_source)),
      serving_(serving) {}

ServingVersion StreamModels::Keep(const std::string& weights, const ModelOrigin& origin) {
  registry::Manifest manifest;
  manifest.stream = stream_;
  manifest.parent = serving_;
  manifest.window = origin.window;
  manifest.configuration = origin.configuration;
  const AccuracyInterval interval = WilsonInterval(origin.accuracy, origin.samples);
  manifest.accuracy = {origin.accuracy, interval.low, interval.high, origin.samples,
                       accuracy_source_};
  manifest.device_seconds = origin.device_seconds;
  manifest.temperature = origin.temperature;
  manifest.classes = origin.classes;
  manifest.verdict =
      origin.configuration.empty() ? registry::Verdict::kFirst : registry::Verdict::kPromoted;
  manifest.reason = origin.reason;
  manifest.created_seconds = EpochSeconds();
  const auto keep = [&]() -> Status {
    if (store_ == nullptr) return {};
    EKYA_ASSIGN(const std::string bytes, ReadFile(weights));
    // The version that the stream opened with is in no store and has a number all the same.
    const auto versions = store_->Versions(stream_);
    manifest.version = std::max(serving_, versions.empty() ? 0 : versions.back()) + 1;
    EKYA_ASSIGN(manifest.version,
                store_->Publish(manifest, [&](const std::filesystem::path& folder) -> Status {
                  EKYA_RETURN_IF_ERROR(WriteFileAtomically(folder / "weights.safetensors", bytes));
                  std::string names;
                  for (const std::string& name : origin.classes) names += name + "\n";
                  return WriteFileAtomically(folder / "labels.txt", names);
                }));
    return {};
  };
  ServingVersion kept{0, weights, origin.temperature};
  if (const Status done = keep(); !done.ok()) {
    Log(LogLevel::kWarning, stream_, "model {} is not kept: {}", serving_ + 1,
        done.error().message);
    recorder_.Event(stream_, "model not kept", done.error().message);
  } else if (manifest.version != 0) {
    kept.weights = store_->FileOf(stream_, manifest.version, "weights.safetensors").string();
  }
  kept.version = manifest.version != 0 ? manifest.version : serving_ + 1;
  manifest.version = kept.version;
  reason_ = manifest.reason;
  new_classes_ = origin.new_classes;
  recorder_.Model(manifest);
  return kept;
}

void StreamModels::Serves(const ServingVersion& kept) {
  serving_ = kept.version;
  if (store_ != nullptr) {
    const Status pointed = store_->Point(stream_, registry::Alias::kServing, kept.version);
    if (!pointed.ok()) {
      Log(LogLevel::kWarning, stream_, "model {} serves and will not after a restart: {}",
          kept.version, pointed.error().message);
    }
  }
  recorder_.Event(
      stream_, "model serves",
      fmt::format("version {}{}{}", kept.version, reason_.empty() ? "" : ": ", reason_));
  if (!new_classes_.empty()) {
    recorder_.Event(stream_, "classes learned",
                    fmt::format("version {}: {}", kept.version, fmt::join(new_classes_, ", ")));
  }
}

void StreamModels::Quarantine(std::int64_t version, const std::string& why) {
  Log(LogLevel::kError, stream_, "version {} is quarantined: {}", version, why);
  recorder_.Event(stream_, "model quarantined", fmt::format("version {}: {}", version, why));
  if (store_ == nullptr) return;
  const Status decided = store_->Decide(stream_, version, registry::Verdict::kQuarantined, why);
  if (!decided.ok()) {
    Log(LogLevel::kWarning, stream_, "that is not written down: {}", decided.error().message);
  }
}

std::optional<registry::StoredModel> StreamModels::Version(std::int64_t version) {
  if (store_ == nullptr) return std::nullopt;
  auto model = store_->Load(stream_, version);
  if (!model.ok()) return std::nullopt;
  return std::move(*model);
}

void StreamModels::RolledBack(std::int64_t worse, const registry::StoredModel& previous,
                              const std::string& reason) {
  Log(LogLevel::kInfo, stream_, "version {} is rolled back: {}", worse, reason);
  recorder_.Event(stream_, "model rolled back", fmt::format("version {}: {}", worse, reason));
  const Status decided = store_->Decide(stream_, worse, registry::Verdict::kRejected, reason);
  if (!decided.ok()) Log(LogLevel::kWarning, stream_, "{}", decided.error().message);
  Obeyed(previous, fmt::format("rolled back from {}", worse));
}

std::optional<registry::StoredModel> StreamModels::Newest() {
  if (store_ == nullptr) return std::nullopt;
  auto newest = store_->LoadNewest(stream_, [this](const Error& error) {
    Log(LogLevel::kWarning, stream_, "{}", error.message);
    recorder_.Event(stream_, "model passed over", error.message);
  });
  if (!newest.ok()) return std::nullopt;
  return std::move(*newest);
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

void StreamModels::Obeyed(const registry::StoredModel& model, const std::string& why) {
  serving_ = model.manifest.version;
  // An order has pointed already; a restart or a quarantine may have come to another version.
  const Status pointed = store_->Pointed(stream_, registry::Alias::kServing) == serving_
                             ? Status{}
                             : store_->Point(stream_, registry::Alias::kServing, serving_);
  if (!pointed.ok()) Log(LogLevel::kWarning, stream_, "{}", pointed.error().message);
  recorder_.Event(stream_, "model serves", fmt::format("version {}: {}", serving_, why));
}

}  // namespace ekya::workers
