#include "platform/registry/model_store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <set>
#include <utility>

#include "base/file.h"
#include "core/document.h"
#include "platform/registry/data_folder.h"
#include "platform/registry/internal/sha256.h"

namespace ekya::registry {
namespace {

namespace fs = std::filesystem;

constexpr char kManifestName[] = "manifest.json";
// In front of what is being written: such names are no version and no stream.
constexpr char kAside[] = ".aside-";
constexpr std::uint64_t kMostBytes = std::uint64_t{8} << 30;  // Of a version's file.
constexpr Alias kAliases[] = {Alias::kServing, Alias::kPrevious, Alias::kCandidate};

/// The number that a version's folder is named by; 0 where `name` is none.
std::int64_t VersionOf(const std::string& name) {
  std::int64_t version = 0;
  const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), version);
  const bool whole = code == std::errc() && end == name.data() + name.size();
  return whole && version > 0 && name.front() != '0' ? version : 0;
}

/// Names in `folder`; none where it cannot be read.
std::vector<std::string> NamesIn(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    names.push_back(entry->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

/// Numbers of the versions in a stream's folder, whole or not, rising.
std::vector<std::int64_t> NumbersIn(const fs::path& folder) {
  std::vector<std::int64_t> numbers;
  for (const std::string& name : NamesIn(folder)) {
    if (const std::int64_t version = VersionOf(name); version > 0) numbers.push_back(version);
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::uint64_t BytesIn(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code code;
  for (fs::recursive_directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    std::error_code unreadable;
    if (entry->is_regular_file(unreadable)) bytes += entry->file_size(unreadable);
  }
  return bytes;
}

fs::path NewAside(const fs::path& folder) {
  static std::atomic<std::uint64_t> counter{0};
  return folder / fmt::format("{}{}-{}", kAside, getpid(), counter++);
}

/// Removes a version so that no reader meets a part of it: renamed first.
void RemoveVersion(const fs::path& folder) {
  std::error_code code;
  const fs::path aside = NewAside(folder.parent_path());
  fs::rename(folder, aside, code);
  if (code) return;
  fs::remove_all(aside, code);
}

Error NoVersion(const std::string& stream, std::int64_t version) {
  return {ErrorCode::kNotFound,
          fmt::format("stream {}: there is no model version {}", stream, version)};
}

}  // namespace

const char* Name(Alias alias) {
  switch (alias) {
    case Alias::kServing:
      return "serving";
    case Alias::kPrevious:
      return "previous";
    case Alias::kCandidate:
      return "candidate";
  }
  return "";
}

fs::path ModelStore::FolderOf(const std::string& stream) const {
  return root_ / FolderName(stream);
}

Result<ModelStore> ModelStore::Open(const fs::path& root) {
  std::error_code code;
  fs::create_directories(root, code);
  if (code) {
    return Error{ErrorCode::kFailed, root.string() + ": cannot create: " + code.message()};
  }
  for (const std::string& stream : NamesIn(root)) {
    for (const std::string& name : NamesIn(root / stream)) {
      if (name.starts_with(kAside)) fs::remove_all(root / stream / name, code);
    }
  }
  return ModelStore(root);
}

Result<ModelStore> ModelStore::OpenToRead(const fs::path& root) {
  std::error_code code;
  if (!fs::is_directory(root, code)) {
    return Error{ErrorCode::kNotFound, root.string() + ": found no folder, expected one of models"};
  }
  return ModelStore(root);
}

Result<std::int64_t> ModelStore::Publish(Manifest manifest,
                                         const std::function<Status(const fs::path&)>& write) {
  const fs::path folder = FolderOf(manifest.stream);
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) {
    return Error{ErrorCode::kFailed, folder.string() + ": cannot create: " + code.message()};
  }
  manifest.sha256.clear();
  if (manifest.version == 0) {
    // Damaged ones count: a number is never used twice.
    const std::vector<std::int64_t> numbers = NumbersIn(folder);
    manifest.version = numbers.empty() ? 1 : numbers.back() + 1;
  }
  const fs::path aside = NewAside(folder);
  const auto publish = [&]() -> Status {
    EKYA_RETURN_IF_ERROR(write(aside));
    for (const std::string& name : NamesIn(aside)) {
      EKYA_ASSIGN(const std::string content, ReadFile(aside / name, kMostBytes));
      manifest.sha256[name] = internal::Sha256(content);
    }
    // Written last: a folder with a manifest was whole once.
    EKYA_RETURN_IF_ERROR(WriteFileAtomically(aside / kManifestName, WriteManifest(manifest)));
    const fs::path final = folder / std::to_string(manifest.version);
    fs::rename(aside, final, code);
    if (code) {
      return Error{ErrorCode::kFailed, final.string() + ": cannot publish: " + code.message()};
    }
    SyncFolder(folder);
    return {};
  };
  if (const Status published = publish(); !published.ok()) {
    fs::remove_all(aside, code);
    return published.error();
  }
  return manifest.version;
}

Status ModelStore::Point(const std::string& stream, Alias alias, std::int64_t version) {
  const fs::path folder = FolderOf(stream);
  std::error_code code;
  if (!fs::is_directory(folder / std::to_string(version), code)) return NoVersion(stream, version);
  const auto link = [&](Alias name, std::int64_t target) -> Status {
    const fs::path aside = NewAside(folder);
    fs::create_directory_symlink(std::to_string(target), aside, code);
    if (!code) fs::rename(aside, folder / Name(name), code);
    if (code) {
      std::error_code ignored;
      fs::remove(aside, ignored);
      return Error{ErrorCode::kFailed, (folder / Name(name)).string() +
                                           ": cannot point at version " + std::to_string(target) +
                                           ": " + code.message()};
    }
    return {};
  };
  const std::int64_t served = Pointed(stream, Alias::kServing);
  if (alias == Alias::kServing && served != 0 && served != version) {
    EKYA_RETURN_IF_ERROR(link(Alias::kPrevious, served));
  }
  EKYA_RETURN_IF_ERROR(link(alias, version));
  SyncFolder(folder);
  return {};
}

std::int64_t ModelStore::Pointed(const std::string& stream, Alias alias) const {
  std::error_code code;
  const fs::path target = fs::read_symlink(FolderOf(stream) / Name(alias), code);
  return code || target.empty() ? 0 : VersionOf(target.string());
}

std::vector<std::string> ModelStore::Streams() const {
  std::vector<std::string> streams;
  for (const std::string& name : NamesIn(root_)) {
    std::string stream = StreamName(name);
    if (!name.starts_with('.') && !Versions(stream).empty()) streams.push_back(std::move(stream));
  }
  std::ranges::sort(streams);
  return streams;
}

std::vector<std::int64_t> ModelStore::Versions(const std::string& stream) const {
  std::vector<std::int64_t> versions = NumbersIn(FolderOf(stream));
  std::erase_if(versions, [&](std::int64_t version) { return !Describe(stream, version).ok(); });
  return versions;
}

Result<Manifest> ModelStore::Describe(const std::string& stream, std::int64_t version) const {
  const fs::path path = FolderOf(stream) / std::to_string(version) / kManifestName;
  const auto text = ReadFile(path, kMaxJsonBytes);
  if (!text.ok()) {
    return text.error().code == ErrorCode::kNotFound ? NoVersion(stream, version) : text.error();
  }
  EKYA_ASSIGN(Manifest manifest, ReadManifest(*text, path.string()));
  if (manifest.stream != stream || manifest.version != version) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: found version {} of stream {}, expected version {} of {}",
                             path.string(), manifest.version, manifest.stream, version, stream)};
  }
  return manifest;
}

Result<StoredModel> ModelStore::Load(const std::string& stream, std::int64_t version) const {
  StoredModel model;
  EKYA_ASSIGN(model.manifest, Describe(stream, version));
  model.folder = FolderOf(stream) / std::to_string(version);
  if (!model.manifest.sha256.contains("weights.safetensors")) {
    return Error{ErrorCode::kInvalid, (model.folder / kManifestName).string() +
                                          ": sha256: found no weights.safetensors, expected one"};
  }
  for (const auto& [name, digest] : model.manifest.sha256) {
    EKYA_ASSIGN(const std::string content, ReadFile(model.folder / name, kMostBytes));
    const std::string found = internal::Sha256(content);
    if (found != digest) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: damaged: found the SHA-256 {}, expected {}",
                               (model.folder / name).string(), found, digest)};
    }
  }
  return model;
}

Status ModelStore::Decide(const std::string& stream, std::int64_t version, Verdict verdict,
                          const std::string& reason) {
  EKYA_ASSIGN(Manifest manifest, Describe(stream, version));
  manifest.verdict = verdict;
  manifest.reason = reason;
  return WriteFileAtomically(FolderOf(stream) / std::to_string(version) / kManifestName,
                             WriteManifest(manifest));
}

Result<StoredModel> ModelStore::LoadNewest(
    const std::string& stream, const std::function<void(const Error&)>& passed_over) const {
  std::set<std::int64_t> seen;
  const auto load = [&](std::int64_t version) -> Result<StoredModel> {
    auto model = Load(stream, version);
    if (!model.ok() && seen.insert(version).second) passed_over(model.error());
    return model;
  };
  for (const Alias alias : {Alias::kServing, Alias::kPrevious}) {
    const std::int64_t version = Pointed(stream, alias);
    if (version == 0) continue;
    auto model = load(version);
    if (model.ok() && model->manifest.verdict != Verdict::kQuarantined) return model;
  }
  const std::vector<std::int64_t> numbers = NumbersIn(FolderOf(stream));
  for (auto version = numbers.rbegin(); version != numbers.rend(); ++version) {
    auto model = load(*version);
    if (!model.ok()) continue;
    // What nobody has judged, or the gate refused, is no model to fall back on.
    const Verdict verdict = model->manifest.verdict;
    if (verdict == Verdict::kPromoted || verdict == Verdict::kFirst) return model;
  }
  return Error{ErrorCode::kNotFound,
               fmt::format("{}: stream {}: found no whole model version", root_.string(), stream)};
}

std::uint64_t ModelStore::Reap(const std::string& stream, int keep,
                               const std::vector<std::int64_t>& kept, std::uint64_t enough) {
  const fs::path folder = FolderOf(stream);
  const std::vector<std::int64_t> numbers = NumbersIn(folder);
  std::set<std::int64_t> stay(kept.begin(), kept.end());
  for (const Alias alias : kAliases) stay.insert(Pointed(stream, alias));
  // The newest stays whatever `keep` says: the next number comes from it.
  const auto newest = std::min(numbers.size(), static_cast<std::size_t>(std::max(keep, 1)));
  stay.insert(numbers.end() - static_cast<std::ptrdiff_t>(newest), numbers.end());
  std::uint64_t freed = 0;
  for (const std::int64_t version : numbers) {
    if (freed >= enough) break;
    if (stay.contains(version)) continue;
    const fs::path gone = folder / std::to_string(version);
    freed += BytesIn(gone);
    RemoveVersion(gone);
  }
  return freed;
}

std::uint64_t ModelStore::Bytes() const { return BytesIn(root_); }

}  // namespace ekya::registry
